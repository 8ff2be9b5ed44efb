//! What is wrong with a policy: a stable code, a place, and one sentence of what was given, what is allowed, what to do.

use super::duration;
use super::mistakes::Mistake;
use super::tape::Node;

/// One mistake in a policy.
pub struct Problem<'a> {
    /// Stable: the same in every language and version.
    pub code: &'static str,
    sentence: &'static str,
    path: &'a Path<'a>,
    given: Node<'a>,
    words: &'a [&'a str],
    numbers: [u64; 2],
}

impl<'a> Problem<'a> {
    pub(super) fn new(
        mistake: Mistake,
        path: &'a Path<'a>,
        given: Node<'a>,
        words: &'a [&'a str],
        numbers: [u64; 2],
    ) -> Problem<'a> {
        let (code, sentence) = mistake.row();
        Problem { code, sentence, path, given, words, numbers }
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
                (true, b'w') => write_words(self.words, out),
                (true, b'a') => duration::print_number(a, out),
                (true, b'b') => duration::print_number(b, out),
                (true, b'A') => duration::print(a, out),
                (true, b'B') => duration::print(b, out),
                (true, b'm') => duration::print_millionths(a as u32, out),
                (true, _) => duration::print_millionths(b as u32, out),
            }
            is_place = !is_place && *byte == b'$';
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

/// `a, b or c`
fn write_words(words: &[&str], out: &mut dyn FnMut(&[u8])) {
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            out(if at + 1 == words.len() { b" or " } else { b", " });
        }
        out(word.as_bytes());
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
