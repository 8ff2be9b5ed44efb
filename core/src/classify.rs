//! What a code means: `class`, `sent` and the condition on which it is retried.
//!
//! One file per domain. A row says what the code means and the clause that says so; nothing else in the code knows it.

mod dns;
mod http;
mod os;
mod table;
mod undici;

use crate::failure::{Class, Code, Condition, Domain, Phase, Sent};

/// What a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub class: Class,
    pub sent: Sent,
    pub condition: Condition,
    /// False for a code that no table has.
    pub is_known: bool,
}

impl Row {
    const PERMANENT: Row = row(Class::Permanent, Sent::Maybe);

    const fn when(self, condition: Condition) -> Row {
        Row { condition, ..self }
    }
}

const fn row(class: Class, sent: Sent) -> Row {
    Row { class, sent, condition: Condition::Always, is_known: true }
}

/// The row of a code.
pub(crate) fn find(domain: Domain, code: Code, phase: Phase, has_hint: bool) -> Row {
    let mut row = table::unpack(search(domain, code));
    match domain {
        // A 503 that says when to come back was refused before anything was done (RFC 9110 15.6.4).
        Domain::Http if has_hint && code == Code::Number(503) => {
            (row.class, row.sent) = (Class::Throttle, Sent::Rejected)
        }
        Domain::Http => row.is_known |= matches!(code, Code::Number(400..600)),
        // While connecting, nothing of the call has been sent.
        Domain::Os if phase == Phase::Connect && os::is_lost(row) => {
            (row.class, row.sent) = (Class::Connect, Sent::NotSent)
        }
        // A certificate that is refused today is refused a second later. Source: SEMANTICS 15.3.
        Domain::Tls => row.is_known = true,
        Domain::Os | Domain::Dns | Domain::Undici | Domain::User => {}
    }
    row
}

/// Whether two codes are one: equal, or two spellings of one row, as ECONNRESET and 104.
pub(crate) fn is_same(domain: Domain, one: Code, other: Code) -> bool {
    let place = search(domain, one);
    one == other || (domain != Domain::Undici && place != table::NOWHERE && place == search(domain, other))
}

/// What a table says of a code, packed.
fn search(domain: Domain, code: Code) -> u32 {
    let (table, prefix): (&[u8], &[u8]) = match domain {
        Domain::Http => (&http::TABLE, b""),
        // WinSock's names are the errno names with `WSA` before them.
        Domain::Os => (&os::TABLE, b"WSA"),
        Domain::Dns => (&dns::TABLE, b""),
        Domain::Undici => (&undici::TABLE, b"UND_ERR"),
        Domain::Tls | Domain::User => return table::NOWHERE,
    };
    let without = match code {
        Code::Name(name) => name.strip_prefix(prefix),
        Code::Number(_) | Code::None => None,
    };
    match without {
        Some(name) => table::search(table, Code::Name(name)),
        None if domain == Domain::Undici => table::NOWHERE,
        None => table::search(table, code),
    }
}
