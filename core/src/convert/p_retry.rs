//! p-retry 7: `min(maxTimeout, random · minTimeout · factor^(n-1))` with a random of 1, or from 1 to 2; retries exclude the
//! first call.

use super::reading::{ATTEMPTS, BASE, Given, Reading, TIME, Times, is_infinite, other, setting, table};
use super::waits::{Places, Span, Use, Waits};
use crate::bounds::{DURATION, Map};
use crate::format::{Path, tape, tape::Node};
use crate::lint::Level;

static OPTIONS: Map = table(&[
    setting("retries", "a whole number or Infinity", &ATTEMPTS),
    setting("factor", "a number", &BASE),
    setting("minTimeout", "a number of milliseconds", &TIME),
    setting("maxTimeout", LIMIT, &TIME),
    other("randomize", "true or false"),
    setting("maxRetryTime", LIMIT, &TIME),
    other("unref", "true or false"),
    other("signal", "an AbortSignal"),
    other("onFailedAttempt", FUNCTION),
    other("shouldRetry", FUNCTION),
    other("shouldConsumeRetry", FUNCTION),
]);

pub(super) fn read(reading: &mut Reading, path: &Path, node: Node) {
    let (mut retries, mut factor) = (Some(10), 2_000_000);
    let (mut initial, mut cap, mut is_random, mut timeout) = (1_000_000, DURATION.1, false, None);
    reading.each(&OPTIONS, path, node, &mut |reading, given| {
        match given.number {
            // In JSON there is no Infinity; null is what JavaScript writes for it.
            0 if is_unlimited(given) => retries = None,
            0 => retries = reading.count(given).or(retries),
            1 => factor = reading.share(given).unwrap_or(factor),
            2 => initial = reading.time(given, Times::Milliseconds).unwrap_or(initial),
            3 if is_unlimited(given) => cap = DURATION.1,
            3 => cap = reading.time(given, Times::Milliseconds).unwrap_or(cap),
            4 => is_random = reading.flag(given).unwrap_or(is_random),
            5 if is_unlimited(given) => timeout = None,
            5 => timeout = reading.time(given, Times::Milliseconds),
            6 if given.node.kind == tape::FALSE => {}
            6 => reading.drop(given, Level::Info, UNREF),
            7 => reading.drop(given, Level::Info, SIGNAL),
            8 => reading.drop(given, Level::Info, ON_FAILED),
            9 => reading.drop(given, Level::Warning, SHOULD_RETRY),
            _ => reading.drop(given, Level::Warning, SHOULD_CONSUME),
        }
    });
    let mut attempts = retries.map(|retries: u64| retries.saturating_add(1).min(ATTEMPTS.most));
    reading.overshooting(&path.key(b"maxRetryTime"), &mut attempts, &mut timeout, CLIPS);
    reading.limits(path, attempts, timeout);
    // A factor of 0 counts as 1.
    let factor = if factor == 0 { 1_000_000 } else { factor };
    let waits = if is_random {
        let doubled = Waits::exponential(initial.saturating_mul(2), factor);
        let waits = doubled.map(|_, step| Span { low: step.low - step.low / 2, width: step.low / 2 });
        Waits { draws: 1, ..waits }
    } else {
        Waits::exponential(initial, factor)
    };
    let (initial, cap_path, jitter) = (path.key(b"minTimeout"), path.key(b"maxTimeout"), path.key(b"randomize"));
    let places = Places { initial: &initial, cap: &cap_path, jitter: &jitter };
    reading.waits(&waits.capped(cap), Use::of(attempts), &places);
}

fn is_unlimited(given: &Given) -> bool {
    given.node.kind == tape::NULL || is_infinite(given.node)
}

const LIMIT: &str = "a number of milliseconds or Infinity";
const FUNCTION: &str = "a function";
const CLIPS: &str = "the last wait is cut to what is left of $a, and an attempt starts when the time is over; the policy gives up instead, or write on_timeout with min_attempt";
const UNREF: &str = "timers belong to one call; pass unref to that call beside the policy";
const SIGNAL: &str = "a signal belongs to one call; pass it to that call beside the policy";
const ON_FAILED: &str = "a policy has no functions; listen to the events of the call instead";
const SHOULD_RETRY: &str = "a policy has no functions: by its tables it does not retry what it does not know; decide with on beside it, or with rules";
const SHOULD_CONSUME: &str = "attempts always count, so a failure that consumes no retry here does so there; raise attempts, or limit a class by classes";
