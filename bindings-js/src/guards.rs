//! Breakers, throttles, bulkheads and hedges: the one in use, and what can be asked of it. A function that is meant for
//! another kind than the one in use changes nothing and answers 0.

use undaunted::breaker::{Outcome, Permit};
use undaunted::bulkhead::Entry;
use undaunted::hedge::{Race, Step};
use undaunted::{Breaker, Budget, Bulkhead, Hedge, Problem, Throttle};

use crate::area::{BUDGET_AREA, GUARD_AREA, Input};
use crate::convert::{micros, notation, number, pair};
use crate::{answer, tell_of};

/// The guard in use. Of a hedge, with the call under it.
#[allow(clippy::large_enum_variant, reason = "there is one, and no allocator")]
pub enum Guard {
    Breaker(Breaker),
    Throttle(Throttle),
    Bulkhead(Bulkhead),
    Hedge(Hedge, Race),
}

impl Guard {
    /// It, if it is a breaker.
    pub fn breaker(guard: &mut Option<Guard>) -> Option<&mut Breaker> {
        match guard {
            Some(Guard::Breaker(breaker)) => Some(breaker),
            _ => None,
        }
    }
}

exports! {
    /// Compiles the tape in the input area to a guard of this kind: 0 breaker, 1 throttle, 2 bulkhead, 3 hedge. Answers how
    /// many problems it has; with none, it is in use.
    fn compile_guard(kind: u32, len: u32, notation_number: u32, seed_high: u32, seed_low: u32) -> u32 {
        let mut problems = 0;
        match compile(kind, len, notation_number, pair(seed_high, seed_low), &mut |_| problems += 1) {
            Some(guard) => {
                *GUARD_AREA.get() = Some(guard);
                0
            }
            None => problems.max(1),
        }
    }

    /// Problem number `index` (from 0) of the tape that `compile_guard` refused, as `problem` answers it.
    fn guard_problem(kind: u32, len: u32, notation_number: u32, index: u32) {
        tell_of(index, |tell| _ = compile(kind, len, notation_number, 0, tell));
    }

    /// Asks the breaker in use for a permit: 1, with its generation and its number; or 0, with the µs to wait.
    fn breaker_permit(now: f64) -> u32 {
        let Some(breaker) = Guard::breaker(GUARD_AREA.get()) else { return 0 };
        match breaker.permit(number(now)) {
            Ok(permit) => {
                answer(&[permit.generation.into(), permit.number.into()]);
                1
            }
            Err(retry_in) => {
                answer(&[retry_in as f64]);
                0
            }
        }
    }

    /// Settles a permit: 0 ok, 1 failed, 2 ignored, 3 dropped, after `elapsed` µs.
    fn breaker_settle(generation: u32, probe: u32, outcome: u32, elapsed: f64, now: f64) {
        let Some(breaker) = Guard::breaker(GUARD_AREA.get()) else { return };
        let outcome = Outcome::from_number(outcome).unwrap_or(Outcome::Dropped);
        breaker.settle(Permit { generation, number: probe }, outcome, number(elapsed), number(now));
    }

    /// The breaker in use draws by this seed from now on.
    fn breaker_reseed(seed_high: u32, seed_low: u32) {
        if let Some(breaker) = Guard::breaker(GUARD_AREA.get()) {
            breaker.reseed(pair(seed_high, seed_low));
        }
    }

    /// The state of the breaker in use: 0 closed, 1 open, 2 half-open. The numbers: calls, failures, slow, trips, probing,
    /// retry_in.
    fn breaker_look(now: f64) -> u32 {
        let Some(breaker) = Guard::breaker(GUARD_AREA.get()) else { return 0 };
        let found = breaker.snapshot(number(now));
        let counts = [found.calls, found.failures, found.slow, found.trips, found.probing].map(f64::from);
        let [calls, failures, slow, trips, probing] = counts;
        answer(&[calls, failures, slow, trips, probing, found.retry_in as f64]);
        found.state as u32
    }

    /// Whether the throttle in use lets a request through, by the next word of its seed.
    fn throttle_ask(now: f64) -> u32 {
        let Some(Guard::Throttle(throttle)) = GUARD_AREA.get() else { return 0 };
        throttle.ask(number(now)).into()
    }

    /// The same by a given word.
    fn throttle_allow(now: f64, word_high: u32, word_low: u32) -> u32 {
        let Some(Guard::Throttle(throttle)) = GUARD_AREA.get() else { return 0 };
        throttle.allow(number(now), pair(word_high, word_low)).into()
    }

    /// Tells the throttle in use of a request that was accepted.
    fn throttle_accepted(now: f64) {
        if let Some(Guard::Throttle(throttle)) = GUARD_AREA.get() {
            throttle.accepted(number(now));
        }
    }

    /// Requests and accepts in the window of the throttle in use, in the numbers.
    fn throttle_look(now: f64) {
        if let Some(Guard::Throttle(throttle)) = GUARD_AREA.get() {
            let (requests, accepts) = throttle.counts(number(now));
            answer(&[requests.into(), accepts.into()]);
        }
    }

    /// A call comes to the bulkhead in use: 0 to go in, its ticket to wait, -1 refused.
    fn bulkhead_enter() -> f64 {
        let Some(Guard::Bulkhead(bulkhead)) = GUARD_AREA.get() else { return 0.0 };
        match bulkhead.enter() {
            Entry::Admitted => 0.0,
            Entry::Waiting(ticket) => ticket as f64,
            Entry::Refused => -1.0,
        }
    }

    /// A call leaves the bulkhead in use: 1 if the one with the lowest ticket goes in for it.
    fn bulkhead_leave() -> u32 {
        let Some(Guard::Bulkhead(bulkhead)) = GUARD_AREA.get() else { return 0 };
        bulkhead.leave().into()
    }

    /// One that waits does so no longer.
    fn bulkhead_cancel() {
        if let Some(Guard::Bulkhead(bulkhead)) = GUARD_AREA.get() {
            bulkhead.cancel();
        }
    }

    /// How many are in the bulkhead in use, and how many wait, in the numbers.
    fn bulkhead_look() {
        if let Some(Guard::Bulkhead(bulkhead)) = GUARD_AREA.get() {
            answer(&[bulkhead.running() as f64, bulkhead.waiting() as f64]);
        }
    }

    /// Begins a call under the hedge in use.
    fn hedge_start(now: f64, seed_high: u32, seed_low: u32) {
        if let Some(Guard::Hedge(hedge, race)) = GUARD_AREA.get() {
            *race = hedge.start(number(now), pair(seed_high, seed_low));
        }
    }

    /// What to do now: 0 end, 1 wait, 2 wait until an instant, 3 start an attempt; instant or attempt is the first number. With
    /// `shares` 1 the budget in use pays.
    fn hedge_step(now: f64, shares: u32) -> u32 {
        let Some(Guard::Hedge(_, race)) = GUARD_AREA.get() else { return 0 };
        let (what, value) = match race.step(number(now), budget(shares)) {
            Step::End => (0, 0.0),
            Step::Wait => (1, 0.0),
            Step::WaitUntil(at) => (2, at as f64),
            Step::Start(number) => (3, number.into()),
        };
        answer(&[value]);
        what
    }

    /// An attempt failed in a way that another may not. `pushback`: µs, -1 for none.
    fn hedge_failed(now: f64, pushback: f64, shares: u32) {
        if let Some(Guard::Hedge(_, race)) = GUARD_AREA.get() {
            race.failed(number(now), micros(pushback), budget(shares));
        }
    }

    /// An attempt failed, and the server asked for no other.
    fn hedge_refused(shares: u32) {
        if let Some(Guard::Hedge(_, race)) = GUARD_AREA.get() {
            race.refused(budget(shares));
        }
    }

    /// An attempt succeeded.
    fn hedge_succeeded(now: f64, shares: u32) {
        if let Some(Guard::Hedge(_, race)) = GUARD_AREA.get() {
            race.succeeded(number(now), budget(shares));
        }
    }

    /// An attempt failed in a way that ends the call.
    fn hedge_end() {
        if let Some(Guard::Hedge(_, race)) = GUARD_AREA.get() {
            race.end();
        }
    }
}

/// The budget in use, if it is the hedge's.
fn budget(shares: u32) -> Option<&'static mut Budget> {
    BUDGET_AREA.get().as_mut().filter(|_| shares != 0)
}

fn compile(kind: u32, len: u32, notation_number: u32, seed: u64, problem: &mut dyn FnMut(&Problem)) -> Option<Guard> {
    let tape = Input::new().take(len);
    let notation = notation(notation_number);
    match kind {
        0 => Breaker::compile(tape, notation, seed, problem).map(Guard::Breaker),
        1 => Throttle::compile(tape, notation, seed, problem).map(Guard::Throttle),
        2 => Bulkhead::compile(tape, notation, problem).map(Guard::Bulkhead),
        _ => Hedge::compile(tape, notation, problem).map(|hedge| Guard::Hedge(hedge, hedge.start(0, 0))),
    }
}
