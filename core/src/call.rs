//! One call: what the core decides when an attempt starts and when it fails.

use crate::breaker::{Breaker, Outcome, Permit};
use crate::budget::Budget;
use crate::classify::find;
use crate::draw::{Lane, uniform, word};
use crate::failure::{Class, Condition, Failure, Sent, Verdict, names};
use crate::hint_rule::HintMode;
use crate::jitter::Jitter;
use crate::policy::{CLASSES, Nested, Policy};
use crate::settings::{
    ATTEMPTS, CLASS_ATTEMPTS, FALSE, HINT_MAX, HINT_RESETS, HINT_WINDOW, IDEMPOTENT, MIN_ATTEMPT, TRUE,
};
use crate::term::Term;

/// Whether retrying is switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Retry.
    #[default]
    Normal = 0,
    /// Call once and never retry: tests, or a switch in operation.
    Inactive = 1,
}

/// Why a call was given up, in the order in which the checks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The caller asked to stop.
    Cancelled = 1,
    /// Retrying is switched off.
    Inactive = 2,
    /// An inner call has exhausted its retries on this error.
    Nested = 3,
    /// Repeating cannot help, nothing is known about the error, or the server forbade it.
    Permanent = 4,
    /// The server may have acted, and repeating might do harm.
    NotIdempotent = 5,
    /// The class of the failure has used up its own attempts.
    ClassAttempts = 6,
    /// All attempts are used up.
    Attempts = 7,
    /// The server asked for a longer wait than the policy or the deadline allows.
    HintTooLong = 8,
    /// The next wait would end at or after the deadline.
    Timeout = 9,
    /// The breaker that the calls of this client share is open: nothing was sent.
    BreakerOpen = 10,
    /// The budget that the calls of this client share has nothing left: not a limit of the server's.
    Budget = 11,
}

names!(Reason {
    Cancelled = "cancelled",
    Inactive = "inactive",
    Nested = "nested",
    Permanent = "permanent",
    NotIdempotent = "not_idempotent",
    ClassAttempts = "class_attempts",
    Attempts = "attempts",
    HintTooLong = "hint_too_long",
    Timeout = "timeout",
    BreakerOpen = "breaker_open",
    Budget = "budget",
});

/// The state of one call. Small, plain values; the policy is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// When the call began, in microseconds of the host's clock.
    pub started_at: u64,
    /// The instant at which `timeout`, or an outer call's, ends.
    pub deadline: Option<u64>,
    /// What the call's words are drawn from; events carry it, and `schedule` replays it.
    pub call_seed: u64,
    /// Attempts that failed so far, which is also the number of the retry that comes next.
    pub failures: u32,
    /// Failures by class, `permanent` left out.
    pub failures_in: [u32; CLASSES],
    /// The latest `now` seen: one that goes back counts as no progress.
    pub last_now: u64,
    /// The last draw, for decorrelated jitter; 0 before the first.
    pub previous: u64,
    /// The retry after which the exponent started again.
    pub restarted_at: u32,
    /// Whether the one wait of 0 of `immediate` rows is used up.
    pub used_immediate: bool,
    /// Whether the one retry of `opt_in_once` rows is used up.
    pub used_once: bool,
    /// Whether the wait was clipped, so that the attempt after it is the last.
    pub is_last: bool,
    /// Whether retrying is switched on.
    pub mode: Mode,
    /// Whether the budget knows of the call.
    pub has_begun: bool,
    /// What the retry that is waited for has taken from the budget, in millionths of a token.
    pub taken: Option<u64>,
    /// What the last retry has taken, once it was made.
    pub spent: Option<u64>,
    /// The breaker's leave for the attempt that runs.
    pub permit: Option<Permit>,
    /// When the breaker gave it.
    pub permitted_at: u64,
    /// Whether the call has succeeded or was cancelled.
    pub is_settled: bool,
}

/// What calls share. Plain values behind whatever lock the host has; without any, `Shared::default()`.
#[derive(Debug, Default)]
pub struct Shared<'a> {
    /// The budget that the policy names. A policy that names one retries nothing without it.
    pub budget: Option<&'a mut Budget>,
    /// The breaker that the policy names. Where there is none, nothing is refused.
    pub breaker: Option<&'a mut Breaker>,
}

/// An attempt that may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// When the host should interrupt it, in microseconds from now; None: let it run.
    pub limit: Option<u64>,
    /// What is left until the deadline, in microseconds.
    pub remaining: Option<u64>,
}

/// An attempt that must not start; the call is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The deadline has passed, or the breaker is open.
    pub reason: Reason,
    /// How long the breaker goes on refusing, in microseconds.
    pub hint: Option<u64>,
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Wait `delay` microseconds, then start the next attempt.
    Retry {
        /// The wait in microseconds.
        delay: u64,
        /// What kind of failure it was.
        class: Class,
        /// Whether the server may have acted.
        sent: Sent,
        /// The wait was clipped: the next attempt is the last.
        last: bool,
        /// The error comes from an inner call that has exhausted its own retries: tell the user.
        nested_warning: bool,
    },
    /// Hand the error to the caller.
    GiveUp {
        /// The first check that refused.
        reason: Reason,
        /// The wait the server asked for, so that the caller can come back later; or how long the breaker is open yet, if that
        /// is the reason and longer.
        hint: Option<u64>,
        /// What kind of failure it was.
        class: Class,
        /// Whether the server may have acted.
        sent: Sent,
    },
}

impl Policy {
    /// The state of a call that began at `now`. A host without `attempt_timeout` may make it at the first failure, so that
    /// a call that succeeds never enters the core. An `outer_deadline` counts if it is earlier than the policy's own.
    pub fn start(&self, now: u64, call_seed: u64, outer_deadline: Option<u64>, mode: Mode) -> Call {
        let own = self.timeout().map(|timeout| now.saturating_add(timeout));
        let deadline = match (own, outer_deadline) {
            (Some(own), Some(outer)) => Some(own.min(outer)),
            (own, outer) => own.or(outer),
        };
        Call {
            started_at: now,
            deadline,
            call_seed,
            failures: 0,
            failures_in: [0; CLASSES],
            last_now: now,
            previous: 0,
            restarted_at: 0,
            used_immediate: false,
            used_once: false,
            is_last: false,
            mode,
            has_begun: false,
            taken: None,
            spent: None,
            permit: None,
            permitted_at: now,
            is_settled: false,
        }
    }

    /// Asked before every attempt: its number and limits, or why it must not start. An extra call is harmless.
    pub fn attempt(&self, call: &mut Call, now: u64, mut shared: Shared) -> Result<Attempt, Refused> {
        let now = call.advance(now);
        call.begin(&mut shared);
        let remaining = call.deadline.map(|deadline| deadline.saturating_sub(now));
        let refused = match call.failures > 0 && remaining == Some(0) {
            true => Some(Refused { reason: Reason::Timeout, hint: None }),
            false => call.ask(&mut shared).map(|wait| Refused { reason: Reason::BreakerOpen, hint: Some(wait) }),
        };
        if let Some(refused) = refused {
            call.hand_back(&mut shared);
            return Err(refused);
        }
        call.spent = call.taken.take().or(call.spent);
        let limit = self.attempt_timeout().map(|limit| limit.min(remaining.unwrap_or(limit)));
        Ok(Attempt { number: call.failures.saturating_add(1), limit, remaining })
    }

    /// Told after every failed attempt: whether to retry, after what wait, or why not.
    ///
    /// The checks are made in the order of [`Reason`]; the first that refuses is the reason.
    pub fn failed(&self, call: &mut Call, now: u64, failure: &Failure, shared: Shared) -> Decision {
        self.failed_as(&self.see(failure), call, now, failure, shared, &mut |_| {})
    }

    /// The same of a failure that was looked at before; `tell` hears the terms of the wait.
    pub(crate) fn failed_as(
        &self,
        seen: &Seen,
        call: &mut Call,
        now: u64,
        failure: &Failure,
        mut shared: Shared,
        tell: &mut impl FnMut(Term),
    ) -> Decision {
        call.advance(now);
        call.begin(&mut shared);
        call.record(seen.class);
        call.settle(Outcome::of(failure, seen.class), &mut shared);
        (call.taken, call.spent) = (None, None);
        let previous = call.previous;
        match self.decide(call, failure, seen, &mut shared, tell) {
            Ok(delay) => {
                if self.settings[HINT_RESETS] == TRUE && failure.hint.is_some() && failure.wait.is_none() {
                    call.restarted_at = call.failures;
                }
                call.used_once |= seen.condition == Condition::OptInOnce;
                call.used_immediate |= seen.condition == Condition::Immediate;
                Decision::Retry {
                    delay,
                    class: seen.class,
                    sent: seen.sent,
                    last: call.is_last,
                    nested_warning: failure.nested && self.nested() == Nested::Warn,
                }
            }
            Err(reason) => {
                call.previous = previous; // which another may go on from
                let breaker = shared.breaker.filter(|_| reason == Reason::BreakerOpen);
                let hint = failure.hint.max(breaker.map(|breaker| breaker.open_for(call.last_now)));
                Decision::GiveUp { reason, hint, class: seen.class, sent: seen.sent }
            }
        }
    }

    /// Told of a call's success. An extra call is harmless; without shared state it is not needed.
    pub fn succeeded(&self, call: &mut Call, now: u64, mut shared: Shared) {
        let now = call.advance(now);
        call.begin(&mut shared);
        call.settle(Outcome::Ok, &mut shared);
        if let (Some(budget), false) = (shared.budget, call.is_settled) {
            budget.call_succeeded(call.spent, now);
        }
        call.is_settled = true;
    }

    /// Told of a call that ends without a decision, in a wait or in an attempt: hands back what a retry was to take that
    /// is not made now, and the breaker's permit. An extra call is harmless; without shared state it is not needed.
    pub fn cancelled(&self, call: &mut Call, now: u64, mut shared: Shared) {
        call.advance(now);
        call.hand_back(&mut shared);
        call.is_settled = true;
    }

    fn decide(
        &self,
        call: &mut Call,
        failure: &Failure,
        seen: &Seen,
        shared: &mut Shared,
        tell: &mut impl FnMut(Term),
    ) -> Result<u64, Reason> {
        if failure.cancelled {
            return Err(Reason::Cancelled);
        }
        if call.mode == Mode::Inactive {
            return Err(Reason::Inactive);
        }
        if failure.nested && self.nested() == Nested::Once {
            return Err(Reason::Nested);
        }
        let is_allowed = seen.is_allowed(call);
        let cost = self.cost(seen.class);
        if let Some(budget) = &mut shared.budget
            && (is_allowed || failure.should_retry == Some(false))
        {
            budget.attempt_failed(cost);
        }
        if !is_allowed {
            return Err(Reason::Permanent);
        }
        if seen.sent == Sent::Maybe && !self.may_repeat(failure) {
            return Err(Reason::NotIdempotent);
        }
        if self.of_class(seen.class, CLASS_ATTEMPTS).is_some_and(|limit| u64::from(call.failed_in(seen.class)) >= limit)
        {
            return Err(Reason::ClassAttempts);
        }
        if u64::from(call.failures) >= self.settings[ATTEMPTS] {
            return Err(Reason::Attempts);
        }
        let delay = self.wait(call, failure, seen, tell)?;
        if shared.breaker.as_mut().is_some_and(|breaker| breaker.open_for(call.last_now) > delay) {
            return Err(Reason::BreakerOpen);
        }
        if self.budget_name().is_some() {
            let budget = shared.budget.as_mut().ok_or(Reason::Budget)?;
            call.taken = Some(budget.take(cost, call.last_now).ok_or(Reason::Budget)?);
        }
        Ok(delay)
    }

    /// What the tables, the policy's rules and the user's `on` make of a failure.
    pub(crate) fn see(&self, failure: &Failure) -> Seen {
        let row = find(failure.domain, failure.code, failure.phase, failure.hint.is_some());
        let (class_by_rule, sent_by_rule) = self.rules.find(failure);
        let is_forced = failure.verdict == Verdict::Forced || failure.should_retry == Some(true);
        let mut seen = Seen {
            class: class_by_rule.unwrap_or(row.class),
            sent: sent_by_rule.unwrap_or(row.sent),
            condition: row.condition,
            has_hint: failure.hint.is_some(),
            is_named: class_by_rule.is_some() || failure.verdict == Verdict::Named,
            is_forced,
            is_vetoed: failure.verdict == Verdict::Refused || failure.should_retry == Some(false),
        };
        if class_by_rule.is_some() && seen.condition == Condition::HintOnly {
            seen.condition = Condition::Always;
        }
        let is_unknown = !row.is_known && class_by_rule.is_none();
        if seen.class == Class::Permanent && (is_forced || (is_unknown && seen.is_named)) {
            seen.class = Class::Transient;
        }
        if failure.should_retry == Some(true) {
            seen.sent = Sent::Rejected;
        }
        seen
    }

    /// Whether the policy lets a call be repeated that the server may have acted on.
    fn may_repeat(&self, failure: &Failure) -> bool {
        match self.settings[IDEMPOTENT] {
            FALSE => false,
            TRUE => true,
            _ => failure.is_idempotent(),
        }
    }

    /// The wait: 0 once for a row that is retried at once, else a draw; then the hint, then the deadline.
    ///
    /// The draw is made, and remembered, even where a hint or the user's own wait takes its place: so the next draw
    /// depends on the words alone.
    fn wait(&self, call: &mut Call, failure: &Failure, seen: &Seen, mut tell: impl FnMut(Term)) -> Result<u64, Reason> {
        let n = call.failures;
        let left = call.deadline.map_or(u64::MAX, |deadline| deadline.saturating_sub(call.last_now));
        let mut delay = 0;
        if seen.condition != Condition::Immediate || call.used_immediate {
            tell(Term::Draw { previous: call.previous });
            delay = self.draw(seen.class, n, call.restarted_at, call.call_seed, &mut call.previous);
        }
        // What a clipped wait must not go below; an exact wait may not be clipped.
        let mut floor = 0;
        let mut is_exact = failure.wait.is_some();
        let mode = HintMode::of(&self.settings);
        if let Some(wait) = failure.wait {
            delay = wait;
        } else if let Some(hint) = failure.hint {
            let room = left.saturating_sub(hint);
            if mode.is_limited() && (hint > self.settings[HINT_MAX] || room == 0) {
                return Err(Reason::HintTooLong);
            }
            match mode {
                HintMode::Floor => {
                    let ceiling = self.ceiling(seen.class, n.saturating_sub(call.restarted_at));
                    let above = match Jitter::of(&self.settings) {
                        Jitter::None => ceiling.saturating_sub(hint).min(room - 1),
                        _ => uniform(word(call.call_seed, Lane::Delay, n.into()), ceiling.min(room - 1)),
                    };
                    tell(Term::AboveHint { ceiling, most: ceiling.min(room - 1) });
                    floor = hint;
                    delay = hint.saturating_add(above);
                }
                HintMode::Exact => {
                    is_exact = true;
                    delay = hint;
                }
                HintMode::Window => delay = hint.max(delay).min(delay.saturating_add(self.settings[HINT_WINDOW])),
                HintMode::Ignore => {}
            }
        }
        tell(Term::Wait(delay));
        if call.is_last {
            return Err(Reason::Timeout);
        }
        let min_attempt = match self.limit(MIN_ATTEMPT) {
            _ if call.deadline.is_none() => return Ok(delay),
            None if delay < left => return Ok(delay),
            Some(min_attempt) if delay.saturating_add(min_attempt) <= left => return Ok(delay),
            Some(min_attempt) if !is_exact => min_attempt,
            _ => return Err(Reason::Timeout),
        };
        let room = left.checked_sub(min_attempt).and_then(|room| room.checked_sub(floor)).ok_or(Reason::Timeout)?;
        call.is_last = true;
        tell(Term::Clip { floor, most: room });
        Ok(floor + uniform(word(call.call_seed, Lane::Clip, n.into()), room))
    }
}

/// A failure as this policy sees it.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    pub class: Class,
    pub sent: Sent,
    pub condition: Condition,
    pub has_hint: bool,
    pub is_named: bool,
    pub is_forced: bool,
    pub is_vetoed: bool,
}

impl Seen {
    fn is_allowed(&self, call: &Call) -> bool {
        !self.is_vetoed && self.class != Class::Permanent && (self.meets_condition(call) || self.is_forced)
    }

    /// Whether the condition of its row is met at this point of the call.
    pub fn meets_condition(&self, call: &Call) -> bool {
        let is_used_up = self.condition == Condition::OptInOnce && call.used_once;
        self.condition.is_met(self.has_hint, self.is_named) && !is_used_up
    }
}

impl Call {
    /// The time that counts: a `now` that goes back is no progress.
    fn advance(&mut self, now: u64) -> u64 {
        self.last_now = self.last_now.max(now);
        self.last_now
    }

    /// Tells the budget of the call, once.
    fn begin(&mut self, shared: &mut Shared) {
        if let (Some(budget), false) = (&mut shared.budget, self.has_begun) {
            budget.call_begins(self.last_now);
        }
        self.has_begun = true;
    }

    /// The attempt that was to start, or that runs, is none.
    fn hand_back(&mut self, shared: &mut Shared) {
        self.settle(Outcome::Dropped, shared);
        if let (Some(budget), Some(taken)) = (&mut shared.budget, self.taken.take()) {
            budget.give_back(taken, self.last_now);
        }
    }

    fn record(&mut self, class: Class) {
        self.failures = self.failures.saturating_add(1);
        if let Some(count) = self.failures_in.get_mut(class as usize) {
            *count = count.saturating_add(1);
        }
    }

    fn failed_in(&self, class: Class) -> u32 {
        self.failures_in.get(class as usize).copied().unwrap_or(0)
    }
}
