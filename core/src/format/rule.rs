//! Reading the rules of a policy.

use super::problem::{Path, Piece};
use super::tape::{Items, Node};
use super::values::Reader;
use crate::bounds::{CODE, RULES_LEN, RULES_TEXT};
use crate::decimal::scaled;
use crate::failure::{Class, Domain, Sent};
use crate::rules::{Match, Rule, Rules, Span};

pub(super) fn read_rules(rules: &mut Rules, reader: &mut Reader, path: &Path, node: Node) {
    let Node::List(items) = node else {
        return reader.wrong_kind(
            path,
            node,
            &[Piece::Text("a list of rules; write [{\"http\": 500, \"class\": \"permanent\"}]")],
        );
    };
    *rules = Rules::EMPTY;
    let mut text_left = RULES_TEXT;
    for (item, index) in items.zip(0_u32..) {
        if index as usize == RULES_LEN {
            let text = [Piece::Text("rules has more than 32 rules, allowed up to 32; join some by a range")];
            return reader.refuse("too_many", path, &text);
        }
        let path = path.index(index);
        if let Some(entries) = reader.map(&path, item) {
            let before = core::mem::replace(&mut reader.refused, false);
            let written = read_rule(reader, &path, entries, &mut text_left);
            reader.refused |= before;
            let name = written.name.and_then(|text| rules.keep(text));
            let rule = Rule {
                matches: name.map_or(written.rule.matches, Match::Name),
                body_contains: written.body_contains.and_then(|text| rules.keep(text)).unwrap_or(Span::EMPTY),
                ..written.rule
            };
            rules.push(rule);
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
            reader.unknown_key(path, key, &KEYS, &[]);
            continue;
        };
        let inner = path.key(KEYS.get(at).map_or(key, |name| name.as_bytes()));
        if !reader.once(&inner, &mut seen, at) {
            continue;
        }
        match at {
            6 => match node {
                Node::Text(text) => written.body_contains = read_text(reader, &inner, node, text, text_left),
                _ => reader.wrong_kind(&inner, node, &[Piece::Text("text; write what the body contains")]),
            },
            7 => rule.class = reader.word(&inner, node, Class::NAMES, "").and_then(|at| Class::from_number(at as u32)),
            8 => rule.sent = reader.word(&inner, node, Sent::NAMES, "").and_then(|at| Sent::from_number(at as u32)),
            _ if rule.domain.is_some() => {
                let text =
                    [Piece::Name, Piece::Text(" is a second code in one rule, allowed one; write a rule for each")];
                reader.refuse("duplicate_option", &inner, &text);
            }
            _ => {
                rule.domain = Domain::from_number(at as u32);
                match node {
                    Node::Number(_) => rule.matches = reader.code(&inner, node).map_or(Match::Any, Match::Number),
                    Node::Text(text) => match read_range(text) {
                        Some((low, high)) if low <= high => rule.matches = Match::Range(low, high),
                        None if rule.domain != Some(Domain::Http) => {
                            written.name = read_text(reader, &inner, node, text, text_left);
                        }
                        _ => {
                            let text = [
                                Piece::Name,
                                Piece::Text(" is "),
                                Piece::Given(node),
                                Piece::Text(
                                    ", allowed a range from low to high, as \"500-599\"; write two numbers, or one without quotes",
                                ),
                            ];
                            reader.refuse("bad_range", &inner, &text);
                        }
                    },
                    _ => reader.wrong_kind(
                        &inner,
                        node,
                        &[Piece::Text("a number, a range as \"500-599\" or a name; write one of these")],
                    ),
                }
            }
        }
    }
    let has = |keys: core::ops::Range<usize>| keys.into_iter().any(|at| seen >> at & 1 == 1);
    let is_whole = !reader.refused;
    if is_whole && !has(0..7) {
        let text = [
            Piece::Name,
            Piece::Text(" names no code and no body_contains, allowed one or both; add {\"http\": 500} or the like"),
        ];
        reader.refuse("rule_without_match", path, &text);
    }
    if is_whole && !has(7..9) {
        let text = [
            Piece::Name,
            Piece::Text(" sets neither class nor sent, allowed one or both; add \"class\": \"permanent\" or the like"),
        ];
        reader.refuse("rule_without_effect", path, &text);
    }
    written
}

fn read_text<'t>(reader: &mut Reader, path: &Path, node: Node, text: &'t [u8], left: &mut usize) -> Option<&'t [u8]> {
    if text.is_empty() {
        let text = [
            Piece::Name,
            Piece::Text(" is "),
            Piece::Given(node),
            Piece::Text(", allowed at least one character; write it, or remove it"),
        ];
        reader.refuse("out_of_range", path, &text);
        return None;
    }
    match left.checked_sub(text.len()) {
        Some(rest) => {
            *left = rest;
            Some(text)
        }
        None => {
            let text = [
                Piece::Name,
                Piece::Text(" has "),
                Piece::Number(text.len() as u64),
                Piece::Text(" bytes, allowed 2048 in all rules together; shorten it"),
            ];
            reader.refuse("text_too_long", path, &text);
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
