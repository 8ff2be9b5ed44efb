//! A herd: clients that fail together at one instant, and come back as their policy says.

use super::queue::{Queue, Waiting};
use super::{MOST_ATTEMPTS, STATUS, answer, or_null};
use crate::backoff::{Backoff, Delays};
use crate::bounds::{Bounds, DURATION, Map, TABLE_LEN, Unit};
use crate::budget::Budget;
use crate::call::{Call, Decision, Mode, Reason, Seen, Shared};
use crate::draw::call_seed;
use crate::failure::{Condition, Failure};
use crate::format::{self, Mistake, Notation, Problem, number};
use crate::jitter::Jitter;
use crate::policy::Policy;
use crate::settings::{BACKOFF, HINT_RESETS, LIST, NULL, TRUE};

/// The most clients of a herd.
pub const MOST_CLIENTS: usize = 1_000_000;
/// The most budgets.
pub const MOST_PROCESSES: usize = 1_000;
/// The most windows of the histogram.
pub const MOST_WINDOWS: usize = 6_000;
const WIDEST: u64 = 10_000_000;
/// No herd is followed longer.
pub(super) const MOST_END: u64 = WIDEST * MOST_WINDOWS as u64;
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
        number("window", 1, &Bounds { unit: Unit::Micros, least: 1, most: WIDEST }),
        number("windows", 2, &Bounds { unit: Unit::Count, least: 1, most: MOST_WINDOWS as u64 }),
        or_null(number("outage", 3, &SPAN)),
        or_null(number("capacity", 4, &Bounds { unit: Unit::Count, least: 0, most: MOST_CLIENTS as u64 })),
        number("processes", 5, &Bounds { unit: Unit::Count, least: 1, most: MOST_PROCESSES as u64 }),
        number("status", 6, &STATUS),
        or_null(number("hint", 7, &SPAN)),
    ],
    rivals: 0,
    unknown: Mistake::UnknownOption,
    checks: &[],
};

static SPAN: Bounds = Bounds { unit: Unit::Micros, least: 0, most: DURATION.1 };

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
    pub(super) seed: u64,
    policy: Policy,
    /// All fail alike.
    failure: Failure<'static>,
    seen: Seen,
    has_budget: bool,
    /// Clients do not feel each other: each can be followed to its end before the next.
    is_independent: bool,
    /// When the last window ends.
    end: u64,
    /// Clients whose first attempt has failed.
    begun: u32,
    /// Clients that came to an end.
    pub(super) ended: u64,
    /// The call of the client whose turn it is: all fail alike, so that it differs from the last one's in a few numbers.
    call: Call,
    /// What the retry of a client that waits has taken from its budget.
    taken: Option<u64>,
    /// The window that the server is in, and how many requests it has answered well in it.
    served: (u64, u64),
    pub(super) attempts: u64,
    pub(super) succeeded: u64,
    /// By the number of the reason, less 1.
    pub(super) gave_up: [u64; Reason::ALL.len()],
    pub(super) unfinished: u64,
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
        room.queue.clear(Jitter::of(&policy.settings) == Jitter::Decorrelated);
        let failure = answer(options.status, options.hint);
        let seen = policy.see(&failure);
        Some(Herd {
            options: *options,
            seed,
            policy: tabulated(policy, &seen),
            failure,
            seen,
            has_budget: budget.is_some(),
            is_independent: budget.is_none() && options.capacity.is_none(),
            end: options.window.saturating_mul(options.windows),
            begun: 0,
            ended: 0,
            call: policy.start(0, 0, None, Mode::Normal),
            taken: None,
            served: (0, 0),
            attempts: 0,
            succeeded: 0,
            gave_up: [0; Reason::ALL.len()],
            unfinished: 0,
            last_at: 0,
        })
    }

    /// Goes on by about `most` attempts, in the room it was made with. True once no client waits any more.
    pub fn step(&mut self, room: &mut Room, most: u64) -> bool {
        let until = self.attempts.saturating_add(most);
        while self.attempts < until {
            if !self.next(room) {
                return true;
            }
        }
        false
    }

    /// How many clients have come to an end, of all.
    pub fn progress(&self) -> (u64, u64) {
        (self.ended, self.options.clients)
    }

    /// The next client in time makes its attempt; false if none waits.
    fn next(&mut self, room: &mut Room) -> bool {
        if u64::from(self.begun) < self.options.clients {
            let number = self.begun;
            self.begun += 1;
            self.call = self.policy.start(0, self.call_seed(number), None, Mode::Normal);
            let mut next = self.visit(number, 0, room);
            while let (true, Some(at)) = (self.is_independent, next) {
                next = self.visit(number, at, room);
            }
            self.wait(number, next, room);
            return true;
        }
        let Some(client) = room.queue.pop(room.clients) else { return false };
        self.wake(&client);
        let next = self.visit(client.number, client.at, room);
        self.wait(client.number, next, room);
        true
    }

    /// An attempt of a client: when it makes the next, if it does.
    fn visit(&mut self, number: u32, now: u64, room: &mut Room) -> Option<u64> {
        let mut budget = None;
        if self.has_budget {
            let process = u64::from(number) % self.options.processes.max(1);
            budget = room.budgets.get_mut(process as usize).and_then(Option::as_mut);
        }
        let reason =
            match self.policy.attempt(&mut self.call, now, Shared { budget: budget.as_deref_mut(), breaker: None }) {
                Err(refused) => refused.reason,
                Ok(attempt) => {
                    self.attempts += 1;
                    self.last_at = self.last_at.max(now);
                    let window = now / self.options.window.max(1);
                    if let Some(retry) = attempt.number.checked_sub(2)
                        && let Some(arrivals) = room.arrivals.get_mut(window as usize)
                        && let Some(count) = arrivals.get_mut((retry as usize).min(RETRIES - 1))
                    {
                        *count += 1;
                        if self.serves(window, now) {
                            self.policy.succeeded(
                                &mut self.call,
                                now,
                                Shared { budget: budget.as_deref_mut(), breaker: None },
                            );
                            self.succeeded += 1;
                            self.ended += 1;
                            return None;
                        }
                    }
                    let shared = Shared { budget, breaker: None };
                    match self.policy.failed_as(&self.seen, &mut self.call, now, &self.failure, shared, &mut |_| {}) {
                        Decision::GiveUp { reason, .. } => reason,
                        Decision::Retry { delay, .. } => {
                            let at = now.saturating_add(delay);
                            if self.call.failures < MOST_ATTEMPTS && at < self.end {
                                return Some(at);
                            }
                            self.unfinished += 1;
                            self.ended += 1;
                            return None;
                        }
                    }
                }
            };
        if let Some(count) = self.gave_up.get_mut(reason as usize - 1) {
            *count += 1;
        }
        self.ended += 1;
        None
    }

    /// Whether the server answers a request well.
    fn serves(&mut self, window: u64, now: u64) -> bool {
        if self.options.outage.is_none_or(|outage| now < outage) {
            return false;
        }
        let Some(capacity) = self.options.capacity else { return true };
        if self.served.0 != window {
            self.served = (window, 0);
        }
        self.served.1 += 1;
        self.served.1 <= capacity
    }

    /// Puts a client that will make another attempt in the queue.
    fn wait(&mut self, number: u32, next: Option<u64>, room: &mut Room) {
        let Some(at) = next else { return };
        let Call { failures, is_last, previous, taken, .. } = self.call;
        self.taken = taken;
        room.queue.push(room.clients, &Waiting { at, number, failures, is_last, previous });
    }

    /// Makes the call that of a client that waited; nobody's has been later.
    fn wake(&mut self, client: &Waiting) {
        self.call.call_seed = self.call_seed(client.number);
        self.call.failures = client.failures;
        if let Some(count) = self.call.failures_in.get_mut(self.seen.class as usize) {
            *count = client.failures;
        }
        if self.policy.settings[HINT_RESETS] == TRUE && self.options.hint.is_some() {
            self.call.restarted_at = client.failures;
        }
        self.call.used_immediate = self.seen.condition == Condition::Immediate;
        self.call.used_once = self.seen.condition == Condition::OptInOnce;
        self.call.previous = client.previous;
        self.call.is_last = client.is_last;
        self.call.taken = self.taken;
        self.call.is_settled = false;
    }

    fn call_seed(&self, number: u32) -> u64 {
        call_seed(self.seed, u64::from(number) + 1)
    }
}

/// A policy with the same delays after these failures, its ceilings written out: to compute them for each attempt would
/// take most of a herd's time.
fn tabulated(policy: &Policy, seen: &Seen) -> Policy {
    let mut policy = *policy;
    if Backoff::of(&policy.settings) == Backoff::Exponential {
        let mut delays = Delays::EMPTY;
        (1..=TABLE_LEN as u32).for_each(|n| delays.push(policy.ceiling(seen.class, n)));
        policy.delays = delays;
        policy.settings[BACKOFF] = LIST;
    }
    policy
}
