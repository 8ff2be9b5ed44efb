//! Durations as text: `250ms`, `1.5s`, `2m`.

use crate::decimal::{Scaled, plain};
use crate::words::{self, Parts};

/// The units, largest first, and their lengths in microseconds.
const UNITS: &str = "h m s ms us ";
const LENGTHS: [u64; 5] = [3_600_000_000, 60_000_000, SECOND, 1_000, 1];
const SECOND: u64 = 1_000_000;

/// Text with a unit, in microseconds. None if it has no unit or no number.
pub(crate) fn parse(text: &[u8]) -> Option<Scaled> {
    let mut lengths = LENGTHS.iter();
    Parts::words(UNITS).find_map(|unit| {
        // A small number and a power of ten, so that the fraction is cut where it has to be.
        let (mut multiple, mut places) = (*lengths.next()?, 0);
        while multiple % 10 == 0 {
            multiple /= 10;
            places += 1;
        }
        let scaled = plain(text.strip_suffix(unit.as_bytes())?, places)?;
        Some(Scaled { value: scaled.value.saturating_mul(multiple), ..scaled })
    })
}

/// The largest unit that divides exactly: `45s`, `2m`, `1500ms`, `0s`.
pub(crate) fn print(micros: u64, out: &mut dyn FnMut(&[u8])) {
    let fits = |length: &u64| micros.is_multiple_of(*length) && (micros != 0 || *length == SECOND);
    let at = LENGTHS.iter().position(fits).unwrap_or(0);
    print_number(LENGTHS.get(at).map_or(0, |length| micros / length), out);
    out(words::nth(UNITS, at).as_bytes());
}

/// Decimal digits, without `core::fmt`.
pub(crate) fn print_number(number: u64, out: &mut dyn FnMut(&[u8])) {
    if number >= 10 {
        print_number(number / 10, out);
    }
    out(&[b'0' + (number % 10) as u8]);
}

/// A number of millionths, in its shortest form: `2`, `1.5`, `0.2`.
pub(crate) fn print_millionths(number: u64, out: &mut dyn FnMut(&[u8])) {
    print_number(number / MILLION, out);
    let mut rest = number % MILLION;
    if rest != 0 {
        out(b".");
    }
    while rest != 0 {
        rest *= 10;
        print_number(rest / MILLION, out);
        rest %= MILLION;
    }
}

const MILLION: u64 = 1_000_000;
