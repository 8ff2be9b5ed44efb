//! Breakers, throttles, bulkheads and hedges of the vectors: options to the core's values, steps to what they came to.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};
use undaunted::breaker::{Breaker, Outcome, Permit};
use undaunted::bulkhead::{Bulkhead, Entry};
use undaunted::hedge::{Hedge, Race, Step};
use undaunted::{Budget, Notation, Problem, Throttle};

use crate::{Refusal, pick, refusal, tape_of, word};

/// What a step came to: fields in the order of the result line.
pub type Found = Vec<(&'static str, Value)>;

/// One of the four.
#[allow(clippy::large_enum_variant, reason = "one at a time")]
pub enum Guard {
    /// Refuses calls for a while.
    Breaker(Breaker),
    /// Refuses some calls.
    Throttle(Throttle),
    /// Lets a few in at a time.
    Bulkhead(Bulkhead),
    /// Starts attempts beside others; with the seed of the call, and its budget.
    Hedge(Hedge, u64, Option<Budget>),
}

/// The guard of this kind that a case's `options` describe, or every mistake in them.
pub fn compile(kind: &str, case: &Value) -> Result<Guard, Vec<Refusal>> {
    let tape = tape_of(&case["options"]);
    let seed = if case["seed"].is_null() { 0 } else { word(&case["seed"]) };
    let mut refusals = Vec::new();
    let mut problem = |problem: &Problem| refusals.push(refusal(problem));
    let guard = match kind {
        "breaker" => Breaker::compile(&tape, Notation::Json, seed, &mut problem).map(Guard::Breaker),
        "throttle" => Throttle::compile(&tape, Notation::Json, seed, &mut problem).map(Guard::Throttle),
        "bulkhead" => Bulkhead::compile(&tape, Notation::Json, &mut problem).map(Guard::Bulkhead),
        "hedge" => {
            Hedge::compile(&tape, Notation::Json, &mut problem).map(|hedge| Guard::Hedge(hedge, seed, budget_of(case)))
        }
        other => panic!("{other} is no guard"),
    };
    assert_eq!(guard.is_none(), !refusals.is_empty(), "a guard exactly when nothing was refused");
    guard.ok_or(refusals)
}

/// Runs the steps of a case.
pub fn run(guard: Guard, case: &Value) -> Vec<Found> {
    let steps = case["steps"].as_array().expect("steps").iter();
    match guard {
        Guard::Breaker(mut breaker) => {
            let mut permits = HashMap::new();
            steps.map(|step| break_step(&mut breaker, &mut permits, step)).collect()
        }
        Guard::Throttle(mut throttle) => steps.map(|step| throttle_step(&mut throttle, step)).collect(),
        Guard::Bulkhead(bulkhead) => {
            let mut room = Room { bulkhead, inside: HashSet::new(), line: BTreeMap::new() };
            steps.map(|step| room.step(step)).collect()
        }
        Guard::Hedge(hedge, seed, mut budget) => {
            let mut race = hedge.start(at(&case["steps"][0]), seed);
            let run = |step| {
                let mut found = hedge_step(&mut race, step, budget.as_mut());
                found.extend(budget.as_mut().map(|budget| ("tokens", json!(budget.tokens(at(step))))));
                found
            };
            steps.map(run).collect()
        }
    }
}

fn break_step<'c>(breaker: &mut Breaker, permits: &mut HashMap<&'c str, Option<Permit>>, step: &'c Value) -> Found {
    let at = at(step);
    if let Some(name) = step["permit"].as_str() {
        let permit = breaker.permit(at);
        permits.insert(name, permit.ok());
        return vec![("granted", json!(permit.is_ok())), ("retry_in", json!(permit.err().unwrap_or(0)))];
    }
    if let Some(name) = step["settle"].as_str() {
        let outcome = pick(step, "outcome", Outcome::NAMES, Outcome::ALL).expect("an outcome");
        if let Some(permit) = permits[name] {
            breaker.settle(permit, outcome, step["elapsed"].as_u64().unwrap_or(0), at);
        }
        return vec![("state", json!(breaker.state(at).as_str()))];
    }
    let found = breaker.snapshot(at);
    vec![
        ("state", json!(found.state.as_str())),
        ("calls", json!(found.calls)),
        ("failures", json!(found.failures)),
        ("slow", json!(found.slow)),
        ("trips", json!(found.trips)),
        ("probing", json!(found.probing)),
        ("retry_in", json!(found.retry_in)),
    ]
}

fn throttle_step(throttle: &mut Throttle, step: &Value) -> Found {
    let at = at(step);
    if !step["word"].is_null() {
        return vec![("allowed", json!(throttle.allow(at, word(&step["word"]))))];
    }
    if !step["ask"].is_null() {
        return vec![("allowed", json!(throttle.ask(at)))];
    }
    if !step["accepted"].is_null() {
        throttle.accepted(at);
    }
    let (requests, accepts) = throttle.counts(at);
    vec![("requests", json!(requests)), ("accepts", json!(accepts))]
}

/// A bulkhead with those that are in and those that wait, as a host keeps them.
struct Room<'c> {
    bulkhead: Bulkhead,
    inside: HashSet<&'c str>,
    line: BTreeMap<u64, &'c str>,
}

impl<'c> Room<'c> {
    fn step(&mut self, step: &'c Value) -> Found {
        let mut found = match step["enter"].as_str() {
            Some(name) => self.enter(name),
            None => vec![("next", json!(self.end(step["end"].as_str().expect("a name"))))],
        };
        found.push(("running", json!(self.bulkhead.running())));
        found.push(("waiting", json!(self.bulkhead.waiting())));
        found
    }

    fn enter(&mut self, name: &'c str) -> Found {
        let (entry, ticket) = match self.bulkhead.enter() {
            Entry::Admitted => {
                self.inside.insert(name);
                ("admitted", 0)
            }
            Entry::Waiting(ticket) => {
                self.line.insert(ticket, name);
                ("waiting", ticket)
            }
            Entry::Refused => ("refused", 0),
        };
        vec![("entry", json!(entry)), ("ticket", json!(ticket))]
    }

    /// Whoever it is goes; who goes in for it.
    fn end(&mut self, name: &str) -> Option<&'c str> {
        let waiting = self.line.iter().find(|(_, waiting)| **waiting == name).map(|(ticket, _)| *ticket);
        if let Some(ticket) = waiting {
            self.line.remove(&ticket);
            self.bulkhead.cancel();
        } else if self.inside.remove(name) && self.bulkhead.leave() {
            let (_, next) = self.line.pop_first().expect("one that waits");
            self.inside.insert(next);
            return Some(next);
        }
        None
    }
}

/// The budget that a hedge's case has, as a policy describes it.
fn budget_of(case: &Value) -> Option<Budget> {
    let policy = crate::compile(&json!({ "preset": "none", "budget": case["budget"] })).expect("a budget");
    policy.budget()
}

fn hedge_step(race: &mut Race, step: &Value, budget: Option<&mut Budget>) -> Found {
    let at = at(step);
    if !step["step"].is_null() {
        let (what, value) = match race.step(at, budget) {
            Step::Start(number) => ("start", number.into()),
            Step::WaitUntil(at) => ("wait_until", at),
            Step::Wait => ("wait", 0),
            Step::End => ("end", 0),
        };
        return vec![("do", json!(what)), ("value", json!(value))];
    }
    match (step["failed"].is_null(), step["pushback"].as_i64()) {
        (true, _) if !step["succeed"].is_null() => race.succeeded(at, budget),
        (true, _) => race.end(),
        (false, Some(..0)) => race.refused(budget),
        (false, pushback) => race.failed(at, pushback.map(i64::unsigned_abs), budget),
    }
    Vec::new()
}

fn at(step: &Value) -> u64 {
    step["at"].as_u64().expect("a time")
}

/// A step's token in the result line: the values, one after the other.
pub fn token(found: &Found) -> String {
    let values = found.iter().map(|(_, value)| match value {
        Value::Null => "-".to_owned(),
        Value::Bool(value) => u8::from(*value).to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    if found.is_empty() { "-".to_owned() } else { values.collect::<Vec<_>>().join(":") }
}
