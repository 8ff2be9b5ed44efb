//! Who comes next: clients in the order of their instants, and among equals in the order in which they were put in.

use super::herd::{Client, MOST_CLIENTS};
use super::{MOST_ATTEMPTS, MOST_END};
use crate::jitter::Jitter;
use crate::policy::Policy;

/// A wheel of four levels: of the hand's turn of 512 µs each microsecond has a line, of its turn of 262 ms each 512 µs, and so
/// on for 19 hours. Who waits moves down when the hand comes to its line. A line of 512 µs is sorted instead, if it is not too
/// long and nobody is put in for its time any more: that takes less than to look at 512 lines of a few clients each.
///
/// A line's clients lie beside each other, a page full at a time: a chain through the memory of a million would miss every
/// cache at each of them.
///
/// Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987.
pub struct Queue {
    lines: [Line; LINES],
    /// The last page of each line, which is not full.
    rests: [Page; LINES],
    /// A bit for each line that is not empty.
    used: [u64; LINES / 64],
    hand: u64,
    /// Whether the last draws are kept.
    is_wide: bool,
    /// The words of those who were taken out together, in their order; how many there are, and how many are of those who came.
    taken: Taken,
    taken_len: usize,
    came: usize,
    /// Whether those are a sorted line of 512 µs: the lines of its microseconds are empty then.
    is_sorted: bool,
    /// Memory to sort in.
    spare: Taken,
    /// Behind each full page: the next of its line, or of those that are free.
    behind: [u16; PAGES + 1],
    free: u16,
    /// Later pages were never full.
    last: u16,
}

/// A line of clients: full pages, which lie in the memory that the clients bring, from `first` to `last`; then one that is not
/// full. Apart from its words, so that all lines stay in the nearest cache.
#[derive(Clone, Copy)]
struct Line {
    first: u16,
    last: u16,
    /// Words in the rest.
    len: u16,
}

type Page = [u64; PAGE];
type Taken = [u64; MOST_TAKEN];

/// A client that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// When its wait ends.
    pub at: u64,
    pub failures: u32,
    pub is_last: bool,
    pub number: u32,
    /// Its last draw, where that is kept.
    pub previous: u64,
}

impl Waiting {
    /// As one word, without the bits of its instant that are the same for a whole line of every level.
    fn packed(&self) -> u64 {
        let low = self.at % (1 << LOW);
        let rest = (u64::from(self.failures) << 1) | u64::from(self.is_last);
        (low << (STATE + NUMBER)) | (rest << NUMBER) | u64::from(self.number)
    }

    fn unpacked((word, previous): (u64, u64), hand: u64) -> Waiting {
        let at = instant(word, hand);
        let rest = (word >> NUMBER) % (1 << STATE);
        let number = (word % (1 << NUMBER)) as u32;
        Waiting { at, failures: (rest >> 1) as u32, is_last: rest % 2 == 1, number, previous }
    }
}

impl Queue {
    /// Nobody waits; the hand is at 0.
    pub const EMPTY: Queue = Queue {
        lines: [Line::EMPTY; LINES],
        rests: [[0; PAGE]; LINES],
        used: [0; LINES / 64],
        hand: 0,
        is_wide: false,
        taken: [0; MOST_TAKEN],
        taken_len: 0,
        came: 0,
        is_sorted: false,
        spare: [0; MOST_TAKEN],
        behind: [NONE; PAGES + 1],
        free: NONE,
        last: NONE,
    };

    /// Nobody waits any more. From here on last draws are kept if the policy's next depend on them.
    pub(super) fn clear(&mut self, policy: &Policy) {
        let is_wide = Jitter::of(&policy.settings) == Jitter::Decorrelated;
        self.lines.fill(Line::EMPTY);
        self.used.fill(0);
        (self.hand, self.is_wide, self.is_sorted) = (0, is_wide, false);
        (self.taken_len, self.came) = (0, 0);
        (self.free, self.last) = (NONE, NONE);
    }

    /// Puts a client in for its instant, which is not before the last that was taken out.
    // As part of the loop that asks: a herd is a tenth slower otherwise.
    #[inline(always)]
    pub(super) fn push(&mut self, clients: &mut [Client], waiting: &Waiting) {
        // The lowest level on whose turn the instant still is.
        let is_on = |level: &usize| waiting.at >> turn(*level) == self.hand >> turn(*level);
        let level = (0..LEVELS - 1).find(is_on).unwrap_or(LEVELS - 1);
        if level == 0 && self.is_sorted {
            self.spread(clients, 0);
        }
        self.put(clients, level, waiting.at, (waiting.packed(), waiting.previous));
    }

    /// Takes out the client that comes next, if its instant is before this one.
    #[inline(always)]
    pub(super) fn pop(&mut self, clients: &mut [Client], before: u64) -> Option<Waiting> {
        loop {
            let came = self.came;
            if let Some(next) = self.next() {
                let waiting = Waiting::unpacked(next, self.hand);
                if waiting.at < before {
                    return Some(waiting);
                }
                self.came = came;
                return None;
            }
            self.turn(clients, before)?;
        }
    }

    /// The next of those who were taken out together.
    fn next(&mut self) -> Option<(u64, u64)> {
        let all = self.taken.get(..self.taken_len)?;
        let word = *all.get(self.came)?;
        let previous = if self.is_wide { *all.get(self.came + 1)? } else { 0 };
        self.came += if self.is_wide { 2 } else { 1 };
        Some((word, previous))
    }

    /// The hand goes on to the next line that is not empty; None if there is none that begins before this instant.
    fn turn(&mut self, clients: &mut [Client], before: u64) -> Option<()> {
        self.is_sorted = false;
        let (level, place) = (0..LEVELS).find_map(|level| Some((level, self.next_used(level)?)))?;
        let step = level * BITS;
        let hand = ((self.hand >> step) & !(WIDTH as u64 - 1) | (place % WIDTH) as u64) << step;
        if hand >= before {
            return None;
        }
        self.hand = hand;
        let mut is_all = self.take(clients, place);
        match level {
            0 => {}
            1 if is_all => self.sort(),
            _ => loop {
                self.spread(clients, level - 1);
                if is_all {
                    break;
                }
                is_all = self.take(clients, place);
            },
        }
        Some(())
    }

    /// Puts those who were taken out together and have not come on a level, in their order.
    fn spread(&mut self, clients: &mut [Client], level: usize) {
        self.is_sorted = false;
        while let Some(next) = self.next() {
            self.put(clients, level, instant(next.0, self.hand), next);
        }
    }

    fn put(&mut self, clients: &mut [Client], level: usize, at: u64, (word, previous): (u64, u64)) {
        let place = place(level, at);
        let (Some(line), Some(rest)) = (self.lines.get_mut(place), self.rests.get_mut(place)) else { return };
        if let Some(bits) = self.used.get_mut(place / 64) {
            *bits |= 1 << (place % 64);
        }
        if let Some(free) = rest.get_mut(line.len as usize) {
            *free = word;
            line.len += 1;
        }
        if self.is_wide
            && let Some(free) = rest.get_mut(line.len as usize)
        {
            *free = previous;
            line.len += 1;
        }
        if (line.len as usize) < PAGE {
            return;
        }
        // There are as many as can be full.
        let page = if self.free == NONE { self.last + 1 } else { self.free };
        let (Some(behind), Some(lent)) = (self.behind.get_mut(page as usize), lent(clients, page)) else { return };
        if self.free == NONE {
            self.last = page;
        } else {
            self.free = *behind;
        }
        *behind = NONE;
        lent.iter_mut().zip(rest.as_chunks().0).for_each(|(lent, words)| lent.words = *words);
        line.len = 0;
        match self.behind.get_mut(line.last as usize) {
            Some(behind) if line.last != NONE => *behind = page,
            _ => line.first = page,
        }
        line.last = page;
    }

    /// Takes out the first clients of a line, as many as there is room for; whether they are all.
    fn take(&mut self, clients: &mut [Client], place: usize) -> bool {
        (self.taken_len, self.came) = (0, 0);
        let (Some(line), Some(rest)) = (self.lines.get_mut(place), self.rests.get(place)) else { return true };
        for page in self.taken.as_chunks_mut::<PAGE>().0 {
            let (Some(behind), Some(lent)) = (self.behind.get_mut(line.first as usize), lent(clients, line.first))
            else {
                *page = *rest;
                self.taken_len += line.len as usize;
                *line = Line::EMPTY;
                if let Some(bits) = self.used.get_mut(place / 64) {
                    *bits &= !(1 << (place % 64));
                }
                return true;
            };
            page.as_chunks_mut().0.iter_mut().zip(lent).for_each(|(words, lent)| *words = lent.words);
            self.taken_len += PAGE;
            let next = core::mem::replace(behind, self.free);
            self.free = core::mem::replace(&mut line.first, next);
        }
        if line.first == NONE {
            line.last = NONE;
        }
        false
    }

    /// Sorts those who were taken out together by the microsecond of their turn of 512 µs; equals stay in their order.
    fn sort(&mut self) {
        let (Some(taken), Some(spare)) = (self.taken.get_mut(..self.taken_len), self.spare.get_mut(..self.taken_len))
        else {
            return;
        };
        if self.is_wide {
            sort::<2>(taken, spare)
        } else {
            sort::<1>(taken, spare)
        }
        self.is_sorted = true;
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
    const EMPTY: Line = Line { first: NONE, last: NONE, len: 0 };
}

/// Sorts clients of `W` words by the two digits of their instants; equals stay in their order.
fn sort<const W: usize>(taken: &mut [u64], spare: &mut [u64]) {
    scatter::<W>(taken, spare, 0);
    scatter::<W>(spare, taken, DIGIT);
}

fn scatter<const W: usize>(from: &[u64], to: &mut [u64], shift: usize) {
    let (from, to) = (from.as_chunks::<W>().0, to.as_chunks_mut::<W>().0);
    let digit = |client: &[u64; W]| (client[0] >> (STATE + NUMBER + shift)) as usize % (1 << DIGIT);
    let mut places = [0; 1 << DIGIT];
    for client in from {
        if let Some(count) = places.get_mut(digit(client)) {
            *count += 1;
        }
    }
    let mut start = 0;
    for place in &mut places {
        start += core::mem::replace(place, start);
    }
    for client in from {
        if let Some(place) = places.get_mut(digit(client))
            && let Some(to) = to.get_mut(*place)
        {
            *to = *client;
            *place += 1;
        }
    }
}

/// When the client of a word comes, while the hand is on the same turn.
fn instant(word: u64, hand: u64) -> u64 {
    (hand >> LOW << LOW) | (word >> (STATE + NUMBER))
}

/// The memory of a full page.
fn lent(clients: &mut [Client], page: u16) -> Option<&mut [Client]> {
    let end = page as usize * PAGE / 2;
    clients.get_mut(end.checked_sub(PAGE / 2)?..end)
}

/// The bits of an instant that are above a turn of a level.
fn turn(level: usize) -> usize {
    (level + 1) * BITS
}

/// The line of an instant on a level.
fn place(level: usize, at: u64) -> usize {
    level * WIDTH + (at >> (level * BITS)) as usize % WIDTH
}

const BITS: usize = 9;
const WIDTH: usize = 1 << BITS;
const LEVELS: usize = 4;
const LINES: usize = LEVELS * WIDTH;
/// Words in a page.
const PAGE: usize = 32;
const PAGES: usize = MOST_CLIENTS / (PAGE / 2);
/// Words of those who are taken out together, at most.
const MOST_TAKEN: usize = 2048;
/// Bits of an instant that are sorted by at once: half of a turn's.
const DIGIT: usize = BITS.div_ceil(2);
/// No page has this number: the first is 1.
const NONE: u16 = 0;

// The parts of a word: the low bits of an instant, failures and whether the next is the last, a client's number.
const LOW: usize = (LEVELS - 1) * BITS;
const STATE: usize = 11;
const NUMBER: usize = 20;

const _: () = assert!(
    LOW + STATE + NUMBER <= 64
        && MOST_END <= 1 << (LEVELS * BITS)
        && MOST_ATTEMPTS <= 1 << (STATE - 1)
        && MOST_CLIENTS <= 1 << NUMBER
        && PAGES <= u16::MAX as usize
);
