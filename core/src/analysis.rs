//! What a policy does to calls whose attempts fail now and then: computed, not sampled.
//!
//! Attempts fail independently with one probability and all last the same; failures are of one class and bring no hint. What
//! has a closed form is exact. The waits are sums of uniform parts: these are put on a grid, and every figure that comes
//! from it carries a bound of its error. Source: SEMANTICS 17.

mod allowance;
mod chain;
mod fixed;
mod grid;
mod ladder;
mod model;
mod options;
mod report;

pub use allowance::Allowance;
pub use grid::Room;
pub use ladder::{Ladder, LadderOptions};
pub use options::Options;

pub(crate) use allowance::burst;
pub(crate) use model::{is_decorrelated, spans};
pub(crate) use report::Figure;

use crate::policy::Policy;
use crate::settings::MAX_DELAY;
use allowance::Limits;
use fixed::{ONE, in_units, power, scaled, times};
use grid::{Followed, Grid, HORIZON};
use model::Model;

/// A figure, and how far it may be from the truth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// The middle of what is possible.
    pub value: u64,
    /// Half of its width; 0 is exact up to rounding.
    pub error: u64,
}

/// How long calls take, over all of them, in microseconds. None where calls do not end within 1000 attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// The mean.
    pub mean: Option<Estimate>,
    /// Half of the calls take no longer.
    pub p50: Option<Estimate>,
    /// Nine of ten calls take no longer.
    pub p90: Option<Estimate>,
    /// 99 of 100 calls take no longer.
    pub p99: Option<Estimate>,
    /// No call takes longer; None if there is no limit.
    pub worst: Option<u64>,
    /// What each of these [shares](QUANTILES) of the calls does not exceed; None if the options do not ask for it.
    pub quantiles: Option<[Option<Estimate>; QUANTILES.len()]>,
}

/// Shares of calls in ten-thousandths, closer together where few calls are: what a picture of a distribution needs.
pub const QUANTILES: [u64; 22] = [
    1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 9100, 9200, 9300, 9400, 9500, 9600, 9700, 9800, 9900, 9950,
    9990, 9995, 9999,
];

/// What [`Policy::analyse`] finds. Probabilities are in billionths, attempts in millionths, times in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Analysis {
    /// The conditions.
    pub options: Options,
    /// The policy's limit of the whole call.
    pub timeout: Option<u64>,
    /// The call succeeds in the end.
    pub success: Estimate,
    /// It is given up for the reason `attempts`.
    pub by_attempts: Estimate,
    /// For the reason `class_attempts`.
    pub by_class_attempts: Estimate,
    /// For the reason `timeout`.
    pub by_timeout: Estimate,
    /// It is still retried after 1000 attempts.
    pub unfinished: Estimate,
    /// Attempts of a call on average, which is also what retries multiply the load with, as far as no budget limits them.
    pub attempts: Estimate,
    /// Attempts of a call at most; None if there is no limit.
    pub most_attempts: Option<u64>,
    /// Whose budget limits the retries.
    pub allowance: Allowance,
    /// Retries that a full budget allows while no attempt succeeds, at most: the burst at the beginning of an outage. A window's is
    /// its reserve; its calls add `ratio` each. None if no budget limits them, or one that was made elsewhere.
    pub outage_burst: Option<u64>,
    /// Attempts of a call on average that the budget sustains in the long run; without one, the same as `attempts`. It is the
    /// balance of what retries take and successes give, of a budget that is large beside what a retry takes: one of a few
    /// retries wavers about it. None if the budget was made elsewhere.
    pub sustained_load: Option<Estimate>,
    /// The same if every attempt fails, at most; timeouts are left out. None if there is no limit, or the budget was made elsewhere.
    pub outage_load: Option<Estimate>,
    /// The waits of a call together.
    pub wait: Distribution,
    /// The waits and the attempts after the first, each in full: what retrying adds to the time of a call.
    pub added_latency: Distribution,
    /// No call takes longer, attempts included; None if there is no limit.
    pub worst_time: Option<u64>,
    /// What a stack of layers with this policy makes of one call at its bottom: on average, and in an outage. Timeouts are
    /// left out; saturates. None if there is no limit.
    pub amplification: Option<Estimate>,
    /// In an outage: attempts of one layer, times those of the next.
    pub worst_amplification: Option<u64>,
    /// A chain of calls succeeds within its repeats.
    pub chain: Estimate,
    /// The same without retries.
    pub chain_without: Estimate,
}

impl Policy {
    /// Computes what becomes of calls under these conditions. Takes some milliseconds; a second for 1000 attempts.
    ///
    /// ```
    /// use undaunted::Policy;
    /// use undaunted::analysis::{Options, Room};
    ///
    /// let mut room: Box<Room> = vec![0; 1 << 20].into_boxed_slice().try_into().expect("8 MB");
    /// let policy = Policy::preset("interactive").expect("a preset");
    /// let analysis = policy.analyse(&Options { failure_rate: 500_000, ..Options::default() }, &mut room);
    /// assert_eq!(analysis.success.value, 875_000_000); // 1 - 0.5^3, in billionths
    /// assert_eq!(analysis.wait.mean.expect("a limited policy").value, 100_000); // 0.5 · 100 ms + 0.25 · 200 ms
    /// ```
    pub fn analyse(&self, options: &Options, room: &mut Room) -> Analysis {
        let model = Model::of(self, options);
        let grid = grid::calculate(&model, room);
        let [success, by_attempts, by_timeout, unfinished] = [
            |found: &Followed| found.success,
            |found: &Followed| found.by_attempts,
            |found: &Followed| found.by_timeout,
            |found: &Followed| found.unfinished,
        ]
        .map(|of| between(of(&grid.down), of(&grid.up), BILLION));
        let (by_attempts, by_class_attempts) = match model.is_class_limit {
            true => (Estimate::default(), by_attempts),
            false => (by_attempts, Estimate::default()),
        };
        let attempts = between(grid.down.started, grid.up.started, MILLION);
        let wait = waits(&model, &grid, options.quantiles);
        let added_latency = latencies(&model, &grid, &wait, attempts);
        let limits = Limits::of(self, options);
        let is_known = limits.allowance != Allowance::Elsewhere;
        let most = model.attempts.map(|attempts| attempts.saturating_mul(MILLION));
        let in_outage = least(most, limits.in_outage.map(|retries| retries.saturating_add(MILLION)));
        let chain = |each: u64| {
            let all = power(each, options.calls);
            in_units((ONE - power(ONE - all, options.repeats)).into(), BILLION)
        };
        let [low, high] = [success.value.saturating_sub(success.error), success.value.saturating_add(success.error)]
            .map(|each| chain(scaled(each.min(BILLION), ONE, BILLION)));
        let without = chain(model.success());
        Analysis {
            options: *options,
            timeout: model.timeout,
            success,
            by_attempts,
            by_class_attempts,
            by_timeout,
            unfinished,
            attempts,
            most_attempts: model.attempts,
            allowance: limits.allowance,
            outage_burst: limits.burst,
            sustained_load: is_known.then(|| sustained(attempts, limits.sustained)),
            outage_load: in_outage.filter(|_| is_known).map(|value| Estimate { value, error: 0 }),
            wait,
            added_latency,
            worst_time: worst_time(&model, options),
            amplification: model.attempts.map(|attempts| amplification(&model, attempts, options.layers)),
            worst_amplification: model.attempts.map(|attempts| attempts.saturating_pow(options.layers as u32)),
            chain: middle(low, high),
            chain_without: Estimate { value: without, error: 0 },
        }
    }
}

/// Attempts of a call, its own or 1 and the retries of the budget, whichever is less.
fn sustained(own: Estimate, retries: Option<u64>) -> Estimate {
    let limit = retries.map_or(u64::MAX, |retries| retries.saturating_add(MILLION));
    let [low, high] = [own.value.saturating_sub(own.error), own.value.saturating_add(own.error)];
    middle(low.min(limit), high.min(limit))
}

/// What lies between the two calculations.
fn between(one: u128, other: u128, unit: u64) -> Estimate {
    middle(in_units(one.min(other), unit), in_units(one.max(other), unit))
}

fn middle(low: u64, high: u64) -> Estimate {
    let width = high.saturating_sub(low);
    Estimate { value: low + width / 2, error: width.div_ceil(2) }
}

fn waits(model: &Model, grid: &Grid, asks_more: bool) -> Distribution {
    let all = model.attempts.map(|attempts| longest(model, attempts - 1));
    let limit = model.timeout.map(|_| model.latest(1).unwrap_or(0));
    let worst = least(all, limit);
    let mut spread = Distribution { worst, quantiles: asks_more.then_some(NONE), ..Distribution::default() };
    let ends = |n: usize| model.spans().take(n).fold(0, |sum: u64, span| sum.saturating_add(span.low));
    fill(&mut spread, model, grid, [grid.down.waits, grid.up.waits], &ends);
    // Where no decision depends on the waits, the mean of each is that of its delays.
    if let Some(twice) = grid.twice_mean {
        let [low, high] = twice.map(|sum| ((sum >> 62) as u64).div_ceil(2));
        spread.mean = spread.mean.map(|_| middle(low, high));
    }
    spread
}

fn latencies(model: &Model, grid: &Grid, wait: &Distribution, attempts: Estimate) -> Distribution {
    if model.duration == 0 {
        return *wait;
    }
    let ends = |n: usize| {
        let waits = model.spans().take(n).fold(0, |sum: u64, span| sum.saturating_add(span.low));
        waits.saturating_add(model.duration.saturating_mul(n as u64))
    };
    let retries = model.attempts.map(|attempts| model.duration.saturating_mul(attempts - 1));
    let all = retries.zip(wait.worst).map(|(retries, wait)| wait.saturating_add(retries));
    // The last attempt starts before the deadline.
    let worst = least(all, model.timeout.map(|timeout| timeout.saturating_sub(model.min_attempt.unwrap_or(1))));
    let mut spread = Distribution { worst, quantiles: wait.quantiles.map(|_| NONE), ..Distribution::default() };
    fill(&mut spread, model, grid, [grid.down.latencies, grid.up.latencies], &ends);
    let nearest = |retries: u64| scaled(retries, model.duration.saturating_mul(2), MILLION).div_ceil(2);
    spread.mean = wait.mean.map(|mean| {
        let retries = attempts.value.saturating_sub(MILLION);
        Estimate {
            value: mean.value.saturating_add(nearest(retries)),
            error: mean.error.saturating_add(nearest(attempts.error)),
        }
    });
    spread
}

/// Mean and quantiles, from the distributions rounded down and up. `ends` says what cells mean whose delays are not random.
fn fill(spread: &mut Distribution, model: &Model, grid: &Grid, [down, up]: [&[u64]; 2], ends: &dyn Fn(usize) -> u64) {
    let place = |cell: usize| if grid.is_discrete { ends(cell) } else { grid.step.saturating_mul(cell as u64) };
    let worst = spread.worst.unwrap_or(u64::MAX);
    let quantile = |share: u64| {
        let reached = |cells: &[u64], wanted: u64| {
            let mut sum = 0;
            cells.iter().position(|mass| {
                sum += mass;
                sum >= wanted
            })
        };
        let wanted = scaled(share, ONE, 10_000) - TIE;
        // Calls whose first attempt succeeds wait for nothing, whatever the grid.
        if model.success() >= wanted {
            return Some(Estimate::default());
        }
        let low = place(reached(down, wanted.saturating_sub(grid.doubt))?);
        let high = reached(up, wanted.saturating_add(grid.doubt)).map_or(worst, place).min(worst);
        (high != u64::MAX).then(|| middle(low.min(high), high))
    };
    (spread.p50, spread.p90, spread.p99) = (quantile(5000), quantile(9000), quantile(9900));
    spread.quantiles = spread.quantiles.map(|_| QUANTILES.map(quantile));
    if grid.down.unfinished.max(grid.up.unfinished) >= u128::from(ONE / BILLION) {
        return;
    }
    let mean = |cells: &[u64]| {
        let sum: u128 = (cells.iter().enumerate().filter(|(_, mass)| **mass != 0))
            .map(|(cell, mass)| u128::from(*mass) * u128::from(place(cell).min(worst)))
            .fold(0, u128::saturating_add);
        ((sum + HALF) >> 62) as u64
    };
    let doubt = times(grid.doubt, worst.min(u64::MAX >> 8));
    spread.mean = Some(middle(mean(down).saturating_sub(doubt), mean(up).saturating_add(doubt).min(worst)));
}

/// The longest a call can take, attempts included.
fn worst_time(model: &Model, options: &Options) -> Option<u64> {
    let attempt = model.policy.attempt_timeout().unwrap_or(options.attempt_duration);
    let last = if model.is_interrupted { 0 } else { attempt };
    let all =
        model.attempts.map(|attempts| attempt.saturating_mul(attempts).saturating_add(longest(model, attempts - 1)));
    least(all, model.timeout.map(|timeout| timeout.saturating_add(last)))
}

/// The longest that so many retries can wait together.
fn longest(model: &Model, retries: u64) -> u64 {
    let followed = retries.min(HORIZON);
    let waits = model.spans().take(followed as usize).fold(0, |sum: u64, span| sum.saturating_add(span.high()));
    // Far beyond the table of ceilings, all wait as long, or linear ones up to the cap.
    waits.saturating_add((retries - followed).saturating_mul(model.policy.settings[MAX_DELAY]))
}

fn least(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Attempts at the bottom of a stack of layers for one call at its top, in millionths: (1 - f^M) / (1 - f) with M = m^layers,
/// since a layer whose calls fail with f^m is a layer of m times as many attempts.
fn amplification(model: &Model, attempts: u64, layers: u64) -> Estimate {
    let all = attempts.saturating_pow(layers as u32);
    let value = match model.success() {
        0 => all.saturating_mul(MILLION),
        success => scaled(ONE - power(model.failure, all), MILLION, success),
    };
    Estimate { value, error: 0 }
}

const NONE: [Option<Estimate>; QUANTILES.len()] = [None; QUANTILES.len()];
const HALF: u128 = 1 << 61;
const BILLION: u64 = 1_000_000_000;
const MILLION: u64 = 1_000_000;
/// Where a share of calls ends exactly at a cell, flooring must not move it to the next.
const TIE: u64 = 1 << 30;
