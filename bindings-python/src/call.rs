//! One call: gathers the facts of each failure, asks the core, and keeps the history.

use pyo3::exceptions::{PyStopAsyncIteration, PyStopIteration};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use undaunted::{Class, Decision, Mode, Reason, Sent, Shared, Verdict};

use crate::budget::Budget;
use crate::convert::{micros, seconds};
use crate::failure::{Circumstances, Failure};
use crate::guards::Breaker;
use crate::judge::{Judgement, Leaves, judge};
use crate::policy::Policy;
use crate::resume::{Standing, Token};
use crate::seed::{self, Seed};

/// A policy with what belongs to one process: `on`, a seed, a name, and the Python functions the glue calls back.
#[pyclass(frozen, module = "undaunted._core")]
pub struct Plan {
    pub policy: Py<Policy>,
    /// Exception types of `on`, as `isinstance` takes them.
    pub types: Option<Py<PyTuple>>,
    /// Hooks of `on`.
    pub hooks: Vec<Py<PyAny>>,
    /// Gathers the facts of an error: `read(error, needs_body) -> Failure`.
    pub read: Py<PyAny>,
    /// Facts of classes whose instances without attributes are all alike: class to `Failure`.
    pub bare: Py<PyDict>,
    /// Leaves note and history on an error that is given up.
    leave: Py<PyAny>,
    /// Tells the user of nested retries.
    warn_nested: Py<PyAny>,
    seed: Option<Py<Seed>>,
    common: Common,
    #[pyo3(get)]
    name: Option<String>,
    pub needs_body: bool,
}

#[pymethods]
impl Plan {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for hook in &self.hooks {
            visit.call(hook)?;
        }
        visit.call(&self.types)
    }

    #[new]
    #[pyo3(signature = (policy, *, read, bare, leave, warn_nested, types=None, hooks=vec![], seed=None, budget=None, breaker=None, name=None))]
    #[allow(clippy::too_many_arguments, reason = "keywords of Python")]
    fn new(
        policy: Bound<'_, Policy>,
        read: Py<PyAny>,
        bare: Py<PyDict>,
        leave: Py<PyAny>,
        warn_nested: Py<PyAny>,
        types: Option<Py<PyTuple>>,
        hooks: Vec<Py<PyAny>>,
        seed: Option<Py<Seed>>,
        budget: Option<Py<Budget>>,
        breaker: Option<Py<Breaker>>,
        name: Option<String>,
    ) -> Plan {
        let needs_body = policy.get().inner.needs_body();
        let common = Common { budget, breaker };
        Plan { policy: policy.unbind(), types, hooks, read, bare, leave, warn_nested, seed, common, name, needs_body }
    }

    /// A call that began at `started`, in seconds of the host's clock.
    fn begin(slf: Bound<'_, Self>, started: f64) -> Call {
        Call::new(slf.unbind(), micros(started), None, Mode::Normal)
    }

    /// As `begin`, for a call that may stand inside another's deadline, be inactive, or speak for an HTTP request.
    #[pyo3(signature = (started, *, outer_deadline=None, inactive=false, method=None, idempotency_key=false))]
    fn begin_in(
        slf: Bound<'_, Self>,
        started: f64,
        outer_deadline: Option<f64>,
        inactive: bool,
        method: Option<String>,
        idempotency_key: bool,
    ) -> Call {
        let mode = if inactive { Mode::Inactive } else { Mode::Normal };
        let mut call = Call::new(slf.unbind(), micros(started), outer_deadline.map(micros), mode);
        call.method = method;
        call.idempotency_key = idempotency_key;
        call
    }

    /// The call of a token made again, before its next attempt, and the wait in seconds before that. The wait is None if this policy gives
    /// up, too; then the call has a reason.
    #[pyo3(signature = (token, now, since_1970, *, inactive=false))]
    fn resume(
        slf: Bound<'_, Self>,
        token: &Bound<'_, Token>,
        now: f64,
        since_1970: f64,
        inactive: bool,
    ) -> (Call, Option<f64>) {
        let mode = if inactive { Mode::Inactive } else { Mode::Normal };
        let (plan, token) = (slf.get(), &token.get().inner);
        let policy = &plan.policy.get().inner;
        let resumed = plan.common.with(|shared| policy.resume(token, micros(now), micros(since_1970), mode, shared));
        let mut call = Call::new(slf.clone().unbind(), micros(now), None, mode);
        call.state = Some(resumed.call);
        call.is_seeded = true;
        call.carried = resumed.elapsed;
        call.number = resumed.call.failures.saturating_add(1);
        let Some(decision) = resumed.decision else {
            call.standing = Standing::due(token);
            return (call, Some(seconds(token.hint.unwrap_or(0))));
        };
        call.standing.decided(decision);
        if let Decision::GiveUp { reason, hint, .. } = decision {
            (call.reason, call.hint) = (Some(reason), hint);
        }
        (call, delay_of(&decision).map(seconds))
    }
}

/// One call of the user's function, with all its attempts.
#[pyclass(module = "undaunted._core")]
pub struct Call {
    plan: Py<Plan>,
    state: Option<undaunted::Call>,
    is_seeded: bool,
    started_at: u64,
    /// The time that had passed before `started_at`, where the call goes on with another's.
    carried: u64,
    outer_deadline: Option<u64>,
    mode: Mode,
    method: Option<String>,
    idempotency_key: bool,
    number: u32,
    limit: Option<u64>,
    remaining: Option<u64>,
    reason: Option<Reason>,
    hint: Option<u64>,
    standing: Standing,
    history: Vec<Record>,
}

/// An attempt that failed.
struct Record {
    number: u32,
    error: Option<Py<PyAny>>,
    result: Option<Py<PyAny>>,
    failure: Option<Py<Failure>>,
    elapsed: u64,
    delay: Option<u64>,
    class: Class,
    sent: Sent,
}

/// number, error, result, elapsed, delay, class, sent, domain, code.
type RecordTuple = (
    u32,
    Option<Py<PyAny>>,
    Option<Py<PyAny>>,
    f64,
    Option<f64>,
    &'static str,
    &'static str,
    Option<&'static str>,
    Py<PyAny>,
);

#[pymethods]
impl Call {
    /// Before an attempt but the first: whether it may start. If not, the last error is marked as given up.
    fn attempt(&mut self, py: Python<'_>, now: f64) -> PyResult<bool> {
        let plan = self.plan.clone_ref(py);
        let policy = plan.get().policy.get();
        let state = self.state(policy);
        match plan.get().common.with(|shared| policy.inner.attempt(state, micros(now), shared)) {
            Ok(attempt) => {
                self.number = attempt.number;
                self.limit = attempt.limit;
                self.remaining = attempt.remaining;
                Ok(true)
            }
            Err(refused) => {
                self.hint = refused.hint;
                self.standing.refused = Some(refused);
                self.give_up(py, refused.reason)?;
                Ok(false)
            }
        }
    }

    /// After a failed attempt: the wait in seconds, or None to let the error go.
    ///
    /// `facts` stand for those that a reader would gather; without an error they speak of a response.
    #[pyo3(signature = (error, now, facts=None, cancelled=false))]
    fn failed(
        &mut self,
        py: Python<'_>,
        error: Option<Bound<'_, PyAny>>,
        now: f64,
        facts: Option<Bound<'_, Failure>>,
        cancelled: bool,
    ) -> PyResult<Option<f64>> {
        if let Some(error) = &error
            && (error.is_instance_of::<PyStopIteration>() || error.is_instance_of::<PyStopAsyncIteration>())
        {
            return Ok(None);
        }
        let plan = self.plan.clone_ref(py);
        let plan = plan.get();
        self.seed(py, plan)?;
        let now = micros(now);
        let leaves = Leaves::of(error.as_ref(), facts)?;
        let is_group = leaves.is_group();
        let mut chosen: Option<(Option<u64>, Judgement<'_>)> = None;
        // An exception group is retried only if every leaf would be; the longest wait serves them all.
        for leaf in leaves {
            let judgement = judge(py, plan, leaf, error.as_ref(), now, self.started_at)?;
            let delay = if is_group { self.foreseen_delay(plan, &judgement, now, cancelled) } else { None };
            let is_end = delay.is_none();
            if chosen.as_ref().is_none_or(|(longest, _)| is_end || delay > *longest) {
                chosen = Some((delay, judgement));
            }
            if is_end {
                break;
            }
        }
        let Some((_, judgement)) = chosen else { return Ok(None) };
        let mut state = *self.state(plan.policy.get());
        let decision = plan.common.with(|shared| self.decide(plan, &mut state, &judgement, now, cancelled, shared));
        self.state = Some(state);
        self.settle(py, decision, error.map(Bound::unbind), None, Some(judgement.facts.unbind()), judgement.inner)
    }

    /// After a result that was not accepted: the wait in seconds, or None when no attempt is left.
    #[pyo3(signature = (result, now, wait=None, cancelled=false))]
    fn unsatisfied(
        &mut self,
        py: Python<'_>,
        result: Py<PyAny>,
        now: f64,
        wait: Option<f64>,
        cancelled: bool,
    ) -> PyResult<Option<f64>> {
        let plan = self.plan.clone_ref(py);
        self.seed(py, plan.get())?;
        let policy = plan.get().policy.get();
        let circumstances = Circumstances {
            method: None,
            idempotency_key: false,
            verdict: Verdict::Forced,
            wait: wait.map(micros),
            cancelled,
            nested: false,
        };
        let unknown = Failure::unknown();
        let told = unknown.tell(&circumstances);
        let state = self.state(policy);
        let decision = plan.get().common.with(|shared| policy.inner.failed(state, micros(now), &told, shared));
        self.settle(py, decision, None, Some(result), None, None)
    }

    /// The wait was ended by the user's `cancel`.
    fn cancelled(&mut self, py: Python<'_>) -> PyResult<()> {
        let now = self.state.map_or(0.0, |state| seconds(state.last_now));
        self.abandoned(py, now);
        self.give_up(py, Reason::Cancelled)
    }

    /// The call succeeded; what it shares hears of it.
    fn succeeded(&mut self, py: Python<'_>, now: f64) {
        let plan = self.plan.clone_ref(py);
        let policy = plan.get().policy.get();
        let state = self.state(policy);
        plan.get().common.with(|shared| policy.inner.succeeded(state, micros(now), shared));
    }

    /// The call ends without a decision; what it shares gets back what a retry was to take.
    fn abandoned(&mut self, py: Python<'_>, now: f64) {
        let plan = self.plan.clone_ref(py);
        let policy = plan.get().policy.get();
        let state = self.state(policy);
        plan.get().common.with(|shared| policy.inner.cancelled(state, micros(now), shared));
    }

    /// What the retry that was decided takes from a budget whose tokens are in a store, in millionths of a token: ask it.
    fn asks_store(&self, py: Python<'_>) -> Option<u64> {
        let state = self.state?;
        self.plan.clone_ref(py).get().common.with(|shared| state.asks_store(&shared))
    }

    /// The store does not grant it: given up.
    fn refused_by_store(&mut self, py: Python<'_>) -> PyResult<()> {
        if let Some(state) = &mut self.state {
            state.refused_by_store();
        }
        if let Some(last) = self.history.last_mut() {
            last.delay = None;
            self.hint = last.failure.as_ref().and_then(|facts| facts.get().hint);
        }
        self.give_up(py, Reason::Budget)
    }

    /// The store did not answer: whether the retry may be made by what is here. If not, it is given up.
    fn take_at_home(&mut self, py: Python<'_>) -> PyResult<bool> {
        let plan = self.plan.clone_ref(py);
        let state = self.state(plan.get().policy.get());
        let is_granted = plan.get().common.with(|shared| state.take_at_home(shared));
        if !is_granted {
            self.refused_by_store(py)?;
        }
        Ok(is_granted)
    }

    /// The wait that would follow if this attempt failed now, class transient, without a hint; None if it is the last.
    fn next_delay(&mut self, py: Python<'_>, now: f64) -> PyResult<Option<f64>> {
        let plan = self.plan.clone_ref(py);
        self.seed(py, plan.get())?;
        let policy = plan.get().policy.get();
        let mut state = *self.state(policy);
        let failure = undaunted::Failure { verdict: Verdict::Forced, ..Default::default() };
        let decision =
            plan.get().common.with_copy(|shared| policy.inner.failed(&mut state, micros(now), &failure, shared));
        Ok(delay_of(&decision).map(seconds))
    }

    /// The number of the attempt that runs or ran last, from 1.
    #[getter]
    fn number(&self) -> u32 {
        self.number
    }

    /// When to interrupt the attempt, in seconds from its start.
    #[getter]
    fn limit(&self) -> Option<f64> {
        self.limit.map(seconds)
    }

    /// What was left until the deadline when the attempt started, in seconds.
    #[getter]
    fn remaining(&self) -> Option<f64> {
        self.remaining.map(seconds)
    }

    /// The instant at which the call's time is over, in seconds of the host's clock.
    #[getter]
    fn deadline(&self) -> Option<f64> {
        self.state.and_then(|state| state.deadline).map(seconds)
    }

    /// Why the call was given up.
    #[getter]
    fn reason(&self) -> Option<&'static str> {
        self.reason.map(Reason::as_str)
    }

    /// The wait the server asked for when the call was given up, in seconds.
    #[getter]
    fn hint(&self) -> Option<f64> {
        self.hint.map(seconds)
    }

    /// What the call's waits are drawn from; None before the first failure.
    #[getter]
    fn call_seed(&self) -> Option<u64> {
        self.state.filter(|_| self.is_seeded).map(|state| state.call_seed)
    }

    /// Seconds from the first attempt to the latest instant that was told, those in other hosts included.
    #[getter(elapsed)]
    fn elapsed_seconds(&self) -> f64 {
        seconds(self.elapsed())
    }

    /// What is left of the call for another host, as text; None before its first failure. `made_at` is now in seconds since 1970.
    #[pyo3(signature = (made_at=None))]
    fn token(&self, made_at: Option<f64>) -> Option<String> {
        let made_at = made_at.map_or_else(seed::since_1970, micros);
        self.standing.token(self.state.as_ref()?, self.elapsed(), made_at)
    }

    /// The attempts that failed so far.
    fn records(&self, py: Python<'_>) -> Vec<RecordTuple> {
        self.history.iter().map(|record| record.tuple(py)).collect()
    }

    /// Lets go of every error and result that is kept, so that nothing is left for the cycle collector.
    fn clear(&mut self) {
        self.history.clear();
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for record in &self.history {
            visit.call(&record.error)?;
            visit.call(&record.result)?;
        }
        visit.call(&self.plan)
    }

    fn __clear__(&mut self) {
        self.history.clear();
    }
}

/// What the calls of a policy share.
pub struct Common {
    pub budget: Option<Py<Budget>>,
    pub breaker: Option<Py<Breaker>>,
}

impl Common {
    /// Locked while the engine decides: the budget first, then the breaker.
    pub fn with<R>(&self, decide: impl FnOnce(Shared<'_>) -> R) -> R {
        let mut budget = self.budget.as_ref().map(|budget| budget.get().lock());
        let budget = budget.as_deref_mut();
        match &self.breaker {
            Some(breaker) => breaker.get().with(|breaker| decide(Shared { budget, breaker: Some(breaker) })),
            None => decide(Shared { budget, breaker: None }),
        }
    }

    /// As it is, to try something out.
    fn with_copy<R>(&self, decide: impl FnOnce(Shared<'_>) -> R) -> R {
        let mut budget = self.budget.as_ref().map(|budget| *budget.get().lock());
        let mut breaker = self.breaker.as_ref().map(|breaker| breaker.get().copy());
        decide(Shared { budget: budget.as_mut(), breaker: breaker.as_mut() })
    }
}

impl Call {
    /// The wait that would be decided, with nothing taken.
    fn foreseen_delay(&mut self, plan: &Plan, judgement: &Judgement<'_>, now: u64, cancelled: bool) -> Option<u64> {
        let mut state = *self.state(plan.policy.get());
        let decide = |shared: Shared<'_>| self.decide(plan, &mut state, judgement, now, cancelled, shared);
        delay_of(&plan.common.with_copy(decide))
    }

    fn decide(
        &self,
        plan: &Plan,
        state: &mut undaunted::Call,
        judgement: &Judgement<'_>,
        now: u64,
        cancelled: bool,
        shared: Shared<'_>,
    ) -> Decision {
        let circumstances = Circumstances {
            method: self.method.as_deref(),
            idempotency_key: self.idempotency_key,
            verdict: judgement.verdict,
            wait: judgement.wait,
            cancelled,
            nested: judgement.inner.is_some(),
        };
        let told = judgement.facts.get().tell(&circumstances);
        plan.policy.get().inner.failed(state, now, &told, shared)
    }

    fn new(plan: Py<Plan>, started_at: u64, outer_deadline: Option<u64>, mode: Mode) -> Call {
        Call {
            plan,
            state: None,
            is_seeded: false,
            started_at,
            carried: 0,
            outer_deadline,
            mode,
            method: None,
            idempotency_key: false,
            number: 1,
            limit: None,
            remaining: None,
            reason: None,
            hint: None,
            standing: Standing::default(),
            history: Vec::new(),
        }
    }

    /// The core's state, made when first needed: most calls never fail.
    fn state(&mut self, policy: &Policy) -> &mut undaunted::Call {
        let (started_at, outer, mode) = (self.started_at, self.outer_deadline, self.mode);
        self.state.get_or_insert_with(|| policy.inner.start(started_at, 0, outer, mode))
    }

    /// Draws the call's seed, at the first failure.
    fn seed(&mut self, py: Python<'_>, plan: &Plan) -> PyResult<()> {
        if !self.is_seeded {
            let drawn = match &plan.seed {
                Some(seed) => seed.bind(py).get().next_call(),
                None => seed::next_call()?,
            };
            self.state(plan.policy.get()).call_seed = drawn;
            self.is_seeded = true;
        }
        Ok(())
    }

    /// From the first attempt to the latest instant that was told.
    fn elapsed(&self) -> u64 {
        let here = self.state.map_or(0, |state| state.last_now.saturating_sub(self.started_at));
        self.carried.saturating_add(here)
    }

    fn settle(
        &mut self,
        py: Python<'_>,
        decision: Decision,
        error: Option<Py<PyAny>>,
        result: Option<Py<PyAny>>,
        failure: Option<Py<Failure>>,
        inner: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Option<f64>> {
        let (class, sent) = match decision {
            Decision::Retry { class, sent, .. } | Decision::GiveUp { class, sent, .. } => (class, sent),
        };
        let elapsed = self.elapsed();
        // Of a call that goes on with another's, nobody has asked for the attempt.
        self.number = self.state.map_or(self.number, |state| state.failures);
        self.standing.decided(decision);
        let delay = delay_of(&decision);
        if self.history.len() >= HISTORY {
            self.history.remove(HISTORY / 2);
        }
        self.history.push(Record { number: self.number, error, result, failure, elapsed, delay, class, sent });
        match decision {
            Decision::Retry { delay, nested_warning, .. } => {
                if let (true, Some(inner)) = (nested_warning, inner) {
                    let plan = self.plan.clone_ref(py);
                    plan.get().warn_nested.call1(py, (inner, plan.get().name.as_deref()))?;
                }
                Ok(Some(seconds(delay)))
            }
            Decision::GiveUp { reason, hint, .. } => {
                self.hint = hint;
                self.give_up(py, reason)?;
                Ok(None)
            }
        }
    }

    fn give_up(&mut self, py: Python<'_>, reason: Reason) -> PyResult<()> {
        self.reason = Some(reason);
        let records = self.records(py);
        let plan = self.plan.clone_ref(py);
        let plan = plan.get();
        let Some(Some(error)) = self.history.last().map(|last| last.error.as_ref()) else { return Ok(()) };
        let attempts = plan.policy.get().inner.attempts();
        let elapsed = self.elapsed();
        let state = self.state.map_or(0, |state| state.last_now);
        let seed = self.call_seed();
        let told = (
            error,
            records,
            reason.as_str(),
            attempts,
            seconds(elapsed),
            self.hint(),
            plan.name.as_deref(),
            state,
            seed,
            self.token(None),
        );
        plan.leave.call1(py, told)?;
        Ok(())
    }
}

impl Record {
    fn tuple(&self, py: Python<'_>) -> RecordTuple {
        let share = |object: &Option<Py<PyAny>>| object.as_ref().map(|object| object.clone_ref(py));
        let facts = self.failure.as_ref().map(|failure| failure.bind(py));
        (
            self.number,
            share(&self.error),
            share(&self.result),
            seconds(self.elapsed),
            self.delay.map(seconds),
            self.class.as_str(),
            self.sent.as_str(),
            facts.map(|facts| facts.get().domain_name()),
            facts.and_then(|facts| facts.getattr(intern!(py, "code")).ok()).map_or_else(|| py.None(), Bound::unbind),
        )
    }
}

fn delay_of(decision: &Decision) -> Option<u64> {
    match decision {
        Decision::Retry { delay, .. } => Some(*delay),
        Decision::GiveUp { .. } => None,
    }
}

/// The most attempts that a history keeps: the first half stays, then the latest.
const HISTORY: usize = 1000;
