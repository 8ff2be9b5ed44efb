//! What holds for every policy, seed and input. Arbitrary bytes stand for hosts that hand over anything.

use proptest::prelude::*;
use serde_json::{Value, json};
use undaunted::tape::Writer;
use undaunted::{
    Call, Code, Decision, Domain, Failure, Lane, Mode, Notation, Policy, Reason, Shared, Verdict, hint, uniform,
};

/// Compiles options written as JSON text, with serde_json's parser as the host's.
fn policy(options: &Value) -> Option<Policy> {
    serde_json::from_value(options.clone()).ok()
}

/// Every jitter that spreads.
fn jitters() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("full")),
        Just(json!("equal")),
        Just(json!("decorrelated")),
        (1..=1_000_000_u32).prop_map(|p| json!({ "proportional": f64::from(p) / 1e6 })),
        (1..=5_000_000_u64).prop_map(|j| json!({ "additive": us(j) })),
    ]
}

/// Every backoff, with what it needs beside.
fn backoffs() -> impl Strategy<Value = Value> {
    let delays = (1_000..=2_000_000_u64, 2_000_001..=60_000_000_u64);
    let exponential = (delays.clone(), 1_100_000..=10_000_000_u32).prop_map(|((initial, max_delay), factor)| {
        json!({ "initial": us(initial), "max_delay": us(max_delay), "factor": f64::from(factor) / 1e6 })
    });
    let other = (delays, prop_oneof![Just("linear"), Just("constant")]).prop_map(
        |((initial, max_delay), kind)| json!({ "backoff": kind, "initial": us(initial), "max_delay": us(max_delay) }),
    );
    let list = prop::collection::vec(1_000..=20_000_000_u64, 1..9)
        .prop_map(|list| json!({ "backoff": list.into_iter().map(us).collect::<Vec<_>>(), "max_delay": "20s" }));
    prop_oneof![2 => exponential, 2 => other, 1 => list]
}

/// A policy, and the same without jitter: its waits are the ceilings.
fn spread_policies() -> impl Strategy<Value = (Value, Policy, Policy)> {
    (backoffs(), jitters(), 0..2_u8).prop_filter_map("policies that compile", |(mut options, jitter, first)| {
        options["attempts"] = json!(70);
        options["timeout"] = json!(null);
        if first == 1 && !options["backoff"].is_array() {
            options["first"] = json!("immediate");
        }
        if jitter == "decorrelated" {
            options.as_object_mut()?.remove("factor");
        }
        let mut bare = options.clone();
        bare["jitter"] = json!("none");
        options["jitter"] = jitter;
        Some((options.clone(), policy(&options)?, policy(&bare)?))
    })
}

/// Any characters. A pattern would say the same, but Miri takes minutes to read it.
fn texts() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<char>(), 0..30).prop_map(String::from_iter)
}

fn us(micros: u64) -> String {
    format!("{micros}us")
}

/// A duration as [`us`] and the lists above write it.
fn micros(value: &Value) -> u64 {
    let text = value.as_str().unwrap();
    let (digits, unit) = text.split_at(text.find(char::is_alphabetic).unwrap());
    digits.parse::<u64>().unwrap() * if unit == "us" { 1 } else { 1_000_000 }
}

/// The seed of a call whose word of retry `n` is this one: SplitMix64 backwards. Source: the generator's paper.
fn seed_with(word: u64, n: u32) -> u64 {
    let unshift = |z: u64, by: u32| (0..64 / by).fold(z, |found, _| z ^ (found >> by));
    let mut z = unshift(word, 31);
    z = unshift(z.wrapping_mul(0x3196_42B2_D24D_8EC3), 27);
    z = unshift(z.wrapping_mul(0x96DE_1B17_3F11_9089), 30);
    z.wrapping_sub(u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// The wait before retry `n` of a call that last waited `previous`, if its word were this one.
fn delay_with(policy: &Policy, n: u32, previous: u64, word: u64) -> u64 {
    let seed = seed_with(word, n);
    assert_eq!(undaunted::word(seed, Lane::Delay, n.into()), word);
    let mut call = policy.start(0, seed, None, Mode::Normal);
    (call.failures, call.previous) = (n - 1, previous);
    let failure = Failure { verdict: Verdict::Forced, ..Failure::default() };
    match policy.failed(&mut call, 0, &failure, Shared::default()) {
        Decision::Retry { delay, .. } => delay,
        Decision::GiveUp { reason, .. } => panic!("{}", reason.as_str()),
    }
}

/// The shortest and the longest wait that SEMANTICS 3.2 and 4 give a jitter.
fn reach(options: &Value, ceiling: u64, previous: u64) -> (u64, u64) {
    let cap = micros(&options["max_delay"]);
    match &options["jitter"] {
        jitter if jitter == "full" => (0, ceiling),
        jitter if jitter == "equal" => (ceiling - ceiling / 2, ceiling),
        jitter if jitter == "decorrelated" => {
            let initial = micros(&options["initial"]);
            let last = if previous == 0 { initial } else { previous };
            (initial, (3 * last).min(cap).max(initial))
        }
        jitter if jitter["additive"].is_string() => {
            let most = micros(&jitter["additive"]);
            let low = ceiling.min(cap - most);
            (low, low + most)
        }
        jitter => {
            let share = (jitter["proportional"].as_f64().unwrap() * 1e6).round() as u64;
            let middle = ceiling.min(cap * 1_000_000 / (1_000_000 + share));
            let width = middle * share / 1_000_000;
            (middle - width, middle + width)
        }
    }
}

proptest! {
    /// I1: no wait exceeds `max_delay`, whatever the jitter, the backoff and the words.
    #[test]
    fn a_draw_never_exceeds_max_delay((options, policy, _) in spread_policies(), call_seed: u64) {
        let cap = micros(&options["max_delay"]);
        for delay in policy.schedule(call_seed).take(69) {
            prop_assert!(delay <= cap, "{delay} above {cap}");
        }
    }

    /// I2, first half: a wait is one `uniform` over its reach, exactly, from its least value up or, with `equal`, from
    /// its largest down.
    #[test]
    fn a_wait_is_one_draw((options, policy, bare) in spread_policies(), n in 1..70_u32, words: [u64; 8], part: u64) {
        let is_immediate = options["first"] == "immediate";
        if is_immediate && n == 1 {
            prop_assert_eq!(delay_with(&policy, n, 0, words[0]), 0);
            return Ok(());
        }
        let ceiling = bare.schedule(0).nth(n as usize - 1).unwrap();
        let (low, high) = reach(&options, ceiling, 0);
        let previous = low + uniform(part, high - low);
        let (low, high) = reach(&options, ceiling, previous);
        for word in words.into_iter().chain([0, 1, u64::MAX - 1, u64::MAX]) {
            let drawn = uniform(word, high - low);
            let expected = if options["jitter"] == "equal" { high - drawn } else { low + drawn };
            prop_assert_eq!(delay_with(&policy, n, previous, word), expected);
        }
        prop_assert!(high <= micros(&options["max_delay"]));
    }

    /// I2, second half: `uniform` gives value v the words from ⌈v·2^64/(x+1)⌉ up to the next such bound, so none of them
    /// more than ⌈2^64/(x+1)⌉ of all.
    #[test]
    fn no_value_gets_more_words_than_its_share(x in prop_oneof![0..=100_u64, any::<u64>()], part: u64) {
        let values = u128::from(x) + 1;
        let v = u128::from(part) % values;
        let (first, end) = (bound_of(v, values), bound_of(v + 1, values));
        prop_assert_eq!(u128::from(uniform(first as u64, x)), v);
        prop_assert_eq!(u128::from(uniform((end - 1) as u64, x)), v);
        prop_assert!(v == 0 || u128::from(uniform((first - 1) as u64, x)) == v - 1);
        prop_assert!(end - first <= bound_of(1, values));
    }

    #[test]
    fn any_tape_is_a_policy_or_has_problems(tape in prop::collection::vec(any::<u8>(), 0..400), notation in 0..3_usize) {
        let mut problems = 0;
        let compiled = Policy::compile(&tape, Notation::ALL[notation], None, &mut |problem| {
            problem.pointer(&mut |_| {});
            problem.text(&mut |_| {});
            problems += 1;
        });
        prop_assert_eq!(compiled.is_none(), problems > 0);
    }

    #[test]
    fn any_value_of_any_option_is_a_policy_or_has_problems(option in 0..undaunted::bounds::OPTIONS.len(), text in texts(), number in any::<f64>()) {
        for value in [json!(text), json!(number.to_string()), json!([text]), json!({ text.clone(): number })] {
            let options = json!({ undaunted::bounds::OPTIONS[option]: value });
            if let Some(policy) = policy(&options) {
                let again = serde_json::from_value::<Policy>(serde_json::to_value(policy).unwrap()).unwrap();
                prop_assert!(again == policy);
            }
        }
    }

    #[test]
    fn any_header_is_read_without_harm(value in prop::collection::vec(any::<u8>(), 0..80), now in any::<Option<u64>>()) {
        for name in hint::HEADERS {
            let headers = [(name.as_bytes(), value.as_slice()), (b"x-ratelimit-remaining", b"0")];
            let hint = hint::read(headers.iter().copied(), now);
            prop_assert!(hint.delay.unwrap_or(0) < 1 << 53);
        }
    }

    #[test]
    fn any_failures_at_any_time_keep_within_attempts_and_deadline(
        seed: u64,
        started_at: u64,
        failures in prop::collection::vec((any::<u64>(), any::<i64>(), any::<Option<u64>>(), any::<Option<u64>>()), 1..30),
    ) {
        let policy = Policy::standard();
        let mut call = policy.start(started_at, seed, None, Mode::Normal);
        let mut retries = 0;
        let mut latest = started_at;
        for (at, code, hint, wait) in failures {
            latest = latest.max(at);
            let failure = Failure { domain: Domain::Http, code: Code::Number(code % 700), hint, wait, ..Failure::default() };
            match policy.failed(&mut call, at, &failure, Shared::default()) {
                Decision::Retry { delay, .. } => {
                    retries += 1;
                    prop_assert!(latest.saturating_add(delay) < call.deadline.unwrap());
                }
                Decision::GiveUp { .. } => break,
            }
        }
        prop_assert!(retries < 10);
    }
}

/// ⌈v·2^64 / values⌉, for v up to `values` and those up to 2^64.
fn bound_of(v: u128, values: u128) -> u128 {
    if v == values { 1 << 64 } else { (v << 64).div_ceil(values) }
}

/// The table of SEMANTICS 3.1 for each jitter here: 20 000 seeded clients, base 0.1 s, cap 10 s. Exactly 10 000 000 µs is
/// one of at least 2 million values, so 20 000 draws hit it 0.01 times on average: two hits are already 1 in 20 000, and
/// 0.0 % allows nine.
#[test]
#[cfg_attr(miri, ignore = "100 000 calls")]
fn nobody_collects_at_the_cap() {
    let jitters = [
        json!("full"),
        json!("equal"),
        json!("decorrelated"),
        json!({ "proportional": 0.3 }),
        json!({ "additive": "4s" }),
    ];
    for jitter in jitters {
        let options =
            json!({ "attempts": 17, "timeout": null, "initial": "100ms", "max_delay": "10s", "jitter": jitter });
        let policy = policy(&options).unwrap();
        let at_cap = shares_at_cap(|seed| policy.schedule(seed).take(16).collect());
        assert_eq!(at_cap, ["0.0", "0.0", "0.0", "0.0", "0.0"], "{jitter}");
    }
}

/// The same count finds the two collapses that are known: everybody without jitter, and what the table says of
/// `min(cap, U(base, 3·last))`, within 1.2 percentage points: four standard deviations of 20 000 draws.
#[test]
#[cfg_attr(miri, ignore = "40 000 calls")]
fn the_count_at_the_cap_finds_a_collapse() {
    let options = json!({ "attempts": 17, "timeout": null, "initial": "100ms", "max_delay": "10s", "jitter": "none" });
    let policy = policy(&options).unwrap();
    let at_cap = shares_at_cap(|seed| policy.schedule(seed).take(16).collect());
    assert_eq!(at_cap, ["0.0", "100.0", "100.0", "100.0", "100.0"]);

    let blog = |seed| {
        let next = |last: &mut u64, n: u64| {
            let drawn = 100_000 + uniform(undaunted::word(seed, Lane::Delay, n), 3 * *last - 100_000);
            *last = drawn.min(10_000_000);
            Some(*last)
        };
        (1..=16).scan(100_000, next).collect()
    };
    for (found, expected) in shares_at_cap(blog).iter().zip([3.3, 11.8, 19.0, 23.9, 28.0]) {
        let found: f64 = found.parse().unwrap();
        assert!((found - expected).abs() <= 1.2, "{found} %, expected {expected} %");
    }
}

/// How many percent of 20 000 clients wait exactly 10 s before retries 6, 8, 10, 12 and 16.
fn shares_at_cap(waits: impl Fn(u64) -> Vec<u64>) -> Vec<String> {
    let clients: Vec<Vec<u64>> = (1..=20_000).map(|call| waits(undaunted::call_seed(7, call))).collect();
    let share = |n: usize| clients.iter().filter(|waits| waits[n - 1] == 10_000_000).count() as f64 / 200.0;
    [6, 8, 10, 12, 16].iter().map(|n| format!("{:.1}", share(*n))).collect()
}

fn budgets() -> impl Strategy<Value = Value> {
    let bucket = (1..50_u64, 0..5_u64, any::<bool>(), 1..50_u64).prop_map(|(capacity, reward, refund, cost)| {
        json!({ "name": "b", "mode": "bucket", "capacity": capacity, "cost": cost.min(capacity), "reward": reward, "refund": refund })
    });
    let failures = (1..50_u64, 0..3000_u64).prop_map(|(capacity, reward)| {
        json!({ "name": "b", "mode": "failures", "capacity": capacity, "reward": reward as f64 / 1e3 })
    });
    let window = (0..2000_u64, 0..5_u64).prop_map(|(ratio, reserve)| {
        json!({ "name": "b", "mode": "window", "ratio": ratio as f64 / 1e3, "min_per_second": reserve })
    });
    prop_oneof![bucket, failures, window]
}

proptest! {
    /// Tokens are never above the capacity and never lost: each goes where the call says it went. Four calls share a
    /// budget; the host does anything at all, in any order.
    #[test]
    fn every_token_is_accounted_for(
        options in budgets(),
        steps in prop::collection::vec((0..4_usize, 0..4_u8, prop_oneof![Just(0_u64), 0..3_000_000_u64]), 1..80),
    ) {
        let policy = policy(&json!({ "attempts": 6, "budget": options.clone() })).unwrap();
        let mut budget = policy.budget().unwrap();
        let is_window = options["mode"] == "window";
        let most = if is_window { u64::MAX } else { budget.tokens(0) };
        let part = |name: &str| (options[name].as_f64().unwrap_or(0.0) * 1e6).round() as u64;
        let mut calls: Vec<Call> = (1..=4).map(|seed| policy.start(0, seed, None, Mode::Normal)).collect();
        let mut now = 0;
        for (number, kind, passed) in steps {
            now += passed;
            let call = &mut calls[number];
            let (was, before) = (*call, budget.tokens(now));
            let shared = Shared { budget: Some(&mut budget), ..Shared::default() };
            let begun = |before: u64| if is_window && !was.has_begun { before + part("ratio") } else { before };
            let (taken, spent) = (was.taken.unwrap_or(0), was.spent);
            let expected = match kind {
                0 => match policy.attempt(call, now, shared) {
                    Ok(_) => {
                        prop_assert_eq!((call.taken, call.spent), (None, was.taken.or(spent)));
                        begun(before)
                    }
                    Err(_) => begun(before) + taken,
                },
                1 => {
                    let failure = Failure { verdict: Verdict::Forced, ..Failure::default() };
                    let decision = policy.failed(call, now, &failure, shared);
                    prop_assert_eq!(call.spent, None);
                    match options["mode"].as_str() {
                        Some("failures") => {
                            let left = before.saturating_sub(1_000_000);
                            let is_empty = 2 * left <= most;
                            let gave_up = matches!(decision, Decision::GiveUp { .. });
                            prop_assert!(gave_up || !is_empty);
                            left
                        }
                        mode => match decision {
                            Decision::Retry { .. } => {
                                let cost = if mode == Some("bucket") { part("cost") } else { 1_000_000 };
                                prop_assert_eq!(call.taken, Some(cost));
                                begun(before) - cost
                            }
                            Decision::GiveUp { reason, .. } => {
                                prop_assert_eq!(call.taken, None);
                                let needed = if is_window { 1_000_000 } else { part("cost") };
                                // What a window owes is not seen in an empty one.
                                let may_owe = is_window && before == 0;
                                prop_assert!(reason != Reason::Budget || begun(before) < needed || may_owe);
                                begun(before)
                            }
                        },
                    }
                }
                2 => {
                    policy.succeeded(call, now, shared);
                    let refund = spent.filter(|_| options["refund"] != false && options["mode"] == "bucket");
                    let reward = if is_window || was.is_settled { 0 } else { refund.unwrap_or(part("reward")) };
                    begun(before) + reward
                }
                _ => {
                    policy.cancelled(call, now, shared);
                    prop_assert_eq!(call.taken, None);
                    before + taken
                }
            };
            let after = budget.tokens(now);
            // A window may owe retries whose calls it has forgotten already; that is worked off first.
            prop_assert!(after == expected.min(most) || (is_window && before == 0 && after <= expected), "{after}, not {expected}");
        }
        // Nothing of a window outlives it.
        if is_window {
            let full = budget.full().tokens(0);
            prop_assert_eq!(budget.tokens(now + 20_000_000), full);
        }
    }
}

proptest! {
    /// No permit is lost: one that is out is held by a call, and a call that waits or has ended holds none. Six calls share a
    /// breaker; the host does anything at all, in any order.
    #[test]
    fn every_permit_is_held_by_a_call_that_runs(
        probes in 1..5_u32,
        steps in prop::collection::vec((0..6_usize, 0..5_u8, prop_oneof![3 => Just(0_u64), 1 => 0..300_000_u64]), 1..200),
    ) {
        let breaker = json!({
            "name": "b", "window_calls": 2, "min_calls": 1, "initial": "100ms", "max_delay": "200ms", "probes": probes,
            "probe_timeout": "87600h",
        });
        let policy = policy(&json!({ "attempts": null, "breaker": breaker, "max_delay": "50ms", "initial": "50ms" })).unwrap();
        let mut breaker = policy.breaker(7).unwrap();
        let mut calls: Vec<Call> = (1..=6).map(|seed| policy.start(0, seed, None, Mode::Normal)).collect();
        let mut now = 0;
        for (number, kind, passed) in steps {
            now += passed;
            let call = &mut calls[number];
            let shared = Shared { breaker: Some(&mut breaker), ..Shared::default() };
            let was = *call;
            match kind {
                0 | 1 => match policy.attempt(call, now, shared) {
                    Ok(_) => prop_assert!(call.permit.is_some() && was.permit.is_none_or(|permit| call.permit == Some(permit))),
                    Err(refused) => prop_assert!(call.permit.is_none() && (refused.reason == Reason::BreakerOpen) == refused.hint.is_some()),
                },
                2 => {
                    let verdict = if number % 2 == 0 { Verdict::Forced } else { Verdict::Tables };
                    policy.failed(call, now, &Failure { verdict, ..Failure::default() }, shared);
                    prop_assert_eq!(call.permit, None);
                }
                3 => {
                    policy.succeeded(call, now, shared);
                    prop_assert_eq!(call.permit, None);
                }
                _ => {
                    policy.cancelled(call, now, shared);
                    prop_assert_eq!(call.permit, None);
                }
            }
            let probing = breaker.snapshot(now).probing;
            let held = calls.iter().filter(|call| call.permit.is_some_and(|permit| permit.number > 0)).count();
            prop_assert!(probing as usize <= held && probing <= probes, "{probing} out, {held} held");
        }
        for call in &mut calls {
            policy.cancelled(call, now, Shared { breaker: Some(&mut breaker), ..Shared::default() });
        }
        prop_assert_eq!(breaker.snapshot(now).probing, 0);
    }
}

#[test]
fn a_tape_may_be_written_piece_by_piece() {
    let mut tape = Vec::new();
    let mut writer_out = |bytes: &[u8]| tape.extend_from_slice(bytes);
    let mut writer = Writer::new(&mut writer_out);
    writer.map();
    writer.text("attempts");
    writer.number("3");
    writer.text("timeout");
    writer.null();
    writer.end_map();
    let policy = Policy::compile(&tape, Notation::Json, None, &mut |_| {}).unwrap();
    assert_eq!((policy.attempts(), policy.timeout()), (Some(3), None));
}
