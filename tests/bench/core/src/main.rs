//! One decision of the core beside other crates, all in one process and in turns: prints nanoseconds and ratios, asserts nothing.
//!
//! The floor is what no drawn wait can do without: one word of xoshiro256++, one wide multiplication, one comparison with
//! the deadline. A decision is made for retries 1 to 8 of a call in turn, with waits from 1 s to 10 s, full jitter where a
//! peer has it. What each peer does is named beside it: most only compute a delay.

use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime};

use backon::BackoffBuilder;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};
use retry_policies::RetryPolicy;
use tower::retry::backoff::{Backoff, ExponentialBackoffMaker, MakeBackoff};
use undaunted::{Code, Decision, Domain, Failure, Mode, Policy, Shared};

/// Retries of one call.
const RETRIES: u32 = 8;
const ROUNDS: usize = 31;
const CALLS: u32 = 20_000;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(10);

/// A name, what it does beside a delay, and a call with all its retries; the answer keeps it from being optimised away.
type Subject<'s> = (&'static str, &'static str, Box<dyn FnMut(u64) -> u64 + 's>);

fn main() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime for tower's timers");
    let _inside = runtime.enter();
    let mut subjects = subjects();
    let mut best = vec![f64::INFINITY; subjects.len()];
    for _ in 0..ROUNDS {
        for ((_, _, call), best) in subjects.iter_mut().zip(&mut best) {
            let started_at = Instant::now();
            let sum = (0..u64::from(CALLS)).fold(0, |sum: u64, number| sum.wrapping_add(call(black_box(number))));
            black_box(sum);
            let each = started_at.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS * RETRIES);
            *best = best.min(each);
        }
    }
    let floor = best[0];
    println!("one decision of the core, best of {ROUNDS} rounds in turns");
    for ((name, what, _), nanos) in subjects.iter().zip(&best) {
        println!("  {name:<22}{nanos:8.1} ns {:7.1} × floor   {what}", nanos / floor);
    }
}

fn subjects<'s>() -> Vec<Subject<'s>> {
    let mut words = Xoshiro256PlusPlus::seed_from_u64(1);
    let floor = move |started_at: u64| {
        (1..=RETRIES).fold(0, |sum, _| {
            let wide = u128::from(words.next_u64()) * u128::from(black_box(10_000_001_u64));
            let delay = (wide >> 64) as u64;
            sum + if started_at + delay < black_box(u64::MAX) { delay } else { 0 }
        })
    };

    let policy = Policy::standard();
    let delays = move |seed: u64| policy.schedule(seed).take(RETRIES as usize).sum();

    let policy = Policy::standard();
    let decide = move |number: u64, failure: &Failure| {
        let mut call = policy.start(0, number, None, Mode::Normal);
        (1..=RETRIES).fold(0, |sum, _| match policy.failed(&mut call, 0, black_box(failure), Shared::default()) {
            Decision::Retry { delay, .. } => sum + delay,
            Decision::GiveUp { .. } => sum,
        })
    };
    let http = Failure { domain: Domain::Http, code: Code::Number(503), ..Failure::default() };
    let errno = Failure { domain: Domain::Os, code: Code::Name(b"ECONNRESET"), ..Failure::default() };

    let by_backon = backon::ExponentialBuilder::new()
        .with_min_delay(FIRST)
        .with_max_delay(LONGEST)
        .with_max_times(RETRIES as usize)
        .with_jitter();
    let by_tokio_retry = || {
        tokio_retry::strategy::ExponentialBackoff::from_millis(2)
            .factor(500)
            .max_delay(LONGEST)
            .map(tokio_retry::strategy::jitter)
            .take(RETRIES as usize)
    };
    let by_exponential_backoff = exponential_backoff::Backoff::new(RETRIES + 1, FIRST, LONGEST);
    let by_retry_policies = retry_policies::policies::ExponentialBackoff::builder()
        .retry_bounds(FIRST, LONGEST)
        .jitter(retry_policies::Jitter::Full)
        .build_with_max_retries(RETRIES);
    let mut by_tower = ExponentialBackoffMaker::new(FIRST, LONGEST, 0.99, tower::util::rng::HasherRng::default())
        .expect("a backoff of tower's");

    vec![
        ("floor", "a word, a multiplication, a comparison", Box::new(floor)),
        ("undaunted, delay", "the delay alone: Policy::schedule", Box::new(delays)),
        (
            "undaunted, status",
            "Policy::failed: classifies 503, all checks, deadline",
            Box::new({
                let decide = decide.clone();
                move |number| decide(number, &http)
            }),
        ),
        ("undaunted, name", "the same for ECONNRESET by its name", Box::new(move |number| decide(number, &errno))),
        ("backon", "delay", Box::new(move |_| total(by_backon.build()))),
        ("tokio-retry", "delay", Box::new(move |_| total(by_tokio_retry()))),
        ("exponential-backoff", "delay", Box::new(move |_| total(by_exponential_backoff.iter().flatten()))),
        (
            "retry-policies",
            "an instant of the wall clock, which it reads",
            Box::new(move |_| {
                let started_at = SystemTime::UNIX_EPOCH;
                let retries = (0..RETRIES).map(|n| by_retry_policies.should_retry(started_at, n));
                let waits = retries.map(|decision| match decision {
                    retry_policies::RetryDecision::Retry { execute_after } => {
                        execute_after.duration_since(started_at).unwrap_or_default()
                    }
                    retry_policies::RetryDecision::DoNotRetry => Duration::ZERO,
                });
                total(waits)
            }),
        ),
        (
            "tower",
            "a timer of tokio's with the delay in it",
            Box::new(move |_| {
                let mut backoff = by_tower.make_backoff();
                (0..RETRIES).map(|_| u64::from(backoff.next_backoff().is_elapsed())).sum()
            }),
        ),
    ]
}

fn total(waits: impl Iterator<Item = Duration>) -> u64 {
    waits.map(|wait| u64::from(wait.subsec_nanos())).sum()
}
