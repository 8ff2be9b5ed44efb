//! Decides every case of a file of `tests/differential` and prints the digest: `differential FILE`.

use std::fs::File;
use std::io::{BufRead, BufReader};

use serde_json::Value;
use sha2::{Digest, Sha256};
use undaunted::Policy;
use undaunted_tests::{
    Common, Refusal, classification, compile, dump, guards, read_hint, schedule, shared, start, step,
};

fn main() {
    let path = std::env::args().nth(1).expect("usage: differential FILE");
    let file = BufReader::new(File::open(&path).expect("a file of cases"));
    let show = std::env::args().any(|argument| argument == "--show");
    let mut digest = Sha256::new();
    let mut cases = 0_u64;
    for line in file.lines() {
        let case: Value = serde_json::from_str(&line.expect("a line of text")).expect("a case");
        let result = decide(&case);
        if show {
            println!("{result}");
        }
        if cases > 0 {
            digest.update(b"\n");
        }
        digest.update(result.as_bytes());
        cases += 1;
    }
    let digest: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    println!("differential: rust {cases} cases {digest}");
}

/// The result line of a case, as tests/README.md defines it.
fn decide(case: &Value) -> String {
    match case["kind"].as_str() {
        Some("hint") => hint_line(case),
        Some("classify") => classify_line(case),
        Some(kind @ ("breaker" | "throttle" | "bulkhead" | "hedge")) => guard_line(kind, case),
        _ => match compile(&case["policy"]) {
            Ok(policy) => policy_line(&policy, case),
            Err(refusals) => refusal_line(&refusals),
        },
    }
}

fn refusal_line(refusals: &[Refusal]) -> String {
    let tokens = refusals.iter().map(|refusal| format!("{}@{}", refusal.code, refusal.pointer));
    tokens.collect::<Vec<_>>().join(" ")
}

fn guard_line(kind: &str, case: &Value) -> String {
    match guards::compile(kind, case) {
        Ok(guard) => guards::run(guard, case).iter().map(guards::token).collect::<Vec<_>>().join(" "),
        Err(refusals) => refusal_line(&refusals),
    }
}

fn policy_line(policy: &Policy, case: &Value) -> String {
    match case["kind"].as_str() {
        Some("refusal") => "accepted".to_owned(),
        Some("dump") => dump(policy),
        Some("schedule") => schedule(policy, case).iter().map(u64::to_string).collect::<Vec<_>>().join(" "),
        Some("shared") => shared_line(policy, case),
        _ => session_line(policy, case),
    }
}

fn session_line(policy: &Policy, case: &Value) -> String {
    let (mut call, mut common) = (start(policy, case), Common::new(policy, case));
    let mut tokens = Vec::new();
    for given in case["steps"].as_array().into_iter().flatten() {
        let outcome = step(policy, &mut call, given, &mut common);
        tokens.push(outcome.token());
        if outcome.is_end() {
            break;
        }
    }
    tokens.join(" ")
}

fn shared_line(policy: &Policy, case: &Value) -> String {
    let or_dash = |tokens: Option<u64>| tokens.map_or("-".to_owned(), |tokens| tokens.to_string());
    let tokens = shared(policy, case)
        .into_iter()
        .map(|(outcome, left, state)| format!("{}@{}:{}", outcome.token(), or_dash(left), state.unwrap_or("-")));
    tokens.collect::<Vec<_>>().join(" ")
}

fn hint_line(case: &Value) -> String {
    let hint = read_hint(case);
    let delay = hint.delay.map_or("-".to_owned(), |delay| delay.to_string());
    let should_retry = hint.should_retry.map_or("-".to_owned(), |should_retry| flag(should_retry).to_string());
    format!("{delay}:{should_retry}:{}", flag(hint.is_suspicious))
}

fn classify_line(case: &Value) -> String {
    let row = classification(case);
    let names = (row.class.as_str(), row.sent.as_str(), row.condition.as_str());
    format!("{}:{}:{}:{}:{}", names.0, names.1, names.2, flag(row.is_known), flag(row.is_retried))
}

fn flag(value: bool) -> u8 {
    value.into()
}
