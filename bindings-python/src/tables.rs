//! The core's small pure functions.

use pyo3::prelude::*;
use undaunted::{Lane, Verdict};

use crate::convert::named;
use crate::failure::{Circumstances, Failure};

/// What a failure means by the tables: class, sent, condition, known, retried.
#[pyfunction]
#[pyo3(signature = (failure, method=None))]
pub fn classify(
    failure: Bound<'_, Failure>,
    method: Option<&str>,
) -> (&'static str, &'static str, &'static str, bool, bool) {
    let circumstances = Circumstances {
        method,
        idempotency_key: false,
        verdict: Verdict::Tables,
        wait: None,
        cancelled: false,
        nested: false,
    };
    let found = undaunted::classify(&failure.get().tell(&circumstances));
    (found.class.as_str(), found.sent.as_str(), found.condition.as_str(), found.is_known, found.is_retried)
}

/// What the server asked for: delay in microseconds, its word on retrying, whether the value was suspicious.
/// `now` is the wall clock in microseconds since 1970.
#[pyfunction]
#[pyo3(signature = (headers, now=None))]
pub fn read_hint(headers: Vec<(String, String)>, now: Option<u64>) -> (Option<u64>, Option<bool>, bool) {
    let hint = undaunted::hint::read(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())), now);
    (hint.delay, hint.should_retry, hint.is_suspicious)
}

/// The seed of call number `call` (the first is 1).
#[pyfunction]
pub fn call_seed(seed: u64, call: u64) -> u64 {
    undaunted::call_seed(seed, call)
}

/// Word `n` of a lane: `delay`, `clip`, `breaker`, `hedge` or `throttle`.
#[pyfunction]
pub fn word(call_seed: u64, lane: &str, n: u64) -> PyResult<u64> {
    let lane = named(Lane::NAMES, Lane::ALL, "lane", lane)?;
    Ok(undaunted::word(call_seed, lane, n))
}

/// A word mapped to 0..=x.
#[pyfunction]
pub fn uniform(word: u64, x: u64) -> u64 {
    undaunted::uniform(word, x)
}
