//! One call step by step with every fact given, whole microseconds throughout: for the vectors and the differential run.

use pyo3::prelude::*;
use undaunted::{Decision, Mode, Shared, Verdict};

use crate::budget::Budget;
use crate::call::Common;
use crate::convert::named;
use crate::failure::{Circumstances, Failure};
use crate::guards::Breaker;
use crate::policy::Policy;
use crate::resume::{Standing, Token};

/// A call of the core, driven by hand.
#[pyclass(module = "undaunted._core")]
pub struct Session {
    policy: Py<Policy>,
    call: undaunted::Call,
    common: Common,
    standing: Standing,
}

/// (None, number, limit, remaining) or (reason, None, hint, None).
type Started = (Option<&'static str>, Option<u32>, Option<u64>, Option<u64>);
/// (reason or None, delay or hint, class, sent, last, nested_warning).
type Decided = (Option<&'static str>, Option<u64>, &'static str, &'static str, bool, bool);

#[pymethods]
impl Session {
    #[new]
    #[pyo3(signature = (policy, started_at, call_seed, outer_deadline=None, mode="normal", budget=None, breaker=None))]
    fn new(
        policy: Bound<'_, Policy>,
        started_at: u64,
        call_seed: u64,
        outer_deadline: Option<u64>,
        mode: &str,
        budget: Option<Py<Budget>>,
        breaker: Option<Py<Breaker>>,
    ) -> PyResult<Session> {
        let mode = named(&["normal", "inactive"], &[Mode::Normal, Mode::Inactive], "mode", mode)?;
        let call = policy.get().inner.start(started_at, call_seed, outer_deadline, mode);
        Ok(Session { policy: policy.unbind(), call, common: Common { budget, breaker }, standing: Standing::default() })
    }

    /// The call of a token, what is decided on what was given up, and the time that has passed since its first attempt.
    #[staticmethod]
    #[pyo3(signature = (policy, token, now, since_1970, mode="normal", budget=None))]
    fn resume(
        policy: Bound<'_, Policy>,
        token: &Bound<'_, Token>,
        now: u64,
        since_1970: u64,
        mode: &str,
        budget: Option<Py<Budget>>,
    ) -> PyResult<(Session, Option<Decided>, u64)> {
        let mode = named(&["normal", "inactive"], &[Mode::Normal, Mode::Inactive], "mode", mode)?;
        let common = Common { budget, breaker: None };
        let token = &token.get().inner;
        let resumed = common.with(|shared| policy.get().inner.resume(token, now, since_1970, mode, shared));
        let mut standing = Standing::due(token);
        if let Some(decision) = resumed.decision {
            standing.decided(decision);
        }
        let session = Session { policy: policy.unbind(), call: resumed.call, common, standing };
        Ok((session, resumed.decision.map(told), resumed.elapsed))
    }

    /// What is left of the call for another host; None before its first failure.
    fn token(&self, elapsed: u64, made_at: u64) -> Option<String> {
        self.standing.token(&self.call, elapsed, made_at)
    }

    /// Before an attempt.
    fn attempt(&mut self, py: Python<'_>, now: u64) -> Started {
        let policy = self.policy.clone_ref(py);
        match self.sharing(|call, shared| policy.get().inner.attempt(call, now, shared)) {
            Ok(attempt) => (None, Some(attempt.number), attempt.limit, attempt.remaining),
            Err(refused) => {
                self.standing.refused = Some(refused);
                (Some(refused.reason.as_str()), None, refused.hint, None)
            }
        }
    }

    /// After a failed attempt.
    #[pyo3(signature = (now, failure, *, verdict="tables", wait=None, method=None, idempotency_key=false, cancelled=false, nested=false))]
    #[allow(clippy::too_many_arguments, reason = "keywords of Python, one for each fact")]
    fn failed(
        &mut self,
        py: Python<'_>,
        now: u64,
        failure: Bound<'_, Failure>,
        verdict: &str,
        wait: Option<u64>,
        method: Option<&str>,
        idempotency_key: bool,
        cancelled: bool,
        nested: bool,
    ) -> PyResult<Decided> {
        let verdict = named(Verdict::NAMES, Verdict::ALL, "verdict", verdict)?;
        let circumstances = Circumstances { method, idempotency_key, verdict, wait, cancelled, nested };
        let told_of = failure.get().tell(&circumstances);
        let policy = self.policy.clone_ref(py);
        let decision = self.sharing(|call, shared| policy.get().inner.failed(call, now, &told_of, shared));
        self.standing.decided(decision);
        Ok(told(decision))
    }

    /// After a success.
    fn succeeded(&mut self, py: Python<'_>, now: u64) {
        let policy = self.policy.clone_ref(py);
        self.sharing(|call, shared| policy.get().inner.succeeded(call, now, shared));
    }

    /// After an end without a decision.
    fn cancelled(&mut self, py: Python<'_>, now: u64) {
        let policy = self.policy.clone_ref(py);
        self.sharing(|call, shared| policy.get().inner.cancelled(call, now, shared));
    }
}

impl Session {
    fn sharing<R>(&mut self, decide: impl FnOnce(&mut undaunted::Call, Shared<'_>) -> R) -> R {
        self.common.with(|shared| decide(&mut self.call, shared))
    }
}

fn told(decision: Decision) -> Decided {
    match decision {
        Decision::Retry { delay, class, sent, last, nested_warning } => {
            (None, Some(delay), class.as_str(), sent.as_str(), last, nested_warning)
        }
        Decision::GiveUp { reason, hint, class, sent } => {
            (Some(reason.as_str()), hint, class.as_str(), sent.as_str(), false, false)
        }
    }
}
