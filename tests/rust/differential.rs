//! Decides every case of a file of `tests/differential` and prints the digest: `differential FILE`.

use std::fs::File;
use std::io::{BufRead, BufReader};

use serde_json::Value;
use sha2::{Digest, Sha256};
use undaunted_tests::{compile, start, step};

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
    println!("differential: rust decided {cases} cases, digest {digest}");
}

fn decide(case: &Value) -> String {
    let policy = match compile(&case["policy"]) {
        Ok(policy) => policy,
        Err(refusals) => {
            let tokens: Vec<_> =
                refusals.iter().map(|refusal| format!("{}@{}", refusal.code, refusal.pointer)).collect();
            return tokens.join(" ");
        }
    };
    let mut call = start(&policy, case);
    let mut tokens = Vec::new();
    for given in case["steps"].as_array().into_iter().flatten() {
        let outcome = step(&policy, &mut call, given);
        tokens.push(outcome.token());
        if outcome.is_end() {
            break;
        }
    }
    tokens.join(" ")
}
