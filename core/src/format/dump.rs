//! A policy as its canonical JSON: every option resolved, none that has no effect, always in the same order.
//!
//! Two policies are equal exactly when these texts are.

use super::duration::{print, print_millionths, print_number};
use crate::backoff::Backoff;
use crate::failure::Class;
use crate::hint_rule::HintMode;
use crate::jitter::Jitter;
use crate::policy::{Idempotent, Policy};
use crate::rules::{Match, Rule};

impl Policy {
    /// The canonical JSON, in UTF-8, in pieces. Compiling it gives an equal policy.
    pub fn dump(&self, out: &mut dyn FnMut(&[u8])) {
        self.describe(&mut Json { out, is_first: true });
    }

    /// Every option in its order, to whatever takes maps, lists and values.
    pub(crate) fn describe(&self, to: &mut impl Describe) {
        to.open();
        to.number("undaunted", 1);
        self.describe_limits(to);
        self.describe_delays(to);
        self.describe_hint(to);
        self.describe_classes(to);
        self.describe_rules(to);
        match self.idempotent {
            Idempotent::Auto => to.word("idempotent", "auto"),
            Idempotent::True => to.bool("idempotent", true),
            Idempotent::False => to.bool("idempotent", false),
        }
        to.word("nested", self.nested.as_str());
        to.close();
    }

    fn describe_limits(&self, to: &mut impl Describe) {
        match (self.attempts, self.timeout) {
            (None, None) => to.bool("forever", true),
            (attempts, timeout) => {
                match attempts {
                    Some(attempts) => to.number("attempts", attempts),
                    None => to.null("attempts"),
                }
                to.span_or_null("timeout", timeout);
            }
        }
        if let Some(min_attempt) = self.clip {
            to.map("on_timeout");
            to.map("clip");
            to.span("min_attempt", min_attempt);
            to.close();
            to.close();
        }
        to.span_or_null("attempt_timeout", self.attempt_timeout);
    }

    fn describe_delays(&self, to: &mut impl Describe) {
        match self.backoff {
            Backoff::Exponential => to.word("backoff", "exponential"),
            Backoff::Linear => to.word("backoff", "linear"),
            Backoff::Constant => to.word("backoff", "constant"),
            Backoff::List => {
                to.list("backoff");
                for &delay in self.table.as_slice() {
                    to.item_span(delay);
                }
                to.end_list();
            }
        }
        if self.backoff != Backoff::List {
            to.span("initial", self.initial);
        }
        if self.backoff == Backoff::Exponential && self.jitter != Jitter::Decorrelated {
            to.millionths("factor", self.factor);
        }
        to.span("max_delay", self.max_delay);
        if self.backoff != Backoff::List {
            to.word("first", if self.first_is_immediate { "immediate" } else { "delayed" });
        }
        match self.jitter {
            Jitter::None => to.word("jitter", "none"),
            Jitter::Full => to.word("jitter", "full"),
            Jitter::Equal => to.word("jitter", "equal"),
            Jitter::Decorrelated => to.word("jitter", "decorrelated"),
            Jitter::Proportional(p) => {
                to.map("jitter");
                to.millionths("proportional", p);
                to.close();
            }
            Jitter::Additive(j) => {
                to.map("jitter");
                to.span("additive", j);
                to.close();
            }
        }
    }

    fn describe_hint(&self, to: &mut impl Describe) {
        let hint = &self.hint;
        let mode = match hint.mode {
            HintMode::Ignore => return to.word("hint", "ignore"),
            HintMode::Floor => "floor",
            HintMode::Exact => "exact",
            HintMode::Window => "window",
        };
        to.map("hint");
        to.word("mode", mode);
        if hint.mode.is_limited() {
            to.span("max", hint.max);
        } else {
            to.span("window", hint.window);
        }
        if hint.resets {
            to.bool("resets", true);
        }
        to.close();
    }

    fn describe_classes(&self, to: &mut impl Describe) {
        let mut is_open = false;
        for (class, settings) in Class::ALL.iter().zip(&self.classes) {
            if settings.attempts.is_none() && settings.initial.is_none() {
                continue;
            }
            if !is_open {
                to.map("classes");
                is_open = true;
            }
            to.map(class.as_str());
            if let Some(attempts) = settings.attempts {
                to.number("attempts", attempts);
            }
            if let Some(initial) = settings.initial {
                to.span("initial", initial);
            }
            to.close();
        }
        if is_open {
            to.close();
        }
    }

    fn describe_rules(&self, to: &mut impl Describe) {
        if self.rules.as_slice().is_empty() {
            return;
        }
        to.list("rules");
        for rule in self.rules.as_slice() {
            self.describe_rule(to, rule);
        }
        to.end_list();
    }

    fn describe_rule(&self, to: &mut impl Describe, rule: &Rule) {
        to.item();
        to.open();
        if let Some(domain) = rule.domain {
            match rule.matches {
                Match::Any => {}
                Match::Number(number) => to.code(domain.as_str(), number),
                Match::Range(low, high) => to.range(domain.as_str(), low, high),
                Match::Name(name) => to.text(domain.as_str(), self.rules.text(name)),
            }
        }
        if !rule.body_contains.is_empty() {
            to.text("body_contains", self.rules.text(rule.body_contains));
        }
        if let Some(class) = rule.class {
            to.word("class", class.as_str());
        }
        if let Some(sent) = rule.sent {
            to.word("sent", sent.as_str());
        }
        to.close();
    }
}

/// Takes a policy's options one by one.
pub(crate) trait Describe {
    fn key(&mut self, key: &str);
    /// Before an item of a list that is a map.
    fn item(&mut self);
    fn open(&mut self);
    fn close(&mut self);
    fn list(&mut self, key: &str);
    fn end_list(&mut self);
    fn null(&mut self, key: &str);
    fn bool(&mut self, key: &str, value: bool);
    fn number(&mut self, key: &str, value: u32);
    fn code(&mut self, key: &str, value: i32);
    fn range(&mut self, key: &str, low: u32, high: u32);
    fn millionths(&mut self, key: &str, value: u32);
    fn span(&mut self, key: &str, micros: u64);
    fn item_span(&mut self, micros: u64);
    fn text(&mut self, key: &str, text: &[u8]);

    fn map(&mut self, key: &str) {
        self.key(key);
        self.open();
    }

    fn word(&mut self, key: &str, value: &str) {
        self.text(key, value.as_bytes());
    }

    fn span_or_null(&mut self, key: &str, micros: Option<u64>) {
        match micros {
            Some(micros) => self.span(key, micros),
            None => self.null(key),
        }
    }
}

/// Writes JSON without blanks.
struct Json<'a> {
    out: &'a mut dyn FnMut(&[u8]),
    is_first: bool,
}

impl Json<'_> {
    fn print(&mut self, bytes: &[u8]) {
        (self.out)(bytes);
    }

    fn print_span(&mut self, micros: u64) {
        self.print(b"\"");
        print(micros, self.out);
        self.print(b"\"");
    }
}

impl Describe for Json<'_> {
    fn key(&mut self, key: &str) {
        self.item();
        self.print(b"\"");
        self.print(key.as_bytes());
        self.print(b"\":");
    }

    fn item(&mut self) {
        if !self.is_first {
            self.print(b",");
        }
        self.is_first = false;
    }

    fn open(&mut self) {
        self.print(b"{");
        self.is_first = true;
    }

    fn close(&mut self) {
        self.print(b"}");
        self.is_first = false;
    }

    fn list(&mut self, key: &str) {
        self.key(key);
        self.print(b"[");
        self.is_first = true;
    }

    fn end_list(&mut self) {
        self.print(b"]");
        self.is_first = false;
    }

    fn null(&mut self, key: &str) {
        self.key(key);
        self.print(b"null");
    }

    fn bool(&mut self, key: &str, value: bool) {
        self.key(key);
        self.print(if value { b"true" } else { b"false" });
    }

    fn number(&mut self, key: &str, value: u32) {
        self.key(key);
        print_number(value.into(), self.out);
    }

    fn code(&mut self, key: &str, value: i32) {
        self.key(key);
        if value < 0 {
            self.print(b"-");
        }
        print_number(value.unsigned_abs().into(), self.out);
    }

    fn range(&mut self, key: &str, low: u32, high: u32) {
        self.key(key);
        self.print(b"\"");
        print_number(low.into(), self.out);
        self.print(b"-");
        print_number(high.into(), self.out);
        self.print(b"\"");
    }

    fn millionths(&mut self, key: &str, value: u32) {
        self.key(key);
        print_millionths(value, self.out);
    }

    fn span(&mut self, key: &str, micros: u64) {
        self.key(key);
        self.print_span(micros);
    }

    fn item_span(&mut self, micros: u64) {
        self.item();
        self.print_span(micros);
    }

    fn text(&mut self, key: &str, text: &[u8]) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        self.key(key);
        self.print(b"\"");
        for &byte in text {
            match byte {
                b'"' => self.print(b"\\\""),
                b'\\' => self.print(b"\\\\"),
                0..0x20 => {
                    let digit = |at: u8| HEX.get(usize::from(at)).copied().unwrap_or(b'0');
                    self.print(b"\\u00");
                    self.print(&[digit(byte >> 4), digit(byte & 15)]);
                }
                _ => self.print(&[byte]),
            }
        }
        self.print(b"\"");
    }
}
