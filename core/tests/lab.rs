//! The lab at the edges of every bound: nothing panics, shares are shares, and figures keep the order that they must have.

use std::cell::RefCell;

use proptest::prelude::*;
use serde_json::{Value, json};
use undaunted::analysis::{Analysis, Distribution, Estimate, Options, Room};
use undaunted::{Class, Policy};

/// A duration of microseconds as policies write it.
fn us(micros: u64) -> String {
    format!("{micros}us")
}

/// The longest duration of all: 87600 h.
const LONGEST: u64 = 315_360_000_000_000;

/// Something between bounds, mostly at one of them.
fn edge(least: u64, most: u64) -> impl Strategy<Value = u64> + Clone {
    prop_oneof![2 => Just(least), 2 => Just(most), 1 => Just(least + (most > least) as u64), 2 => least..=most]
}

fn jitters() -> BoxedStrategy<Value> {
    prop_oneof![
        Just(json!("none")),
        Just(json!("full")),
        Just(json!("equal")),
        Just(json!("decorrelated")),
        edge(1, 1_000_000).prop_map(|p| json!({ "proportional": p as f64 / 1e6 })),
        edge(1, LONGEST).prop_map(|j| json!({ "additive": us(j) })),
    ]
    .boxed()
}

fn budgets() -> BoxedStrategy<Value> {
    let bucket = (edge(1, 1_000_000), edge(0, 1_000_000), edge(0, 1_000_000_000), any::<bool>()).prop_map(
        |(capacity, cost, reward, refund)| {
            let reward = reward as f64 / 1e6;
            json!({ "name": "b", "capacity": capacity, "cost": cost.min(capacity), "reward": reward, "refund": refund })
        },
    );
    let failures = (edge(1, 1_000_000), edge(0, 1_000_000), edge(0, 1_000_000_000)).prop_map(
        |(capacity, cost, reward)| json!({ "name": "b", "mode": "failures", "capacity": capacity, "cost": cost, "reward": reward as f64 / 1e6 }),
    );
    let window = (edge(0, 1_000_000_000), edge(0, 1_000_000), edge(1_000_000, 60_000_000)).prop_map(
        |(ratio, per_second, ttl)| json!({ "name": "b", "mode": "window", "ratio": ratio as f64 / 1e6, "min_per_second": per_second, "ttl": us(ttl) }),
    );
    prop_oneof![Just(Value::Null), Just(json!("b")), bucket, failures, window].boxed()
}

/// What limits a call.
fn limits() -> BoxedStrategy<Value> {
    let attempts = prop_oneof![3 => 1..70_u64, 1 => edge(1, u64::from(u32::MAX))];
    let timeout = edge(1, LONGEST);
    prop_oneof![
        Just(json!({ "forever": true })),
        (attempts.clone(), timeout.clone()).prop_map(|(n, t)| json!({ "attempts": n, "timeout": us(t) })),
        attempts.prop_map(|n| json!({ "attempts": n, "timeout": null })),
        (timeout.clone()).prop_map(|t| json!({ "attempts": null, "timeout": us(t) })),
        (timeout, edge(1, LONGEST))
            .prop_map(|(t, m)| json!({ "attempts": null, "timeout": us(t), "on_timeout": { "clip": { "min_attempt": us(m.min(t - t / 2)) } } })),
    ]
    .boxed()
}

/// How delays grow.
fn backoffs() -> BoxedStrategy<Value> {
    let exponential = (edge(1, LONGEST), edge(1_000_001, 10_000_000), edge(1, LONGEST))
        .prop_map(|(initial, factor, max)| json!({ "initial": us(initial), "factor": factor as f64 / 1e6, "max_delay": us(max.max(initial)) }));
    let plain = (edge(1, LONGEST), edge(1, LONGEST), prop_oneof![Just("linear"), Just("constant"), Just("exponential")])
        .prop_map(|(initial, max, kind)| json!({ "backoff": kind, "initial": us(initial), "max_delay": us(max.max(initial)) }));
    let list = prop_oneof![Just(1), Just(64), 1..64_usize]
        .prop_flat_map(|len| prop::collection::vec(edge(0, LONGEST), len))
        .prop_map(|list| json!({ "backoff": list.into_iter().map(us).collect::<Vec<_>>(), "max_delay": us(LONGEST) }));
    prop_oneof![2 => exponential, 3 => plain, 1 => list].boxed()
}

/// Policies that compile; of the others there are refusals, which have tests of their own.
fn policies() -> BoxedStrategy<Policy> {
    let rest = (jitters(), budgets(), any::<bool>(), edge(1, LONGEST), any::<bool>());
    (limits(), backoffs(), rest)
        .prop_filter_map("policies that compile", |(limits, backoff, rest)| {
            let (jitter, budget, is_immediate, attempt_timeout, has_attempt_timeout) = rest;
            let mut options = json!({ "jitter": jitter, "budget": budget });
            for part in [limits, backoff] {
                options.as_object_mut()?.extend(part.as_object()?.clone());
            }
            if jitter == "decorrelated" {
                options.as_object_mut()?.remove("factor");
            }
            if is_immediate && !options["backoff"].is_array() {
                options["first"] = json!("immediate");
            }
            if has_attempt_timeout {
                options["attempt_timeout"] = json!(us(attempt_timeout));
            }
            serde_json::from_value(options).ok()
        })
        .boxed()
}

fn conditions() -> BoxedStrategy<Options> {
    let chains = (edge(1, 10), edge(1, 1_000_000), edge(1, 1_000_000));
    let class = prop_oneof![Just(Class::Transient), Just(Class::Throttle), Just(Class::Conflict)];
    let rate = prop_oneof![Just(None), edge(1, 1_000_000_000_000).prop_map(Some)];
    (edge(0, 1_000_000), edge(0, LONGEST), chains, class, rate, any::<bool>())
        .prop_map(|(failure_rate, attempt_duration, (layers, calls, repeats), class, calls_per_second, quantiles)| {
            Options { failure_rate, attempt_duration, layers, calls, repeats, class, calls_per_second, quantiles }
        })
        .boxed()
}

thread_local! {
    static ROOM: RefCell<Box<Room>> = RefCell::new(vec![0; 1 << 20].into_boxed_slice().try_into().expect("8 MB"));
}

fn analyse(policy: &Policy, options: &Options) -> Analysis {
    ROOM.with_borrow_mut(|room| policy.analyse(options, room))
}

fn text(write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> String {
    let mut bytes = Vec::new();
    write(&mut |piece| bytes.extend_from_slice(piece));
    String::from_utf8(bytes).expect("UTF-8")
}

fn parsed(write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Value {
    let text = text(write);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

fn low(estimate: Estimate) -> u64 {
    estimate.value.saturating_sub(estimate.error)
}

fn high(estimate: Estimate) -> u64 {
    estimate.value.saturating_add(estimate.error)
}

/// Whether one may be below the other, or the same.
fn may_ascend(figures: &[Option<Estimate>]) -> bool {
    let known: Vec<_> = figures.iter().flatten().collect();
    known.windows(2).all(|pair| low(*pair[0]) <= high(*pair[1]))
}

fn is_in_order(times: &Distribution) -> bool {
    let worst = times.worst.map(|value| Estimate { value, error: 0 });
    let all = times.quantiles.unwrap_or_default();
    let [half, ninth, last] = [4, 8, 17].map(|at| all[at]);
    let are_the_same = times.quantiles.is_none() || [half, ninth, last] == [times.p50, times.p90, times.p99];
    are_the_same
        && may_ascend(&all)
        && may_ascend(&[times.p50, times.p90, times.p99, worst])
        && may_ascend(&[times.mean, worst])
}

const BILLION: u64 = 1_000_000_000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn analyses_are_in_their_bounds(policy in policies(), options in conditions()) {
        let found = analyse(&policy, &options);
        let shares = [found.success, found.by_attempts, found.by_class_attempts, found.by_timeout, found.unfinished];
        for share in shares.iter().chain([&found.chain, &found.chain_without]) {
            prop_assert!(low(*share) <= BILLION && share.value <= BILLION, "{share:?}");
        }
        // Each is rounded to a billionth.
        let (least, most) = shares.iter().fold((0, 0), |(least, most), share| (least + low(*share), most + high(*share)));
        prop_assert!(least <= BILLION + 5 && most + 5 >= BILLION, "{shares:?}");
        prop_assert!(is_in_order(&found.wait) && is_in_order(&found.added_latency), "{found:?}");
        prop_assert!(high(found.attempts) >= 1_000_000 && found.most_attempts.is_none_or(|most| low(found.attempts) / 1_000_000 <= most));
        if let Some(load) = found.sustained_load {
            prop_assert!(low(load) <= high(found.attempts) && high(load) + 1 >= 1_000_000, "{load:?}");
        }
        prop_assert!(found.outage_load.is_none_or(|load| load.value >= 1_000_000));
        prop_assert!(parsed(|out| found.json(out)).is_object());
        prop_assert!(!text(|out| found.text(out)).is_empty());
    }

    #[test]
    fn more_failures_are_no_better(policy in policies(), options in conditions(), other in edge(0, 1_000_000)) {
        let [fewer, more] = [options.failure_rate.min(other), options.failure_rate.max(other)];
        let [fewer, more] = [fewer, more].map(|failure_rate| analyse(&policy, &Options { failure_rate, ..options }));
        let falls = |of: fn(&Analysis) -> Estimate| may_ascend(&[Some(of(&more)), Some(of(&fewer))]);
        let rises = |of: fn(&Analysis) -> Option<Estimate>| may_ascend(&[of(&fewer), of(&more)]);
        prop_assert!(falls(|found| found.success) && falls(|found| found.chain) && falls(|found| found.chain_without));
        prop_assert!(rises(|found| Some(found.attempts)) && rises(|found| found.amplification));
        for of in [
            |found: &Analysis| found.wait.mean,
            |found: &Analysis| found.wait.p50,
            |found: &Analysis| found.wait.p90,
            |found: &Analysis| found.wait.p99,
            |found: &Analysis| found.added_latency.p99,
        ] {
            prop_assert!(rises(of), "{fewer:?} {more:?}");
        }
        // What does not depend on how many fail.
        prop_assert_eq!((fewer.outage_burst, fewer.outage_load), (more.outage_burst, more.outage_load));
        prop_assert_eq!((fewer.wait.worst, fewer.worst_time), (more.wait.worst, more.worst_time));
    }

    #[test]
    fn findings_and_differences_are_json(one in policies(), other in policies(), options in conditions()) {
        for policy in [&one, &other] {
            for finding in parsed(|out| policy.lint_json(out)).as_array().expect("a list") {
                prop_assert!(finding["text"].as_str().is_some_and(|text| !text.contains('$')), "{finding}");
            }
            prop_assert!(text(|out| policy.lint_text(out)).ends_with('\n'));
        }
        let (found, said) = ROOM.with_borrow_mut(|room| {
            let difference = one.diff(&other, &options, room);
            (parsed(|out| difference.json(out)), text(|out| difference.text(out)))
        });
        let same = ROOM.with_borrow_mut(|room| text(|out| one.diff(&one, &options, room).text(out)));
        prop_assert_eq!(same, "no difference\n");
        prop_assert_eq!(one == other, said == "no difference\n");
        prop_assert!(found["figures"].as_array().is_some_and(|figures| figures.len() <= 15));
    }
}
