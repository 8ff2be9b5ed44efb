//! Reading the rules of a policy.

use super::mistakes::Mistake;
use super::problem::Path;
use super::tape::{Items, Node};
use super::values::Reader;
use crate::bounds::{CODE, RULES_LEN, RULES_TEXT};
use crate::decimal::scaled;
use crate::failure::{Class, Domain, Sent};
use crate::rules::{Match, Rule, Rules, Span};

pub(super) fn read_rules(rules: &mut Rules, reader: &mut Reader, path: &Path, node: Node) {
    let Node::List(items) = node else {
        return reader.refuse_given(Mistake::NoRules, path, node);
    };
    *rules = Rules::EMPTY;
    let mut text_left = RULES_TEXT;
    for (item, index) in items.zip(0_u32..) {
        if index as usize == RULES_LEN {
            return reader.refuse(Mistake::TooManyRules, path);
        }
        let path = path.index(index);
        if let Some(entries) = reader.map(&path, item) {
            let before = core::mem::replace(&mut reader.refused, false);
            let written = read_rule(reader, &path, entries, &mut text_left);
            reader.refused |= before;
            let name = written.name.and_then(|text| rules.keep(text));
            let body_contains = written.body_contains.and_then(|text| rules.keep(text)).unwrap_or(Span::EMPTY);
            let matches = name.map_or(written.rule.matches, Match::Name);
            rules.push(Rule { matches, body_contains, ..written.rule });
        }
    }
}

/// A rule as written: its texts are kept once all of it is read, so that their order does not depend on the writer's.
struct WrittenRule<'t> {
    rule: Rule,
    name: Option<&'t [u8]>,
    body_contains: Option<&'t [u8]>,
}

fn read_rule<'t>(reader: &mut Reader, path: &Path, mut entries: Items<'t>, text_left: &mut usize) -> WrittenRule<'t> {
    const KEYS: [&str; 9] = ["http", "os", "dns", "tls", "undici", "user", "body_contains", "class", "sent"];
    let mut written = WrittenRule { rule: Rule::EMPTY, name: None, body_contains: None };
    let rule = &mut written.rule;
    let mut seen = 0;
    while let Some((key, node)) = entries.next_entry() {
        let Some(at) = reader.key(key, &KEYS) else {
            reader.unknown_key(Mistake::UnknownOption, path, key, &KEYS);
            continue;
        };
        let inner = path.key(KEYS.get(at).map_or(key, |name| name.as_bytes()));
        if !reader.once(&inner, &mut seen, at) {
            continue;
        }
        match at {
            6 => match node {
                Node::Text(text) => written.body_contains = read_text(reader, &inner, text, text_left),
                _ => reader.refuse_given(Mistake::NoText, &inner, node),
            },
            7 => {
                let at = reader.word(&inner, node, Class::NAMES, Class::NAMES.len());
                rule.class = at.and_then(|at| Class::from_number(at as u32));
            }
            8 => {
                let at = reader.word(&inner, node, Sent::NAMES, Sent::NAMES.len());
                rule.sent = at.and_then(|at| Sent::from_number(at as u32));
            }
            _ if rule.domain.is_some() => reader.refuse(Mistake::TwoCodes, &inner),
            _ => {
                rule.domain = Domain::from_number(at as u32);
                match node {
                    Node::Text(text) => match read_range(text) {
                        Some((low, high)) if low <= high => rule.matches = Match::Range(low, high),
                        None if rule.domain != Some(Domain::Http) => {
                            written.name = read_text(reader, &inner, text, text_left);
                        }
                        _ => reader.refuse_given(Mistake::BadRange, &inner, node),
                    },
                    _ => rule.matches = reader.code(&inner, node).map_or(Match::Any, Match::Number),
                }
            }
        }
    }
    let is_whole = !reader.refused;
    if is_whole && seen & 0x7F == 0 {
        reader.refuse(Mistake::NoMatch, path);
    }
    if is_whole && seen & 0x180 == 0 {
        reader.refuse(Mistake::NoEffect, path);
    }
    written
}

fn read_text<'t>(reader: &mut Reader, path: &Path, text: &'t [u8], left: &mut usize) -> Option<&'t [u8]> {
    if text.is_empty() {
        reader.refuse_given(Mistake::EmptyText, path, Node::Text(text));
        return None;
    }
    match left.checked_sub(text.len()) {
        Some(rest) => {
            *left = rest;
            Some(text)
        }
        None => {
            reader.refuse_numbers(Mistake::TextTooLong, path, text.len() as u64, 0);
            None
        }
    }
}

/// `500-599`. A bound that is no code reads as a range that no code is in.
fn read_range(text: &[u8]) -> Option<(u32, u32)> {
    let dash = text.iter().position(|&byte| byte == b'-')?;
    let (low, high) = text.split_at_checked(dash)?;
    let (low, high) = (read_digits(low)?, read_digits(high.get(1..)?)?);
    let most = CODE.1.unsigned_abs().into();
    if low.max(high) > most { Some((1, 0)) } else { Some((low as u32, high as u32)) }
}

fn read_digits(text: &[u8]) -> Option<u64> {
    if text.iter().all(u8::is_ascii_digit) { scaled(text, 0).map(|number| number.value) } else { None }
}
