//! Hints: how long the server asks us to wait, read from a response's headers.
//!
//! Source: RFC 9110 10.2.3 (`Retry-After`), draft-ietf-httpapi-ratelimit-headers, gRPC A6, and the vendors' own headers;
//! SEMANTICS 6.

use crate::date;
use crate::decimal::{digits, plain};

/// The headers that are looked at, in lower case: a host need not hand over any other. The first two tell how to read the
/// others; of these the first that gives a wait counts.
pub const HEADERS: [&str; 11] = [
    "date",
    "x-ratelimit-remaining",
    "retry-after-ms",
    "x-ms-retry-after-ms",
    "x-amz-retry-after",
    "retry-after",
    "ratelimit",
    "x-ratelimit-reset",
    "grpc-retry-pushback-ms",
    "x-should-retry",
    "stripe-should-retry",
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
    let mut response = Response { now, date: None, remaining: None, exhausted_for: None, hint: Hint::default() };
    for (number, known) in HEADERS.iter().enumerate() {
        for (name, value) in headers.clone() {
            if name.eq_ignore_ascii_case(known.as_bytes()) {
                response.read(number, value.trim_ascii());
            }
        }
    }
    response.hint
}

/// A response, as far as it has been read.
struct Response {
    now: Option<u64>,
    /// Its own clock: dates are compared with it, so that a wrong one here does no harm.
    date: Option<u64>,
    /// The first `x-ratelimit-remaining`: whether it is 0.
    remaining: Option<bool>,
    /// Of the policies in `ratelimit` with nothing left, the one that takes longest, in seconds.
    exhausted_for: Option<u64>,
    hint: Hint,
}

impl Response {
    /// Reads the value of header number `header`.
    fn read(&mut self, header: usize, value: &[u8]) {
        let is_in_ms = matches!(header, 2..=4 | 8);
        let number = decimal(value, if is_in_ms { 3 } else { 6 });
        let is_whole = number.is_some() && value.iter().all(u8::is_ascii_digit);
        match header {
            0 => self.date = self.date.or_else(|| date::parse(value, self.now)),
            1 => self.remaining = self.remaining.or(Some(is_whole && number == Some(0))),
            5 if number.is_none() => self.wait_until(date::parse(value, self.clock())),
            6 => self.read_rate_limit(value),
            // Seconds or an instant, and only once nothing remains: servers send it with every response.
            7 if self.remaining != Some(true) => {}
            8 if !is_whole => self.hint.should_retry = Some(false),
            9.. if value.eq_ignore_ascii_case(b"false") => self.hint.should_retry = Some(false),
            9.. if value.eq_ignore_ascii_case(b"true") => {
                self.hint.should_retry = self.hint.should_retry.or(Some(true))
            }
            9.. => {}
            // Never an instant.
            8 if self.hint.delay.is_none() => self.hint.delay = number.map(|micros| micros.min(LONGEST)),
            8 => {}
            _ => {
                let had_none = self.hint.delay.is_none();
                self.wait(number);
                self.hint.is_suspicious &= header != 7 || !had_none;
            }
        }
    }

    fn clock(&self) -> Option<u64> {
        self.date.or(self.now)
    }

    /// The first wait counts. One that is far too long is an instant that somebody sent by mistake.
    fn wait(&mut self, micros: Option<u64>) {
        let Some(micros) = micros.filter(|_| self.hint.delay.is_none()) else { return };
        if micros <= EPOCH_IF_ABOVE {
            self.hint.delay = Some(micros);
        } else {
            self.wait_until(Some(micros));
            self.hint.is_suspicious = self.hint.delay.is_some();
        }
    }

    fn wait_until(&mut self, instant: Option<u64>) {
        if let (None, Some(instant), Some(now)) = (self.hint.delay, instant, self.clock()) {
            self.hint.delay = Some(instant.saturating_sub(now).min(LONGEST));
        }
    }

    /// `"policy";r=0;t=30, …`
    fn read_rate_limit(&mut self, value: &[u8]) {
        if self.hint.delay.is_some() && self.exhausted_for.is_none() {
            return;
        }
        let mut rest = value;
        while !rest.is_empty() {
            let item;
            (item, rest, _) = split(rest, b',');
            self.exhausted_for = self.exhausted_for.max(exhausted_for(item.trim_ascii()));
        }
        self.hint = Hint::default();
        self.wait(self.exhausted_for.map(|seconds| seconds.saturating_mul(1_000_000)));
    }
}

/// The `t` of an item whose `r` is 0, in seconds. Its name must be one string or one token.
fn exhausted_for(item: &[u8]) -> Option<u64> {
    let (name, mut rest, quotes) = split(item, b';');
    let is_name = match name.trim_ascii() {
        [b'"', .., b'"'] => quotes == 2,
        token => quotes == 0 && !token.is_empty() && !token.iter().any(u8::is_ascii_whitespace),
    };
    let (mut remaining, mut reset) = (None, None);
    while is_name && !rest.is_empty() {
        let parameter;
        (parameter, rest, _) = split(rest, b';');
        match parameter.trim_ascii() {
            [b'r', b'=', value @ ..] => remaining = digits(value),
            [b't', b'=', value @ ..] => reset = digits(value),
            _ => {}
        }
    }
    if remaining == Some(0) { reset } else { None }
}

/// Before and after the first separator outside strings (RFC 9651), and how many quotes begin or end one before it.
fn split(text: &[u8], separator: u8) -> (&[u8], &[u8], u32) {
    let mut quotes = 0;
    let mut is_escaped = false;
    for (at, &byte) in text.iter().enumerate() {
        let is_in_string = quotes % 2 == 1;
        if byte == separator && !is_in_string {
            let (head, tail) = text.split_at_checked(at).unwrap_or_default();
            return (head, tail.get(1..).unwrap_or(&[]), quotes);
        }
        if byte == b'"' && !is_escaped {
            quotes += 1;
        }
        is_escaped = byte == b'\\' && is_in_string && !is_escaped;
    }
    (text, &[], quotes)
}

/// Times 10^places, rounded up; saturates.
fn decimal(text: &[u8], places: i32) -> Option<u64> {
    plain(text, places).map(|number| number.value.saturating_add(u64::from(!number.exact)))
}

const LONGEST: u64 = (1 << 53) - 1;
/// 10^8 s, some three years: Docker Hub once sent an instant, and a client said "retrying in 484289h20m8s".
const EPOCH_IF_ABOVE: u64 = 100_000_000_000_000;
