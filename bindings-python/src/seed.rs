//! Where the words of unseeded calls come from: entropy once per process, the clock at a call's first failure, and the
//! call's number.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;

/// A seed of the user's, with the number of the call that fails next.
#[pyclass(frozen, module = "undaunted._core")]
pub struct Seed {
    /// What was given.
    #[pyo3(get)]
    value: u64,
    calls: AtomicU64,
}

#[pymethods]
impl Seed {
    #[new]
    fn new(value: u64) -> Seed {
        Seed { value, calls: AtomicU64::new(0) }
    }
}

impl Seed {
    /// The seed of the next call that fails.
    pub fn next_call(&self) -> u64 {
        let call = self.calls.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        undaunted::call_seed(self.value, call)
    }
}

/// The seed of the next unseeded call that fails. The clock parts processes that were restored from one snapshot.
pub fn next_call() -> PyResult<u64> {
    let call = CALLS.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
    Ok(undaunted::call_seed(entropy()? ^ clock(), call))
}

/// Forgets the entropy, so that the next call takes new: a forked child must not draw its parent's words.
///
/// No lock: one that another thread held at the fork would never be released in the child.
#[pyfunction]
pub fn redraw_entropy() {
    ENTROPY.store(UNDRAWN, Ordering::Relaxed);
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// How often that has happened: what draws for long by one seed takes another then.
pub fn forks() -> u64 {
    FORKS.load(Ordering::Relaxed)
}

fn entropy() -> PyResult<u64> {
    let drawn = ENTROPY.load(Ordering::Relaxed);
    if drawn != UNDRAWN {
        return Ok(drawn);
    }
    let word = getrandom::u64().map_err(|error| PyOSError::new_err(error.to_string()))?;
    ENTROPY.store(word, Ordering::Relaxed);
    Ok(word)
}

fn clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

/// The instant by the world's clock, in microseconds.
pub fn since_1970() -> u64 {
    clock() / 1000
}

const UNDRAWN: u64 = 0;
static ENTROPY: AtomicU64 = AtomicU64::new(UNDRAWN);
static CALLS: AtomicU64 = AtomicU64::new(0);
static FORKS: AtomicU64 = AtomicU64::new(0);
