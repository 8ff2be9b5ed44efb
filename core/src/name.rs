//! The names of what calls share: a budget, a breaker.

use crate::format::{Mistake, Problem, refuse_name};
use crate::policy::Policy;
use crate::settings::{BREAKER, BUDGET, OWN};

/// What policies share by its name.
#[derive(Clone, Copy)]
pub(crate) enum Named {
    Budget,
    Breaker,
}

/// A name in fixed room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name {
    bytes: [u8; LONGEST],
    len: usize,
}

/// The most bytes of a name.
pub(crate) const LONGEST: usize = 64;

impl Name {
    pub const EMPTY: Name = Name { bytes: [0; LONGEST], len: 0 };

    pub fn of(text: &[u8]) -> Result<Name, Mistake> {
        let mut name = Name { len: text.len(), ..Name::EMPTY };
        if text.is_empty() {
            return Err(Mistake::EmptyText);
        }
        if text.len() > LONGEST {
            return Err(Mistake::NameTooLong);
        }
        for (to, from) in name.bytes.iter_mut().zip(text) {
            *to = *from;
        }
        Ok(name)
    }

    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }
}

/// The names that a policy keeps.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Names {
    budget: Name,
    breaker: Name,
}

impl Names {
    pub const EMPTY: Names = Names { budget: Name::EMPTY, breaker: Name::EMPTY };

    pub fn of(&self, what: Named) -> &Name {
        match what {
            Named::Budget => &self.budget,
            Named::Breaker => &self.breaker,
        }
    }

    pub fn keep(&mut self, what: Named, name: Name) {
        match what {
            Named::Budget => self.budget = name,
            Named::Breaker => self.breaker = name,
        }
    }
}

impl Policy {
    /// The name of what the policy shares, if it does.
    pub(crate) fn shares(&self, what: Named) -> Option<&[u8]> {
        self.limit(what.place()).map(|_| self.name(what))
    }

    /// The same where it is known that it does.
    pub(crate) fn name(&self, what: Named) -> &[u8] {
        self.names.of(what).as_slice()
    }

    /// Whether a host can go on that has one of that name with the same options or others, or none. If not, `problem` is
    /// told.
    pub(crate) fn takes(&self, what: Named, has_same: Option<bool>, problem: &mut dyn FnMut(&Problem)) -> bool {
        let (key, missing, other) = match what {
            Named::Budget => ("budget", Mistake::NoBudget, Mistake::OtherBudget),
            Named::Breaker => ("breaker", Mistake::NoBreaker, Mistake::OtherBreaker),
        };
        let mistake = match (has_same, self.limit(what.place())) {
            (_, None) | (None, Some(OWN)) | (Some(true), _) => return true,
            (None, Some(_)) => missing,
            // One that was made elsewhere may be anything.
            (Some(false), Some(OWN)) => other,
            (Some(false), Some(_)) => return true,
        };
        refuse_name(mistake, key, self.name(what), problem);
        false
    }
}

impl Named {
    fn place(self) -> usize {
        match self {
            Named::Budget => BUDGET,
            Named::Breaker => BREAKER,
        }
    }
}
