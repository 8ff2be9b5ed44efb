//! Simulations against published figures and against what must be so; exact counts are in the shared vectors.

use std::collections::BTreeSet;
use undaunted::analysis::{Options, Room as AnalysisRoom};
use undaunted::sim::{
    Arrivals, Client, Guard, Herd, HerdOptions, Layers, LayersOptions, Load, Loss, LossOptions, Outage, OutageOptions,
    OutageRoom, Queue, RETRIES, Room,
};
use undaunted::tape::Writer;
use undaunted::{Budget, Code, Decision, Domain, Failure, Mode, Notation, Policy, Shared, call_seed};

/// A herd that was followed to its end.
struct Followed {
    json: serde_json::Value,
    text: String,
    arrivals: Vec<Arrivals>,
}

fn follow(policy: &Policy, seed: u64, options: HerdOptions, slice: u64) -> Followed {
    let mut clients = vec![Client::default(); options.clients as usize];
    let mut arrivals = vec![[0; RETRIES]; options.windows as usize];
    let mut budgets: Vec<Option<Budget>> = vec![None; options.processes as usize];
    let mut queue = Box::new(Queue::EMPTY);
    let mut room = Room { clients: &mut clients, arrivals: &mut arrivals, budgets: &mut budgets, queue: &mut queue };
    let mut herd = Herd::new(policy, policy.budget().as_ref(), seed, &options, &mut room).expect("room");
    while !herd.step(&mut room, slice) {}
    assert_eq!(herd.progress(), (options.clients, options.clients));
    let json = text(|out| herd.json(&arrivals, out));
    Followed { json: serde_json::from_str(&json).expect("JSON"), text: text(|out| herd.text(&arrivals, out)), arrivals }
}

fn text(write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> String {
    let mut bytes = Vec::new();
    write(&mut |piece| bytes.extend_from_slice(piece));
    String::from_utf8(bytes).expect("UTF-8")
}

fn policy(options: serde_json::Value) -> Policy {
    let mut tape = Vec::new();
    write(&options, &mut Writer::new(&mut |bytes| tape.extend_from_slice(bytes)));
    Policy::compile(&tape, Notation::Json, None, &mut |problem| panic!("{}", text(|out| problem.text(out))))
        .expect("a policy")
}

fn write(value: &serde_json::Value, writer: &mut Writer) {
    match value {
        serde_json::Value::Null => writer.null(),
        serde_json::Value::Bool(value) => writer.bool(*value),
        serde_json::Value::Number(number) => writer.number(&number.to_string()),
        serde_json::Value::String(text) => writer.text(text),
        serde_json::Value::Array(items) => {
            writer.list();
            items.iter().for_each(|item| write(item, writer));
            writer.end_list();
        }
        serde_json::Value::Object(entries) => {
            writer.map();
            for (key, value) in entries {
                writer.text(key);
                write(value, writer);
            }
            writer.end_map();
        }
    }
}

fn peaks(found: &Followed) -> Vec<u64> {
    let peaks = found.json["peaks"].as_array().expect("peaks").iter();
    peaks.map(|peak| peak["arrivals"].as_u64().expect("a count")).collect()
}

const FULL: &str = r#"{"attempts": 7, "initial": "1s", "max_delay": "40s", "timeout": null}"#;

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("JSON")
}

/// The figures of SEMANTICS 17 come from another generator, so they hold up to chance: a window with n clients has a
/// standard deviation of √n, and two maxima over windows differ by less than five of them.
fn near(published: &[u64], found: &[u64]) {
    assert!(found.len() >= published.len(), "{found:?}");
    for (published, found) in published.iter().zip(found) {
        let apart = published.abs_diff(*found) as f64;
        assert!(apart <= 5.0 * (*published as f64).sqrt(), "published {published}, found {found}");
    }
}

#[test]
fn full_jitter_spreads_a_herd_as_published() {
    near(&[1_035, 537, 286, 154, 87, 45], &peaks(&follow(&policy(json(FULL)), 7, HerdOptions::default(), 1_000_000)));
}

#[test]
fn equal_jitter_spreads_it_half_as_well_as_published() {
    let mut options = json(FULL);
    options["jitter"] = "equal".into();
    near(&[2_035, 1_048, 555], &peaks(&follow(&policy(options), 7, HerdOptions::default(), 1_000_000)));
}

#[test]
fn the_standard_policy_spreads_it_as_designed() {
    let found = peaks(&follow(&Policy::standard(), 7, HerdOptions::default(), 1_000_000));
    near(&[1_046, 524, 282, 143], &found);
}

#[test]
fn without_jitter_all_come_back_in_one_window_for_ever() {
    let mut options = json(FULL);
    options["jitter"] = "none".into();
    let found = follow(&policy(options), 7, HerdOptions::default(), 1_000_000);
    assert_eq!(peaks(&found), [10_000; 6]);
    assert!(found.text.contains("10 000 of 10 000 in the worst 100 ms, after 1 s"), "{}", found.text);
}

#[test]
fn aws_hardly_spreads_a_herd_and_its_budget_stops_it() {
    let alone = policy(json(r#"{"preset": "aws", "budget": null}"#));
    let found = peaks(&follow(&alone, 7, HerdOptions::default(), 1_000_000));
    assert_eq!(found[0], 10_000);
    near(&[7_467], &found[1..]);
    let aws = Policy::preset("aws").expect("a preset");
    let shared = follow(&aws, 7, HerdOptions::default(), 1_000_000);
    assert_eq!(shared.json["attempts"], 10_000 + 35, "500 tokens are 35 retries");
    assert_eq!(shared.json["gave_up"]["budget"], 10_000);
    let spread = follow(&aws, 7, HerdOptions { processes: 100, ..HerdOptions::default() }, 1_000_000);
    assert_eq!(spread.json["attempts"], 10_000 + 100 * 35, "in each of 100 processes");
}

#[test]
fn slices_change_nothing_and_neither_does_the_order_of_those_who_do_not_feel_each_other() {
    let options = HerdOptions { clients: 3_000, outage: Some(2_500_000), ..HerdOptions::default() };
    for policy in [policy(json(FULL)), Policy::preset("stamina").expect("a preset")] {
        let whole = follow(&policy, 3, options, u64::MAX);
        let sliced = follow(&policy, 3, options, 1);
        // A capacity for all makes the herd go by time; what comes of it is the same.
        let ordered = follow(&policy, 3, HerdOptions { capacity: Some(3_000), ..options }, 7);
        assert_eq!((&whole.json, &whole.arrivals), (&sliced.json, &sliced.arrivals));
        assert_eq!(whole.arrivals, ordered.arrivals);
        for figure in ["attempts", "succeeded", "gave_up", "unfinished", "last_at_us", "peaks"] {
            assert_eq!(whole.json[figure], ordered.json[figure]);
        }
    }
}

/// Retries by window and number of a herd that goes by a sorted list of instants.
fn arrivals_in_order(policy: &Policy, seed: u64, options: &HerdOptions) -> Vec<Arrivals> {
    let end = options.window * options.windows;
    let mut arrivals = vec![[0; RETRIES]; options.windows as usize];
    let mut budget = policy.budget();
    let mut served = (0, 0);
    let failure = Failure { domain: Domain::Http, code: Code::Number(503), ..Failure::default() };
    let start = |n: u64| policy.start(0, call_seed(seed, n + 1), None, Mode::Normal);
    let mut calls: Vec<_> = (0..options.clients).map(start).collect();
    let mut waiting: BTreeSet<_> = (0..options.clients).map(|n| (0, n, n as usize)).collect();
    let mut put_in = options.clients;
    while let Some((now, _, number)) = waiting.pop_first() {
        let call = &mut calls[number];
        let shared = Shared { budget: budget.as_mut(), breaker: None };
        let attempt = policy.attempt(call, now, shared).expect("no timeout");
        if attempt.number > 1 {
            let window = now / options.window;
            arrivals[window as usize][(attempt.number as usize - 2).min(RETRIES - 1)] += 1;
            if options.outage.is_some_and(|outage| now >= outage) {
                served = (window, if served.0 == window { served.1 + 1 } else { 1 });
                if served.1 <= options.capacity.unwrap_or(u64::MAX) {
                    policy.succeeded(call, now, Shared { budget: budget.as_mut(), breaker: None });
                    continue;
                }
            }
        }
        let shared = Shared { budget: budget.as_mut(), breaker: None };
        if let Decision::Retry { delay, .. } = policy.failed(call, now, &failure, shared)
            && now + delay < end
        {
            waiting.insert((now + delay, put_in, number));
            put_in += 1;
        }
    }
    arrivals
}

#[test]
fn clients_come_in_the_order_of_their_instants_however_many_there_are_and_however_short_they_wait() {
    let budget = json(r#"{"name": "x", "capacity": 20000, "cost": 1}"#);
    for (initial, max_delay) in [("1us", "3us"), ("40us", "900us"), ("1ms", "20ms"), ("300ms", "40s")] {
        for jitter in ["none", "full", "decorrelated"] {
            let mut options = json(r#"{"attempts": 8, "timeout": null}"#);
            (options["initial"], options["max_delay"], options["jitter"]) =
                (initial.into(), max_delay.into(), jitter.into());
            for budget in [serde_json::Value::Null, budget.clone()] {
                options["budget"] = budget;
                let policy = policy(options.clone());
                for (clients, window) in [(300, 7_000), (6_000, 100), (6_000, 50_000)] {
                    let base = HerdOptions { clients, window, windows: 3_000, ..HerdOptions::default() };
                    let herd = HerdOptions { outage: Some(200), capacity: Some(5), ..base };
                    let found = follow(&policy, 5, herd, 1_000).arrivals;
                    assert!(found == arrivals_in_order(&policy, 5, &herd), "{options} {clients} {window}");
                }
            }
        }
    }
}

#[test]
fn every_client_comes_to_one_end() {
    for name in ["standard", "interactive", "aws", "grpc", "stamina", "urllib3", "google", "none"] {
        let options = HerdOptions {
            outage: Some(3_000_000),
            capacity: Some(20),
            processes: 7,
            hint: Some(500_000),
            ..HerdOptions::default()
        };
        let found = follow(&Policy::preset(name).expect("a preset"), 1, options, 100_000).json;
        let given_up: u64 = found["gave_up"].as_object().expect("reasons").values().map(|n| n.as_u64().unwrap()).sum();
        let ends = given_up + found["succeeded"].as_u64().unwrap() + found["unfinished"].as_u64().unwrap();
        assert_eq!(ends, 10_000, "{name}: {found}");
        let retries: u64 = found["arrivals"].as_array().expect("a histogram").iter().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(found["attempts"], 10_000 + retries, "{name}");
    }
}

#[test]
fn a_recovering_server_answers_no_more_than_it_can() {
    let options = HerdOptions { outage: Some(1_000_000), capacity: Some(50), ..HerdOptions::default() };
    let found = follow(&Policy::standard(), 1, options, 100_000).json;
    let last = found["last_at_us"].as_u64().unwrap();
    let windows = last / 100_000 - 10 + 1;
    let succeeded = found["succeeded"].as_u64().unwrap();
    assert!(succeeded <= 50 * windows, "{succeeded} in {windows} windows");
    assert!(succeeded > 9_900, "45 s are enough for nearly all at 500 a second: {found}");
}

#[test]
fn a_herd_refuses_a_room_that_is_too_small() {
    let options = HerdOptions { clients: 2, windows: 3, processes: 1, ..HerdOptions::default() };
    for (clients, windows, processes) in [(1, 3, 1), (2, 2, 1), (2, 3, 0)] {
        let mut queue = Box::new(Queue::EMPTY);
        let mut room = Room {
            clients: &mut vec![Client::default(); clients],
            arrivals: &mut vec![[0; RETRIES]; windows],
            budgets: &mut vec![None; processes],
            queue: &mut queue,
        };
        assert!(Herd::new(&Policy::standard(), None, 1, &options, &mut room).is_none());
    }
}

/// Traffic that was followed to its end.
fn pass(policy: &Policy, seed: u64, options: OutageOptions, slice: u64) -> (serde_json::Value, Vec<Load>) {
    let mut load = vec![[0; 3]; options.windows() as usize];
    let mut room = OutageRoom {
        clients: &mut vec![Client::default(); options.calls() as usize],
        load: &mut load,
        budgets: &mut vec![None; options.processes as usize],
        guards: &mut vec![Guard::None; options.processes as usize],
        queue: &mut Box::new(Queue::EMPTY),
    };
    let (budget, breaker) = (policy.budget(), policy.breaker(0));
    let mut outage = Outage::new(policy, budget.as_ref(), breaker.as_ref(), seed, &options, &mut room).expect("room");
    while !outage.step(&mut room, slice) {}
    assert_eq!(outage.progress(), (options.calls(), options.calls()));
    (json(&text(|out| outage.json(&load, out))), load)
}

fn count(found: &serde_json::Value, figure: &str) -> u64 {
    found[figure].as_u64().unwrap_or_else(|| panic!("no count {figure} in {found}"))
}

fn total(load: &[Load], place: usize) -> u64 {
    load.iter().map(|window| u64::from(window[place])).sum()
}

const STORM: &str = r#"{"attempts": 10, "initial": "100ms", "max_delay": "1s", "timeout": null}"#;

#[test]
fn every_call_of_an_outage_comes_to_one_end_and_every_request_is_in_one_window() {
    let breaker = json(r#"{"name": "x", "min_calls": 10}"#);
    for name in ["standard", "interactive", "aws", "grpc", "stamina", "urllib3", "google", "none"] {
        for breaker in [serde_json::Value::Null, breaker.clone()] {
            let mut options = serde_json::json!({ "preset": name });
            options["breaker"] = breaker;
            let policy = policy(options);
            for capacity in [None, Some(30)] {
                let base = OutageOptions { capacity, processes: 7, hint: Some(500_000), ..OutageOptions::default() };
                let (found, load) = pass(&policy, 1, base, 1_000);
                let reasons = found["gave_up"].as_object().expect("reasons");
                let given_up: u64 = reasons.values().map(|count| count.as_u64().expect("a count")).sum();
                let ends = given_up + count(&found, "succeeded") + count(&found, "unfinished");
                assert_eq!((ends, count(&found, "calls")), (6_000, 6_000), "{name}: {found}");
                let [first, retries, served] = [0, 1, 2].map(|place| total(&load, place));
                assert_eq!(count(&found, "attempts"), first + retries, "{name}");
                assert_eq!(count(&found, "total_retries"), retries, "{name}");
                assert_eq!(count(&found, "succeeded"), served, "{name}");
                assert!(load.iter().all(|[first, retries, served]| served <= &(first + retries)), "{name}");
                assert!(load[40..120].iter().all(|[_, _, served]| *served == 0), "{name}: the outage");
                assert!(capacity.is_none_or(|most| load.iter().all(|[_, _, served]| u64::from(*served) <= most)));
            }
        }
    }
}

#[test]
fn slices_change_nothing_of_an_outage() {
    let options = OutageOptions { capacity: Some(30), processes: 3, ..OutageOptions::default() };
    let mut both = json(STORM);
    (both["budget"], both["breaker"]) = (json(r#"{"name": "x"}"#), json(r#"{"name": "x"}"#));
    for policy in [policy(json(STORM)), policy(both)] {
        assert_eq!(pass(&policy, 3, options, u64::MAX), pass(&policy, 3, options, 1));
    }
}

#[test]
fn with_a_budget_the_retries_of_an_outage_are_no_more_than_it_holds() {
    let budgets = [
        (r#"{"name": "api"}"#, 35),
        (r#"{"name": "api", "capacity": 100, "cost": 7}"#, 14),
        (r#"{"name": "api", "mode": "failures"}"#, 4),
        (r#"{"name": "api", "mode": "window", "ratio": 0, "min_per_second": 20, "ttl": "60s"}"#, 1_200),
    ];
    for (budget, most) in budgets {
        let mut options = json(STORM);
        options["budget"] = json(budget);
        for processes in [1, 4] {
            let to_the_end = OutageOptions { outage: 50_000_000, processes, ..OutageOptions::default() };
            let (found, _) = pass(&policy(options.clone()), 7, to_the_end, 1_000);
            let retries = count(&found, "total_retries");
            assert!(retries <= most * processes, "{budget}: {retries} in {processes} processes");
            assert!(retries + count(&found, "unfinished") >= most, "{budget}: {retries} in {processes} processes");
        }
    }
}

#[test]
fn a_storm_outlives_the_outage_and_a_budget_or_a_breaker_ends_it() {
    let options = OutageOptions { capacity: Some(30), ..OutageOptions::default() };
    let outage_end = options.outage_at + options.outage;
    let recovery = |policy: &Policy| pass(policy, 1, options, 1_000).0["recovered_at_us"].as_u64();
    let storm = recovery(&policy(json(STORM))).expect("it ends at last");
    assert!(storm > outage_end + 5_000_000, "{storm}");
    let with = |name: &str| {
        let mut options = json(STORM);
        options[name] = json(r#"{"name": "x"}"#);
        policy(options)
    };
    assert_eq!(recovery(&with("budget")), Some(outage_end));
    let broken = pass(&with("breaker"), 1, options, 1_000).0;
    assert!(broken["load_in_outage"].as_f64().expect("a load") < 0.1, "{broken}");
    assert_eq!(recovery(&Policy::preset("none").expect("a preset")), Some(outage_end));
}

/// What reaches the server in each window, of calls that go by a sorted list of instants.
fn load_in_order(policy: &Policy, seed: u64, options: &OutageOptions) -> Vec<Load> {
    let mut load = vec![[0; 3]; options.windows() as usize];
    let (mut budget, mut breaker) = (policy.budget(), policy.breaker(call_seed(seed, 1)));
    let mut served = (0, 0);
    let failure = Failure { domain: Domain::Http, code: Code::Number(503), ..Failure::default() };
    let begins = |n: u64| n * 1_000_000_000_000 / options.calls_per_second;
    let mut calls: Vec<_> =
        (0..options.calls()).map(|n| policy.start(begins(n), call_seed(seed, n + 1), None, Mode::Normal)).collect();
    let mut waiting: BTreeSet<_> = (0..options.calls()).map(|n| (begins(n), n, n as usize)).collect();
    let mut put_in = options.calls();
    while let Some((now, _, number)) = waiting.pop_first() {
        let call = &mut calls[number];
        let shared = Shared { budget: budget.as_mut(), breaker: breaker.as_mut() };
        let Ok(attempt) = policy.attempt(call, now, shared) else { continue };
        let window = now / options.window;
        let counts = &mut load[window as usize];
        counts[usize::from(attempt.number > 1)] += 1;
        let shared = Shared { budget: budget.as_mut(), breaker: breaker.as_mut() };
        if !(options.outage_at..options.outage_at + options.outage).contains(&now) {
            served = (window, if served.0 == window { served.1 + 1 } else { 1 });
            if served.1 <= options.capacity.unwrap_or(u64::MAX) {
                policy.succeeded(call, now, shared);
                counts[2] += 1;
                continue;
            }
        }
        if let Decision::Retry { delay, .. } = policy.failed(call, now, &failure, shared)
            && now + delay < options.duration
        {
            waiting.insert((now + delay, put_in, number));
            put_in += 1;
        }
    }
    load
}

#[test]
fn calls_come_in_the_order_of_their_instants_however_many_begin_and_however_short_they_wait() {
    let shared = [
        ("none", serde_json::Value::Null, serde_json::Value::Null),
        ("budget", json(r#"{"name": "x", "capacity": 5000, "cost": 1}"#), serde_json::Value::Null),
        ("breaker", serde_json::Value::Null, json(r#"{"name": "x", "initial": "1ms", "max_delay": "4ms"}"#)),
    ];
    for (initial, max_delay) in [("1us", "3us"), ("40us", "900us"), ("1ms", "20ms"), ("300ms", "40s")] {
        for jitter in ["none", "full", "decorrelated"] {
            for (name, budget, breaker) in &shared {
                let policy = policy(serde_json::json!({
                    "attempts": 8, "timeout": "30s", "initial": initial, "max_delay": max_delay, "jitter": jitter,
                    "budget": budget, "breaker": breaker,
                }));
                for (calls_per_second, duration, window) in
                    [(1_000_000, 2_000, 100), (80_000, 30_000, 1_000), (97, 20_000_000, 50_000)]
                {
                    let options = OutageOptions {
                        calls_per_second: calls_per_second * 1_000_000,
                        duration,
                        outage_at: duration / 6,
                        outage: duration / 4,
                        capacity: Some(calls_per_second * window / 700_000 + 1),
                        window,
                        ..OutageOptions::default()
                    };
                    let found = pass(&policy, 5, options, 1_000).1;
                    assert!(found == load_in_order(&policy, 5, &options), "{initial} {jitter} {name} {options:?}");
                }
            }
        }
    }
}

#[test]
fn an_outage_refuses_a_room_that_is_too_small_and_traffic_without_bounds() {
    let base =
        OutageOptions { calls_per_second: 2_000_000, duration: 1_000_000, window: 400_000, ..Default::default() };
    assert_eq!((base.calls(), base.windows()), (2, 3));
    let tiny = |options: OutageOptions, (calls, windows, processes, breakers): (usize, usize, usize, usize)| {
        let mut room = OutageRoom {
            clients: &mut vec![Client::default(); calls],
            load: &mut vec![[0; 3]; windows],
            budgets: &mut vec![None; processes],
            guards: &mut vec![Guard::None; breakers],
            queue: &mut Box::new(Queue::EMPTY),
        };
        Outage::new(&Policy::standard(), None, None, 1, &options, &mut room).is_some()
    };
    assert!(tiny(base, (2, 3, 1, 1)));
    for room in [(1, 3, 1, 1), (2, 2, 1, 1), (2, 3, 0, 1), (2, 3, 1, 0)] {
        assert!(!tiny(base, room), "{room:?}");
    }
    for (calls_per_second, duration) in [(0, 1_000_000), (2_000_000, 0), (1, 60_000_000_001), (u64::MAX, u64::MAX)] {
        assert!(!tiny(OutageOptions { calls_per_second, duration, ..base }, (9, 9_999, 1, 1)), "{duration}");
    }
}

#[test]
fn a_chain_over_a_lossy_network_succeeds_as_often_as_the_formula_says() {
    let base = LossOptions { trials: 100_000, ..LossOptions::default() };
    for options in [
        base,
        LossOptions { attempts: 1, ..base },
        LossOptions { attempts: 1, repeats: 4, calls: 30, ..base },
        LossOptions { p: 200_000, r: 50_000, h: 300_000, k: 900_000, ..base },
        LossOptions { p: 1_000_000, r: 1_000_000, h: 0, k: 1_000_000, attempts: 2, ..base },
    ] {
        let mut loss = Loss::new(11, &options);
        while !loss.step(1_000) {}
        let found = json(&text(|out| loss.json(out)));
        let (formula, trials) = (options.by_formula() as f64 / 1e9, options.trials as f64);
        assert_eq!(found["by_formula"].as_f64(), Some(formula));
        let succeeded = found["succeeded"].as_u64().unwrap() as f64 / trials;
        // Five standard deviations of a share of independent trials.
        let chance = 5.0 * (formula * (1.0 - formula) / trials).sqrt();
        assert!((succeeded - formula).abs() <= chance, "{succeeded}, by formula {formula}");
    }
}

#[test]
fn independent_losses_have_the_closed_form_that_everybody_knows() {
    let options =
        LossOptions { p: 0, r: 0, h: 0, k: 900_000, calls: 10, repeats: 1, attempts: 1, ..LossOptions::default() };
    let success = 0.9_f64.powi(10);
    for (options, expected) in [
        (options, success),
        (LossOptions { attempts: 3, ..options }, 0.999_f64.powi(10)),
        (LossOptions { repeats: 3, ..options }, 1.0 - (1.0 - success).powi(3)),
    ] {
        // 0.9 is a probability out of 2^32, so it is up to 2^-32 smaller, in each of ten calls.
        let apart = (options.by_formula() as f64 / 1e9 - expected).abs();
        assert!(apart < 3e-9, "{options:?}: {apart}");
    }
}

#[test]
fn layers_multiply_and_budgets_do_not_let_them() {
    let three = policy(json(r#"{"attempts": 3, "timeout": null}"#));
    let run = |policy: &Policy, options| {
        let mut layers = Layers::new(policy, policy.budget().as_ref(), 1, &options);
        while !layers.step(10) {}
        json(&text(|out| layers.json(out)))
    };
    let found = run(&three, LayersOptions::default());
    assert_eq!(found["attempts"], json("[3000, 9000, 27000]"));
    assert_eq!((&found["amplification"], &found["most_at_bottom"]), (&json("27"), &json("27")));
    assert_eq!(found["gave_up"]["attempts"], 1_000);
    let half = run(&three, LayersOptions { failure_rate: 500_000, calls: 20_000, ..LayersOptions::default() });
    // 1.75 attempts at each of two upper layers would need attempts of theirs to fail half of the time; they fail 1 in 8.
    let bottom = half["amplification"].as_f64().unwrap();
    assert!((1.75..2.1).contains(&bottom), "{bottom}");
    let aws = run(&Policy::preset("aws").unwrap(), LayersOptions::default());
    assert!(aws["amplification"].as_f64().unwrap() < 1.2, "{aws}");
}

#[test]
fn a_herd_makes_as_many_retries_in_an_outage_as_the_analysis_says() {
    let mut room: Box<AnalysisRoom> = vec![0; 1 << 20].into_boxed_slice().try_into().expect("8 MB");
    let budgets = [
        (r#"{"name": "api"}"#, 35),
        (r#"{"name": "api", "capacity": 100, "cost": 7}"#, 14),
        (r#"{"name": "api", "mode": "failures"}"#, 4),
        (r#"{"name": "api", "mode": "failures", "capacity": 1000, "cost": 3}"#, 166),
        (r#"{"name": "api", "mode": "window", "ratio": 0, "min_per_second": 20, "ttl": "60s"}"#, 1_200),
    ];
    for (budget, burst) in budgets {
        let mut options = json(FULL);
        options["budget"] = json(budget);
        let policy = policy(options);
        let analysis = policy.analyse(&Options { failure_rate: 1_000_000, ..Options::default() }, &mut room);
        assert_eq!(analysis.outage_burst, Some(burst), "{budget}");
        // In six seconds nothing of a window that lasts a minute comes back.
        let herd = follow(&policy, 7, HerdOptions { windows: 59, ..HerdOptions::default() }, 100_000);
        assert!(u64::from(herd.arrivals.iter().flatten().sum::<u32>()) <= burst, "{budget}");
        let attempts = herd.json["attempts"].as_u64().expect("a count");
        let waiting = herd.json["unfinished"].as_u64().expect("a count");
        assert_eq!(attempts - 10_000 + waiting, burst, "{budget}");
    }
}
