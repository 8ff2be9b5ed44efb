//! HTTP dates in their three forms. Source: RFC 9110 5.6.7.

/// Seconds since 1970. `now`, in the same unit, gives the century of a two-digit year: one more than 50 years ahead
/// means the century before.
pub(crate) fn parse(text: &[u8], now: Option<u64>) -> Option<u64> {
    let mut cursor = Cursor { rest: text };
    let seconds = if cursor.name(&LONG_DAYS).is_some() {
        cursor.rfc850(now)?
    } else {
        cursor.name(&DAYS)?;
        if cursor.literal(b", ").is_some() { cursor.imf_fixdate()? } else { cursor.asctime()? }
    };
    if cursor.rest.is_empty() { Some(seconds) } else { None }
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    /// `06 Nov 1994 08:49:37 GMT`
    fn imf_fixdate(&mut self) -> Option<u64> {
        let day = self.number(2)?;
        self.literal(b" ")?;
        let month = self.name(&MONTHS)?;
        self.literal(b" ")?;
        let year = self.number(4)?;
        self.literal(b" ")?;
        let time = self.time()?;
        self.literal(b" GMT")?;
        instant(year, month, day, time)
    }

    /// `, 06-Nov-94 08:49:37 GMT`
    fn rfc850(&mut self, now: Option<u64>) -> Option<u64> {
        self.literal(b", ")?;
        let day = self.number(2)?;
        self.literal(b"-")?;
        let month = self.name(&MONTHS)?;
        self.literal(b"-")?;
        let short_year = self.number(2)?;
        self.literal(b" ")?;
        let time = self.time()?;
        self.literal(b" GMT")?;
        let this_year = year_of(now?);
        let year = this_year - this_year % 100 + short_year;
        instant(if year > this_year + 50 { year - 100 } else { year }, month, day, time)
    }

    /// ` Nov  6 08:49:37 1994`
    fn asctime(&mut self) -> Option<u64> {
        self.literal(b" ")?;
        let month = self.name(&MONTHS)?;
        self.literal(b" ")?;
        let day = if self.literal(b" ").is_some() { self.number(1)? } else { self.number(2)? };
        self.literal(b" ")?;
        let time = self.time()?;
        self.literal(b" ")?;
        instant(self.number(4)?, month, day, time)
    }

    /// `08:49:37`, in seconds; 60 is a leap second.
    fn time(&mut self) -> Option<u64> {
        let hour = self.number(2)?;
        self.literal(b":")?;
        let minute = self.number(2)?;
        self.literal(b":")?;
        let second = self.number(2)?;
        if hour > 23 || minute > 59 || second > 60 { None } else { Some(hour * 3600 + minute * 60 + second) }
    }

    fn literal(&mut self, literal: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(literal)?;
        Some(())
    }

    /// The place of the first name that comes next, from 0.
    fn name(&mut self, names: &[&str]) -> Option<u64> {
        let at = names.iter().position(|name| self.literal(name.as_bytes()).is_some())?;
        Some(at as u64)
    }

    fn number(&mut self, digits: usize) -> Option<u64> {
        let (number, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        number.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u64::from(byte - b'0')))
    }
}

/// Months count from 0. A day that does not exist is no date; a year before 1970 is 1970.
fn instant(year: u64, month: u64, day: u64, time: u64) -> Option<u64> {
    let length = match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    };
    if day == 0 || day > length {
        return None;
    }
    if year < 1970 {
        return Some(0);
    }
    let before_month = DAYS_BEFORE.get(month as usize).copied().unwrap_or(0);
    let leap_day = u64::from(month > 1 && is_leap(year));
    let days = days_before_year(year) - days_before_year(1970) + u64::from(before_month) + leap_day + day - 1;
    Some(days * DAY + time)
}

/// Days from the year 0 of the Gregorian calendar to the year's first.
fn days_before_year(year: u64) -> u64 {
    let past = year - 1;
    year * 365 + past / 4 - past / 100 + past / 400
}

fn is_leap(year: u64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn year_of(seconds: u64) -> u64 {
    let days = (seconds / DAY).min(8_000 * 366);
    let mut year = 1970 + days / 366;
    while days_before_year(year + 1) - days_before_year(1970) <= days {
        year += 1;
    }
    year
}

const DAY: u64 = 86_400;
const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const LONG_DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS_BEFORE: [u16; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
