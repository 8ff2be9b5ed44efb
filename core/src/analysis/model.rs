//! What an analysis goes by: how often and how long attempts fail, the range of every delay, the limits.

use super::fixed::{ONE, ratio};
use super::options::Options;
use crate::backoff::MILLION;
use crate::failure::Class;
use crate::jitter::{Jitter, proportional};
use crate::policy::Policy;
use crate::settings::{ATTEMPTS, CLASS_ATTEMPTS, CLASS_INITIAL, FIRST, INITIAL, MAX_DELAY, MIN_ATTEMPT};

/// A delay: `low` plus a uniform 0..=`width`, in microseconds.
#[derive(Clone, Copy, Default)]
pub(crate) struct Span {
    pub low: u64,
    pub width: u64,
}

impl Span {
    pub fn high(self) -> u64 {
        self.low.saturating_add(self.width)
    }
}

/// A policy under the conditions of an analysis: failures of one class, no hint, nothing shared.
pub(super) struct Model<'p> {
    pub policy: &'p Policy,
    pub class: Class,
    /// The probability that an attempt fails.
    pub failure: u64,
    /// How long an attempt lasts: `attempt_timeout` cuts it.
    pub duration: u64,
    /// Attempts allowed, and whether the class's own limit says so.
    pub attempts: Option<u64>,
    pub is_class_limit: bool,
    pub timeout: Option<u64>,
    /// What a clipped wait leaves.
    pub min_attempt: Option<u64>,
    /// An attempt that the deadline meets is interrupted.
    pub is_interrupted: bool,
}

impl<'p> Model<'p> {
    pub fn of(policy: &'p Policy, options: &Options) -> Model<'p> {
        let all = policy.limit(ATTEMPTS);
        let of_class = policy.of_class(options.class, CLASS_ATTEMPTS);
        let is_class_limit = of_class.is_some_and(|limit| all.is_none_or(|all| limit <= all));
        Model {
            policy,
            class: options.class,
            failure: ratio(options.failure_rate, MILLION.into()),
            duration: options.attempt_duration.min(policy.attempt_timeout().unwrap_or(u64::MAX)),
            attempts: if is_class_limit { of_class } else { all },
            is_class_limit,
            timeout: policy.timeout(),
            min_attempt: policy.limit(MIN_ATTEMPT),
            is_interrupted: policy.attempt_timeout().is_some(),
        }
    }

    /// The delays of retries 1, 2, 3, …: see [`spans`].
    pub fn spans(&self) -> impl Iterator<Item = Span> + 'p {
        spans(self.policy, self.class)
    }

    /// What none of the first `retries` delays exceeds: `max_delay` may be far beyond.
    pub fn longest(&self, retries: u64) -> u64 {
        self.spans().take(retries as usize).map(Span::high).max().unwrap_or(0)
    }

    /// The first delay, before jitter.
    pub fn initial(&self) -> u64 {
        initial(self.policy, self.class)
    }

    pub fn success(&self) -> u64 {
        ONE - self.failure
    }

    /// The most that retries 1 to `n` may have waited for retry `n` to be made. None: it cannot be.
    pub fn latest(&self, n: u64) -> Option<u64> {
        self.before_deadline(n, self.min_attempt.unwrap_or(1))
    }

    /// The most that the retries may have waited for attempt `n` + 1 to end before it is interrupted.
    pub fn latest_end(&self, n: u64) -> Option<u64> {
        if self.is_interrupted { self.before_deadline(n + 1, 0) } else { Some(u64::MAX) }
    }

    fn before_deadline(&self, attempts: u64, rest: u64) -> Option<u64> {
        match self.timeout {
            None => Some(u64::MAX),
            Some(timeout) => timeout.checked_sub(self.duration.saturating_mul(attempts))?.checked_sub(rest),
        }
    }

    pub fn is_last(&self, attempt: u64) -> bool {
        self.attempts.is_some_and(|attempts| attempt >= attempts)
    }
}

/// Whether each delay depends on the one before.
pub(crate) fn is_decorrelated(policy: &Policy) -> bool {
    Jitter::of(&policy.settings) == Jitter::Decorrelated
}

fn initial(policy: &Policy, class: Class) -> u64 {
    policy.of_class(class, CLASS_INITIAL).unwrap_or(policy.settings[INITIAL])
}

/// Whether retry 1 waits for nothing.
pub(crate) fn is_immediate(policy: &Policy, n: u64) -> bool {
    policy.settings[FIRST] == 1 && n == 1
}

/// The delays of retries 1, 2, 3, … after failures of one class; of decorrelated jitter the widest they can be.
pub(crate) fn spans(policy: &Policy, class: Class) -> impl Iterator<Item = Span> + '_ {
    let jitter = Jitter::of(&policy.settings);
    let max_delay = policy.settings[MAX_DELAY];
    let first_step = u32::from(policy.settings[FIRST] != 1);
    let mut before = initial(policy, class);
    (0_u32..).map(move |at| {
        let step = at.saturating_add(first_step);
        if step == 0 {
            return Span::default();
        }
        if jitter == Jitter::Decorrelated {
            let low = initial(policy, class);
            before = before.saturating_mul(3).min(max_delay).max(low);
            return Span { low, width: before - low };
        }
        let c = policy.ceiling(class, step);
        match jitter {
            Jitter::None | Jitter::Decorrelated => Span { low: c, width: 0 },
            Jitter::Full => Span { low: 0, width: c },
            Jitter::Equal => Span { low: c - c / 2, width: c / 2 },
            Jitter::Proportional(p) => {
                let (middle, reach) = proportional(c, max_delay, p);
                Span { low: middle - reach, width: 2 * reach }
            }
            Jitter::Additive(j) => Span { low: c.min(max_delay.saturating_sub(j)), width: j },
        }
    })
}
