//! Budgets that a fleet shares: whatever is lost on the way to the store, no token is spent twice.

use proptest::prelude::*;
use undaunted::breaker::{Outcome, Report, State, Told};
use undaunted::budget::Account;
use undaunted::{Breaker, Budget, Call, Decision, Failure, Mode, Policy, Shared, Verdict};

const TOKEN: u64 = 1_000_000;
const CAPACITY: u64 = 10;
const PROCESSES: usize = 3;

/// What becomes of a trip to the store.
#[derive(Clone, Copy, Debug)]
enum Trip {
    Answered,
    /// It arrived, and the answer was lost.
    AnswerLost,
    Lost,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The call of this process fails, and asks the store if it may be repeated.
    Fails(usize, Trip),
    Succeeds(usize),
    Reports(usize, Trip),
    /// The process finds the store again.
    Returns(usize),
}

/// The store: never above its capacity, and below nothing it forgives.
struct Store {
    tokens: u64,
    forgiven: u64,
}

impl Store {
    fn serve(&mut self, account: Account, price: u64) -> bool {
        let tokens = (self.tokens + account.added).min(CAPACITY * TOKEN);
        self.forgiven += account.owed.saturating_sub(tokens);
        self.tokens = tokens.saturating_sub(account.owed);
        let is_granted = self.tokens >= price;
        self.tokens -= if is_granted { price } else { 0 };
        is_granted
    }
}

struct Process {
    budget: Budget,
    call: Call,
}

fn policy() -> Policy {
    let text =
        r#"{"attempts": 1000, "timeout": null, "budget": {"name": "b", "capacity": 10, "cost": 2, "reward": 1}}"#;
    compile(text)
}

fn compile(text: &str) -> Policy {
    serde_json::from_str(text).expect("a policy")
}

fn shared(budget: &mut Budget) -> Shared<'_> {
    Shared { budget: Some(budget), breaker: None }
}

fn step() -> impl Strategy<Value = Step> {
    let trip = prop_oneof![4 => Just(Trip::Answered), 1 => Just(Trip::AnswerLost), 1 => Just(Trip::Lost)];
    let (one, other) = (trip.clone(), trip);
    prop_oneof![
        4 => (0..PROCESSES, one).prop_map(|(process, trip)| Step::Fails(process, trip)),
        2 => (0..PROCESSES).prop_map(Step::Succeeds),
        1 => (0..PROCESSES, other).prop_map(|(process, trip)| Step::Reports(process, trip)),
        1 => (0..PROCESSES).prop_map(Step::Returns),
    ]
}

proptest! {
    #[test]
    fn no_token_is_spent_twice(steps in prop::collection::vec(step(), 1..200)) {
        let policy = policy();
        let begin = || policy.start(0, 7, None, Mode::Normal);
        let mut processes: Vec<Process> = (0..PROCESSES)
            .map(|_| {
                let mut budget = policy.budget().expect("its budget");
                budget.go_away(0);
                budget.told(CAPACITY * TOKEN, PROCESSES as u32);
                Process { budget, call: begin() }
            })
            .collect();
        let mut store = Store { tokens: CAPACITY * TOKEN, forgiven: 0 };
        // What calls spent and put in, and what was lent to processes that could not reach the store.
        let (mut spent, mut earned, mut lent) = (0, 0, 0);
        let failure = Failure { verdict: Verdict::Forced, ..Failure::default() };
        for step in steps {
            match step {
                Step::Fails(at, trip) => {
                    let Process { budget, call } = &mut processes[at];
                    let decision = policy.failed(call, 0, &failure, shared(budget));
                    let Decision::Retry { .. } = decision else {
                        *call = begin();
                        continue;
                    };
                    let Some(price) = call.asks_store(&shared(budget)) else {
                        spent += 2 * TOKEN;
                        prop_assert!(policy.attempt(call, 0, shared(budget)).is_ok());
                        continue;
                    };
                    let account = budget.account();
                    let is_granted = match trip {
                        Trip::Lost => None,
                        Trip::Answered | Trip::AnswerLost => Some(store.serve(account, price)),
                    };
                    let is_granted = match (trip, is_granted) {
                        (Trip::Answered, Some(is_granted)) => {
                            budget.told(store.tokens, PROCESSES as u32);
                            is_granted
                        }
                        _ => {
                            budget.owe(account.owed);
                            lent += budget.known().expect("it was told") / PROCESSES as u64;
                            budget.come_home(0);
                            call.take_at_home(shared(budget))
                        }
                    };
                    if is_granted {
                        spent += price;
                        prop_assert!(policy.attempt(call, 0, shared(budget)).is_ok());
                    } else {
                        call.refused_by_store();
                        *call = begin();
                    }
                }
                Step::Succeeds(at) => {
                    let Process { budget, call } = &mut processes[at];
                    // A refund of the last retry, or a reward.
                    earned += call.spent.unwrap_or(TOKEN);
                    policy.succeeded(call, 0, shared(budget));
                    *call = begin();
                }
                Step::Reports(at, trip) => {
                    let budget = &mut processes[at].budget;
                    let account = budget.account();
                    if !matches!(trip, Trip::Lost) {
                        store.serve(account, 0);
                    }
                    if matches!(trip, Trip::Answered) {
                        budget.told(store.tokens, PROCESSES as u32);
                    } else {
                        budget.owe(account.owed);
                    }
                }
                Step::Returns(at) => processes[at].budget.go_away(0),
            }
            prop_assert!(spent <= CAPACITY * TOKEN + earned + lent, "{spent} of {} + {earned} + {lent}", CAPACITY * TOKEN);
        }
        for Process { budget, .. } in &mut processes {
            budget.go_away(0);
            store.serve(budget.account(), 0);
        }
        let Store { tokens, forgiven } = store;
        prop_assert!(tokens + spent <= CAPACITY * TOKEN + earned + forgiven, "{tokens} left, {spent} spent, {earned} earned");
    }
}

#[test]
fn what_was_taken_at_home_is_owed() {
    let policy = policy();
    let mut budget = policy.budget().expect("its budget");
    budget.go_away(0);
    budget.told(6 * TOKEN, 3);
    budget.come_home(0);
    assert_eq!(budget.tokens(0), 2 * TOKEN, "a third of what the store had");
    let mut call = policy.start(0, 7, None, Mode::Normal);
    let failure = Failure { verdict: Verdict::Forced, ..Failure::default() };
    assert!(matches!(policy.failed(&mut call, 0, &failure, shared(&mut budget)), Decision::Retry { .. }));
    assert!(policy.attempt(&mut call, 0, shared(&mut budget)).is_ok());
    assert!(matches!(policy.failed(&mut call, 0, &failure, shared(&mut budget)), Decision::GiveUp { .. }));
    budget.go_away(0);
    let account = budget.account();
    assert_eq!((account.added, account.owed), (0, 2 * TOKEN));
    assert!(!budget.has_account());
}

#[test]
fn a_retry_that_nobody_pays_is_refused() {
    let policy = policy();
    let mut budget = policy.budget().expect("its budget");
    budget.go_away(0);
    let mut call = policy.start(0, 7, None, Mode::Normal);
    let failure = Failure { verdict: Verdict::Forced, ..Failure::default() };
    assert!(matches!(policy.failed(&mut call, 0, &failure, shared(&mut budget)), Decision::Retry { .. }));
    assert_eq!(call.asks_store(&shared(&mut budget)), Some(2 * TOKEN));
    // Another call has found the store meanwhile, so that there is nothing at home to take.
    assert!(!call.take_at_home(shared(&mut budget)));
}

#[test]
fn a_store_that_never_answered_leaves_the_whole_budget_here() {
    let mut budget = policy().budget().expect("its budget");
    budget.go_away(0);
    budget.come_home(0);
    assert_eq!(budget.tokens(0), CAPACITY * TOKEN);
}

#[test]
fn a_window_comes_home_with_its_share() {
    let policy = compile(r#"{"budget": {"name": "w", "mode": "window", "min_per_second": 3, "ttl": "10s"}}"#);
    let mut budget = policy.budget().expect("its budget");
    budget.go_away(0);
    for known in [30, 60] {
        budget.told(known * TOKEN, 3);
        budget.come_home(5_000_000);
        // No more than a third of what it has without any call.
        assert_eq!(budget.tokens(5_000_000), 10 * TOKEN);
        budget.go_away(5_000_000);
    }
    budget.told(12 * TOKEN, 3);
    budget.come_home(5_000_000);
    assert_eq!(budget.tokens(5_000_000), 4 * TOKEN);
}

fn breaker() -> Breaker {
    let policy = compile(r#"{"breaker": {"name": "b", "window_calls": 4, "min_calls": 2, "probe_timeout": "60s"}}"#);
    policy.breaker(7).expect("its breaker")
}

const CLOSED: Told = Told { state: State::Closed, generation: 0, number: 0, retry_in: 0, opened: 0 };

#[test]
fn whoever_has_no_probe_hears_soon_that_the_breaker_has_closed() {
    let mut breaker = breaker();
    breaker.go_away(0);
    breaker.told(Told { state: State::Open, generation: 1, retry_in: 1_000, opened: 1, ..CLOSED }, 0);
    assert_eq!(breaker.permit(999), Err(1));
    assert!(breaker.asks(1_000), "its time is over");
    // Others have all probes, and the store says how long they may take.
    breaker.told(Told { state: State::HalfOpen, generation: 2, retry_in: 60_000_000, opened: 1, ..CLOSED }, 1_000);
    assert!(!breaker.asks(1_000));
    assert!(breaker.permit(1_000).is_err());
    assert!(breaker.asks(501_000), "and they may have settled long before");
    breaker.told(Told { generation: 3, opened: 1, ..CLOSED }, 501_000);
    assert!(breaker.permit(501_000).is_ok());
}

#[test]
fn a_leased_probe_is_for_one_call_and_its_result_is_reported() {
    let mut breaker = breaker();
    breaker.go_away(0);
    breaker.told(Told { state: State::HalfOpen, generation: 2, number: 5, opened: 1, ..CLOSED }, 0);
    let permit = breaker.permit(0).expect("the probe");
    assert_eq!((permit.generation, permit.number), (2, 5));
    assert!(breaker.permit(0).is_err());
    breaker.settle(permit, Outcome::Ok, 10, 20);
    let Report { generation, counts, probes } = breaker.report();
    assert_eq!((generation, counts), (2, [0; 4]));
    assert_eq!(probes.iter().flatten().collect::<Vec<_>>(), [&(5, Outcome::Ok, false)]);
    assert!(!breaker.has_report());
}

#[test]
fn what_a_breaker_opened_alone_stays_open_though_the_store_knows_nothing_of_it() {
    let mut breaker = breaker();
    breaker.go_away(0);
    breaker.come_home(0);
    for _ in 0..2 {
        let permit = breaker.permit(0).expect("it is closed");
        breaker.settle(permit, Outcome::Failed, 0, 0);
    }
    let until = breaker.open_for(0);
    assert!(until > 0);
    breaker.go_away(0);
    breaker.told(CLOSED, 0);
    assert_eq!(breaker.open_for(0), until);
    assert!(breaker.asks(until));
    breaker.told(CLOSED, until);
    assert!(breaker.permit(until).is_ok());
}
