//! Reading the options of what is no policy: a breaker, a throttle, a bulkhead, a hedge. The same tape, kinds and
//! sentences.

use super::mistakes::Mistake;
use super::number::Notation;
use super::problem::{Path, Problem};
use super::reader::Reader;
#[cfg(feature = "lab")]
use super::reader::is_name;
use super::tape::{self, Node};
use crate::bounds::{Bounds, Check, Field, Kind, Map, RULE};
use crate::policy::Policy;
use crate::settings::{ABSENT, get};

/// The options of one thing: their table, and its name for a sentence about the whole.
pub(crate) struct Options {
    pub map: &'static Map,
    pub name: &'static str,
}

/// What came of reading.
pub(crate) struct Read {
    /// Nothing was refused.
    pub is_right: bool,
    /// The options that were, a bit each.
    pub refused: u32,
}

impl Options {
    /// Reads what is written into `settings`, and reports what does not fit.
    pub fn read(
        &self,
        tape: &[u8],
        notation: Notation,
        settings: &mut [u64],
        problem: &mut dyn FnMut(&Problem),
    ) -> Read {
        self.read_node(Node::read(tape), notation, settings, problem)
    }

    /// The same of a value on a tape.
    pub fn read_node(
        &self,
        node: Node,
        notation: Notation,
        settings: &mut [u64],
        problem: &mut dyn FnMut(&Problem),
    ) -> Read {
        // No option of a machine is a list or a name.
        let mut nothing = Policy::EMPTY;
        let mut reader = Reader {
            notation,
            problem,
            delays: &mut nothing.delays,
            rules: &mut nothing.rules,
            names: &mut nothing.names,
            refused: false,
        };
        let root = Path::root(self.name);
        let mut refused = 0;
        if node.kind == tape::MAP {
            let written = reader.map(self.map, &root, node, settings);
            reader.check(self.map, self.map.checks, &root, written, settings);
            refused = written.refused;
        } else {
            reader.refuse_given(Mistake::WrongKind, &root, &RULE, node);
        }
        Read { is_right: !reader.refused, refused }
    }

    /// Reports what an option means beside others, with two numbers of its kind.
    pub fn refuse(&self, option: usize, mistake: Mistake, a: u64, b: u64, problem: &mut dyn FnMut(&Problem)) {
        if let Some(field) = self.map.fields.get(option) {
            let root = Path::root(self.name);
            let path = root.key(field.name.as_bytes());
            problem(&Problem::new(mistake, &path, field, None, Node::NULL, [a, b]));
        }
    }
}

/// Gives what is absent its default.
pub(crate) fn fill(settings: &mut [u64], defaults: &[u64]) {
    for (place, setting) in settings.iter_mut().enumerate() {
        if *setting == ABSENT {
            *setting = get(defaults, place);
        }
    }
}

/// The value that a map has for an option; null without.
#[cfg(feature = "lab")]
pub(crate) fn written<'t>(map: Node<'t>, name: &str, notation: Notation) -> Node<'t> {
    let mut entries = map.items();
    while let Some((key, node)) = entries.next_entry() {
        if is_name(key, name, notation) {
            return node;
        }
    }
    Node::NULL
}

/// An option that is a number.
pub(crate) const fn number(name: &'static str, place: usize, bounds: &'static Bounds) -> Field {
    Field {
        name,
        words: "",
        kind: Kind::Number(bounds),
        is_nullable: false,
        start: place as u8,
        len: 1,
        is_numbered: false,
    }
}

/// An option that must be written.
pub(crate) const fn needed(option: usize) -> Check {
    Check {
        about: 0,
        is_written: false,
        written: 1 << option,
        when: [ANY, ANY, ANY],
        mistake: Mistake::Needed,
        told_of: option as u8,
    }
}

/// Any value.
pub(crate) const ANY: (u8, u8) = (0, u8::MAX);
