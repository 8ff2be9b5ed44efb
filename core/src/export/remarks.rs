//! What a target cannot say, or says otherwise.

use core::ops::Range;

use super::Target;
use super::system::{constant, delays, grown, grpc_factor, is_retried, retries, throttling};
use crate::backoff::exponential_at;
use crate::convert::NOT_CONVERTED;
use crate::convert::grpc::{MOST, NAMES};
use crate::failure::Domain;
use crate::hint_rule::HintMode;
use crate::jitter::Jitter;
use crate::lint::{Finding, Level, Value};
use crate::policy::{Nested, Policy};
use crate::settings::{
    ABSENT, BREAKER, BUDGET, BUDGET_MODE, ELSEWHERE, FIRST, HINT, HINT_MAX, HINT_RESETS, IDEMPOTENT, IN_CLASSES,
    MIN_ATTEMPT, NULL, RULE_BODY, RULE_CODE, RULE_DOMAIN, RULES, TRUE,
};

/// Tells every remark, in the order of the options.
pub(super) fn tell(policy: &Policy, target: Target, tell: &mut dyn FnMut(&Finding)) {
    let mut remarks = Remarks { policy, target, tell };
    match target {
        Target::Json | Target::Python | Target::TypeScript | Target::Rust => remarks.made_elsewhere(),
        Target::Curl | Target::Grpc | Target::Envoy | Target::Aws => {
            let retries = policy.attempts() != Some(1);
            if retries {
                remarks.attempts();
            }
            remarks.limits();
            if retries {
                remarks.delays();
                remarks.hint();
                remarks.classes();
                remarks.shared();
                remarks.rest();
            }
        }
    }
}

struct Remarks<'r> {
    policy: &'r Policy,
    target: Target,
    tell: &'r mut dyn FnMut(&Finding),
}

impl Remarks<'_> {
    fn made_elsewhere(&mut self) {
        for (place, pointer) in [(BUDGET, "/budget"), (BREAKER, "/breaker")] {
            if self.policy.limit(place) == Some(ELSEWHERE) {
                self.tell(Level::Info, "made-elsewhere", pointer, MADE_ELSEWHERE, []);
            }
        }
    }

    fn attempts(&mut self) {
        if self.target == Target::Grpc && u64::from(retries(self.policy)) >= MOST {
            self.tell(Level::Warning, "clamped-count", "/attempts", CLAMPED, [Value::Number(MOST)]);
        }
    }

    fn limits(&mut self) {
        let policy = self.policy;
        if let Some(timeout) = policy.timeout().map(Value::Time) {
            match self.target {
                Target::Curl if policy.attempts() != Some(1) => {
                    let values = [timeout, Value::Time(whole(policy.timeout().unwrap_or(0)))];
                    self.tell(Level::Info, "timeout-overshoots", "/timeout", OVERSHOOTS, values);
                }
                Target::Aws => {
                    let level = if policy.attempts().is_none() { Level::Warning } else { Level::Info };
                    self.tell(level, NOT_CONVERTED, "/timeout", NO_TIMEOUT, [timeout]);
                }
                _ => {}
            }
        }
        if let Some(least) = policy.limit(MIN_ATTEMPT) {
            self.tell(Level::Info, NOT_CONVERTED, "/on_timeout", NO_CLIP, [Value::Time(least)]);
        }
        match (policy.attempt_timeout().map(Value::Time), self.target) {
            (Some(limit), Target::Aws) => {
                self.tell(Level::Info, NOT_CONVERTED, "/attempt_timeout", NO_ATTEMPT_TIMEOUT, [limit]);
            }
            (Some(limit), Target::Grpc) => {
                self.tell(Level::Info, NOT_CONVERTED, "/attempt_timeout", C_CORE, [limit]);
            }
            _ => {}
        }
    }

    fn delays(&mut self) {
        let policy = self.policy;
        let [first, longest] = grown(policy);
        let ([first, longest], factor, jitter, sentence) = match self.target {
            Target::Curl => match constant(policy) {
                Some(delay) => ([whole(delay), whole(delay)], 1_000_000, Jitter::None, WHOLE_SECONDS),
                None => ([SECOND, 600 * SECOND], TWO, Jitter::None, GROWS),
            },
            Target::Grpc => ([first, longest], grpc_factor(policy), Jitter::Proportional(200_000), GROWS),
            Target::Envoy => ([first.max(1_000), longest.max(1_000)], TWO, Jitter::Full, GROWS),
            _ => ([SECOND / 20, 20 * SECOND], TWO, Jitter::Full, GROWS),
        };
        let mut number = 0;
        let is_same = delays(policy).all(|delay| {
            number += 1;
            delay == exponential_at(first, factor as u32, longest, number)
        });
        if !is_same {
            let values = [Value::Time(first), Value::Time(longest)];
            self.tell(Level::Info, NOT_CONVERTED, "/backoff", sentence, values);
        }
        if policy.settings[FIRST] == 1 {
            self.tell(Level::Info, NOT_CONVERTED, "/first", NOT_AT_ONCE, []);
        }
        let own = Jitter::of(&policy.settings);
        if own != jitter {
            match jitter {
                Jitter::None => self.tell(Level::Warning, "jitter-none", "/jitter", NO_JITTER, []),
                Jitter::Full => self.tell(Level::Info, NOT_CONVERTED, "/jitter", FULL_JITTER, []),
                _ => self.tell(Level::Info, NOT_CONVERTED, "/jitter", A_FIFTH, []),
            }
        }
        let most = longest.saturating_mul(6) / 5;
        if self.target == Target::Grpc && delays(policy).any(|delay| delay.saturating_mul(6) / 5 > longest) {
            self.tell(Level::Info, "jitter-exceeds-cap", "/max_delay", A_FIFTH_ABOVE, [Value::Time(most)]);
        }
    }

    fn hint(&mut self) {
        let policy = self.policy;
        let mode = HintMode::of(&policy.settings);
        let most = policy.limit(HINT_MAX);
        let (is_same, sentence) = match self.target {
            Target::Curl => {
                let ends_first = policy.timeout().zip(most).is_some_and(|(timeout, most)| timeout <= most);
                (mode == HintMode::Floor && ends_first, AT_LEAST)
            }
            Target::Grpc => (mode == HintMode::Exact && policy.settings[HINT_RESETS] == TRUE, PUSHBACK),
            Target::Envoy => (mode == HintMode::Ignore, ABOVE),
            _ => (self.is_as_awss(HINT..IN_CLASSES), WITHIN_5_S),
        };
        if !is_same {
            self.tell(Level::Info, NOT_CONVERTED, "/hint", sentence, []);
        }
    }

    fn classes(&mut self) {
        let policy = self.policy;
        let own = policy.settings.get(IN_CLASSES..RULES).unwrap_or(&[]);
        let is_same = match self.target {
            Target::Aws => self.is_as_awss(IN_CLASSES..RULES),
            _ => own.iter().all(|value| *value == ABSENT),
        };
        if !is_same {
            self.tell(Level::Info, NOT_CONVERTED, "/classes", ALL_ALIKE, []);
        }
        let domains: &[Domain] = match self.target {
            Target::Grpc => &[Domain::Grpc],
            Target::Envoy => &[Domain::Http, Domain::Grpc],
            _ => &[],
        };
        let is_kept = |domain: u64| domains.iter().any(|known| *known as u64 == domain);
        let lost = policy
            .rules
            .as_slice()
            .iter()
            .position(|rule| rule[RULE_CODE] == ABSENT || rule[RULE_BODY] != ABSENT || !is_kept(rule[RULE_DOMAIN]));
        match self.target {
            Target::Curl => self.tell(Level::Info, NOT_CONVERTED, "/rules", CURLS_CODES, []),
            Target::Grpc if !(0..NAMES.len()).any(|code| is_retried(policy, Domain::Grpc, code as i64)) => {
                self.tell(Level::Warning, NOT_CONVERTED, "/rules", NO_CODES, []);
            }
            _ if lost.is_some() => self.tell(Level::Info, NOT_CONVERTED, "/rules", OTHER_RULES, []),
            _ => {}
        }
    }

    fn shared(&mut self) {
        let policy = self.policy;
        let has_budget = policy.budget_name().is_some();
        match self.target {
            Target::Envoy => self.tell(Level::Info, NOT_CONVERTED, "/budget", THREE_AT_A_TIME, []),
            Target::Aws if !self.is_as_awss(BUDGET_MODE..BREAKER) => {
                self.tell(Level::Info, NOT_CONVERTED, "/budget", QUOTA, []);
            }
            Target::Grpc if has_budget && throttling(policy).is_none() => {
                self.tell(Level::Info, NOT_CONVERTED, "/budget", NO_THROTTLING, []);
            }
            Target::Curl if has_budget => self.tell(Level::Info, NOT_CONVERTED, "/budget", EACH_FOR_ITSELF, []),
            _ => {}
        }
        if policy.settings[BREAKER] < NULL {
            self.tell(Level::Info, NOT_CONVERTED, "/breaker", NO_BREAKER, []);
        }
    }

    fn rest(&mut self) {
        if self.target != Target::Aws && self.policy.settings[IDEMPOTENT] != TRUE {
            self.tell(Level::Warning, "retries-non-idempotent", "/idempotent", REPEATS_ALL, []);
        }
        if matches!(self.policy.nested(), Nested::Once | Nested::Share) {
            self.tell(Level::Info, NOT_CONVERTED, "/nested", NOT_NOTICED, []);
        }
    }

    /// Whether settings are those of the preset, which does what the SDKs do.
    fn is_as_awss(&self, places: Range<usize>) -> bool {
        let aws = Policy::preset("aws").unwrap_or_default();
        self.policy.settings.get(places.clone()) == aws.settings.get(places)
    }

    fn tell<const N: usize>(
        &mut self,
        level: Level,
        code: &'static str,
        pointer: &'static str,
        sentence: &'static str,
        given: [Value; N],
    ) {
        (self.tell)(&Finding::of(level, code, pointer, sentence, given));
    }
}

/// What curl waits for: whole seconds.
fn whole(delay: u64) -> u64 {
    delay.div_ceil(SECOND).max(1) * SECOND
}

const SECOND: u64 = 1_000_000;
const TWO: u64 = 2_000_000;

const MADE_ELSEWHERE: &str = "it is only named, and made elsewhere; make it before the policy is used";
const CLAMPED: &str = "there are more attempts than $a, which are the most that gRPC makes whatever is written; retry in the program if you need more";
const OVERSHOOTS: &str = "timeout is $a; curl begins no retry after $b, in whole seconds, but lets an attempt go on; --max-time limits an attempt";
const NO_TIMEOUT: &str = "timeout is $a, but the SDKs do not limit a whole call; limit it in the program";
const NO_CLIP: &str =
    "the last attempt cannot be clipped to what is left of timeout, $a at least; retry in the program if it has to be";
const NO_ATTEMPT_TIMEOUT: &str =
    "attempt_timeout is $a, for which there is no variable; set the timeouts of the client";
const C_CORE: &str =
    "attempt_timeout is $a, which only gRPC's C core knows, as an experiment; limit attempts in the server";
const WHOLE_SECONDS: &str =
    "curl waits in whole seconds, $a before each retry; write such delays into the policy if you mean them";
const GROWS: &str =
    "the delays here grow from $a up to $b in place of the policy's; retry in the program if these matter";
const NOT_AT_ONCE: &str = "first is immediate, but the first retry waits like the others; leave first out";
const NO_JITTER: &str = "curl's waits are not random, so clients that fail together come back together; retry in the program where there are many";
const FULL_JITTER: &str = "waits are drawn from 0 to the delay, whatever jitter says; write full if that is right";
const A_FIFTH: &str =
    "gRPC draws each wait a fifth up or down, whatever jitter says; write proportional 0.2 if that is right";
const A_FIFTH_ABOVE: &str = "gRPC's jitter comes after the cap, so waits reach $a; lower max_delay if that is too long";
const AT_LEAST: &str = "curl waits at least as long as Retry-After says, however long; limit it by timeout";
const PUSHBACK: &str = "gRPC waits exactly what the server's pushback says, and its delays begin anew after it; write hint as exact with resets if that is right";
const ABOVE: &str = "Envoy waits 1 to 1.5 times what Retry-After says, and by its own delays where that is above max; write hint as ignore if it must not";
const WITHIN_5_S: &str =
    "the SDKs move their wait towards the server's by 5s at most; write hint as a window of 5s if that is right";
const ALL_ALIKE: &str =
    "attempts, first delays and costs of classes have no place here; retry in the program if they matter";
const CURLS_CODES: &str = "curl retries timeouts, refused connections and statuses 408, 429, 500, 502, 503 and 504, whatever the policy does; add --retry-all-errors for the rest";
const NO_CODES: &str = "no status code of gRPC is retried, so there is no retryPolicy; add a rule for one";
const OTHER_RULES: &str =
    "what rules say of other codes, or of bodies, has no place here; retry in the program if it matters";
const THREE_AT_A_TIME: &str =
    "a cluster of Envoy's allows 3 retries at a time in place of a budget; set its circuit_breakers to what you mean";
const QUOTA: &str = "the SDKs have a quota of 500 tokens for each client, of which a retry takes 14 or 5; write the preset's budget if that is right";
const NO_THROTTLING: &str = "gRPC's retryThrottling is a budget of mode failures with cost 1, capacity up to 1000 and some reward; write such a one to keep it";
const EACH_FOR_ITSELF: &str =
    "each curl retries for itself, without the budget; retry in the program where calls are many";
const NO_BREAKER: &str =
    "the breaker has no place here; stop calls in the program, or by outlier_detection of an Envoy cluster";
const REPEATS_ALL: &str =
    "every call is repeated, those that the server may have acted on as well; use it only for what may be repeated";
const NOT_NOTICED: &str = "retries inside retries are not noticed here; retry in one layer";
