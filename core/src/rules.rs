//! Rules: what codes mean for one policy. They come before the tables.

use crate::bounds::{RULES_LEN, RULES_TEXT};
use crate::classify::is_same;
use crate::failure::{Class, Code, Failure, Sent};
use crate::format::Mistake;
use crate::settings::{ABSENT, IN_RULE, RULE_BODY, RULE_CLASS, RULE_CODE, RULE_DOMAIN, RULE_SENT};

/// The rules of a policy with their texts, in fixed room.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    list: [Rule; RULES_LEN],
    len: usize,
    text: [u8; RULES_TEXT],
    text_len: usize,
}

/// One rule, in the places of `settings`. What is absent matches everything, or changes nothing.
pub(crate) type Rule = [u64; IN_RULE];

/// What a rule names, packed into 64 bits so that a rule is settings like others.
#[derive(Clone, Copy)]
pub(crate) enum Match<'r> {
    Number(i32),
    Range(u32, u32),
    Text(&'r [u8]),
}

/// A number, in its 32 bits.
pub(crate) fn pack_number(number: i32) -> u64 {
    u64::from(number as u32)
}

/// A range; its bounds are below 2^31.
pub(crate) fn pack_range(low: u32, high: u32) -> u64 {
    A_RANGE | u64::from(low) << 31 | u64::from(high)
}

impl Rules {
    pub const EMPTY: Rules = Rules { list: [[0; IN_RULE]; RULES_LEN], len: 0, text: [0; RULES_TEXT], text_len: 0 };

    pub fn as_slice(&self) -> &[Rule] {
        self.list.get(..self.len).unwrap_or(&[])
    }

    pub fn push(&mut self, rule: Rule) {
        if let Some(place) = self.list.get_mut(self.len) {
            *place = rule;
            self.len += 1;
        }
    }

    /// Keeps a text and gives it packed.
    pub fn keep(&mut self, text: &[u8]) -> Result<u64, Mistake> {
        let start = self.text_len;
        let end = start + text.len();
        let place = self.text.get_mut(start..end).ok_or(Mistake::TextTooLong)?;
        if text.is_empty() {
            return Err(Mistake::EmptyText);
        }
        for (to, from) in place.iter_mut().zip(text) {
            *to = *from;
        }
        self.text_len = end;
        Ok(A_TEXT | (start as u64) << 31 | end as u64)
    }

    pub fn unpack(&self, packed: u64) -> Match<'_> {
        let (low, high) = (packed >> 31 & BELOW_2_31, packed & BELOW_2_31);
        match packed & (A_RANGE | A_TEXT) {
            A_RANGE => Match::Range(low as u32, high as u32),
            A_TEXT => Match::Text(self.text.get(low as usize..high as usize).unwrap_or(&[])),
            _ => Match::Number(packed as i32),
        }
    }

    /// Whether any rule wants to see the body.
    pub fn need_body(&self) -> bool {
        self.as_slice().iter().any(|rule| rule[RULE_BODY] != ABSENT)
    }

    /// The class and the `sent` that the first rule that fits gives.
    pub fn find(&self, failure: &Failure) -> (Option<Class>, Option<Sent>) {
        match self.as_slice().iter().find(|rule| self.fits(rule, failure)) {
            Some(rule) => (Class::from_number(rule[RULE_CLASS] as u32), Sent::from_number(rule[RULE_SENT] as u32)),
            None => (None, None),
        }
    }

    pub fn fits(&self, rule: &Rule, failure: &Failure) -> bool {
        let (code, body) = (rule[RULE_CODE], rule[RULE_BODY]);
        let fits_code = code == ABSENT || (rule[RULE_DOMAIN] == failure.domain as u64 && self.names(code, failure));
        fits_code
            && match self.unpack(body) {
                _ if body == ABSENT => true,
                Match::Text(wanted) => contains(failure.body, wanted),
                Match::Number(_) | Match::Range(..) => false,
            }
    }

    fn names(&self, packed: u64, failure: &Failure) -> bool {
        let wanted = match self.unpack(packed) {
            Match::Range(low, high) => {
                return matches!(failure.code, Code::Number(code) if i64::from(low) <= code && code <= i64::from(high));
            }
            Match::Number(number) => Code::Number(number.into()),
            Match::Text(name) => Code::Name(name),
        };
        is_same(failure.domain, wanted, failure.code)
    }
}

/// Equal rules may keep their texts in another order.
impl PartialEq for Rules {
    fn eq(&self, other: &Rules) -> bool {
        let same = |one: u64, two: u64| match (self.unpack(one), other.unpack(two)) {
            (Match::Text(one), Match::Text(two)) => one == two,
            _ => one == two,
        };
        self.len == other.len
            && self
                .as_slice()
                .iter()
                .flatten()
                .zip(other.as_slice().iter().flatten())
                .all(|(one, two)| same(*one, *two))
    }
}

impl Eq for Rules {}

fn contains(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len().max(1)).any(|piece| piece == wanted)
}

const A_RANGE: u64 = 1 << 62;
const A_TEXT: u64 = 1 << 63;
const BELOW_2_31: u64 = (1 << 31) - 1;
