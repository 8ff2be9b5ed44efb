//! Reading one number of a policy: a count, a decimal, a time in any of the notations, or a code.

use super::duration;
use super::mistakes::Mistake;
use super::tape::{MICROS, NUMBER, Node, TEXT};
use crate::bounds::{ATTEMPTS, Bounds, CODE, Unit};
use crate::decimal::{digits, scaled};
use crate::rules::{pack_number, pack_range};

/// How the host writes policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// A policy file: durations are text with a unit, a bare number is refused.
    Json = 0,
    /// Keyword arguments: bare numbers are seconds.
    Python = 1,
    /// An object: bare numbers are milliseconds, and keys may be written in camel case.
    JavaScript = 2,
}

impl Notation {
    /// The notations by number.
    pub const ALL: [Notation; 3] = [Notation::Json, Notation::Python, Notation::JavaScript];
}

/// A number within bounds.
pub(super) fn read(node: Node, bounds: &Bounds, notation: Notation) -> Result<u64, Mistake> {
    let is_time = bounds.unit == Unit::Micros;
    let is_text = node.kind == TEXT;
    let places = match (bounds.unit, notation) {
        _ if node.kind == MICROS => 0,
        (Unit::Version | Unit::Count, _) => 0,
        (Unit::Micros, Notation::JavaScript) => 3,
        (Unit::Millionths | Unit::Micros, _) => 6,
    };
    let number = match node.kind {
        TEXT if is_time => duration::parse(node.content),
        NUMBER if is_time && notation == Notation::Json => return Err(Mistake::BareNumber),
        MICROS if is_time => scaled(node.content, places),
        NUMBER => scaled(node.content, places),
        _ => None,
    };
    let Some(number) = number else {
        return Err(if is_time && is_text { Mistake::BadDuration } else { Mistake::WrongKind });
    };
    let is_in_bounds = !number.negative && number.value >= bounds.least && number.value <= bounds.most;
    match bounds.unit {
        Unit::Version if !number.exact || !is_in_bounds => Err(Mistake::UnsupportedVersion),
        Unit::Count if !number.exact => Err(Mistake::WrongKind),
        Unit::Millionths if !number.exact => Err(Mistake::TooFineDecimal),
        // A bare number with more digits than a microsecond is a float's noise; in text somebody meant it.
        Unit::Micros if !number.exact && is_text => Err(Mistake::TooFineDuration),
        _ if is_in_bounds => Ok(number.value),
        Unit::Count if bounds.most == ATTEMPTS.1 && number.value <= bounds.most => Err(Mistake::NoAttempts),
        _ => Err(Mistake::OutOfRange),
    }
}

/// 64 bits in decimal digits, as a number or as text.
#[cfg(feature = "lab")]
pub(crate) fn word(node: Node) -> Option<u64> {
    let digits = Some(node.content).filter(|digits| matches!(node.kind, NUMBER | TEXT) && !digits.is_empty())?;
    digits.iter().try_fold(0_u64, |word, byte| {
        let digit = byte.is_ascii_digit().then(|| byte & 15)?;
        word.checked_mul(10)?.checked_add(digit.into())
    })
}

/// A code that a rule names: a whole number, negative ones included, or a range as `500-599`. None for other text.
pub(super) fn read_code(node: Node) -> Option<Result<u64, Mistake>> {
    let most = u64::from(CODE.1.unsigned_abs());
    if node.kind == TEXT {
        let dash = node.content.iter().position(|byte| *byte == b'-')?;
        let (low, high) = node.content.split_at_checked(dash)?;
        let (low, high) = (digits(low)?, digits(high.get(1..)?)?);
        let is_range = low <= high && high <= most;
        return Some(if is_range { Ok(pack_range(low as u32, high as u32)) } else { Err(Mistake::BadRange) });
    }
    let number = if node.kind == NUMBER { scaled(node.content, 0).filter(|number| number.exact) } else { None };
    Some(match number {
        None => Err(Mistake::WrongKind),
        Some(number) if number.value > most + u64::from(number.negative) => Err(Mistake::CodeOutOfRange),
        Some(number) => {
            let value = number.value as i32;
            Ok(pack_number(if number.negative { value.wrapping_neg() } else { value }))
        }
    })
}
