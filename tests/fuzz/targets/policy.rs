//! A policy, as JSON or as a raw tape, compiles or has problems; one that compiles prints itself and is read again as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use undaunted_fuzz::compile;
use undaunted_tests::{dump, tape_of};

fuzz_target!(|data: &[u8]| {
    let policy = match serde_json::from_slice(data) {
        Ok(value) => compile(&tape_of(&value), 0),
        Err(_) => match data.split_first() {
            Some((notation, tape)) => compile(tape, usize::from(*notation)),
            None => None,
        },
    };
    let Some(policy) = policy else { return };
    let text = dump(&policy);
    let value = serde_json::from_str(&text).expect("a policy prints itself as JSON");
    let again = compile(&tape_of(&value), 0).expect("what a policy prints is a policy");
    assert!(again == policy, "read again, {text} is another policy");
    assert_eq!(dump(&again), text);
    if let Some(budget) = policy.budget() {
        assert!(policy.accepts(Some(&budget), &mut |_| {}));
    }
    assert!(policy.schedule(data.len() as u64).take(70).all(|delay| delay < 1 << 53));
});
