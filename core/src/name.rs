//! The name of what calls share: a budget.

use crate::format::Mistake;

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
