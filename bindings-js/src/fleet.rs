//! What a fleet shares: the budget or the guard in use while a store keeps it. `which`: 0 the budget in use, 1 the guard in use.
//! A function that is meant for another kind than the one in use changes nothing and answers 0.

use undaunted::Shared;
use undaunted::breaker::{Question, Report, State, Told};
use undaunted::budget::Account;

use crate::area::{BUDGET_AREA, CALL_AREA, GUARD_AREA, Output};
use crate::convert::{self, number, or_minus_one};
use crate::guards::Guard;

exports! {
    /// A store keeps it from now on; a budget that came home, once the store answers.
    fn go_away(which: u32, now: f64) {
        if which == 0 {
            if let Some(budget) = BUDGET_AREA.get() {
                budget.go_away();
            }
            return;
        }
        match GUARD_AREA.get() {
            Some(Guard::Breaker(breaker)) => breaker.go_away(number(now)),
            Some(Guard::Throttle(throttle)) => throttle.go_away(number(now)),
            _ => {}
        }
    }

    /// The store does not answer: it goes on alone.
    fn come_home(which: u32, now: f64) {
        if which == 0 {
            if let Some(budget) = BUDGET_AREA.get() {
                budget.come_home(number(now));
            }
            return;
        }
        match GUARD_AREA.get() {
            Some(Guard::Breaker(breaker)) => breaker.come_home(number(now)),
            Some(Guard::Throttle(throttle)) => throttle.come_home(),
            _ => {}
        }
    }

    /// Whether there is anything to tell the store.
    fn has_report(which: u32) -> u32 {
        let has_report = match GUARD_AREA.get() {
            _ if which == 0 => BUDGET_AREA.get().as_ref().is_some_and(|budget| budget.has_account()),
            Some(Guard::Breaker(breaker)) => breaker.has_report(),
            Some(Guard::Throttle(throttle)) => throttle.has_report(),
            _ => false,
        };
        has_report.into()
    }

    /// Its options as a store takes them, as f64 in the output area, -1 for none; answers how many. After those of a budget
    /// what the store had last.
    fn terms(which: u32) -> u32 {
        let mut output = Numbers::new();
        match GUARD_AREA.get() {
            _ if which == 0 => {
                if let Some(budget) = BUDGET_AREA.get() {
                    output.extend(budget.terms().map(|term| term as f64));
                    output.push(or_minus_one(budget.known()));
                }
            }
            Some(Guard::Breaker(breaker)) => {
                output.extend(breaker.terms().map(|term| or_minus_one(Some(term).filter(|term| *term != u64::MAX))));
            }
            Some(Guard::Throttle(throttle)) => output.push(throttle.window() as f64),
            _ => {}
        }
        output.count
    }

    /// What the store is to hear with the next question, as f64 in the output area, and is forgotten here; answers how many.
    /// Of a budget: the question's number, added, owed, what to hand to `budget_lost`. Of a breaker: the question's number, the
    /// generation that is known, -1 for none, the halves of the word that jitters the next opening, results that are neither slow
    /// nor failed, slow, failed, both, then number, outcome and 0 or 1 for slow of each probe. Of a throttle: requests, accepts.
    fn report(which: u32, now: f64) -> u32 {
        let mut output = Numbers::new();
        match GUARD_AREA.get() {
            _ if which == 0 => {
                if let Some(budget) = BUDGET_AREA.get() {
                    let Account { number, added, owed, if_lost } = budget.account(convert::number(now));
                    output.extend([number, added, owed, if_lost].map(|amount| amount as f64));
                }
            }
            Some(Guard::Breaker(breaker)) => {
                let Report { question: Question { number, generation, word }, counts, probes } = breaker.report();
                output.extend([number as f64, or_minus_one(generation.map(u64::from))]);
                output.extend([(word >> 32) as u32, word as u32].map(f64::from));
                output.extend(counts.map(f64::from));
                for (number, outcome, is_slow) in probes.into_iter().flatten() {
                    output.extend([number, outcome as u32, is_slow.into()].map(f64::from));
                }
            }
            Some(Guard::Throttle(throttle)) => output.extend(throttle.report().map(f64::from)),
            _ => {}
        }
        output.count
    }

    /// What the store of the budget in use answered a question: what it has, in millionths of a token, and how many processes
    /// share it. Whether to ask again at once.
    fn budget_told(question: f64, tokens: f64, members: u32, now: f64) -> u32 {
        let Some(budget) = BUDGET_AREA.get() else { return 0 };
        budget.told(number(question), number(tokens), members, number(now)).into()
    }

    /// Nobody knows whether a question to the store of the budget in use arrived.
    fn budget_lost(question: f64, if_lost: f64) {
        if let Some(budget) = BUDGET_AREA.get() {
            budget.lost(number(question), number(if_lost));
        }
    }

    /// What the store of the breaker in use answered a question, at `now`: 0 closed, 1 open, 2 half-open, and a probe for this
    /// process, or 0.
    fn breaker_told(question: f64, state: u32, generation: u32, probe: u32, retry_in: f64, opened: f64, now: f64) {
        if let Some(breaker) = Guard::breaker(GUARD_AREA.get()) {
            let state = State::from_number(state).unwrap_or(State::Closed);
            let told = Told { state, generation, number: probe, retry_in: number(retry_in), opened: number(opened) };
            breaker.told(number(question), told, number(now));
        }
    }

    /// Whether to ask the store of the breaker in use for a probe before the next call.
    fn breaker_asks(now: f64) -> u32 {
        Guard::breaker(GUARD_AREA.get()).is_some_and(|breaker| breaker.asks(number(now))).into()
    }

    /// What the store of the throttle in use counts.
    fn throttle_told(requests: u32, accepts: u32) {
        if let Some(Guard::Throttle(throttle)) = GUARD_AREA.get() {
            throttle.told(requests, accepts);
        }
    }

    /// A call comes to the bulkhead in use that its store let in.
    fn bulkhead_admit() {
        if let Some(Guard::Bulkhead(bulkhead)) = GUARD_AREA.get() {
            bulkhead.admit();
        }
    }

    /// So many processes share the bulkhead in use.
    fn bulkhead_divide(members: u32) {
        if let Some(Guard::Bulkhead(bulkhead)) = GUARD_AREA.get() {
            bulkhead.divide(members);
        }
    }

    /// What the store is to be asked for before the retry of the call in use is made, in millionths of a token; -1 for nothing.
    fn asks_store() -> f64 {
        or_minus_one(CALL_AREA.get().as_ref().and_then(|call| call.asks_store(&budget())))
    }

    /// The store does not grant the retry of the call in use.
    fn refused_by_store() {
        if let Some(call) = CALL_AREA.get() {
            call.refused_by_store();
        }
    }

    /// 1 if the retry of the call in use, which cannot wait for the store, may be made by what is known of it.
    fn take_unasked() -> u32 {
        CALL_AREA.get().as_mut().is_some_and(|call| call.take_unasked(budget())).into()
    }

    /// The store did not answer: 1 if the retry of the call in use may be made by what the budget has at home.
    fn take_at_home() -> u32 {
        CALL_AREA.get().as_mut().is_some_and(|call| call.take_at_home(budget())).into()
    }
}

/// The budget in use as the call's.
fn budget() -> Shared<'static> {
    Shared { budget: BUDGET_AREA.get().as_mut(), breaker: None }
}

/// Numbers as f64 in the output area.
struct Numbers {
    output: Output,
    count: u32,
}

impl Numbers {
    fn new() -> Numbers {
        Numbers { output: Output::new(), count: 0 }
    }

    fn push(&mut self, number: f64) {
        self.output.push(&number.to_le_bytes());
        self.count += 1;
    }

    fn extend<const N: usize>(&mut self, numbers: [f64; N]) {
        for number in numbers {
            self.push(number);
        }
    }
}
