//! The canonical JSON in other notations.

use crate::policy::Policy;
use crate::text::Text;

/// How names and values are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    /// Two blanks for each level.
    Json,
    /// Keyword arguments.
    Python,
    /// An object with names in camelCase.
    TypeScript,
    /// JSON in a raw string that ends at `"#`.
    Rust,
}

/// What is between two brackets, a level each; the innermost in the lowest bits.
const LIST: u32 = 1;
const BROKEN: u32 = 2;
const LEVEL: u32 = 2;

/// The options that `written` has.
pub(super) fn write(written: &Policy, writing: Writing, out: &mut dyn FnMut(&[u8])) {
    let mut writer = Writer { text: Text::new(out), writing, levels: 0, depth: 0, state: State::Value, open: None };
    written.dump(&mut |piece| piece.iter().for_each(|byte| writer.byte(*byte)));
}

struct Writer<'o> {
    text: Text<'o>,
    writing: Writing,
    /// `LIST` and `BROKEN` of each level.
    levels: u32,
    depth: usize,
    state: State,
    /// A bracket after which nothing is known yet.
    open: Option<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Value,
    Key,
    Text {
        is_key: bool,
        is_escaped: bool,
    },
    /// `_` in a name.
    Raised,
    /// Of a word that is written already.
    Skipped,
}

impl Writer<'_> {
    fn byte(&mut self, byte: u8) {
        match self.state {
            State::Text { is_key, is_escaped } => return self.inside(byte, is_key, is_escaped),
            State::Raised => {
                self.state = State::Text { is_key: true, is_escaped: false };
                return self.put(byte.to_ascii_uppercase());
            }
            State::Value | State::Key | State::Skipped => {}
        }
        if let Some(open) = self.open.take() {
            self.begin(open, byte);
        }
        match byte {
            b'{' | b'[' => {
                self.state = State::Value;
                self.open = Some(byte);
            }
            b'}' | b']' => {
                // Of no options there is only the end.
                if self.depth == 0 {
                    self.begin(b'{', byte);
                }
                self.end(byte);
            }
            b',' => {
                self.put(b',');
                self.between(" ");
                self.state = if self.levels & LIST == 0 { State::Key } else { State::Value };
            }
            b':' => {
                self.text.text(match self.writing {
                    Writing::Python if self.depth == 1 => "=",
                    _ => ": ",
                });
                self.state = State::Value;
            }
            b'"' => {
                let is_key = self.state == State::Key;
                self.state = State::Text { is_key, is_escaped: false };
                self.quote(is_key);
            }
            _ if self.state == State::Skipped => {}
            b'n' | b't' | b'f' if self.writing == Writing::Python => {
                self.text.text(match byte {
                    b'n' => "None",
                    b't' => "True",
                    _ => "False",
                });
                self.state = State::Skipped;
            }
            _ => self.put(byte),
        }
    }

    /// A byte of a text, or the quotation mark that ends it.
    fn inside(&mut self, byte: u8, is_key: bool, is_escaped: bool) {
        match byte {
            b'"' if !is_escaped => {
                self.state = State::Value;
                return self.quote(is_key);
            }
            b'_' if is_key && self.writing == Writing::TypeScript => {
                self.state = State::Raised;
                return;
            }
            b'#' if self.writing == Writing::Rust => _ = self.text.text("\\u0023"),
            _ => self.put(byte),
        }
        self.state = State::Text { is_key, is_escaped: byte == b'\\' && !is_escaped };
    }

    fn quote(&mut self, is_key: bool) {
        let is_bare = match self.writing {
            Writing::TypeScript => is_key,
            Writing::Python => is_key && self.depth == 1,
            Writing::Json | Writing::Rust => false,
        };
        if !is_bare {
            self.put(b'"');
        }
    }

    /// A map or a list whose first byte is `next`.
    fn begin(&mut self, open: u8, next: u8) {
        let is_list = open == b'[';
        let is_root = self.depth == 0;
        self.put(if is_root && self.writing == Writing::Python { b'(' } else { open });
        self.depth += 1;
        let is_broken = is_root || is_json(self.writing) || (is_list && next == b'{');
        let is_empty = matches!(next, b'}' | b']');
        self.levels =
            self.levels << LEVEL | if is_list { LIST } else { 0 } | if is_broken && !is_empty { BROKEN } else { 0 };
        self.state = if is_list { State::Value } else { State::Key };
        self.between(if is_list || is_empty { "" } else { self.inside_braces() });
    }

    fn end(&mut self, close: u8) {
        let is_broken = self.levels & BROKEN != 0;
        if is_broken && !is_json(self.writing) {
            self.put(b',');
        }
        self.depth = self.depth.saturating_sub(1);
        if is_broken {
            self.line();
        } else if self.levels & LIST == 0 && self.depth > 0 {
            self.text.text(self.inside_braces());
        }
        self.put(if self.depth == 0 && self.writing == Writing::Python { b')' } else { close });
        self.levels >>= LEVEL;
        self.state = State::Value;
    }

    fn inside_braces(&self) -> &'static str {
        if self.writing == Writing::TypeScript { " " } else { "" }
    }

    /// A new line where a level has them, else `blank`.
    fn between(&mut self, blank: &str) {
        if self.levels & BROKEN != 0 { self.line() } else { _ = self.text.text(blank) }
    }

    fn line(&mut self) {
        self.text.text("\n");
        let width = if self.writing == Writing::Python { 4 } else { 2 };
        (0..self.depth * width).for_each(|_| self.put(b' '));
    }

    fn put(&mut self, byte: u8) {
        self.text.bytes(&[byte]);
    }
}

fn is_json(writing: Writing) -> bool {
    matches!(writing, Writing::Json | Writing::Rust)
}
