//! A policy: every option resolved. The only ways in are the presets and [`Policy::compile`], so one that exists is right.

use crate::backoff::{Backoff, Table, exponential_ceiling};
use crate::draw::{Lane, word};
use crate::failure::{Class, names};
use crate::hint_rule::HintRule;
use crate::jitter::{Draw, Jitter};
use crate::presets;
use crate::rules::Rules;

/// Whether a call that the server may have acted on may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotent {
    /// By method and idempotency key where an adapter speaks, else the user's word.
    Auto,
    /// Always.
    True,
    /// Never, whatever the call says.
    False,
}

/// What to do with an error whose retries an inner call has already exhausted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nested {
    /// Retry, and tell the user once.
    Warn = 0,
    /// Do not retry it again.
    Once = 1,
    /// Retry.
    Allow = 2,
    /// Retry within the outer call's deadline.
    Share = 3,
}

names!(Nested { Warn = "warn", Once = "once", Allow = "allow", Share = "share" });

/// The settings of one class of failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClassSettings {
    pub attempts: Option<u32>,
    pub initial: Option<u64>,
}

/// The classes that have settings: all but `permanent`.
pub(crate) const CLASSES: usize = Class::Permanent as usize;

/// One retry policy. About 4 KB of plain values; copy it or share it, it never changes.
#[derive(Clone, PartialEq, Eq)]
pub struct Policy {
    pub(crate) attempts: Option<u32>,
    pub(crate) timeout: Option<u64>,
    /// `on_timeout: clip`, with its `min_attempt`.
    pub(crate) clip: Option<u64>,
    pub(crate) attempt_timeout: Option<u64>,
    pub(crate) backoff: Backoff,
    pub(crate) initial: u64,
    /// In millionths.
    pub(crate) factor: u32,
    pub(crate) max_delay: u64,
    pub(crate) first_is_immediate: bool,
    pub(crate) jitter: Jitter,
    pub(crate) hint: HintRule,
    pub(crate) classes: [ClassSettings; CLASSES],
    pub(crate) rules: Rules,
    pub(crate) idempotent: Idempotent,
    pub(crate) nested: Nested,
    /// The list as written, or the exponential ceilings.
    pub(crate) table: Table,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::standard()
    }
}

impl Policy {
    pub(crate) const STANDARD: Policy = Policy {
        attempts: Some(10),
        timeout: Some(45_000_000),
        clip: None,
        attempt_timeout: None,
        backoff: Backoff::Exponential,
        initial: 1_000_000,
        factor: 2_000_000,
        max_delay: 10_000_000,
        first_is_immediate: false,
        jitter: Jitter::Full,
        hint: HintRule::FLOOR,
        classes: [ClassSettings { attempts: None, initial: None }; CLASSES],
        rules: Rules::EMPTY,
        idempotent: Idempotent::Auto,
        nested: Nested::Warn,
        table: Table::EMPTY,
    };

    /// The default: 10 attempts in 45 s, 1 s doubling to 10 s, full jitter.
    ///
    /// Source: our choice, see DESIGN 3: the mean first wait of stamina's defaults, and a herd that keeps spreading.
    pub fn standard() -> Policy {
        Policy::STANDARD.with_table()
    }

    /// The policy of this name: `standard`, `interactive`, `stamina`, `none`.
    pub fn preset(name: &str) -> Option<Policy> {
        presets::find(name.as_bytes()).map(Policy::with_table)
    }

    /// Total calls, the first included; None is unlimited.
    pub fn attempts(&self) -> Option<u32> {
        self.attempts
    }

    /// Limit of the whole call in microseconds.
    pub fn timeout(&self) -> Option<u64> {
        self.timeout
    }

    /// Limit of one attempt in microseconds.
    pub fn attempt_timeout(&self) -> Option<u64> {
        self.attempt_timeout
    }

    /// What to do with an inner call's exhausted error.
    pub fn nested(&self) -> Nested {
        self.nested
    }

    /// Whether a rule wants to see the response's body; if not, a host need not read it.
    pub fn needs_body(&self) -> bool {
        self.rules.need_body()
    }

    /// The waits before retries 1, 2, 3, … of a call whose attempts all fail at once, class `transient`, no hint, in
    /// microseconds. Neither `attempts` nor `timeout` ends it.
    pub fn schedule(&self, call_seed: u64) -> impl Iterator<Item = u64> + '_ {
        let mut previous = 0;
        (1_u32..).map(move |n| self.draw(Class::Transient, n, 0, call_seed, &mut previous))
    }

    /// The delay of retry `n` before hint and clip. `restarted_at` is the retry after which the exponent started again;
    /// `previous` is what decorrelated jitter folds over.
    pub(crate) fn draw(&self, class: Class, n: u32, restarted_at: u32, call_seed: u64, previous: &mut u64) -> u64 {
        let step = match (self.first_is_immediate && restarted_at == 0, n) {
            (true, 1) => return 0,
            (true, _) => n - 1,
            (false, _) => n.saturating_sub(restarted_at),
        };
        let initial = self.initial_of(class);
        let draw = Draw {
            ceiling: self.ceiling(class, step),
            max_delay: self.max_delay,
            initial,
            previous: if *previous == 0 { initial } else { *previous },
            word: word(call_seed, Lane::Delay, n.into()),
        };
        let delay = draw.delay(self.jitter);
        *previous = delay;
        delay
    }

    /// The delay of step `n` ≥ 1 before jitter, after a failure of this class.
    pub(crate) fn ceiling(&self, class: Class, n: u32) -> u64 {
        let initial = self.initial_of(class);
        match self.backoff {
            Backoff::List => self.table.at(n),
            Backoff::Constant => initial.min(self.max_delay),
            Backoff::Linear => initial.saturating_mul(n.into()).min(self.max_delay),
            Backoff::Exponential if initial == self.initial => self.table.at(n),
            Backoff::Exponential => exponential_ceiling(initial, self.factor, self.max_delay, n),
        }
    }

    /// The settings of a class; `permanent` has none.
    pub(crate) fn class(&self, class: Class) -> ClassSettings {
        self.classes.get(class as usize).copied().unwrap_or_default()
    }

    fn initial_of(&self, class: Class) -> u64 {
        self.class(class).initial.unwrap_or(self.initial)
    }

    /// With the ceilings worked out.
    pub(crate) fn with_table(mut self) -> Policy {
        if self.backoff == Backoff::Exponential {
            self.table = Table::exponential(self.initial, self.factor, self.max_delay);
        }
        self
    }
}
