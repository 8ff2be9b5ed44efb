//! Durations as text: `250ms`, `1.5s`, `2m`.

use crate::decimal::{Scaled, scaled};

/// The units, largest first, each with its length in microseconds as `multiple` × 10^`places`.
const UNITS: [Unit; 5] = [
    Unit { name: "h", multiple: 36, places: 8, micros: 3_600_000_000 },
    Unit { name: "m", multiple: 6, places: 7, micros: 60_000_000 },
    Unit { name: "s", multiple: 1, places: 6, micros: 1_000_000 },
    Unit { name: "ms", multiple: 1, places: 3, micros: 1_000 },
    Unit { name: "us", multiple: 1, places: 0, micros: 1 },
];

struct Unit {
    name: &'static str,
    multiple: u64,
    places: u8,
    micros: u64,
}

/// Text with a unit, in microseconds. None if it has no unit or no number.
pub(crate) fn parse(text: &[u8]) -> Option<Scaled> {
    let start = text.iter().rposition(|byte| !byte.is_ascii_lowercase())? + 1;
    let (number, unit) = text.split_at_checked(start)?;
    if !number.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') {
        return None;
    }
    let unit = UNITS.iter().find(|known| known.name.as_bytes() == unit)?;
    let scaled = scaled(number, unit.places)?;
    Some(Scaled { value: scaled.value.saturating_mul(unit.multiple), ..scaled })
}

/// The largest unit that divides exactly: `45s`, `2m`, `1500ms`, `0s`.
pub(crate) fn print(micros: u64, out: &mut dyn FnMut(&[u8])) {
    if micros == 0 {
        return out(b"0s");
    }
    for unit in &UNITS {
        if micros % unit.micros == 0 {
            print_number(micros / unit.micros, out);
            return out(unit.name.as_bytes());
        }
    }
}

/// Decimal digits, without `core::fmt`.
pub(crate) fn print_number(number: u64, out: &mut dyn FnMut(&[u8])) {
    if number >= 10 {
        print_number(number / 10, out);
    }
    out(&[b'0' + (number % 10) as u8]);
}

/// A number of millionths, in its shortest form: `2`, `1.5`, `0.2`.
pub(crate) fn print_millionths(number: u32, out: &mut dyn FnMut(&[u8])) {
    print_number(u64::from(number / 1_000_000), out);
    let mut rest = number % 1_000_000;
    if rest != 0 {
        out(b".");
    }
    while rest != 0 {
        rest *= 10;
        out(&[b'0' + (rest / 1_000_000) as u8]);
        rest %= 1_000_000;
    }
}
