//! What is exported comes back as the same policy, whatever that is; gRPC keeps what it can say; code compiles.

mod exported {
    #![allow(clippy::needless_raw_string_hashes)]
    pub mod policy;
}

use proptest::prelude::*;
use serde_json::{Value, json};
use undaunted::convert::{Conversion, Source};
use undaunted::export::Target;
use undaunted::tape::Writer;
use undaunted::{Policy, presets};

fn policy(options: &Value) -> Policy {
    serde_json::from_value(options.clone()).unwrap_or_else(|error| panic!("{options}: {error}"))
}

fn text(policy: &Policy, target: Target) -> String {
    let mut text = Vec::new();
    policy.export(target).text(&mut |piece| text.extend_from_slice(piece));
    String::from_utf8(text).expect("UTF-8")
}

/// A policy of each kind of option, each told only where it is not the default.
fn shortest() -> Vec<Value> {
    let mut all: Vec<Value> = presets::NAMES.iter().skip(1).map(|name| json!({ "preset": name })).collect();
    all.extend([
        json!({}),
        json!({ "attempts": 3 }),
        json!({ "preset": "aws", "attempts": 5 }),
        json!({ "preset": "aws", "budget": null }),
        json!({ "preset": "grpc", "hint": "floor", "idempotent": true }),
        json!({ "forever": true }),
        json!({ "on_timeout": { "clip": { "min_attempt": "1s" } } }),
        json!({ "attempts": 4, "backoff": "constant", "initial": "5s" }),
        json!({ "attempts": 4, "backoff": "constant", "initial": "5s", "max_delay": "10s" }),
        json!({ "initial": "20s" }),
        json!({ "attempts": 4, "backoff": ["0s", "1500us", "2s"], "jitter": { "additive": "1s" } }),
        json!({ "hint": { "max": "1m" } }),
        json!({ "hint": { "mode": "window", "window": "5s" }, "jitter": "equal" }),
        json!({ "classes": { "throttle": { "attempts": 3, "initial": "2s" }, "connect": { "initial": "50ms" } } }),
        json!({ "budget": { "name": "b", "mode": "window", "ttl": "20s" } }),
        json!({ "budget": "elsewhere", "breaker": "elsewhere" }),
        json!({ "budget": { "name": "b", "mode": "bucket" }, "breaker": { "name": "b", "window_calls": 100 } }),
        json!({ "breaker": { "name": "b", "window_time": "30s", "slow_after": "2s", "slow_rate": 0.5 }, "nested": "once" }),
        json!({ "rules": [{ "http": "500-503", "class": "transient", "sent": "rejected" }, { "body_contains": "a\"#\\ü\n[{,:}]", "class": "throttle" },
            { "postgres": "23", "class": "permanent" }, { "user": -7, "class": "conflict" }] }),
    ]);
    all
}

#[test]
fn a_policy_file_has_the_fewest_options() {
    for options in shortest() {
        let found = text(&policy(&options), Target::Json);
        let read: Value = serde_json::from_str(&found).unwrap_or_else(|error| panic!("{error}: {found}"));
        assert_eq!(read, options);
        assert_eq!(found.matches('\n').count(), if found == "{}\n" { 1 } else { found.lines().count() });
    }
}

#[test]
fn code_in_rust_compiles() {
    let rules =
        json!({ "preset": "aws", "attempts": 5, "rules": [{ "body_contains": "\"# busy", "class": "throttle" }] });
    assert_eq!(text(&policy(&rules), Target::Rust), include_str!("exported/policy.rs"));
    assert_eq!(exported::policy::policy().expect("a policy"), policy(&rules));
}

#[test]
fn what_is_made_elsewhere_is_told_of() {
    let elsewhere = policy(&json!({ "budget": "b", "breaker": "b" }));
    for (target, expected) in [(Target::Python, 2), (Target::Json, 2), (Target::Aws, 0)] {
        let mut told = 0;
        elsewhere.export(target).findings(&mut |finding| told += usize::from(finding.code == "made-elsewhere"));
        assert_eq!(told, expected);
    }
}

/// Options that fit together or do not.
fn options() -> impl Strategy<Value = Value> {
    let us = |least: u64, most: u64| (least..=most).prop_map(|micros| json!(format!("{micros}us")));
    let one_of = |values: Value| prop::sample::select(values.as_array().expect("a list").clone());
    let entries = vec![
        ("preset", one_of(json!(presets::NAMES)).boxed()),
        ("attempts", prop_oneof![one_of(json!([null, 1, 2])), (1..20_u32).prop_map(|attempts| json!(attempts))].boxed()),
        ("timeout", prop_oneof![Just(json!(null)), us(1_000_000, 90_000_000)].boxed()),
        ("attempt_timeout", us(1, 9_000_000).boxed()),
        ("on_timeout", us(1, 900_000).prop_map(|least| json!({ "clip": { "min_attempt": least } })).boxed()),
        ("backoff", prop_oneof![one_of(json!(["linear", "constant"])), prop::collection::vec(us(0, 3_000_000), 1..5).prop_map(Value::from)].boxed()),
        ("initial", us(1, 3_000_000).boxed()),
        ("factor", (1_000_001..10_000_000_u32).prop_map(|factor| json!(f64::from(factor) / 1e6)).boxed()),
        ("max_delay", us(1, 30_000_000).boxed()),
        ("first", one_of(json!(["immediate", "delayed"])).boxed()),
        ("jitter", one_of(json!(["none", "equal", "decorrelated", { "proportional": 0.2 }, { "proportional": 1 }, { "additive": "3ms" }])).boxed()),
        ("hint", one_of(json!(["floor", "exact", "ignore", { "max": "7s" }, { "mode": "exact", "resets": true }, { "mode": "window", "window": "5s" }])).boxed()),
        ("classes", one_of(json!([{ "throttle": { "initial": "3s", "cost": 5 } }, { "connect": { "attempts": 1 } }, {}])).boxed()),
        ("rules", one_of(json!([[{ "grpc": "INTERNAL", "class": "transient" }], [{ "grpc": 10, "class": "permanent" }, { "http": "500-599", "sent": "rejected" }]])).boxed()),
        ("budget", one_of(json!([null, "b", { "name": "b" }, { "name": "b", "cost": 2 }, { "name": "b", "mode": "failures", "reward": 0.25 }, { "name": "b", "mode": "window" }])).boxed()),
        ("breaker", one_of(json!([null, "b", { "name": "b", "max_delay": "2s" }, { "name": "b", "window_time": "30s", "probes": 1 }])).boxed()),
        ("idempotent", one_of(json!(["auto", true, false])).boxed()),
        ("nested", one_of(json!(["warn", "once", "allow", "share"])).boxed()),
    ];
    let entries: Vec<_> = entries
        .into_iter()
        .map(|(name, value)| prop::option::weighted(0.3, value).prop_map(move |value| Some((name.to_owned(), value?))))
        .collect();
    entries.prop_map(|entries| Value::Object(entries.into_iter().flatten().collect()))
}

fn write(value: &Value, writer: &mut Writer) {
    match value {
        Value::Null => writer.null(),
        Value::Bool(flag) => writer.bool(*flag),
        Value::Number(number) => writer.number(&number.to_string()),
        Value::String(text) => writer.text(text),
        Value::Array(items) => {
            writer.list();
            items.iter().for_each(|item| write(item, writer));
            writer.end_list();
        }
        Value::Object(entries) => {
            writer.map();
            for (name, value) in entries {
                writer.text(name);
                write(value, writer);
            }
            writer.end_map();
        }
    }
}

/// The options of the policy that a service config comes to.
fn of_grpc(config: &str) -> Value {
    let mut tape = Vec::new();
    let mut push = |bytes: &[u8]| tape.extend_from_slice(bytes);
    write(&serde_json::from_str(config).expect("JSON"), &mut Writer::new(&mut push));
    let mut problems = Vec::new();
    let conversion = Conversion::read(Source::Grpc, &tape, &mut |problem| problems.push(problem.code));
    serde_json::to_value(conversion.unwrap_or_else(|| panic!("{config}: {problems:?}")).policy).expect("JSON")
}

proptest! {
    #[test]
    fn any_policy_comes_back(options in options()) {
        if let Ok(policy) = serde_json::from_value::<Policy>(options) {
            let json = text(&policy, Target::Json);
            prop_assert_eq!(serde_json::from_str::<Policy>(&json).map_err(|error| TestCaseError::fail(format!("{json}: {error}")))?, policy);
            for target in Target::ALL.iter().copied() {
                let mut whole = Vec::new();
                policy.export(target).json(&mut |piece| whole.extend_from_slice(piece));
                let whole: Value = serde_json::from_slice(&whole).expect("JSON");
                prop_assert_eq!(&whole["text"], &json!(text(&policy, target)));
            }
        }
    }

    /// Where nothing was told of an option, it is the same.
    #[test]
    fn grpc_keeps_what_it_can_say(options in options()) {
        if let Ok(policy) = serde_json::from_value::<Policy>(options) {
            let mut told = Vec::new();
            policy.export(Target::Grpc).findings(&mut |finding| finding.pointer(&mut |piece| told.push(String::from_utf8_lossy(piece).into_owned())));
            let (before, after) = (serde_json::to_value(policy).expect("JSON"), of_grpc(&text(&policy, Target::Grpc)));
            let is_told = |name: &str| told.iter().any(|pointer| pointer[1..] == *name);
            for name in ["attempts", "timeout", "attempt_timeout", "hint", "jitter"] {
                let keeps = policy.attempts() != Some(1) || name == "attempts" || name == "timeout";
                if keeps && (!is_told(name) || name == "attempt_timeout") && before["forever"].is_null() {
                    prop_assert_eq!(&before[name], &after[name], "{}", name);
                }
            }
            if let Some(budget) = before.get("budget").filter(|_| !is_told("budget") && policy.attempts() != Some(1)) {
                for name in ["mode", "capacity", "cost"] {
                    prop_assert_eq!(&budget[name], &after["budget"][name]);
                }
            }
        }
    }
}
