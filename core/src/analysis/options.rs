//! What an analysis is asked: read as a policy is, so that mistakes get the same sentences.

use crate::backoff::MILLION;
use crate::bounds::{Bounds, DURATION, Field, Kind, Map, Unit};
use crate::format::{Mistake, Notation, Problem, read_options};

/// The conditions of an analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The share of attempts that fail, each by itself, in millionths: 0 to 1 000 000; default 100 000.
    pub failure_rate: u64,
    /// How long each attempt lasts, in microseconds: 0 to 87600 h; default 0.
    pub attempt_duration: u64,
    /// Layers of services that retry each other with this policy: 1 to 10; default 3.
    pub layers: u64,
    /// Calls in a chain that must all succeed: 1 to 1 000 000; default 1.
    pub calls: u64,
    /// How often the chain is tried until it succeeds: 1 to 1 000 000; default 1.
    pub repeats: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options { failure_rate: 100_000, attempt_duration: 0, layers: 3, calls: 1, repeats: 1 }
    }
}

impl Options {
    /// The options that `tape` describes, or None after every mistake in it was handed to `problem`.
    pub fn read(tape: &[u8], notation: Notation, problem: &mut dyn FnMut(&Problem)) -> Option<Options> {
        let Options { failure_rate, attempt_duration, layers, calls, repeats } = Options::default();
        let mut values = [failure_rate, attempt_duration, layers, calls, repeats];
        if !read_options(&MAP, tape, notation, &mut values, problem) {
            return None;
        }
        let [failure_rate, attempt_duration, layers, calls, repeats] = values;
        Some(Options { failure_rate, attempt_duration, layers, calls, repeats })
    }
}

static MAP: Map = Map {
    fields: &[
        option("failure_rate", 0, &Bounds { unit: Unit::Millionths, least: 0, most: MILLION as u64 }),
        option("attempt_duration", 1, &Bounds { unit: Unit::Micros, least: 0, most: DURATION.1 }),
        option("layers", 2, &Bounds { unit: Unit::Count, least: 1, most: 10 }),
        option("calls", 3, &MANY),
        option("repeats", 4, &MANY),
    ],
    rivals: 0,
    unknown: Mistake::UnknownOption,
    checks: &[],
};

static MANY: Bounds = Bounds { unit: Unit::Count, least: 1, most: 1_000_000 };

const fn option(name: &'static str, start: u8, bounds: &'static Bounds) -> Field {
    Field { name, words: "", kind: Kind::Number(bounds), is_nullable: false, start, len: 1 }
}
