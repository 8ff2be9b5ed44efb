//! HTTP dates in their three forms. Source: RFC 9110 5.6.7.

use crate::words::Parts;

/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`. A letter stands for
/// the part that [`parse_as`] makes of it, everything else for itself.
const FORMS: &str = "W, D B Y h:m:s GMT\nL, D-B-y h:m:s GMT\nW B d h:m:s Y";

/// Microseconds since 1970. `now`, in the same unit, gives the century of a two-digit year: one more than 50 years ahead
/// means the century before.
pub(crate) fn parse(text: &[u8], now: Option<u64>) -> Option<u64> {
    Parts::lines(FORMS).find_map(|form| parse_as(form, text, now))
}

fn parse_as(form: &str, text: &[u8], now: Option<u64>) -> Option<u64> {
    let mut cursor = Cursor { rest: text, is_broken: false };
    let (mut year, mut month, mut day, mut time) = (0, 0, 0, 0);
    for part in form.bytes() {
        match part {
            b'W' => _ = cursor.name(DAYS, 3),
            b'L' => _ = cursor.name(DAYS, usize::MAX),
            b'B' => month = cursor.name(MONTHS, 3),
            b'D' => day = cursor.number(2, 31),
            b'd' => {
                let digits = if cursor.rest.first() == Some(&b' ') { 1 } else { 2 };
                cursor.rest = cursor.rest.get(2 - digits..)?;
                day = cursor.number(digits, 31);
            }
            b'Y' => year = cursor.number(4, 9999),
            b'y' => {
                let this_year = year_of(now?);
                year = this_year - this_year % 100 + cursor.number(2, 99);
                if year > this_year + 50 {
                    year -= 100;
                }
            }
            b'h' => time = cursor.number(2, 23),
            b'm' => time = time * 60 + cursor.number(2, 59),
            // 60 is a leap second.
            b's' => time = time * 60 + cursor.number(2, 60),
            _ => cursor.literal(&[part]),
        }
    }
    let length = match month {
        1 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    };
    if cursor.is_broken || !cursor.rest.is_empty() || day == 0 || day > length {
        return None;
    }
    let days = if year < 1970 { return Some(0) } else { days_before(year, month) + day - 1 };
    Some((days * DAY + time) * SECOND)
}

/// Goes through a text part by part; what does not fit breaks it, and answers 0.
struct Cursor<'a> {
    rest: &'a [u8],
    is_broken: bool,
}

impl Cursor<'_> {
    fn literal(&mut self, literal: &[u8]) {
        match self.rest.strip_prefix(literal) {
            Some(rest) => self.rest = rest,
            None => self.is_broken = true,
        }
    }

    /// The place of the name that comes next, from 0. No more than `letters` of it are written.
    fn name(&mut self, names: &'static str, letters: usize) -> u64 {
        for (place, name) in Parts::words(names).enumerate() {
            if let Some(rest) = self.rest.strip_prefix(name.get(..letters).unwrap_or(name).as_bytes()) {
                self.rest = rest;
                return place as u64;
            }
        }
        self.is_broken = true;
        0
    }

    fn number(&mut self, digits: usize, most: u64) -> u64 {
        let mut value = 0;
        for _ in 0..digits {
            match self.rest {
                [byte @ b'0'..=b'9', rest @ ..] => {
                    value = value * 10 + u64::from(byte - b'0');
                    self.rest = rest;
                }
                _ => self.is_broken = true,
            }
        }
        self.is_broken |= value > most;
        value
    }
}

/// Days from 1970 to the first of a month, which counts from 0. Years are taken to begin in March, so that the leap day
/// comes last.
fn days_before(year: u64, month: u64) -> u64 {
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 - 719_468
}

fn year_of(micros: u64) -> u64 {
    let days = micros / (DAY * SECOND);
    let mut year = 1970 + days / 366;
    while days_before(year + 1, 0) <= days {
        year += 1;
    }
    year
}

const SECOND: u64 = 1_000_000;
const DAY: u64 = 86_400;
const DAYS: &str = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday ";
const MONTHS: &str = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";
