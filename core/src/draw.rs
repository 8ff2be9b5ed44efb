//! Draws: random words that can be computed alone, by position, from a seed.

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

use crate::failure::names;

/// What a word is for. Each lane is a stream of its own, so that one purpose never shifts another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The jitter of a delay.
    Delay = 0,
    /// The delay drawn anew when `on_timeout` clips.
    Clip = 1,
    /// How long a breaker stays open.
    Breaker = 2,
    /// The jitter of a hedge.
    Hedge = 3,
    /// Whether a throttle lets a request through.
    Throttle = 4,
}

names!(Lane { Delay = "delay", Clip = "clip", Breaker = "breaker", Hedge = "hedge", Throttle = "throttle" });

/// The seed of call number `call` (the first is 1) of a process or test seeded with `seed`.
///
/// Source: our choice, see DESIGN; the constant spells "undaunte".
pub fn call_seed(seed: u64, call: u64) -> u64 {
    output(output(seed ^ 0x756E_6461_756E_7465, 1), call)
}

/// The word of retry `n` (the first is 1) on a lane: pure, so a log line with its `call_seed` can be replayed.
pub fn word(call_seed: u64, lane: Lane, n: u64) -> u64 {
    output(call_seed ^ lane as u64, n)
}

/// `word` mapped to 0..=`x`: no value gets more than ⌈2^64/(x+1)⌉ of the words.
pub fn uniform(word: u64, x: u64) -> u64 {
    ((u128::from(word) * (u128::from(x) + 1)) >> 64) as u64
}

/// Output `n` (the first is 1) of the SplitMix64 stream that starts at `seed`.
///
/// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014; its state is a counter, so
/// output n is the first output of the stream that starts n-1 steps later.
fn output(seed: u64, n: u64) -> u64 {
    let start = seed.wrapping_add(n.wrapping_sub(1).wrapping_mul(STEP));
    SplitMix64::seed_from_u64(start).next_u64()
}

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
