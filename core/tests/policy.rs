//! What hosts ask of a policy, and of what policies share, beside decisions.

use undaunted::breaker::Outcome;
use undaunted::tape::Writer;
use undaunted::{Breaker, Notation, Policy, Problem, Throttle};

fn policy(json: &str) -> Policy {
    serde_json::from_str(json).expect("a policy")
}

/// What `accepts` or `accepts_breaker` answers, with the codes of what it tells.
fn asked(ask: impl FnOnce(&mut dyn FnMut(&Problem)) -> bool) -> (bool, Vec<String>) {
    let mut codes = Vec::new();
    let is_right = ask(&mut |problem| codes.push(problem.code.to_string()));
    (is_right, codes)
}

fn fine() -> (bool, Vec<String>) {
    (true, Vec::new())
}

fn refused(code: &str) -> (bool, Vec<String>) {
    (false, vec![code.to_owned()])
}

#[test]
fn a_budget_of_the_same_name_must_have_the_same_options() {
    let own = policy(r#"{"budget": {"name": "api", "cost": 5}}"#);
    let other = policy(r#"{"budget": {"name": "api", "cost": 6}}"#);
    // What else there is in a policy does not count.
    let same = policy(
        r#"{"budget": {"name": "api", "cost": 5}, "breaker": {"name": "b"}, "attempts": 3, "first": "immediate"}"#,
    );
    let named = policy(r#"{"budget": "api"}"#);
    assert_eq!(asked(|tell| own.accepts(None, tell)), fine());
    assert_eq!(asked(|tell| own.accepts(same.budget().as_ref(), tell)), fine());
    assert_eq!(asked(|tell| own.accepts(other.budget().as_ref(), tell)), refused("other_budget"));
    assert_eq!(asked(|tell| named.accepts(None, tell)), refused("missing_budget"));
    assert_eq!(asked(|tell| named.accepts(own.budget().as_ref(), tell)), fine());
    assert_eq!(asked(|tell| policy("{}").accepts(None, tell)), fine());
}

#[test]
fn a_breaker_of_the_same_name_must_have_the_same_options() {
    let own = policy(r#"{"breaker": {"name": "api", "probes": 2}}"#);
    let other = policy(r#"{"breaker": {"name": "api", "probes": 4}}"#);
    let named = policy(r#"{"breaker": "api"}"#);
    assert_eq!(asked(|tell| own.accepts_breaker(None, tell)), fine());
    assert_eq!(asked(|tell| own.accepts_breaker(own.breaker(7).as_ref(), tell)), fine());
    assert_eq!(asked(|tell| own.accepts_breaker(other.breaker(0).as_ref(), tell)), refused("other_breaker"));
    assert_eq!(asked(|tell| named.accepts_breaker(None, tell)), refused("missing_breaker"));
    assert_eq!(asked(|tell| named.accepts_breaker(other.breaker(0).as_ref(), tell)), fine());
}

#[test]
fn a_reseeded_breaker_draws_as_one_of_that_seed() {
    let opened = |breaker: &mut Breaker| {
        let permit = breaker.permit(0).expect("closed");
        breaker.settle(permit, Outcome::Failed, 0, 0);
        breaker.open_for(0)
    };
    let of = |seed| policy(r#"{"breaker": {"name": "api", "min_calls": 1}}"#).breaker(seed).expect("a breaker");
    let mut forked = of(1);
    forked.reseed(2);
    let draw = opened(&mut forked);
    assert_eq!(draw, opened(&mut of(2)));
    assert_ne!(draw, opened(&mut of(1)));
}

#[test]
fn a_reseeded_throttle_draws_as_one_of_that_seed() {
    let of = |seed| {
        Throttle::compile(&tape(&[]), Notation::Json, seed, &mut |problem| panic!("{}", problem.code))
            .expect("a throttle")
    };
    let answers = |mut throttle: Throttle| (0..200).map(|_| throttle.ask(0)).collect::<Vec<_>>();
    let mut forked = of(1);
    forked.reseed(2);
    let draws = answers(forked);
    assert_eq!(draws, answers(of(2)));
    assert_ne!(draws, answers(of(1)));
}

#[test]
fn rules_are_equal_whatever_the_order_of_their_texts() {
    let one = policy(r#"{"rules": [{"aws": "Slow", "body_contains": "busy", "class": "throttle"}]}"#);
    let two = policy(r#"{"rules": [{"body_contains": "busy", "class": "throttle", "aws": "Slow"}]}"#);
    let other = policy(r#"{"rules": [{"aws": "Busy", "body_contains": "slow", "class": "throttle"}]}"#);
    assert!(one == two);
    assert!(one != other);
}

#[test]
fn a_window_forgets_a_failure_that_another_takes_the_place_of() {
    let mut breaker = policy(r#"{"breaker": {"name": "api", "window_calls": 4, "min_calls": 4, "failure_rate": 0.9}}"#)
        .breaker(0)
        .expect("a breaker");
    for round in 1..=4 {
        for outcome in [Outcome::Failed, Outcome::Ok, Outcome::Ok, Outcome::Ok] {
            let permit = breaker.permit(0).expect("closed");
            breaker.settle(permit, outcome, 0, 0);
        }
        assert_eq!(breaker.snapshot(0).failures, 1, "in round {round}");
    }
}

#[test]
fn a_body_is_needed_where_a_rule_looks_into_it() {
    assert!(!policy(r#"{"rules": [{"http": 503, "class": "permanent"}]}"#).needs_body());
    assert!(policy(r#"{"rules": [{"body_contains": "busy", "class": "transient"}]}"#).needs_body());
}

#[test]
fn debug_is_the_canonical_json() {
    let written = format!("{:?}", policy(r#"{"attempts": 3, "budget": "Köln"}"#));
    assert!(written.contains(r#""attempts":3"#) && written.contains(r#""budget":"K\xc3\xb6ln""#), "{written}");
}

/// A map of texts.
fn tape(options: &[(&str, &str)]) -> Vec<u8> {
    let mut tape = Vec::new();
    let mut push = |bytes: &[u8]| tape.extend_from_slice(bytes);
    let mut writer = Writer::new(&mut push);
    writer.map();
    for (name, value) in options {
        writer.text(name);
        writer.text(value);
    }
    writer.end_map();
    tape
}

#[test]
fn no_jitter_over_one_that_is_a_time_is_none() {
    let base = policy(r#"{"jitter": {"additive": "5s"}, "initial": "1s"}"#);
    let without = Policy::compile(&tape(&[("jitter", "none")]), Notation::Json, Some(&base), &mut |problem| {
        panic!("{}", problem.code)
    })
    .expect("a policy");
    assert_eq!(without.schedule(1).take(3).collect::<Vec<_>>(), [1_000_000, 2_000_000, 4_000_000]);
}
