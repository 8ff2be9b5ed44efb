//! Error codes of AWS' services. Source: SEMANTICS 15.11; botocore's `retries/standard.py` and smithy's
//! `service-error-classification`, which agree on the fourteen that throttle.
//!
//! A status (500, 502, 503, 504) counts only where the code says nothing: adapters report it as `http` then.

use super::table::{Entry, pack, packed_len};
use super::{Row, row};
use crate::failure::Class::{Throttle, Timeout, Transient};
use crate::failure::Sent::{Maybe, Rejected};

#[rustfmt::skip]
const ROWS: &[Entry] = &[
    Entry(&["Throttling"], &[], row(Throttle, Rejected)),
    Entry(&["ThrottlingException"], &[], row(Throttle, Rejected)),
    Entry(&["ThrottledException"], &[], row(Throttle, Rejected)),
    Entry(&["RequestThrottledException"], &[], row(Throttle, Rejected)),
    Entry(&["TooManyRequestsException"], &[], row(Throttle, Rejected)),
    Entry(&["ProvisionedThroughputExceededException"], &[], row(Throttle, Rejected)),
    Entry(&["TransactionInProgressException"], &[], row(Throttle, Rejected)),
    Entry(&["RequestLimitExceeded"], &[], row(Throttle, Rejected)),
    Entry(&["BandwidthLimitExceeded"], &[], row(Throttle, Rejected)),
    Entry(&["LimitExceededException"], &[], row(Throttle, Rejected)),
    Entry(&["RequestThrottled"], &[], row(Throttle, Rejected)),
    Entry(&["SlowDown"], &[], row(Throttle, Rejected)),
    Entry(&["PriorRequestNotComplete"], &[], row(Throttle, Rejected)), // botocore's transient list has it too
    Entry(&["EC2ThrottledException"], &[], row(Throttle, Rejected)),
    Entry(&["RequestTimeout"], &[], row(Timeout, Maybe)),
    Entry(&["RequestTimeoutException"], &[], row(Timeout, Maybe)),
    Entry(&["TimeoutError"], &[], row(Timeout, Maybe)),                // JavaScript's SDK
    Entry(&["IDPCommunicationError"], &[], row(Transient, Maybe)),     // STS
    // A wrong clock, perhaps: the SDKs repeat these once they have corrected theirs, and only then.
    Entry(&["AccessDeniedException"], &[], Row::PERMANENT),
    Entry(&["AuthFailure"], &[], Row::PERMANENT),
    Entry(&["InvalidSignatureException"], &[], Row::PERMANENT),
    Entry(&["RequestExpired"], &[], Row::PERMANENT),
    Entry(&["RequestInTheFuture"], &[], Row::PERMANENT),
    Entry(&["RequestTimeTooSkewed"], &[], Row::PERMANENT),
    Entry(&["SignatureDoesNotMatch"], &[], Row::PERMANENT),
];

pub(super) static TABLE: [u8; packed_len(ROWS)] = pack(ROWS);
