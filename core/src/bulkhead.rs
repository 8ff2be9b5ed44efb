//! A bulkhead: at most so many calls at once, and a bounded queue for those that wait, first come, first served.
//!
//! It counts; the host keeps who waits. Tickets rise, so the next to go in is always the lowest that still waits.

use core::num::NonZeroU64;

use crate::bounds::{Bounds, Map, Unit};
use crate::format::{Mistake, Notation, Options, Problem, fill, needed, number};
use crate::settings::ABSENT;

/// What a call that comes is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Go in; leave when done.
    Admitted,
    /// Wait for your turn with this ticket, from 1.
    Waiting(u64),
    /// There is no room, not even to wait.
    Refused,
}

/// One bulkhead: its options and its counts, plain values. Locks are the host's.
#[derive(Clone, Copy)]
pub struct Bulkhead {
    /// Of all that share it.
    limit: u64,
    /// How many processes share it, where each counts its own calls.
    members: NonZeroU64,
    queue: u64,
    running: u64,
    waiting: u64,
    /// The last ticket.
    issued: u64,
}

impl Bulkhead {
    /// The bulkhead that the options on `tape` describe, empty; None after every mistake in them was handed to `problem`.
    ///
    /// | option | values | default |
    /// |---|---|---|
    /// | `limit` | 1 to 1000000 calls at once | must be given |
    /// | `queue` | 0 to 1000000 calls that wait | 0 |
    pub fn compile(tape: &[u8], notation: Notation, problem: &mut dyn FnMut(&Problem)) -> Option<Bulkhead> {
        let mut settings = [ABSENT; 2];
        let read = OPTIONS.read(tape, notation, &mut settings, problem);
        fill(&mut settings, &[1, 0]);
        let [limit, queue] = settings;
        read.is_right.then_some(Bulkhead { limit, members: NonZeroU64::MIN, queue, running: 0, waiting: 0, issued: 0 })
    }

    /// A call comes. None overtakes those that wait.
    pub fn enter(&mut self) -> Entry {
        if self.running < (self.limit / self.members).max(1) {
            self.running += 1;
            Entry::Admitted
        } else if self.waiting < self.queue {
            self.waiting += 1;
            self.issued = self.issued.saturating_add(1);
            Entry::Waiting(self.issued)
        } else {
            Entry::Refused
        }
    }

    /// A call that was in is done, however it ended. Whether one that waits goes in for it: the lowest ticket. An extra
    /// call is harmless.
    pub fn leave(&mut self) -> bool {
        if self.running > 0 && self.waiting > 0 {
            self.waiting -= 1;
            return true;
        }
        self.running = self.running.saturating_sub(1);
        false
    }

    /// One that waits does so no longer: its ticket goes back. One whose turn has come leaves instead.
    pub fn cancel(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// A call comes that the store let in which a fleet shares: counted here, too, for the time when the store does not answer.
    pub fn admit(&mut self) {
        self.running = self.running.saturating_add(1);
    }

    /// So many processes share it: alone, each lets in its share, and one at least.
    pub fn divide(&mut self, members: u32) {
        self.members = NonZeroU64::new(members.into()).unwrap_or(NonZeroU64::MIN);
    }

    /// How many may be in, of all that share it.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// How many are in.
    pub fn running(&self) -> u64 {
        self.running
    }

    /// How many wait.
    pub fn waiting(&self) -> u64 {
        self.waiting
    }
}

static OPTIONS: Options = Options { map: &MAP, name: "the bulkhead" };

static MAP: Map = Map {
    fields: &[
        number("limit", 0, &Bounds { unit: Unit::Count, least: 1, most: 1_000_000 }),
        number("queue", 1, &Bounds { unit: Unit::Count, least: 0, most: 1_000_000 }),
    ],
    rivals: 0,
    unknown: Mistake::NoSuchOption,
    checks: &[needed(0)],
};
