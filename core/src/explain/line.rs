//! A decision as one line for a reader.

use super::{AboveHint, Clip, Decided, End, Forbidden, Growth, Options, Origin, Own, Source};
use crate::call::{Decision, Reason};
use crate::draw::{Lane, word};
use crate::failure::{Code, Condition, Verdict};
use crate::format::print_text;
use crate::hint_rule::HintMode;
use crate::jitter::Jitter;
use crate::policy::Policy;
use crate::settings::{
    ATTEMPTS, BUDGET_CAPACITY, BUDGET_COST, BUDGET_MODE, CLASS_INITIAL, FACTOR, FALSE, HINT_MAX, HINT_WINDOW,
    IDEMPOTENT, INITIAL, MIN_ATTEMPT,
};
use crate::text::Text;
use crate::{BudgetMode, Phase};

/// The call: its seed and its limits.
pub(super) fn head(policy: &Policy, options: &Options, out: &mut dyn FnMut(&[u8])) {
    let text = &mut Text::new(out);
    text.text("call_seed ").number(options.call_seed);
    if let Some(attempts) = policy.attempts() {
        text.text(", attempts ").number(attempts.into());
    }
    if let Some(timeout) = policy.timeout() {
        text.text(", timeout ").exact(timeout);
    }
    if let Some(limit) = policy.attempt_timeout() {
        text.text(", attempt_timeout ").exact(limit);
    }
    text.text("\n\n");
}

pub(super) fn end(policy: &Policy, end: &End, out: &mut dyn FnMut(&[u8])) {
    let text = &mut Text::new(out);
    if end.reason.is_none() {
        start(text, policy, end.attempts, end.at);
        text.text("success\n");
    }
}

pub(super) fn decision(decided: &Decided, out: &mut dyn FnMut(&[u8])) {
    let text = &mut Text::new(out);
    start(text, decided.policy, decided.call.failures, decided.at());
    failure(text, decided);
    text.to(CLASS);
    class(text, decided);
    text.to(DECISION);
    let line = &mut Line { text, decided, is_first: true };
    match decided.decision {
        Decision::Retry { delay, nested_warning, .. } => {
            line.text.text("retry in ").exact(delay);
            line.retry(nested_warning);
        }
        Decision::GiveUp { reason, .. } => {
            line.text.text("give up: ").text(reason.as_str());
            line.give_up(reason);
        }
    }
    line.text.text("\n");
}

fn start(text: &mut Text, policy: &Policy, attempt: u32, at: u64) {
    text.number(attempt.into());
    if let Some(attempts) = policy.attempts() {
        text.text("/").number(attempts.into());
    }
    text.to(AT).text("at ").exact(at).to(FAILURE);
}

/// What failed, and what the call and the server say about it.
fn failure(text: &mut Text, decided: &Decided) {
    let failure = decided.failure;
    text.text(failure.domain.as_str());
    match failure.code {
        Code::None => text.text(" error"),
        Code::Number(number) => text.text(if number < 0 { " -" } else { " " }).number(number.unsigned_abs()),
        Code::Name(name) => plain(text.text(" "), name),
    };
    if failure.phase == Phase::Connect {
        text.text(" connecting");
    }
    if let Some(method) = failure.method {
        plain(text.text(" "), method);
    }
    if failure.idempotency_key {
        text.text(" with key");
    }
    if let Some(hint) = failure.hint {
        text.text(", hint ").exact(hint);
    }
    if let Some(word) = failure.should_retry {
        text.text(", should_retry ").text(if word { "true" } else { "false" });
    }
    if failure.verdict != Verdict::Tables {
        text.text(", ").text(failure.verdict.as_str());
    }
    let facts = [
        (failure.cancelled, ", cancelled"),
        (failure.nested, ", nested"),
        (decided.is_interrupted, ", attempt_timeout"),
    ];
    for (_, fact) in facts.iter().filter(|(holds, _)| *holds) {
        text.text(fact);
    }
}

/// What it is taken for, and who says so.
fn class(text: &mut Text, decided: &Decided) {
    let [class_from, sent_from] = [decided.class_from(), decided.sent_from()];
    text.text(decided.seen.class.as_str());
    if class_from != sent_from {
        from(text.text(" ("), class_from).text(")");
    }
    from(text.text(", ").text(decided.seen.sent.as_str()).text(" ("), sent_from);
    if let Some((condition, is_met)) = decided.condition() {
        text.text(", ").text(condition.as_str());
        if !matches!(condition, Condition::Immediate | Condition::Transaction) {
            text.text(if is_met { " met" } else { " not met" });
        }
    }
    text.text(")");
}

fn from<'t, 'o>(text: &'t mut Text<'o>, from: Origin) -> &'t mut Text<'o> {
    match from {
        Origin::Rule(at) => text.text("rules.").number(at as u64),
        Origin::Table => text.text("table"),
        Origin::On => text.text("on"),
        Origin::Server => text.text("server"),
        Origin::Nobody => text.text("unknown"),
    }
}

/// A line on its way: the terms after the decision.
struct Line<'l, 'o> {
    text: &'l mut Text<'o>,
    decided: &'l Decided<'l>,
    is_first: bool,
}

impl<'o> Line<'_, 'o> {
    /// Where the next term goes.
    fn term(&mut self) -> &mut Text<'o> {
        if self.is_first {
            self.text.to(TERMS);
        } else {
            self.text.text("; ");
        }
        self.is_first = false;
        self.text
    }

    fn retry(&mut self, nested_warning: bool) {
        let decided = self.decided;
        self.wait();
        if let Some(Clip { floor, most }) = decided.terms.clip {
            let min_attempt = decided.policy.limit(MIN_ATTEMPT).unwrap_or(0);
            let planned = decided.terms.wait.unwrap_or(0);
            let text = self.term().text("clipped from ").exact(planned).text(" to ");
            if floor > 0 {
                text.text("hint ").exact(floor).text(" + ");
            }
            text.text("U(").exact(most).text("), min_attempt ").exact(min_attempt);
            text.text(", word ").number(word(decided.call.call_seed, Lane::Clip, decided.call.failures.into()));
            self.term().text("the next attempt is the last");
        }
        if decided.has_restarted() {
            self.term().text("the hint restarts the backoff");
        }
        if nested_warning {
            self.term().text("an inner call has used up its retries: a warning");
        }
        if let Some((used, limit)) = decided.class_attempts() {
            self.class_attempts(used, limit);
        }
        if decided.open_for > 0 {
            self.term().text("breaker open for ").exact(decided.open_for);
        }
        if let (Some(taken), Some(tokens)) = (decided.call.taken, decided.tokens()) {
            let text = self.term().text("budget ");
            if taken > 0 {
                text.decimal(taken, 6).text(" taken, ");
            }
            text.decimal(tokens, 6).text(" left");
        }
        if let Some(left) = decided.left() {
            self.term().exact(left).text(" left of timeout");
        }
    }

    /// What the wait is made of, before it is clipped.
    fn wait(&mut self) {
        let decided = self.decided;
        if decided.failure.wait.is_some() {
            self.term().text("the wait of on");
            return;
        }
        let own = decided.own();
        match decided.hint() {
            Some((HintMode::Floor, hint)) => self.floor(hint),
            Some((HintMode::Exact, hint)) => _ = self.term().text("hint ").exact(hint).text(", exact"),
            Some((HintMode::Window, hint)) => {
                let own = own.as_ref().map_or(0, |own| own.delay);
                let window = decided.policy.settings[HINT_WINDOW];
                let text = self.term().text("hint ").exact(hint).text(" within ").exact(window);
                text.text(" above own ").exact(own);
            }
            Some((HintMode::Ignore, hint)) => _ = self.term().text("hint ").exact(hint).text(" ignored"),
            None => {}
        }
        if let Some(own) = own {
            self.own(&own);
        }
    }

    /// The hint and, above it, what keeps clients apart.
    fn floor(&mut self, hint: u64) {
        let decided = self.decided;
        let Some(AboveHint { ceiling, most }) = decided.terms.above_hint else { return };
        let n = decided.call.failures;
        let step = n.saturating_sub(decided.before.restarted_at);
        let has_jitter = Jitter::of(&decided.policy.settings) != Jitter::None;
        let text = self.term().text("hint ").exact(hint);
        if has_jitter {
            text.text(" + U(").exact(most).text(")");
        }
        text.text(", ");
        ceiling_of(text, decided, step, ceiling);
        if most < ceiling {
            text.text(", cut by timeout");
        }
        if has_jitter {
            text.text(", word ").number(word(decided.call.call_seed, Lane::Delay, n.into()));
        }
    }

    /// The policy's own wait.
    fn own(&mut self, own: &Own) {
        let decided = self.decided;
        let text = self.term();
        let Some(step) = own.step else {
            let is_row = decided.terms.drawn_after.is_none();
            text.text(if is_row { "immediate, once" } else { "first is immediate" });
            return;
        };
        let jitter = Jitter::of(&decided.policy.settings);
        let width = own.high - own.low;
        match jitter {
            Jitter::None => {}
            Jitter::Full => _ = text.text("U(").exact(width).text("), "),
            Jitter::Equal => _ = text.exact(own.high).text(" - U(").exact(width).text("), "),
            _ => _ = text.exact(own.low).text(" + U(").exact(width).text("), "),
        }
        if jitter == Jitter::Decorrelated {
            let times = own.draw.previous.saturating_mul(3);
            if times > own.draw.max_delay {
                text.text("up to max_delay ").exact(own.draw.max_delay);
            } else {
                text.text("up to 3 × ").exact(own.draw.previous);
            }
        } else {
            ceiling_of(text, decided, step, own.draw.ceiling);
        }
        if jitter != Jitter::None {
            text.text(", word ").number(own.draw.word);
        }
    }

    fn class_attempts(&mut self, used: u32, limit: u64) {
        let class = self.decided.seen.class.as_str();
        self.term().number(used.into()).text(" of ").number(limit).text(" attempts of class ").text(class);
    }

    fn give_up(&mut self, reason: Reason) {
        let decided = self.decided;
        match reason {
            Reason::Cancelled => _ = self.term().text("the caller asked to stop"),
            Reason::Inactive => _ = self.term().text("retrying is switched off"),
            Reason::Nested => _ = self.term().text("an inner call has used up its retries, and nested is once"),
            Reason::Permanent => _ = self.term().text(why(decided.forbidden())),
            Reason::NotIdempotent => self.not_idempotent(),
            Reason::ClassAttempts => {
                let (used, limit) = decided.class_attempts().unwrap_or_default();
                self.class_attempts(used, limit);
            }
            Reason::Attempts => {
                let limit = decided.policy.settings[ATTEMPTS];
                self.term().number(decided.call.failures.into()).text(" of ").number(limit).text(" attempts");
            }
            Reason::HintTooLong => self.hint_too_long(),
            Reason::Timeout => self.timeout(),
            Reason::BreakerOpen => self.breaker_open(),
            Reason::Budget => self.budget(),
        }
    }

    fn not_idempotent(&mut self) {
        let decided = self.decided;
        let text = self.term().text("the server may have acted, and ");
        match decided.failure.method {
            Some(method) if decided.policy.settings[IDEMPOTENT] != FALSE => {
                plain(text, method).text(" without an idempotency key is not idempotent");
            }
            _ => _ = text.text("idempotent is false"),
        }
    }

    fn hint_too_long(&mut self) {
        let decided = self.decided;
        let (_, hint) = decided.hint().unwrap_or((HintMode::Floor, 0));
        let most = decided.policy.settings[HINT_MAX];
        let text = self.term().text("hint ").exact(hint);
        if hint > most {
            text.text(" > hint.max ").exact(most);
        } else {
            text.text(" ≥ ").exact(decided.left().unwrap_or(0)).text(" left of timeout");
        }
    }

    /// What has gone and what would come, against what there is.
    fn timeout(&mut self) {
        let decided = self.decided;
        if decided.before.is_last {
            self.term().text("the wait before this attempt was clipped, so it was the last");
            return;
        }
        let min_attempt = decided.policy.limit(MIN_ATTEMPT);
        let (wait, timeout) = (decided.terms.wait.unwrap_or(0), decided.policy.timeout().unwrap_or(0));
        let text = self.term().exact(decided.at()).text(" gone + ").exact(wait).text(" wait");
        match min_attempt {
            Some(min_attempt) => text.text(" + min_attempt ").exact(min_attempt).text(" > timeout "),
            None => text.text(" ≥ timeout "),
        };
        text.exact(timeout);
        self.wait();
    }

    fn breaker_open(&mut self) {
        let decided = self.decided;
        let text = self.term().text("the breaker is open for ").exact(decided.open_for);
        text.text(", longer than the wait of ").exact(decided.terms.wait.unwrap_or(0));
        self.wait();
    }

    fn budget(&mut self) {
        let decided = self.decided;
        let policy = decided.policy;
        let text = self.term();
        if let Some(tokens) = decided.tokens() {
            let capacity = policy.settings[BUDGET_CAPACITY];
            text.decimal(tokens, 6).text(" left");
            match BudgetMode::from_number(policy.settings[BUDGET_MODE] as u32) {
                Some(BudgetMode::Bucket) => {
                    let cost = policy.cost(decided.seen.class).unwrap_or(policy.settings[BUDGET_COST]);
                    text.text(" of ").number(capacity).text(", the retry takes ").number(cost);
                }
                Some(BudgetMode::Failures) => {
                    text.text(" of ").number(capacity).text(", retries need more than half");
                }
                _ => _ = text.text(", the retry takes 1"),
            }
        } else {
            print_text(policy.budget_name().unwrap_or_default(), &mut |piece| _ = text.bytes(piece));
            text.text(" is made elsewhere, and not known here");
        }
        self.wait();
    }
}

/// A ceiling and what it comes from.
fn ceiling_of(text: &mut Text, decided: &Decided, step: u32, ceiling: u64) {
    text.text("ceiling ").exact(ceiling).text(" = ");
    match decided.source(step, ceiling) {
        Source::MaxDelay => _ = text.text("max_delay"),
        Source::Element(at) => _ = text.text("backoff.").number(at),
        Source::Grown(growth) => grown(text, decided, &growth),
    }
}

fn grown(text: &mut Text, decided: &Decided, growth: &Growth) {
    let policy = decided.policy;
    let initial = match decided.initial_class() {
        Some(class) => {
            text.text("classes.").text(class.as_str()).text(".");
            policy.of_class(class, CLASS_INITIAL)
        }
        None => policy.limit(INITIAL),
    };
    text.text("initial");
    let initial = initial.unwrap_or(0);
    match growth {
        Growth::None => {}
        Growth::Multiple(times) => _ = text.text(" ").exact(initial).text(" × ").number(*times),
        Growth::Power(power) => {
            text.text(" ").exact(initial).text(" × ").decimal(policy.limit(FACTOR).unwrap_or(0), 6);
            text.text("^").number(*power);
        }
    }
}

pub(super) fn why(forbidden: Forbidden) -> &'static str {
    match forbidden {
        Forbidden::On => "on refuses it",
        Forbidden::Server => "the server says not to retry",
        Forbidden::Nobody => "nothing knows it: name it in on or rules",
        Forbidden::Class => "repeating cannot help",
        Forbidden::HintOnly => "only if the server says how long to wait",
        Forbidden::OptIn => "only if on or rules name it",
        Forbidden::Once => "its one retry is used up",
    }
}

/// Text of the user's: on one line, and not a whole page.
fn plain<'t, 'o>(text: &'t mut Text<'o>, bytes: &[u8]) -> &'t mut Text<'o> {
    for byte in bytes {
        text.bytes(if *byte < 0x20 { b" " } else { core::slice::from_ref(byte) });
    }
    text
}

const AT: usize = 6;
const FAILURE: usize = 19;
const CLASS: usize = 50;
const DECISION: usize = 83;
const TERMS: usize = 108;
