//! The settings of other systems, as far as they go.

use crate::backoff::Backoff;
use crate::budget::BudgetMode;
use crate::classify::find;
use crate::convert::grpc::{MOST, MOST_TOKENS, NAMES};
use crate::failure::{Class, Code, Domain, Failure, Phase};
use crate::hint_rule::HintMode;
use crate::policy::Policy;
use crate::settings::{BUDGET_CAPACITY, BUDGET_COST, BUDGET_MODE, BUDGET_REWARD, FACTOR, HINT_MAX, MAX_DELAY};
use crate::text::Text;

pub(super) fn curl(policy: &Policy, text: &mut Text) {
    text.text("curl");
    if policy.attempts() != Some(1) {
        text.text(" --retry ").number(MANY_ATTEMPTS.min(retries(policy).into())).text(" --retry-connrefused");
        if let Some(delay) = constant(policy) {
            text.text(" --retry-delay ").number(delay.div_ceil(SECOND).max(1));
        }
        if let Some(timeout) = policy.timeout() {
            text.text(" --retry-max-time ").number(timeout.div_ceil(SECOND));
        }
    }
    if let Some(limit) = policy.attempt_timeout().or(policy.timeout().filter(|_| policy.attempts() == Some(1))) {
        text.text(" --max-time ").decimal(limit, 6);
    }
    text.text(" https://example.com/\n");
}

pub(super) fn grpc(policy: &Policy, text: &mut Text) {
    text.text("{\n  \"methodConfig\": [\n    {\n      \"name\": [{}]");
    if let Some(timeout) = policy.timeout() {
        text.text(",\n      \"timeout\": \"").decimal(timeout, 6).text("s\"");
    }
    let is_retried = |number: &usize| is_retried(policy, Domain::Grpc, *number as i64);
    let mut codes = (0..NAMES.len()).filter(is_retried).peekable();
    if policy.attempts() != Some(1) && codes.peek().is_some() {
        let [first, longest] = grown(policy);
        text.text(",\n      \"retryPolicy\": {\n        \"maxAttempts\": ");
        text.number(policy.attempts().map_or(MOST, |attempts| MOST.min(attempts.into())));
        text.text(",\n        \"initialBackoff\": \"").decimal(first, 6);
        text.text("s\",\n        \"maxBackoff\": \"").decimal(longest, 6);
        text.text("s\",\n        \"backoffMultiplier\": ").decimal(grpc_factor(policy), 6);
        text.text(",\n        \"retryableStatusCodes\": [");
        let mut before = "\"";
        for code in codes.filter_map(|number| NAMES.get(number)) {
            text.text(before).text(code).text("\"");
            before = ", \"";
        }
        text.text("]");
        if let Some(limit) = policy.attempt_timeout() {
            text.text(",\n        \"perAttemptRecvTimeout\": \"").decimal(limit, 6).text("s\"");
        }
        text.text("\n      }");
    }
    text.text("\n    }\n  ]");
    if let Some([tokens, ratio]) = throttling(policy) {
        text.text(",\n  \"retryThrottling\": {\n    \"maxTokens\": ").number(tokens);
        text.text(",\n    \"tokenRatio\": ").decimal(ratio, 6).text("\n  }");
    }
    text.text("\n}\n");
}

pub(super) fn envoy(policy: &Policy, text: &mut Text) {
    // Without one it would be 15 s.
    text.text("timeout: ").decimal(policy.timeout().unwrap_or(0), 6).text("s\n");
    let limit = policy.attempt_timeout();
    if policy.attempts() == Some(1) && limit.is_none() {
        return;
    }
    let [first, longest] = grown(policy);
    text.text("retry_policy:\n  num_retries: ").number(retries(policy).into());
    text.text("\n  retry_on: connect-failure,refused-stream,reset,retriable-status-codes");
    for (number, name) in ENVOYS {
        if is_retried(policy, Domain::Grpc, number) {
            text.text(",").text(name);
        }
    }
    text.text("\n  retriable_status_codes: [");
    let mut before = "";
    for status in (400..600).filter(|status| is_retried(policy, Domain::Http, *status)) {
        text.text(before).number(status.unsigned_abs());
        before = ", ";
    }
    text.text("]\n  retry_back_off:\n    base_interval: ").decimal(first, 6);
    text.text("s\n    max_interval: ").decimal(longest, 6).text("s\n");
    if let Some(limit) = limit {
        text.text("  per_try_timeout: ").decimal(limit, 6).text("s\n");
    }
    if HintMode::of(&policy.settings) != HintMode::Ignore {
        text.text(
            "  rate_limited_retry_back_off:\n    reset_headers:\n    - name: Retry-After\n      format: SECONDS\n",
        );
        if let Some(most) = policy.limit(HINT_MAX) {
            text.text("    max_interval: ").decimal(most, 6).text("s\n");
        }
    }
}

pub(super) fn aws(policy: &Policy, text: &mut Text) {
    text.text("AWS_RETRY_MODE=standard\nAWS_MAX_ATTEMPTS=");
    text.number(policy.attempts().map_or(MANY_ATTEMPTS, |attempts| MANY_ATTEMPTS.min(attempts.into()))).text("\n");
}

/// How many there are; as many as a number holds without a limit.
pub(super) fn retries(policy: &Policy) -> u32 {
    policy.attempts().map_or(u32::MAX, |attempts| attempts - 1)
}

/// The delay before every retry, if it is always the same.
pub(super) fn constant(policy: &Policy) -> Option<u64> {
    let mut delays = delays(policy);
    let first = delays.next().filter(|_| Backoff::of(&policy.settings) != Backoff::Exponential)?;
    delays.all(|delay| delay == first).then_some(first)
}

/// The delays of retries before jitter, as far as they change or there are retries.
pub(super) fn delays(policy: &Policy) -> impl Iterator<Item = u64> {
    (1..=retries(policy).min(MANY)).map(|retry| policy.ceiling(Class::Transient, retry))
}

/// The first delay and the longest, for systems that let delays grow from the one to the other.
pub(super) fn grown(policy: &Policy) -> [u64; 2] {
    let first = delays(policy).find(|delay| *delay > 0).unwrap_or(SECOND);
    let longest = match Backoff::of(&policy.settings) {
        Backoff::Exponential => policy.limit(MAX_DELAY).unwrap_or(first),
        Backoff::Linear | Backoff::Constant | Backoff::List => delays(policy).max().unwrap_or(first),
    };
    [first, longest.max(first)]
}

/// In millionths.
pub(super) fn grpc_factor(policy: &Policy) -> u64 {
    if constant(policy).is_some() { 1_000_000 } else { policy.limit(FACTOR).unwrap_or(2_000_000) }
}

/// The tokens of gRPC and what a success gives, if that is the policy's budget.
pub(super) fn throttling(policy: &Policy) -> Option<[u64; 2]> {
    let of = |place: usize| policy.limit(place).unwrap_or(0);
    let [capacity, cost, reward] = [BUDGET_CAPACITY, BUDGET_COST, BUDGET_REWARD].map(of);
    let ratio = reward / 1_000 * 1_000;
    let is_grpcs = of(BUDGET_MODE) == BudgetMode::Failures as u64 && cost == 1 && capacity <= MOST_TOKENS && ratio > 0;
    is_grpcs.then_some([capacity, ratio])
}

/// Whether a failure with this code is retried, where nothing is known of it but the code.
pub(super) fn is_retried(policy: &Policy, domain: Domain, code: i64) -> bool {
    let code = Code::Number(code);
    let row = find(domain, code, Phase::Unknown, false);
    let (named, _) = policy.rules.find(&Failure { domain, code, ..Failure::default() });
    let class = named.unwrap_or(row.class);
    class != Class::Permanent && row.condition.is_met(false, named.is_some())
}

/// What every host's integers hold, in place of no limit.
const MANY_ATTEMPTS: u64 = i32::MAX as u64;
/// Longer lists and tables of delays there are not.
const MANY: u32 = 64;
const SECOND: u64 = 1_000_000;
/// The codes of gRPC that Envoy's `retry_on` has words for.
const ENVOYS: [(i64, &str); 5] =
    [(1, "cancelled"), (4, "deadline-exceeded"), (8, "resource-exhausted"), (13, "internal"), (14, "unavailable")];
