//! Presets: policies by name, each with its source.

use crate::jitter::Jitter;
use crate::policy::Policy;

/// The names, in the order in which errors list them.
pub const NAMES: [&str; 4] = ["standard", "interactive", "stamina", "none"];

/// The preset of this name.
pub(crate) fn find(name: &[u8]) -> Option<Policy> {
    let at = NAMES.iter().position(|known| known.as_bytes() == name)?;
    Some(match at {
        0 => Policy::STANDARD,
        1 => interactive(),
        2 => stamina(),
        _ => none(),
    })
}

/// Somebody waits for the answer: few attempts, short waits. Source: our choice, see DESIGN.
fn interactive() -> Policy {
    Policy {
        attempts: Some(3),
        timeout: Some(3 * SECOND),
        initial: 200 * MILLISECOND,
        max_delay: 400 * MILLISECOND,
        ..Policy::STANDARD
    }
    .with_table()
}

/// stamina's defaults (26.1.0), with the jitter inside the cap: wait_initial 0.1, wait_max 5, wait_jitter 1.
fn stamina() -> Policy {
    Policy { initial: 100 * MILLISECOND, max_delay: 5 * SECOND, jitter: Jitter::Additive(SECOND), ..Policy::STANDARD }
        .with_table()
}

/// One attempt and no limit of time: the policy that never retries.
fn none() -> Policy {
    Policy { attempts: Some(1), timeout: None, ..Policy::STANDARD }
}

const MILLISECOND: u64 = 1_000;
const SECOND: u64 = 1_000_000;
