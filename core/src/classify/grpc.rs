//! gRPC status codes. Source: SEMANTICS 15.2, which compares 467 service configurations; names and numbers of grpc's
//! `statuscodes.md`.

use super::table::{Entry, pack, packed_len};
use super::{Row, row};
use crate::failure::Class::{Conflict, Throttle, Timeout, Transient};
use crate::failure::Condition::{OptIn, Transaction};
use crate::failure::Sent::{Maybe, Rejected};

#[rustfmt::skip]
const ROWS: &[Entry] = &[
    Entry(&["UNAVAILABLE"], &[14], row(Transient, Maybe)),
    Entry(&["DEADLINE_EXCEEDED"], &[4], row(Timeout, Maybe)),
    Entry(&["RESOURCE_EXHAUSTED"], &[8], row(Throttle, Rejected).when(OptIn)), // a hint is consent: `find`
    Entry(&["ABORTED"], &[10], row(Conflict, Rejected).when(Transaction)),     // google.rpc.Code: retry at a higher level
    Entry(&["UNKNOWN"], &[2], row(Transient, Maybe).when(OptIn)),
    Entry(&["INTERNAL"], &[13], row(Transient, Maybe).when(OptIn)),
    // Repeating cannot help.
    Entry(&["OK"], &[0], Row::PERMANENT),
    Entry(&["CANCELLED"], &[1], Row::PERMANENT), // by the client itself; a server that repeats calls of others has rules
    Entry(&["INVALID_ARGUMENT"], &[3], Row::PERMANENT),
    Entry(&["NOT_FOUND"], &[5], Row::PERMANENT),
    Entry(&["ALREADY_EXISTS"], &[6], Row::PERMANENT),
    Entry(&["PERMISSION_DENIED"], &[7], Row::PERMANENT),
    Entry(&["FAILED_PRECONDITION"], &[9], Row::PERMANENT),
    Entry(&["OUT_OF_RANGE"], &[11], Row::PERMANENT),
    Entry(&["UNIMPLEMENTED"], &[12], Row::PERMANENT),
    Entry(&["DATA_LOSS"], &[15], Row::PERMANENT),
    Entry(&["UNAUTHENTICATED"], &[16], Row::PERMANENT),
];

pub(super) static TABLE: [u8; packed_len(ROWS)] = pack(ROWS);
