//! A budget that threads share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::policy::Policy;

/// An allowance of retries, behind a lock.
#[pyclass(frozen, module = "undaunted._core")]
pub struct Budget {
    inner: Mutex<undaunted::Budget>,
}

#[pymethods]
impl Budget {
    /// The budget that a policy describes, full. Raises ValueError if the policy has none, or only names one.
    #[new]
    fn new(policy: Bound<'_, Policy>) -> PyResult<Budget> {
        let own = policy.get().inner.budget();
        own.map(Budget::of).ok_or_else(|| PyValueError::new_err("the policy has no budget of its own"))
    }

    /// Another with the same options, full.
    fn fresh(&self) -> Budget {
        Budget::of(self.lock().full())
    }

    /// What is left at an instant in whole microseconds, in millionths of a token.
    fn tokens(&self, now: u64) -> u64 {
        self.lock().tokens(now)
    }
}

impl Budget {
    fn of(budget: undaunted::Budget) -> Budget {
        Budget { inner: Mutex::new(budget) }
    }

    /// Held for one decision, never while Python runs.
    pub fn lock(&self) -> MutexGuard<'_, undaunted::Budget> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
