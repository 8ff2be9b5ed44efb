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

    /// Its tokens are in a store from now on.
    fn go_away(&self, now: u64) {
        self.lock().go_away(now);
    }

    /// At home: what it will have added and will owe when it goes away.
    fn debt(&self, now: u64) -> (u64, u64) {
        let mut budget = *self.lock();
        budget.go_away(now);
        let account = budget.account();
        (account.added, account.owed)
    }

    /// Goes away to a store that has heard of this much that it owes, and of what it added.
    fn go_back(&self, now: u64, owed: u64) {
        let mut budget = self.lock();
        if !budget.is_away() {
            budget.go_away(now);
            let account = budget.account();
            budget.owe(account.owed.saturating_sub(owed));
        }
    }

    /// The store does not answer: the share of this process is here from now on.
    fn come_home(&self, now: u64) {
        self.lock().come_home(now);
    }

    /// Whether there is anything to tell the store.
    fn has_notes(&self) -> bool {
        self.lock().has_account()
    }

    /// What the store is to hear: added, owed; forgotten here.
    fn notes(&self) -> (u64, u64) {
        let account = self.lock().account();
        (account.added, account.owed)
    }

    /// What is owed after all.
    fn owe(&self, owed: u64) {
        self.lock().owe(owed);
    }

    /// What the store has, and how many processes share it.
    fn told(&self, tokens: u64, members: u32) {
        self.lock().told(tokens, members);
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
