//! A policy with rules (JSON, then a zero byte) against arbitrary failures: the class and `sent` are those of a rule, of the
//! tables or of the two documented exceptions; a veto and `permanent` are never retried.

#![no_main]

use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use undaunted::{Class, Decision, Mode, Reason, Sent, Shared, Verdict, classify};
use undaunted_fuzz::{failure, policy, split};

fuzz_target!(|data: &[u8]| {
    let (text, rest) = split(data);
    let Some(policy) = policy(text) else { return };
    let mut input = Unstructured::new(rest);
    while !input.is_empty() {
        let Ok(failure) = failure(&mut input) else { return };
        let mut call = policy.start(0, 1, None, Mode::Normal);
        let mut budget = policy.budget();
        let row = classify(&failure);
        let is_vetoed = failure.verdict == Verdict::Refused || failure.should_retry == Some(false);
        match policy.failed(&mut call, 0, &failure, Shared { budget: budget.as_mut(), breaker: None }) {
            Decision::Retry { class, sent, .. } => {
                assert!(class != Class::Permanent && !is_vetoed && !failure.cancelled);
                assert!(failure.should_retry != Some(true) || sent == Sent::Rejected);
            }
            Decision::GiveUp { reason, hint, class, sent } => {
                assert_eq!(hint, failure.hint);
                assert_eq!(reason == Reason::Cancelled, failure.cancelled);
                assert!(reason != Reason::NotIdempotent || sent == Sent::Maybe);
                assert!(class != Class::Permanent || reason as u8 <= Reason::Permanent as u8);
            }
        }
        // Without rules and a word of the user's or the server's, the tables alone decide.
        let is_plain = failure.verdict == Verdict::Tables && failure.should_retry.is_none();
        if is_plain && !text.windows(7).any(|piece| piece == b"\"rules\"") {
            let mut call = policy.start(0, 1, None, Mode::Normal);
            let class = match policy.failed(&mut call, 0, &failure, Shared::default()) {
                Decision::Retry { class, .. } | Decision::GiveUp { class, .. } => class,
            };
            assert_eq!(class, row.class);
        }
    }
});
