//! The options of a breaker: their places, their table, and what they do to each other.

use super::{PROBES, WINDOW_CALLS};
use crate::backoff::MILLION;
use crate::bounds::{Bounds, Check, DURATION, Field, Kind, Map, Unit};
use crate::format::{ANY, Mistake, Options, fill, needed, number};
use crate::name::Named;
use crate::settings::{ABSENT, IN_BREAKER};

/// The options in the order of their table; where a policy holds one, `OWN` or `ELSEWHERE` stands in place of the name.
pub(super) type Settings = [u64; IN_BREAKER];

pub(super) const NAME: usize = 0;
pub(super) const WINDOW_CALLS_AT: usize = 1;
pub(crate) const WINDOW_TIME: usize = 2;
pub(super) const MIN_CALLS: usize = 3;
pub(super) const FAILURE_RATE: usize = 4;
pub(super) const SLOW_AFTER: usize = 5;
pub(super) const SLOW_RATE: usize = 6;
pub(super) const INITIAL: usize = 7;
pub(super) const FACTOR: usize = 8;
pub(super) const MAX_DELAY: usize = 9;
pub(super) const JITTER: usize = 10;
pub(super) const PROBES_AT: usize = 11;
pub(super) const PROBE_TIMEOUT: usize = 12;

/// Words of `jitter`.
pub(super) const NONE: u64 = 0;
pub(super) const FULL: u64 = 1;

const SECOND: u64 = 1_000_000;
static DEFAULTS: Settings =
    [ABSENT, 100, ABSENT, 20, 500_000, ABSENT, 1_000_000, 5 * SECOND, 2_000_000, 60 * SECOND, 2, 3, 60 * SECOND];

static FIELDS: [Field; IN_BREAKER] = [
    Field { kind: Kind::Name(Named::Breaker), ..number("name", NAME, &RATE) },
    number("window_calls", WINDOW_CALLS_AT, &Bounds { unit: Unit::Count, least: 1, most: WINDOW_CALLS }),
    number("window_time", WINDOW_TIME, &Bounds { unit: Unit::Micros, least: 10, most: DURATION.1 }),
    number("min_calls", MIN_CALLS, &Bounds { unit: Unit::Count, least: 1, most: 1_000_000 }),
    number("failure_rate", FAILURE_RATE, &RATE),
    number("slow_after", SLOW_AFTER, &SPAN),
    number("slow_rate", SLOW_RATE, &RATE),
    number("initial", INITIAL, &SPAN),
    number("factor", FACTOR, &Bounds { unit: Unit::Millionths, least: 1_000_000, most: 10_000_000 }),
    number("max_delay", MAX_DELAY, &SPAN),
    Field { words: "none full equal ", kind: Kind::Words, ..number("jitter", JITTER, &SPAN) },
    number("probes", PROBES_AT, &Bounds { unit: Unit::Count, least: 1, most: PROBES }),
    number("probe_timeout", PROBE_TIMEOUT, &SPAN),
];

/// What a policy holds: with a name.
pub(crate) static MAP: Map = Map {
    fields: &FIELDS,
    rivals: WINDOWS,
    unknown: Mistake::NoSuchOption,
    checks: &[Check { mistake: Mistake::NoName, ..needed(NAME) }, slow_rate_alone(0)],
};

/// One that stands alone has no name here.
pub(super) static OPTIONS: Options = Options {
    map: &Map {
        fields: FIELDS.split_at(1).1,
        rivals: WINDOWS >> 1,
        unknown: Mistake::NoSuchOption,
        checks: &[slow_rate_alone(1)],
    },
    name: "the breaker",
};

const WINDOWS: u32 = 1 << WINDOW_CALLS_AT | 1 << WINDOW_TIME;

/// In a table that begins with this option.
const fn slow_rate_alone(first: usize) -> Check {
    Check {
        about: 1 << (SLOW_AFTER - first),
        is_written: true,
        written: 1 << (SLOW_RATE - first),
        when: [(SLOW_AFTER as u8, 1 << 7), ANY, ANY],
        mistake: Mistake::SlowRateWithoutSlow,
        told_of: (SLOW_RATE - first) as u8,
    }
}

static RATE: Bounds = Bounds { unit: Unit::Millionths, least: 1, most: MILLION as u64 };
static SPAN: Bounds = Bounds { unit: Unit::Micros, least: DURATION.0, most: DURATION.1 };

/// Gives what is absent its default, and tells `refuse` of options that do not fit together: which, and two numbers of its
/// kind. What was `refused` before, a bit each, is not asked about.
pub(crate) fn complete(settings: &mut Settings, refused: u32, refuse: &mut dyn FnMut(usize, Mistake, u64, u64)) {
    let [written_initial, written_max] = [settings[INITIAL], settings[MAX_DELAY]];
    let is_by_time = settings[WINDOW_TIME] != ABSENT;
    let has_min_calls = settings[MIN_CALLS] != ABSENT && refused >> WINDOW_CALLS_AT & 1 == 0;
    fill(settings, &DEFAULTS);
    if is_by_time {
        settings[WINDOW_CALLS_AT] = ABSENT;
    }
    if settings[SLOW_AFTER] == ABSENT {
        settings[SLOW_RATE] = ABSENT;
    }
    if has_min_calls && settings[MIN_CALLS] > settings[WINDOW_CALLS_AT] {
        refuse(MIN_CALLS, Mistake::MinCallsAboveWindow, settings[MIN_CALLS], settings[WINDOW_CALLS_AT]);
    }
    settings[MIN_CALLS] = settings[MIN_CALLS].min(settings[WINDOW_CALLS_AT]);
    if settings[INITIAL] > settings[MAX_DELAY] {
        if written_max == ABSENT {
            settings[MAX_DELAY] = written_initial;
        } else if written_initial == ABSENT {
            settings[INITIAL] = written_max;
        } else {
            refuse(MAX_DELAY, Mistake::MaxBelowInitial, written_max, written_initial);
        }
    }
}
