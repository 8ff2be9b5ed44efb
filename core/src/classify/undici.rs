//! undici, which is Node's fetch: all codes of its `lib/core/errors.js`. Source: SEMANTICS 15.4.
//!
//! `UND_ERR_RESPONSE` and `UND_ERR_REQ_RETRY` carry a status, so adapters report them as `http`.

use super::table::{Entry, pack, packed_len};
use super::{Row, row};
use crate::failure::Class::{Connect, Timeout, Transient};
use crate::failure::Condition::OptIn;
use crate::failure::Sent::{Maybe, NotSent};

/// Without the `UND_ERR` that all begin with.
#[rustfmt::skip]
const ROWS: &[Entry] = &[
    Entry(&["_CONNECT_TIMEOUT"], &[], row(Connect, NotSent)),
    Entry(&["_PRX_CONN"], &[], row(Connect, NotSent).when(OptIn)),
    Entry(&["_SOCKET"], &[], row(Transient, Maybe)),
    Entry(&["_RES_CONTENT_LENGTH_MISMATCH"], &[], row(Transient, Maybe)), // the answer was cut
    Entry(&["_HEADERS_TIMEOUT"], &[], row(Timeout, Maybe)),
    Entry(&["_BODY_TIMEOUT"], &[], row(Timeout, Maybe)),
    Entry(&[""], &[], Row::PERMANENT),
    Entry(&["_ABORT"], &[], Row::PERMANENT),
    Entry(&["_ABORTED"], &[], Row::PERMANENT),
    Entry(&["_INFO"], &[], Row::PERMANENT),
    Entry(&["_HEADERS_OVERFLOW"], &[], Row::PERMANENT),
    Entry(&["_INVALID_ARG"], &[], Row::PERMANENT),
    Entry(&["_INVALID_RETURN_VALUE"], &[], Row::PERMANENT),
    Entry(&["_REQ_CONTENT_LENGTH_MISMATCH"], &[], Row::PERMANENT),
    Entry(&["_DESTROYED"], &[], Row::PERMANENT),
    Entry(&["_CLOSED"], &[], Row::PERMANENT),
    Entry(&["_NOT_SUPPORTED"], &[], Row::PERMANENT),
    Entry(&["_BPL_MISSING_UPSTREAM"], &[], Row::PERMANENT),
    Entry(&["_RES_EXCEEDED_MAX_SIZE"], &[], Row::PERMANENT),
    Entry(&["_PRX_TLS"], &[], Row::PERMANENT),
    Entry(&["_MAX_ORIGINS_REACHED"], &[], Row::PERMANENT),
    Entry(&["_WS_MESSAGE_SIZE_EXCEEDED"], &[], Row::PERMANENT),
    Entry(&["_RESPONSE"], &[], Row::PERMANENT),
    Entry(&["_REQ_RETRY"], &[], Row::PERMANENT),
];

pub(super) static TABLE: [u8; packed_len(ROWS)] = pack(ROWS);
