//! An outage under steady traffic: what the calls that begin before, during and after it make of it, and when it is over.

use super::crowd::{Crowd, Server};
use super::herd::Client;
use super::queue::Queue;
use super::{CAPACITY, MOST_CLIENTS, MOST_END, MOST_WINDOWS, PROCESSES, SPAN, STATUS, WINDOW, or_null};
use crate::bounds::{Bounds, Map, Unit};
use crate::breaker::Breaker;
use crate::budget::Budget;
use crate::call::Shared;
use crate::draw::call_seed;
use crate::format::{self, Mistake, Notation, Problem, number};
use crate::policy::Policy;
use crate::settings::NULL;

/// The requests that reach the server in one window: first attempts, later ones, and of both those that it answers well.
pub type Load = [u32; 3];

/// Steady traffic, and what happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutageOptions {
    /// How many calls begin in a second, evenly spaced, in millionths: 0.000001 to 1 000 000; default 100. At most 1 000 000
    /// calls begin in all.
    pub calls_per_second: u64,
    /// For how long calls begin, and how long they are followed, in microseconds: 1 µs to 60 000 s; default 60 s. At most
    /// 6000 windows.
    pub duration: u64,
    /// When the server begins to fail, in microseconds; default 10 s.
    pub outage_at: u64,
    /// For how long it fails, in microseconds; default 20 s.
    pub outage: u64,
    /// How many requests the server answers well in each window at other times; more fail as in the outage. None is all,
    /// the default.
    pub capacity: Option<u64>,
    /// The width of a window, in microseconds: 1 µs to 10 s; default 250 ms.
    pub window: u64,
    /// Over how many processes the calls are spread, each with a budget and a breaker of its own: call i is in process i
    /// modulo `processes`. 1 to 1000; default 1.
    pub processes: u64,
    /// The HTTP status of a failure: 400 to 599; default 503.
    pub status: u64,
    /// The wait that a failure asks for, in microseconds; None, the default, without.
    pub hint: Option<u64>,
}

impl Default for OutageOptions {
    fn default() -> OutageOptions {
        OutageOptions {
            calls_per_second: 100_000_000,
            duration: 60_000_000,
            outage_at: 10_000_000,
            outage: 20_000_000,
            capacity: None,
            window: 250_000,
            processes: 1,
            status: 503,
            hint: None,
        }
    }
}

impl OutageOptions {
    /// The options that `tape` describes, or None after every mistake in it was handed to `problem`.
    pub fn read(tape: &[u8], notation: Notation, problem: &mut dyn FnMut(&Problem)) -> Option<OutageOptions> {
        let OutageOptions { calls_per_second, duration, outage_at, outage, window, processes, status, .. } =
            OutageOptions::default();
        let mut values = [calls_per_second, duration, outage_at, outage, NULL, window, processes, status, NULL];
        let read = OPTIONS.read(tape, notation, &mut values, problem);
        let [calls_per_second, duration, outage_at, outage, capacity, window, processes, status, hint] = values;
        let [capacity, hint] = [capacity, hint].map(|value| Some(value).filter(|value| *value != NULL));
        let options =
            OutageOptions { calls_per_second, duration, outage_at, outage, capacity, window, processes, status, hint };
        let mut is_right = read.is_right;
        for (other, mistake, most) in [
            (CALLS_PER_SECOND, Mistake::TooManyCalls, (MOST_CLIENTS as u64 * EACH).checked_div(calls_per_second)),
            (WINDOW_WIDTH, Mistake::TooManyWindows, window.checked_mul(MOST_WINDOWS as u64)),
        ] {
            if read.refused & (1 << DURATION | 1 << other) == 0
                && let Some(most) = most.filter(|most| duration > *most)
            {
                OPTIONS.refuse(DURATION, mistake, duration, most, problem);
                is_right = false;
            }
        }
        is_right.then_some(options)
    }

    /// How many calls begin in all.
    pub fn calls(&self) -> u64 {
        self.calls_before(self.duration)
    }

    /// How many windows there are; the last may end before its width is full.
    pub fn windows(&self) -> u64 {
        self.duration.div_ceil(self.window.max(1))
    }

    /// How many calls begin before an instant.
    fn calls_before(&self, at: u64) -> u64 {
        at.min(self.duration).saturating_mul(self.calls_per_second).div_ceil(EACH)
    }

    /// When a call begins.
    fn begins(&self, number: u32) -> u64 {
        u64::from(number).saturating_mul(EACH).checked_div(self.calls_per_second).unwrap_or(0)
    }

    pub(super) fn outage_end(&self) -> u64 {
        self.outage_at.saturating_add(self.outage)
    }

    /// How many calls begin during the outage.
    pub(super) fn calls_in_outage(&self) -> u64 {
        self.calls_before(self.outage_end()).saturating_sub(self.calls_before(self.outage_at))
    }
}

static OPTIONS: format::Options = format::Options { map: &MAP, name: "the outage" };

static RATE: Bounds = Bounds { unit: Unit::Millionths, least: 1, most: 1_000_000_000_000 };

static MAP: Map = Map {
    fields: &[
        number("calls_per_second", 0, &RATE),
        number("duration", 1, &Bounds { unit: Unit::Micros, least: 1, most: MOST_END }),
        number("outage_at", 2, &SPAN),
        number("outage", 3, &SPAN),
        or_null(number("capacity", 4, &CAPACITY)),
        number("window", 5, &WINDOW),
        number("processes", 6, &PROCESSES),
        number("status", 7, &STATUS),
        or_null(number("hint", 8, &SPAN)),
    ],
    rivals: 0,
    unknown: Mistake::UnknownOption,
    checks: &[],
};

// Places among the options.
const CALLS_PER_SECOND: usize = 0;
const DURATION: usize = 1;
const WINDOW_WIDTH: usize = 5;

/// A microsecond at a rate of a millionth of a call in a second is so small a part of a call.
const EACH: u64 = 1_000_000_000_000;

/// Memory for the breaker of a process.
// Nothing but zeros without one, so that an image of much such memory takes no room.
#[repr(u8)]
#[allow(clippy::large_enum_variant, reason = "there is no allocator")]
#[derive(Clone, Copy, Debug, Default)]
pub enum Guard {
    /// There is none.
    #[default]
    None = 0,
    /// There is this one.
    Breaker(Breaker),
}

/// Memory that the simulation of an outage works in, the same from step to step.
pub struct OutageRoom<'a> {
    /// As many as there are calls, or more.
    pub clients: &'a mut [Client],
    /// The histogram: as many as there are windows, or more.
    pub load: &'a mut [Load],
    /// As many as there are processes, or more.
    pub budgets: &'a mut [Option<Budget>],
    /// As many as there are processes, or more.
    pub guards: &'a mut [Guard],
    /// Who comes next.
    pub queue: &'a mut Queue,
}

/// Traffic over an outage, as far as it has come.
pub struct Outage {
    pub(super) options: OutageOptions,
    pub(super) crowd: Crowd,
    server: Server,
    /// Attempts that reached the server during the outage.
    pub(super) attempts_in_outage: u64,
}

impl Outage {
    /// Traffic that has not begun. Call i (from 0) draws the words of call i + 1 of the seed, and the breaker of process i its
    /// times open from the same, on their own lane. `budget` and `breaker` are what the policy's are made like, each
    /// process's full and closed. None if the room is too small, or if no calls begin, or more or for longer than
    /// [`OutageOptions::read`] allows.
    ///
    /// At the same instant calls that begin come first, then those that have waited, in the order in which they began to.
    pub fn new(
        policy: &Policy,
        budget: Option<&Budget>,
        breaker: Option<&Breaker>,
        seed: u64,
        options: &OutageOptions,
        room: &mut OutageRoom,
    ) -> Option<Outage> {
        if options.duration > MOST_END || !(1..=MOST_CLIENTS as u64).contains(&options.calls()) {
            return None;
        }
        let budget = budget.filter(|_| policy.budget_name().is_some());
        let breaker = breaker.filter(|_| policy.breaker_name().is_some());
        room.clients.get(..options.calls() as usize)?;
        room.load.get_mut(..options.windows() as usize)?.fill([0; 3]);
        room.budgets.get_mut(..options.processes as usize)?.fill(budget.map(Budget::full));
        for (guard, process) in room.guards.get_mut(..options.processes as usize)?.iter_mut().zip(1..) {
            *guard = breaker.map_or(Guard::None, |breaker| Guard::Breaker(breaker.closed(call_seed(seed, process))));
        }
        room.queue.clear(policy);
        Some(Outage {
            options: *options,
            crowd: Crowd::new(policy, seed, (options.status, options.hint), options.duration),
            server: Server::new((options.outage_at, options.outage_end()), options.capacity),
            attempts_in_outage: 0,
        })
    }

    /// Goes on by `most` attempts or refusals, in the room it was made with. True once no call begins or waits any more.
    pub fn step(&mut self, room: &mut OutageRoom, most: u64) -> bool {
        (0..most).any(|_| !self.next(room))
    }

    /// How many calls have come to an end, of all.
    pub fn progress(&self) -> (u64, u64) {
        (self.crowd.ended, self.options.calls())
    }

    /// The next call in time makes its attempt; false if there is none.
    fn next(&mut self, room: &mut OutageRoom) -> bool {
        let coming = self.options.begins(self.crowd.begun);
        let begins = coming < self.options.duration;
        // Whoever waits for the same instant comes after the call that begins.
        let before = if begins { coming } else { self.options.duration };
        let (number, now) = match room.queue.pop(room.clients, before) {
            Some(client) => {
                self.crowd.wake(&client, self.options.begins(client.number));
                (client.number, client.at)
            }
            None if begins => (self.crowd.begin(coming), coming),
            None => return false,
        };
        if let Some(at) = self.visit(number, now, room) {
            self.crowd.wait(number, at, room.clients, room.queue);
        }
        true
    }

    /// An attempt of a call: when it makes the next, if it does.
    fn visit(&mut self, number: u32, now: u64, room: &mut OutageRoom) -> Option<u64> {
        let process = number as usize % (self.options.processes as usize).max(1);
        let mut budget = room.budgets.get_mut(process).and_then(Option::as_mut);
        let mut breaker = match room.guards.get_mut(process) {
            Some(Guard::Breaker(breaker)) => Some(breaker),
            _ => None,
        };
        let shared = Shared { budget: budget.as_deref_mut(), breaker: breaker.as_deref_mut() };
        let attempt = self.crowd.attempt(now, shared)?;
        let shared = Shared { budget, breaker };
        let window = now / self.options.window.max(1);
        self.attempts_in_outage += u64::from(self.server.is_out(now));
        let is_served = self.server.serves(window, now);
        if let Some(load) = room.load.get_mut(window as usize) {
            let [first, retries, served] = load;
            *(if attempt == 1 { first } else { retries }) += 1;
            *served += u32::from(is_served);
        }
        if is_served {
            self.crowd.succeed(now, shared);
            return None;
        }
        self.crowd.fail(now, shared)
    }
}
