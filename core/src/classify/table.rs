//! Tables in packed bytes: a row costs a page of a browser a few bytes, not a pointer and a length.

use super::Row;
use crate::failure::{Class, Code, Condition, Sent};

/// A row as it is written: the names of one code, its numbers, what it means.
pub(super) struct Entry(pub &'static [&'static str], pub &'static [i32], pub Row);

/// The bytes that rows need.
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
        total += 3 * numbers.len() + 2;
        at += 1;
    }
    total
}

/// Rows packed as: names, each with its length before it; numbers, each with `A_NUMBER` before it; `A_MEANING`, meaning.
///
/// Runs when the crate is compiled: an index out of bounds would be an error then.
#[allow(clippy::indexing_slicing)]
pub(super) const fn pack<const N: usize>(entries: &[Entry]) -> [u8; N] {
    let mut packed = [0; N];
    let mut end = 0;
    let mut at = 0;
    while at < entries.len() {
        let Entry(names, numbers, row) = &entries[at];
        let mut name = 0;
        while name < names.len() {
            let bytes = names[name].as_bytes();
            packed[end] = bytes.len() as u8;
            end += 1;
            let mut byte = 0;
            while byte < bytes.len() {
                packed[end] = bytes[byte];
                end += 1;
                byte += 1;
            }
            name += 1;
        }
        let mut number = 0;
        while number < numbers.len() {
            let [low, high] = (numbers[number] as i16).to_le_bytes();
            packed[end] = A_NUMBER;
            packed[end + 1] = low;
            packed[end + 2] = high;
            end += 3;
            number += 1;
        }
        packed[end] = A_MEANING;
        packed[end + 1] = row.class as u8 | (row.sent as u8) << 3 | (row.condition as u8) << 5;
        end += 2;
        at += 1;
    }
    packed
}

/// The place of a code and what it means, packed; `NOWHERE` if the table has it not.
#[inline(never)]
pub(super) fn search(table: &[u8], code: Code) -> u32 {
    let mut rest = table;
    let mut place = 0;
    let mut is_it = false;
    loop {
        rest = match rest {
            [A_MEANING, meaning, tail @ ..] => {
                if is_it {
                    return place << 8 | u32::from(*meaning);
                }
                place += 1;
                tail
            }
            [A_NUMBER, low, high, tail @ ..] => {
                is_it |= code == Code::Number(i16::from_le_bytes([*low, *high]).into());
                tail
            }
            [length, tail @ ..] => {
                let (name, tail) = tail.split_at_checked(usize::from(*length)).unwrap_or_default();
                is_it |= code == Code::Name(name);
                tail
            }
            [] => return NOWHERE,
        };
    }
}

pub(super) const NOWHERE: u32 = u32::MAX;

/// The row of a packed meaning. A meaning that no row has reads as permanent.
pub(super) fn unpack(found: u32) -> Row {
    Row {
        class: Class::from_number(found & 7).unwrap_or(Class::Permanent),
        sent: Sent::from_number(found >> 3 & 3).unwrap_or(Sent::Maybe),
        condition: Condition::from_number(found >> 5 & 7).unwrap_or(Condition::Always),
        is_known: found != NOWHERE,
    }
}

/// No name is that long.
const A_NUMBER: u8 = 0xFE;
const A_MEANING: u8 = 0xFF;
