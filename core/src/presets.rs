//! Presets: policies by name, each with its source. All are changes to `standard`.

use crate::settings::{ABSENT, ADDITIVE, ATTEMPTS, INITIAL, JITTER, MAX_DELAY, NULL, STANDARD, Settings, TIMEOUT};

/// The names, in the order in which errors list them.
pub const NAMES: [&str; 4] = ["standard", "interactive", "stamina", "none"];

/// The settings of the preset with this number; beyond the last, of `standard`.
pub(crate) fn settings(number: u64) -> Settings {
    let mut settings = STANDARD;
    match number {
        // Somebody waits for the answer: few attempts, short waits. Source: our choice, see DESIGN.
        1 => {
            settings[ATTEMPTS] = 3;
            settings[TIMEOUT] = 3 * SECOND;
            settings[INITIAL] = SECOND / 5;
            settings[MAX_DELAY] = SECOND / 5 * 2;
        }
        // stamina's defaults (26.1.0), with the jitter inside the cap: wait_initial 0.1, wait_max 5, wait_jitter 1.
        2 => {
            settings[INITIAL] = SECOND / 10;
            settings[MAX_DELAY] = 5 * SECOND;
            settings[JITTER] = ABSENT;
            settings[ADDITIVE] = SECOND;
        }
        // One attempt and no limit of time: the policy that never retries.
        3 => {
            settings[ATTEMPTS] = 1;
            settings[TIMEOUT] = NULL;
        }
        _ => {}
    }
    settings
}

const SECOND: u64 = 1_000_000;
