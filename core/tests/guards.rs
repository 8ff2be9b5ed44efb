//! What holds for every guard, seed and order of events, misuse and the ends of time included.

use proptest::prelude::*;
use undaunted::breaker::{Outcome, Permit, State};
use undaunted::bulkhead::Entry;
use undaunted::hedge::Step;
use undaunted::tape::Writer;
use undaunted::{Breaker, Budget, Bulkhead, Hedge, Notation, Policy, Throttle};

/// A map of options, each a number or a text.
fn tape(options: &[(&str, &str)]) -> Vec<u8> {
    let mut tape = Vec::new();
    let mut push = |bytes: &[u8]| tape.extend_from_slice(bytes);
    let mut writer = Writer::new(&mut push);
    writer.map();
    for (name, value) in options {
        writer.text(name);
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if is_number { writer.number(value) } else { writer.text(value) }
    }
    writer.end_map();
    tape
}

fn breaker(options: &[(&str, &str)]) -> Breaker {
    Breaker::compile(&tape(options), Notation::Json, 7, &mut |problem| panic!("{}", problem.code)).expect("a breaker")
}

/// Instants: near each other, far away, and the last there are.
fn instants() -> impl Strategy<Value = u64> {
    prop_oneof![0..5_000_u64, any::<u64>(), Just(u64::MAX)]
}

#[derive(Clone, Debug)]
enum Event {
    Permit(u64),
    Settle(usize, usize, u64, u64),
    Forge(u32, u32, u64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        instants().prop_map(Event::Permit),
        (any::<usize>(), 0..4_usize, instants(), instants())
            .prop_map(|(which, outcome, elapsed, now)| { Event::Settle(which, outcome, elapsed, now) }),
        (0..9_u32, 0..9_u32, instants()).prop_map(|(generation, number, now)| Event::Forge(generation, number, now)),
    ];
    prop::collection::vec(event, 1..200)
}

/// Three tokens, one for each attempt.
fn budget() -> Budget {
    let mut tape = Vec::new();
    let mut out = |bytes: &[u8]| tape.extend_from_slice(bytes);
    let mut writer = Writer::new(&mut out);
    writer.map();
    writer.text("budget");
    writer.map();
    for (option, digits) in [("capacity", "3"), ("cost", "1")] {
        writer.text(option);
        writer.number(digits);
    }
    writer.text("name");
    writer.text("b");
    writer.end_map();
    writer.end_map();
    let policy = Policy::compile(&tape, Notation::Json, None, &mut |_| {}).expect("a policy");
    policy.budget().expect("a budget")
}

proptest! {
    #[test]
    fn a_breaker_never_has_more_probes_out_than_it_may(by_time: bool, probes in 1..=16_u32, events in events()) {
        let probes_text = probes.to_string();
        let window = if by_time { ("window_time", "1ms") } else { ("window_calls", "3") };
        let mut breaker = breaker(&[
            window, ("min_calls", "2"), ("slow_after", "900us"), ("initial", "300us"), ("max_delay", "2ms"),
            ("probe_timeout", "1ms"), ("probes", &probes_text),
        ]);
        let mut permits: Vec<Permit> = Vec::new();
        for event in events {
            match event {
                Event::Permit(now) => match breaker.permit(now) {
                    Ok(permit) => permits.push(permit),
                    Err(retry_in) => prop_assert!(retry_in > 0 && retry_in <= 2_000, "{retry_in}"),
                },
                Event::Settle(which, outcome, elapsed, now) if !permits.is_empty() => {
                    breaker.settle(permits[which % permits.len()], Outcome::ALL[outcome], elapsed, now);
                }
                Event::Settle(..) => {}
                Event::Forge(generation, number, now) => {
                    breaker.settle(Permit { generation, number }, Outcome::Failed, 0, now);
                }
            }
            let found = breaker.snapshot(0);
            prop_assert!(found.state == State::HalfOpen || found.probing == 0);
            prop_assert!(found.state != State::HalfOpen || found.probing + found.calls <= probes);
            prop_assert!(found.failures <= found.calls && found.slow <= found.calls);
            prop_assert!((found.state == State::Closed) == (found.trips == 0));
        }
    }

    #[test]
    fn a_bulkhead_is_never_fuller_than_it_may_be(limit in 1..5_u64, queue in 0..5_u64, events in prop::collection::vec(0..3_u8, 0..200)) {
        let options = tape(&[("limit", &limit.to_string()), ("queue", &queue.to_string())]);
        let mut bulkhead = Bulkhead::compile(&options, Notation::Json, &mut |_| {}).expect("a bulkhead");
        let mut last = 0;
        for event in events {
            match event {
                0 => match bulkhead.enter() {
                    Entry::Admitted => {}
                    Entry::Waiting(ticket) => {
                        prop_assert!(ticket > last && bulkhead.running() == limit);
                        last = ticket;
                    }
                    Entry::Refused => prop_assert!(bulkhead.running() == limit && bulkhead.waiting() == queue),
                },
                1 => _ = bulkhead.leave(),
                _ => bulkhead.cancel(),
            }
            prop_assert!(bulkhead.running() <= limit && bulkhead.waiting() <= queue);
            prop_assert!(bulkhead.waiting() == 0 || bulkhead.running() == limit, "one waits though there is room");
        }
    }

    #[test]
    fn a_race_starts_no_more_attempts_than_it_may(attempts in 1..6_u32, events in prop::collection::vec((0..5_u8, instants()), 0..100)) {
        let options = tape(&[("delay", "500us"), ("jitter", "500us"), ("attempts", &attempts.to_string())]);
        let hedge = Hedge::compile(&options, Notation::Json, &mut |_| {}).expect("a hedge");
        let mut race = hedge.start(0, 7);
        let mut budget = budget();
        let mut started = 0;
        for (event, at) in events {
            match event {
                0 => race.failed(at, Some(at), Some(&mut budget)),
                1 => race.failed(at, None, Some(&mut budget)),
                2 if at % 7 == 0 => race.refused(Some(&mut budget)),
                _ => {}
            }
            if let Step::Start(number) = race.step(at, Some(&mut budget)) {
                started += 1;
                prop_assert_eq!(number, started);
            }
        }
        prop_assert!(started <= attempts);
        // What was started beside the first is paid, and nothing else.
        prop_assert_eq!(budget.tokens(0), 3_000_000 - u64::from(started.saturating_sub(1)) * 1_000_000);
        race.succeeded(0, Some(&mut budget));
        prop_assert_eq!(budget.tokens(0), 3_000_000 - u64::from(started.saturating_sub(2)) * 1_000_000);
        race.succeeded(0, Some(&mut budget));
        prop_assert_eq!(budget.tokens(0), 3_000_000 - u64::from(started.saturating_sub(2)) * 1_000_000);
        prop_assert_eq!(race.step(0, None), Step::End);
    }

    #[test]
    fn a_throttle_that_accepts_all_it_lets_through_refuses_nothing(times in prop::collection::vec(0..1_000_000_000_u64, 1..100), word: u64) {
        let mut throttle = Throttle::compile(&tape(&[("k", "1")]), Notation::Json, 7, &mut |_| {}).expect("a throttle");
        for now in times {
            prop_assert!(throttle.allow(now, word));
            throttle.accepted(now);
        }
    }

    #[test]
    fn any_bytes_are_options_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0..4_u8) {
        let mut problems = 0;
        let mut problem = |problem: &undaunted::Problem| {
            problems += 1;
            problem.text(&mut |_| {});
            problem.pointer(&mut |_| {});
        };
        let is_made = match kind {
            0 => Breaker::compile(&bytes, Notation::JavaScript, 0, &mut problem).is_some(),
            1 => Throttle::compile(&bytes, Notation::JavaScript, 0, &mut problem).is_some(),
            2 => Bulkhead::compile(&bytes, Notation::JavaScript, &mut problem).is_some(),
            _ => Hedge::compile(&bytes, Notation::JavaScript, &mut problem).is_some(),
        };
        prop_assert_eq!(is_made, problems == 0);
    }
}
