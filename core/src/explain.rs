//! Why a call was retried or given up: every decision with every term that counted, in one line each.
//!
//! The call is followed through the same functions that decide for a host; what they computed on the way is told, not
//! computed again. Source: DESIGN 3.

mod json;
mod line;
mod script;
mod step;

pub use script::Script;
pub use step::step;

use crate::backoff::Backoff;
use crate::bounds::TABLE_LEN;
use crate::breaker::Breaker;
use crate::budget::Budget;
use crate::call::{Call, Decision, Mode, Reason, Seen, Shared};
use crate::classify::{Row, find};
use crate::draw::{Lane, call_seed, word};
use crate::failure::{Class, Code, Condition, Domain, Failure, Sent, Verdict};
use crate::format::seeds;
use crate::hint_rule::HintMode;
use crate::jitter::{Draw, Jitter};
use crate::policy::Policy;
use crate::settings::{CLASS_ATTEMPTS, CLASS_INITIAL, MAX_DELAY, RULE_CLASS, RULE_SENT};
use crate::term::Term;

/// The conditions of an explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long an attempt lasts that does not say so itself, in microseconds: 0 to 87600 h; default 0.
    pub attempt_duration: u64,
    /// What the call's words are drawn from; default: call 1 of seed 1.
    pub call_seed: u64,
    /// Whether retrying is switched on; default: it is.
    pub mode: Mode,
}

impl Default for Options {
    fn default() -> Options {
        Options { attempt_duration: 0, call_seed: call_seed(seeds::SEED, 1), mode: Mode::Normal }
    }
}

/// A failed attempt of the call that is explained.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'f> {
    /// Why it failed.
    pub failure: Failure<'f>,
    /// How long it lasted, in microseconds; None: `attempt_duration`.
    pub duration: Option<u64>,
}

/// What became of the call, decision by decision.
pub struct Explanation<'p, F> {
    policy: &'p Policy,
    options: Options,
    failures: F,
}

impl Policy {
    /// Follows one call: its attempts fail as told, the one after the last failure succeeds. A policy with a budget of its
    /// own finds it full, a breaker of its own closed; of one that it only names nothing is known.
    ///
    /// ```
    /// use undaunted::explain::{Failed, Options};
    /// use undaunted::{Code, Domain, Failure, Policy};
    ///
    /// let failure = Failure { domain: Domain::Http, code: Code::Number(503), ..Failure::default() };
    /// let failures = [Failed { failure, duration: None }; 3];
    /// let policy = Policy::preset("interactive").expect("a preset");
    /// let mut text = Vec::new();
    /// let explanation = policy.explain(&Options::default(), failures.into_iter());
    /// explanation.text(&mut |piece| text.extend_from_slice(piece));
    /// assert!(String::from_utf8_lossy(&text).contains("give up: attempts"));
    /// ```
    pub fn explain<'p, 'f, F>(&'p self, options: &Options, failures: F) -> Explanation<'p, F>
    where
        F: Iterator<Item = Failed<'f>> + Clone,
    {
        Explanation { policy: self, options: *options, failures }
    }
}

impl<'f, F: Iterator<Item = Failed<'f>> + Clone> Explanation<'_, F> {
    /// A line for each decision, for a reader.
    pub fn text(&self, out: &mut dyn FnMut(&[u8])) {
        line::head(self.policy, &self.options, out);
        let end = self.follow(&mut |decided| line::decision(decided, out));
        line::end(self.policy, &end, out);
    }

    /// One object. Times are whole microseconds, words decimal text, tokens numbers; what does not apply is not there.
    pub fn json(&self, out: &mut dyn FnMut(&[u8])) {
        json::head(self.policy, &self.options, out);
        let mut separator = "";
        let end = self.follow(&mut |decided| {
            out(separator.as_bytes());
            json::decision(decided, out);
            separator = ",";
        });
        json::end(&end, out);
    }

    /// Lets the call happen and tells each decision.
    fn follow(&self, tell: &mut dyn FnMut(&Decided)) -> End {
        let policy = self.policy;
        let (mut budget, mut breaker) = (policy.budget(), policy.breaker(self.options.call_seed));
        let mut call = policy.start(0, self.options.call_seed, None, self.options.mode);
        let mut now = 0;
        let mut failures = self.failures.clone();
        loop {
            let attempt = match policy.attempt(&mut call, now, shared(&mut budget, &mut breaker)) {
                Ok(attempt) => attempt,
                Err(refused) => return End { attempts: call.failures, at: now, reason: Some(refused.reason) },
            };
            let failed = failures.next();
            let asked = failed.and_then(|failed| failed.duration).unwrap_or(self.options.attempt_duration);
            let lasted = attempt.limit.unwrap_or(asked).min(asked);
            now = now.saturating_add(lasted);
            let Some(Failed { failure, .. }) = failed else {
                return End { attempts: attempt.number, at: now, reason: None };
            };
            let is_interrupted = lasted < asked;
            let failure = if is_interrupted { interrupted(&failure) } else { failure };
            let before = call;
            let seen = policy.see(&failure);
            let mut terms = Terms::default();
            let shared = shared(&mut budget, &mut breaker);
            let decision = policy.failed_as(&seen, &mut call, now, &failure, shared, &mut |term| terms.hear(term));
            tell(&Decided {
                policy,
                failure: &failure,
                is_interrupted,
                seen: &seen,
                before: &before,
                call: &call,
                decision,
                terms: &terms,
                budget: budget.as_ref(),
                open_for: breaker.as_mut().map_or(0, |breaker| breaker.open_for(now)),
            });
            match decision {
                Decision::Retry { delay, .. } => now = now.saturating_add(delay),
                Decision::GiveUp { reason, .. } => {
                    return End { attempts: call.failures, at: now, reason: Some(reason) };
                }
            }
        }
    }
}

fn shared<'s>(budget: &'s mut Option<Budget>, breaker: &'s mut Option<Breaker>) -> Shared<'s> {
    Shared { budget: budget.as_mut(), breaker: breaker.as_mut() }
}

/// What hosts report of an attempt that `attempt_timeout` ended.
fn interrupted<'f>(failure: &Failure<'f>) -> Failure<'f> {
    Failure {
        domain: Domain::Os,
        code: Code::Name(b"ETIMEDOUT"),
        method: failure.method,
        idempotency_key: failure.idempotency_key,
        ..Failure::default()
    }
}

/// How the call ended; without a reason it succeeded.
struct End {
    attempts: u32,
    at: u64,
    reason: Option<Reason>,
}

/// The terms of a wait, as the decision told them.
#[derive(Clone, Copy, Default)]
struct Terms {
    /// The draw before.
    drawn_after: Option<u64>,
    above_hint: Option<AboveHint>,
    wait: Option<u64>,
    clip: Option<Clip>,
}

#[derive(Clone, Copy)]
struct AboveHint {
    ceiling: u64,
    most: u64,
}

#[derive(Clone, Copy)]
struct Clip {
    floor: u64,
    most: u64,
}

impl Terms {
    fn hear(&mut self, term: Term) {
        match term {
            Term::Draw { previous } => self.drawn_after = Some(previous),
            Term::AboveHint { ceiling, most } => self.above_hint = Some(AboveHint { ceiling, most }),
            Term::Wait(wait) => self.wait = Some(wait),
            Term::Clip { floor, most } => self.clip = Some(Clip { floor, most }),
        }
    }
}

/// One decision, and the call before and after it.
struct Decided<'d> {
    policy: &'d Policy,
    failure: &'d Failure<'d>,
    is_interrupted: bool,
    seen: &'d Seen,
    before: &'d Call,
    call: &'d Call,
    decision: Decision,
    terms: &'d Terms,
    budget: Option<&'d Budget>,
    /// How long the breaker is open yet.
    open_for: u64,
}

/// Who says what a failure is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Rule(usize),
    Table,
    On,
    Server,
    Nobody,
}

/// What a ceiling comes from.
enum Source {
    MaxDelay,
    /// `initial`, or the class's own, and its power of `factor` or its multiple.
    Grown(Growth),
    /// An element of the list `backoff`.
    Element(u64),
}

enum Growth {
    None,
    Power(u64),
    Multiple(u64),
}

/// The wait that a decision would have made without hint and limits.
struct Own {
    /// The step of the backoff; None for a wait of 0.
    step: Option<u32>,
    draw: Draw,
    /// What it comes to, and between which bounds it was drawn.
    delay: u64,
    low: u64,
    high: u64,
}

/// Who refuses a failure whose class or condition forbids to retry it.
#[derive(Clone, Copy)]
enum Forbidden {
    On,
    Server,
    Nobody,
    Class,
    HintOnly,
    OptIn,
    Once,
}

impl Decided<'_> {
    fn at(&self) -> u64 {
        self.call.last_now
    }

    /// The rule that speaks of the failure.
    fn rule(&self) -> Option<(usize, &[u64])> {
        let rules = &self.policy.rules;
        let mut all = rules.as_slice().iter().enumerate();
        all.find(|(_, rule)| rules.fits(rule, self.failure)).map(|(at, rule)| (at, rule.as_slice()))
    }

    fn row(&self) -> Row {
        let failure = self.failure;
        find(failure.domain, failure.code, failure.phase, failure.hint.is_some())
    }

    fn class_from(&self) -> Origin {
        let ruled = self.rule().and_then(|(at, rule)| class_of(rule).map(|class| (at, class)));
        let row = self.row();
        match ruled {
            _ if self.seen.class != ruled.map_or(row.class, |(_, class)| class) => match self.failure.should_retry {
                Some(true) => Origin::Server,
                _ => Origin::On,
            },
            Some((at, _)) => Origin::Rule(at),
            None if row.is_known => Origin::Table,
            None => Origin::Nobody,
        }
    }

    fn sent_from(&self) -> Origin {
        match self.rule() {
            _ if self.failure.should_retry == Some(true) => Origin::Server,
            Some((at, rule)) if sent_of(rule).is_some() => Origin::Rule(at),
            _ if self.row().is_known => Origin::Table,
            _ => Origin::Nobody,
        }
    }

    /// The condition of the failure's row and whether it is met, where there is one.
    fn condition(&self) -> Option<(Condition, bool)> {
        let condition = self.seen.condition;
        (condition != Condition::Always).then_some((condition, self.seen.meets_condition(self.before)))
    }

    /// Who forbids it, for the reason `permanent`.
    fn forbidden(&self) -> Forbidden {
        match self.seen.condition {
            _ if self.failure.verdict == Verdict::Refused => Forbidden::On,
            _ if self.seen.is_vetoed => Forbidden::Server,
            _ if self.seen.class == Class::Permanent && self.class_from() == Origin::Nobody => Forbidden::Nobody,
            _ if self.seen.class == Class::Permanent => Forbidden::Class,
            Condition::HintOnly => Forbidden::HintOnly,
            Condition::OptInOnce if self.seen.is_named => Forbidden::Once,
            _ => Forbidden::OptIn,
        }
    }

    /// What is left until the deadline.
    fn left(&self) -> Option<u64> {
        self.call.deadline.map(|deadline| deadline.saturating_sub(self.at()))
    }

    /// The policy's own wait, where the decision made one and it counts.
    fn own(&self) -> Option<Own> {
        self.terms.wait?;
        let is_hint_all = self.hint().is_some_and(|(mode, _)| mode.is_limited());
        if self.failure.wait.is_some() || is_hint_all {
            return None;
        }
        let n = self.call.failures;
        let step = self.terms.drawn_after.and_then(|_| self.policy.step(n, self.before.restarted_at));
        let previous = self.terms.drawn_after.unwrap_or(0);
        let word = word(self.call.call_seed, Lane::Delay, n.into());
        let draw = self.policy.draw_of(self.seen.class, step.unwrap_or(1), word, previous);
        let jitter = Jitter::of(&self.policy.settings);
        let [low, high] = [0, u64::MAX].map(|word| Draw { word, ..draw }.delay(jitter));
        let delay = if step.is_some() { draw.delay(jitter) } else { 0 };
        Some(Own { step, delay, low: low.min(high), high: low.max(high), draw })
    }

    /// What the server's wait meets, if it counts.
    fn hint(&self) -> Option<(HintMode, u64)> {
        let hint = self.failure.hint.filter(|_| self.failure.wait.is_none())?;
        Some((HintMode::of(&self.policy.settings), hint))
    }

    /// What the ceiling of a step comes from.
    fn source(&self, step: u32, ceiling: u64) -> Source {
        let policy = self.policy;
        let is_capped = step > 1 && ceiling == policy.settings[MAX_DELAY];
        match Backoff::of(&policy.settings) {
            Backoff::List => {
                let len = policy.delays.as_slice().len().max(1) as u32;
                Source::Element(u64::from(step.min(len).max(1) - 1))
            }
            Backoff::Constant => Source::Grown(Growth::None),
            _ if is_capped => Source::MaxDelay,
            _ if step <= 1 => Source::Grown(Growth::None),
            Backoff::Exponential => Source::Grown(Growth::Power(u64::from(step.min(TABLE_LEN as u32) - 1))),
            Backoff::Linear => Source::Grown(Growth::Multiple(step.into())),
        }
    }

    /// The class whose `initial` counts, where it has its own.
    fn initial_class(&self) -> Option<Class> {
        self.policy.of_class(self.seen.class, CLASS_INITIAL).map(|_| self.seen.class)
    }

    /// Attempts of the failure's class and their limit.
    fn class_attempts(&self) -> Option<(u32, u64)> {
        let limit = self.policy.of_class(self.seen.class, CLASS_ATTEMPTS)?;
        let used = self.call.failures_in.get(self.seen.class as usize).copied().unwrap_or(0);
        Some((used, limit))
    }

    /// Whether the hint made the backoff start again.
    fn has_restarted(&self) -> bool {
        self.call.restarted_at != self.before.restarted_at
    }

    /// What the budget has left.
    fn tokens(&self) -> Option<u64> {
        let mut budget = self.budget.copied()?;
        Some(budget.tokens(self.at()))
    }
}

fn class_of(rule: &[u64]) -> Option<Class> {
    Class::from_number(rule.get(RULE_CLASS).copied()? as u32)
}

fn sent_of(rule: &[u64]) -> Option<Sent> {
    Sent::from_number(rule.get(RULE_SENT).copied()? as u32)
}
