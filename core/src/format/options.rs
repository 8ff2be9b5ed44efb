//! Reading the options, one by one, in the order in which they are written.

use super::mistakes::Mistake;
use super::problem::Path;
use super::rule::read_rules;
use super::tape::{Items, Node};
use super::values::Reader;
use super::{Draft, Opt};
use crate::backoff::{Backoff, Table};
use crate::bounds::{FACTOR, OPTIONS, PEERS, PROPORTIONAL, TABLE_LEN};
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
                refuse_unknown(reader, &Path::ROOT, key, &OPTIONS);
                continue;
            };
            let Some(&option) = Opt::ALL.get(at) else { continue };
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
                reader.word(path, node, &presets::NAMES, presets::NAMES.len());
            }
            Opt::Attempts => match node {
                Node::Null => policy.attempts = None,
                _ => set_some(&mut policy.attempts, reader.attempts(path, node, Mistake::NoCountOrNull)),
            },
            Opt::Timeout => set(&mut policy.timeout, reader.span_or_null(path, node)),
            Opt::Forever => set(&mut self.forever, reader.bool(path, node)),
            Opt::OnTimeout => set(&mut policy.clip, read_on_timeout(reader, path, node)),
            Opt::AttemptTimeout => set(&mut policy.attempt_timeout, reader.span_or_null(path, node)),
            Opt::Backoff => read_backoff(policy, reader, path, node),
            Opt::Initial => set(&mut policy.initial, reader.span(path, node)),
            Opt::Factor => set(&mut policy.factor, reader.millionths(path, node, FACTOR)),
            Opt::MaxDelay => set(&mut policy.max_delay, reader.span(path, node)),
            Opt::First => {
                let at = reader.word(path, node, &["delayed", "immediate"], 2);
                set(&mut policy.first_is_immediate, at.map(|at| at == 1));
            }
            Opt::Jitter => set(&mut policy.jitter, read_jitter(reader, path, node)),
            Opt::Hint => set(&mut policy.hint, read_hint(reader, path, node)),
            Opt::Classes => self.read_classes(reader, path, node),
            Opt::Rules => read_rules(&mut policy.rules, reader, path, node),
            Opt::Idempotent => {
                let value = match node {
                    Node::Bool(true) => Some(Idempotent::True),
                    Node::Bool(false) => Some(Idempotent::False),
                    _ => reader.word(path, node, &["auto", "true", "false"], 1).map(|_| Idempotent::Auto),
                };
                set(&mut policy.idempotent, value);
            }
            Opt::Nested => {
                let at = reader.word(path, node, Nested::NAMES, Nested::NAMES.len());
                set(&mut policy.nested, at.and_then(|at| Nested::from_number(at as u32)));
            }
        }
    }

    fn read_classes(&mut self, reader: &mut Reader, path: &Path, node: Node) {
        const KEYS: [&str; 2] = ["attempts", "initial"];
        let Some(mut entries) = reader.map(path, node) else { return };
        self.policy.classes = [ClassSettings::default(); CLASSES];
        let names = Class::NAMES.get(..CLASSES).unwrap_or(&[]);
        while let Some((key, node)) = entries.next_entry() {
            let Some(at) = names.iter().position(|name| name.as_bytes() == key) else {
                reader.unknown_key(Mistake::UnknownClass, path, key, names);
                continue;
            };
            let path = path.key(key);
            let (Some(mut settings), Some(class), Some(is_written)) =
                (reader.map(&path, node), self.policy.classes.get_mut(at), self.written.classes.get_mut(at))
            else {
                continue;
            };
            while let Some((key, node)) = settings.next_entry() {
                let inner = path.key(key);
                match reader.key(key, &KEYS) {
                    Some(0) => {
                        class.attempts = reader.attempts(&inner, node, Mistake::NoCount);
                        is_written.attempts = class.attempts.is_some();
                    }
                    Some(_) => {
                        class.initial = reader.span(&inner, node);
                        is_written.initial = class.initial.is_some();
                    }
                    None => refuse_unknown(reader, &path, key, &KEYS),
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

fn set_some<T>(place: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *place = value;
    }
}

/// Refuses a key that is no option here; one that another library calls so is told its name.
fn refuse_unknown(reader: &mut Reader, path: &Path, key: &[u8], names: &[&str]) {
    let peer = PEERS.iter().find(|(peers, _)| peers.iter().any(|peer| peer.as_bytes() == key));
    match peer {
        Some((_, instead)) => reader.unknown_key(Mistake::PeersOption, path, key, &[instead]),
        None => reader.unknown_key(Mistake::UnknownOption, path, key, names),
    }
}

fn read_version(reader: &mut Reader, path: &Path, node: Node) {
    match node {
        Node::Number(text) => {
            let number = scaled(text, 0);
            if !number.is_some_and(|number| number.value == 1 && number.exact && !number.negative) {
                reader.refuse_given(Mistake::UnsupportedVersion, path, node);
            }
        }
        _ => reader.refuse_given(Mistake::NoVersion, path, node),
    }
}

fn read_on_timeout(reader: &mut Reader, path: &Path, node: Node) -> Option<Option<u64>> {
    let Node::Map(entries) = node else {
        let words = ["give_up", "{\"clip\": {\"min_attempt\": \"100ms\"}}"];
        return reader.word(path, node, &words, 1).map(|_| None);
    };
    let node = only_entry(reader, path, entries, "clip")?;
    let path = path.key(b"clip");
    let entries = reader.map(&path, node)?;
    let node = only_entry(reader, &path, entries, "min_attempt")?;
    reader.span(&path.key(b"min_attempt"), node).map(Some)
}

/// The value of a map's one key; refuses every other key, and a map without it.
fn only_entry<'t>(reader: &mut Reader, path: &Path, mut entries: Items<'t>, name: &'static str) -> Option<Node<'t>> {
    let inner = path.key(name.as_bytes());
    let mut found = None;
    let mut has_others = false;
    let mut seen = 0;
    while let Some((key, node)) = entries.next_entry() {
        if reader.key(key, &[name]).is_none() {
            refuse_unknown(reader, path, key, &[name]);
            has_others = true;
        } else if reader.once(&inner, &mut seen, 0) {
            found = Some(node);
        }
    }
    if found.is_none() && !has_others {
        reader.refuse(Mistake::NoClip, &inner);
    }
    found
}

fn read_backoff(policy: &mut Policy, reader: &mut Reader, path: &Path, node: Node) {
    let Node::List(items) = node else {
        let [exponential, linear, constant] = Backoff::NAMES;
        let kinds = [Backoff::Exponential, Backoff::Linear, Backoff::Constant];
        let at = reader.word(path, node, &[exponential, linear, constant, "a list of delays"], 3);
        set(&mut policy.backoff, at.and_then(|at| kinds.get(at).copied()));
        return;
    };
    let mut table = Table::EMPTY;
    for (item, index) in items.zip(0_u32..) {
        if index as usize == TABLE_LEN {
            reader.refuse(Mistake::TooManyDelays, path);
            break;
        }
        table.push(reader.span_or_zero(&path.index(index), item).unwrap_or(0));
    }
    if table.as_slice().is_empty() {
        reader.refuse(Mistake::EmptyList, path);
    }
    policy.backoff = Backoff::List;
    policy.table = table;
}

fn read_jitter(reader: &mut Reader, path: &Path, node: Node) -> Option<Jitter> {
    const KEYS: [&str; 2] = ["proportional", "additive"];
    const KINDS: [Jitter; 4] = [Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated];
    let Node::Map(mut entries) = node else {
        let [none, full, equal, decorrelated] = Jitter::NAMES;
        let words = [none, full, equal, decorrelated, "{\"proportional\": 0.2}", "{\"additive\": \"1s\"}"];
        return reader.word(path, node, &words, 4).and_then(|at| KINDS.get(at).copied());
    };
    let mut jitter = None;
    let mut is_empty = true;
    while let Some((key, node)) = entries.next_entry() {
        let inner = path.key(key);
        let is_first = core::mem::replace(&mut is_empty, false);
        match reader.key(key, &KEYS) {
            None => refuse_unknown(reader, path, key, &KEYS),
            Some(_) if !is_first => reader.refuse(Mistake::TwoJitters, &inner),
            Some(0) => jitter = reader.millionths(&inner, node, (0, PROPORTIONAL.1)).map(Jitter::Proportional),
            Some(_) => jitter = reader.span_or_zero(&inner, node).map(Jitter::Additive),
        }
    }
    if is_empty {
        reader.refuse(Mistake::EmptyJitter, path);
    }
    jitter
}

fn read_hint(reader: &mut Reader, path: &Path, node: Node) -> Option<HintRule> {
    const KEYS: [&str; 4] = ["mode", "max", "window", "resets"];
    let Node::Map(mut entries) = node else {
        let words = ["floor", "exact", "ignore", "a map of mode, max, window and resets"];
        let at = reader.word(path, node, &words, 3)?;
        let mode = [HintMode::Floor, HintMode::Exact, HintMode::Ignore].get(at).copied()?;
        return Some(HintRule { mode, ..HintRule::FLOOR });
    };
    let mut hint = HintRule::FLOOR;
    let mut seen = 0;
    let before = core::mem::replace(&mut reader.refused, false);
    while let Some((key, node)) = entries.next_entry() {
        let inner = path.key(key);
        let at = reader.key(key, &KEYS);
        seen |= at.map_or(0, |at| 1_u32 << at);
        match at {
            None => refuse_unknown(reader, path, key, &KEYS),
            Some(0) => {
                let at = reader.word(&inner, node, &HintMode::NAMES, HintMode::NAMES.len());
                set(&mut hint.mode, at.and_then(|at| HintMode::ALL.get(at).copied()));
            }
            Some(1) => set(&mut hint.max, reader.span(&inner, node)),
            Some(2) => set(&mut hint.window, reader.span(&inner, node)),
            Some(_) => set(&mut hint.resets, reader.bool(&inner, node)),
        }
    }
    let is_whole = !reader.refused;
    reader.refused |= before;
    let mode = hint.mode;
    let [max, window, resets] = [1, 2, 3].map(|at| seen >> at & 1 == 1);
    let checks = [
        (mode == HintMode::Window && !window, Mistake::NoWindow, "window"),
        (max && !mode.is_limited(), Mistake::MaxWithoutLimit, "max"),
        (window && mode != HintMode::Window, Mistake::WindowWithoutMode, "window"),
        (resets && mode == HintMode::Ignore, Mistake::ResetsWithoutHint, "resets"),
    ];
    for (is_wrong, mistake, name) in checks {
        if is_wrong && is_whole {
            reader.refuse(mistake, &path.key(name.as_bytes()));
        }
    }
    Some(hint)
}
