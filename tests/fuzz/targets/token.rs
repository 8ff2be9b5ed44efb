//! A token, as JSON or as a raw tape, is read or has problems; one that is read is written and read again as the same, and a policy goes on
//! with its call, at whatever instants (after a zero byte): with no more attempts than it allows, and to a token that is read as well.

#![no_main]

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use undaunted::resume::Token;
use undaunted::{Decision, Mode, Notation, Policy, Shared};
use undaunted_fuzz::{failure, split};
use undaunted_tests::tape_of;

fuzz_target!(|data: &[u8]| {
    let (text, rest) = split(data);
    let token = match serde_json::from_slice(text) {
        Ok(value) => read(&tape_of(&value), 0),
        Err(_) => data.split_first().and_then(|(notation, tape)| read(tape, usize::from(*notation))),
    };
    let Some(token) = token else { return };
    assert_eq!(read_again(&token), token);
    // It ends where the bytes do.
    _ = go_on(&token, &mut Unstructured::new(rest));
});

/// A token exactly if there was no problem.
fn read(tape: &[u8], notation: usize) -> Option<Token> {
    let mut problems = 0;
    let token = Token::read(tape, Notation::ALL[notation % Notation::ALL.len()], &mut |problem| {
        problem.pointer(&mut |_| {});
        problem.text(&mut |_| {});
        problems += 1;
    });
    assert_eq!(token.is_none(), problems > 0);
    token
}

fn read_again(token: &Token) -> Token {
    let mut text = Vec::new();
    token.json(&mut |bytes| text.extend_from_slice(bytes));
    let value = serde_json::from_slice(&text).expect("a token is written as JSON");
    read(&tape_of(&value), 0).expect("what a token is written as is a token")
}

fn go_on(token: &Token, input: &mut Unstructured) -> Result<()> {
    let preset = *input.choose(&["standard", "interactive", "stamina", "aws", "none"])?;
    let policy = Policy::preset(preset).expect("a preset");
    let (now, since_1970): (u64, u64) = (input.arbitrary()?, input.arbitrary()?);
    let resumed = policy.resume(token, now, since_1970, Mode::Normal, Shared::default());
    assert!(resumed.elapsed >= token.elapsed && resumed.elapsed < 1 << 53);
    assert_eq!(resumed.decision.is_some(), token.reason.is_some());
    let (mut call, mut decision) = (resumed.call, resumed.decision);
    loop {
        if let Some(decision) = &decision {
            let is_retry = matches!(decision, Decision::Retry { .. });
            assert!(!is_retry || policy.attempts().is_none_or(|attempts| call.failures < attempts));
            let token = Token::after(&call, decision, resumed.elapsed, since_1970);
            assert_eq!(read_again(&token), token);
            if !is_retry {
                return Ok(());
            }
        }
        decision = Some(policy.failed(&mut call, now, &failure(input)?, Shared::default()));
    }
}
