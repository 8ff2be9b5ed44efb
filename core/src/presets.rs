//! Presets: policies by name, each with its source. All are changes to `standard`.

use crate::failure::Class;
use crate::name::{Name, Named};
use crate::policy::Policy;
use crate::settings::{
    ABSENT, ADDITIVE, ATTEMPT_TIMEOUT, ATTEMPTS, BACKOFF, BUDGET, BUDGET_CAPACITY, BUDGET_COST, BUDGET_MODE,
    BUDGET_REFUND, BUDGET_REWARD, CLASS_COST, CLASS_INITIAL, EMPTY, FACTOR, FIRST, HINT, HINT_MAX, HINT_RESETS,
    HINT_WINDOW, IDEMPOTENT, INITIAL, JITTER, MAX_DELAY, NESTED, NULL, OWN, PROPORTIONAL, Settings, TIMEOUT, TRUE,
    UNDAUNTED, of_class, set,
};

/// The names, in the order in which errors list them.
pub const NAMES: [&str; 8] = ["standard", "interactive", "aws", "grpc", "stamina", "urllib3", "google", "none"];

/// The preset `standard`.
pub(crate) const STANDARD: Settings = {
    let mut settings = EMPTY;
    settings[UNDAUNTED] = 1;
    settings[ATTEMPTS] = 10;
    settings[TIMEOUT] = 45_000_000;
    settings[ATTEMPT_TIMEOUT] = NULL;
    settings[BACKOFF] = 0;
    settings[INITIAL] = 1_000_000;
    settings[FACTOR] = 2_000_000;
    settings[MAX_DELAY] = 10_000_000;
    settings[FIRST] = 0;
    settings[JITTER] = 1;
    settings[HINT] = 0;
    settings[HINT_MAX] = HINT_MAX_DEFAULT;
    settings[IDEMPOTENT] = 2;
    settings[NESTED] = 0;
    settings
};

pub(crate) const HINT_MAX_DEFAULT: u64 = 120_000_000;

/// The preset with this number; beyond the last, `standard`.
pub(crate) fn policy(number: u64) -> Policy {
    let mut policy = Policy { settings: STANDARD, ..Policy::EMPTY };
    let (changes, budget_name): (&[(usize, u64)], &[u8]) = match number {
        // Somebody waits for the answer: few attempts, short waits. Source: our choice, see DESIGN.
        1 => (&[(ATTEMPTS, 3), (TIMEOUT, 3 * SECOND), (INITIAL, SECOND / 5), (MAX_DELAY, SECOND / 5 * 2)], b""),
        // AWS SDKs, Retry 2.1: a first delay for throttling of its own, the server's wait within 5 s, 500 tokens.
        2 => (
            &[
                (ATTEMPTS, 3),
                (TIMEOUT, NULL),
                (INITIAL, SECOND / 20),
                (MAX_DELAY, 20 * SECOND),
                (HINT, 3),
                (HINT_MAX, ABSENT),
                (HINT_WINDOW, 5 * SECOND),
                (of_class(Class::Throttle as usize, CLASS_INITIAL), SECOND),
                (of_class(Class::Throttle as usize, CLASS_COST), 5),
                (BUDGET, OWN),
                (BUDGET_MODE, 0),
                (BUDGET_CAPACITY, 500),
                (BUDGET_COST, 14),
                (BUDGET_REWARD, TOKEN),
                (BUDGET_REFUND, TRUE),
            ],
            b"aws",
        ),
        // gRPC A6: the example of its text, with its jitter of a fifth; pushback is exact and starts the exponent again.
        3 => (
            &[
                (ATTEMPTS, 4),
                (TIMEOUT, NULL),
                (INITIAL, SECOND / 10),
                (MAX_DELAY, SECOND),
                (JITTER, ABSENT),
                (PROPORTIONAL, 200_000),
                (HINT, 1),
                (HINT_RESETS, TRUE),
                (BUDGET, OWN),
                (BUDGET_MODE, 1),
                (BUDGET_CAPACITY, 10),
                (BUDGET_COST, 1),
                (BUDGET_REWARD, TOKEN / 10),
            ],
            b"grpc",
        ),
        // stamina's defaults (26.1.0), with the jitter inside the cap: wait_initial 0.1, wait_max 5, wait_jitter 1.
        4 => (&[(INITIAL, SECOND / 10), (MAX_DELAY, 5 * SECOND), (JITTER, ABSENT), (ADDITIVE, SECOND)], b""),
        // urllib3's Retry(10, backoff_factor=0.1): 0, 0.2, 0.4 … 120 s, Retry-After up to 6 h; with jitter, which it has not.
        5 => (
            &[
                (ATTEMPTS, 11),
                (TIMEOUT, NULL),
                (INITIAL, SECOND / 5),
                (MAX_DELAY, 120 * SECOND),
                (FIRST, 1),
                (HINT_MAX, 21_600 * SECOND),
            ],
            b"",
        ),
        // google.api_core's retries: 1 s doubling to 60 s within 120 s, full jitter, any number of attempts.
        6 => (&[(ATTEMPTS, NULL), (TIMEOUT, 120 * SECOND), (MAX_DELAY, 60 * SECOND)], b""),
        // One attempt and no limit of time: the policy that never retries.
        7 => (&[(ATTEMPTS, 1), (TIMEOUT, NULL)], b""),
        _ => (&[], b""),
    };
    for (place, value) in changes {
        set(&mut policy.settings, *place, *value);
    }
    policy.names.keep(Named::Budget, Name::of(budget_name).unwrap_or(Name::EMPTY));
    policy.grow();
    policy
}

const SECOND: u64 = 1_000_000;
const TOKEN: u64 = 1_000_000;
