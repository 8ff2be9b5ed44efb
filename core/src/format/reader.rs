//! Reading a policy by the tables of `bounds.rs`, in the order in which it is written.

use super::mistakes::Mistake;
use super::number::{self, Notation};
use super::peers;
use super::problem::{Path, Problem};
use super::tape::{self, Node};
use crate::backoff::Delays;
use crate::bounds::{Check, DELAY, Field, Kind, Map, POLICY, RULE, RULES_LEN, TABLE_LEN};
use crate::name::{Name, Names};
use crate::rules::{Rule, Rules};
use crate::settings::{ABSENT, IN_RULE, LIST, NULL, get};
use crate::words;

/// Reads options, and reports each that does not fit.
pub(super) struct Reader<'p> {
    pub notation: Notation,
    pub problem: &'p mut dyn FnMut(&Problem),
    pub delays: &'p mut Delays,
    pub rules: &'p mut Rules,
    pub names: &'p mut Names,
    /// Something was.
    pub refused: bool,
}

/// The options of a map that were written, and those of them that were refused.
#[derive(Clone, Copy)]
pub(super) struct Written {
    pub options: u32,
    pub refused: u32,
}

impl Reader<'_> {
    /// Reads the options of a map into its settings.
    pub fn map(&mut self, map: &Map, path: &Path, node: Node, settings: &mut [u64]) -> Written {
        let mut written = Written { options: 0, refused: 0 };
        let mut entries = node.items();
        while let Some((key, node)) = entries.next_entry() {
            let is_known = |field: &Field| is_name(key, field.name, self.notation);
            let Some(number) = map.fields.iter().position(is_known) else {
                self.refuse_unknown(map, &path.key(key));
                continue;
            };
            let Some(field) = map.fields.get(number) else { continue };
            let path = path.key(field.name.as_bytes());
            let bit = 1 << number;
            let taken = if map.rivals & bit == 0 { bit } else { map.rivals };
            if written.options & taken != 0 {
                self.refuse(Mistake::Twice, &path, field, 0, 0);
                continue;
            }
            written.options |= bit;
            let before = core::mem::replace(&mut self.refused, false);
            if let Some(own) = settings.get_mut(field.places()) {
                if field.is_numbered
                    && let Some(which) = own.get_mut(1)
                {
                    *which = number as u64;
                }
                self.value(field, &path, node, own);
            }
            if self.refused {
                written.refused |= bit;
            }
            self.refused |= before;
        }
        written
    }

    /// Reads a value into its place, or into the places of the options that it holds.
    fn value(&mut self, field: &Field, path: &Path, node: Node, own: &mut [u64]) {
        let is_text = node.kind == tape::TEXT;
        let word = if is_text { words::position(field.words, node.content) } else { None };
        let value = match (&field.kind, word) {
            // Where true and false are allowed, the words come after them.
            (Kind::Bool, Some(word)) => Ok(word as u64 + 2),
            (_, Some(word)) => Ok(word as u64),
            _ if node.kind == tape::NULL && field.is_nullable => Ok(NULL),
            (Kind::Number(bounds), _) => number::read(node, bounds, self.notation),
            (Kind::Status, _) => number::read_code(node).unwrap_or(Err(Mistake::BadRange)),
            (Kind::Code, _) => number::read_code(node).unwrap_or_else(|| self.rules.keep(node.content)),
            (Kind::Text, _) if is_text => self.rules.keep(node.content),
            _ if is_text && field.names().is_some() => self.keep_name(field, node.content),
            (Kind::Bool, _) if node.kind == tape::TRUE => Ok(1),
            (Kind::Bool, _) if node.kind == tape::FALSE => Ok(0),
            (Kind::Map(map), _) if node.kind == tape::MAP => {
                let written = self.map(map, path, node, own);
                if !self.refused {
                    self.check(map, map.checks, path, written, own);
                }
                return;
            }
            (Kind::Delays, _) if node.kind == tape::LIST => {
                self.list(field, &DELAY, path, node, TABLE_LEN, 1);
                if self.delays.as_slice().is_empty() { Err(Mistake::EmptyList) } else { Ok(LIST) }
            }
            (Kind::Rules, _) if node.kind == tape::LIST => {
                self.list(field, &RULE, path, node, RULES_LEN, IN_RULE);
                Ok(if self.rules.as_slice().is_empty() { ABSENT } else { LIST })
            }
            #[cfg(feature = "lab")]
            (Kind::Maps(element), _) if node.kind == tape::LIST => {
                self.maps(field, element, path, node);
                return;
            }
            #[cfg(feature = "lab")]
            (Kind::OwnCode | Kind::OwnText, _) if is_text => Ok(0),
            #[cfg(feature = "lab")]
            (Kind::OwnCode, _) => number::read_code(node).unwrap_or(Err(Mistake::WrongKind)),
            #[cfg(feature = "lab")]
            (Kind::Word, _) if number::word(node).is_some() => Ok(0),
            _ if is_text && !field.words.is_empty() => Err(Mistake::UnknownWord),
            _ => Err(Mistake::WrongKind),
        };
        match (value, own.first_mut()) {
            (Ok(value), Some(place)) => *place = value,
            (Err(mistake), _) => self.refuse_given(mistake, path, field, node),
            (Ok(_), None) => {}
        }
    }

    /// Keeps the name of what is the policy's own, or made elsewhere.
    fn keep_name(&mut self, field: &Field, text: &[u8]) -> Result<u64, Mistake> {
        let (what, whose) = field.names().ok_or(Mistake::WrongKind)?;
        self.names.keep(what, Name::of(text)?);
        Ok(whose)
    }

    /// Reads the elements of a list of delays or rules.
    fn list(&mut self, field: &Field, element: &Field, path: &Path, node: Node, most: usize, width: usize) {
        for (index, item) in node.items().enumerate() {
            if index == most {
                return self.refuse(Mistake::TooMany, path, field, most as u64, 0);
            }
            let mut own: Rule = [ABSENT; IN_RULE];
            let before = core::mem::replace(&mut self.refused, false);
            self.value(element, &path.key(Digits::of(index).as_slice()), item, own.get_mut(..width).unwrap_or(&mut []));
            self.refused |= before;
            if width == 1 { self.delays.push(own[0]) } else { self.rules.push(own) }
        }
    }

    /// Reads the maps of a list, of which nothing is kept.
    #[cfg(feature = "lab")]
    fn maps(&mut self, field: &Field, element: &Field, path: &Path, node: Node) {
        for (index, item) in node.items().enumerate() {
            if index == MAPS_LEN {
                return self.refuse(Mistake::TooMany, path, field, MAPS_LEN as u64, 0);
            }
            let before = core::mem::replace(&mut self.refused, false);
            let own = &mut [ABSENT; WIDEST];
            self.value(
                element,
                &path.key(Digits::of(index).as_slice()),
                item,
                own.get_mut(element.places()).unwrap_or(&mut []),
            );
            self.refused |= before;
        }
    }

    /// Refuses what the options of a map say together.
    pub fn check(&mut self, map: &Map, checks: &[Check], path: &Path, written: Written, settings: &[u64]) {
        for check in checks {
            let holds = |(place, values): &(u8, u8)| {
                let value = get(settings, usize::from(*place));
                values >> (if value >= NULL { 7 } else { value.min(6) }) & 1 == 1
            };
            if check.about & written.refused == 0
                && (written.options & check.written != 0) == check.is_written
                && check.when.iter().all(holds)
            {
                match map.fields.get(usize::from(check.told_of)) {
                    Some(field) => self.refuse(check.mistake, &path.key(field.name.as_bytes()), field, 0, 0),
                    None => self.refuse(check.mistake, path, &RULE, 0, 0),
                }
            }
        }
    }

    /// A mistake at the end of a way through maps and lists, which starts at the policy: the number of an option each.
    pub fn refuse_at(&mut self, mistake: Mistake, way: Way, a: u64, b: u64) {
        self.refuse_below(mistake, &POLICY, &Path::ROOT, &way, a, b);
    }

    fn refuse_below(&mut self, mistake: Mistake, map: &Map, path: &Path, way: &[u8], a: u64, b: u64) {
        let [number, way @ ..] = way else { return };
        let Some(field) = map.fields.get(usize::from(*number)) else { return };
        let path = path.key(field.name.as_bytes());
        match (&field.kind, way) {
            (_, [END, ..] | []) => self.refuse(mistake, &path, field, a, b),
            (Kind::Map(map), _) => self.refuse_below(mistake, map, &path, way, a, b),
            (_, [index, ..]) => {
                self.refuse(mistake, &path.key(Digits::of(usize::from(*index)).as_slice()), &DELAY, a, b);
            }
        }
    }

    /// A mistake between two numbers of the option's kind.
    pub fn refuse(&mut self, mistake: Mistake, path: &Path, field: &Field, a: u64, b: u64) {
        self.report(&Problem::new(mistake, path, field, None, Node::NULL, [a, b]));
    }

    pub fn refuse_given(&mut self, mistake: Mistake, path: &Path, field: &Field, given: Node) {
        self.report(&Problem::new(mistake, path, field, None, given, [0, 0]));
    }

    fn refuse_unknown(&mut self, map: &Map, path: &Path) {
        let is_peers = map.unknown == Mistake::UnknownOption && peers::instead_of(path.key).is_some();
        let mistake = if is_peers { Mistake::PeersOption } else { map.unknown };
        self.report(&Problem::new(mistake, path, &RULE, Some(map), Node::NULL, [0, 0]));
    }

    fn report(&mut self, problem: &Problem) {
        self.refused = true;
        (self.problem)(problem);
    }
}

/// The number of an option in the policy, then of one in the map that it is, and so on; ends with `END`.
pub(super) type Way = [u8; 4];
pub(super) const END: u8 = u8::MAX;

/// Whether a key is an option's name. In JavaScript `maxDelay` is `max_delay` too.
pub(super) fn is_name(key: &[u8], name: &str, notation: Notation) -> bool {
    let may_be_camel_case = notation == Notation::JavaScript;
    let mut rest = key;
    let mut is_raised = false;
    for byte in name.bytes() {
        match rest {
            // The key is spelt with underscores.
            [first, tail @ ..] if *first == byte && !is_raised => rest = tail,
            [first, tail @ ..] if *first == byte.to_ascii_uppercase() && is_raised => {
                rest = tail;
                is_raised = false;
            }
            _ if byte == b'_' && may_be_camel_case => is_raised = true,
            _ => return false,
        }
    }
    rest.is_empty()
}

/// The most maps of a list: their places have two digits.
#[cfg(feature = "lab")]
pub(crate) const MAPS_LEN: usize = 100;
/// The most places of such a map.
#[cfg(feature = "lab")]
pub(crate) const WIDEST: usize = 16;

/// The place of an element, as text.
struct Digits([u8; 2]);

impl Digits {
    fn of(index: usize) -> Digits {
        Digits([b'0' + (index / 10) as u8, b'0' + (index % 10) as u8])
    }

    fn as_slice(&self) -> &[u8] {
        match &self.0 {
            [b'0', ones @ ..] => ones,
            both => both,
        }
    }
}
