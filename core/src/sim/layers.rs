//! Layers of services: each calls the next under the policy, and retries what the next has given up.

use super::{INNER, MOST_ATTEMPTS, SERVER, SHARE, SPAN, STATUS, answer, drawn, falls, or_null, probability};
use crate::bounds::{Bounds, Map, Unit};
use crate::budget::Budget;
use crate::call::{Call, Decision, Mode, Reason, Seen, Shared};
use crate::draw::call_seed;
use crate::format::{self, Mistake, Notation, Problem, number};
use crate::policy::Policy;
use crate::settings::NULL;

/// The most layers.
pub const LAYERS: usize = 10;

/// What the layers meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayersOptions {
    /// How many services retry, one above the other: 1 to 10; default 3.
    pub layers: u64,
    /// Calls to the first of them, one after the other: 1 to 1 000 000; default 1000.
    pub calls: u64,
    /// The share of requests at the bottom that fail, each by itself, in millionths: 0 to 1 000 000, the default.
    pub failure_rate: u64,
    /// The HTTP status of a failure, and of a service that has given up: 400 to 599; default 503.
    pub status: u64,
    /// The wait that a failure asks for, in microseconds; None, the default, without.
    pub hint: Option<u64>,
}

impl Default for LayersOptions {
    fn default() -> LayersOptions {
        LayersOptions { layers: 3, calls: 1_000, failure_rate: 1_000_000, status: 503, hint: None }
    }
}

impl LayersOptions {
    /// The options that `tape` describes, or None after every mistake in it was handed to `problem`.
    pub fn read(tape: &[u8], notation: Notation, problem: &mut dyn FnMut(&Problem)) -> Option<LayersOptions> {
        let LayersOptions { layers, calls, failure_rate, status, .. } = LayersOptions::default();
        let mut values = [layers, calls, failure_rate, status, NULL];
        if !OPTIONS.read(tape, notation, &mut values, problem).is_right {
            return None;
        }
        let [layers, calls, failure_rate, status, hint] = values;
        Some(LayersOptions { layers, calls, failure_rate, status, hint: Some(hint).filter(|hint| *hint != NULL) })
    }
}

static OPTIONS: format::Options = format::Options { map: &MAP, name: "the layers" };

static MAP: Map = Map {
    fields: &[
        number("layers", 0, &Bounds { unit: Unit::Count, least: 1, most: LAYERS as u64 }),
        number("calls", 1, &Bounds { unit: Unit::Count, least: 1, most: 1_000_000 }),
        number("failure_rate", 2, &SHARE),
        number("status", 3, &STATUS),
        or_null(number("hint", 4, &SPAN)),
    ],
    rivals: 0,
    unknown: Mistake::UnknownOption,
    checks: &[],
};

/// Calls to layers of services, as far as they have come. Each layer has a budget of its own; the clock runs on from call to
/// call, and stands still while an attempt runs.
pub struct Layers {
    pub(super) options: LayersOptions,
    pub(super) seed: u64,
    policy: Policy,
    seen: Seen,
    budgets: [Option<Budget>; LAYERS],
    /// The call that each layer is in; the innermost is at `depth`. No call goes on if the first is None.
    calls: [Option<Call>; LAYERS],
    depth: usize,
    pub(super) now: u64,
    /// Of the call that goes on: calls that it caused further down, and requests at the bottom.
    inner: u64,
    requests: u64,
    /// Calls that came to an end.
    pub(super) ended: u64,
    pub(super) succeeded: u64,
    /// By the number of the reason, less 1.
    pub(super) gave_up: [u64; Reason::ALL.len()],
    pub(super) unfinished: u64,
    /// Attempts of each layer; those of the last are the requests at the bottom.
    pub(super) attempts: [u64; LAYERS],
    /// The most requests at the bottom that one call has caused.
    pub(super) most: u64,
}

impl Layers {
    /// Layers that nobody has called yet; call i (from 1) draws the words of call i of the seed. `budget` is what each
    /// layer's budget is made like, full.
    pub fn new(policy: &Policy, budget: Option<&Budget>, seed: u64, options: &LayersOptions) -> Layers {
        let budget = budget.filter(|_| policy.budget_name().is_some());
        Layers {
            options: *options,
            seed,
            policy: *policy,
            seen: policy.see(&answer(options.status, options.hint)),
            budgets: [budget.map(Budget::full); LAYERS],
            calls: [None; LAYERS],
            depth: 0,
            now: 0,
            inner: 0,
            requests: 0,
            ended: 0,
            succeeded: 0,
            gave_up: [0; Reason::ALL.len()],
            unfinished: 0,
            attempts: [0; LAYERS],
            most: 0,
        }
    }

    /// Goes on by about `most` attempts. True once every call has come to an end.
    pub fn step(&mut self, most: u64) -> bool {
        for _ in 0..most {
            if self.ended == self.options.calls {
                return true;
            }
            self.attempt();
        }
        self.ended == self.options.calls
    }

    /// How many calls have come to an end, of all.
    pub fn progress(&self) -> (u64, u64) {
        (self.ended, self.options.calls)
    }

    /// The innermost call makes an attempt: a call to the next layer, or a request at the bottom.
    fn attempt(&mut self) {
        let call_seed = call_seed(self.seed, self.ended + 1);
        if self.calls.first().is_some_and(Option::is_none) {
            (self.depth, self.inner, self.requests) = (0, 0, 0);
            self.begin(call_seed);
        }
        let allowed = self.with_call(|policy, call, now, shared| policy.attempt(call, now, shared));
        if let Some(Err(refused)) = allowed {
            return self.give_up(Some(refused.reason));
        }
        if let Some(attempts) = self.attempts.get_mut(self.depth) {
            *attempts += 1;
        }
        if self.depth as u64 + 1 < self.options.layers {
            self.depth += 1;
            self.inner += 1;
            return self.begin(drawn(call_seed, INNER, self.inner));
        }
        self.requests += 1;
        if falls(drawn(call_seed, SERVER, self.requests), probability(self.options.failure_rate)) {
            return self.fail();
        }
        while self.with_call(|policy, call, now, shared| policy.succeeded(call, now, shared)).is_some() {
            if self.depth == 0 {
                self.succeeded += 1;
                return self.end();
            }
            self.depth -= 1;
        }
    }

    /// A call of the layer at `depth`.
    fn begin(&mut self, call_seed: u64) {
        if let Some(place) = self.calls.get_mut(self.depth) {
            *place = Some(self.policy.start(self.now, call_seed, None, Mode::Normal));
        }
    }

    /// The innermost call has failed an attempt: it waits, or the one above it fails an attempt.
    fn fail(&mut self) {
        let failure = answer(self.options.status, self.options.hint);
        let seen = self.seen;
        match self
            .with_call(|policy, call, now, shared| policy.failed_as(&seen, call, now, &failure, shared, &mut |_| {}))
        {
            Some(Decision::Retry { delay, .. }) => {
                self.now = self.now.saturating_add(delay);
                if self.calls.get(self.depth).copied().flatten().is_none_or(|call| call.failures >= MOST_ATTEMPTS) {
                    self.give_up(None);
                }
            }
            Some(Decision::GiveUp { reason, .. }) => self.give_up(Some(reason)),
            None => {}
        }
    }

    /// The innermost call is given up; without a reason it is followed no further.
    fn give_up(&mut self, reason: Option<Reason>) {
        if self.depth > 0 {
            self.depth -= 1;
            return self.fail();
        }
        match reason.and_then(|reason| self.gave_up.get_mut(reason as usize - 1)) {
            Some(count) => *count += 1,
            None => self.unfinished += 1,
        }
        self.end();
    }

    fn end(&mut self) {
        self.ended += 1;
        self.most = self.most.max(self.requests);
        self.calls = [None; LAYERS];
    }

    fn with_call<R>(&mut self, decide: impl FnOnce(&Policy, &mut Call, u64, Shared) -> R) -> Option<R> {
        let call = self.calls.get_mut(self.depth)?.as_mut()?;
        let budget = self.budgets.get_mut(self.depth)?.as_mut();
        Some(decide(&self.policy, call, self.now, Shared { budget, breaker: None }))
    }
}
