//! What a policy does with a wait that the server asked for.

/// How a hint and our own delay become one wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HintMode {
    /// At least the hint, the ordinary jitter on top: the herd that was told "30" does not come back as one.
    Floor = 0,
    /// The hint, nothing else. Source: gRPC A6.
    Exact = 1,
    /// Our delay, moved towards the hint by `window` at most. Source: AWS SDKs 2.1.
    Window = 2,
    /// Our delay.
    Ignore = 3,
}

impl HintMode {
    /// The modes by number.
    pub const ALL: [HintMode; 4] = [HintMode::Floor, HintMode::Exact, HintMode::Window, HintMode::Ignore];
    /// Their names.
    pub const NAMES: [&'static str; 4] = ["floor", "exact", "window", "ignore"];

    /// Whether a hint that is too long ends the call.
    pub(crate) fn is_limited(self) -> bool {
        matches!(self, HintMode::Floor | HintMode::Exact)
    }
}

/// The option `hint`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HintRule {
    /// How the two become one.
    pub mode: HintMode,
    /// With `floor` and `exact`: a longer hint ends the call. In microseconds.
    pub max: u64,
    /// With `window`: the most that a hint adds. In microseconds.
    pub window: u64,
    /// Whether the exponent starts again after a hint.
    pub resets: bool,
}

impl HintRule {
    pub(crate) const FLOOR: HintRule = HintRule { mode: HintMode::Floor, max: 120_000_000, window: 0, resets: false };
}
