//! Kafka's error codes. Source: SEMANTICS 15.10, computed from `Errors.java` and the subclasses of `RetriableException`.
//!
//! Every other number of the protocol is permanent. The names at the end are those of Java's client, for what happens
//! there alone.

use super::row;
use super::table::{Entry, pack, packed_len};
use crate::failure::Class::{Conflict, Connect, Throttle, Timeout, Transient};
use crate::failure::Sent::{Maybe, NotSent, Rejected};

#[rustfmt::skip]
const ROWS: &[Entry] = &[
    Entry(&["CORRUPT_MESSAGE"], &[2], row(Transient, Rejected)),        // kafka-python says no, Java and kafkajs say yes
    Entry(&["UNKNOWN_TOPIC_OR_PARTITION"], &[3], row(Transient, Rejected)),
    Entry(&["LEADER_NOT_AVAILABLE"], &[5], row(Transient, Rejected)),
    Entry(&["NOT_LEADER_OR_FOLLOWER"], &[6], row(Transient, Rejected)),
    Entry(&["REQUEST_TIMED_OUT"], &[7], row(Timeout, Maybe)),
    Entry(&["REPLICA_NOT_AVAILABLE"], &[9], row(Transient, Rejected)),
    Entry(&["NETWORK_EXCEPTION"], &[13], row(Transient, Maybe)),
    Entry(&["COORDINATOR_LOAD_IN_PROGRESS"], &[14], row(Transient, Rejected)),
    Entry(&["COORDINATOR_NOT_AVAILABLE"], &[15], row(Transient, Rejected)),
    Entry(&["NOT_COORDINATOR"], &[16], row(Transient, Rejected)),
    Entry(&["NOT_ENOUGH_REPLICAS"], &[19], row(Transient, Rejected)),
    Entry(&["NOT_ENOUGH_REPLICAS_AFTER_APPEND"], &[20], row(Transient, Maybe)), // it is in the leader's log
    Entry(&["NOT_CONTROLLER"], &[41], row(Transient, Rejected)),
    Entry(&["CONCURRENT_TRANSACTIONS"], &[51], row(Conflict, Rejected)),
    Entry(&["KAFKA_STORAGE_ERROR"], &[56], row(Transient, Maybe)),
    Entry(&["FETCH_SESSION_ID_NOT_FOUND"], &[70], row(Transient, Rejected)),
    Entry(&["INVALID_FETCH_SESSION_EPOCH"], &[71], row(Transient, Rejected)),
    Entry(&["LISTENER_NOT_FOUND"], &[72], row(Transient, Rejected)),
    Entry(&["FENCED_LEADER_EPOCH"], &[74], row(Transient, Rejected)),
    Entry(&["UNKNOWN_LEADER_EPOCH"], &[75], row(Transient, Rejected)),
    Entry(&["OFFSET_NOT_AVAILABLE"], &[78], row(Transient, Rejected)),
    Entry(&["PREFERRED_LEADER_NOT_AVAILABLE"], &[80], row(Transient, Rejected)),
    Entry(&["ELIGIBLE_LEADERS_NOT_AVAILABLE"], &[83], row(Transient, Rejected)),
    Entry(&["ELECTION_NOT_NEEDED"], &[84], row(Transient, Rejected)),
    Entry(&["UNSTABLE_OFFSET_COMMIT"], &[88], row(Transient, Rejected)),
    Entry(&["THROTTLING_QUOTA_EXCEEDED"], &[89], row(Throttle, Rejected)),
    Entry(&["UNKNOWN_TOPIC_ID"], &[100], row(Transient, Rejected)),
    Entry(&["INCONSISTENT_TOPIC_ID"], &[103], row(Transient, Rejected)),
    Entry(&["FETCH_SESSION_TOPIC_ID_ERROR"], &[106], row(Transient, Rejected)),
    Entry(&["SHARE_SESSION_NOT_FOUND"], &[122], row(Transient, Rejected)),
    Entry(&["INVALID_SHARE_SESSION_EPOCH"], &[123], row(Transient, Rejected)),
    Entry(&["DisconnectException"], &[], row(Transient, Maybe)),
    Entry(&["RetriableCommitFailedException"], &[], row(Transient, Maybe)),
    Entry(&["AuthorizerNotReadyException"], &[], row(Transient, Rejected)),
    Entry(&["StaleMetadataException"], &[], row(Transient, NotSent)),
    Entry(&["NoAvailableBrokersException"], &[], row(Connect, NotSent)),
];

pub(super) static TABLE: [u8; packed_len(ROWS)] = pack(ROWS);
