//! A budget that threads share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use undaunted::budget::Account;

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

    /// Its tokens are in a store from now on; those of one that came home, once that answers.
    fn go_away(&self) {
        self.lock().go_away();
    }

    /// The store does not answer: the share of this process is here from now on.
    fn come_home(&self, now: u64) {
        self.lock().come_home(now);
    }

    /// Whether there is anything to tell the store.
    fn has_notes(&self) -> bool {
        self.lock().has_account()
    }

    /// What the store is to hear with the next question: its number, added, owed, what to hand to `lost`; forgotten here.
    fn notes(&self, now: u64) -> (u64, u64, u64, u64) {
        let Account { number, added, owed, if_lost } = self.lock().account(now);
        (number, added, owed, if_lost)
    }

    /// Nobody knows whether a question arrived.
    fn lost(&self, number: u64, if_lost: u64) {
        self.lock().lost(number, if_lost);
    }

    /// What the store answered a question: what it has, and how many processes share it. Whether to ask again at once.
    fn told(&self, number: u64, tokens: u64, members: u32, now: u64) -> bool {
        self.lock().told(number, tokens, members, now)
    }

    /// What the store had last.
    fn known(&self) -> Option<u64> {
        self.lock().known()
    }

    /// Mode, capacity, tokens a second, window.
    fn terms(&self) -> [u64; 4] {
        self.lock().terms()
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
