//! Redis' error replies. Source: SEMANTICS 15.8; Redis' `server.c` and `cluster.c`, redis-py's `parse_error`.
//!
//! A reply without a row goes by its first word: `LOADING Redis is loading the dataset in memory` by `LOADING`.

use super::table::{Entry, pack, packed_len};
use super::{Row, row};
use crate::failure::Class::{Conflict, Throttle, Transient};
use crate::failure::Condition::{Immediate, OptIn};
use crate::failure::Sent::Rejected;

#[rustfmt::skip]
const ROWS: &[Entry] = &[
    Entry(&["LOADING"], &[], row(Transient, Rejected)),
    Entry(&["TRYAGAIN"], &[], row(Transient, Rejected)),                // a slot is on the move
    Entry(&["CLUSTERDOWN"], &[], row(Transient, Rejected)),
    Entry(&["MASTERDOWN"], &[], row(Transient, Rejected)),
    Entry(&["READONLY"], &[], row(Transient, Rejected)),                // after failover: on a connection to the new primary
    Entry(&["BUSY"], &[], row(Conflict, Rejected)),                     // a script, a function or a module runs
    Entry(&["ERR max number of clients reached"], &[], row(Throttle, Rejected)),
    // Another node has the slot: the client asks there, and has nothing to wait for.
    Entry(&["MOVED"], &[], row(Transient, Rejected).when(Immediate)),
    Entry(&["ASK"], &[], row(Transient, Rejected).when(Immediate)),
    // Worth repeating for those who know that it passes.
    Entry(&["NOREPLICAS"], &[], row(Transient, Rejected).when(OptIn)),
    Entry(&["MISCONF"], &[], row(Transient, Rejected).when(OptIn)),
    Entry(&["OOM"], &[], row(Throttle, Rejected).when(OptIn)),
    // Repeating cannot help.
    Entry(&["ERR"], &[], Row::PERMANENT),
    Entry(&["NOAUTH"], &[], Row::PERMANENT),
    Entry(&["WRONGPASS"], &[], Row::PERMANENT),
    Entry(&["NOPERM"], &[], Row::PERMANENT),
    Entry(&["WRONGTYPE"], &[], Row::PERMANENT),
    Entry(&["CROSSSLOT"], &[], Row::PERMANENT),
    Entry(&["EXECABORT"], &[], Row::PERMANENT),                         // the command that could not be queued said why
    Entry(&["NOSCRIPT"], &[], Row::PERMANENT),                          // has to be loaded first
    Entry(&["BUSYKEY"], &[], Row::PERMANENT),
    Entry(&["BUSYGROUP"], &[], Row::PERMANENT),
];

pub(super) static TABLE: [u8; packed_len(ROWS)] = pack(ROWS);
