//! MySQL's and MariaDB's error numbers. Source: SEMANTICS 15.6; names of PyMySQL's `constants/ER.py` and `CR.py`, of
//! mysql-connector's `errorcode`, mysql2's `constants/errors.js` and mariadb's `error-code.js`.

use super::table::{Entry, pack, packed_len};
use super::{Row, row};
use crate::failure::Class::{Conflict, Connect, Throttle, Transient};
use crate::failure::Condition::{OptIn, Transaction};
use crate::failure::Sent::{Maybe, NotSent, Rejected};

#[rustfmt::skip]
const ROWS: &[Entry] = &[
    // The transaction was rolled back for somebody else's sake.
    Entry(&[], &[1213], row(Conflict, Rejected).when(Transaction)),    // LOCK_DEADLOCK
    Entry(&[], &[1205], row(Conflict, Rejected).when(Transaction)),    // LOCK_WAIT_TIMEOUT: only the statement was
    Entry(&[], &[3572], row(Conflict, Rejected).when(Transaction)),    // LOCK_NOWAIT
    Entry(&[], &[1020], row(Conflict, Rejected).when(Transaction)),    // CHECKREAD: MariaDB's snapshot isolation
    Entry(&[], &[3101], row(Conflict, Rejected).when(Transaction)),    // TRANSACTION_ROLLBACK_DURING_COMMIT: group replication
    Entry(&[], &[1689], row(Conflict, Rejected).when(Transaction)),    // LOCK_ABORTED
    Entry(&[], &[1412], row(Conflict, Rejected).when(Transaction)),    // TABLE_DEF_CHANGED
    Entry(&[], &[1297], row(Conflict, Rejected).when(OptIn)),          // GET_TEMPORARY_ERRMSG: NDB
    Entry(&[], &[1180], row(Conflict, Maybe).when(OptIn)),             // ERROR_DURING_COMMIT
    // Too much is going on.
    Entry(&[], &[1040], row(Throttle, Rejected)),                      // CON_COUNT_ERROR
    Entry(&[], &[1203], row(Throttle, Rejected)),                      // TOO_MANY_USER_CONNECTIONS
    Entry(&[], &[1041], row(Throttle, Rejected)),                      // OUT_OF_RESOURCES
    Entry(&[], &[1037], row(Throttle, Rejected)),                      // OUTOFMEMORY
    Entry(&[], &[1206], row(Throttle, Rejected)),                      // LOCK_TABLE_FULL
    Entry(&[], &[1226], row(Throttle, Rejected).when(OptIn)),          // USER_LIMIT_REACHED: mostly per hour
    Entry(&[], &[1038], row(Throttle, Rejected).when(OptIn)),          // OUT_OF_SORTMEMORY
    // No connection was made.
    Entry(&[], &[2002], row(Connect, NotSent)),                        // CR_CONNECTION_ERROR
    Entry(&[], &[2003], row(Connect, NotSent)),                        // CR_CONN_HOST_ERROR
    Entry(&[], &[2004], row(Connect, NotSent)),                        // CR_IPSOCK_ERROR
    Entry(&[], &[2012], row(Connect, NotSent)),                        // CR_SERVER_HANDSHAKE_ERR
    Entry(&[], &[1043], row(Connect, NotSent)),                        // HANDSHAKE_ERROR
    Entry(&[], &[2005], row(Connect, NotSent).when(OptIn)),            // CR_UNKNOWN_HOST
    Entry(&[], &[1042], row(Connect, NotSent).when(OptIn)),            // BAD_HOST_ERROR
    Entry(&[], &[2026], row(Connect, NotSent).when(OptIn)),            // CR_SSL_CONNECTION_ERROR
    // The connection was lost: the statement may have been done.
    Entry(&[], &[2006], row(Transient, Maybe)),                        // CR_SERVER_GONE_ERROR
    Entry(&[], &[2013], row(Transient, Maybe)),                        // CR_SERVER_LOST
    Entry(&[], &[2055], row(Transient, Maybe)),                        // CR_SERVER_LOST_EXTENDED
    Entry(&[], &[1053], row(Transient, Maybe)),                        // SERVER_SHUTDOWN
    Entry(&[], &[1079], row(Transient, Maybe)),                        // SHUTDOWN_COMPLETE
    Entry(&[], &[1080], row(Transient, Maybe)),                        // FORCING_CLOSE
    Entry(&[], &[1152], row(Transient, Maybe)),                        // ABORTING_CONNECTION
    Entry(&[], &[1158], row(Transient, Maybe)),                        // NET_READ_ERROR
    Entry(&[], &[1159], row(Transient, Maybe)),                        // NET_READ_INTERRUPTED
    Entry(&[], &[1160], row(Transient, Maybe)),                        // NET_ERROR_ON_WRITE
    Entry(&[], &[1161], row(Transient, Maybe)),                        // NET_WRITE_INTERRUPTED
    Entry(&[], &[1184], row(Transient, Maybe)),                        // NEW_ABORTING_CONNECTION
    Entry(&[], &[1189], row(Transient, Maybe)),                        // MASTER_NET_READ
    Entry(&[], &[1190], row(Transient, Maybe)),                        // MASTER_NET_WRITE
    Entry(&[], &[1927], row(Transient, Maybe)),                        // CONNECTION_KILLED: MariaDB only
    Entry(&[], &[4031], row(Transient, Maybe)),                        // CLIENT_INTERACTION_TIMEOUT; MariaDB means a trigger that is missing
    // A server that only reads, after failover: another host is needed.
    Entry(&[], &[1290], row(Transient, Rejected).when(OptIn)),         // OPTION_PREVENTS_STATEMENT: --read-only
    Entry(&[], &[1836], row(Transient, Rejected).when(OptIn)),         // READ_ONLY_MODE
    Entry(&[], &[1792], row(Transient, Rejected).when(OptIn)),         // CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
    Entry(&[], &[1105], row(Transient, Maybe).when(OptIn)),            // UNKNOWN_ERROR
    // Repeating cannot help.
    Entry(&[], &[1045], Row::PERMANENT),                               // ACCESS_DENIED_ERROR
    Entry(&[], &[1049], Row::PERMANENT),                               // BAD_DB_ERROR
    Entry(&[], &[1062], Row::PERMANENT),                               // DUP_ENTRY
    Entry(&[], &[1064], Row::PERMANENT),                               // PARSE_ERROR
    Entry(&[], &[1129], Row::PERMANENT),                               // HOST_IS_BLOCKED
    Entry(&[], &[1146], Row::PERMANENT),                               // NO_SUCH_TABLE
    Entry(&[], &[1216], Row::PERMANENT),                               // NO_REFERENCED_ROW
    Entry(&[], &[1217], Row::PERMANENT),                               // ROW_IS_REFERENCED
    Entry(&[], &[1317], Row::PERMANENT),                               // QUERY_INTERRUPTED
    Entry(&[], &[1451], Row::PERMANENT),                               // ROW_IS_REFERENCED_2
    Entry(&[], &[1452], Row::PERMANENT),                               // NO_REFERENCED_ROW_2
    Entry(&[], &[3024], Row::PERMANENT),                               // QUERY_TIMEOUT
];

pub(super) static TABLE: [u8; packed_len(ROWS)] = pack(ROWS);
