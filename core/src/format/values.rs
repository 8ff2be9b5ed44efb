//! Reading one value of a policy: its kind and its bounds.

use super::duration;
use super::mistakes::Mistake;
use super::problem::{Path, Problem};
use super::tape::{Items, Node};
use crate::bounds::{ATTEMPTS, CODE, DURATION, FACTOR};
use crate::decimal::scaled;

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
pub(super) struct Reader<'p> {
    pub notation: Notation,
    problem: &'p mut dyn FnMut(&Problem),
    pub refused: bool,
}

impl<'p> Reader<'p> {
    pub fn new(notation: Notation, problem: &'p mut dyn FnMut(&Problem)) -> Reader<'p> {
        Reader { notation, problem, refused: false }
    }

    /// A mistake whose sentence has no places but the option's name.
    pub fn refuse(&mut self, mistake: Mistake, path: &Path) {
        self.report(mistake, path, Node::Null, &[], 0, 0);
    }

    /// A mistake in what was given.
    pub fn refuse_given(&mut self, mistake: Mistake, path: &Path, given: Node) {
        self.report(mistake, path, given, &[], 0, 0);
    }

    /// A mistake between two numbers.
    pub fn refuse_numbers(&mut self, mistake: Mistake, path: &Path, a: u64, b: u64) {
        self.report(mistake, path, Node::Null, &[], a, b);
    }

    #[inline(never)]
    fn report(&mut self, mistake: Mistake, path: &Path, given: Node, words: &[&str], a: u64, b: u64) {
        self.refused = true;
        (self.problem)(&Problem::new(mistake, path, given, words, [a, b]));
    }

    /// Which of `names` a key is. In JavaScript `maxDelay` is `max_delay` too.
    #[inline(never)]
    pub fn key(&self, key: &[u8], names: &[&str]) -> Option<usize> {
        let camel_case = self.notation == Notation::JavaScript;
        names.iter().position(|name| name.as_bytes() == key || (camel_case && is_camel_case_of(key, name)))
    }

    /// Refuses a key that no option has.
    pub fn unknown_key(&mut self, mistake: Mistake, path: &Path, key: &[u8], names: &[&str]) {
        self.report(mistake, &path.key(key), Node::Null, names, 0, 0);
    }

    /// Marks a key as seen; refuses one that was there before, in the other spelling.
    pub fn once(&mut self, path: &Path, seen: &mut u32, at: usize) -> bool {
        let bit = 1 << at;
        let is_first = *seen & bit == 0;
        *seen |= bit;
        if !is_first {
            self.refuse(Mistake::TwoSpellings, path);
        }
        is_first
    }

    pub fn map<'t>(&mut self, path: &Path, node: Node<'t>) -> Option<Items<'t>> {
        if let Node::Map(entries) = node {
            return Some(entries);
        }
        self.refuse_given(Mistake::NoMap, path, node);
        None
    }

    pub fn bool(&mut self, path: &Path, node: Node) -> Option<bool> {
        if let Node::Bool(value) = node {
            return Some(value);
        }
        self.refuse_given(Mistake::NoBool, path, node);
        None
    }

    /// The number of a word in a closed list. Only the first `count` may be written as text; the others describe the other
    /// forms that the option takes.
    #[inline(never)]
    pub fn word(&mut self, path: &Path, node: Node, words: &[&str], count: usize) -> Option<usize> {
        let mut mistake = Mistake::NoWord;
        if let Node::Text(text) = node {
            let at = words.iter().take(count).position(|word| word.as_bytes() == text);
            if at.is_some() {
                return at;
            }
            mistake = Mistake::UnknownWord;
        }
        self.report(mistake, path, node, words, 0, 0);
        None
    }

    /// A number of attempts.
    #[inline(never)]
    pub fn attempts(&mut self, path: &Path, node: Node, mistake: Mistake) -> Option<u32> {
        let (min, max) = ATTEMPTS;
        let number = match node {
            Node::Number(text) => scaled(text, 0).filter(|number| number.exact),
            _ => None,
        };
        let mistake = match number {
            None => mistake,
            Some(number) if number.negative || number.value < min => Mistake::NoAttempts,
            Some(number) if number.value > max => Mistake::CountTooLarge,
            Some(number) => return Some(number.value as u32),
        };
        self.report(mistake, path, node, &[], min, max);
        None
    }

    /// A code that a rule names: a whole number, negative ones included.
    pub fn code(&mut self, path: &Path, node: Node) -> Option<i32> {
        let number = match node {
            Node::Number(text) => scaled(text, 0).filter(|number| number.exact),
            _ => None,
        };
        let mistake = match number {
            None => Mistake::NoCode,
            Some(number) => {
                let most = u64::from(CODE.1.unsigned_abs()) + u64::from(number.negative);
                if number.value <= most {
                    let value = number.value as i64;
                    return Some(if number.negative { -value } else { value } as i32);
                }
                Mistake::CodeTooLarge
            }
        };
        self.refuse_given(mistake, path, node);
        None
    }

    /// A number with at most six decimal places, in millionths.
    #[inline(never)]
    pub fn millionths(&mut self, path: &Path, node: Node, (min, max): (u64, u64)) -> Option<u32> {
        let number = match node {
            Node::Number(text) => scaled(text, 6),
            _ => None,
        };
        let mistake = match number {
            None => Mistake::NoDecimal,
            Some(number) if !number.exact => Mistake::TooFineDecimal,
            Some(number) if number.negative || number.value < min => match min == FACTOR.0 {
                true => Mistake::FactorTooSmall,
                false => Mistake::DecimalTooSmall,
            },
            Some(number) if number.value > max => Mistake::DecimalTooLarge,
            Some(number) => return Some(number.value as u32),
        };
        self.report(mistake, path, node, &[], min, max);
        None
    }

    /// A duration in microseconds.
    pub fn span(&mut self, path: &Path, node: Node) -> Option<u64> {
        self.duration(path, node, DURATION.0, Mistake::NoDuration)
    }

    /// A duration in microseconds, or null.
    pub fn span_or_null(&mut self, path: &Path, node: Node) -> Option<Option<u64>> {
        match node {
            Node::Null => Some(None),
            _ => self.duration(path, node, DURATION.0, Mistake::NoDurationOrNull).map(Some),
        }
    }

    /// A duration in microseconds, or 0.
    pub fn span_or_zero(&mut self, path: &Path, node: Node) -> Option<u64> {
        self.duration(path, node, 0, Mistake::NoDuration)
    }

    #[inline(never)]
    fn duration(&mut self, path: &Path, node: Node, min: u64, mistake: Mistake) -> Option<u64> {
        let is_text = matches!(node, Node::Text(_));
        let duration = match (node, self.notation) {
            (Node::Text(text), _) => duration::parse(text),
            (Node::Micros(digits), _) => scaled(digits, 0),
            (Node::Number(digits), Notation::Python) => scaled(digits, 6),
            (Node::Number(digits), Notation::JavaScript) => scaled(digits, 3),
            _ => None,
        };
        let mistake = match duration {
            None if is_text => Mistake::BadDuration,
            None if matches!((node, self.notation), (Node::Number(_), Notation::Json)) => Mistake::BareNumber,
            None => mistake,
            Some(duration) if is_text && !duration.exact => Mistake::TooFineDuration,
            Some(duration) if duration.negative || duration.value < min => Mistake::DurationTooShort,
            Some(duration) if duration.value > DURATION.1 => Mistake::DurationTooLong,
            Some(duration) => return Some(duration.value),
        };
        self.report(mistake, path, node, &[], min, DURATION.1);
        None
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
