//! A decision as JSON: the terms of the line, for a program.

use super::{AboveHint, Clip, Decided, End, Options, Origin, Source, line};
use crate::Phase;
use crate::call::{Decision, Reason};
use crate::draw::{Lane, word};
use crate::failure::{Code, Verdict};
use crate::format::print_text;
use crate::hint_rule::HintMode;
use crate::jitter::Jitter;
use crate::policy::Policy;
use crate::settings::{BUDGET_CAPACITY, HINT_MAX, HINT_WINDOW, MIN_ATTEMPT};
use crate::text::Text;

pub(super) fn head(policy: &Policy, options: &Options, out: &mut dyn FnMut(&[u8])) {
    let text = &mut Text::new(out);
    text.text("{\"call_seed\":\"").number(options.call_seed).text("\",\"attempts_allowed\":");
    text.or_null(policy.attempts().map(u64::from)).text(",\"timeout_us\":").or_null(policy.timeout());
    text.text(",\"decisions\":[");
}

pub(super) fn end(end: &End, out: &mut dyn FnMut(&[u8])) {
    let text = &mut Text::new(out);
    text.text("],\"attempts\":").number(end.attempts.into()).text(",\"elapsed_us\":").number(end.at);
    text.text(",\"gave_up\":");
    match end.reason {
        Some(reason) => text.text("\"").text(reason.as_str()).text("\"}"),
        None => text.text("null}"),
    };
}

pub(super) fn decision(decided: &Decided, out: &mut dyn FnMut(&[u8])) {
    let map = &mut Object::begin(out);
    map.number("attempt", decided.call.failures.into()).number("at_us", decided.at());
    failure(map, decided);
    map.word("class", decided.seen.class.as_str());
    map.from("class_from", decided.class_from());
    map.word("sent", decided.seen.sent.as_str());
    map.from("sent_from", decided.sent_from());
    if let Some((condition, is_met)) = decided.condition() {
        map.word("condition", condition.as_str()).bool("condition_met", is_met);
    }
    match decided.decision {
        Decision::Retry { delay, last, nested_warning, .. } => {
            map.word("decision", "retry").number("delay_us", delay);
            map.flag("last", last).flag("nested_warning", nested_warning).flag("restarts", decided.has_restarted());
        }
        Decision::GiveUp { reason, .. } => {
            map.word("decision", "give_up").word("reason", reason.as_str());
            if reason == Reason::Permanent {
                map.word("why", line::why(decided.forbidden()));
            }
        }
    }
    wait(map, decided);
    limits(map, decided);
    map.end();
}

fn failure(map: &mut Object, decided: &Decided) {
    let failure = decided.failure;
    map.word("domain", failure.domain.as_str());
    match failure.code {
        Code::None => {}
        Code::Number(number) => {
            _ = map.key("code").text(if number < 0 { "-" } else { "" }).number(number.unsigned_abs())
        }
        Code::Name(name) => _ = map.bytes("code", name),
    }
    if failure.phase == Phase::Connect {
        map.word("phase", failure.phase.as_str());
    }
    if let Some(method) = failure.method {
        map.bytes("method", method);
    }
    map.flag("idempotency_key", failure.idempotency_key).some("hint_us", failure.hint);
    if let Some(word) = failure.should_retry {
        map.bool("should_retry", word);
    }
    if failure.verdict != Verdict::Tables {
        map.word("verdict", failure.verdict.as_str());
    }
    map.some("asked_wait_us", failure.wait);
    map.flag("cancelled", failure.cancelled).flag("nested", failure.nested).flag("interrupted", decided.is_interrupted);
}

/// What the wait is made of.
fn wait(map: &mut Object, decided: &Decided) {
    let (call, policy) = (decided.call, decided.policy);
    let n = call.failures;
    if decided.terms.wait.is_some()
        && let Some((mode, _)) = decided.hint()
    {
        map.word("hint_mode", mode_name(mode));
        if mode == HintMode::Window {
            map.number("hint_window_us", policy.settings[HINT_WINDOW]);
        }
    }
    if let Some(AboveHint { ceiling, most }) = decided.terms.above_hint {
        ceiling_of(map, decided, n.saturating_sub(decided.before.restarted_at), ceiling);
        if Jitter::of(&policy.settings) != Jitter::None {
            map.number("above_hint_us", most).digits("word", word(call.call_seed, Lane::Delay, n.into()));
        }
    }
    if let Some(own) = decided.own() {
        match own.step {
            None => _ = map.flag("immediate", true),
            Some(step) => {
                let jitter = Jitter::of(&policy.settings);
                if jitter == Jitter::Decorrelated {
                    map.number("previous_us", own.draw.previous);
                } else {
                    ceiling_of(map, decided, step, own.draw.ceiling);
                }
                if jitter != Jitter::None {
                    map.number("low_us", own.low).number("high_us", own.high).digits("word", own.draw.word);
                }
            }
        }
        map.number("own_us", own.delay);
    }
    map.some("wait_us", decided.terms.wait);
    if let Some(Clip { floor, most }) = decided.terms.clip {
        map.number("clip_low_us", floor).number("clip_high_us", floor + most);
        map.digits("clip_word", word(call.call_seed, Lane::Clip, n.into()));
    }
}

/// What limits the call, and how much of it is left.
fn limits(map: &mut Object, decided: &Decided) {
    let policy = decided.policy;
    if let Some((used, limit)) = decided.class_attempts() {
        map.number("class_attempts", used.into()).number("class_attempts_allowed", limit);
    }
    map.some("left_us", decided.left()).some("min_attempt_us", policy.limit(MIN_ATTEMPT));
    if let Decision::GiveUp { reason: Reason::HintTooLong, .. } = decided.decision {
        map.number("hint_max_us", policy.settings[HINT_MAX]);
    }
    if let Some(name) = policy.breaker_name() {
        map.bytes("breaker", name).some("breaker_open_us", Some(decided.open_for).filter(|time| *time > 0));
    }
    if let Some(name) = policy.budget_name() {
        map.bytes("budget", name);
        if let Some(taken) = decided.call.taken {
            map.key("budget_taken").decimal(taken, 6);
        }
        if let Some(tokens) = decided.tokens() {
            map.key("budget_left").decimal(tokens, 6);
        }
        map.some("budget_capacity", policy.limit(BUDGET_CAPACITY));
    }
}

fn ceiling_of(map: &mut Object, decided: &Decided, step: u32, ceiling: u64) {
    map.number("step", step.into()).number("ceiling_us", ceiling);
    let text = map.key("ceiling_from");
    match (decided.source(step, ceiling), decided.initial_class()) {
        (Source::MaxDelay, _) => _ = text.text("\"max_delay\""),
        (Source::Element(at), _) => _ = text.text("\"backoff.").number(at).text("\""),
        (Source::Grown(_), Some(class)) => _ = text.text("\"classes.").text(class.as_str()).text(".initial\""),
        (Source::Grown(_), None) => _ = text.text("\"initial\""),
    }
}

fn mode_name(mode: HintMode) -> &'static str {
    match mode {
        HintMode::Floor => "floor",
        HintMode::Exact => "exact",
        HintMode::Ignore => "ignore",
        HintMode::Window => "window",
    }
}

/// A map, key by key.
struct Object<'o> {
    text: Text<'o>,
    before: &'static str,
}

impl<'o> Object<'o> {
    fn begin(out: &'o mut dyn FnMut(&[u8])) -> Object<'o> {
        Object { text: Text::new(out), before: "{\"" }
    }

    fn key(&mut self, key: &str) -> &mut Text<'o> {
        let before = core::mem::replace(&mut self.before, ",\"");
        self.text.text(before).text(key).text("\":")
    }

    fn number(&mut self, key: &str, number: u64) -> &mut Self {
        self.key(key).number(number);
        self
    }

    /// Nothing where there is none.
    fn some(&mut self, key: &str, number: Option<u64>) -> &mut Self {
        if let Some(number) = number {
            self.number(key, number);
        }
        self
    }

    /// 64 bits as decimal text.
    fn digits(&mut self, key: &str, word: u64) -> &mut Self {
        self.key(key).text("\"").number(word).text("\"");
        self
    }

    fn word(&mut self, key: &str, word: &str) -> &mut Self {
        self.key(key).text("\"").text(word).text("\"");
        self
    }

    fn bytes(&mut self, key: &str, bytes: &[u8]) -> &mut Self {
        let text = self.key(key);
        print_text(bytes, &mut |piece| _ = text.bytes(piece));
        self
    }

    fn bool(&mut self, key: &str, value: bool) -> &mut Self {
        self.key(key).text(if value { "true" } else { "false" });
        self
    }

    /// Nothing unless it holds.
    fn flag(&mut self, key: &str, holds: bool) -> &mut Self {
        if holds {
            self.bool(key, true);
        }
        self
    }

    fn from(&mut self, key: &str, from: Origin) -> &mut Self {
        match from {
            Origin::Rule(at) => _ = self.key(key).text("\"rules.").number(at as u64).text("\""),
            Origin::Table => _ = self.word(key, "table"),
            Origin::On => _ = self.word(key, "on"),
            Origin::Server => _ = self.word(key, "server"),
            Origin::Nobody => _ = self.word(key, "unknown"),
        }
        self
    }

    fn end(&mut self) {
        self.text.text("}");
    }
}
