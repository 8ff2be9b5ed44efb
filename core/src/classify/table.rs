//! Tables in packed bytes: a row costs a page of a browser a few bytes, not a pointer and a length.

use super::Row;
use crate::failure::{Class, Code, Condition, Sent};

/// A row as it is written: the names of one code, its numbers, what it means. Rules take what stands in one row for one
/// code.
pub(super) struct Entry(pub &'static [&'static str], pub &'static [i32], pub Row);

/// The bytes that rows need.
pub(super) const fn packed_len(entries: &[Entry]) -> usize {
    write(entries, &mut [])
}

/// Rows packed as names with their lengths before them, and numbers after `A_NUMBER`. `ALIAS` is set in all that is not
/// the first of its row, and in `A_MEANING`, which says what the rows after it mean.
pub(super) const fn pack<const N: usize>(entries: &[Entry]) -> [u8; N] {
    let mut packed = [0; N];
    write(entries, &mut packed);
    packed
}

/// Writes as much as there is room for, and answers how much there would be.
///
/// Runs when the crate is compiled: an index out of bounds, or a number that does not fit, is an error then.
#[allow(clippy::indexing_slicing)]
const fn write(entries: &[Entry], out: &mut [u8]) -> usize {
    let mut end = 0;
    let mut meaning = None;
    let mut at = 0;
    while at < entries.len() {
        let Entry(names, numbers, row) = &entries[at];
        let own = row.class as u8 | (row.sent as u8) << 3 | (row.condition as u8) << 5;
        if !matches!(meaning, Some(meaning) if meaning == own) {
            end = put(out, end, &[A_MEANING, own]);
            meaning = Some(own);
        }
        let mut alias = 0;
        let mut name = 0;
        while name < names.len() {
            end = put(out, end, &[names[name].len() as u8 | alias]);
            end = put(out, end, names[name].as_bytes());
            alias = ALIAS;
            name += 1;
        }
        let mut number = 0;
        while number < numbers.len() {
            assert!(numbers[number] == numbers[number] as i16 as i32, "a number has two bytes");
            let [low, high] = (numbers[number] as i16).to_le_bytes();
            end = put(out, end, &[A_NUMBER | alias, low, high]);
            alias = ALIAS;
            number += 1;
        }
        at += 1;
    }
    end
}

#[allow(clippy::indexing_slicing)]
const fn put(out: &mut [u8], start: usize, bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        if start + at < out.len() {
            out[start + at] = bytes[at];
        }
        at += 1;
    }
    start + at
}

/// The place of a code's row and what it means, packed; `NOWHERE` if the table has it not.
#[inline(never)]
pub(super) fn search(table: &[u8], code: Code) -> u32 {
    let mut rest = table;
    let mut place = 0;
    let mut meaning = 0;
    while let [tag, tail @ ..] = rest {
        place += u32::from(*tag < ALIAS);
        let (found, tail) = match (*tag, tail) {
            (A_MEANING, [byte, tail @ ..]) => {
                meaning = u32::from(*byte);
                (Code::None, tail)
            }
            (A_NUMBER | ANOTHER_NUMBER, [low, high, tail @ ..]) => {
                (Code::Number(i16::from_le_bytes([*low, *high]).into()), tail)
            }
            (length, _) => {
                let (name, tail) = tail.split_at_checked(usize::from(length & !ALIAS)).unwrap_or_default();
                (Code::Name(name), tail)
            }
        };
        if found == code && found != Code::None {
            return place << 8 | meaning;
        }
        rest = tail;
    }
    NOWHERE
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

const ALIAS: u8 = 0x80;
/// No name is that long.
const A_NUMBER: u8 = 0x7E;
const ANOTHER_NUMBER: u8 = A_NUMBER | ALIAS;
const A_MEANING: u8 = 0xFF;
