//! A throttle: lets fewer requests through, the more of the last ones were not accepted.
//!
//! A request is refused locally with probability max(0, (requests − k · accepts) / (requests + 1)), so a backend that
//! rejects most of what it gets hears of little more than it accepts. Source: "Handling Overload", Site Reliability
//! Engineering, 2016; SEMANTICS 8.1.

mod away;

use away::Fleet;

use crate::backoff::MILLION;
use crate::bounds::{Bounds, DURATION, Map, Unit};
use crate::draw::{Lane, word};
use crate::format::{Mistake, Notation, Options, Problem, fill, number};
use crate::ring::Ring;
use crate::settings::ABSENT;

/// One throttle: its options and its history, plain values of fixed size. Locks are the host's.
#[derive(Clone, Copy)]
pub struct Throttle {
    k: u64,
    seed: u64,
    /// How many requests ever asked: the place of the last draw.
    asked: u64,
    /// The latest instant it was told of: a clock that goes back makes no progress.
    now: u64,
    /// Requests and those accepted.
    history: Ring,
    /// Of one that a fleet shares.
    fleet: Option<Fleet>,
}

impl Throttle {
    /// The throttle that the options on `tape` describe, without history; None after every mistake in them was handed to
    /// `problem`. The words of `ask` come of `seed`.
    ///
    /// | option | values | default |
    /// |---|---|---|
    /// | `k` | 1 to 100: how many requests per accepted one are let through | 2 |
    /// | `window` | 10us to 87600h: how long requests count, a tenth forgotten at a time | 120s |
    ///
    /// Source of the defaults: the same chapter.
    pub fn compile(tape: &[u8], notation: Notation, seed: u64, problem: &mut dyn FnMut(&Problem)) -> Option<Throttle> {
        let mut settings = [ABSENT; 2];
        let read = OPTIONS.read(tape, notation, &mut settings, problem);
        fill(&mut settings, &[2 * u64::from(MILLION), 120_000_000]);
        let [k, window] = settings;
        read.is_right.then_some(Throttle { k, seed, asked: 0, now: 0, history: Ring::new(window), fleet: None })
    }

    /// Whether a request may go, by a word of its own. Counts it, refused or not.
    pub fn allow(&mut self, now: u64, word: u64) -> bool {
        let (requests, accepts) = self.counts(now);
        self.add(now, [true, false, false]);
        let million = u64::from(MILLION);
        // word / 2^64 < p, multiplied out: both sides are below 2^118.
        let above = (u64::from(requests) * million).saturating_sub(self.k * u64::from(accepts));
        let below = (u64::from(requests) + 1) * million;
        u128::from(word) * u128::from(below) >= u128::from(above) << 64
    }

    /// The same by the next word of the throttle's seed: that of request n is word n of its lane.
    pub fn ask(&mut self, now: u64) -> bool {
        self.asked = self.asked.wrapping_add(1);
        self.allow(now, word(self.seed, Lane::Throttle, self.asked))
    }

    /// Draws by another seed from now on: a process that was forked must not draw as its parent does.
    pub fn reseed(&mut self, seed: u64) {
        self.seed = seed;
    }

    /// Told of a request that the backend accepted, whatever came of it.
    pub fn accepted(&mut self, now: u64) {
        self.add(now, [false, true, false]);
    }

    /// Requests in the window, refused ones included, and those of them accepted: of all that share it, as far as known.
    pub fn counts(&mut self, now: u64) -> (u32, u32) {
        self.now = self.now.max(now);
        if let Some(counts) = self.counts_away() {
            return counts;
        }
        let [requests, accepts, _] = self.history.sum(self.now);
        (requests, accepts)
    }

    fn add(&mut self, now: u64, happened: [bool; 3]) {
        self.now = self.now.max(now);
        self.history.add(self.now, happened);
        self.note(happened);
    }
}

static OPTIONS: Options = Options { map: &MAP, name: "the throttle" };

static MAP: Map = Map {
    fields: &[
        number("k", 0, &Bounds { unit: Unit::Millionths, least: MILLION as u64, most: 100 * MILLION as u64 }),
        number("window", 1, &Bounds { unit: Unit::Micros, least: 10, most: DURATION.1 }),
    ],
    rivals: 0,
    unknown: Mistake::NoSuchOption,
    checks: &[],
};
