//! Reading the options, one by one, in the order in which they are written.

use super::problem::{Path, Piece};
use super::rule::read_rules;
use super::tape::{Items, Node};
use super::values::{Limits, Reader};
use super::{Draft, Opt};
use crate::backoff::{Backoff, Table};
use crate::bounds::{ATTEMPTS, DURATION, FACTOR, OPTIONS, PEERS, PROPORTIONAL, TABLE_LEN};
use crate::decimal::scaled;
use crate::failure::Class;
use crate::hint_rule::{HintMode, HintRule};
use crate::jitter::Jitter;
use crate::policy::{CLASSES, ClassSettings, Idempotent, Nested, Policy};
use crate::presets;

impl Draft {
    pub(super) fn read(&mut self, reader: &mut Reader, mut entries: Items) {
        let mut seen = 0;
        while let Some((key, node)) = entries.next_entry() {
            let Some(at) = reader.key(key, &OPTIONS) else {
                reader.unknown_key(&Path::ROOT, key, &OPTIONS, &PEERS);
                continue;
            };
            let Some(&option) = Opt::ALL.get(at) else {
                continue;
            };
            let path = Path::ROOT.key(option.name().as_bytes());
            if !reader.once(&path, &mut seen, at) {
                continue;
            }
            let before = core::mem::replace(&mut reader.refused, false);
            self.option(reader, option, &path, node);
            self.written.options |= 1 << at;
            if reader.refused {
                self.written.refused |= 1 << at;
            }
            reader.refused |= before;
        }
    }

    fn option(&mut self, reader: &mut Reader, option: Opt, path: &Path, node: Node) {
        let policy = &mut self.policy;
        match option {
            Opt::Undaunted => read_version(reader, path, node),
            Opt::Preset => {
                reader.word(path, node, &presets::NAMES, "");
            }
            Opt::Attempts => {
                if let Some(count) = reader.count(path, node, ATTEMPTS, true) {
                    policy.attempts = count.map(|count| count as u32);
                }
            }
            Opt::Timeout => set(&mut policy.timeout, reader.span(path, node, SPAN_OR_NULL)),
            Opt::Forever => set(&mut self.forever, reader.bool(path, node)),
            Opt::OnTimeout => set(&mut policy.clip, read_on_timeout(reader, path, node)),
            Opt::AttemptTimeout => set(&mut policy.attempt_timeout, reader.span(path, node, SPAN_OR_NULL)),
            Opt::Backoff => read_backoff(policy, reader, path, node),
            Opt::Initial => set(&mut policy.initial, reader.span(path, node, SPAN).flatten()),
            Opt::Factor => set(&mut policy.factor, reader.millionths(path, node, FACTOR)),
            Opt::MaxDelay => set(&mut policy.max_delay, reader.span(path, node, SPAN).flatten()),
            Opt::First => {
                set(
                    &mut policy.first_is_immediate,
                    reader.word(path, node, &["delayed", "immediate"], "").map(|at| at == 1),
                );
            }
            Opt::Jitter => set(&mut policy.jitter, read_jitter(reader, path, node)),
            Opt::Hint => set(&mut policy.hint, read_hint(reader, path, node)),
            Opt::Classes => self.read_classes(reader, path, node),
            Opt::Rules => read_rules(&mut policy.rules, reader, path, node),
            Opt::Idempotent => {
                let value = match node {
                    Node::Bool(true) => Some(Idempotent::True),
                    Node::Bool(false) => Some(Idempotent::False),
                    _ => reader.word(path, node, &["auto"], ", true or false").map(|_| Idempotent::Auto),
                };
                set(&mut policy.idempotent, value);
            }
            Opt::Nested => {
                let at = reader.word(path, node, Nested::NAMES, "");
                set(&mut policy.nested, at.and_then(|at| Nested::from_number(at as u32)));
            }
        }
    }

    fn read_classes(&mut self, reader: &mut Reader, path: &Path, node: Node) {
        let Some(mut entries) = reader.map(path, node) else {
            return;
        };
        self.policy.classes = [ClassSettings::default(); CLASSES];
        let names = Class::NAMES.get(..CLASSES).unwrap_or(&[]);
        while let Some((key, node)) = entries.next_entry() {
            let path = path.key(key);
            let Some(at) = names.iter().position(|name| name.as_bytes() == key) else {
                let text = [
                    Piece::Name,
                    Piece::Text(" is no class that has settings, allowed "),
                    Piece::OneOf(names),
                    CORRECT,
                ];
                reader.refuse("unknown_value", &path, &text);
                continue;
            };
            let Some(mut settings) = reader.map(&path, node) else {
                continue;
            };
            let (Some(class), Some(attempts_written), Some(initial_written)) = (
                self.policy.classes.get_mut(at),
                self.written.class_attempts.get_mut(at),
                self.written.class_initial.get_mut(at),
            ) else {
                continue;
            };
            while let Some((key, node)) = settings.next_entry() {
                const KEYS: [&str; 2] = ["attempts", "initial"];
                let inner = path.key(key);
                match reader.key(key, &KEYS) {
                    Some(0) => {
                        class.attempts =
                            reader.count(&inner, node, ATTEMPTS, false).flatten().map(|count| count as u32);
                        *attempts_written = class.attempts.is_some();
                    }
                    Some(_) => {
                        class.initial = reader.span(&inner, node, SPAN).flatten();
                        *initial_written = class.initial.is_some();
                    }
                    None => reader.unknown_key(&path, key, &KEYS, &PEERS),
                }
            }
        }
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn read_version(reader: &mut Reader, path: &Path, node: Node) {
    match node {
        Node::Number(text) => {
            let number = scaled(text, 0);
            if !number.is_some_and(|number| number.value == 1 && number.exact && !number.negative) {
                let text = [
                    Piece::Text("undaunted is "),
                    Piece::Given(node),
                    Piece::Text(
                        ", allowed 1, the version of the policy format; write 1, or read this policy with a newer release",
                    ),
                ];
                reader.refuse("unsupported_version", path, &text);
            }
        }
        _ => reader.wrong_kind(path, node, &[Piece::Text("the number 1, the version of the policy format; write 1")]),
    }
}

fn read_on_timeout(reader: &mut Reader, path: &Path, node: Node) -> Option<Option<u64>> {
    const ADVICE: &str = "write {\"clip\": {\"min_attempt\": \"100ms\"}}";
    let Node::Map(entries) = node else {
        return reader.word(path, node, &["give_up"], " or {\"clip\": {\"min_attempt\": \"100ms\"}}").map(|_| None);
    };
    let node = only_entry(reader, path, entries, "clip", ADVICE)?;
    let path = path.key(b"clip");
    let entries = reader.map(&path, node)?;
    let node = only_entry(reader, &path, entries, "min_attempt", ADVICE)?;
    reader.span(&path.key(b"min_attempt"), node, SPAN)
}

/// The value of a map's one key; refuses every other key, and a map without it.
fn only_entry<'t>(
    reader: &mut Reader,
    path: &Path,
    mut entries: Items<'t>,
    name: &'static str,
    advice: &'static str,
) -> Option<Node<'t>> {
    let mut found = None;
    let mut has_others = false;
    let mut seen = 0;
    while let Some((key, node)) = entries.next_entry() {
        if reader.key(key, &[name]).is_none() {
            reader.unknown_key(path, key, &[name], &[]);
            has_others = true;
        } else if reader.once(&path.key(name.as_bytes()), &mut seen, 0) {
            found = Some(node);
        }
    }
    if found.is_none() && !has_others {
        missing(reader, path, name, advice);
    }
    found
}

fn missing(reader: &mut Reader, path: &Path, name: &'static str, advice: &'static str) {
    let text = [Piece::Name, Piece::Text(" is missing, and nothing stands in for it; "), Piece::Text(advice)];
    reader.refuse("missing_option", &path.key(name.as_bytes()), &text);
}

fn read_backoff(policy: &mut Policy, reader: &mut Reader, path: &Path, node: Node) {
    let Node::List(items) = node else {
        let kinds = [Backoff::Exponential, Backoff::Linear, Backoff::Constant];
        let at = reader.word(path, node, &Backoff::NAMES, " or a list of delays");
        set(&mut policy.backoff, at.and_then(|at| kinds.get(at).copied()));
        return;
    };
    let mut table = Table::EMPTY;
    for (item, index) in items.zip(0_u32..) {
        if index as usize == TABLE_LEN {
            let text =
                [Piece::Text("backoff has more than 64 delays, allowed 1 to 64; shorten it, the last delay repeats")];
            reader.refuse("too_many", path, &text);
            break;
        }
        table.push(reader.span(&path.index(index), item, SPAN_OR_ZERO).flatten().unwrap_or(0));
    }
    if table.as_slice().is_empty() {
        let text =
            [Piece::Text("backoff is an empty list, allowed 1 to 64 delays; write at least one, the last repeats")];
        reader.refuse("empty_list", path, &text);
    }
    policy.backoff = Backoff::List;
    policy.table = table;
}

fn read_jitter(reader: &mut Reader, path: &Path, node: Node) -> Option<Jitter> {
    const OR: &str = ", {\"proportional\": 0.2} or {\"additive\": \"1s\"}";
    const KEYS: [&str; 2] = ["proportional", "additive"];
    const KINDS: [Jitter; 4] = [Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated];
    let Node::Map(mut entries) = node else {
        return reader.word(path, node, &Jitter::NAMES, OR).and_then(|at| KINDS.get(at).copied());
    };
    let mut jitter = None;
    let mut is_empty = true;
    while let Some((key, node)) = entries.next_entry() {
        let Some(at) = reader.key(key, &KEYS) else {
            reader.unknown_key(path, key, &KEYS, &[]);
            is_empty = false;
            continue;
        };
        let inner = path.key(key);
        if !is_empty {
            let text = [
                Piece::Name,
                Piece::Text(" is a second kind of jitter, allowed one of proportional and additive; remove one"),
            ];
            reader.refuse("duplicate_option", &inner, &text);
            continue;
        }
        is_empty = false;
        jitter = match at {
            0 => reader.millionths(&inner, node, (0, PROPORTIONAL.1)).map(Jitter::Proportional),
            _ => reader.span(&inner, node, SPAN_OR_ZERO).flatten().map(Jitter::Additive),
        };
    }
    if is_empty {
        let text = [Piece::Text(
            "jitter is an empty map, allowed one of proportional and additive; write {\"proportional\": 0.2}",
        )];
        reader.refuse("missing_option", path, &text);
    }
    jitter
}

fn read_hint(reader: &mut Reader, path: &Path, node: Node) -> Option<HintRule> {
    const KEYS: [&str; 4] = ["mode", "max", "window", "resets"];
    let Node::Map(mut entries) = node else {
        let at =
            reader.word(path, node, &["floor", "exact", "ignore"], ", or a map of mode, max, window and resets")?;
        let mode = [HintMode::Floor, HintMode::Exact, HintMode::Ignore].get(at).copied()?;
        return Some(HintRule { mode, ..HintRule::FLOOR });
    };
    let mut hint = HintRule::FLOOR;
    let mut seen = 0;
    let mut refused = false;
    while let Some((key, node)) = entries.next_entry() {
        let Some(at) = reader.key(key, &KEYS) else {
            reader.unknown_key(path, key, &KEYS, &[]);
            refused = true;
            continue;
        };
        let inner = path.key(key);
        seen |= 1_u32 << at;
        refused |= match at {
            0 => reader
                .word(&inner, node, &HintMode::NAMES, "")
                .and_then(|at| HintMode::ALL.get(at).copied())
                .map(|mode| hint.mode = mode)
                .is_none(),
            1 => reader.span(&inner, node, SPAN).flatten().map(|max| hint.max = max).is_none(),
            2 => reader.span(&inner, node, SPAN).flatten().map(|window| hint.window = window).is_none(),
            _ => reader.bool(&inner, node).map(|resets| hint.resets = resets).is_none(),
        };
    }
    if refused {
        return None;
    }
    let has = |at: usize| seen >> at & 1 == 1;
    if hint.mode == HintMode::Window && !has(2) {
        missing(reader, path, "window", WRITE_WINDOW);
    }
    if has(1) && !hint.mode.is_limited() {
        meaningless(
            reader,
            &path.key(b"max"),
            "hint.mode is window or ignore",
            "remove it, or use mode floor or exact",
        );
    }
    if has(2) && hint.mode != HintMode::Window {
        meaningless(reader, &path.key(b"window"), "hint.mode is not window", "remove it, or use mode window");
    }
    if has(3) && hint.mode == HintMode::Ignore {
        meaningless(reader, &path.key(b"resets"), "hint.mode is ignore", "remove it, or use another mode");
    }
    Some(hint)
}

pub(super) fn meaningless(reader: &mut Reader, path: &Path, because: &'static str, advice: &'static str) {
    let text = [
        Piece::Name,
        Piece::Text(" has no effect while "),
        Piece::Text(because),
        Piece::Text("; "),
        Piece::Text(advice),
    ];
    reader.refuse("meaningless_option", path, &text);
}

const SPAN: Limits = Limits { min: DURATION.0, max: DURATION.1, null: false };
const SPAN_OR_NULL: Limits = Limits { null: true, ..SPAN };
const SPAN_OR_ZERO: Limits = Limits { min: 0, ..SPAN };

const CORRECT: Piece = Piece::Text("; correct its name or remove it");
const WRITE_WINDOW: &str = "write how far above our own delay a hint may move it, as in \"5s\"";
