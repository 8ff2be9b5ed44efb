//! Our own errors that say nothing was sent, by the names they have in both languages. Source: SEMANTICS 9.

use super::row;
use super::table::{Entry, pack, packed_len};
use crate::failure::Class::Transient;
use crate::failure::Condition::HintOnly;
use crate::failure::Sent::NotSent;

#[rustfmt::skip]
const ROWS: &[Entry] = &[
    Entry(&["BreakerOpen"], &[], row(Transient, NotSent).when(HintOnly)), // once the breaker lets calls through again
];

pub(super) static TABLE: [u8; packed_len(ROWS)] = pack(ROWS);
