//! Reading one value of a policy: kinds and bounds, and the sentence when they do not fit.

use super::duration;
use super::problem::{Path, Piece, Problem};
use super::tape::{Items, Node};
use crate::bounds::{ATTEMPTS, CODE};
use crate::decimal::{Scaled, scaled};

/// How the host writes policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// A policy file: durations are text with a unit, a bare number is refused.
    Json = 0,
    /// Keyword arguments: bare numbers are seconds.
    Python = 1,
    /// An object: bare numbers are milliseconds, and keys may be written in camel case.
    JavaScript = 2,
}

impl Notation {
    /// The notations by number.
    pub const ALL: [Notation; 3] = [Notation::Json, Notation::Python, Notation::JavaScript];
}

/// Reads values, and reports each that does not fit.
pub(crate) struct Reader<'p> {
    pub notation: Notation,
    problem: &'p mut dyn FnMut(&Problem),
    pub refused: bool,
}

/// What a duration is read with.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub min: u64,
    pub max: u64,
    pub null: bool,
}

impl<'p> Reader<'p> {
    pub fn new(notation: Notation, problem: &'p mut dyn FnMut(&Problem)) -> Reader<'p> {
        Reader { notation, problem, refused: false }
    }

    pub fn refuse(&mut self, code: &'static str, path: &Path, text: &[Piece]) {
        self.refused = true;
        (self.problem)(&Problem::new(code, path, text));
    }

    /// Which of `names` a key is. In JavaScript `maxDelay` is `max_delay` too.
    pub fn key(&self, key: &[u8], names: &[&str]) -> Option<usize> {
        names.iter().position(|name| {
            name.as_bytes() == key || (self.notation == Notation::JavaScript && is_camel_case_of(key, name))
        })
    }

    /// Refuses a key that no option has.
    pub fn unknown_key(&mut self, path: &Path, key: &[u8], names: &[&str], peers: &[(&str, &str)]) {
        let path = path.key(key);
        match peers.iter().find(|(peer, _)| peer.as_bytes() == key) {
            Some((_, instead)) => {
                self.refuse(
                    "unknown_option",
                    &path,
                    &[Piece::Name, Piece::Text(" is not an option; "), Piece::Text(instead)],
                );
            }
            None => self.refuse(
                "unknown_option",
                &path,
                &[
                    Piece::Name,
                    Piece::Text(" is not an option, allowed "),
                    Piece::OneOf(names),
                    Piece::Text("; correct its name or remove it"),
                ],
            ),
        }
    }

    /// Marks a key as seen; refuses one that was there before, in the other spelling.
    pub fn once(&mut self, path: &Path, seen: &mut u32, at: usize) -> bool {
        let bit = 1 << at;
        if *seen & bit != 0 {
            self.refuse(
                "duplicate_option",
                path,
                &[Piece::Name, Piece::Text(" is given twice, allowed once; remove one of the two spellings")],
            );
            return false;
        }
        *seen |= bit;
        true
    }

    pub fn map<'t>(&mut self, path: &Path, node: Node<'t>) -> Option<Items<'t>> {
        match node {
            Node::Map(entries) => Some(entries),
            _ => {
                self.wrong_kind(path, node, &[Piece::Text("a map of options; write { \"name\": value }")]);
                None
            }
        }
    }

    pub fn bool(&mut self, path: &Path, node: Node) -> Option<bool> {
        match node {
            Node::Bool(value) => Some(value),
            _ => {
                self.wrong_kind(path, node, &[Piece::Text("true or false; write one of the two, without quotes")]);
                None
            }
        }
    }

    /// The number of a word in a closed list. `or` names the other forms that the option takes.
    pub fn word(&mut self, path: &Path, node: Node, words: &[&str], or: &'static str) -> Option<usize> {
        let at = match node {
            Node::Text(text) => words.iter().position(|word| word.as_bytes() == text),
            _ => None,
        };
        if at.is_none() {
            let code = if matches!(node, Node::Text(_)) { "unknown_value" } else { "wrong_kind" };
            self.refuse(
                code,
                path,
                &[
                    Piece::Name,
                    Piece::Text(" is "),
                    Piece::Given(node),
                    Piece::Text(", allowed "),
                    Piece::OneOf(words),
                    Piece::Text(or),
                    Piece::Text("; write one of these"),
                ],
            );
        }
        at
    }

    /// A whole number; `null` reads as None where it is allowed.
    pub fn count(&mut self, path: &Path, node: Node, bounds: (u64, u64), null: bool) -> Option<Option<u64>> {
        let number = match node {
            Node::Null if null => return Some(None),
            Node::Number(text) => scaled(text, 0).filter(|number| number.exact),
            _ => None,
        };
        let allowed = [
            Piece::Number(bounds.0),
            Piece::Text(" to "),
            Piece::Number(bounds.1),
            Piece::Text(if null { " or null" } else { "" }),
        ];
        let Some(number) = number else {
            let [from, to, max, or_null] = allowed;
            let text = [
                Piece::Name,
                Piece::Text(" is "),
                Piece::Given(node),
                Piece::Text(", allowed a whole number from "),
                from,
                to,
                max,
                or_null,
                Piece::Text("; write a number without quotes or fraction"),
            ];
            self.refuse("wrong_kind", path, &text);
            return None;
        };
        if number.negative || number.value < bounds.0 || number.value > bounds.1 {
            let small = number.negative || number.value < bounds.0;
            let advice = match (small, bounds) {
                (true, ATTEMPTS) => "; use 1 to call once without retrying",
                (true, _) => LARGER,
                (false, _) => SMALLER,
            };
            self.out_of_range(path, node, &allowed, advice);
            return None;
        }
        Some(Some(number.value))
    }

    /// A code that a rule names: a whole number, negative ones included.
    pub fn code(&mut self, path: &Path, node: Node) -> Option<i32> {
        let number = match node {
            Node::Number(text) => scaled(text, 0).filter(|number| number.exact),
            _ => None,
        };
        let Some(number) = number else {
            self.wrong_kind(
                path,
                node,
                &[Piece::Text("a whole number, a range as \"500-599\" or a name; write one of these")],
            );
            return None;
        };
        let most = u64::from(CODE.1.unsigned_abs()) + u64::from(number.negative);
        if number.value > most {
            let allowed = [
                Piece::Text("-"),
                Piece::Number(u64::from(CODE.0.unsigned_abs())),
                Piece::Text(" to "),
                Piece::Number(u64::from(CODE.1.unsigned_abs())),
            ];
            self.out_of_range(path, node, &allowed, "; write the code as its system reports it");
            return None;
        }
        let value = number.value as i64;
        Some(if number.negative { -value } else { value } as i32)
    }

    /// A number with at most six decimal places, in millionths. Below `min` it reads as it is: the caller says why not.
    pub fn millionths(&mut self, path: &Path, node: Node, bounds: (u64, u64)) -> Option<u32> {
        let number = match node {
            Node::Number(text) => scaled(text, 6),
            _ => None,
        };
        let Some(number) = number else {
            self.wrong_kind(
                path,
                node,
                &[
                    Piece::Text("a number up to "),
                    Piece::Millionths(bounds.1 as u32),
                    Piece::Text("; write a finite number without quotes"),
                ],
            );
            return None;
        };
        if !number.exact {
            let text = [
                Piece::Name,
                Piece::Text(" is "),
                Piece::Given(node),
                Piece::Text(", allowed at most 6 decimal places; round it"),
            ];
            self.refuse("too_fine", path, &text);
            return None;
        }
        if number.negative || number.value < bounds.0 || number.value > bounds.1 {
            let small = number.negative || number.value < bounds.0;
            let allowed = [
                Piece::Text(if bounds.0 % 1_000_000 == 1 { "above " } else { "" }),
                Piece::Millionths((bounds.0 - bounds.0 % 1_000_000) as u32),
                Piece::Text(" to "),
                Piece::Millionths(bounds.1 as u32),
            ];
            self.out_of_range(path, node, &allowed, if small { LARGER } else { SMALLER });
            return None;
        }
        Some(number.value as u32)
    }

    /// A duration in microseconds; `null` reads as None where it is allowed.
    pub fn span(&mut self, path: &Path, node: Node, span: Limits) -> Option<Option<u64>> {
        let (duration, is_text) = match node {
            Node::Null if span.null => return Some(None),
            Node::Text(text) => (duration::parse(text), true),
            Node::Micros(digits) => (scaled(digits, 0), false),
            Node::Number(digits) => match self.notation {
                Notation::Json => {
                    self.bare_number(path, node);
                    return None;
                }
                Notation::Python => (scaled(digits, 6), false),
                Notation::JavaScript => (scaled(digits, 3), false),
            },
            _ => (None, false),
        };
        let Some(duration) = duration else {
            let code = if is_text { "bad_duration" } else { "wrong_kind" };
            let null = if span.null { ", or null" } else { "" };
            self.refuse(
                code,
                path,
                &[
                    Piece::Name,
                    Piece::Text(" is "),
                    Piece::Given(node),
                    Piece::Text(", allowed a number with one of the units us, ms, s, m, h"),
                    Piece::Text(null),
                    Piece::Text("; write \"30s\" for thirty seconds"),
                ],
            );
            return None;
        };
        self.within(path, node, duration, span, is_text).map(Some)
    }

    fn within(&mut self, path: &Path, node: Node, duration: Scaled, span: Limits, is_text: bool) -> Option<u64> {
        if is_text && !duration.exact {
            let text = [
                Piece::Name,
                Piece::Text(" is "),
                Piece::Given(node),
                Piece::Text(", allowed whole microseconds; round it to one"),
            ];
            self.refuse("too_fine", path, &text);
            return None;
        }
        if duration.negative || duration.value < span.min || duration.value > span.max {
            let allowed = [
                Piece::Micros(span.min),
                Piece::Text(" to "),
                Piece::Micros(span.max),
                Piece::Text(if span.null { " or null" } else { "" }),
            ];
            self.out_of_range(
                path,
                node,
                &allowed,
                if duration.negative || duration.value < span.min { LARGER } else { SMALLER },
            );
            return None;
        }
        Some(duration.value)
    }

    fn bare_number(&mut self, path: &Path, node: Node) {
        let text = [
            Piece::Name,
            Piece::Text(" is "),
            Piece::Given(node),
            Piece::Text(", allowed text with a unit, since languages read bare numbers differently; write \""),
            Piece::Given(node),
            Piece::Text("s\" for seconds or \""),
            Piece::Given(node),
            Piece::Text("ms\" for milliseconds"),
        ];
        self.refuse("bare_number", path, &text);
    }

    fn out_of_range(&mut self, path: &Path, node: Node, allowed: &[Piece; 4], advice: &'static str) {
        let [a, b, c, d] = allowed;
        let text = [
            Piece::Name,
            Piece::Text(" is "),
            Piece::Given(node),
            Piece::Text(", allowed "),
            *a,
            *b,
            *c,
            *d,
            Piece::Text(advice),
        ];
        self.refuse("out_of_range", path, &text);
    }

    pub fn wrong_kind(&mut self, path: &Path, node: Node, allowed: &[Piece]) {
        let nothing = Piece::Text("");
        let piece = |at: usize| allowed.get(at).copied().unwrap_or(nothing);
        let text = [
            Piece::Name,
            Piece::Text(" is "),
            Piece::Given(node),
            Piece::Text(", allowed "),
            piece(0),
            piece(1),
            piece(2),
        ];
        self.refuse("wrong_kind", path, &text);
    }
}

fn is_camel_case_of(key: &[u8], name: &str) -> bool {
    let mut key = key.iter();
    let mut raise = false;
    for &byte in name.as_bytes() {
        if byte == b'_' {
            raise = true;
            continue;
        }
        let expected = if raise { byte.to_ascii_uppercase() } else { byte };
        if key.next() != Some(&expected) {
            return false;
        }
        raise = false;
    }
    key.next().is_none()
}

const LARGER: &str = "; write a larger one";
const SMALLER: &str = "; write a smaller one";
