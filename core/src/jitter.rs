//! Jitter: the random part of a delay, drawn after the cap and inside it.
//!
//! Two invariants hold for every kind: a draw never exceeds `max_delay`, and no delay is likelier than chance makes it,
//! at the cap included. Source: DESIGN 3, SEMANTICS 3.2 and 4.

use crate::backoff::{MILLION, scale};
use crate::draw::uniform;
use crate::settings::{ABSENT, ADDITIVE, JITTER, PROPORTIONAL, Settings};

/// How a delay is drawn from its ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jitter {
    /// The ceiling itself.
    None,
    /// 0 to the ceiling.
    Full,
    /// Half the ceiling to the ceiling.
    Equal,
    /// `initial` to three times the last draw, up to `max_delay`.
    Decorrelated,
    /// The ceiling ± a share of it, in millionths (1 to 1 000 000).
    Proportional(u32),
    /// The ceiling plus 0 to this many microseconds.
    Additive(u64),
}

impl Jitter {
    /// The kinds that are written as one word.
    pub const NAMES: [&'static str; 4] = ["none", "full", "equal", "decorrelated"];

    pub(crate) fn of(settings: &Settings) -> Jitter {
        match settings[JITTER] {
            0 => Jitter::None,
            1 => Jitter::Full,
            2 => Jitter::Equal,
            3 => Jitter::Decorrelated,
            _ if settings[ADDITIVE] != ABSENT => Jitter::Additive(settings[ADDITIVE]),
            _ if settings[PROPORTIONAL] != ABSENT => Jitter::Proportional(settings[PROPORTIONAL] as u32),
            // One that was refused: the checks after it go on without.
            _ => Jitter::None,
        }
    }

    /// How far below `max_delay` the largest ceiling must lie so that the widest draw lands on it.
    pub(crate) fn room_above(self, largest: u64) -> u64 {
        match self {
            Jitter::Additive(j) => j,
            // The smallest C with ⌊C·10^6/(10^6+P)⌋ ≥ largest is ⌈largest·(10^6+P)/10^6⌉.
            Jitter::Proportional(p) => {
                let room = scale(largest, p, MILLION);
                let exact = scale(largest.saturating_add(room), MILLION, MILLION + p) >= largest;
                if exact { room } else { room.saturating_add(1) }
            }
            Jitter::None | Jitter::Full | Jitter::Equal | Jitter::Decorrelated => 0,
        }
    }
}

/// What a draw depends on.
pub(crate) struct Draw {
    pub ceiling: u64,
    pub max_delay: u64,
    /// `initial`, or the class's own.
    pub initial: u64,
    /// The last draw of the call; `initial` when there is none yet.
    pub previous: u64,
    pub word: u64,
}

impl Draw {
    #[cfg_attr(not(target_arch = "wasm32"), inline)]
    pub fn delay(&self, jitter: Jitter) -> u64 {
        let c = self.ceiling;
        let u = |x| uniform(self.word, x);
        match jitter {
            Jitter::None => c,
            Jitter::Full => u(c),
            Jitter::Equal => c - u(c / 2),
            Jitter::Decorrelated => {
                let high = self.previous.saturating_mul(3).min(self.max_delay).max(self.initial);
                self.initial + u(high - self.initial)
            }
            Jitter::Proportional(p) => {
                let (middle, width) = proportional(c, self.max_delay, p);
                middle - width + u(2 * width)
            }
            Jitter::Additive(j) => c.min(self.max_delay.saturating_sub(j)) + u(j),
        }
    }
}

/// The middle of a draw that never exceeds `max_delay`, and how far it reaches below and above.
pub(crate) fn proportional(ceiling: u64, max_delay: u64, millionths: u32) -> (u64, u64) {
    let middle = ceiling.min(scale(max_delay, MILLION, MILLION + millionths));
    (middle, scale(middle, millionths, MILLION))
}
