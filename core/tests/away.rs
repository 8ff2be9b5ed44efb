//! Budgets that a fleet shares: whatever is lost on the way to the store, no token is spent twice.

use proptest::prelude::*;
use undaunted::breaker::{Outcome, Question, Report, State, Told};
use undaunted::budget::Account;
use undaunted::{Breaker, Budget, Call, Decision, Failure, Mode, Policy, Shared, Verdict};

const TOKEN: u64 = 1_000_000;
const CAPACITY: u64 = 10;
const PROCESSES: usize = 3;

/// What happens to one of the processes. Trips take their time: others begin meanwhile, and answers come in any order.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Its call fails, and asks the store if it may be repeated.
    Fails(usize),
    Succeeds(usize),
    /// It tells the store what it noted; of one that has come home, asks it whether it is there again.
    Reports(usize),
    /// One of the trips, as many from the oldest on as this says, reaches the store.
    Arrives(usize),
    /// One of the trips ends: with the answer if it arrived and the answer arrives, else nobody knows.
    Ends(usize, bool),
    /// The process gives the store up, whatever its trips come to.
    ComesHome(usize),
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

struct Trip {
    process: usize,
    account: Account,
    /// The call that waits for leave to be repeated, and what that takes.
    asks: Option<(Call, u64)>,
    /// Whether that is granted, and what the store had then.
    answer: Option<(bool, u64)>,
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
    prop_oneof![
        4 => (0..PROCESSES).prop_map(Step::Fails),
        2 => (0..PROCESSES).prop_map(Step::Succeeds),
        2 => (0..PROCESSES).prop_map(Step::Reports),
        5 => (0..5usize).prop_map(Step::Arrives),
        5 => (0..5usize, prop::bool::weighted(0.8)).prop_map(|(trip, is_heard)| Step::Ends(trip, is_heard)),
        1 => (0..PROCESSES).prop_map(Step::ComesHome),
    ]
}

proptest! {
    #[test]
    fn no_token_is_spent_twice(steps in prop::collection::vec(step(), 1..300)) {
        let policy = policy();
        let begin = || policy.start(0, 7, None, Mode::Normal);
        let mut budgets = [policy.budget().expect("its budget"); PROCESSES];
        let mut calls = [begin(); PROCESSES];
        for budget in &mut budgets {
            budget.go_away();
            budget.told(0, CAPACITY * TOKEN, PROCESSES as u32, 0);
        }
        let mut store = Store { tokens: CAPACITY * TOKEN, forgiven: 0 };
        let mut trips: Vec<Trip> = Vec::new();
        // What calls spent and put in, and what was lent to processes that could not reach the store.
        let (mut spent, mut earned, mut lent) = (0, 0, 0);
        let failure = Failure { verdict: Verdict::Forced, ..Failure::default() };
        for step in steps {
            match step {
                Step::Fails(at) => {
                    let (budget, call) = (&mut budgets[at], &mut calls[at]);
                    let Decision::Retry { .. } = policy.failed(call, 0, &failure, shared(budget)) else {
                        *call = begin();
                        continue;
                    };
                    if let Some(price) = call.asks_store(&shared(budget)) {
                        trips.push(Trip { process: at, account: budget.account(0), asks: Some((*call, price)), answer: None });
                        *call = begin();
                    } else {
                        spent += 2 * TOKEN;
                        prop_assert!(policy.attempt(call, 0, shared(budget)).is_ok());
                    }
                }
                Step::Succeeds(at) => {
                    let (budget, call) = (&mut budgets[at], &mut calls[at]);
                    // A refund of the last retry, or a reward.
                    earned += call.spent.unwrap_or(TOKEN);
                    policy.succeeded(call, 0, shared(budget));
                    *call = begin();
                }
                Step::Reports(at) => {
                    if budgets[at].has_account() {
                        trips.push(Trip { process: at, account: budgets[at].account(0), asks: None, answer: None });
                    }
                }
                Step::Arrives(trip) => {
                    let trip = trips.iter_mut().filter(|trip| trip.answer.is_none()).nth(trip);
                    if let Some(Trip { account, asks, answer, .. }) = trip {
                        let is_granted = store.serve(*account, asks.map_or(0, |(_, price)| price));
                        *answer = Some((is_granted, store.tokens));
                    }
                }
                Step::Ends(trip, is_heard) => {
                    if trip >= trips.len() {
                        continue;
                    }
                    let Trip { process, account, asks, answer } = trips.remove(trip);
                    let budget = &mut budgets[process];
                    let answer = answer.filter(|_| is_heard);
                    if let Some((_, tokens)) = answer {
                        budget.told(account.number, tokens, PROCESSES as u32, 0);
                    } else {
                        budget.lost(account.number, account.if_lost);
                        lent += come_home(budget);
                    }
                    let Some((mut call, price)) = asks else { continue };
                    let is_granted = match answer {
                        Some((is_granted, _)) => is_granted,
                        None => call.take_at_home(shared(budget)),
                    };
                    if is_granted {
                        spent += price;
                        prop_assert!(policy.attempt(&mut call, 0, shared(budget)).is_ok());
                        calls[process] = call;
                    } else {
                        call.refused_by_store();
                    }
                }
                Step::ComesHome(at) => lent += come_home(&mut budgets[at]),
            }
            prop_assert!(spent <= CAPACITY * TOKEN + earned + lent, "{spent} of {} + {earned} + {lent}", CAPACITY * TOKEN);
        }
        for Trip { process, account, .. } in trips.drain(..) {
            budgets[process].lost(account.number, account.if_lost);
        }
        for budget in &mut budgets {
            // Whoever is home finds the store, and then tells what came since.
            let mut ask = || {
                let account = budget.account(0);
                store.serve(account, 0);
                budget.told(account.number, store.tokens, PROCESSES as u32, 0)
            };
            if ask() {
                prop_assert!(!ask());
            }
            prop_assert!(budget.is_away() && !budget.has_account());
        }
        let Store { tokens, forgiven } = store;
        prop_assert!(tokens + spent <= CAPACITY * TOKEN + earned + forgiven, "{tokens} left, {spent} spent, {earned} earned");
    }
}

/// Brings a budget home, and answers what that lends it.
fn come_home(budget: &mut Budget) -> u64 {
    let is_away = budget.is_away();
    budget.come_home(0);
    if is_away { budget.known().expect("it was told") / PROCESSES as u64 } else { 0 }
}

/// Tells a budget that has come home what its store has, and answers what it told that.
fn find(budget: &mut Budget, tokens: u64, members: u32, now: u64) -> Account {
    let search = budget.account(now);
    if !budget.told(search.number, tokens, members, now) {
        return search;
    }
    let account = budget.account(now);
    assert!(!budget.told(account.number, tokens, members, now));
    account
}

/// Has a budget that has come home find its store, and answers what it tells that then.
fn search(budget: &mut Budget) -> Account {
    let search = budget.account(0);
    assert_eq!(
        (search.added, search.owed, search.if_lost),
        (0, 0, 0),
        "it may be heard long after nobody waits for it"
    );
    assert!(
        budget.told(search.number, 9 * TOKEN, 3, 0) && !budget.is_away(),
        "it stays until the store has heard of all"
    );
    budget.account(0)
}

/// Has a call fail, and be repeated if the budget lets it; whether it does.
fn retries(policy: &Policy, budget: &mut Budget) -> bool {
    let mut call = policy.start(0, 7, None, Mode::Normal);
    let failure = Failure { verdict: Verdict::Forced, ..Failure::default() };
    let decision = policy.failed(&mut call, 0, &failure, shared(budget));
    matches!(decision, Decision::Retry { .. }) && policy.attempt(&mut call, 0, shared(budget)).is_ok()
}

#[test]
fn what_was_taken_at_home_is_owed_before_anybody_asks_the_store_again() {
    let policy = policy();
    let mut budget = policy.budget().expect("its budget");
    budget.go_away();
    budget.told(0, 6 * TOKEN, 3, 0);
    budget.come_home(0);
    assert_eq!(budget.tokens(0), 2 * TOKEN, "a third of what the store had");
    assert!(retries(&policy, &mut budget));
    assert!(!retries(&policy, &mut budget));
    budget.go_away();
    assert!(!budget.is_away() && budget.has_account(), "it stays until the store answers");
    let question = search(&mut budget);
    assert_eq!((question.added, question.owed, question.if_lost), (0, 2 * TOKEN, 0));
    assert!(!budget.has_account(), "one question at a time");
    budget.lost(question.number, question.if_lost);
    let question = search(&mut budget);
    assert_eq!((question.added, question.owed), (0, 2 * TOKEN), "nobody knows whether the store has heard of it");
    assert!(!budget.told(question.number - 1, 9 * TOKEN, 3, 0));
    assert!(!budget.is_away(), "an answer to another question");
    assert!(!budget.told(question.number, 4 * TOKEN, 3, 0));
    assert!(budget.is_away() && !budget.has_account());
    assert_eq!(budget.tokens(0), 4 * TOKEN);
}

#[test]
fn what_is_taken_while_the_store_is_asked_again_is_owed_later() {
    let policy = policy();
    let mut budget = policy.budget().expect("its budget");
    budget.go_away();
    budget.come_home(0);
    assert!(retries(&policy, &mut budget));
    let question = search(&mut budget);
    assert_eq!(question.owed, 2 * TOKEN);
    for _ in 0..2 {
        assert!(retries(&policy, &mut budget));
    }
    budget.told(question.number, 8 * TOKEN, 1, 0);
    assert_eq!(budget.account(0).owed, 4 * TOKEN);
}

#[test]
fn what_is_owed_and_is_not_there_at_home_is_owed_on() {
    let policy = policy();
    let mut budget = policy.budget().expect("its budget");
    budget.go_away();
    budget.come_home(0);
    assert!(retries(&policy, &mut budget));
    let question = search(&mut budget);
    assert!(retries(&policy, &mut budget));
    budget.told(question.number, 3 * TOKEN, 3, 0);
    budget.come_home(0);
    assert_eq!(budget.tokens(0), 0, "a share of 1, of which 2 are owed");
    assert_eq!(search(&mut budget).owed, 2 * TOKEN);
}

#[test]
fn who_loses_the_store_before_it_has_heard_searches_again() {
    let policy = policy();
    let mut budget = policy.budget().expect("its budget");
    budget.go_away();
    budget.come_home(0);
    assert!(retries(&policy, &mut budget));
    let found = budget.account(0);
    assert!(budget.told(found.number, 9 * TOKEN, 3, 0));
    budget.come_home(0);
    assert_eq!(search(&mut budget).owed, 2 * TOKEN);
}

#[test]
fn an_answer_that_a_newer_one_overtook_says_nothing_of_a_budget() {
    let mut budget = policy().budget().expect("its budget");
    budget.go_away();
    let [first, second] = [(); 2].map(|()| budget.account(0).number);
    budget.told(second, 3 * TOKEN, 2, 0);
    budget.told(first, 9 * TOKEN, 1, 0);
    assert_eq!(budget.known(), Some(3 * TOKEN));
    budget.come_home(0);
    assert_eq!(budget.tokens(0), 3 * TOKEN / 2);
    // Nor does one that comes after that, of what there is here.
    budget.told(second, 9 * TOKEN, 1, 0);
    assert_eq!((budget.known(), budget.tokens(0)), (Some(3 * TOKEN), 3 * TOKEN / 2));
}

#[test]
fn a_call_that_cannot_wait_goes_by_what_is_known_and_owes_that() {
    let policy = policy();
    let mut budget = policy.budget().expect("its budget");
    budget.go_away();
    budget.told(0, 3 * TOKEN, 2, 0);
    let failure = Failure { verdict: Verdict::Forced, ..Failure::default() };
    let [is_first, is_second] = [(); 2].map(|()| {
        let mut call = policy.start(0, 7, None, Mode::Normal);
        assert!(matches!(policy.failed(&mut call, 0, &failure, shared(&mut budget)), Decision::Retry { .. }));
        let is_granted = call.take_unasked(shared(&mut budget));
        assert_eq!(call.taken, is_granted.then_some(2 * TOKEN));
        is_granted
    });
    assert!(is_first && !is_second, "what is owed already is not there");
    assert_eq!(budget.account(0).owed, 2 * TOKEN);
}

#[test]
fn a_retry_that_nobody_pays_is_refused() {
    let policy = policy();
    let mut budget = policy.budget().expect("its budget");
    budget.go_away();
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
    budget.go_away();
    budget.come_home(0);
    assert_eq!(budget.tokens(0), CAPACITY * TOKEN);
}

#[test]
fn a_window_comes_home_with_its_share() {
    let policy = compile(r#"{"budget": {"name": "w", "mode": "window", "min_per_second": 3, "ttl": "10s"}}"#);
    let mut budget = policy.budget().expect("its budget");
    budget.go_away();
    for known in [30, 60] {
        find(&mut budget, known * TOKEN, 3, 5_000_000);
        budget.come_home(5_000_000);
        // No more than a third of what it has without any call.
        assert_eq!(budget.tokens(5_000_000), 10 * TOKEN);
    }
    assert_eq!(find(&mut budget, 12 * TOKEN, 3, 5_000_000).owed, 0);
    budget.come_home(5_000_000);
    assert_eq!(budget.tokens(5_000_000), 4 * TOKEN);
}

fn breaker() -> Breaker {
    let policy = compile(r#"{"breaker": {"name": "b", "window_calls": 4, "min_calls": 2, "probe_timeout": "60s"}}"#);
    policy.breaker(7).expect("its breaker")
}

/// Answers the next question.
fn hear(breaker: &mut Breaker, told: Told, now: u64) {
    let Question { number, .. } = breaker.question();
    breaker.told(number, told, now);
}

const CLOSED: Told = Told { state: State::Closed, generation: 0, number: 0, retry_in: 0, opened: 0 };

#[test]
fn whoever_has_no_probe_hears_soon_that_the_breaker_has_closed() {
    let mut breaker = breaker();
    breaker.go_away(0);
    hear(&mut breaker, Told { state: State::Open, generation: 1, retry_in: 1_000, opened: 1, ..CLOSED }, 0);
    assert_eq!(breaker.permit(999), Err(1));
    assert!(breaker.asks(1_000), "its time is over");
    // Others have all probes, and the store says how long they may take.
    hear(
        &mut breaker,
        Told { state: State::HalfOpen, generation: 2, retry_in: 60_000_000, opened: 1, ..CLOSED },
        1_000,
    );
    assert!(!breaker.asks(1_000));
    assert!(breaker.permit(1_000).is_err());
    assert!(breaker.asks(501_000), "and they may have settled long before");
    hear(&mut breaker, Told { generation: 3, opened: 1, ..CLOSED }, 501_000);
    assert!(breaker.permit(501_000).is_ok());
}

#[test]
fn a_leased_probe_is_for_one_call_and_its_result_is_reported() {
    let mut breaker = breaker();
    breaker.go_away(0);
    hear(&mut breaker, Told { state: State::HalfOpen, generation: 2, number: 5, opened: 1, ..CLOSED }, 0);
    let permit = breaker.permit(0).expect("the probe");
    assert_eq!((permit.generation, permit.number), (2, 5));
    assert!(breaker.permit(0).is_err());
    breaker.settle(permit, Outcome::Ok, 10, 20);
    let Report { question, counts, probes } = breaker.report();
    assert_eq!((question.generation, counts), (Some(2), [0; 4]));
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
    hear(&mut breaker, CLOSED, 0);
    assert_eq!(breaker.open_for(0), until);
    assert!(breaker.asks(until));
    hear(&mut breaker, CLOSED, until);
    assert!(breaker.permit(until).is_ok());
}

#[test]
fn an_answer_that_a_newer_one_overtook_brings_only_its_probe() {
    let half_open = Told { state: State::HalfOpen, generation: 2, opened: 1, ..CLOSED };
    let mut breaker = breaker();
    breaker.go_away(0);
    let [first, second, third] = [(); 3].map(|()| breaker.question().number);
    breaker.told(second, half_open, 0);
    // Asked before, and of the same state.
    breaker.told(first, Told { number: 5, retry_in: 9_000, opened: 7, ..half_open }, 0);
    let permit = breaker.permit(0).expect("its probe");
    assert_eq!((permit.generation, permit.number), (2, 5));
    assert_eq!(breaker.permit(0), Err(0), "it may ask at once, as the newer answer says");
    breaker.settle(permit, Outcome::Failed, 0, 0);
    // What is over: closed, and a probe of that time.
    breaker.told(third, Told { state: State::Open, generation: 3, retry_in: 1_000, opened: 2, ..CLOSED }, 0);
    for late in [CLOSED, Told { number: 6, ..half_open }] {
        breaker.told(second, late, 0);
        assert_eq!((breaker.open_for(0), breaker.permit(0)), (1_000, Err(1_000)));
    }
    assert_eq!(breaker.question().generation, Some(3));
    assert_eq!(breaker.permit(1_000), Err(0), "the probe of that time went with it");
}

#[test]
fn what_an_older_question_brought_about_counts_though_its_answer_is_late() {
    let mut breaker = breaker();
    breaker.go_away(0);
    let [first, second, third] = [(); 3].map(|()| breaker.question().number);
    // The store was asked in the other order: only the first, with what it reported, opened it.
    breaker.told(third, CLOSED, 0);
    breaker.told(first, Told { state: State::Open, generation: 1, retry_in: 1_000, opened: 1, ..CLOSED }, 0);
    breaker.told(second, CLOSED, 0);
    assert_eq!(breaker.open_for(0), 1_000);
}

#[test]
fn what_was_asked_before_it_opened_closes_nothing_but_a_store_that_has_forgotten_does() {
    let mut breaker = breaker();
    breaker.go_away(0);
    let open = Told { state: State::Open, generation: 1, retry_in: 1_000, opened: 1, ..CLOSED };
    let [first, second] = [(); 2].map(|()| breaker.question().number);
    // The store was asked in the other order, and its answers came in this one.
    breaker.told(first, open, 0);
    breaker.told(second, CLOSED, 0);
    assert_eq!(breaker.open_for(0), 1_000);
    hear(&mut breaker, CLOSED, 0);
    assert!(breaker.permit(0).is_ok());
}

#[test]
fn results_of_before_the_store_first_answered_are_of_its_closed_state() {
    let mut breaker = breaker();
    breaker.go_away(0);
    let [first, second, third] = [(); 3].map(|()| breaker.permit(0).expect("it is closed"));
    breaker.settle(first, Outcome::Failed, 0, 0);
    let report = breaker.report();
    assert_eq!((report.question.number, report.question.generation, report.counts), (1, None, [0, 0, 1, 0]));
    breaker.settle(second, Outcome::Failed, 0, 0);
    breaker.told(1, Told { generation: 8, opened: 4, ..CLOSED }, 0);
    breaker.settle(third, Outcome::Ok, 0, 0);
    let report = breaker.report();
    assert_eq!((report.question.generation, report.counts), (Some(8), [1, 0, 1, 0]));
    // Of the next state they are not.
    hear(&mut breaker, Told { generation: 10, opened: 5, ..CLOSED }, 0);
    breaker.settle(third, Outcome::Failed, 0, 0);
    assert!(!breaker.has_report());
}

#[test]
fn a_store_that_was_open_when_it_first_answered_hears_of_no_results_before() {
    let mut breaker = breaker();
    breaker.go_away(0);
    let permit = breaker.permit(0).expect("nobody knows better");
    breaker.settle(permit, Outcome::Failed, 0, 0);
    hear(&mut breaker, Told { state: State::Open, generation: 3, retry_in: 1_000, opened: 2, ..CLOSED }, 0);
    assert!(!breaker.has_report());
}

#[test]
fn questions_go_on_counting_at_home() {
    let mut breaker = breaker();
    assert_eq!(breaker.question().generation, None);
    breaker.go_away(0);
    let Question { number, .. } = breaker.question();
    hear(&mut breaker, Told { generation: 2, ..CLOSED }, 0);
    breaker.come_home(0);
    assert_eq!(breaker.question(), Question { number: number + 2, generation: Some(2), ..breaker.question() });
    breaker.go_away(0);
    breaker.told(number, Told { state: State::Open, generation: 1, retry_in: 9, ..CLOSED }, 0);
    assert_eq!(breaker.open_for(0), 0);
}
