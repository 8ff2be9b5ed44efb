//! What holds for every policy, seed and input. Arbitrary bytes stand for hosts that hand over anything.

use proptest::prelude::*;
use undaunted::tape::Writer;
use undaunted::{Code, Decision, Domain, Failure, Mode, Notation, Policy, Shared, hint};

/// Compiles options written as JSON text, with serde_json's parser as the host's.
fn policy(options: &serde_json::Value) -> Option<Policy> {
    serde_json::from_value(options.clone()).ok()
}

fn jitters() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::json;
    prop_oneof![
        Just(json!("full")),
        Just(json!("equal")),
        Just(json!("decorrelated")),
        (1..=1_000_000_u32).prop_map(|p| json!({ "proportional": f64::from(p) / 1e6 })),
        (1..=5_000_000_u64).prop_map(|j| json!({ "additive": format!("{j}us") })),
    ]
}

fn policies() -> impl Strategy<Value = Policy> {
    let delays = (1..=2_000_000_u64, 2_000_001..=60_000_000_u64, 1_100_000..=10_000_000_u32);
    (delays, jitters()).prop_filter_map("a policy that compiles", |((initial, max_delay, factor), jitter)| {
        let mut options = serde_json::json!({
            "attempts": 40, "timeout": null, "initial": format!("{initial}us"), "max_delay": format!("{max_delay}us"), "jitter": jitter,
        });
        if options["jitter"] != "decorrelated" {
            options["factor"] = serde_json::json!(f64::from(factor) / 1e6);
        }
        policy(&options)
    })
}

fn max_delay(policy: &Policy) -> u64 {
    let dumped = serde_json::to_value(policy).unwrap();
    let text = dumped["max_delay"].as_str().unwrap();
    let (digits, unit) = text.split_at(text.find(char::is_alphabetic).unwrap());
    let micros = match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        _ => 3_600_000_000,
    };
    digits.parse::<u64>().unwrap() * micros
}

proptest! {
    #[test]
    fn a_draw_never_exceeds_max_delay(policy in policies(), call_seed: u64) {
        let cap = max_delay(&policy);
        for delay in policy.schedule(call_seed).take(39) {
            prop_assert!(delay <= cap, "{delay} above {cap}");
        }
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
    fn any_value_of_any_option_is_a_policy_or_has_problems(option in 0..18_usize, text in ".{0,30}", number in any::<f64>()) {
        for value in [serde_json::json!(text), serde_json::json!(number.to_string()), serde_json::json!([text]), serde_json::json!({ text.clone(): number })] {
            let options = serde_json::json!({ undaunted::bounds::OPTIONS[option]: value });
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

/// I2 by counting: 200 000 draws of a jitter at its cap, in 1000 boxes of equal width; a box that holds three times its
/// share is 24 standard deviations away.
#[test]
fn no_delay_is_likelier_than_chance_at_the_cap() {
    for jitter in ["\"full\"", "\"equal\"", "\"decorrelated\"", "{\"proportional\": 0.3}", "{\"additive\": \"4s\"}"] {
        let text =
            format!("{{\"attempts\": 30, \"initial\": \"100ms\", \"max_delay\": \"10s\", \"jitter\": {jitter}}}");
        let policy: Policy = serde_json::from_str(&text).unwrap();
        let draws: Vec<u64> =
            (0..200_000).map(|seed| policy.schedule(undaunted::call_seed(7, seed)).nth(28).unwrap()).collect();
        let (low, high) = (*draws.iter().min().unwrap(), *draws.iter().max().unwrap());
        let mut boxes = [0_u32; 1000];
        for draw in &draws {
            boxes[((draw - low) * 999 / (high - low)) as usize] += 1;
        }
        // Decorrelated draws lie denser where the last draw was short, but on no value.
        let allowed = if jitter.contains("decorrelated") { 2000 } else { 600 };
        assert!(boxes.iter().all(|count| *count < allowed), "{jitter}: {:?}", boxes.iter().max());
        assert!(high <= 10_000_000, "{jitter}: {high}");
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
