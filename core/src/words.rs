//! Closed lists of words in one text: a list of `&str` would cost a browser eight bytes of addresses for each word.

/// The parts of a text between separators; a separator at the end adds no part.
#[derive(Clone)]
pub(crate) struct Parts {
    rest: &'static str,
    separator: u8,
}

impl Parts {
    /// The words of a list in which a blank follows each word.
    pub fn words(list: &'static str) -> Parts {
        Parts::of(list, b' ')
    }

    pub fn lines(text: &'static str) -> Parts {
        Parts::of(text, b'\n')
    }

    pub fn of(text: &'static str, separator: u8) -> Parts {
        Parts { rest: text, separator }
    }
}

impl Iterator for Parts {
    type Item = &'static str;

    #[inline(never)]
    fn next(&mut self) -> Option<&'static str> {
        let end = self.rest.bytes().take_while(|byte| *byte != self.separator).count();
        let part = self.rest.get(..end)?;
        if self.rest.is_empty() {
            return None;
        }
        self.rest = self.rest.get(end + 1..).unwrap_or("");
        Some(part)
    }
}

/// The place of a word in its list.
pub(crate) fn position(list: &'static str, word: &[u8]) -> Option<usize> {
    Parts::words(list).position(|known| known.as_bytes() == word)
}

/// The word at a place; empty past the last.
pub(crate) fn nth(list: &'static str, at: usize) -> &'static str {
    Parts::words(list).nth(at).unwrap_or("")
}
