//! Who comes next: clients in the order of their instants, and among equals in the order in which they were put in.

use super::herd::Client;

/// A wheel of three levels: of the hand's turn of 4 ms each microsecond has a line, of its turn of 17 s each 4 ms, beyond
/// that each 17 s, for 19 hours. Clients move down a level when the hand comes to them, and are never compared.
///
/// Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987.
pub struct Queue {
    lines: [Line; LEVELS * WIDTH],
    /// A bit for each line that is not empty.
    used: [u64; LEVELS * WIDTH / 64],
    hand: u64,
}

/// A line of clients, linked through their own `next`. On the lowest level the first comes next; above it, the last.
#[derive(Clone, Copy)]
struct Line {
    first: u32,
    last: u32,
}

impl Queue {
    /// Nobody waits; the hand is at 0.
    pub const EMPTY: Queue = Queue { lines: [Line::EMPTY; LEVELS * WIDTH], used: [0; LEVELS * WIDTH / 64], hand: 0 };

    /// Nobody waits any more.
    pub(super) fn clear(&mut self) {
        self.lines.fill(Line::EMPTY);
        self.used.fill(0);
        self.hand = 0;
    }

    /// Puts a client in for its instant, which is not before the last that was taken out.
    pub(super) fn push(&mut self, clients: &mut [Client], number: u32) {
        let Some(client) = clients.get_mut(number as usize) else { return };
        let at = client.at;
        // The lowest level on whose turn the instant still is.
        let level = (0..LEVELS - 1).find(|level| at >> turn(*level) == self.hand >> turn(*level)).unwrap_or(LEVELS - 1);
        let place = place(level, at);
        let Some(line) = self.lines.get_mut(place) else { return };
        if level > 0 {
            // In front: to touch the one at the end would cost more than all else, since it is far away in memory.
            client.next = core::mem::replace(&mut line.first, number);
        } else {
            client.next = NOBODY;
            match clients.get_mut(line.last as usize) {
                Some(last) => last.next = number,
                None => line.first = number,
            }
            line.last = number;
        }
        if let Some(bits) = self.used.get_mut(place / 64) {
            *bits |= 1 << (place % 64);
        }
    }

    /// Takes out the client that comes next.
    pub(super) fn pop(&mut self, clients: &mut [Client]) -> Option<u32> {
        loop {
            let (level, place) = (0..LEVELS).find_map(|level| Some((level, self.next_used(level)?)))?;
            let first = self.lines.get(place)?.first;
            if level == 0 {
                let client = clients.get(first as usize)?;
                self.hand = client.at;
                let next = client.next;
                self.lines.get_mut(place)?.first = next;
                if next == NOBODY {
                    self.empty(place);
                }
                return Some(first);
            }
            // The hand comes to the line: its clients go to the level below, in their order.
            self.empty(place);
            let step = turn(level) - BITS;
            self.hand = clients.get(first as usize)?.at >> step << step;
            let mut number = turned(clients, first);
            while let Some(client) = clients.get(number as usize) {
                let next = client.next;
                self.push(clients, number);
                number = next;
            }
        }
    }

    fn empty(&mut self, place: usize) {
        if let Some(line) = self.lines.get_mut(place) {
            *line = Line::EMPTY;
        }
        if let Some(bits) = self.used.get_mut(place / 64) {
            *bits &= !(1 << (place % 64));
        }
    }

    /// The first line of a level from the hand on that is not empty.
    fn next_used(&self, level: usize) -> Option<usize> {
        let start = place(level, self.hand);
        let mut word = start / 64;
        let mut bits = self.used.get(word)? & u64::MAX << (start % 64);
        while bits == 0 {
            word += 1;
            if word >= (level + 1) * WIDTH / 64 {
                return None;
            }
            bits = *self.used.get(word)?;
        }
        Some(word * 64 + bits.trailing_zeros() as usize)
    }
}

impl Line {
    const EMPTY: Line = Line { first: NOBODY, last: NOBODY };
}

/// A line from its other end; answers who is first then.
fn turned(clients: &mut [Client], first: u32) -> u32 {
    let (mut behind, mut number) = (NOBODY, first);
    while let Some(client) = clients.get_mut(number as usize) {
        let next = core::mem::replace(&mut client.next, behind);
        (behind, number) = (number, next);
    }
    behind
}

/// The bits of an instant that are above a turn of a level.
fn turn(level: usize) -> usize {
    (level + 1) * BITS
}

/// The line of an instant on a level.
fn place(level: usize, at: u64) -> usize {
    level * WIDTH + (at >> (level * BITS)) as usize % WIDTH
}

/// No client has this number.
const NOBODY: u32 = u32::MAX;
const BITS: usize = 12;
const WIDTH: usize = 1 << BITS;
const LEVELS: usize = 3;
