//! A lossy network: chains of requests over a channel that is good or bad, and passes from one to the other by chance.
//!
//! Source: Gilbert, "Capacity of a burst-noise channel", 1960; Elliott, "Estimates of error rates for codes on burst-noise
//! channels", 1963.

use super::{SERVER, SHARE, drawn, falls, probability};
use crate::bounds::{Bounds, Map, Unit};
use crate::draw::call_seed;
use crate::format::{self, Mistake, Notation, Problem, number};

/// A channel and what goes over it. Probabilities are in millionths: 0 to 1 000 000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LossOptions {
    /// The probability that a good channel is bad at the next request; default 0.01.
    pub p: u64,
    /// The probability that a bad channel is good at the next request; default 0.1.
    pub r: u64,
    /// The probability that a request gets through while the channel is bad; default 0.5.
    pub h: u64,
    /// The probability that a request gets through while the channel is good; default 1.
    pub k: u64,
    /// Requests in a chain that must all get through: 1 to 10 000; default 10.
    pub calls: u64,
    /// How often a chain is tried until it succeeds, from its first request: 1 to 1000; default 1.
    pub repeats: u64,
    /// How often a request is made until it gets through: 1 to 100; default 3.
    pub attempts: u64,
    /// How many chains are followed, each over a channel of its own that is good at first: 1 to 1 000 000; default 10 000.
    pub trials: u64,
}

impl Default for LossOptions {
    fn default() -> LossOptions {
        LossOptions {
            p: 10_000,
            r: 100_000,
            h: 500_000,
            k: 1_000_000,
            calls: 10,
            repeats: 1,
            attempts: 3,
            trials: 10_000,
        }
    }
}

impl LossOptions {
    /// The options that `tape` describes, or None after every mistake in it was handed to `problem`.
    pub fn read(tape: &[u8], notation: Notation, problem: &mut dyn FnMut(&Problem)) -> Option<LossOptions> {
        let LossOptions { p, r, h, k, calls, repeats, attempts, trials } = LossOptions::default();
        let mut values = [p, r, h, k, calls, repeats, attempts, trials];
        if !OPTIONS.read(tape, notation, &mut values, problem).is_right {
            return None;
        }
        let [p, r, h, k, calls, repeats, attempts, trials] = values;
        Some(LossOptions { p, r, h, k, calls, repeats, attempts, trials })
    }

    /// The probability that a chain succeeds, in billionths, by the channel's matrices; exact up to rounding.
    pub fn by_formula(&self) -> u64 {
        let [p, r, h, k] = [self.p, self.r, self.h, self.k].map(|share| probability(share) << (BITS - 32));
        let not = |share: u64| ONE - share;
        let passes = [[not(p), p], [r, not(r)]];
        let through = [passes[0].map(|share| times(k, share)), passes[1].map(|share| times(h, share))];
        let lost = [passes[0].map(|share| times(not(k), share)), passes[1].map(|share| times(not(h), share))];
        let (request_fails, request_succeeds) = repeated(lost, through, self.attempts);
        let (chain_succeeds, chain_fails) = repeated(request_succeeds, request_fails, self.calls);
        let (_, succeeds) = repeated(chain_fails, chain_succeeds, self.repeats);
        let [[good, bad], _] = succeeds;
        let billionths = u128::from(good + bad) * 1_000_000_000 + u128::from(ONE / 2);
        (billionths >> BITS) as u64
    }
}

static OPTIONS: format::Options = format::Options { map: &MAP, name: "the loss" };

static MAP: Map = Map {
    fields: &[
        number("p", 0, &SHARE),
        number("r", 1, &SHARE),
        number("h", 2, &SHARE),
        number("k", 3, &SHARE),
        number("calls", 4, &Bounds { unit: Unit::Count, least: 1, most: 10_000 }),
        number("repeats", 5, &Bounds { unit: Unit::Count, least: 1, most: 1_000 }),
        number("attempts", 6, &Bounds { unit: Unit::Count, least: 1, most: 100 }),
        number("trials", 7, &Bounds { unit: Unit::Count, least: 1, most: 1_000_000 }),
    ],
    rivals: 0,
    unknown: Mistake::UnknownOption,
    checks: &[],
};

/// Chains over a lossy network, as far as they have come.
pub struct Loss {
    pub(super) options: LossOptions,
    pub(super) seed: u64,
    /// Chains that came to an end.
    pub(super) ended: u64,
    pub(super) succeeded: u64,
    /// Requests made, and how many of them were lost.
    pub(super) requests: u64,
    pub(super) lost: u64,
    /// Of the chain that goes on: its draws so far, and what it has come to.
    draws: u64,
    is_bad: bool,
    repeat: u64,
    call: u64,
    attempt: u64,
}

impl Loss {
    /// Chains that have not begun; chain i (from 1) draws the words of call i of the seed.
    pub fn new(seed: u64, options: &LossOptions) -> Loss {
        Loss {
            options: *options,
            seed,
            ended: 0,
            succeeded: 0,
            requests: 0,
            lost: 0,
            draws: 0,
            is_bad: false,
            repeat: 1,
            call: 1,
            attempt: 1,
        }
    }

    /// Goes on by `most` requests. True once every chain has come to an end.
    pub fn step(&mut self, most: u64) -> bool {
        for _ in 0..most {
            if self.ended == self.options.trials {
                return true;
            }
            self.request();
        }
        self.ended == self.options.trials
    }

    /// How many chains have come to an end, of all.
    pub fn progress(&self) -> (u64, u64) {
        (self.ended, self.options.trials)
    }

    fn request(&mut self) {
        let LossOptions { p, r, h, k, calls, repeats, attempts, .. } = self.options;
        self.draws += 1;
        self.requests += 1;
        let word = drawn(call_seed(self.seed, self.ended + 1), SERVER, self.draws);
        let (through, flips) = if self.is_bad { (h, r) } else { (k, p) };
        let gets_through = falls(word, probability(through));
        // The lower half of the word says what the channel is next.
        self.is_bad ^= falls(word << 32, probability(flips));
        if gets_through {
            (self.attempt, self.call) = (1, self.call + 1);
            if self.call > calls {
                self.end(true);
            }
            return;
        }
        self.lost += 1;
        self.attempt += 1;
        if self.attempt > attempts {
            (self.attempt, self.call, self.repeat) = (1, 1, self.repeat + 1);
            if self.repeat > repeats {
                self.end(false);
            }
        }
    }

    fn end(&mut self, has_succeeded: bool) {
        self.succeeded += u64::from(has_succeeded);
        self.ended += 1;
        (self.draws, self.is_bad, self.repeat, self.call, self.attempt) = (0, false, 1, 1, 1);
    }
}

/// For each state before, the probability of an outcome together with each state after.
type Matrix = [[u64; 2]; 2];

/// Something that goes on or ends, up to `n` times over: the probabilities that it has gone on `n` times, and that it has
/// ended before. Twice as many at a time.
fn repeated(goes_on: Matrix, ends: Matrix, n: u64) -> (Matrix, Matrix) {
    let mut so_far = ([[ONE, 0], [0, ONE]], [[0, 0], [0, 0]]);
    for bit in (0..u64::BITS - n.leading_zeros()).rev() {
        so_far = after(so_far, so_far);
        if n >> bit & 1 == 1 {
            so_far = after(so_far, (goes_on, ends));
        }
    }
    so_far
}

/// The second after the first has gone on.
fn after(first: (Matrix, Matrix), second: (Matrix, Matrix)) -> (Matrix, Matrix) {
    let [later_good, later_bad] = product(first.0, second.1);
    let [good, bad] = first.1;
    let sum = |one: [u64; 2], other: [u64; 2]| [one[0] + other[0], one[1] + other[1]];
    (product(first.0, second.0), [sum(good, later_good), sum(bad, later_bad)])
}

fn product(one: Matrix, other: Matrix) -> Matrix {
    let [over_good, over_bad] = other;
    one.map(|[good, bad]| {
        [times(good, over_good[0]) + times(bad, over_bad[0]), times(good, over_good[1]) + times(bad, over_bad[1])]
    })
}

fn times(one: u64, other: u64) -> u64 {
    ((u128::from(one) * u128::from(other)) >> BITS) as u64
}

/// Binary places of a probability.
const BITS: u32 = 62;
const ONE: u64 = 1 << BITS;
