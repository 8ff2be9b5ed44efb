//! What a budget makes of a policy: how many retries a full one allows, and how many go on for ever.
//!
//! The long run is a balance of tokens. It is that of a budget which is large beside what a retry takes: such a one is full as
//! long as it gains tokens, and at the brink where it refuses as long as it would lose them. A small one wavers about it.
//! Source: SEMANTICS 8 and 17.

use super::fixed::scaled;
use super::options::Options;
use crate::backoff::MILLION as PARTS;
use crate::budget::{Budget, BudgetMode};
use crate::policy::Policy;
use crate::settings::{
    BUDGET_CAPACITY, BUDGET_COST, BUDGET_PER_SECOND, BUDGET_RATIO, BUDGET_REFUND, BUDGET_REWARD, BUDGET_TTL, TRUE,
};

/// Whose budget limits the retries of all calls together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allowance {
    /// Nobody's: they are not limited.
    #[default]
    None,
    /// The policy says what it is made of.
    Own,
    /// The policy only names it: of what it allows, nothing is known.
    Elsewhere,
}

/// What the budget allows; None is no limit.
#[derive(Default)]
pub(super) struct Limits {
    pub allowance: Allowance,
    /// Retries that a full budget allows if nothing succeeds, at most.
    pub burst: Option<u64>,
    /// Retries for each call in the long run, in millionths: at the failure rate, and if every attempt fails.
    pub sustained: Option<u64>,
    pub in_outage: Option<u64>,
}

impl Limits {
    pub fn of(policy: &Policy, options: &Options) -> Limits {
        let Some(budget) = policy.budget() else {
            let is_named = policy.budget_name().is_some();
            let allowance = if is_named { Allowance::Elsewhere } else { Allowance::None };
            return Limits { allowance, ..Limits::default() };
        };
        let cost = policy.cost(options.class).unwrap_or(budget.of(BUDGET_COST));
        let sustained = |failure_rate| match budget.mode() {
            BudgetMode::Bucket => bucket(&budget, cost, failure_rate),
            BudgetMode::Failures => failures(&budget, cost, failure_rate),
            BudgetMode::Window => Some(window(&budget, options)),
        };
        Limits {
            allowance: Allowance::Own,
            burst: burst(&budget, cost),
            sustained: sustained(options.failure_rate),
            in_outage: sustained(MILLION),
        }
    }
}

/// Retries from a full budget on, at most, while nothing succeeds. None is no limit.
pub(crate) fn burst(budget: &Budget, cost: u64) -> Option<u64> {
    let capacity = budget.of(BUDGET_CAPACITY);
    match budget.mode() {
        BudgetMode::Bucket => capacity.checked_div(cost),
        // Failure j is retried if capacity - j cost is more than half of capacity.
        BudgetMode::Failures => capacity.saturating_sub(1).checked_div(cost.saturating_mul(2)),
        BudgetMode::Window => Some(budget.of(BUDGET_PER_SECOND).saturating_mul(budget.of(BUDGET_TTL)) / MILLION),
    }
}

/// With R retries for each call, f failing and s = 1 - f succeeding: each retry takes c, the success of one gives it back, and
/// that of a first attempt gives r. c R = c s R + r s, so R = r s / (c f): at f = 1/2, 1/14 in AWS's SDKs 2.1. Where nothing is
/// given back, each of the s (1 + R) successes gives r: c R = r s (1 + R), so R = r s / (c - r s).
fn bucket(budget: &Budget, cost: u64, failure_rate: u64) -> Option<u64> {
    let gained = budget.of(BUDGET_REWARD).saturating_mul(MILLION - failure_rate);
    if budget.of(BUDGET_REFUND) == TRUE {
        return gained.checked_div(cost.saturating_mul(failure_rate));
    }
    let lost = cost.saturating_mul(MILLION).saturating_mul(MILLION).checked_sub(gained).filter(|lost| *lost > 0)?;
    Some(scaled(gained, MILLION, lost))
}

/// Every attempt counts, retry or not: on average it gives r s and takes c f. While that is a gain the budget is full, and
/// limits nothing; else it sinks below its half, and there is no retry at all.
fn failures(budget: &Budget, cost: u64, failure_rate: u64) -> Option<u64> {
    let gained = budget.of(BUDGET_REWARD).saturating_mul(MILLION - failure_rate);
    let lost = cost.saturating_mul(MILLION).saturating_mul(failure_rate);
    if gained >= lost { None } else { Some(0) }
}

/// Whatever becomes of them, n calls in a second leave n ratio + min_per_second retries in it.
fn window(budget: &Budget, options: &Options) -> u64 {
    let reserve = budget.of(BUDGET_PER_SECOND).saturating_mul(MILLION).saturating_mul(MILLION);
    let each = options.calls_per_second.and_then(|rate| reserve.checked_div(rate)).unwrap_or(0);
    budget.of(BUDGET_RATIO).saturating_add(each)
}

const MILLION: u64 = PARTS as u64;
