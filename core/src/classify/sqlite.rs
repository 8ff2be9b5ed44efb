//! SQLite's result codes. Source: SEMANTICS 15.7; numbers of Python's `sqlite3` and of sqlite.org/rescode.html.
//!
//! An extended code without a row goes by its primary one: 2067, `SQLITE_CONSTRAINT_UNIQUE`, by 19.

use super::table::{Entry, pack, packed_len};
use super::{Row, row};
use crate::failure::Class::{Conflict, Connect};
use crate::failure::Condition::{OptIn, Transaction};
use crate::failure::Sent::{NotSent, Rejected};

/// Without the `SQLITE_` that all may begin with.
#[rustfmt::skip]
const ROWS: &[Entry] = &[
    // Another connection holds the lock.
    Entry(&["BUSY"], &[5], row(Conflict, Rejected)),
    Entry(&["BUSY_RECOVERY"], &[261], row(Conflict, Rejected)),
    Entry(&["BUSY_TIMEOUT"], &[773], row(Conflict, Rejected)),
    Entry(&["LOCKED_SHAREDCACHE"], &[262], row(Conflict, Rejected)),
    Entry(&["PROTOCOL"], &[15], row(Conflict, Rejected)),                            // the race for the WAL's lock
    // Repeating the statement never helps: the transaction has to be rolled back first.
    Entry(&["BUSY_SNAPSHOT"], &[517], row(Conflict, Rejected).when(Transaction)),
    Entry(&["ABORT_ROLLBACK"], &[516], row(Conflict, Rejected).when(Transaction)),
    // Worth repeating for those who know the file system.
    Entry(&["IOERR_LOCK"], &[3850], row(Conflict, Rejected).when(OptIn)),            // NFS
    Entry(&["IOERR_BLOCKED"], &[2826], row(Conflict, Rejected).when(OptIn)),
    Entry(&["READONLY_RECOVERY"], &[264], row(Conflict, Rejected).when(OptIn)),
    Entry(&["READONLY_CANTLOCK"], &[520], row(Conflict, Rejected).when(OptIn)),
    Entry(&["CANTOPEN"], &[14], row(Connect, NotSent).when(OptIn)),
    // Repeating cannot help.
    Entry(&["LOCKED"], &[6], Row::PERMANENT),                                        // within the same connection
    Entry(&["LOCKED_VTAB"], &[518], Row::PERMANENT),
    Entry(&["NOMEM"], &[7], Row::PERMANENT),
    Entry(&["READONLY"], &[8], Row::PERMANENT),
    Entry(&["INTERRUPT"], &[9], Row::PERMANENT),
    Entry(&["IOERR"], &[10], Row::PERMANENT),
    Entry(&["CORRUPT"], &[11], Row::PERMANENT),
    Entry(&["FULL"], &[13], Row::PERMANENT),
    Entry(&["SCHEMA"], &[17], Row::PERMANENT),                                       // prepared again by SQLite itself
    Entry(&["CONSTRAINT"], &[19], Row::PERMANENT),
];

pub(super) static TABLE: [u8; packed_len(ROWS)] = pack(ROWS);
