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
pub enum Node<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as decimal text.
    Number(&'a [u8]),
    /// A duration in whole microseconds, as digits.
    Micros(&'a [u8]),
    /// Text.
    Text(&'a [u8]),
    /// A kind that no option takes, described.
    Other(&'a [u8]),
    /// A list.
    List(Items<'a>),
    /// A map.
    Map(Items<'a>),
}

impl<'a> Node<'a> {
    /// The value that a tape holds; a tape that breaks off reads as null where it does.
    pub fn read(tape: &'a [u8]) -> Node<'a> {
        Items { rest: tape }.next().unwrap_or(Node::Null)
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
        match self.next()? {
            Node::Text(key) => Some((key, self.next().unwrap_or(Node::Null))),
            _ => None,
        }
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

    fn nested(&mut self) -> Items<'a> {
        let inside = *self;
        let mut depth = 1_u32;
        while depth > 0 {
            match self.split(1) {
                [b'[' | b'{'] => depth += 1,
                [b']' | b'}'] => depth -= 1,
                [b'd' | b'u' | b's' | b'x'] => {
                    self.counted();
                }
                [] => break,
                _ => {}
            }
        }
        inside
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        let node = match self.split(1) {
            [b'n'] => Node::Null,
            [b't'] => Node::Bool(true),
            [b'f'] => Node::Bool(false),
            [b'd'] => Node::Number(self.counted()),
            [b'u'] => Node::Micros(self.counted()),
            [b's'] => Node::Text(self.counted()),
            [b'x'] => Node::Other(self.counted()),
            [b'['] => Node::List(self.nested()),
            [b'{'] => Node::Map(self.nested()),
            _ => {
                self.rest = &[];
                return None;
            }
        };
        Some(node)
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
