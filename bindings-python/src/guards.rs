//! Breakers, throttles, bulkheads and hedges as Python holds them: the core's values behind locks. Whole microseconds.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use undaunted::breaker::{Outcome, Permit, Question, Report, State, Told};
use undaunted::bulkhead::Entry;
use undaunted::hedge::Step;
use undaunted::{Notation, Problem};

use crate::budget::Budget;
use crate::convert::{collect, named, tape};
use crate::policy::Policy;
use crate::seed;

/// A value that one thread at a time may use. Nothing that is done under the lock runs Python code.
struct Locked<T>(Mutex<T>);

impl<T> Locked<T> {
    fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A seed of the user's, or one of the process that a fork renews.
struct Source {
    is_given: bool,
    forks: u64,
}

impl Source {
    fn new(given: Option<u64>) -> PyResult<(Source, u64)> {
        let source = Source { is_given: given.is_some(), forks: seed::forks() };
        Ok((source, given.map_or_else(seed::next_call, Ok)?))
    }

    /// The seed to go on with, if it is another one.
    fn renewed(&mut self) -> PyResult<Option<u64>> {
        let forks = seed::forks();
        if self.is_given || self.forks == forks {
            return Ok(None);
        }
        self.forks = forks;
        seed::next_call().map(Some)
    }
}

/// A mistake in options: code, JSON pointer, sentence.
type Mistake = (String, String, String);

/// Hands options to a compiler of the core, and gathers what is wrong with them.
fn compile<T>(
    options: &Bound<'_, PyAny>,
    notation: &str,
    compile: impl FnOnce(&[u8], Notation, &mut dyn FnMut(&Problem<'_>)) -> Option<T>,
) -> PyResult<(Option<T>, Vec<Mistake>)> {
    let notation = named(&["json", "python", "javascript"], &Notation::ALL, "notation", notation)?;
    let tape = tape(options)?;
    let mut mistakes = Vec::new();
    let compiled = compile(&tape, notation, &mut |problem| {
        mistakes.push((problem.code.to_owned(), collect(|out| problem.pointer(out)), collect(|out| problem.text(out))));
    });
    Ok((compiled, mistakes))
}

/// A breaker.
#[pyclass(frozen, module = "undaunted._core")]
pub struct Breaker {
    inner: Locked<(undaunted::Breaker, Source)>,
}

impl Breaker {
    fn of(breaker: undaunted::Breaker, source: Source) -> Breaker {
        Breaker { inner: Locked(Mutex::new((breaker, source))) }
    }

    /// It as it is, to look at or to try something out.
    pub fn copy(&self) -> undaunted::Breaker {
        self.inner.lock().0
    }

    /// Lets the engine ask and tell it, under its lock: never while Python runs.
    pub fn with<R>(&self, decide: impl FnOnce(&mut undaunted::Breaker) -> R) -> R {
        let (breaker, source) = &mut *self.inner.lock();
        // Without entropy it goes on with the words of its parent.
        if let Ok(Some(seed)) = source.renewed() {
            breaker.reseed(seed);
        }
        decide(breaker)
    }
}

#[pymethods]
impl Breaker {
    /// The breaker, or every mistake in its options.
    #[staticmethod]
    #[pyo3(signature = (options, notation, seed=None))]
    fn compile(
        options: &Bound<'_, PyAny>,
        notation: &str,
        seed: Option<u64>,
    ) -> PyResult<(Option<Breaker>, Vec<Mistake>)> {
        let (source, seed) = Source::new(seed)?;
        let (inner, mistakes) = compile(options, notation, |tape, notation, problem| {
            undaunted::Breaker::compile(tape, notation, seed, problem)
        })?;
        Ok((inner.map(|inner| Breaker::of(inner, source)), mistakes))
    }

    /// The breaker that a policy describes, closed. Raises ValueError if the policy has none, or only names one.
    #[new]
    #[pyo3(signature = (policy, seed=None))]
    fn new(policy: Bound<'_, Policy>, seed: Option<u64>) -> PyResult<Breaker> {
        let (source, seed) = Source::new(seed)?;
        let own = policy.get().inner.breaker(seed).map(|own| Breaker::of(own, source));
        own.ok_or_else(|| PyValueError::new_err("the policy has no breaker of its own"))
    }

    /// Another with the same options, closed.
    fn fresh(&self) -> PyResult<Breaker> {
        let (source, seed) = Source::new(None)?;
        Ok(Breaker::of(self.copy().closed(seed), source))
    }

    /// Draws by a seed of the user's from now on.
    fn reseed(&self, seed: u64) {
        let (breaker, source) = &mut *self.inner.lock();
        source.is_given = true;
        breaker.reseed(seed);
    }

    /// (None, generation, number), or how long to wait in the first place.
    fn permit(&self, now: u64) -> (Option<u64>, u32, u32) {
        match self.inner.lock().0.permit(now) {
            Ok(permit) => (None, permit.generation, permit.number),
            Err(retry_in) => (Some(retry_in), 0, 0),
        }
    }

    /// How the call with this permit ended: `ok`, `failed`, `ignored` or `dropped`.
    fn settle(&self, generation: u32, number: u32, outcome: &str, elapsed: u64, now: u64) -> PyResult<()> {
        let outcome = named(Outcome::NAMES, Outcome::ALL, "outcome", outcome)?;
        self.with(|breaker| breaker.settle(Permit { generation, number }, outcome, elapsed, now));
        Ok(())
    }

    /// state, calls, failures, slow, trips, probing, retry_in.
    fn look(&self, now: u64) -> (&'static str, u32, u32, u32, u32, u32, u64) {
        let found = self.inner.lock().0.snapshot(now);
        (found.state.as_str(), found.calls, found.failures, found.slow, found.trips, found.probing, found.retry_in)
    }

    /// A store counts from now on.
    fn go_away(&self, now: u64) {
        self.with(|breaker| breaker.go_away(now));
    }

    /// The store does not answer: it goes on alone.
    fn come_home(&self, now: u64) {
        self.with(|breaker| breaker.come_home(now));
    }

    /// Whether to ask the store for a probe before the next call.
    fn asks(&self, now: u64) -> bool {
        self.with(|breaker| breaker.asks(now))
    }

    /// Whether there is anything to tell the store.
    fn has_notes(&self) -> bool {
        self.with(|breaker| breaker.has_report())
    }

    /// What goes with a question to the store: its number, the generation that is known, the word that jitters the next opening.
    fn question(&self) -> (u64, Option<u32>, u64) {
        let Question { number, generation, word } = self.with(undaunted::Breaker::question);
        (number, generation, word)
    }

    /// What the store is to hear: the question, counts, probes; forgotten here.
    #[allow(clippy::type_complexity, reason = "a question, four counts, and probes")]
    fn notes(&self) -> ((u64, Option<u32>, u64), [u32; 4], Vec<(u32, u32, bool)>) {
        let Report { question: Question { number, generation, word }, counts, probes } =
            self.with(undaunted::Breaker::report);
        let probes = probes.into_iter().flatten().map(|(number, outcome, is_slow)| (number, outcome as u32, is_slow));
        ((number, generation, word), counts, probes.collect())
    }

    /// What the store answered a question, at `now`: state, generation, number of a probe, retry_in, opened.
    #[allow(clippy::too_many_arguments, reason = "what a store says, in its order")]
    fn told(
        &self,
        question: u64,
        state: u32,
        generation: u32,
        number: u32,
        retry_in: u64,
        opened: u64,
        now: u64,
    ) -> PyResult<()> {
        let state = State::from_number(state).ok_or_else(|| PyValueError::new_err("no state has this number"))?;
        self.with(|breaker| breaker.told(question, Told { state, generation, number, retry_in, opened }, now));
        Ok(())
    }

    /// The options as a store takes them; absent ones are 2^64 - 1.
    fn terms(&self) -> [u64; 12] {
        self.with(|breaker| breaker.terms())
    }
}

/// A throttle.
#[pyclass(frozen, module = "undaunted._core")]
pub struct Throttle {
    inner: Locked<(undaunted::Throttle, Source)>,
}

#[pymethods]
impl Throttle {
    /// The throttle, or every mistake in its options.
    #[staticmethod]
    #[pyo3(signature = (options, notation, seed=None))]
    fn compile(
        options: &Bound<'_, PyAny>,
        notation: &str,
        seed: Option<u64>,
    ) -> PyResult<(Option<Throttle>, Vec<Mistake>)> {
        let (source, seed) = Source::new(seed)?;
        let (inner, mistakes) = compile(options, notation, |tape, notation, problem| {
            undaunted::Throttle::compile(tape, notation, seed, problem)
        })?;
        Ok((inner.map(|inner| Throttle { inner: Locked(Mutex::new((inner, source))) }), mistakes))
    }

    /// Whether a request may go.
    fn ask(&self, now: u64) -> PyResult<bool> {
        let (throttle, source) = &mut *self.inner.lock();
        if let Some(seed) = source.renewed()? {
            throttle.reseed(seed);
        }
        Ok(throttle.ask(now))
    }

    /// The same by a given word.
    fn allow(&self, now: u64, word: u64) -> bool {
        self.inner.lock().0.allow(now, word)
    }

    /// A request was accepted.
    fn accepted(&self, now: u64) {
        self.inner.lock().0.accepted(now);
    }

    /// Requests and accepts in the window.
    fn look(&self, now: u64) -> (u32, u32) {
        self.inner.lock().0.counts(now)
    }

    /// A store counts from now on.
    fn go_away(&self, now: u64) {
        self.inner.lock().0.go_away(now);
    }

    /// The store does not answer: it goes on alone, by its own history.
    fn come_home(&self) {
        self.inner.lock().0.come_home();
    }

    /// Whether there is anything to tell the store.
    fn has_notes(&self) -> bool {
        self.inner.lock().0.has_report()
    }

    /// Requests and accepts that the store is to hear of; forgotten here.
    fn notes(&self) -> [u32; 2] {
        self.inner.lock().0.report()
    }

    /// Requests and accepts of all.
    fn told(&self, requests: u32, accepts: u32) {
        self.inner.lock().0.told(requests, accepts);
    }

    /// The window.
    fn window(&self) -> u64 {
        self.inner.lock().0.window()
    }
}

/// A bulkhead: it counts, and Python keeps who waits.
#[pyclass(frozen, module = "undaunted._core")]
pub struct Bulkhead {
    inner: Locked<undaunted::Bulkhead>,
}

#[pymethods]
impl Bulkhead {
    /// The bulkhead, or every mistake in its options.
    #[staticmethod]
    fn compile(options: &Bound<'_, PyAny>, notation: &str) -> PyResult<(Option<Bulkhead>, Vec<Mistake>)> {
        let (inner, mistakes) = compile(options, notation, undaunted::Bulkhead::compile)?;
        Ok((inner.map(|inner| Bulkhead { inner: Locked(Mutex::new(inner)) }), mistakes))
    }

    /// 0 to go in, a ticket to wait with, None if refused.
    fn enter(&self) -> Option<u64> {
        match self.inner.lock().enter() {
            Entry::Admitted => Some(0),
            Entry::Waiting(ticket) => Some(ticket),
            Entry::Refused => None,
        }
    }

    /// Whether the lowest ticket that waits goes in for the call that leaves.
    fn leave(&self) -> bool {
        self.inner.lock().leave()
    }

    /// One that waits gives up.
    fn cancel(&self) {
        self.inner.lock().cancel();
    }

    /// How many are in, and how many wait.
    fn look(&self) -> (u64, u64) {
        let bulkhead = self.inner.lock();
        (bulkhead.running(), bulkhead.waiting())
    }

    /// A call comes that the store let in.
    fn admit(&self) {
        self.inner.lock().admit();
    }

    /// So many processes share it: alone, each lets in its share.
    fn divide(&self, members: u32) {
        self.inner.lock().divide(members);
    }
}

/// The rule of hedged calls.
#[pyclass(frozen, module = "undaunted._core")]
pub struct Hedge {
    inner: undaunted::Hedge,
    seed: Option<u64>,
}

#[pymethods]
impl Hedge {
    /// The hedge, or every mistake in its options.
    #[staticmethod]
    #[pyo3(signature = (options, notation, seed=None))]
    fn compile(
        options: &Bound<'_, PyAny>,
        notation: &str,
        seed: Option<u64>,
    ) -> PyResult<(Option<Hedge>, Vec<Mistake>)> {
        let (inner, mistakes) = compile(options, notation, undaunted::Hedge::compile)?;
        Ok((inner.map(|inner| Hedge { inner, seed }), mistakes))
    }

    /// A call that begins now, its attempts after the first paid from the budget; its words come of the hedge's seed, else of the
    /// next of the process.
    #[pyo3(signature = (now, budget=None))]
    fn start(&self, now: u64, budget: Option<Py<Budget>>) -> PyResult<Race> {
        let seed = self.seed.map_or_else(seed::next_call, Ok)?;
        Ok(Race { inner: self.inner.start(now, seed), budget })
    }
}

/// One hedged call.
#[pyclass(module = "undaunted._core")]
pub struct Race {
    inner: undaunted::hedge::Race,
    budget: Option<Py<Budget>>,
}

impl Race {
    fn with<R>(&mut self, decide: impl FnOnce(&mut undaunted::hedge::Race, Option<&mut undaunted::Budget>) -> R) -> R {
        let mut budget = self.budget.as_ref().map(|budget| budget.get().lock());
        decide(&mut self.inner, budget.as_deref_mut())
    }
}

#[pymethods]
impl Race {
    /// What to do: `start` with a number, `wait_until` with an instant, `wait`, `end`.
    fn step(&mut self, now: u64) -> (&'static str, u64) {
        match self.with(|race, budget| race.step(now, budget)) {
            Step::Start(number) => ("start", number.into()),
            Step::WaitUntil(at) => ("wait_until", at),
            Step::Wait => ("wait", 0),
            Step::End => ("end", 0),
        }
    }

    /// An attempt failed in a way that another may not.
    #[pyo3(signature = (now, pushback=None))]
    fn failed(&mut self, now: u64, pushback: Option<u64>) {
        self.with(|race, budget| race.failed(now, pushback, budget));
    }

    /// An attempt failed, and the server asked for no other.
    fn refused(&mut self) {
        self.with(undaunted::hedge::Race::refused);
    }

    /// An attempt succeeded.
    fn succeeded(&mut self, now: u64) {
        self.with(|race, budget| race.succeeded(now, budget));
    }

    /// An attempt failed in a way that ends the call.
    fn end(&mut self) {
        self.inner.end();
    }
}
