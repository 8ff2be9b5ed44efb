//! Which call's words: `seed` and `call`, or `call_seed` in place of both, as the lab's questions take them.

use super::options::{ANY, written};
use super::tape::Node;
use super::{Mistake, Notation, number, word};
use crate::bounds::{Bounds, Check, Field, Unit};
use crate::draw;

/// The number of the call under its seed, from 1.
pub(crate) const fn call(place: u8) -> Field {
    number("call", place as usize, &Bounds { unit: Unit::Count, least: 1, most: MOST_CALLS })
}

/// A `call_seed` stands for seed and call: the first two are rivals, and it makes a call without effect. By their numbers in the map.
pub(crate) const fn call_beside(call_seed: u8, call: u8) -> Check {
    Check {
        about: 1 << call_seed,
        is_written: true,
        written: 1 << call,
        when: [(call_seed, 1), ANY, ANY],
        mistake: Mistake::Twice,
        told_of: call,
    }
}

/// What a call's waits are drawn from.
pub(crate) fn call_seed(map: Node, notation: Notation, call: u64) -> u64 {
    let of = |name| word(written(map, name, notation));
    of("call_seed").unwrap_or_else(|| draw::call_seed(of("seed").unwrap_or(SEED), call))
}

/// The seed without one.
pub(crate) const SEED: u64 = 1;
/// A host may count them in floats.
const MOST_CALLS: u64 = (1 << 53) - 1;
