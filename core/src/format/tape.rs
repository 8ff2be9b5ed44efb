//! The tape: how a host hands a policy over without the core parsing JSON.
//!
//! The host parses JSON with its own parser, or takes keyword arguments or an object, and writes what it found in
//! pre-order. Lengths are u32, little endian.
//!
//! | bytes | meaning |
//! |---|---|
//! | `n` `t` `f` | null, true, false |
//! | `d` length digits | a number as decimal text: `5`, `5.0`, `1e3`, `NaN`, `Infinity` |
//! | `u` length digits | a duration of the host's own type, in whole microseconds |
//! | `s` length text | text, UTF-8 |
//! | `x` length text | something JSON has no kind for, described: `a function` |
//! | `[` values `]` | a list |
//! | `{` (`s` key, value)… `}` | a map |

/// One value on the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node<'a> {
    /// What it is: the first byte.
    pub kind: u8,
    /// Its digits or text; of a list or a map, the tape from its first value on.
    pub content: &'a [u8],
}

/// `null`
pub const NULL: u8 = b'n';
/// `true`
pub const TRUE: u8 = b't';
/// `false`
pub const FALSE: u8 = b'f';
/// A number as decimal text.
pub const NUMBER: u8 = b'd';
/// A duration in whole microseconds, as digits.
pub const MICROS: u8 = b'u';
/// Text.
pub const TEXT: u8 = b's';
/// A kind that no option takes, described.
pub const OTHER: u8 = b'x';
/// A list.
pub const LIST: u8 = b'[';
/// A map.
pub const MAP: u8 = b'{';

impl<'a> Node<'a> {
    /// What is where nothing is.
    pub const NULL: Node<'static> = Node { kind: NULL, content: &[] };

    /// The value that a tape holds; a tape that breaks off reads as null where it does.
    pub fn read(tape: &'a [u8]) -> Node<'a> {
        Items { rest: tape }.next().unwrap_or(Node::NULL)
    }

    /// The values of a list, or the keys and values of a map in turn.
    pub fn items(self) -> Items<'a> {
        Items { rest: self.content }
    }
}

/// The values of a list, or the keys and values of a map in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Items<'a> {
    /// The next key and value of a map.
    pub fn next_entry(&mut self) -> Option<(&'a [u8], Node<'a>)> {
        let key = self.next()?;
        Some((key.content, self.next().unwrap_or(Node::NULL)))
    }

    fn split(&mut self, at: usize) -> &'a [u8] {
        let (head, tail) = self.rest.split_at_checked(at).unwrap_or((self.rest, &[]));
        self.rest = tail;
        head
    }

    fn counted(&mut self) -> &'a [u8] {
        match self.split(4).try_into() {
            Ok(length) => self.split(u32::from_le_bytes(length) as usize),
            Err(_) => &[],
        }
    }

    /// Goes past the end of the list or map that has just begun. Answers all from its beginning: reading it stops at its
    /// end.
    fn nested(&mut self) -> &'a [u8] {
        let inside = self.rest;
        let mut depth = 1;
        while depth > 0 {
            match self.split(1).first() {
                Some(b'[' | b'{') => depth += 1,
                Some(b']' | b'}') => depth -= 1,
                Some(&(NUMBER | MICROS | TEXT | OTHER)) => _ = self.counted(),
                Some(_) => {}
                None => break,
            }
        }
        inside
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        let kind = *self.split(1).first()?;
        let content = match kind {
            NUMBER | MICROS | TEXT | OTHER => self.counted(),
            LIST | MAP => self.nested(),
            NULL | TRUE | FALSE => &[],
            _ => {
                self.rest = &[];
                return None;
            }
        };
        Some(Node { kind, content })
    }
}

/// Writes a tape piece by piece into whatever takes bytes.
pub struct Writer<'a> {
    out: &'a mut dyn FnMut(&[u8]),
}

impl<'a> Writer<'a> {
    /// A writer that hands its bytes to `out`.
    pub fn new(out: &'a mut dyn FnMut(&[u8])) -> Writer<'a> {
        Writer { out }
    }

    /// `null`
    pub fn null(&mut self) {
        (self.out)(b"n");
    }

    /// `true` or `false`
    pub fn bool(&mut self, value: bool) {
        (self.out)(if value { b"t" } else { b"f" });
    }

    /// A number as decimal text.
    pub fn number(&mut self, digits: &str) {
        self.counted(b"d", digits);
    }

    /// A duration in whole microseconds, as digits.
    pub fn micros(&mut self, digits: &str) {
        self.counted(b"u", digits);
    }

    /// Text, or the key of a map's next value.
    pub fn text(&mut self, text: &str) {
        self.counted(b"s", text);
    }

    /// A kind that JSON has not, described, as in `a function`.
    pub fn other(&mut self, description: &str) {
        self.counted(b"x", description);
    }

    /// Starts a list.
    pub fn list(&mut self) {
        (self.out)(b"[");
    }

    /// Ends the list that was started last.
    pub fn end_list(&mut self) {
        (self.out)(b"]");
    }

    /// Starts a map: a text for each key, then its value.
    pub fn map(&mut self) {
        (self.out)(b"{");
    }

    /// Ends the map that was started last.
    pub fn end_map(&mut self) {
        (self.out)(b"}");
    }

    fn counted(&mut self, tag: &[u8], text: &str) {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let kept = text.as_bytes().get(..length as usize).unwrap_or(&[]);
        (self.out)(tag);
        (self.out)(&length.to_le_bytes());
        (self.out)(kept);
    }
}
