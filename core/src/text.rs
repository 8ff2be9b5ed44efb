//! Texts and JSON piece by piece, without `core::fmt` and without floats.

use crate::format::{print, print_number};

/// Where pieces of text go.
pub(crate) struct Text<'o> {
    out: &'o mut dyn FnMut(&[u8]),
    /// Letters since the line began.
    column: usize,
}

impl<'o> Text<'o> {
    pub fn new(out: &'o mut dyn FnMut(&[u8])) -> Text<'o> {
        Text { out, column: 0 }
    }

    // A copy of its loop in each of a thousand places would be a third of a lab that is built to be fast.
    #[inline(never)]
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        for byte in bytes {
            self.column = match byte {
                b'\n' => 0,
                // UTF-8 goes on.
                0x80..0xC0 => self.column,
                _ => self.column + 1,
            };
        }
        (self.out)(bytes);
        self
    }

    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    #[inline(never)]
    pub fn number(&mut self, number: u64) -> &mut Self {
        print_number(number, &mut |piece| _ = self.bytes(piece));
        self
    }

    /// A number with a blank before each three digits: `1 035`.
    #[cfg(feature = "sim")]
    pub fn grouped(&mut self, number: u64) -> &mut Self {
        if number < 1_000 {
            return self.number(number);
        }
        let rest = number % 1_000;
        self.grouped(number / 1_000).text(" ");
        self.number(rest / 100).number(rest / 10 % 10).number(rest % 10)
    }

    /// A duration as policies write it: exactly.
    pub fn duration(&mut self, micros: u64) -> &mut Self {
        print(micros, &mut |piece| _ = self.bytes(piece));
        self
    }

    /// A duration exactly and as a person would write it: `389.211ms`, `1.5s`, `2m`. Policies may be written so.
    pub fn exact(&mut self, micros: u64) -> &mut Self {
        match micros {
            0 => self.text("0s"),
            _ if micros.is_multiple_of(60_000_000) => self.duration(micros),
            1..1_000 => self.number(micros).text("us"),
            1_000..1_000_000 => self.decimal(micros, 3).text("ms"),
            _ => self.decimal(micros, 6).text("s"),
        }
    }

    /// Blanks up to a column; one at least.
    pub fn to(&mut self, column: usize) -> &mut Self {
        self.text(" ");
        while self.column < column {
            self.text(" ");
        }
        self
    }

    /// `number` / 10^`places`, without zeros at its end.
    pub fn decimal(&mut self, number: u64, places: u32) -> &mut Self {
        let unit = 10_u64.saturating_pow(places).max(1);
        self.number(number / unit);
        let mut rest = number % unit;
        if rest != 0 {
            self.text(".");
        }
        let mut place = unit;
        while rest != 0 && place > 1 {
            place /= 10;
            self.number(rest / place.max(1));
            rest %= place.max(1);
        }
        self
    }

    /// A count in millionths, to three digits: `1.11`, `12.4`, `125`.
    pub fn count(&mut self, millionths: u64) -> &mut Self {
        self.decimal(three_digits(millionths, 10_000), 6)
    }

    /// Billionths as a percentage, with as many digits as tell it from 0 and 100: `27.1 %`, `99.95 %`.
    pub fn percent(&mut self, billionths: u64) -> &mut Self {
        let rare = billionths.min(BILLION.saturating_sub(billionths));
        // Two digits of the rarer of the two outcomes; one place at least.
        let mut unit = 1_000_000;
        while unit > 1 && rare / 10 < unit && !rare.is_multiple_of(unit) {
            unit /= 10;
        }
        self.decimal((billionths + unit / 2) / unit.max(1) * unit, 7).text(" %")
    }

    /// Microseconds for a reader, to three digits: `12.4 s`, `150 ms`.
    pub fn time(&mut self, micros: u64) -> &mut Self {
        let rounded = three_digits(micros, 1);
        match rounded {
            0 => self.text("0 s"),
            1..1_000 => self.number(rounded).text(" us"),
            1_000..1_000_000 => self.decimal(rounded, 3).text(" ms"),
            1_000_000..120_000_000 => self.decimal(rounded, 6).text(" s"),
            120_000_000..7_200_000_000 => self.decimal(micros.saturating_add(3_000_000) / 6_000_000, 1).text(" min"),
            _ => self.decimal(micros.saturating_add(180_000_000) / 360_000_000, 1).text(" h"),
        }
    }

    /// A number, or null.
    pub fn or_null(&mut self, number: Option<u64>) -> &mut Self {
        match number {
            Some(number) => self.number(number),
            None => self.text("null"),
        }
    }
}

/// Rounded to three digits, but not to more than `unit`.
fn three_digits(number: u64, least: u64) -> u64 {
    let mut unit = least;
    while number / 1_000 >= unit {
        unit = unit.saturating_mul(10);
    }
    (number.saturating_add(unit / 2)) / unit.max(1) * unit
}

/// What stands before a letter of ASCII, and what follows it.
pub(crate) fn cut(text: &str, letter: u8) -> (&str, Option<&str>) {
    let place = text.bytes().position(|byte| byte == letter);
    match place.and_then(|place| Some((text.get(..place)?, text.get(place + 1..)?))) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

const BILLION: u64 = 1_000_000_000;
