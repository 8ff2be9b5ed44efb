//! A hedge: when to start another attempt beside one that still runs, and when all of them are to end.
//!
//! [`Hedge`] is the rule, [`Race`] one call under it. Every attempt after the first is paid from a budget, where the host has
//! one for it, as a retry is. Source: gRPC A6, SEMANTICS 10.

use crate::bounds::{Bounds, DURATION, Map, Unit};
use crate::budget::Budget;
use crate::draw::{Lane, uniform, word};
use crate::format::{Mistake, Notation, Options, Problem, fill, needed, number};
use crate::settings::ABSENT;

/// When to hedge.
#[derive(Clone, Copy)]
pub struct Hedge {
    attempts: u32,
    delay: u64,
    jitter: u64,
}

impl Hedge {
    /// The hedge that the options on `tape` describe; None after every mistake in them was handed to `problem`.
    ///
    /// | option | values | default |
    /// |---|---|---|
    /// | `delay` | 0us to 87600h: between the starts of two attempts; 0 starts all at once | must be given |
    /// | `attempts` | 1 to 100, the first included | 2 |
    /// | `jitter` | 0us to 87600h: up to this much later, drawn | 0s |
    pub fn compile(tape: &[u8], notation: Notation, problem: &mut dyn FnMut(&Problem)) -> Option<Hedge> {
        let mut settings = [ABSENT; 3];
        let read = OPTIONS.read(tape, notation, &mut settings, problem);
        fill(&mut settings, &[0, 2, 0]);
        let [delay, attempts, jitter] = settings;
        read.is_right.then_some(Hedge { attempts: attempts as u32, delay, jitter })
    }

    /// A call that begins now. The word that jitters attempt k + 1 is word k of the hedge's lane of `call_seed`.
    pub fn start(&self, now: u64, call_seed: u64) -> Race {
        Race {
            hedge: *self,
            call_seed,
            now,
            started: 0,
            running: 0,
            planned_at: now,
            next_at: now,
            spent: None,
            ended: false,
        }
    }
}

/// What a host is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Start the attempt with this number, from 1, then ask again.
    Start(u32),
    /// Ask again at this instant, or after an attempt has ended.
    WaitUntil(u64),
    /// Ask again after an attempt has ended.
    Wait,
    /// It is over: cancel what still runs. What ended last is the result.
    End,
}

/// One hedged call.
#[derive(Clone, Copy)]
pub struct Race {
    hedge: Hedge,
    call_seed: u64,
    /// The latest instant it was told of: a clock that goes back makes no progress.
    now: u64,
    started: u32,
    running: u32,
    /// When the next attempt starts, without its jitter and with it.
    planned_at: u64,
    next_at: u64,
    /// What the last attempt that was paid has taken, in millionths of a token.
    spent: Option<u64>,
    ended: bool,
}

impl Race {
    /// What to do now. Asking again changes nothing, except that an attempt to start counts as started, and is paid unless it is
    /// the first. With too little left in the budget no other starts; those that run go on.
    pub fn step(&mut self, now: u64, budget: Option<&mut Budget>) -> Step {
        self.now = self.now.max(now);
        if self.ended {
            return Step::End;
        }
        if self.started < self.hedge.attempts {
            if self.next_at > self.now {
                return Step::WaitUntil(self.next_at);
            }
            if !self.is_paid(budget) {
                self.hedge.attempts = self.started;
            }
        }
        if self.started >= self.hedge.attempts {
            return if self.running == 0 { Step::End } else { Step::Wait };
        }
        self.started += 1;
        self.running += 1;
        let jitter = uniform(word(self.call_seed, Lane::Hedge, self.started.into()), self.hedge.jitter);
        self.planned_at = self.planned_at.saturating_add(self.hedge.delay);
        self.next_at = self.planned_at.saturating_add(jitter);
        Step::Start(self.started)
    }

    /// Whether the next attempt may start: the first is free.
    fn is_paid(&mut self, budget: Option<&mut Budget>) -> bool {
        let Some(budget) = budget else { return true };
        if self.started == 0 {
            budget.call_begins(self.now);
            return true;
        }
        let taken = budget.take_unasked(self.now);
        self.spent = taken.or(self.spent);
        taken.is_some()
    }

    /// An attempt failed in a way that another may not. The next starts at once, or after the wait that the server asked
    /// for; those after it follow at the same distance as ever.
    pub fn failed(&mut self, now: u64, pushback: Option<u64>, budget: Option<&mut Budget>) {
        self.now = self.now.max(now);
        if let Some(budget) = budget {
            budget.attempt_failed(None);
        }
        self.running = self.running.saturating_sub(1);
        self.planned_at = self.now.saturating_add(pushback.unwrap_or(0));
        self.next_at = self.planned_at;
    }

    /// An attempt failed, and the server asked not to come again: no other starts; those that run go on.
    pub fn refused(&mut self, budget: Option<&mut Budget>) {
        if let Some(budget) = budget {
            budget.attempt_failed(None);
        }
        self.running = self.running.saturating_sub(1);
        self.hedge.attempts = self.started;
    }

    /// An attempt succeeded: the budget gets back what the last paid attempt took, or a reward. An extra call is harmless.
    pub fn succeeded(&mut self, now: u64, budget: Option<&mut Budget>) {
        self.now = self.now.max(now);
        if let (Some(budget), false) = (budget, self.ended) {
            budget.call_succeeded(self.spent, self.now);
        }
        self.ended = true;
    }

    /// An attempt failed in a way that ends the call.
    pub fn end(&mut self) {
        self.ended = true;
    }
}

static OPTIONS: Options = Options { map: &MAP, name: "the hedge" };

static MAP: Map = Map {
    fields: &[
        number("delay", 0, &SPAN),
        number("attempts", 1, &Bounds { unit: Unit::Count, least: 1, most: 100 }),
        number("jitter", 2, &SPAN),
    ],
    rivals: 0,
    unknown: Mistake::NoSuchOption,
    checks: &[needed(0)],
};

static SPAN: Bounds = Bounds { unit: Unit::Micros, least: 0, most: DURATION.1 };
