//! A policy: every option resolved. The only ways in are the presets and [`Policy::compile`], so one that exists is right.

use core::fmt::{self, Write};

use crate::backoff::{Backoff, Delays, exponential, exponential_at};
use crate::bounds::PRESETS;
use crate::draw::{Lane, word};
use crate::failure::{Class, names};
use crate::jitter::{Draw, Jitter};
use crate::name::Names;
use crate::presets::STANDARD;
use crate::rules::Rules;
use crate::settings::{
    ABSENT, ATTEMPT_TIMEOUT, ATTEMPTS, CLASS_INITIAL, FACTOR, FIRST, INITIAL, MAX_DELAY, NESTED, NULL, Settings,
    TIMEOUT, get, of_class,
};
use crate::{presets, settings, words};

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

/// The classes that have settings: all but `permanent`.
pub(crate) const CLASSES: usize = Class::Permanent as usize;

/// One retry policy. About 5 KB of plain values; copy it or share it, it never changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    pub(crate) settings: Settings,
    pub(crate) delays: Delays,
    pub(crate) rules: Rules,
    /// Of its budget and its breaker.
    pub(crate) names: Names,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::standard()
    }
}

/// The canonical JSON; what is not ASCII as escapes.
impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut result = Ok(());
        self.dump(&mut |piece| {
            for byte in piece {
                let letter = char::from(*byte);
                let written = if letter.is_ascii() { f.write_char(letter) } else { write!(f, "\\x{byte:02x}") };
                result = result.and(written);
            }
        });
        result
    }
}

impl Policy {
    /// Nothing is set.
    pub(crate) const EMPTY: Policy =
        Policy { settings: settings::EMPTY, delays: Delays::EMPTY, rules: Rules::EMPTY, names: Names::EMPTY };

    /// The default: 10 attempts in 45 s, 1 s doubling to 10 s, full jitter.
    ///
    /// Source: our choice, see DESIGN 3: the mean first wait of stamina's defaults, and a herd that keeps spreading.
    pub fn standard() -> Policy {
        presets::policy(0)
    }

    /// The policy of this name: `standard`, `interactive`, `aws`, `grpc`, `stamina`, `urllib3`, `google`, `none`.
    pub fn preset(name: &str) -> Option<Policy> {
        words::position(PRESETS, name.as_bytes()).map(|number| presets::policy(number as u64))
    }

    /// Total calls, the first included; None is unlimited.
    pub fn attempts(&self) -> Option<u32> {
        self.limit(ATTEMPTS).map(|attempts| attempts as u32)
    }

    /// Limit of the whole call in microseconds.
    pub fn timeout(&self) -> Option<u64> {
        self.limit(TIMEOUT)
    }

    /// Limit of one attempt in microseconds.
    pub fn attempt_timeout(&self) -> Option<u64> {
        self.limit(ATTEMPT_TIMEOUT)
    }

    /// What to do with an inner call's exhausted error.
    pub fn nested(&self) -> Nested {
        Nested::from_number(self.settings[NESTED] as u32).unwrap_or(Nested::Warn)
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
    #[cfg_attr(not(target_arch = "wasm32"), inline)]
    pub(crate) fn draw(&self, class: Class, n: u32, restarted_at: u32, call_seed: u64, previous: &mut u64) -> u64 {
        let Some(step) = self.step(n, restarted_at) else { return 0 };
        let draw = self.draw_of(class, step, word(call_seed, Lane::Delay, n.into()), *previous);
        *previous = draw.delay(Jitter::of(&self.settings));
        *previous
    }

    /// How far the backoff has come before retry `n`, from 1; None for one that is made at once.
    #[cfg_attr(not(target_arch = "wasm32"), inline)]
    pub(crate) fn step(&self, n: u32, restarted_at: u32) -> Option<u32> {
        let is_immediate = self.settings[FIRST] == IMMEDIATE && restarted_at == 0;
        Some(n.saturating_sub(restarted_at).saturating_sub(is_immediate.into())).filter(|step| *step > 0)
    }

    /// What the draw of a step depends on; `previous` is 0 before the first.
    #[cfg_attr(not(target_arch = "wasm32"), inline)]
    pub(crate) fn draw_of(&self, class: Class, step: u32, word: u64, previous: u64) -> Draw {
        let initial = self.initial(class);
        let previous = if previous == 0 { initial } else { previous };
        Draw { ceiling: self.ceiling(class, step), max_delay: self.settings[MAX_DELAY], initial, previous, word }
    }

    /// The delay of step `n` ≥ 1 before jitter, after a failure of this class.
    #[cfg_attr(not(target_arch = "wasm32"), inline)]
    pub(crate) fn ceiling(&self, class: Class, n: u32) -> u64 {
        let initial = self.initial(class);
        let max_delay = self.settings[MAX_DELAY];
        match Backoff::of(&self.settings) {
            Backoff::Exponential => {
                // A class that begins elsewhere has no table.
                match self.of_class(class, CLASS_INITIAL) {
                    Some(own) => exponential_at(own, self.factor(), max_delay, n),
                    None => self.delays.at(n),
                }
            }
            Backoff::Linear => initial.saturating_mul(n.into()).min(max_delay),
            Backoff::Constant => initial.min(max_delay),
            Backoff::List => self.delays.at(n),
        }
    }

    /// Makes the table of ceilings, once the settings stand.
    pub(crate) fn grow(&mut self) {
        if Backoff::of(&self.settings) == Backoff::Exponential {
            self.delays = Delays::EMPTY;
            let ceilings = exponential(self.settings[INITIAL], self.factor(), self.settings[MAX_DELAY]);
            ceilings.for_each(|ceiling| self.delays.push(ceiling));
        }
    }

    fn factor(&self) -> u32 {
        self.limit(FACTOR).unwrap_or(STANDARD[FACTOR]) as u32
    }

    /// A setting of a class, if it has its own; `permanent` has none.
    pub(crate) fn of_class(&self, class: Class, setting: usize) -> Option<u64> {
        let place = of_class(class as usize, setting);
        Some(get(&self.settings, place)).filter(|value| class != Class::Permanent && *value != ABSENT)
    }

    /// A setting that may be null.
    pub(crate) fn limit(&self, setting: usize) -> Option<u64> {
        Some(get(&self.settings, setting)).filter(|value| *value < NULL)
    }

    fn initial(&self, class: Class) -> u64 {
        self.of_class(class, CLASS_INITIAL).unwrap_or(self.settings[INITIAL])
    }
}

/// `first: "immediate"`
const IMMEDIATE: u64 = 1;
