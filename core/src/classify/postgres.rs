//! PostgreSQL's SQLSTATEs. Source: SEMANTICS 15.5; names of PostgreSQL's `errcodes.txt`, as psycopg and asyncpg carry them.
//!
//! A row of two characters is a class: it speaks for those of its codes that have no row of their own. CockroachDB and
//! YugabyteDB say 40001 for every conflict that is worth repeating.

use super::table::{Entry, pack, packed_len};
use super::{Row, row};
use crate::failure::Class::{Conflict, Connect, Throttle, Timeout, Transient};
use crate::failure::Condition::{OptIn, Transaction};
use crate::failure::Sent::{Maybe, NotSent, Rejected};

#[rustfmt::skip]
const ROWS: &[Entry] = &[
    // The connection was lost, with or without a word: the statement may have been done.
    Entry(&["08000"], &[], row(Transient, Maybe)),                      // connection_exception
    Entry(&["08003"], &[], row(Transient, Maybe)),                      // connection_does_not_exist
    Entry(&["08006"], &[], row(Transient, Maybe)),                      // connection_failure
    Entry(&["08007"], &[], row(Transient, Maybe)),                      // transaction_resolution_unknown: may have committed
    Entry(&["40003"], &[], row(Transient, Maybe)),                      // statement_completion_unknown
    Entry(&["57P01"], &[], row(Transient, Maybe)),                      // admin_shutdown
    Entry(&["57P02"], &[], row(Transient, Maybe)),                      // crash_shutdown
    Entry(&["57P05"], &[], row(Transient, Maybe)),                      // idle_session_timeout
    // No connection was made.
    Entry(&["08001"], &[], row(Connect, NotSent)),                      // sqlclient_unable_to_establish_sqlconnection
    Entry(&["08004"], &[], row(Connect, Rejected)),                     // sqlserver_rejected_establishment_of_sqlconnection
    Entry(&["57P03"], &[], row(Connect, Rejected)),                     // cannot_connect_now: starting or shutting down
    Entry(&["HV00N"], &[], row(Connect, NotSent).when(OptIn)),          // fdw_unable_to_establish_connection
    // The transaction was rolled back for somebody else's sake.
    Entry(&["40000"], &[], row(Conflict, Rejected).when(Transaction)),  // transaction_rollback
    Entry(&["40001"], &[], row(Conflict, Rejected).when(Transaction)),  // serialization_failure
    Entry(&["40P01"], &[], row(Conflict, Rejected).when(Transaction)),  // deadlock_detected
    Entry(&["55P03"], &[], row(Conflict, Rejected).when(Transaction)),  // lock_not_available
    Entry(&["72000"], &[], row(Conflict, Rejected).when(Transaction)),  // snapshot_too_old, up to version 16
    Entry(&["55006"], &[], row(Conflict, Rejected).when(OptIn)),        // object_in_use
    // Too much is going on.
    Entry(&["53000"], &[], row(Throttle, Rejected)),                    // insufficient_resources
    Entry(&["53200"], &[], row(Throttle, Rejected)),                    // out_of_memory
    Entry(&["53300"], &[], row(Throttle, Rejected)),                    // too_many_connections
    Entry(&["53100"], &[], row(Throttle, Rejected).when(OptIn)),        // disk_full
    Entry(&["53400"], &[], row(Throttle, Rejected).when(OptIn)),        // configuration_limit_exceeded
    // Worth repeating for those who know why it happened.
    Entry(&["57014"], &[], row(Timeout, Rejected).when(OptIn)),         // query_canceled: by the user or statement_timeout
    Entry(&["25P03"], &[], row(Timeout, Rejected).when(OptIn)),         // idle_in_transaction_session_timeout
    Entry(&["25006"], &[], row(Transient, Rejected).when(OptIn)),       // read_only_sql_transaction: after failover
    Entry(&["26000"], &[], row(Transient, Rejected).when(OptIn)),       // invalid_sql_statement_name: a pooler lost it
    Entry(&["0A000"], &[], row(Transient, Rejected).when(OptIn)),       // feature_not_supported, or a cached plan is stale
    Entry(&["58000"], &[], row(Transient, Maybe).when(OptIn)),          // system_error
    Entry(&["58030"], &[], row(Transient, Maybe).when(OptIn)),          // io_error
    // Repeating cannot help.
    Entry(&["08P01"], &[], Row::PERMANENT),                             // protocol_violation
    Entry(&["22"], &[], Row::PERMANENT),                                // data_exception
    Entry(&["23"], &[], Row::PERMANENT),                                // integrity_constraint_violation
    Entry(&["25P02"], &[], Row::PERMANENT),                             // in_failed_sql_transaction
    Entry(&["28"], &[], Row::PERMANENT),                                // invalid_authorization_specification
    Entry(&["3D000"], &[], Row::PERMANENT),                             // invalid_catalog_name
    Entry(&["40002"], &[], Row::PERMANENT),                             // transaction_integrity_constraint_violation
    Entry(&["42"], &[], Row::PERMANENT),                                // syntax_error_or_access_rule_violation
    Entry(&["55000"], &[], Row::PERMANENT),                             // object_not_in_prerequisite_state
    Entry(&["55P02"], &[], Row::PERMANENT),                             // cant_change_runtime_param
    Entry(&["55P04"], &[], Row::PERMANENT),                             // unsafe_new_enum_value_usage
    Entry(&["57000"], &[], Row::PERMANENT),                             // operator_intervention
    Entry(&["57P04"], &[], Row::PERMANENT),                             // database_dropped
    Entry(&["P0001"], &[], Row::PERMANENT),                             // raise_exception
    Entry(&["XX000"], &[], Row::PERMANENT),                             // internal_error
    Entry(&["XX001"], &[], Row::PERMANENT),                             // data_corrupted
    Entry(&["XX002"], &[], Row::PERMANENT),                             // index_corrupted
];

pub(super) static TABLE: [u8; packed_len(ROWS)] = pack(ROWS);
