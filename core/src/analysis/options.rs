//! What an analysis is asked: read as a policy is, so that mistakes get the same sentences.

use crate::backoff::MILLION;
use crate::bounds::{Bounds, DURATION, Field, Kind, Map, Unit};
use crate::failure::Class;
use crate::format::{self, Mistake, Notation, Problem, number};
use crate::settings::{NULL, TRUE};

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
    /// What kind of failures they are: any but `permanent`; default `transient`. Classes may have attempts, first delays and
    /// costs of their own.
    pub class: Class,
    /// How many calls share the policy's budget, in millionths of a call each second: 1 to 10^12. None, the default, is so many that
    /// a window's `min_per_second` is nothing beside them.
    pub calls_per_second: Option<u64>,
    /// Whether the times have their [`QUANTILES`](super::QUANTILES) as well; default false.
    pub quantiles: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            failure_rate: 100_000,
            attempt_duration: 0,
            layers: 3,
            calls: 1,
            repeats: 1,
            class: Class::Transient,
            calls_per_second: None,
            quantiles: false,
        }
    }
}

impl Options {
    /// The options that `tape` describes, or None after every mistake in it was handed to `problem`.
    pub fn read(tape: &[u8], notation: Notation, problem: &mut dyn FnMut(&Problem)) -> Option<Options> {
        let Options { failure_rate, attempt_duration, layers, calls, repeats, class, .. } = Options::default();
        let mut values = [failure_rate, attempt_duration, layers, calls, repeats, class as u64, NULL, 0];
        if !OPTIONS.read(tape, notation, &mut values, problem).is_right {
            return None;
        }
        let [failure_rate, attempt_duration, layers, calls, repeats, class, calls_per_second, quantiles] = values;
        let class = Class::from_number(class as u32)?;
        let calls_per_second = Some(calls_per_second).filter(|rate| *rate != NULL);
        let quantiles = quantiles == TRUE;
        Some(Options { failure_rate, attempt_duration, layers, calls, repeats, class, calls_per_second, quantiles })
    }
}

static OPTIONS: format::Options = format::Options { map: &MAP, name: "the analysis" };

static MAP: Map = Map {
    fields: &[
        number("failure_rate", 0, &Bounds { unit: Unit::Millionths, least: 0, most: MILLION as u64 }),
        number("attempt_duration", 1, &Bounds { unit: Unit::Micros, least: 0, most: DURATION.1 }),
        number("layers", 2, &Bounds { unit: Unit::Count, least: 1, most: 10 }),
        number("calls", 3, &MANY),
        number("repeats", 4, &MANY),
        Field { words: "transient throttle timeout connect conflict ", kind: Kind::Words, ..number("class", 5, &MANY) },
        Field { is_nullable: true, ..number("calls_per_second", 6, &RATE) },
        Field { kind: Kind::Bool, ..number("quantiles", 7, &MANY) },
    ],
    rivals: 0,
    unknown: Mistake::UnknownOption,
    checks: &[],
};

static MANY: Bounds = Bounds { unit: Unit::Count, least: 1, most: 1_000_000 };
static RATE: Bounds = Bounds { unit: Unit::Millionths, least: 1, most: 1_000_000 * MILLION as u64 };
