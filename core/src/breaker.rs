//! A breaker: refuses calls for a while once too many of them have failed or been slow.
//!
//! A call asks for a [`Permit`] and settles it. Closed, the breaker counts results in a window; when a rate is reached it
//! opens, refuses, and says for how long. After that it is half-open: it issues at most `probes` permits, and opens again
//! or closes as soon as their outcome is certain. Source: SEMANTICS 9.
//!
//! It stands alone, or in the calls of the policies that name it.

mod away;
mod options;

pub use away::{Question, Report, Told};
pub(crate) use options::{MAP, WINDOW_TIME, complete};

use away::Fleet;

use crate::backoff::{MILLION, exponential_at};
use crate::call::{Call, Mode, Shared};
use crate::draw::{Lane, uniform, word};
use crate::failure::{Class, Domain, Failure, names};
use crate::format::{Notation, Problem};
use crate::name::Named;
use crate::policy::Policy;
use crate::ring::{Counts, Ring};
use crate::settings::{ABSENT, BREAKER, IN_BREAKER, OWN, get};
use options::{
    FACTOR, FAILURE_RATE, FULL, INITIAL, JITTER, MAX_DELAY, MIN_CALLS, NAME, NONE, OPTIONS, PROBE_TIMEOUT, PROBES_AT,
    SLOW_AFTER, SLOW_RATE, Settings, WINDOW_CALLS_AT,
};

/// The longest window of calls.
pub const WINDOW_CALLS: u64 = 1024;
/// The most probes.
pub const PROBES: u64 = 16;

/// What a breaker does with a call that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Lets every call through.
    Closed = 0,
    /// Refuses every call.
    Open = 1,
    /// Lets a few calls through, to find out.
    HalfOpen = 2,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should.
    Ok = 0,
    /// In a way that counts against what was called.
    Failed = 1,
    /// In a way that says nothing about what was called: counts for nothing, hands its permit back.
    Ignored = 2,
    /// Not at all, since the caller asked to stop: counts for nothing, hands its permit back.
    Dropped = 3,
}

names!(State { Closed = "closed", Open = "open", HalfOpen = "half_open" });
names!(Outcome { Ok = "ok", Failed = "failed", Ignored = "ignored", Dropped = "dropped" });

/// Leave for one call. Settle it once: of a probe's permit a second result is not counted, nor of any that was issued
/// before the breaker last changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    /// How often the breaker had changed its state.
    pub generation: u32,
    /// Which probe of this state it is, from 1; 0 while the breaker is closed.
    pub number: u32,
}

/// What a breaker has counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What it does now.
    pub state: State,
    /// Results in the window, or of probes; 0 while it is open.
    pub calls: u32,
    /// Those that failed.
    pub failures: u32,
    /// Those that took longer than `slow_after`.
    pub slow: u32,
    /// How often it has opened since it was last closed.
    pub trips: u32,
    /// Probes that are not settled yet.
    pub probing: u32,
    /// How long it refuses calls yet, in microseconds; 0 if it lets one through. A probe that settles ends it earlier.
    pub retry_in: u64,
}

/// One breaker: its options and its state, plain values of fixed size. Locks are the host's.
#[derive(Clone, Copy, Debug)]
pub struct Breaker {
    settings: Settings,
    seed: u64,
    /// The latest instant it was told of: a clock that goes back makes no progress.
    now: u64,
    phase: Phase,
    generation: u32,
    trips: u32,
    /// How often it has ever opened: the place of its last draw.
    opened: u64,
    /// Of one that a fleet shares.
    fleet: Option<Fleet>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed(Window),
    Open { until: u64 },
    HalfOpen(Probes),
}

impl Breaker {
    /// The breaker that the options on `tape` describe, closed; None after every mistake in them was handed to `problem`.
    /// Of `seed` come the words that jitter the times it stays open.
    ///
    /// | option | values | default |
    /// |---|---|---|
    /// | `window_calls` | the last 1 to 1024 results count | 100 |
    /// | `window_time` | instead: those of the last 10us to 87600h, a tenth forgotten at a time | |
    /// | `min_calls` | 1 to 1000000, up to `window_calls`: with fewer results it does not open | 20 |
    /// | `failure_rate` | above 0, up to 1: the share of failures that opens it | 0.5 |
    /// | `slow_after` | a call that takes longer is slow | none is |
    /// | `slow_rate` | above 0, up to 1: the share of slow calls that opens it | 1 |
    /// | `initial` | how long it stays open the first time, before jitter | 5s |
    /// | `factor` | 1 to 10: growth of that each time it opens again without having closed | 2 |
    /// | `max_delay` | the longest it stays open | 60s |
    /// | `jitter` | `none`, `full`, `equal` | equal |
    /// | `probes` | 1 to 16: how many calls a half-open breaker judges by | 3 |
    /// | `probe_timeout` | a probe that is not settled by then is taken back | 60s |
    ///
    /// Source of the defaults: resilience4j (window, rates, 60 s), Polly (5 s); `min_calls`, `probes` and the jitter are
    /// our choice.
    pub fn compile(tape: &[u8], notation: Notation, seed: u64, problem: &mut dyn FnMut(&Problem)) -> Option<Breaker> {
        let mut settings = [ABSENT; IN_BREAKER];
        let read = OPTIONS.read(tape, notation, &mut settings, problem);
        let mut is_right = read.is_right;
        // Its table has no name, so that its options stand one before their places.
        complete(&mut settings, read.refused << 1, &mut |option, mistake, a, b| {
            OPTIONS.refuse(option - 1, mistake, a, b, problem);
            is_right = false;
        });
        is_right.then_some(Breaker::new(settings, seed))
    }

    fn new(mut settings: Settings, seed: u64) -> Breaker {
        settings[NAME] = OWN;
        let phase = Phase::Closed(Window::new(&settings));
        Breaker { settings, seed, now: 0, phase, generation: 0, trips: 0, opened: 0, fleet: None }
    }

    /// One with the same options, closed.
    pub fn closed(&self, seed: u64) -> Breaker {
        Breaker::new(self.settings, seed)
    }

    /// Leave for a call that starts now; or how long to wait before asking again, in microseconds. While it is half-open
    /// that is when the oldest probe is overdue; one that settles earlier makes room earlier.
    pub fn permit(&mut self, now: u64) -> Result<Permit, u64> {
        let now = self.pass(now);
        let most = self.settings[PROBES_AT] as u32;
        let timeout = self.settings[PROBE_TIMEOUT];
        let generation = self.generation;
        let number = match &mut self.phase {
            Phase::Closed(_) => 0,
            Phase::Open { until } => return Err(*until - now),
            Phase::HalfOpen(probes) => match self.fleet.as_mut().filter(|fleet| fleet.is_away) {
                Some(fleet) => fleet.leased(now)?,
                None => probes.issue(now, most).ok_or_else(|| probes.overdue_at(timeout).saturating_sub(now))?,
            },
        };
        Ok(Permit { generation, number })
    }

    /// How the call with this permit ended, after `elapsed` microseconds.
    pub fn settle(&mut self, permit: Permit, outcome: Outcome, elapsed: u64, now: u64) {
        let now = self.pass(now);
        if !self.is_of_now(permit) {
            return;
        }
        let has_failed = outcome == Outcome::Failed;
        let is_counted = has_failed || outcome == Outcome::Ok;
        // What is not there is longer than anything.
        let is_slow = elapsed > self.settings[SLOW_AFTER];
        if let Some(fleet) = self.fleet.as_mut().filter(|fleet| fleet.is_away) {
            return fleet.note(permit.number, outcome, is_slow);
        }
        let settings = &self.settings;
        let (counts, all, worst) = match &mut self.phase {
            Phase::Closed(window) if is_counted => {
                window.add(now, has_failed, is_slow);
                let counts = window.sum(now);
                if u64::from(counts[CALLS]) < settings[MIN_CALLS] {
                    return;
                }
                (counts, counts[CALLS], None)
            }
            Phase::HalfOpen(probes) => {
                if !probes.take(permit.number) || !is_counted {
                    return;
                }
                probes.count(has_failed, is_slow);
                let all = settings[PROBES_AT] as u32;
                let [calls, failures, slow] = probes.counts;
                // All the others fail, and are slow if there is such a thing.
                let others = all - calls;
                let slower = if settings[SLOW_AFTER] == ABSENT { 0 } else { others };
                (probes.counts, all, Some([all, failures + others, slow + slower]))
            }
            Phase::Closed(_) | Phase::Open { .. } => return,
        };
        if is_too_much(settings, counts, all) {
            self.open(now);
        } else if worst.is_some_and(|worst| !is_too_much(settings, worst, all)) {
            self.close();
        }
    }

    /// Draws by another seed from now on: a process that was forked must not draw as its parent does.
    pub fn reseed(&mut self, seed: u64) {
        self.seed = seed;
    }

    /// What it does now. An open breaker whose time is over is half-open.
    pub fn state(&mut self, now: u64) -> State {
        self.pass(now);
        match self.phase {
            Phase::Closed(_) => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen(_) => State::HalfOpen,
        }
    }

    /// How long it is open yet, in microseconds; 0 if it is not.
    pub fn open_for(&mut self, now: u64) -> u64 {
        let now = self.pass(now);
        match self.phase {
            Phase::Open { until } => until - now,
            Phase::Closed(_) | Phase::HalfOpen(_) => 0,
        }
    }

    /// What it has counted by now.
    pub fn snapshot(&mut self, now: u64) -> Snapshot {
        let state = self.state(now);
        let now = self.now;
        let (mut probing, mut retry_in) = (0, 0);
        let [calls, failures, slow] = match &mut self.phase {
            Phase::Closed(window) => window.sum(now),
            Phase::Open { until } => {
                retry_in = *until - now;
                [0; 3]
            }
            Phase::HalfOpen(probes) => {
                probing = probes.probing();
                if u64::from(probing + probes.counts[CALLS]) >= self.settings[PROBES_AT] {
                    retry_in = probes.overdue_at(self.settings[PROBE_TIMEOUT]).saturating_sub(now);
                }
                probes.counts
            }
        };
        Snapshot { state, calls, failures, slow, trips: self.trips, probing, retry_in }
    }

    /// What time alone changes. Answers the instant that counts.
    fn pass(&mut self, now: u64) -> u64 {
        self.now = self.now.max(now);
        match &mut self.phase {
            Phase::Open { until } if *until <= self.now => self.turn_to(Phase::HalfOpen(Probes::NONE)),
            Phase::HalfOpen(probes) => probes.take_overdue(self.now, self.settings[PROBE_TIMEOUT]),
            Phase::Closed(_) | Phase::Open { .. } => {}
        }
        self.now
    }

    fn open(&mut self, now: u64) {
        self.trips = self.trips.saturating_add(1);
        self.opened = self.opened.saturating_add(1);
        let [initial, factor, max_delay] = [INITIAL, FACTOR, MAX_DELAY].map(|place| get(&self.settings, place));
        let ceiling = exponential_at(initial, factor as u32, max_delay, self.trips);
        let word = word(self.seed, Lane::Breaker, self.opened);
        let delay = match self.settings[JITTER] {
            NONE => ceiling,
            FULL => uniform(word, ceiling),
            _ => ceiling - uniform(word, ceiling / 2),
        };
        self.turn_to(Phase::Open { until: now.saturating_add(delay) });
    }

    fn close(&mut self) {
        self.trips = 0;
        self.turn_to(Phase::Closed(Window::new(&self.settings)));
    }

    /// Permits of the phase before are worth nothing from now on.
    fn turn_to(&mut self, phase: Phase) {
        self.phase = phase;
        self.generation = self.generation.wrapping_add(1);
    }
}

impl Call {
    /// Asks the breaker for leave, unless there is some: None, or how long it refuses. An inactive call is made in any case.
    pub(crate) fn ask(&mut self, shared: &mut Shared) -> Option<u64> {
        let breaker = shared.breaker.as_mut().filter(|_| self.permit.is_none() && self.mode == Mode::Normal)?;
        match breaker.permit(self.last_now) {
            Ok(permit) => {
                (self.permit, self.permitted_at) = (Some(permit), self.last_now);
                None
            }
            Err(wait) => Some(wait),
        }
    }

    /// Tells the breaker how the attempt ended that it gave leave for.
    pub(crate) fn settle(&mut self, outcome: Outcome, shared: &mut Shared) {
        if let (Some(breaker), Some(permit)) = (&mut shared.breaker, self.permit.take()) {
            let elapsed = self.last_now.saturating_sub(self.permitted_at);
            breaker.settle(permit, outcome, elapsed, self.last_now);
        }
    }
}

impl Outcome {
    /// How an attempt ended that failed. A conflict and a permanent failure, told by the server's own code, say that it is there and
    /// answers, which resilience4j and Polly count as a success too; any other says nothing about it.
    pub(crate) fn of(failure: &Failure, class: Class) -> Outcome {
        match (class, failure.domain) {
            _ if failure.cancelled => Outcome::Dropped,
            (Class::Transient | Class::Throttle | Class::Timeout | Class::Connect, _) => Outcome::Failed,
            (_, Domain::Os | Domain::Dns | Domain::Tls | Domain::Undici | Domain::User) => Outcome::Ignored,
            (Class::Conflict | Class::Permanent, _) => Outcome::Ok,
        }
    }
}

impl Policy {
    /// The name of its breaker.
    pub fn breaker_name(&self) -> Option<&[u8]> {
        self.shares(Named::Breaker)
    }

    /// Its breaker, closed; None without one, and where the policy only names one that was made elsewhere. Of `seed` come the
    /// words that jitter the times it stays open.
    pub fn breaker(&self, seed: u64) -> Option<Breaker> {
        let own = self.settings.get(BREAKER..)?.first_chunk()?;
        (own[NAME] == OWN).then(|| Breaker::new(*own, seed))
    }

    /// Whether a host that has this breaker, or none, under the name of the policy's can go on, as
    /// [`accepts`](Policy::accepts) says of a budget.
    pub fn accepts_breaker(&self, there: Option<&Breaker>, problem: &mut dyn FnMut(&Problem)) -> bool {
        let is_same = |there: &Breaker| self.breaker(0).is_some_and(|own| own.settings == there.settings);
        self.takes(Named::Breaker, there.map(is_same), problem)
    }
}

/// Whether the share of failures or slow calls reaches its rate.
fn is_too_much(settings: &Settings, [_, failures, slow]: Counts, all: u32) -> bool {
    // A rate that is not there is above everything.
    let reaches = |count: u32, rate: u64| u64::from(count) * u64::from(MILLION) >= rate.saturating_mul(all.into());
    reaches(failures, settings[FAILURE_RATE]) || reaches(slow, settings[SLOW_RATE])
}

/// Results that a closed breaker judges by.
#[derive(Clone, Copy, Debug)]
enum Window {
    Calls(Recent),
    Time(Ring),
}

impl Window {
    fn new(settings: &Settings) -> Window {
        match settings[WINDOW_CALLS_AT] {
            ABSENT => Window::Time(Ring::new(settings[WINDOW_TIME])),
            calls => Window::Calls(Recent { most: calls as u32, next: 0, counts: [0; 3], results: [[0; WORDS]; 2] }),
        }
    }

    fn add(&mut self, now: u64, has_failed: bool, is_slow: bool) {
        match self {
            Window::Calls(recent) => recent.add(has_failed, is_slow),
            Window::Time(ring) => ring.add(now, [true, has_failed, is_slow]),
        }
    }

    fn sum(&mut self, now: u64) -> Counts {
        match self {
            Window::Calls(recent) => recent.counts,
            Window::Time(ring) => ring.sum(now),
        }
    }
}

/// The last so many results, a bit each for failed and slow.
#[derive(Clone, Copy, Debug)]
struct Recent {
    most: u32,
    /// Where the next result goes.
    next: u32,
    counts: Counts,
    results: [[u64; WORDS]; 2],
}

const WORDS: usize = WINDOW_CALLS as usize / 64;

impl Recent {
    fn add(&mut self, has_failed: bool, is_slow: bool) {
        let [calls, failures, slow] = &mut self.counts;
        *calls = (*calls + 1).min(self.most);
        for ((bits, count), happened) in self.results.iter_mut().zip([failures, slow]).zip([has_failed, is_slow]) {
            let Some(word) = bits.get_mut(self.next as usize / 64) else { continue };
            let bit = 1 << (self.next % 64);
            // A result that is not there yet has no bit set.
            *count = *count + u32::from(happened) - u32::from(*word & bit != 0);
            *word = if happened { *word | bit } else { *word & !bit };
        }
        self.next = if self.next + 1 < self.most { self.next + 1 } else { 0 };
    }
}

/// The permits of a half-open breaker.
#[derive(Clone, Copy, Debug)]
struct Probes {
    /// The number of the last one.
    last: u32,
    counts: Counts,
    /// The number of each that is not settled, 0 where there is none, and when it was issued.
    out: [(u32, u64); PROBES as usize],
}

impl Probes {
    const NONE: Probes = Probes { last: 0, counts: [0; 3], out: [(0, 0); PROBES as usize] };

    fn issue(&mut self, now: u64, most: u32) -> Option<u32> {
        if self.probing() + self.counts[CALLS] >= most {
            return None;
        }
        let free = self.out.iter_mut().find(|(number, _)| *number == 0)?;
        self.last = self.last.wrapping_add(1).max(1);
        *free = (self.last, now);
        Some(self.last)
    }

    /// Whether the permit was out; it is not any more.
    fn take(&mut self, number: u32) -> bool {
        let found = self.out.iter_mut().find(|(out, _)| *out == number && number != 0);
        found.is_some_and(|place| core::mem::replace(&mut place.0, 0) != 0)
    }

    fn take_overdue(&mut self, now: u64, timeout: u64) {
        for (number, issued_at) in &mut self.out {
            if issued_at.saturating_add(timeout) <= now {
                *number = 0;
            }
        }
    }

    /// When the oldest that is out will be overdue.
    fn overdue_at(&self, timeout: u64) -> u64 {
        let oldest = self.out.iter().filter(|(number, _)| *number != 0).map(|(_, issued_at)| *issued_at).min();
        oldest.unwrap_or(0).saturating_add(timeout)
    }

    fn probing(&self) -> u32 {
        self.out.iter().filter(|(number, _)| *number != 0).count() as u32
    }

    fn count(&mut self, has_failed: bool, is_slow: bool) {
        for (count, happened) in self.counts.iter_mut().zip([true, has_failed, is_slow]) {
            *count += u32::from(happened);
        }
    }
}

/// In `Counts`.
const CALLS: usize = 0;
