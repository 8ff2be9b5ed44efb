//! TLS: a certificate that is refused today is refused a second later. Source: SEMANTICS 15.3.

use super::Row;

pub(super) fn find() -> Row {
    Row::PERMANENT
}
