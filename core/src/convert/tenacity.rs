//! tenacity 9.2: stops and waits by the names of their classes, one key each, as `{"wait_exponential": {"max": 60}}`.

use super::reading::{ATTEMPTS, BASE, Given, NOT_CONVERTED, Reading, TIME, Times, other, setting, table};
use super::stamina::OVERSHOOTS;
use super::waits::{Places, Span, Use, Waits};
use crate::bounds::{DURATION, Map};
use crate::format::{Mistake, Path, tape, tape::Node};
use crate::lint::{Level, Value};

static SETTINGS: Map = table(&[
    other("stop", STOP),
    other("wait", WAIT),
    other("retry", "a condition"),
    other("reraise", "true or false"),
    other("enabled", "true or false"),
    other("sleep", "a function"),
    other("before", "a function"),
    other("after", "a function"),
    other("before_sleep", "a function"),
    other("retry_error_cls", "an exception type"),
    other("retry_error_callback", "a function"),
    other("name", "text"),
]);

static STOPS: Map = one_of(&[
    setting("stop_after_attempt", "a whole number", &ATTEMPTS),
    setting("stop_after_delay", SECONDS, &TIME),
    setting("stop_before_delay", SECONDS, &TIME),
    other("stop_any", "a list of stops"),
    other("stop_all", "a list of stops"),
    other("stop_never", "a map"),
    other("stop_when_event_set", "an event"),
]);

static WAITS: Map = one_of(&[
    other("wait_none", "a map"),
    setting("wait_fixed", SECONDS, &TIME),
    other("wait_random", "a map"),
    other("wait_exponential", "a map"),
    other("wait_random_exponential", "a map"),
    other("wait_exponential_jitter", "a map"),
    other("wait_incrementing", "a map"),
    other("wait_chain", "a list of waits"),
    other("wait_combine", "a list of waits"),
    other("wait_exception", "a function"),
]);

static RANDOM: Map = table(&[setting("min", SECONDS, &TIME), setting("max", SECONDS, &TIME)]);
static EXPONENTIAL: Map = table(&[MULTIPLIER, MAX, EXP_BASE, MIN]);
static JITTERED: Map = table(&[
    MULTIPLIER,
    MAX,
    EXP_BASE,
    MIN,
    setting("jitter", SECONDS, &TIME),
    // Its older name.
    setting("initial", SECONDS, &TIME),
]);
static INCREMENTING: Map =
    table(&[setting("start", SECONDS, &TIME), setting("increment", SECONDS, &TIME), setting("max", SECONDS, &TIME)]);

const MULTIPLIER: crate::bounds::Field = setting("multiplier", SECONDS, &TIME);
const MAX: crate::bounds::Field = setting("max", SECONDS, &TIME);
const EXP_BASE: crate::bounds::Field = setting("exp_base", "a number", &BASE);
const MIN: crate::bounds::Field = setting("min", SECONDS, &TIME);

const fn one_of(fields: &'static [crate::bounds::Field]) -> Map {
    Map { rivals: (1 << fields.len()) - 1, ..table(fields) }
}

pub(super) fn read(reading: &mut Reading, path: &Path, node: Node) {
    let (mut stop, mut waits, mut is_enabled) = (Stop::NEVER, Waits::ZERO, true);
    reading.each(&SETTINGS, path, node, &mut |reading, given| match given.number {
        0 => stop = reading.stop(given, 0),
        1 => waits = reading.wait(given, 0),
        2 => reading.drop(given, Level::Info, RETRY),
        3 if given.node.kind == tape::TRUE => {}
        3 => reading.drop(given, Level::Info, RERAISE),
        4 => is_enabled = reading.flag(given).unwrap_or(is_enabled),
        5 => reading.drop(given, Level::Info, SLEEP),
        6..=8 => reading.drop(given, Level::Info, EVENTS),
        9 | 10 => reading.drop(given, Level::Warning, LAST_ERROR),
        _ => reading.drop(given, Level::Info, NAME),
    });
    if !is_enabled {
        stop.attempts = Some(1);
    }
    let place = path.key(b"stop");
    if stop.overshoots || stop.timeout == Some(0) {
        reading.overshooting(&place, &mut stop.attempts, &mut stop.timeout, OVERSHOOTS);
    }
    reading.limits(&place, stop.attempts, stop.timeout);
    reading.waits(&waits, Use::of(stop.attempts), &Places::all(&path.key(b"wait")));
}

/// When calls end.
#[derive(Clone, Copy)]
struct Stop {
    attempts: Option<u64>,
    timeout: Option<u64>,
    /// The time is looked at before a wait.
    overshoots: bool,
}

impl Stop {
    const NEVER: Stop = Stop { attempts: None, timeout: None, overshoots: false };

    /// At the earlier of both.
    fn or(self, other: Stop) -> Stop {
        let earlier = |one: Option<u64>, other: Option<u64>| {
            one.map_or(other, |one| Some(other.map_or(one, |other| one.min(other))))
        };
        let (attempts, timeout) = (earlier(self.attempts, other.attempts), earlier(self.timeout, other.timeout));
        // Of two limits of time, the shorter one says how it is looked at.
        let overshoots = if timeout == self.timeout { self.overshoots } else { other.overshoots };
        Stop { attempts, timeout, overshoots }
    }
}

impl Reading<'_> {
    fn stop(&mut self, given: &Given, depth: u32) -> Stop {
        let mut stop = Stop::NEVER;
        if is_named(given.node, b"stop_never") {
            return stop;
        }
        if given.node.kind != tape::MAP {
            self.unknown(given, NO_STOP);
            return stop;
        }
        if depth > DEEPEST {
            self.refuse(Mistake::WrongKind, given);
            return stop;
        }
        self.each(&STOPS, given.path, given.node, &mut |reading, given| match given.number {
            0 => stop.attempts = reading.at_least_one(given),
            1 => stop = Stop { timeout: reading.time(given, Times::Seconds), overshoots: true, ..Stop::NEVER },
            2 => stop.timeout = reading.time(given, Times::Seconds),
            3 | 4 => {
                let mut count = 0;
                let all = given.number == 4;
                reading.list(given, &mut |reading, given| {
                    let element = reading.stop(given, depth + 1);
                    stop = if count == 0 { element } else { stop.or(element) };
                    count += 1;
                });
                if all && count > 1 {
                    reading.drop(given, Level::Warning, BOTH_AT_ONCE);
                }
            }
            5 => {}
            _ => reading.drop(given, Level::Info, EVENT),
        });
        stop
    }

    fn wait(&mut self, given: &Given, depth: u32) -> Waits {
        let mut waits = Waits::ZERO;
        if is_named(given.node, b"wait_none") {
            return waits;
        }
        if given.node.kind != tape::MAP {
            self.unknown(given, NO_WAIT);
            return Waits { is_unknown: true, ..waits };
        }
        if depth > DEEPEST {
            self.refuse(Mistake::WrongKind, given);
            return waits;
        }
        self.each(&WAITS, given.path, given.node, &mut |reading, given| match given.number {
            0 => {}
            1 => waits = Waits::constant(reading.time(given, Times::Seconds).unwrap_or(0), 0),
            2 => {
                let [low, high] = reading.times(&RANDOM, given, [0, SECOND]);
                let (low, high) = (low.min(high), low.max(high));
                waits = Waits::constant(low, high - low);
            }
            3..=5 => waits = reading.exponential(given),
            6 => {
                let [start, increment, most] = reading.times(&INCREMENTING, given, [0, 100 * SECOND, DURATION.1]);
                let step = |number: u64| start.saturating_add(increment.saturating_mul(number));
                waits = Waits::ZERO.map(|number, _| Span { low: step(number), width: 0 }).capped(most);
            }
            7 => {
                let mut count = 0;
                reading.list(given, &mut |reading, given| {
                    let wait = reading.wait(given, depth + 1).clamped();
                    // The last of a chain goes on.
                    waits = waits.map(|number, step| if number < count { step } else { at(&wait, number) });
                    waits.is_unknown |= wait.is_unknown;
                    waits.draws = waits.draws.max(wait.draws);
                    waits.collapsed = wait.collapsed.map(|(number, cap)| (number.max(count), cap));
                    count += 1;
                });
                if count == 0 {
                    reading.refuse(Mistake::WrongKind, given);
                }
            }
            8 => reading.list(given, &mut |reading, given| {
                let wait = reading.wait(given, depth + 1);
                waits = waits.and(&wait);
            }),
            _ => {
                reading.drop(given, Level::Warning, NO_WAIT);
                waits.is_unknown = true;
            }
        });
        waits
    }

    /// Those with `exp_base`.
    fn exponential(&mut self, given: &Given) -> Waits {
        let (mut first, mut cap, mut base, mut least, mut jitter) = (SECOND, DURATION.1, 2_000_000, 0, SECOND);
        let map = if given.number == 5 { &JITTERED } else { &EXPONENTIAL };
        self.each(map, given.path, given.node, &mut |reading, given| match given.number {
            0 | 5 => first = reading.time(given, Times::Seconds).unwrap_or(first),
            1 => cap = reading.time(given, Times::Seconds).unwrap_or(cap),
            2 => base = reading.share(given).unwrap_or(base),
            3 => least = reading.time(given, Times::Seconds).unwrap_or(least),
            _ => jitter = reading.time(given, Times::Seconds).unwrap_or(jitter),
        });
        let cap = cap.max(least);
        let raised = |wait: u64| wait.max(least);
        let waits = Waits::exponential(first, base).capped(cap);
        match given.number {
            3 => waits.map(|_, step| Span { low: raised(step.low), width: 0 }),
            4 => {
                // From `min` to the capped power: the cap comes before the jitter.
                let high = |step: Span| raised(step.low.min(cap));
                let waits = waits.map(|_, step| Span { low: least, width: high(step) - least });
                Waits { draws: 1, ..waits }
            }
            _ => {
                let to = |step: Span| raised(step.low.saturating_add(jitter)) - raised(step.low);
                let waits = waits.map(|_, step| Span { low: raised(step.low), width: to(step) });
                Waits { draws: u32::from(jitter > 0), ..waits }
            }
        }
    }

    /// The times of a map, in the order of its fields.
    fn times<const N: usize>(&mut self, map: &'static Map, given: &Given, defaults: [u64; N]) -> [u64; N] {
        let mut times = defaults;
        self.each(map, given.path, given.node, &mut |reading, given| {
            if let Some((time, place)) = reading.time(given, Times::Seconds).zip(times.get_mut(given.number)) {
                *place = time;
            }
        });
        times
    }

    /// A function of the user's, or no stop or wait at all.
    fn unknown(&mut self, given: &Given, sentence: &'static str) {
        if given.node.kind == tape::OTHER {
            self.note(given.path, Level::Warning, NOT_CONVERTED, sentence, [Value::None]);
        } else {
            self.refuse(Mistake::WrongKind, given);
        }
    }
}

fn at(waits: &Waits, number: u64) -> Span {
    waits.steps.get(number as usize).copied().unwrap_or_default()
}

/// Without arguments, a name alone will do.
fn is_named(node: Node, name: &[u8]) -> bool {
    node.kind == tape::TEXT && node.content == name
}

/// Stops and waits inside each other; more are a mistake.
const DEEPEST: u32 = 8;
const SECOND: u64 = 1_000_000;
const SECONDS: &str = "a number of seconds";
const STOP: &str = "a map with one stop, as {\"stop_after_attempt\": 5}";
const WAIT: &str = "a map with one wait, as {\"wait_exponential\": {\"max\": 60}}";

const RETRY: &str = "a policy file names no exception types and no results; pass the types to the policy as on, and what tells results apart as retry_if_result";
const RERAISE: &str = "after the last attempt RetryError is raised instead of the error; the policy raises the error itself, so change what catches RetryError";
const SLEEP: &str = "a policy waits as its host does: by threads, asyncio or trio; nothing else is needed";
const EVENTS: &str = "a policy file has no functions; listen to events by on_event";
const LAST_ERROR: &str =
    "the policy raises the last error as it came; catch that, and answer there what the function is to answer";
const NAME: &str = "a policy file has no name; pass name to the policy";
const EVENT: &str = "an event belongs to the process; pass it to the policy as cancel";
const BOTH_AT_ONCE: &str = "it ends a call only when all its stops are reached; a policy ends it at the first, so raise the limit that comes too early";
const NO_STOP: &str = "a function decides when to stop; a policy has limits instead, so set attempts and timeout";
const NO_WAIT: &str = "a function decides how long to wait; the policy waits without it, so return the wait from a hook in on where the error says it";
