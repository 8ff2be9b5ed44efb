//! Settings that a library takes are a policy, whatever their numbers; any bytes are settings or have problems.

use proptest::prelude::*;
use undaunted::convert::{Conversion, Source};
use undaunted::tape::Writer;

/// A value of plain settings.
#[derive(Clone, Debug)]
enum Plain {
    Number(String),
    Text(String),
    Flag(bool),
    List(Vec<Plain>),
    Map(Vec<(&'static str, Plain)>),
}

use Plain::{Flag, List, Map, Number, Text};

fn write(value: &Plain, writer: &mut Writer) {
    match value {
        Number(digits) => writer.number(digits),
        Text(text) => writer.text(text),
        Flag(flag) => writer.bool(*flag),
        List(items) => {
            writer.list();
            items.iter().for_each(|item| write(item, writer));
            writer.end_list();
        }
        Map(entries) => {
            writer.map();
            for (key, value) in entries {
                writer.text(key);
                write(value, writer);
            }
            writer.end_map();
        }
    }
}

fn tape(value: &Plain) -> Vec<u8> {
    let mut tape = Vec::new();
    write(value, &mut Writer::new(&mut |bytes| tape.extend_from_slice(bytes)));
    tape
}

/// From nothing to far beyond what a policy can wait, exactly nothing included.
fn amount() -> impl Strategy<Value = Plain> {
    let digits = (0..1_000_u32, -9..13_i32).prop_map(|(digits, power)| format!("{digits}e{power}"));
    prop_oneof![digits, Just("0".to_owned()), Just("1".to_owned()), Just("2".to_owned()), Just("0.5".to_owned())]
        .prop_map(Number)
}

fn base() -> impl Strategy<Value = Plain> {
    prop_oneof![0..30_000_u32, 990..1_010_u32].prop_map(|thousandths| Number(format!("{thousandths}e-3")))
}

fn count() -> impl Strategy<Value = Plain> {
    prop_oneof![0..12_u32, 60..70_u32, Just(u32::MAX)].prop_map(|count| Number(count.to_string()))
}

fn duration() -> impl Strategy<Value = Plain> {
    (1..100_000_u32, 0..7_usize).prop_map(|(digits, places)| {
        let (whole, rest) = (digits, 1);
        Text(if places == 0 { format!("{whole}s") } else { format!("0.{rest:0>places$}s") })
    })
}

fn stamina() -> impl Strategy<Value = Plain> {
    (count(), amount(), amount(), amount(), amount(), base()).prop_map(
        |(attempts, timeout, initial, cap, jitter, base)| {
            Map(vec![
                ("attempts", attempts),
                ("timeout", timeout),
                ("wait_initial", initial),
                ("wait_max", cap),
                ("wait_jitter", jitter),
                ("wait_exp_base", base),
            ])
        },
    )
}

fn wait() -> impl Strategy<Value = Plain> {
    let one = |name: &'static str| move |args: Plain| Map(vec![(name, args)]);
    let exponential = || {
        (amount(), amount(), base(), amount()).prop_map(|(first, max, base, min)| {
            vec![("multiplier", first), ("max", max), ("exp_base", base), ("min", min)]
        })
    };
    let leaf = prop_oneof![
        amount().prop_map(one("wait_fixed")),
        (amount(), amount()).prop_map(|(min, max)| Map(vec![("min", min), ("max", max)])).prop_map(one("wait_random")),
        exponential().prop_map(Map).prop_map(one("wait_exponential")),
        exponential().prop_map(Map).prop_map(one("wait_random_exponential")),
        (exponential(), amount())
            .prop_map(|(mut args, jitter)| {
                args.push(("jitter", jitter));
                Map(args)
            })
            .prop_map(one("wait_exponential_jitter")),
        (amount(), amount(), amount())
            .prop_map(|(start, increment, max)| { Map(vec![("start", start), ("increment", increment), ("max", max)]) })
            .prop_map(one("wait_incrementing")),
    ];
    leaf.prop_recursive(3, 12, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(List).prop_map(one("wait_chain")),
            prop::collection::vec(inner, 1..4).prop_map(List).prop_map(one("wait_combine")),
        ]
    })
}

fn tenacity() -> impl Strategy<Value = Plain> {
    (count(), amount(), wait()).prop_map(|(attempts, delay, wait)| {
        let stops = [("stop_after_attempt", attempts), ("stop_after_delay", delay)].map(|stop| Map(vec![stop]));
        Map(vec![("stop", Map(vec![("stop_any", List(stops.to_vec()))])), ("wait", wait)])
    })
}

fn urllib3() -> impl Strategy<Value = Plain> {
    let statuses = prop::collection::vec((100..1_000_u32).prop_map(|status| Number(status.to_string())), 0..80);
    let counts = (count(), count(), count());
    (counts, amount(), amount(), amount(), statuses, any::<bool>(), amount()).prop_map(
        |((total, connect, read), factor, cap, jitter, statuses, respects, most)| {
            Map(vec![
                ("total", total),
                ("connect", connect),
                ("read", read),
                ("backoff_factor", factor),
                ("backoff_max", cap),
                ("backoff_jitter", jitter),
                ("status_forcelist", List(statuses)),
                ("respect_retry_after_header", Flag(respects)),
                ("retry_after_max", most),
            ])
        },
    )
}

fn grpc() -> impl Strategy<Value = Plain> {
    let codes = prop::collection::vec((0..17_u32).prop_map(|code| Number(code.to_string())), 1..18);
    (2..9_u32, duration(), duration(), 1..30_000_u32, codes, 1..1_001_u32).prop_map(
        |(attempts, initial, max, base, codes, tokens)| {
            let retry = Map(vec![
                ("maxAttempts", Number(attempts.to_string())),
                ("initialBackoff", initial),
                ("maxBackoff", max),
                ("backoffMultiplier", Number(format!("{base}e-3"))),
                ("retryableStatusCodes", List(codes)),
            ]);
            let throttling = vec![("maxTokens", Number(tokens.to_string())), ("tokenRatio", Number("0.1".to_owned()))];
            Map(vec![
                ("methodConfig", List(vec![Map(vec![("retryPolicy", retry)])])),
                ("retryThrottling", Map(throttling)),
            ])
        },
    )
}

fn p_retry() -> impl Strategy<Value = Plain> {
    (count(), base(), amount(), amount(), any::<bool>(), amount()).prop_map(
        |(retries, factor, least, most, random, time)| {
            Map(vec![
                ("retries", retries),
                ("factor", factor),
                ("minTimeout", least),
                ("maxTimeout", most),
                ("randomize", Flag(random)),
                ("maxRetryTime", time),
            ])
        },
    )
}

fn aws() -> impl Strategy<Value = Plain> {
    let modes = prop_oneof![Just("standard"), Just("legacy"), Just("adaptive")];
    (1..u32::MAX, modes).prop_map(|(attempts, mode)| {
        Map(vec![("AWS_MAX_ATTEMPTS", Text(attempts.to_string())), ("AWS_RETRY_MODE", Text(mode.to_owned()))])
    })
}

fn settings() -> impl Strategy<Value = (Source, Plain)> {
    prop_oneof![
        stamina().prop_map(|settings| (Source::Stamina, settings)),
        tenacity().prop_map(|settings| (Source::Tenacity, settings)),
        urllib3().prop_map(|settings| (Source::Urllib3, settings)),
        grpc().prop_map(|settings| (Source::Grpc, settings)),
        p_retry().prop_map(|settings| (Source::PRetry, settings)),
        aws().prop_map(|settings| (Source::Aws, settings)),
    ]
}

proptest! {
    #[test]
    fn settings_that_a_library_takes_are_a_policy((source, settings) in settings()) {
        let tape = tape(&settings);
        let mut problems = String::new();
        let conversion = Conversion::read(source, &tape, &mut |problem| {
            problem.text(&mut |piece| problems.push_str(&String::from_utf8_lossy(piece)));
            problems.push('\n');
        });
        prop_assert_eq!(&problems, "");
        let mut json = Vec::new();
        conversion.expect("a policy, since nothing was refused").json(&mut |piece| json.extend_from_slice(piece));
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
    }

    #[test]
    fn any_bytes_are_settings_or_have_problems(tape in prop::collection::vec(any::<u8>(), 0..400), source in 0..6_usize) {
        let mut problems = 0;
        let conversion = Conversion::read(Source::ALL[source], &tape, &mut |problem| {
            problem.pointer(&mut |_| {});
            problem.text(&mut |_| {});
            problems += 1;
        });
        prop_assert_eq!(conversion.is_none(), problems > 0);
    }
}
