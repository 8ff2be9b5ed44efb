//! Hints: how long the server asks us to wait, read from a response's headers.
//!
//! Source: RFC 9110 10.2.3 (`Retry-After`), draft-ietf-httpapi-ratelimit-headers, gRPC A6, and the vendors' own headers;
//! SEMANTICS 6.

use crate::date;
use crate::decimal::scaled;

/// The headers that are looked at, in lower case: a host need not hand over any other.
pub const HEADERS: [&str; 11] = [
    "retry-after-ms",
    "x-ms-retry-after-ms",
    "x-amz-retry-after",
    "retry-after",
    "ratelimit",
    "x-ratelimit-reset",
    "x-ratelimit-remaining",
    "grpc-retry-pushback-ms",
    "x-should-retry",
    "stripe-should-retry",
    "date",
];

/// What a response says about coming back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// The wait it asks for, in microseconds, at most 2^53 - 1.
    pub delay: Option<u64>,
    /// Its word on whether to come back at all.
    pub should_retry: Option<bool>,
    /// The number was so large that it was read as an instant.
    pub is_suspicious: bool,
}

/// Reads the headers of a response. Names may be in any letter case; `now` is the host's wall clock in microseconds since
/// 1970, used where the response has no `Date` of its own.
pub fn read<'h, H>(headers: H, now: Option<u64>) -> Hint
where
    H: Iterator<Item = (&'h [u8], &'h [u8])> + Clone,
{
    let response = Response { headers, now };
    let mut hint = response.delay().unwrap_or_default();
    hint.should_retry = response.should_retry();
    hint
}

#[derive(Clone)]
struct Response<H> {
    headers: H,
    now: Option<u64>,
}

impl<'h, H: Iterator<Item = (&'h [u8], &'h [u8])> + Clone> Response<H> {
    fn values(&self, name: &'static str) -> impl Iterator<Item = &'h [u8]> + use<'h, H> {
        let headers = self.headers.clone();
        headers
            .filter(move |(given, _)| given.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value.trim_ascii())
    }

    fn delay(&self) -> Option<Hint> {
        let now = self.clock();
        let vendors = ["retry-after-ms", "x-ms-retry-after-ms", "x-amz-retry-after"];
        let in_ms = vendors
            .iter()
            .find_map(|name| self.values(name).find_map(|value| wait(decimal(value, 3)?, EPOCH_IF_ABOVE, now)));
        in_ms
            .or_else(|| self.values("retry-after").find_map(|value| self.retry_after(value, now)))
            .or_else(|| self.rate_limit(now))
            .or_else(|| self.rate_limit_reset(now))
            .or_else(|| self.values("grpc-retry-pushback-ms").find_map(|value| exact(digits(value, 3)?)))
    }

    /// The instant from which dates count, in microseconds: the response's own, so that a wrong clock does no harm.
    fn clock(&self) -> Option<u64> {
        let own = self.values("date").find_map(|value| self.date(value));
        own.or(self.now)
    }

    fn date(&self, value: &[u8]) -> Option<u64> {
        let seconds = date::parse(value, self.now.map(|now| now / SECOND))?;
        Some(seconds.saturating_mul(SECOND))
    }

    fn retry_after(&self, value: &[u8], now: Option<u64>) -> Option<Hint> {
        match decimal(value, 6) {
            Some(seconds) => wait(seconds, EPOCH_IF_ABOVE, now),
            None => {
                // The century of a two-digit year is that of the clock which the date is compared with.
                let seconds = date::parse(value, now.map(|now| now / SECOND))?;
                exact(seconds.saturating_mul(SECOND).saturating_sub(now?))
            }
        }
    }

    /// `"policy";r=0;t=30`: of the policies with nothing left, the one that takes longest.
    fn rate_limit(&self, now: Option<u64>) -> Option<Hint> {
        let seconds = self.values("ratelimit").flat_map(Items::new).filter_map(exhausted_for).max()?;
        wait(seconds.saturating_mul(SECOND), EPOCH_IF_ABOVE, now)
    }

    /// Seconds or an instant, and only once nothing remains: servers send it with every response.
    fn rate_limit_reset(&self, now: Option<u64>) -> Option<Hint> {
        self.values("x-ratelimit-remaining").find(|value| digits(value, 0) == Some(0))?;
        let hint = self.values("x-ratelimit-reset").find_map(|value| wait(decimal(value, 6)?, EPOCH_IF_ABOVE, now))?;
        Some(Hint { is_suspicious: false, ..hint })
    }

    fn should_retry(&self) -> Option<bool> {
        let says = |word: &'static [u8]| {
            let names = ["x-should-retry", "stripe-should-retry"];
            names.iter().any(|name| self.values(name).any(|value| value.eq_ignore_ascii_case(word)))
        };
        let is_pushed_back = self.values("grpc-retry-pushback-ms").any(|value| digits(value, 3).is_none());
        if is_pushed_back || says(b"false") {
            Some(false)
        } else if says(b"true") {
            Some(true)
        } else {
            None
        }
    }
}

/// A wait in microseconds; more than `epoch_if_above` is an instant that somebody sent by mistake.
fn wait(micros: u64, epoch_if_above: u64, now: Option<u64>) -> Option<Hint> {
    if micros <= epoch_if_above {
        return exact(micros);
    }
    let hint = exact(micros.saturating_sub(now?))?;
    Some(Hint { is_suspicious: true, ..hint })
}

fn exact(micros: u64) -> Option<Hint> {
    Some(Hint { delay: Some(micros.min(LONGEST)), ..Hint::default() })
}

/// `1*DIGIT` or `1*DIGIT.1*DIGIT`, times 10^places, rounded up; saturates.
fn decimal(text: &[u8], places: u8) -> Option<u64> {
    if !text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') {
        return None;
    }
    let number = scaled(text, places)?;
    Some(if number.exact { number.value } else { number.value.saturating_add(1) })
}

fn digits(text: &[u8], places: u8) -> Option<u64> {
    if text.contains(&b'.') { None } else { decimal(text, places) }
}

/// The items of a structured list (RFC 9651 3.1), split at the commas outside strings.
struct Items<'h> {
    rest: &'h [u8],
}

impl<'h> Items<'h> {
    fn new(rest: &'h [u8]) -> Items<'h> {
        Items { rest }
    }
}

impl<'h> Iterator for Items<'h> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let (item, rest) = split(self.rest, b',');
        self.rest = rest;
        Some(item.trim_ascii())
    }
}

/// Before and after the first separator outside a string.
fn split(text: &[u8], separator: u8) -> (&[u8], &[u8]) {
    let mut is_in_string = false;
    let mut is_escaped = false;
    let at = text.iter().position(|&byte| {
        if is_escaped {
            is_escaped = false;
            return false;
        }
        match byte {
            b'\\' => is_escaped = is_in_string,
            b'"' => is_in_string = !is_in_string,
            _ => return byte == separator && !is_in_string,
        }
        false
    });
    match at.and_then(|at| text.split_at_checked(at)) {
        Some((head, tail)) => (head, tail.get(1..).unwrap_or(&[])),
        None => (text, &[]),
    }
}

/// The `t` of an item whose `r` is 0, in seconds.
fn exhausted_for(item: &[u8]) -> Option<u64> {
    let (name, mut rest) = split(item, b';');
    if name.is_empty() {
        return None;
    }
    let (mut remaining, mut reset) = (None, None);
    while !rest.is_empty() {
        let (parameter, after) = split(rest, b';');
        let (key, value) = split(parameter.trim_ascii(), b'=');
        match key {
            b"r" => remaining = digits(value, 0),
            b"t" => reset = digits(value, 0),
            _ => {}
        }
        rest = after;
    }
    if remaining == Some(0) { reset } else { None }
}

const SECOND: u64 = 1_000_000;
const LONGEST: u64 = (1 << 53) - 1;
/// 10^8 s, some three years: Docker Hub once sent an instant, and a client said "retrying in 484289h20m8s".
const EPOCH_IF_ABOVE: u64 = 100_000_000 * SECOND;
