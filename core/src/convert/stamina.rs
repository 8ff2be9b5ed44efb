//! stamina 26.1: `min(wait_max, wait_initial · wait_exp_base^(n-1) + U(wait_jitter))`; attempts are total calls.

use super::reading::{ATTEMPTS, BASE, Reading, TIME, Times, other, setting, table};
use super::waits::{Places, Use, Waits};
use crate::bounds::Map;
use crate::format::{Path, tape, tape::Node};
use crate::lint::{Level, Value};

static SETTINGS: Map = table(&[
    setting("attempts", "a whole number or null", &ATTEMPTS),
    setting("timeout", "a number of seconds or null", &TIME),
    setting("wait_initial", SECONDS, &TIME),
    setting("wait_max", SECONDS, &TIME),
    setting("wait_jitter", SECONDS, &TIME),
    setting("wait_exp_base", "a number", &BASE),
    other("on", "exception types or a function"),
]);

pub(super) fn read(reading: &mut Reading, path: &Path, node: Node) {
    let (mut attempts, mut timeout) = (Some(10), Some(45_000_000));
    let (mut initial, mut cap, mut jitter, mut base) = (100_000, 5_000_000, 1_000_000, 2_000_000);
    reading.each(&SETTINGS, path, node, &mut |reading, given| {
        let is_null = given.node.kind == tape::NULL;
        match given.number {
            0 if is_null => attempts = None,
            0 => attempts = reading.at_least_one(given).or(attempts),
            1 if is_null => timeout = None,
            1 => timeout = reading.time(given, Times::Seconds).or(timeout),
            2 => initial = reading.time(given, Times::Seconds).unwrap_or(initial),
            3 => cap = reading.time(given, Times::Seconds).unwrap_or(cap),
            4 => jitter = reading.time(given, Times::Seconds).unwrap_or(jitter),
            5 => base = reading.share(given).unwrap_or(base),
            _ => reading.drop(given, Level::Info, ON),
        }
    });
    reading.overshooting(&path.key(b"timeout"), &mut attempts, &mut timeout, OVERSHOOTS);
    reading.limits(path, attempts, timeout);
    let waits = Waits::exponential(initial, base).plus(jitter).capped(cap);
    let (initial, cap, jitter) = (path.key(b"wait_initial"), path.key(b"wait_max"), path.key(b"wait_jitter"));
    reading.waits(&waits, Use::of(attempts), &Places { initial: &initial, cap: &cap, jitter: &jitter });
}

impl Reading<'_> {
    /// A count of calls that a library takes as 1 where it is 0.
    pub fn at_least_one(&mut self, given: &super::reading::Given) -> Option<u64> {
        let attempts = self.count(given)?;
        if attempts == 0 {
            self.note(given.path, Level::Warning, "clamped-count", NONE_IS_ONE, []);
        }
        Some(attempts.max(1))
    }

    /// A limit of time that is looked at before a wait, which may then outlast it; none of nothing is one attempt.
    pub fn overshooting(
        &mut self,
        path: &Path,
        attempts: &mut Option<u64>,
        timeout: &mut Option<u64>,
        sentence: &'static str,
    ) {
        match *timeout {
            Some(0) => {
                (*attempts, *timeout) = (Some(1), None);
                self.note(path, Level::Warning, "deadline-unreachable", NO_TIME, []);
            }
            Some(time) if *attempts != Some(1) => {
                self.note(path, Level::Info, "timeout-overshoots", sentence, [Value::Time(time)]);
            }
            _ => {}
        }
    }
}

const SECONDS: &str = "a number of seconds";
const ON: &str = "a policy file names no exception types; pass them, or the function, to the policy as on";
const NONE_IS_ONE: &str =
    "it is 0, which counts as 1: the first call is made before anything is counted; write 1 to call once";
const NO_TIME: &str = "it is 0, so nothing is ever retried; the policy has one attempt instead";
pub(super) const OVERSHOOTS: &str = "only what has passed counts, so the last wait may end after $a and an attempt still start; the policy never waits past timeout";
