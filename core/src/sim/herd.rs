//! A herd: clients that fail together at one instant, and come back as their policy says.

use super::crowd::{Crowd, Server};
use super::queue::Queue;
use super::{CAPACITY, PROCESSES, SPAN, STATUS, WINDOW, or_null};
use crate::bounds::{Bounds, Map, Unit};
use crate::budget::Budget;
use crate::call::Shared;
use crate::format::{self, Mistake, Notation, Problem, number};
use crate::policy::Policy;
use crate::settings::NULL;

/// The most clients of a herd.
pub const MOST_CLIENTS: usize = 1_000_000;
/// The most budgets.
pub const MOST_PROCESSES: usize = 1_000;
/// The most windows of the histogram.
pub const MOST_WINDOWS: usize = 6_000;
/// Retries that the histogram tells apart; the last place holds the later ones as well.
pub const RETRIES: usize = 16;

/// The retries that arrive in one window: the first, the second, ….
pub type Arrivals = [u32; RETRIES];

/// What happens to a herd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HerdOptions {
    /// How many clients fail together: 1 to 1 000 000; default 10 000.
    pub clients: u64,
    /// The width of a window, in microseconds: 1 µs to 10 s; default 100 ms.
    pub window: u64,
    /// How many windows the herd is followed: 1 to 6000; default 1200, which is two minutes.
    pub windows: u64,
    /// How long the server fails, from the instant at which all clients fail, in microseconds. None is for ever, the default.
    pub outage: Option<u64>,
    /// How many requests the server answers well in each window after that; more fail as in the outage. None is all, the default.
    pub capacity: Option<u64>,
    /// Over how many processes the clients are spread, each with a budget of its own: client i is in process i modulo
    /// `processes`. 1 to 1000; default 1.
    pub processes: u64,
    /// The HTTP status of a failure: 400 to 599; default 503.
    pub status: u64,
    /// The wait that a failure asks for, in microseconds; None, the default, without.
    pub hint: Option<u64>,
}

impl Default for HerdOptions {
    fn default() -> HerdOptions {
        HerdOptions {
            clients: 10_000,
            window: 100_000,
            windows: 1_200,
            outage: None,
            capacity: None,
            processes: 1,
            status: 503,
            hint: None,
        }
    }
}

impl HerdOptions {
    /// The options that `tape` describes, or None after every mistake in it was handed to `problem`.
    pub fn read(tape: &[u8], notation: Notation, problem: &mut dyn FnMut(&Problem)) -> Option<HerdOptions> {
        let HerdOptions { clients, window, windows, processes, status, .. } = HerdOptions::default();
        let mut values = [clients, window, windows, NULL, NULL, processes, status, NULL];
        if !OPTIONS.read(tape, notation, &mut values, problem).is_right {
            return None;
        }
        let [clients, window, windows, outage, capacity, processes, status, hint] = values;
        let [outage, capacity, hint] = [outage, capacity, hint].map(|value| Some(value).filter(|value| *value != NULL));
        Some(HerdOptions { clients, window, windows, outage, capacity, processes, status, hint })
    }
}

static OPTIONS: format::Options = format::Options { map: &MAP, name: "the herd" };

static MAP: Map = Map {
    fields: &[
        number("clients", 0, &Bounds { unit: Unit::Count, least: 1, most: MOST_CLIENTS as u64 }),
        number("window", 1, &WINDOW),
        number("windows", 2, &Bounds { unit: Unit::Count, least: 1, most: MOST_WINDOWS as u64 }),
        or_null(number("outage", 3, &SPAN)),
        or_null(number("capacity", 4, &CAPACITY)),
        number("processes", 5, &PROCESSES),
        number("status", 6, &STATUS),
        or_null(number("hint", 7, &SPAN)),
    ],
    rivals: 0,
    unknown: Mistake::UnknownOption,
    checks: &[],
};

/// Memory for a client that waits: not for the same one all the time. What its [`Call`] has beside is the same for all, or
/// follows from this.
#[derive(Clone, Copy, Debug, Default)]
pub struct Client {
    pub(super) words: [u64; 2],
}

impl Client {
    /// Of one that waits for nothing yet.
    pub const NEW: Client = Client { words: [0; 2] };
}

/// Memory that a herd works in, the same from step to step.
pub struct Room<'a> {
    /// As many as there are clients, or more.
    pub clients: &'a mut [Client],
    /// The histogram: as many as there are windows, or more.
    pub arrivals: &'a mut [Arrivals],
    /// As many as there are processes, or more.
    pub budgets: &'a mut [Option<Budget>],
    /// Who comes next.
    pub queue: &'a mut Queue,
}

/// A herd, as far as it has come.
pub struct Herd {
    pub(super) options: HerdOptions,
    pub(super) crowd: Crowd,
    server: Server,
    has_budget: bool,
    /// Clients do not feel each other: each can be followed to its end before the next.
    is_independent: bool,
    pub(super) last_at: u64,
}

impl Herd {
    /// A herd that has not begun; client i (from 0) draws the words of call i + 1 of the seed. `budget` is what the policy's
    /// budget is made like, each process's full. None if the room is too small.
    pub fn new(
        policy: &Policy,
        budget: Option<&Budget>,
        seed: u64,
        options: &HerdOptions,
        room: &mut Room,
    ) -> Option<Herd> {
        let budget = budget.filter(|_| policy.budget_name().is_some());
        room.clients.get(..options.clients as usize)?;
        room.arrivals.get_mut(..options.windows as usize)?.fill([0; RETRIES]);
        room.budgets.get_mut(..options.processes as usize)?.fill(budget.map(Budget::full));
        room.queue.clear(policy);
        let end = options.window.saturating_mul(options.windows);
        Some(Herd {
            options: *options,
            crowd: Crowd::new(policy, seed, (options.status, options.hint), end),
            server: Server::new((0, options.outage.unwrap_or(u64::MAX)), options.capacity),
            has_budget: budget.is_some(),
            is_independent: budget.is_none() && options.capacity.is_none(),
            last_at: 0,
        })
    }

    /// Goes on by about `most` attempts, in the room it was made with. True once no client waits any more.
    pub fn step(&mut self, room: &mut Room, most: u64) -> bool {
        let until = self.crowd.attempts.saturating_add(most);
        while self.crowd.attempts < until {
            if !self.next(room) {
                return true;
            }
        }
        false
    }

    /// How many clients have come to an end, of all.
    pub fn progress(&self) -> (u64, u64) {
        (self.crowd.ended, self.options.clients)
    }

    /// The next client in time makes its attempt; false if none waits.
    fn next(&mut self, room: &mut Room) -> bool {
        let (number, mut next);
        if u64::from(self.crowd.begun) < self.options.clients {
            number = self.crowd.begin(0);
            next = self.visit(number, 0, room);
            while let (true, Some(at)) = (self.is_independent, next) {
                next = self.visit(number, at, room);
            }
        } else {
            let Some(client) = room.queue.pop(room.clients, u64::MAX) else { return false };
            self.crowd.wake(&client, 0);
            number = client.number;
            next = self.visit(number, client.at, room);
        }
        if let Some(at) = next {
            self.crowd.wait(number, at, room.clients, room.queue);
        }
        true
    }

    /// An attempt of a client: when it makes the next, if it does.
    fn visit(&mut self, number: u32, now: u64, room: &mut Room) -> Option<u64> {
        let mut budget = None;
        if self.has_budget {
            let process = u64::from(number) % self.options.processes.max(1);
            budget = room.budgets.get_mut(process as usize).and_then(Option::as_mut);
        }
        let attempt = self.crowd.attempt(now, Shared { budget: budget.as_deref_mut(), breaker: None })?;
        self.last_at = self.last_at.max(now);
        let window = now / self.options.window.max(1);
        let shared = Shared { budget, breaker: None };
        if let Some(retry) = attempt.checked_sub(2)
            && let Some(arrivals) = room.arrivals.get_mut(window as usize)
            && let Some(count) = arrivals.get_mut((retry as usize).min(RETRIES - 1))
        {
            *count += 1;
            if self.server.serves(window, now) {
                self.crowd.succeed(now, shared);
                return None;
            }
        }
        self.crowd.fail(now, shared)
    }
}
