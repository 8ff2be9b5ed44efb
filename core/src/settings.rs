//! The settings of a policy as an array of numbers: one reader fills it, one dumper prints it, the engine looks it up.
//!
//! Times are microseconds, decimals millionths, words their place in the list that `bounds.rs` gives; where true and false
//! are allowed beside words, the words come after these two.

use crate::policy::CLASSES;

pub(crate) type Settings = [u64; LEN];

/// Not there, or without effect: a policy does not print it, so that policies with the same effect are equal.
pub(crate) const ABSENT: u64 = u64::MAX;
/// Written as null. No limit is as large as this or `ABSENT`.
pub(crate) const NULL: u64 = u64::MAX - 1;
pub(crate) const FALSE: u64 = 0;
pub(crate) const TRUE: u64 = 1;
/// A list stands in place of a word.
pub(crate) const LIST: u64 = 3;
/// The policy says what a budget or a breaker is.
pub(crate) const OWN: u64 = 0;
/// The policy names one that is made elsewhere.
pub(crate) const ELSEWHERE: u64 = 1;

pub(crate) const UNDAUNTED: usize = 0;
pub(crate) const PRESET: usize = 1;
pub(crate) const ATTEMPTS: usize = 2;
pub(crate) const TIMEOUT: usize = 3;
pub(crate) const FOREVER: usize = 4;
pub(crate) const ON_TIMEOUT: usize = 5;
pub(crate) const MIN_ATTEMPT: usize = 7;
pub(crate) const ATTEMPT_TIMEOUT: usize = 8;
pub(crate) const BACKOFF: usize = 9;
pub(crate) const INITIAL: usize = 10;
pub(crate) const FACTOR: usize = 11;
pub(crate) const MAX_DELAY: usize = 12;
pub(crate) const FIRST: usize = 13;
pub(crate) const JITTER: usize = 14;
pub(crate) const PROPORTIONAL: usize = 15;
pub(crate) const ADDITIVE: usize = 16;
pub(crate) const HINT: usize = 17;
pub(crate) const HINT_MAX: usize = 18;
pub(crate) const HINT_WINDOW: usize = 19;
pub(crate) const HINT_RESETS: usize = 20;
/// An option that holds others has a place of its own before them, as has each class.
pub(crate) const IN_CLASSES: usize = 21;
pub(crate) const RULES: usize = IN_CLASSES + 1 + CLASSES * IN_CLASS;
/// `OWN` or `ELSEWHERE`: a budget always has a name, which the policy keeps. So has a breaker.
pub(crate) const BUDGET: usize = RULES + 1;
pub(crate) const BUDGET_MODE: usize = BUDGET + 1;
pub(crate) const BUDGET_CAPACITY: usize = BUDGET + 2;
pub(crate) const BUDGET_COST: usize = BUDGET + 3;
pub(crate) const BUDGET_REWARD: usize = BUDGET + 4;
pub(crate) const BUDGET_REFUND: usize = BUDGET + 5;
pub(crate) const BUDGET_RATIO: usize = BUDGET + 6;
pub(crate) const BUDGET_PER_SECOND: usize = BUDGET + 7;
pub(crate) const BUDGET_TTL: usize = BUDGET + 8;
/// Its options come after it, as `breaker.rs` has them.
pub(crate) const BREAKER: usize = BUDGET + 9;
pub(crate) const IDEMPOTENT: usize = BREAKER + IN_BREAKER;
pub(crate) const NESTED: usize = IDEMPOTENT + 1;
const LEN: usize = NESTED + 1;

/// What a breaker takes, its name included.
pub(crate) const IN_BREAKER: usize = 13;

/// Within a class.
pub(crate) const CLASS_ATTEMPTS: usize = 1;
pub(crate) const CLASS_INITIAL: usize = 2;
pub(crate) const CLASS_COST: usize = 3;
pub(crate) const IN_CLASS: usize = 4;

/// Within a rule.
pub(crate) const RULE_CODE: usize = 0;
pub(crate) const RULE_DOMAIN: usize = 1;
pub(crate) const RULE_BODY: usize = 2;
pub(crate) const RULE_CLASS: usize = 3;
pub(crate) const RULE_SENT: usize = 4;
pub(crate) const IN_RULE: usize = 5;

/// Where a setting of the class with this number stands.
pub(crate) const fn of_class(class: usize, setting: usize) -> usize {
    IN_CLASSES + 1 + class * IN_CLASS + setting
}

pub(crate) const EMPTY: Settings = [ABSENT; LEN];

/// The setting at a place that is not a constant; absent beyond the last.
pub(crate) fn get(settings: &[u64], place: usize) -> u64 {
    settings.get(place).copied().unwrap_or(ABSENT)
}

/// Nothing happens beyond the last place.
pub(crate) fn set(settings: &mut [u64], place: usize, value: u64) {
    if let Some(setting) = settings.get_mut(place) {
        *setting = value;
    }
}
