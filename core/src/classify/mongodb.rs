//! MongoDB's error numbers and labels. Source: SEMANTICS 15.9: the specifications of retryable reads, retryable writes,
//! transactions and client backpressure; numbers of pymongo's `helpers_shared` and of mongodb's `error.js`.
//!
//! The drivers repeat a write by its transaction number, so that it is done once. Whoever calls a driver has no such
//! number: what the server may have done stays `maybe`, whatever a label says.

use super::table::{Entry, pack, packed_len};
use super::{Row, row};
use crate::failure::Class::{Conflict, Throttle, Timeout, Transient};
use crate::failure::Condition::Transaction;
use crate::failure::Sent::{Maybe, NotSent, Rejected};

#[rustfmt::skip]
const ROWS: &[Entry] = &[
    Entry(&[], &[11600], row(Transient, Maybe)),                        // InterruptedAtShutdown
    Entry(&[], &[11602], row(Transient, Maybe)),                        // InterruptedDueToReplStateChange
    Entry(&[], &[10107], row(Transient, Maybe)),                        // NotWritablePrimary
    Entry(&[], &[13435], row(Transient, Maybe)),                        // NotPrimaryNoSecondaryOk
    Entry(&[], &[13436], row(Transient, Maybe)),                        // NotPrimaryOrSecondary
    Entry(&[], &[189], row(Transient, Maybe)),                          // PrimarySteppedDown
    Entry(&[], &[91], row(Transient, Maybe)),                           // ShutdownInProgress
    Entry(&[], &[7], row(Transient, Maybe)),                            // HostNotFound
    Entry(&[], &[6], row(Transient, Maybe)),                            // HostUnreachable
    Entry(&[], &[9001], row(Transient, Maybe)),                         // SocketException
    Entry(&[], &[134], row(Transient, Maybe)),                          // ReadConcernMajorityNotAvailableYet
    Entry(&[], &[89], row(Timeout, Maybe)),                             // NetworkTimeout
    Entry(&[], &[262], row(Timeout, Maybe)),                            // ExceededTimeLimit
    Entry(&["RetryableWriteError"], &[], row(Transient, Maybe)),
    Entry(&["PoolClearedError"], &[], row(Transient, NotSent)),         // at the checkout of a connection
    // Overload: with the second label, the first says that nothing was done.
    Entry(&["RetryableError"], &[], row(Throttle, Rejected)),
    Entry(&["SystemOverloadedError"], &[], row(Throttle, Maybe)),
    Entry(&[], &[462], row(Throttle, Rejected)),                        // IngressRequestRateLimitExceeded
    Entry(&["TransientTransactionError"], &[], row(Conflict, Rejected).when(Transaction)),
    Entry(&["UnknownTransactionCommitResult"], &[], row(Transient, Maybe).when(Transaction)), // only the commit again
    Entry(&[], &[112], row(Conflict, Rejected).when(Transaction)),      // WriteConflict
    Entry(&[], &[11000], Row::PERMANENT),                               // DuplicateKey
];

pub(super) static TABLE: [u8; packed_len(ROWS)] = pack(ROWS);
