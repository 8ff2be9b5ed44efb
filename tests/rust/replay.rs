//! Makes the decisions of a running program anew: `PROGRAM | replay`. The program writes a line of JSON for whatever it told the
//! engine:
//!
//! - `{"call": ID, "policy": TEXT, "started_at", "call_seed", "outer_deadline", "mode", "seed"}` begins a call, as a `session` of
//!   the vectors does; the seed is that of the policy's breaker.
//! - `{"call": ID, "at": …, "fail": …, "expect": …}` is a step of it, as in a vector, with what the engine decided. A step may bring the
//!   call's seed, where that is drawn only then.
//! - `{"told": CALL SEED, "expect": …}` is what an event told the program's user of that call's last decision.
//! - `{"report": …}` is handed on, with the counts of what was replayed; no call goes on then.
//!
//! Calls whose policies have the same names of a budget and a breaker share these, in the order of the lines. What differs is told on
//! standard error with the call's lines, and the program ends with 1.

use std::collections::HashMap;
use std::io::{self, BufRead};
use std::process::ExitCode;
use std::rc::Rc;

use serde_json::{Value, json};
use undaunted::{Call, Policy};
use undaunted_tests::{Common, compile, start, step, word};

/// How many differences are told.
const MOST_TOLD: u64 = 10;

fn main() -> ExitCode {
    let mut replay = Replay::default();
    for line in io::stdin().lock().lines() {
        let line = line.expect("a line of text");
        if let Err(difference) = replay.take(&line) {
            replay.differences += 1;
            if replay.differences <= MOST_TOLD {
                eprintln!("replay: {difference}");
            }
        }
    }
    if replay.differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Default)]
struct Replay {
    policies: HashMap<String, Rc<Policy>>,
    shared: HashMap<[Option<Vec<u8>>; 2], Common>,
    live: HashMap<u64, Live>,
    by_seed: HashMap<u64, u64>,
    calls: u64,
    decisions: u64,
    shared_decisions: u64,
    told: u64,
    differences: u64,
}

/// A call that goes on.
struct Live {
    policy: Rc<Policy>,
    call: Call,
    shares: [Option<Vec<u8>>; 2],
    lines: Vec<String>,
    last: Value,
}

impl Replay {
    fn take(&mut self, line: &str) -> Result<(), String> {
        let given: Value = serde_json::from_str(line).map_err(|error| format!("{error} in {line}"))?;
        if given.get("report").is_some() {
            self.report(given);
            return Ok(());
        }
        if !given["told"].is_null() {
            self.told += 1;
            let number =
                self.by_seed.get(&word(&given["told"])).ok_or_else(|| format!("no call has this seed: {line}"))?;
            return same(&given["expect"], line, self.live.get(number).expect("a call of a seed goes on"));
        }
        let number = given["call"].as_u64().ok_or_else(|| format!("no call in {line}"))?;
        if given.get("policy").is_some() { self.begin(number, &given, line) } else { self.step(number, &given, line) }
    }

    fn begin(&mut self, number: u64, given: &Value, line: &str) -> Result<(), String> {
        let text = given["policy"].as_str().ok_or_else(|| format!("no policy in {line}"))?;
        let policy = match self.policies.get(text) {
            Some(policy) => Rc::clone(policy),
            None => {
                let value = serde_json::from_str(text).map_err(|error| format!("{error} in {text}"))?;
                let policy = Rc::new(compile(&value).map_err(|refusals| format!("{refusals:?} in {text}"))?);
                self.policies.insert(text.to_owned(), Rc::clone(&policy));
                policy
            }
        };
        let shares = [policy.budget_name(), policy.breaker_name()].map(|name| name.map(<[u8]>::to_vec));
        self.shared.entry(shares.clone()).or_insert_with(|| Common::new(&policy, given));
        let call = start(&policy, given);
        let live = Live { policy, call, shares, lines: vec![line.to_owned()], last: Value::Null };
        self.calls += 1;
        self.by_seed.insert(live.call.call_seed, number);
        match self.live.insert(number, live) {
            None => Ok(()),
            Some(_) => Err(format!("a call of this number goes on: {line}")),
        }
    }

    fn step(&mut self, number: u64, given: &Value, line: &str) -> Result<(), String> {
        let live = self.live.get_mut(&number).ok_or_else(|| format!("no such call has begun: {line}"))?;
        if !given["call_seed"].is_null() {
            live.call.call_seed = word(&given["call_seed"]);
            self.by_seed.insert(live.call.call_seed, number);
        }
        live.lines.push(line.to_owned());
        let common = self.shared.get_mut(&live.shares).expect("what its calls share");
        let outcome = step(&live.policy, &mut live.call, given, common);
        if given.get("expect").is_none() {
            return Ok(());
        }
        live.last = outcome.result();
        self.decisions += 1;
        self.shared_decisions += u64::from(live.shares.iter().any(Option::is_some));
        same(&given["expect"], line, live)
    }

    fn report(&mut self, mut given: Value) {
        given["report"]["replayed"] = json!({
            "calls": self.calls, "decisions": self.decisions, "shared": self.shared_decisions, "told": self.told,
            "differences": self.differences,
        });
        println!("{given}");
        self.live.clear();
        self.by_seed.clear();
    }
}

/// Whether every field that is expected is what the core came to.
fn same(expect: &Value, line: &str, live: &Live) -> Result<(), String> {
    let fields = expect
        .as_object()
        .filter(|fields| !fields.is_empty())
        .ok_or_else(|| format!("nothing is expected in {line}"))?;
    if fields.iter().all(|(name, value)| live.last[name] == *value) {
        return Ok(());
    }
    Err(format!("the core came to {}\n    after {}\n    by {line}", live.last, live.lines.join("\n          ")))
}
