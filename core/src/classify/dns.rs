//! Name resolution: getaddrinfo's codes, WinSock's and Node's. Source: SEMANTICS 15.3.

use super::table::{Entry, pack, packed_len};
use super::{Row, row};
use crate::failure::Class::Connect;
use crate::failure::Condition::{OptIn, OptInOnce};
use crate::failure::Sent::NotSent;

#[rustfmt::skip]
const ROWS: &[Entry] = &[
    Entry(&["EAI_AGAIN", "WSATRY_AGAIN"], &[-3, 11002], row(Connect, NotSent)),
    // A name that does not exist is mostly a mistake in a name: one retry, and only for those who ask for it.
    Entry(
        &["ENOTFOUND", "EAI_NONAME", "EAI_NODATA", "WSAHOST_NOT_FOUND", "WSANO_DATA"],
        &[-2, -5, 11001, 11004],
        row(Connect, NotSent).when(OptInOnce),
    ),
    Entry(&["EAI_MEMORY"], &[-10], row(Connect, NotSent).when(OptIn)),
    Entry(&["EAI_FAIL", "WSANO_RECOVERY"], &[-4, 11003], Row::PERMANENT),
    Entry(&["EAI_BADFLAGS"], &[-1], Row::PERMANENT),
    Entry(&["EAI_FAMILY"], &[-6], Row::PERMANENT),
    Entry(&["EAI_SOCKTYPE"], &[-7], Row::PERMANENT),
    Entry(&["EAI_SERVICE"], &[-8], Row::PERMANENT),
];

pub(super) static TABLE: [u8; packed_len(ROWS)] = pack(ROWS);
