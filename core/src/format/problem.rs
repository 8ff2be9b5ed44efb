//! What is wrong with a policy: a stable code, a place, and one sentence of what was given, what is allowed, what to do.

use super::dump::print_value;
use super::duration;
use super::mistakes::Mistake;
use super::peers;
use super::tape::{self, Node};
use crate::bounds::{Field, Kind, Map, RULE, Unit};
use crate::words::Parts;

/// One mistake in a policy.
pub struct Problem<'a> {
    /// Stable: the same in every language and version.
    pub code: &'static str,
    sentence: &'static str,
    path: &'a Path<'a>,
    field: &'a Field,
    /// The map that has no such option.
    map: Option<&'a Map>,
    given: Node<'a>,
    numbers: [u64; 2],
}

impl<'a> Problem<'a> {
    pub(crate) fn new(
        mistake: Mistake,
        path: &'a Path<'a>,
        field: &'a Field,
        map: Option<&'a Map>,
        given: Node<'a>,
        numbers: [u64; 2],
    ) -> Problem<'a> {
        let (code, sentence) = mistake.row();
        Problem { code, sentence, path, field, map, given, numbers }
    }

    /// Where it is: a JSON pointer (RFC 6901), in UTF-8.
    pub fn pointer(&self, out: &mut dyn FnMut(&[u8])) {
        self.path.pointer(out);
    }

    /// The sentence, in UTF-8: what was given, what is allowed, what to do.
    pub fn text(&self, out: &mut dyn FnMut(&[u8])) {
        let [a, b] = self.numbers;
        let mut is_place = false;
        for byte in self.sentence.as_bytes() {
            match (is_place, byte) {
                (false, b'$') => {}
                (false, _) => out(core::slice::from_ref(byte)),
                (true, b'n') => self.path.name(out),
                (true, b'g') => write_given(self.given, out),
                (true, b'w') => self.write_allowed(out),
                (true, b'i') => out(peers::instead_of(self.path.key).unwrap_or("").as_bytes()),
                (true, b'r') => self.write_bounds(out),
                (true, b'a') => self.write_number(a, out),
                (true, b'b') => self.write_number(b, out),
                (true, _) => duration::print(b, out),
            }
            is_place = !is_place && *byte == b'$';
        }
    }

    /// A number of the option's kind.
    fn write_number(&self, number: u64, out: &mut dyn FnMut(&[u8])) {
        match self.field.kind {
            Kind::Number(bounds) => print_value(number, bounds.unit, out),
            #[cfg(feature = "lab")]
            Kind::Foreign(_, bounds) => print_value(number, bounds.unit, out),
            _ => duration::print_number(number, out),
        }
    }

    fn write_bounds(&self, out: &mut dyn FnMut(&[u8])) {
        let bounds = match self.field.kind {
            Kind::Number(bounds) => bounds,
            #[cfg(feature = "lab")]
            Kind::Foreign(_, bounds) => bounds,
            _ => return,
        };
        self.write_number(bounds.least, out);
        out(b" to ");
        self.write_number(bounds.most, out);
    }

    /// What is allowed in its place: `a, b or c`.
    fn write_allowed(&self, out: &mut dyn FnMut(&[u8])) {
        let mut choice = Choice { out, last: "", is_first: true };
        if let Some(map) = self.map {
            map.fields.iter().for_each(|field| choice.add(field.name));
        } else {
            Parts::words(self.field.words).for_each(|word| choice.add(word));
            choice.add(describe(&self.field.kind));
            choice.add(if self.field.is_nullable { "null" } else { "" });
        }
        choice.write_last(b" or ");
    }
}

/// A mistake in the name of what calls share.
pub(crate) fn refuse_name(mistake: Mistake, key: &str, name: &[u8], problem: &mut dyn FnMut(&Problem)) {
    let given = Node { kind: tape::TEXT, content: name };
    problem(&Problem::new(mistake, &Path::ROOT.key(key.as_bytes()), &RULE, None, given, [0, 0]));
}

/// Writes `a, b or c`: each part once the next is known, so that the last is known as such.
struct Choice<'o> {
    out: &'o mut dyn FnMut(&[u8]),
    last: &'static str,
    is_first: bool,
}

impl Choice<'_> {
    fn add(&mut self, part: &'static str) {
        if !part.is_empty() && !self.last.is_empty() {
            self.write_last(b", ");
            self.is_first = false;
        }
        if !part.is_empty() {
            self.last = part;
        }
    }

    /// The last, after a separator if it is not the only one.
    fn write_last(&mut self, separator: &[u8]) {
        if !self.is_first {
            (self.out)(separator);
        }
        (self.out)(self.last.as_bytes());
    }
}

/// What an option takes beside its words.
fn describe(kind: &Kind) -> &'static str {
    match kind {
        Kind::Words => "",
        Kind::Bool => "true or false",
        Kind::Number(bounds) => match bounds.unit {
            Unit::Version => "1, the version of the format",
            Unit::Count => "a whole number",
            Unit::Micros => "a time in us, ms, s, m or h as \"30s\"",
            Unit::Millionths => "a number",
        },
        Kind::Status => "a whole number or a range as \"500-599\"",
        Kind::Code => "a whole number, a range as \"500-599\" or a name",
        Kind::Text | Kind::Name(_) => "text",
        Kind::Map(map) if map.named().is_some() => "a name, a map",
        Kind::Map(_) => "a map",
        Kind::Delays => "a list of delays",
        Kind::Rules => "a list of rules",
        #[cfg(feature = "lab")]
        Kind::Maps(_) => "a list of maps",
        #[cfg(feature = "lab")]
        Kind::OwnCode => "a whole number or a name",
        #[cfg(feature = "lab")]
        Kind::OwnText => "text",
        #[cfg(feature = "lab")]
        Kind::Word => "a whole number below 2^64",
        #[cfg(feature = "lab")]
        Kind::Foreign(what, _) => what,
    }
}

/// A place in a policy, from the inside out; the root has nothing above it.
pub(crate) struct Path<'a> {
    up: Option<&'a Path<'a>>,
    pub key: &'a [u8],
}

impl<'a> Path<'a> {
    pub const ROOT: Path<'static> = Path { up: None, key: b"the policy" };

    /// The root of what is no policy.
    pub fn root(name: &'a str) -> Path<'a> {
        Path { up: None, key: name.as_bytes() }
    }

    pub fn key(&'a self, key: &'a [u8]) -> Path<'a> {
        Path { up: Some(self), key }
    }

    pub fn pointer(&self, out: &mut dyn FnMut(&[u8])) {
        let Some(up) = self.up else { return };
        up.pointer(out);
        out(b"/");
        for byte in self.key {
            match byte {
                b'~' => out(b"~0"),
                b'/' => out(b"~1"),
                _ => out(core::slice::from_ref(byte)),
            }
        }
    }

    /// The option as a person names it: `classes.connect.attempts`, `rules.2`.
    fn name(&self, out: &mut dyn FnMut(&[u8])) {
        if let Some(up) = self.up.filter(|up| up.up.is_some()) {
            up.name(out);
            out(b".");
        }
        write_shortened(self.key, out);
    }
}

fn write_given(node: Node<'_>, out: &mut dyn FnMut(&[u8])) {
    let quote: &[u8] = if node.kind == tape::TEXT { b"\"" } else { b"" };
    let text: &[u8] = match node.kind {
        tape::NULL => b"null",
        tape::TRUE => b"true",
        tape::FALSE => b"false",
        tape::LIST => b"a list",
        tape::MAP => b"a map",
        _ => node.content,
    };
    out(quote);
    write_shortened(text, out);
    out(if node.kind == tape::MICROS { b"us" } else { quote });
}

/// At most 60 bytes, cut between characters; control characters as blanks, so that the sentence stays one line.
fn write_shortened(text: &[u8], out: &mut dyn FnMut(&[u8])) {
    for (at, byte) in text.iter().enumerate() {
        let starts_character = byte & 0xC0 != 0x80;
        if at >= 60 && starts_character {
            return out("…".as_bytes());
        }
        out(if *byte < 0x20 { b" " } else { core::slice::from_ref(byte) });
    }
}
