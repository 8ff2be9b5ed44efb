//! Decimal text to integers, exactly: no float is parsed or printed anywhere in the core.

/// A decimal number times a power of ten, as an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scaled {
    /// Floored; saturates.
    pub value: u64,
    /// Nothing was lost below the unit.
    pub exact: bool,
    pub negative: bool,
}

/// `1*DIGIT` or `1*DIGIT.1*DIGIT` × 10^`places`: no sign, no exponent.
pub(crate) fn plain(text: &[u8], places: i32) -> Option<Scaled> {
    if text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') { scaled(text, places) } else { None }
}

/// `1*DIGIT`; saturates.
pub(crate) fn digits(text: &[u8]) -> Option<u64> {
    if text.iter().all(u8::is_ascii_digit) { scaled(text, 0).map(|number| number.value) } else { None }
}

/// `text` × 10^`places`. None if it is no finite number: `NaN`, `Infinity`, or no number at all.
#[inline(never)]
pub(crate) fn scaled(text: &[u8], places: i32) -> Option<Scaled> {
    let negative = text.first() == Some(&b'-');
    let mut rest = if negative { text.get(1..)? } else { text };
    let (mut value, mut power) = (0_u64, places);
    let (mut too_many, mut zeros) = (0, 0);
    let mut has_point = false;
    // A number neither begins nor ends with a point.
    let mut before = b'.';
    while let [byte, tail @ ..] = rest {
        match byte {
            b'0'..=b'9' => {
                if value < u64::MAX / 10 - 1 {
                    value = value * 10 + u64::from(byte - b'0');
                } else {
                    too_many += 1;
                }
                zeros = if *byte == b'0' { zeros + 1 } else { 0 };
                power -= i32::from(has_point);
            }
            b'.' if !has_point && before != b'.' => has_point = true,
            b'e' | b'E' => {
                power += exponent(tail)?;
                break;
            }
            _ => return None,
        }
        before = *byte;
        rest = tail;
    }
    if before == b'.' {
        return None;
    }
    let exact = value == 0 || power + zeros >= 0;
    power += too_many;
    while power < 0 && value != 0 {
        value /= 10;
        power += 1;
    }
    while power > 0 && value != 0 && value != u64::MAX {
        value = value.saturating_mul(10);
        power -= 1;
    }
    Some(Scaled { value, exact, negative: negative && !(value == 0 && exact) })
}

/// What stands after an `e`.
fn exponent(text: &[u8]) -> Option<i32> {
    let number = text.strip_prefix(b"+").or(text.strip_prefix(b"-")).unwrap_or(text);
    let size = digits(number)?.min(1_000_000) as i32;
    Some(if text.first() == Some(&b'-') { -size } else { size })
}
