//! What a herd and an outage share: clients of one policy that fail alike and wait, and the server that they come back to.

use super::herd::Client;
use super::queue::{Queue, Waiting};
use super::{MOST_ATTEMPTS, answer};
use crate::backoff::{Backoff, Delays};
use crate::bounds::TABLE_LEN;
use crate::call::{Call, Decision, Mode, Reason, Seen, Shared};
use crate::draw::call_seed;
use crate::failure::{Condition, Failure};
use crate::policy::Policy;
use crate::settings::{BACKOFF, HINT_RESETS, LIST, TRUE};

/// Clients that are followed together. Each makes one call; client i (from 0) draws the words of call i + 1 of the seed.
pub(super) struct Crowd {
    pub seed: u64,
    policy: Policy,
    /// All fail alike.
    failure: Failure<'static>,
    seen: Seen,
    /// Nobody is followed longer.
    end: u64,
    /// The call of the client whose turn it is: all fail alike, so that it differs from the last one's in a few numbers.
    call: Call,
    /// What the retry of a client that waits has taken from its budget.
    taken: Option<u64>,
    /// Clients that have come at all.
    pub begun: u32,
    /// Clients that came to an end.
    pub ended: u64,
    pub attempts: u64,
    pub succeeded: u64,
    /// By the number of the reason, less 1.
    pub gave_up: [u64; Reason::ALL.len()],
    pub unfinished: u64,
}

impl Crowd {
    /// Nobody has come yet; failures have this status and ask for this wait.
    pub fn new(policy: &Policy, seed: u64, (status, hint): (u64, Option<u64>), end: u64) -> Crowd {
        let failure = answer(status, hint);
        let seen = policy.see(&failure);
        Crowd {
            seed,
            policy: tabulated(policy, &seen),
            failure,
            seen,
            end,
            call: policy.start(0, 0, None, Mode::Normal),
            taken: None,
            begun: 0,
            ended: 0,
            attempts: 0,
            succeeded: 0,
            gave_up: [0; Reason::ALL.len()],
            unfinished: 0,
        }
    }

    /// The next client begins its call: its number.
    pub fn begin(&mut self, now: u64) -> u32 {
        let number = self.begun;
        self.begun += 1;
        self.call = self.policy.start(now, self.call_seed(number), None, Mode::Normal);
        number
    }

    /// The client whose turn it is makes an attempt: which, from 1; None if it must not, which is its end.
    pub fn attempt(&mut self, now: u64, shared: Shared) -> Option<u32> {
        match self.policy.attempt(&mut self.call, now, shared) {
            Ok(attempt) => {
                self.attempts += 1;
                Some(attempt.number)
            }
            Err(refused) => {
                self.give_up(refused.reason);
                None
            }
        }
    }

    /// That attempt succeeds.
    pub fn succeed(&mut self, now: u64, shared: Shared) {
        self.policy.succeeded(&mut self.call, now, shared);
        self.succeeded += 1;
        self.ended += 1;
    }

    /// That attempt fails: when the client makes the next, if it does.
    pub fn fail(&mut self, now: u64, shared: Shared) -> Option<u64> {
        match self.policy.failed_as(&self.seen, &mut self.call, now, &self.failure, shared, &mut |_| {}) {
            Decision::GiveUp { reason, .. } => self.give_up(reason),
            Decision::Retry { delay, .. } => {
                let at = now.saturating_add(delay);
                if self.call.failures < MOST_ATTEMPTS && at < self.end {
                    return Some(at);
                }
                self.unfinished += 1;
                self.ended += 1;
            }
        }
        None
    }

    /// Puts the client whose turn it was in the queue.
    pub fn wait(&mut self, number: u32, at: u64, clients: &mut [Client], queue: &mut Queue) {
        let Call { failures, is_last, previous, taken, .. } = self.call;
        self.taken = taken;
        queue.push(clients, &Waiting { at, number, failures, is_last, previous });
    }

    /// Makes the call that of a client that waited, and that began then; nobody's has been later.
    pub fn wake(&mut self, client: &Waiting, started_at: u64) {
        self.call.started_at = started_at;
        self.call.deadline = self.policy.timeout().map(|timeout| started_at.saturating_add(timeout));
        self.call.call_seed = self.call_seed(client.number);
        self.call.failures = client.failures;
        if let Some(count) = self.call.failures_in.get_mut(self.seen.class as usize) {
            *count = client.failures;
        }
        if self.policy.settings[HINT_RESETS] == TRUE && self.failure.hint.is_some() {
            self.call.restarted_at = client.failures;
        }
        self.call.used_immediate = self.seen.condition == Condition::Immediate;
        self.call.used_once = self.seen.condition == Condition::OptInOnce;
        self.call.previous = client.previous;
        self.call.is_last = client.is_last;
        self.call.taken = self.taken;
        self.call.is_settled = false;
    }

    fn give_up(&mut self, reason: Reason) {
        if let Some(count) = self.gave_up.get_mut(reason as usize - 1) {
            *count += 1;
        }
        self.ended += 1;
    }

    fn call_seed(&self, number: u32) -> u64 {
        call_seed(self.seed, u64::from(number) + 1)
    }
}

/// A server that fails for a while, and at other times answers so many requests in a window well.
pub(super) struct Server {
    /// When it begins and ends to fail.
    pub outage: (u64, u64),
    pub capacity: Option<u64>,
    /// The window that it is in, and how many requests it was up for in it.
    asked: (u64, u64),
}

impl Server {
    pub fn new(outage: (u64, u64), capacity: Option<u64>) -> Server {
        Server { outage, capacity, asked: (0, 0) }
    }

    /// Whether it answers a request well.
    pub fn serves(&mut self, window: u64, now: u64) -> bool {
        if self.is_out(now) {
            return false;
        }
        let Some(capacity) = self.capacity else { return true };
        if self.asked.0 != window {
            self.asked = (window, 0);
        }
        self.asked.1 += 1;
        self.asked.1 <= capacity
    }

    pub fn is_out(&self, now: u64) -> bool {
        (self.outage.0..self.outage.1).contains(&now)
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
