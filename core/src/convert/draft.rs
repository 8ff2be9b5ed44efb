//! A policy on its way, as the tape that it is compiled from: every option that a source decides, explicitly.

use crate::format::{Notation, Problem, print_millionths, print_number, tape};
use crate::policy::Policy;

/// Options as a tape.
pub(super) struct Draft {
    tape: [u8; ROOM],
    len: usize,
}

impl Draft {
    pub const fn new() -> Draft {
        let mut tape = [0; ROOM];
        tape[0] = tape::MAP;
        Draft { tape, len: 1 }
    }

    /// A limit: a number, or null.
    pub fn limit(&mut self, name: &str, limit: Option<u64>) {
        self.text(name);
        match limit {
            Some(limit) => self.digits(tape::NUMBER, limit),
            None => self.push(&[tape::NULL]),
        }
    }

    /// A duration in microseconds.
    pub fn time(&mut self, name: &str, micros: u64) {
        self.text(name);
        self.digits(tape::MICROS, micros);
    }

    /// A number of millionths.
    pub fn share(&mut self, name: &str, millionths: u64) {
        self.text(name);
        let mut len = 0;
        print_millionths(millionths, &mut |piece| len += piece.len());
        self.counted(tape::NUMBER, len);
        print_millionths(millionths, &mut |piece| self.push(piece));
    }

    pub fn word(&mut self, name: &str, word: &str) {
        self.text(name);
        self.text(word);
    }

    pub fn flag(&mut self, name: &str, flag: bool) {
        self.text(name);
        self.push(&[if flag { tape::TRUE } else { tape::FALSE }]);
    }

    pub fn null(&mut self, name: &str) {
        self.text(name);
        self.push(&[tape::NULL]);
    }

    /// Begins a map or a list under a name.
    pub fn begin(&mut self, name: &str, kind: u8) {
        self.text(name);
        self.push(&[kind]);
    }

    /// Begins a map in a list.
    pub fn begin_map(&mut self) {
        self.push(&[tape::MAP]);
    }

    pub fn end_map(&mut self) {
        self.push(b"}");
    }

    pub fn end_list(&mut self) {
        self.push(b"]");
    }

    /// A duration in a list.
    pub fn element(&mut self, micros: u64) {
        self.digits(tape::MICROS, micros);
    }

    /// A number, or a range of them as policies write it.
    pub fn range(&mut self, name: &str, low: u64, high: u64) {
        if low == high {
            return self.limit(name, Some(low));
        }
        let mut len = 1;
        print_number(low, &mut |piece| len += piece.len());
        print_number(high, &mut |piece| len += piece.len());
        self.text(name);
        self.counted(tape::TEXT, len);
        print_number(low, &mut |piece| self.push(piece));
        self.push(b"-");
        print_number(high, &mut |piece| self.push(piece));
    }

    /// What it compiles to, over `base` or `standard`.
    pub fn policy(&mut self, base: Option<&Policy>, problem: &mut dyn FnMut(&Problem)) -> Option<Policy> {
        self.push(b"}");
        Policy::compile(self.tape.get(..self.len).unwrap_or(&[]), Notation::Json, base, problem)
    }

    fn text(&mut self, text: &str) {
        self.counted(tape::TEXT, text.len());
        self.push(text.as_bytes());
    }

    fn digits(&mut self, kind: u8, number: u64) {
        let mut len = 0;
        print_number(number, &mut |piece| len += piece.len());
        self.counted(kind, len);
        print_number(number, &mut |piece| self.push(piece));
    }

    fn counted(&mut self, kind: u8, len: usize) {
        self.push(&[kind]);
        self.push(&(len as u32).to_le_bytes());
    }

    fn push(&mut self, bytes: &[u8]) {
        for (to, from) in self.tape.iter_mut().skip(self.len).zip(bytes) {
            *to = *from;
            self.len += 1;
        }
    }
}

/// 32 rules and 64 delays, each as long as it can be, and the rest.
const ROOM: usize = 8192;
