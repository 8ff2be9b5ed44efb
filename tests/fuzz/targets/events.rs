//! Arbitrary events of four calls that share a budget and a breaker, under an arbitrary policy (JSON, then a zero byte): waits end before
//! the deadline and within their bounds, no more attempts than allowed, tokens never above the capacity.

#![no_main]

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use undaunted::{Breaker, Budget, Call, Decision, Mode, Policy, Reason, Shared};
use undaunted_fuzz::{failure, policy, split};

fuzz_target!(|data: &[u8]| {
    let (text, rest) = split(data);
    let Some(policy) = policy(text) else { return };
    // It ends where the bytes do.
    _ = events(&policy, &mut Unstructured::new(rest));
});

fn events(policy: &Policy, input: &mut Unstructured) -> Result<()> {
    let mut budget = policy.budget();
    let mut breaker = policy.breaker(7);
    let options: serde_json::Value = serde_json::from_str(&undaunted_tests::dump(policy)).expect("JSON");
    let capacity = budget.map(|budget| budget.full().tokens(0)).filter(|_| options["budget"]["mode"] != "window");
    let longest = longest(policy, &options);
    let mut calls: Vec<Call> = Vec::new();
    for _ in 0..4 {
        let mode = if input.ratio(1, 16)? { Mode::Inactive } else { Mode::Normal };
        calls.push(policy.start(input.arbitrary::<u32>()?.into(), input.arbitrary()?, input.arbitrary()?, mode));
    }
    let mut now: u64 = 0;
    while !input.is_empty() {
        now = match input.int_in_range(0..=7)? {
            0 => input.arbitrary()?,
            _ => now.saturating_add(input.int_in_range(0..=20_000_000)?),
        };
        let call = input.choose_index(calls.len())?;
        event(policy, longest, &mut calls[call], (&mut budget, &mut breaker), now, input)?;
        if let Some(breaker) = &mut breaker {
            let held = calls.iter().filter(|call| call.permit.is_some()).count();
            assert!(breaker.snapshot(now).probing as usize <= held);
        }
        if let (Some(capacity), Some(budget)) = (capacity, &mut budget) {
            assert!(budget.tokens(now) <= capacity);
        }
    }
    Ok(())
}

/// No wait without a hint and a word of the user's is longer: `max_delay`, or the longest of a list.
fn longest(policy: &Policy, options: &serde_json::Value) -> u64 {
    match options["max_delay"].as_str() {
        Some(text) => {
            let (digits, unit) = text.split_at(text.find(char::is_alphabetic).expect("a unit"));
            let units = [("us", 1), ("ms", 1_000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000)];
            let (_, micros) = units.iter().find(|(name, _)| *name == unit).expect("a unit");
            digits.parse::<u64>().expect("a whole number") * micros
        }
        None => policy.schedule(0).take(64).max().unwrap_or(0),
    }
}

fn event(
    policy: &Policy,
    longest: u64,
    call: &mut Call,
    (budget, breaker): (&mut Option<Budget>, &mut Option<Breaker>),
    now: u64,
    input: &mut Unstructured,
) -> Result<()> {
    let before = *call;
    let shared = Shared { budget: budget.as_mut(), breaker: breaker.as_mut() };
    match input.int_in_range(0..=7)? {
        0..=1 => match policy.attempt(call, now, shared) {
            Ok(attempt) => {
                assert_eq!(attempt.number, before.failures.saturating_add(1));
                assert!(attempt.limit.is_none_or(|limit| Some(limit) <= policy.attempt_timeout()));
                assert!(attempt.remaining.is_none_or(|left| attempt.limit.is_none_or(|limit| limit <= left)));
            }
            Err(refused) if refused.reason == Reason::BreakerOpen => {
                assert!(breaker.is_some() && refused.hint.is_some_and(|hint| hint > 0) && call.permit.is_none())
            }
            Err(refused) => {
                assert!(refused.reason == Reason::Timeout && before.failures > 0);
                assert!(call.last_now >= call.deadline.unwrap() && call.permit.is_none())
            }
        },
        2..=5 => {
            let failure = failure(input)?;
            let decision = policy.failed(call, now, &failure, shared);
            assert_eq!(call.permit, None);
            if let Decision::Retry { delay, .. } = decision {
                assert!(call.mode == Mode::Normal && !failure.cancelled);
                assert!(policy.attempts().is_none_or(|attempts| call.failures < attempts));
                assert!(
                    call.deadline.is_none_or(|deadline| call.last_now.saturating_add(delay) < deadline || call.is_last)
                );
                let is_ours = failure.hint.is_none() && failure.wait.is_none();
                assert!(!is_ours || call.is_last || delay <= longest);
                assert_eq!(call.taken.is_some(), policy.budget_name().is_some());
            }
        }
        6 => {
            policy.succeeded(call, now, shared);
            assert_eq!(call.permit, None);
        }
        _ => {
            policy.cancelled(call, now, shared);
            assert_eq!((call.taken, call.permit), (None, None));
        }
    }
    assert!(call.last_now >= before.last_now && call.deadline == before.deadline);
    Ok(())
}
