//! Decimal text to integers, exactly: no float is parsed or printed anywhere in the core.

/// A decimal number times a power of ten, as an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scaled {
    /// Floored; `u64::MAX` when larger than that.
    pub value: u64,
    /// Nothing was lost below the unit.
    pub exact: bool,
    pub negative: bool,
}

/// `text` × 10^`places`. None if it is no finite number: `NaN`, `Infinity`, or no number at all.
pub(crate) fn scaled(text: &[u8], places: u8) -> Option<Scaled> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let (digits, exponent) = match text.iter().position(|&byte| byte | 0x20 == b'e') {
        Some(at) => {
            let (digits, tail) = text.split_at_checked(at)?;
            (digits, exponent(tail.get(1..)?)?)
        }
        None => (text, 0),
    };
    let point = digits.iter().position(|&byte| byte == b'.').unwrap_or(digits.len());
    if point == 0 || point + 1 == digits.len() {
        return None;
    }
    let mut left = point as i64 + exponent + i64::from(places);
    let mut value = 0_u64;
    let mut exact = true;
    for (at, &byte) in digits.iter().enumerate() {
        if at == point {
            continue;
        }
        let digit = u64::from(byte.wrapping_sub(b'0'));
        if digit > 9 {
            return None;
        }
        if left > 0 {
            value = value.saturating_mul(10).saturating_add(digit);
        } else if digit != 0 {
            exact = false;
        }
        left -= 1;
    }
    while left > 0 && value != 0 && value != u64::MAX {
        value = value.saturating_mul(10);
        left -= 1;
    }
    Some(Scaled { value, exact, negative: negative && !(value == 0 && exact) })
}

fn exponent(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        _ => (1, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_i64;
    for &byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = (value * 10 + i64::from(byte - b'0')).min(1_000_000);
    }
    Some(sign * value)
}
