//! A breaker that the processes of a fleet share: a store counts, and here is what the store said last.
//!
//! Closed, it lets calls through and notes their results; open, it refuses; half-open, it lets through who has a probe that
//! the store leased. When the store does not answer, it comes home and goes on alone from the state that it knows.

use super::options::{
    FACTOR, FAILURE_RATE, INITIAL, JITTER, MAX_DELAY, MIN_CALLS, PROBE_TIMEOUT, PROBES_AT, SLOW_AFTER, SLOW_RATE,
    WINDOW_CALLS_AT, WINDOW_TIME,
};
use super::{Breaker, Outcome, PROBES, Permit, Phase, Probes, State, Window};
use crate::draw::{Lane, word};

/// A probe that was settled: its number, how, and whether it was slow.
pub type Probe = (u32, Outcome, bool);

/// What goes with whatever a store is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Which it is, from 1.
    pub number: u64,
    /// How often the breaker had changed its state; None if the store has never said so.
    pub generation: Option<u32>,
    /// Jitters the next opening of the store's breaker.
    pub word: u64,
}

/// What a store is to hear of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The question, and to which state of the breaker this belongs.
    pub question: Question,
    /// Results while it was closed: neither failed nor slow, slow, failed, failed and slow.
    pub counts: [u32; 4],
    /// Probes.
    pub probes: [Option<Probe>; PROBES as usize],
}

/// What a store says of its breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it does with a call that comes now.
    pub state: State,
    /// How often it has changed its state.
    pub generation: u32,
    /// A probe for this process, from 1; 0 without one.
    pub number: u32,
    /// How long it refuses calls yet, in microseconds; half-open, how long there is no probe unless one settles, for which it
    /// asks again sooner.
    pub retry_in: u64,
    /// How often it has ever opened.
    pub opened: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Fleet {
    pub is_away: bool,
    noted: Noted,
    /// Probes that no call has taken yet, and 0 for none.
    leases: [u32; PROBES as usize],
    /// When to ask the store for a probe.
    ask_at: u64,
    /// Until when it stays open by its own judgement, whatever the store says.
    own_until: u64,
    opened: u64,
    /// How many questions there were, and the newest that was answered.
    asked: u64,
    heard: u64,
    /// How many there were when it heard of its generation, or came home: those may be answered with an older one.
    since: u64,
    /// Of which generation permits are, too, that were issued before the store first answered.
    first: Option<u32>,
}

/// Results of a closed breaker, as a [`Report`] has them, and probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Noted {
    counts: [u32; 4],
    probes: [Option<Probe>; PROBES as usize],
}

impl Fleet {
    const NEW: Fleet = Fleet {
        is_away: false,
        noted: Noted { counts: [0; 4], probes: [None; PROBES as usize] },
        leases: [0; PROBES as usize],
        ask_at: 0,
        own_until: 0,
        opened: 0,
        asked: 0,
        heard: 0,
        since: 0,
        first: None,
    };

    /// The number of a leased probe; or how long there is none.
    pub fn leased(&mut self, now: u64) -> Result<u32, u64> {
        let lease = self.leases.iter_mut().find(|lease| **lease != 0);
        lease.map(core::mem::take).ok_or(self.ask_at.saturating_sub(now))
    }

    /// A probe for this process; 0 for none.
    fn lease(&mut self, number: u32) {
        if let Some(free) = self.leases.iter_mut().find(|lease| **lease == 0) {
            *free = number;
        }
    }

    pub fn note(&mut self, number: u32, outcome: Outcome, is_slow: bool) {
        if number != 0 {
            if let Some(free) = self.noted.probes.iter_mut().find(|probe| probe.is_none()) {
                *free = Some((number, outcome, is_slow));
            }
        } else if let Some(count) = kind_of(outcome, is_slow).and_then(|kind| self.noted.counts.get_mut(kind)) {
            *count = count.saturating_add(1);
        }
    }
}

impl Breaker {
    /// A store counts from now on. What it does until the store says so is what it does now. An extra call is harmless.
    pub fn go_away(&mut self, now: u64) {
        let now = self.pass(now);
        let own_until = if let Phase::Open { until } = self.phase { until } else { 0 };
        let fleet = self.fleet.get_or_insert(Fleet::NEW);
        if !fleet.is_away {
            let Fleet { opened, asked, heard, since, .. } = *fleet;
            *fleet = Fleet { is_away: true, own_until, ask_at: now, opened, asked, heard, since, ..Fleet::NEW };
        }
    }

    /// The store does not answer: it goes on alone, from the state that it knows, with nothing counted. Nothing if it is not
    /// away.
    pub fn come_home(&mut self, now: u64) {
        self.pass(now);
        let Some(fleet) = self.fleet.as_mut().filter(|fleet| fleet.is_away) else { return };
        (fleet.is_away, fleet.since) = (false, fleet.asked);
        match self.phase {
            Phase::Closed(_) => self.phase = Phase::Closed(Window::new(&self.settings)),
            Phase::HalfOpen(_) => self.phase = Phase::HalfOpen(Probes::NONE),
            Phase::Open { .. } => {}
        }
    }

    /// Whether a permit is of the state that it is in.
    pub(super) fn is_of_now(&self, permit: Permit) -> bool {
        permit.generation == self.generation || self.fleet.is_some_and(|fleet| fleet.first == Some(permit.generation))
    }

    /// Whether a store counts.
    pub fn is_away(&self) -> bool {
        self.fleet.is_some_and(|fleet| fleet.is_away)
    }

    /// Whether to ask the store for a probe before the next call.
    pub fn asks(&mut self, now: u64) -> bool {
        let now = self.pass(now);
        let is_half_open = matches!(self.phase, Phase::HalfOpen(_));
        let fleet = self.fleet.filter(|fleet| fleet.is_away && is_half_open);
        fleet.is_some_and(|fleet| fleet.ask_at <= now && fleet.leases.iter().all(|lease| *lease == 0))
    }

    /// What goes with a question that tells nothing.
    pub fn question(&mut self) -> Question {
        let fleet = self.fleet.get_or_insert(Fleet::NEW);
        fleet.asked = fleet.asked.wrapping_add(1);
        Question {
            number: fleet.asked,
            generation: (fleet.heard != 0).then_some(self.generation),
            word: word(self.seed, Lane::Breaker, fleet.opened.wrapping_add(1)),
        }
    }

    /// What the store is to hear, which is forgotten here: after a trip of which nobody knows whether it arrived, for good.
    pub fn report(&mut self) -> Report {
        let question = self.question();
        let noted = self.fleet.as_mut().map(|fleet| core::mem::take(&mut fleet.noted));
        let Noted { counts, probes } = noted.unwrap_or_default();
        Report { question, counts, probes }
    }

    /// Whether there is anything to tell the store.
    pub fn has_report(&self) -> bool {
        self.fleet.is_some_and(|fleet| fleet.noted != Fleet::NEW.noted)
    }

    /// What the store answered question `number`, at `now`. It is over if it tells of an older state than is known and was asked
    /// before that was known; a store that answers so later has forgotten its breaker. If a newer answer told of the same state, only
    /// a probe that it leases counts. What this process opened alone, or had open when it went away, stays open whatever the store
    /// says.
    pub fn told(&mut self, number: u64, told: Told, now: u64) {
        let now = self.pass(now);
        let Some(fleet) = self.fleet.as_mut().filter(|fleet| fleet.is_away) else { return };
        let ahead = told.generation.wrapping_sub(self.generation) as i32;
        if ahead < 0 && number <= fleet.since {
            return;
        }
        if ahead == 0 && number < fleet.heard {
            return fleet.lease(told.number);
        }
        let is_first = fleet.heard == 0 && told.state == State::Closed;
        fleet.heard = fleet.heard.max(number);
        fleet.opened = told.opened;
        let until = match told.state {
            State::Open => now.saturating_add(told.retry_in),
            State::Closed | State::HalfOpen => fleet.own_until,
        };
        // Probes of others settle meanwhile, and nobody else would tell.
        fleet.ask_at = now.saturating_add(told.retry_in.min(ASK_AGAIN));
        if ahead != 0 {
            // Probes of a state that is over, and results, unless they are of whichever the store was closed in.
            fleet.leases = Fleet::NEW.leases;
            (fleet.since, fleet.first) = (fleet.asked, None);
            if is_first {
                fleet.first = Some(self.generation);
            } else {
                fleet.noted = Fleet::NEW.noted;
            }
        }
        fleet.lease(told.number);
        self.generation = told.generation;
        self.phase = match (told.state, self.phase) {
            _ if until > now => Phase::Open { until },
            (State::Open | State::HalfOpen, Phase::HalfOpen(probes)) => Phase::HalfOpen(probes),
            (State::Open | State::HalfOpen, _) => Phase::HalfOpen(Probes::NONE),
            (State::Closed, Phase::Closed(window)) => Phase::Closed(window),
            (State::Closed, _) => Phase::Closed(Window::new(&self.settings)),
        };
    }

    /// The options as a store takes them; absent ones are `u64::MAX`: window_calls, window_time, min_calls, failure_rate,
    /// slow_rate, initial, factor, max_delay, jitter, probes, probe_timeout, and whether calls can be slow.
    pub fn terms(&self) -> [u64; 12] {
        let at = |place: usize| crate::settings::get(&self.settings, place);
        [
            at(WINDOW_CALLS_AT),
            at(WINDOW_TIME),
            at(MIN_CALLS),
            at(FAILURE_RATE),
            at(SLOW_RATE),
            at(INITIAL),
            at(FACTOR),
            at(MAX_DELAY),
            at(JITTER),
            at(PROBES_AT),
            at(PROBE_TIMEOUT),
            (at(SLOW_AFTER) != crate::settings::ABSENT).into(),
        ]
    }
}

/// How long a half-open breaker without a probe waits, at most, until it asks the store again, in microseconds: so often a fleet's
/// budgets report, too.
const ASK_AGAIN: u64 = 500_000;

/// Where a result is counted: nothing for those that count for nothing.
fn kind_of(outcome: Outcome, is_slow: bool) -> Option<usize> {
    match outcome {
        Outcome::Ok => Some(usize::from(is_slow)),
        Outcome::Failed => Some(2 + usize::from(is_slow)),
        Outcome::Ignored | Outcome::Dropped => None,
    }
}
