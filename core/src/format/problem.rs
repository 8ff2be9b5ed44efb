//! What is wrong with a policy: a stable code, a place, and one sentence of what was given, what is allowed, what to do.

use super::duration;
use super::tape::Node;

/// One mistake in a policy.
pub struct Problem<'a> {
    /// Stable: the same in every language and version.
    pub code: &'static str,
    path: &'a Path<'a>,
    text: &'a [Piece<'a>],
}

impl<'a> Problem<'a> {
    pub(crate) fn new(code: &'static str, path: &'a Path<'a>, text: &'a [Piece<'a>]) -> Problem<'a> {
        Problem { code, path, text }
    }

    /// Where it is: a JSON pointer (RFC 6901), in UTF-8.
    pub fn pointer(&self, out: &mut dyn FnMut(&[u8])) {
        self.path.pointer(out);
    }

    /// The sentence, in UTF-8: what was given, what is allowed, what to do.
    pub fn text(&self, out: &mut dyn FnMut(&[u8])) {
        for piece in self.text {
            piece.write(self.path, out);
        }
    }
}

/// A place in a policy, from the inside out.
pub(crate) struct Path<'a> {
    pub up: Option<&'a Path<'a>>,
    pub step: Step<'a>,
}

pub(crate) enum Step<'a> {
    Root,
    Key(&'a [u8]),
    Index(u32),
}

impl<'a> Path<'a> {
    pub const ROOT: Path<'static> = Path { up: None, step: Step::Root };
    pub const ROOT_REF: &'static Path<'static> = &Path::ROOT;

    pub fn key(&'a self, key: &'a [u8]) -> Path<'a> {
        Path { up: Some(self), step: Step::Key(key) }
    }

    pub fn index(&'a self, index: u32) -> Path<'a> {
        Path { up: Some(self), step: Step::Index(index) }
    }

    fn pointer(&self, out: &mut dyn FnMut(&[u8])) {
        if let Some(up) = self.up {
            up.pointer(out);
        }
        match self.step {
            Step::Root => {}
            Step::Index(index) => {
                out(b"/");
                duration::print_number(index.into(), out);
            }
            Step::Key(key) => {
                out(b"/");
                for byte in key {
                    match byte {
                        b'~' => out(b"~0"),
                        b'/' => out(b"~1"),
                        _ => out(core::slice::from_ref(byte)),
                    }
                }
            }
        }
    }

    /// The option as a person names it: `classes.connect.attempts`, `rules[2]`.
    fn name(&self, out: &mut dyn FnMut(&[u8])) {
        match (&self.step, self.up) {
            (Step::Root, _) => out(b"the policy"),
            (Step::Index(index), up) => {
                if let Some(up) = up {
                    up.name(out);
                }
                out(b"[");
                duration::print_number((*index).into(), out);
                out(b"]");
            }
            (Step::Key(key), up) => {
                if let Some(up) = up
                    && !matches!(up.step, Step::Root)
                {
                    up.name(out);
                    out(b".");
                }
                out(key);
            }
        }
    }
}

/// A part of a sentence.
#[derive(Clone, Copy)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    /// The option's name.
    Name,
    Number(u64),
    Millionths(u32),
    Micros(u64),
    /// What was given, as JSON, shortened.
    Given(Node<'a>),
    /// A closed list of words: `a, b or c`.
    OneOf(&'a [&'a str]),
}

impl Piece<'_> {
    fn write(&self, path: &Path<'_>, out: &mut dyn FnMut(&[u8])) {
        match *self {
            Piece::Text(text) => out(text.as_bytes()),
            Piece::Name => path.name(out),
            Piece::Number(number) => duration::print_number(number, out),
            Piece::Millionths(number) => duration::print_millionths(number, out),
            Piece::Micros(micros) => duration::print(micros, out),
            Piece::Given(node) => write_given(node, out),
            Piece::OneOf(words) => {
                for (at, word) in words.iter().enumerate() {
                    match at {
                        0 => {}
                        _ if at + 1 == words.len() => out(b" or "),
                        _ => out(b", "),
                    }
                    out(word.as_bytes());
                }
            }
        }
    }
}

fn write_given(node: Node<'_>, out: &mut dyn FnMut(&[u8])) {
    match node {
        Node::Null => out(b"null"),
        Node::Bool(true) => out(b"true"),
        Node::Bool(false) => out(b"false"),
        Node::Number(text) | Node::Other(text) => write_shortened(text, out),
        Node::Micros(text) => {
            write_shortened(text, out);
            out(b"us");
        }
        Node::Text(text) => {
            out(b"\"");
            write_shortened(text, out);
            out(b"\"");
        }
        Node::List(_) => out(b"a list"),
        Node::Map(_) => out(b"a map"),
    }
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
