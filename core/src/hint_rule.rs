//! What a policy does with a wait that the server asked for.

use crate::settings::{HINT, Settings};

/// How a hint and our own delay become one wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HintMode {
    /// At least the hint, the ordinary jitter on top: the herd that was told "30" does not come back as one.
    Floor,
    /// The hint, nothing else. Source: gRPC A6.
    Exact,
    /// Our delay.
    Ignore,
    /// Our delay, moved towards the hint by `window` at most. Source: AWS SDKs 2.1.
    Window,
}

impl HintMode {
    pub(crate) fn of(settings: &Settings) -> HintMode {
        match settings[HINT] {
            1 => HintMode::Exact,
            2 => HintMode::Ignore,
            3 => HintMode::Window,
            _ => HintMode::Floor,
        }
    }

    /// Whether a hint that is too long ends the call.
    pub(crate) fn is_limited(self) -> bool {
        matches!(self, HintMode::Floor | HintMode::Exact)
    }
}
