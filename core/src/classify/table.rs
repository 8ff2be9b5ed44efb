//! Tables in packed bytes: a row costs a page of a browser a few bytes, not a pointer and a length.

use super::Row;
use crate::failure::{Class, Code, Condition, Sent};

/// A row as it is written: the names of one code, its numbers, what it means.
pub(super) struct Entry(pub &'static [&'static str], pub &'static [i32], pub Row);

/// Rows packed as: names, each with its length before it, and 0; numbers, each with `1` before it, and 0; meaning.
pub(super) struct Table<const N: usize>([u8; N]);

/// The bytes that entries need.
#[allow(clippy::indexing_slicing)]
pub(super) const fn packed_len(entries: &[Entry]) -> usize {
    let mut total = 0;
    let mut at = 0;
    while at < entries.len() {
        let Entry(names, numbers, _) = &entries[at];
        let mut name = 0;
        while name < names.len() {
            total += 1 + names[name].len();
            name += 1;
        }
        total += 1 + 3 * numbers.len() + 1 + 1;
        at += 1;
    }
    total
}

impl<const N: usize> Table<N> {
    /// Runs when the crate is compiled: an index out of bounds would be an error then.
    #[allow(clippy::indexing_slicing)]
    pub const fn pack(entries: &[Entry]) -> Table<N> {
        let mut packed = [0; N];
        let mut end = 0;
        let mut at = 0;
        while at < entries.len() {
            let Entry(names, numbers, row) = &entries[at];
            let mut name = 0;
            while name < names.len() {
                let bytes = names[name].as_bytes();
                packed[end] = bytes.len() as u8;
                let mut byte = 0;
                while byte < bytes.len() {
                    packed[end + 1 + byte] = bytes[byte];
                    byte += 1;
                }
                end += 1 + bytes.len();
                name += 1;
            }
            end += 1;
            let mut number = 0;
            while number < numbers.len() {
                let [low, high] = (numbers[number] as i16).to_le_bytes();
                packed[end] = 1;
                packed[end + 1] = low;
                packed[end + 2] = high;
                end += 3;
                number += 1;
            }
            end += 1;
            packed[end] = row.class as u8 | (row.sent as u8) << 3 | (row.condition as u8) << 5;
            end += 1;
            at += 1;
        }
        Table(packed)
    }

    /// The row of a code; unknown when there is none.
    pub fn find(&self, code: Code) -> Row {
        self.search(code).map_or(Row::UNKNOWN, |(_, row)| row)
    }

    /// Which row a code is.
    pub fn position(&self, code: Code) -> Option<usize> {
        self.search(code).map(|(at, _)| at)
    }

    fn search(&self, code: Code) -> Option<(usize, Row)> {
        let mut rest: &[u8] = &self.0;
        for at in 0.. {
            let mut is_it = false;
            while let [length @ 1..=u8::MAX, tail @ ..] = rest {
                let (name, tail) = tail.split_at_checked(usize::from(*length))?;
                is_it |= matches!(code, Code::Name(wanted) if wanted == name);
                rest = tail;
            }
            rest = rest.get(1..)?;
            while let [1, low, high, tail @ ..] = rest {
                let number = i16::from_le_bytes([*low, *high]);
                is_it |= matches!(code, Code::Number(wanted) if wanted == i64::from(number));
                rest = tail;
            }
            let [_, meaning, tail @ ..] = rest else {
                return None;
            };
            if is_it {
                return Some((at, unpack(*meaning)?));
            }
            rest = tail;
        }
        None
    }
}

fn unpack(meaning: u8) -> Option<Row> {
    Some(Row {
        class: Class::from_number(u32::from(meaning & 7))?,
        sent: Sent::from_number(u32::from(meaning >> 3 & 3))?,
        condition: Condition::from_number(u32::from(meaning >> 5))?,
        is_known: true,
    })
}
