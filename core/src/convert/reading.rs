//! Reading settings of another library by a table of its names, with every mistake in them.

use super::draft::Draft;
use crate::bounds::{Bounds, DURATION, Field, Kind, Map, Unit};
use crate::decimal::{plain, scaled};
use crate::format::{Mistake, Path, Problem, tape, tape::Node};
use crate::lint::{Finding, Level, Value};
use crate::policy::Policy;

/// What a source is read with, and what comes of it.
pub(super) struct Reading<'r> {
    problem: &'r mut dyn FnMut(&Problem),
    tell: &'r mut dyn FnMut(&Finding),
    pub draft: Draft,
    /// What the policy has of options that are not in the draft.
    pub base: Option<Policy>,
    is_refused: bool,
}

/// A setting as it was given.
pub(super) struct Given<'g> {
    /// Its place in the table.
    pub number: usize,
    pub field: &'static Field,
    pub path: &'g Path<'g>,
    pub node: Node<'g>,
}

/// How a source writes times.
#[derive(Clone, Copy)]
pub(super) enum Times {
    /// Numbers of seconds.
    Seconds,
    /// Numbers of milliseconds.
    Milliseconds,
    /// Text that ends in `s`, as in JSON of protocol buffers.
    Text,
}

impl<'r> Reading<'r> {
    pub fn new(problem: &'r mut dyn FnMut(&Problem), tell: &'r mut dyn FnMut(&Finding)) -> Reading<'r> {
        Reading { problem, tell, draft: Draft::new(), base: None, is_refused: false }
    }

    /// The policy, unless something was refused.
    pub fn policy(mut self) -> Option<Policy> {
        if self.is_refused {
            return None;
        }
        self.draft.policy(self.base.as_ref(), self.problem)
    }

    /// Hands every setting of a map over that the table has; refuses the others, and what is no map.
    pub fn each(&mut self, map: &'static Map, path: &Path, node: Node, take: &mut dyn FnMut(&mut Reading<'r>, &Given)) {
        self.some(map, path, node, &|_| true, take);
    }

    /// The same, of those settings only whose names are ours.
    pub fn some(
        &mut self,
        map: &'static Map,
        path: &Path,
        node: Node,
        is_ours: &dyn Fn(&[u8]) -> bool,
        take: &mut dyn FnMut(&mut Reading<'r>, &Given),
    ) {
        if node.kind != tape::MAP {
            return self.refuse_at(Mistake::WrongKind, path, &A_MAP, node);
        }
        let mut entries = node.items();
        let mut written = 0_u32;
        while let Some((key, node)) = entries.next_entry() {
            if !is_ours(key) {
                continue;
            }
            let path = path.key(key);
            let Some(number) = map.fields.iter().position(|field| field.name.as_bytes() == key) else {
                self.report(&Problem::new(map.unknown, &path, &A_MAP, Some(map), Node::NULL, [0, 0]));
                continue;
            };
            let Some(field) = map.fields.get(number) else { continue };
            let bit = 1 << number;
            let taken = if map.rivals & bit == 0 { bit } else { map.rivals };
            if written & taken != 0 {
                self.refuse_at(Mistake::Twice, &path, field, Node::NULL);
                continue;
            }
            written |= bit;
            take(self, &Given { number, field, path: &path, node });
        }
    }

    /// The elements of a list, in their order.
    pub fn list(&mut self, given: &Given, take: &mut dyn FnMut(&mut Reading<'r>, &Given)) {
        if given.node.kind != tape::LIST {
            return self.refuse(Mistake::WrongKind, given);
        }
        for (number, node) in given.node.items().enumerate() {
            let index = Index::of(number);
            let path = given.path.key(index.as_slice());
            take(self, &Given { number, field: given.field, path: &path, node });
        }
    }

    /// A whole number within the bounds of its field.
    pub fn count(&mut self, given: &Given) -> Option<u64> {
        let number = if given.node.kind == tape::NUMBER { scaled(given.node.content, 0) } else { None };
        let Some(number) = number.filter(|number| number.exact) else {
            self.refuse(Mistake::WrongKind, given);
            return None;
        };
        self.within(given, number.value, number.negative)
    }

    /// A time in microseconds; ten years and more are ten years.
    pub fn time(&mut self, given: &Given, times: Times) -> Option<u64> {
        let content = given.node.content;
        let number = match (given.node.kind, times) {
            (tape::MICROS, _) => scaled(content, 0),
            (tape::NUMBER, Times::Seconds) => scaled(content, 6),
            (tape::NUMBER, Times::Milliseconds) => scaled(content, 3),
            (tape::TEXT, Times::Text) => content.strip_suffix(b"s").and_then(|digits| plain(digits, 6)),
            _ => None,
        };
        match number {
            Some(number) => self.within(given, number.value.min(DURATION.1), number.negative),
            None if is_infinite(given.node) => Some(DURATION.1),
            None => {
                self.refuse(Mistake::WrongKind, given);
                None
            }
        }
    }

    /// A number in millionths, as many as a policy keeps.
    pub fn share(&mut self, given: &Given) -> Option<u64> {
        let number = if given.node.kind == tape::NUMBER { scaled(given.node.content, 6) } else { None };
        let Some(number) = number else {
            self.refuse(Mistake::WrongKind, given);
            return None;
        };
        if !number.exact {
            self.note(given.path, Level::Info, NOT_CONVERTED, ROUNDED, []);
        }
        self.within(given, number.value, number.negative)
    }

    /// true or false.
    pub fn flag(&mut self, given: &Given) -> Option<bool> {
        match given.node.kind {
            tape::TRUE => Some(true),
            tape::FALSE => Some(false),
            _ => {
                self.refuse(Mistake::WrongKind, given);
                None
            }
        }
    }

    pub fn refuse(&mut self, mistake: Mistake, given: &Given) {
        self.refuse_at(mistake, given.path, given.field, given.node);
    }

    /// An option that is not there and has to be.
    pub fn refuse_missing(&mut self, path: &Path, field: &'static Field) {
        self.refuse_at(Mistake::Needed, &path.key(field.name.as_bytes()), field, Node::NULL);
    }

    fn refuse_at(&mut self, mistake: Mistake, path: &Path, field: &'static Field, node: Node) {
        self.report(&Problem::new(mistake, path, field, None, node, [0, 0]));
    }

    fn report(&mut self, problem: &Problem) {
        self.is_refused = true;
        (self.problem)(problem);
    }

    fn within(&mut self, given: &Given, value: u64, is_negative: bool) -> Option<u64> {
        let Kind::Foreign(_, bounds) = given.field.kind else { return None };
        if is_negative || value < bounds.least || value > bounds.most {
            self.refuse(Mistake::OutOfRange, given);
            return None;
        }
        Some(value)
    }

    /// A finding.
    pub fn note<const N: usize>(
        &mut self,
        path: &Path,
        level: Level,
        code: &'static str,
        sentence: &'static str,
        given: [Value; N],
    ) {
        let mut values = [Value::None; 2];
        values.iter_mut().zip(given).for_each(|(place, value)| *place = value);
        (self.tell)(&Finding::at(path, level, code, sentence, values));
    }

    /// What a policy cannot express.
    pub fn drop(&mut self, given: &Given, level: Level, sentence: &'static str) {
        self.note(given.path, level, NOT_CONVERTED, sentence, []);
    }

    /// Attempts and the limit of the whole call; without both, for ever.
    pub fn limits(&mut self, path: &Path, attempts: Option<u64>, timeout: Option<u64>) {
        if attempts.is_none() && timeout.is_none() {
            self.draft.flag("forever", true);
            return self.note(path, Level::Warning, "deadline-missing", NOTHING_ENDS_IT, []);
        }
        self.draft.limit("attempts", attempts);
        match timeout {
            Some(timeout) => self.draft.time("timeout", timeout),
            None => self.draft.null("timeout"),
        }
    }
}

/// `Infinity`, as JavaScript and Python write it.
pub(super) fn is_infinite(node: Node) -> bool {
    node.kind == tape::NUMBER && node.content == b"Infinity"
}

/// A setting of another library: what it takes, and the bounds of a number.
pub(super) const fn setting(name: &'static str, what: &'static str, bounds: &'static Bounds) -> Field {
    Field {
        name,
        words: "",
        kind: Kind::Foreign(what, bounds),
        is_nullable: false,
        start: 0,
        len: 0,
        is_numbered: false,
    }
}

/// A setting that is not converted, or is no number.
pub(super) const fn other(name: &'static str, what: &'static str) -> Field {
    setting(name, what, &ATTEMPTS)
}

/// A table of settings.
pub(super) const fn table(fields: &'static [Field]) -> Map {
    Map { fields, rivals: 0, unknown: Mistake::NoSuchOption, checks: &[] }
}

static A_MAP: Field = other("", "a map");

pub(super) static ATTEMPTS: Bounds = Bounds { unit: Unit::Count, least: 0, most: u32::MAX as u64 };
pub(super) static TIME: Bounds = Bounds { unit: Unit::Micros, least: 0, most: DURATION.1 };
/// In millionths; larger ones grow past ten years at once.
pub(super) static BASE: Bounds = Bounds { unit: Unit::Millionths, least: 0, most: 1_000_000_000 };

/// The place of an element, as text.
struct Index {
    digits: [u8; 20],
    len: usize,
}

impl Index {
    fn of(number: usize) -> Index {
        let mut index = Index { digits: [0; 20], len: 0 };
        crate::format::print_number(number as u64, &mut |piece| {
            for (to, from) in index.digits.iter_mut().skip(index.len).zip(piece) {
                *to = *from;
            }
            index.len += piece.len();
        });
        index
    }

    fn as_slice(&self) -> &[u8] {
        self.digits.get(..self.len).unwrap_or(&[])
    }
}

pub(crate) const NOT_CONVERTED: &str = "not-converted";
const ROUNDED: &str = "it has more than six decimal places, of which a policy keeps six; waits may differ by that";
const NOTHING_ENDS_IT: &str =
    "neither attempts nor time are limited, so nothing ends a call that keeps failing; set timeout or attempts";
