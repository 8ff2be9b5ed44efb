//! Rules: what codes mean for one policy. They come before the tables.

use crate::bounds::{RULES_LEN, RULES_TEXT};
use crate::classify::identity;
use crate::failure::{Class, Code, Domain, Failure, Sent};

/// The rules of a policy with their texts, in fixed room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    list: [Rule; RULES_LEN],
    len: u8,
    text: [u8; RULES_TEXT],
    text_len: u16,
}

/// One rule. A missing part matches everything, or changes nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    pub domain: Option<Domain>,
    pub matches: Match,
    pub body_contains: Span,
    pub class: Option<Class>,
    pub sent: Option<Sent>,
}

/// The codes a rule names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    Any,
    Number(i32),
    Range(u32, u32),
    Name(Span),
}

/// A text of the rules.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    start: u16,
    len: u16,
}

impl Span {
    pub const EMPTY: Span = Span { start: 0, len: 0 };

    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

impl Rule {
    pub const EMPTY: Rule =
        Rule { domain: None, matches: Match::Any, body_contains: Span::EMPTY, class: None, sent: None };
}

impl Rules {
    pub const EMPTY: Rules = Rules { list: [Rule::EMPTY; RULES_LEN], len: 0, text: [0; RULES_TEXT], text_len: 0 };

    pub fn as_slice(&self) -> &[Rule] {
        self.list.get(..usize::from(self.len)).unwrap_or(&[])
    }

    /// False when there is no room.
    pub fn push(&mut self, rule: Rule) -> bool {
        match self.list.get_mut(usize::from(self.len)) {
            Some(place) => {
                *place = rule;
                self.len += 1;
                true
            }
            None => false,
        }
    }

    /// Keeps a text. None when there is no room.
    pub fn keep(&mut self, text: &[u8]) -> Option<Span> {
        let start = usize::from(self.text_len);
        let end = start.checked_add(text.len())?;
        let place = self.text.get_mut(start..end)?;
        for (to, from) in place.iter_mut().zip(text) {
            *to = *from;
        }
        self.text_len = end as u16;
        Some(Span { start: start as u16, len: text.len() as u16 })
    }

    pub fn text(&self, span: Span) -> &[u8] {
        let start = usize::from(span.start);
        self.text.get(start..start + usize::from(span.len)).unwrap_or(&[])
    }

    /// Whether any rule wants to see the body.
    pub fn need_body(&self) -> bool {
        self.as_slice().iter().any(|rule| !rule.body_contains.is_empty())
    }

    /// The first rule that fits.
    pub fn find(&self, failure: &Failure) -> Option<&Rule> {
        self.as_slice().iter().find(|rule| self.fits(rule, failure))
    }

    fn fits(&self, rule: &Rule, failure: &Failure) -> bool {
        rule.domain.is_none_or(|domain| domain == failure.domain)
            && self.names(rule.matches, failure)
            && (rule.body_contains.is_empty() || contains(failure.body, self.text(rule.body_contains)))
    }

    fn names(&self, matches: Match, failure: &Failure) -> bool {
        match (matches, failure.code) {
            (Match::Any, _) => true,
            (Match::Range(low, high), Code::Number(code)) => i64::from(low) <= code && code <= i64::from(high),
            (Match::Range(..), Code::None | Code::Name(_)) => false,
            (Match::Name(name), code) => is_same(failure.domain, Code::Name(self.text(name)), code),
            (Match::Number(number), code) => is_same(failure.domain, Code::Number(number.into()), code),
        }
    }
}

/// Whether two codes are one: equal, or two spellings of one row, as ECONNRESET and 104.
fn is_same(domain: Domain, wanted: Code, code: Code) -> bool {
    wanted == code || identity(domain, wanted).is_some_and(|row| identity(domain, code) == Some(row))
}

fn contains(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len().max(1)).any(|piece| piece == wanted)
}
