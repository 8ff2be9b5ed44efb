//! Scalars to the core's values and back.

use undaunted::{Classification, Code, Decision, Domain, Failure, Notation, Phase, Verdict};

use crate::area::Input;

/// A number of the host; what is not one, or negative, is 0.
pub fn number(value: f64) -> u64 {
    value as u64
}

/// Microseconds, negative for none.
pub fn micros(value: f64) -> Option<u64> {
    (value >= 0.0).then(|| number(value))
}

/// The other way.
pub fn or_minus_one(value: Option<u64>) -> f64 {
    value.map_or(-1.0, |value| value as f64)
}

/// A 64-bit word from its halves.
pub fn pair(high: u32, low: u32) -> u64 {
    (u64::from(high) << 32) | u64::from(low)
}

/// 0 JSON, 1 Python, 2 JavaScript.
pub fn notation(number: u32) -> Notation {
    match number {
        0 => Notation::Json,
        1 => Notation::Python,
        _ => Notation::JavaScript,
    }
}

/// The first flag.
pub fn phase(flags: u32) -> Phase {
    if flags & 1 == 0 { Phase::Unknown } else { Phase::Connect }
}

/// A failure as `failed` is told it, its texts from the input area.
#[allow(clippy::too_many_arguments)]
pub fn failure(
    domain: u32,
    code_kind: u32,
    code: f64,
    flags: u32,
    hint: f64,
    name_len: u32,
    method_len: u32,
    body_len: u32,
) -> Failure<'static> {
    let mut input = Input::new();
    let name = input.take(name_len);
    let method = input.take(method_len);
    let body = input.take(body_len);
    let flag = |bit: u32| flags & bit != 0;
    Failure {
        domain: Domain::from_number(domain).unwrap_or_default(),
        code: match code_kind {
            1 => Code::Number(code as i64),
            2 => Code::Name(name),
            _ => Code::None,
        },
        phase: phase(flags),
        method: flag(256).then_some(method),
        idempotency_key: flag(2),
        verdict: Verdict::from_number((flags >> 2) & 3).unwrap_or_default(),
        wait: None,
        hint: micros(hint),
        should_retry: flag(16).then_some(flag(32)),
        body,
        cancelled: flag(64),
        nested: flag(128),
    }
}

/// The first number, and everything else packed.
pub fn decision(decision: Decision) -> (f64, u32) {
    let (value, reason, class, sent, last, warning) = match decision {
        Decision::Retry { delay, class, sent, last, nested_warning } => {
            (delay as f64, 0, class, sent, last, nested_warning)
        }
        Decision::GiveUp { reason, hint, class, sent } => {
            (or_minus_one(hint), reason as u32, class, sent, false, false)
        }
    };
    let flags = u32::from(last) << 9 | u32::from(warning) << 10;
    (value, reason | (class as u32) << 4 | (sent as u32) << 7 | flags)
}

/// What the tables say, packed.
pub fn classification(found: Classification) -> u32 {
    found.class as u32
        | (found.sent as u32) << 3
        | (found.condition as u32) << 5
        | u32::from(found.is_known) << 8
        | u32::from(found.is_retried) << 9
}

/// The hint of the header fields in the input area, and everything else packed.
pub fn hint(len: u32, now: Option<u64>) -> (f64, u32) {
    let hint = undaunted::hint::read(Fields(Input::of(len)), now);
    let packed = u32::from(hint.delay.is_some())
        | u32::from(hint.should_retry.is_some()) << 1
        | u32::from(hint.should_retry == Some(true)) << 2
        | u32::from(hint.is_suspicious) << 3;
    (or_minus_one(hint.delay), packed)
}

/// The header fields in the input area.
#[derive(Clone)]
struct Fields(Input);

impl Iterator for Fields {
    type Item = (&'static [u8], &'static [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.take_counted()?, self.0.take_counted()?))
    }
}
