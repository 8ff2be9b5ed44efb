//! What a code means: `class`, `sent` and the condition on which it is retried.
//!
//! One file per domain. A row says what the code means and the clause that says so; nothing else in the code knows it.

mod aws;
mod dns;
mod grpc;
mod http;
mod kafka;
mod mongodb;
mod mysql;
mod os;
mod ours;
mod postgres;
mod redis;
mod sqlite;
mod table;
mod undici;

use crate::failure::{Class, Code, Condition, Domain, Failure, Phase, Sent};

/// What [`Policy::failed`](crate::Policy::failed) makes of a code by the tables alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classification {
    /// What kind of failure it is.
    pub class: Class,
    /// Whether the server may have acted.
    pub sent: Sent,
    /// When it may be retried.
    pub condition: Condition,
    /// Whether a table has a row for it.
    pub is_known: bool,
    /// Whether a policy that names nothing would retry it.
    pub is_retried: bool,
}

/// What a failure's code means, by the tables alone.
pub fn classify(failure: &Failure) -> Classification {
    let Row { class, sent, condition, is_known } =
        find(failure.domain, failure.code, failure.phase, failure.hint.is_some());
    let meets_condition = condition.is_met(failure.hint.is_some(), false);
    let is_harmless = sent != Sent::Maybe || failure.is_idempotent();
    let is_retried = class != Class::Permanent && meets_condition && is_harmless;
    Classification { class, sent, condition, is_known, is_retried }
}

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

    /// Whether the connection, or the answer, was lost: while connecting, nothing of the call has been sent.
    fn is_lost(&self) -> bool {
        self.sent == Sent::Maybe
            && matches!(self.class, Class::Transient | Class::Timeout)
            && self.condition == Condition::Always
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
        // A certificate that is refused today is refused a second later. Source: SEMANTICS 15.3.
        Domain::Tls => row.is_known = true,
        // A RESOURCE_EXHAUSTED that says when to come back (google.rpc.RetryInfo). Source: SEMANTICS 15.2.
        Domain::Grpc if has_hint && row.class == Class::Throttle => row.condition = Condition::Always,
        // Every number of the protocol means something. Source: SEMANTICS 15.10.
        Domain::Kafka => row.is_known |= matches!(code, Code::Number(-1..)),
        Domain::Os | Domain::Dns | Domain::Undici | Domain::Grpc | Domain::Postgres | Domain::Mysql => {}
        Domain::Sqlite | Domain::Redis | Domain::Mongodb | Domain::Aws | Domain::User => {}
    }
    let knows_phase = !matches!(domain, Domain::Http | Domain::Undici);
    if knows_phase && phase == Phase::Connect && row.is_lost() {
        (row.class, row.sent) = (Class::Connect, Sent::NotSent);
    }
    row
}

/// Whether a code is the one that a rule names: equal, or another spelling of its row, as ECONNRESET and 104. The row of
/// a class of codes is named by the class, as 23 of PostgreSQL's.
pub(crate) fn is_same(domain: Domain, named: Code, code: Code) -> bool {
    let place = search_exactly(domain, named);
    named == code || (place != table::NOWHERE && place == search(domain, code))
}

/// What a table says of a code, packed: in its own row, or in that of the class it belongs to.
fn search(domain: Domain, code: Code) -> u32 {
    let found = search_exactly(domain, code);
    if found == table::NOWHERE { search_exactly(domain, class_of(domain, code)) } else { found }
}

fn search_exactly(domain: Domain, code: Code) -> u32 {
    let (table, prefix): (&[u8], &[u8]) = match domain {
        Domain::Http => (&http::TABLE, b""),
        // WinSock's names are the errno names with `WSA` before them.
        Domain::Os => (&os::TABLE, b"WSA"),
        Domain::Dns => (&dns::TABLE, b""),
        Domain::Undici => (&undici::TABLE, b"UND_ERR"),
        Domain::Grpc => (&grpc::TABLE, b""),
        Domain::Postgres => (&postgres::TABLE, b""),
        Domain::Mysql => (&mysql::TABLE, b""),
        Domain::Sqlite => (&sqlite::TABLE, b"SQLITE_"),
        Domain::Redis => (&redis::TABLE, b""),
        Domain::Mongodb => (&mongodb::TABLE, b""),
        Domain::Kafka => (&kafka::TABLE, b""),
        Domain::Aws => (&aws::TABLE, b""),
        Domain::User => (&ours::TABLE, b""),
        Domain::Tls => return table::NOWHERE,
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

/// The code of the class that a code belongs to.
fn class_of(domain: Domain, code: Code) -> Code {
    match (domain, code) {
        // The low byte of an extended result code (sqlite.org/rescode.html).
        (Domain::Sqlite, Code::Number(number @ 256..)) => Code::Number(number & 0xFF),
        (Domain::Sqlite, Code::Name(name)) => Code::Name(before(name.strip_prefix(b"SQLITE_").unwrap_or(name), b'_')),
        // The first two characters of a SQLSTATE (ISO/IEC 9075-2, 24.1).
        (Domain::Postgres, Code::Name(name)) => Code::Name(name.get(..2).unwrap_or_default()),
        // The first word of a reply (Redis' protocol specification, "Simple errors").
        (Domain::Redis, Code::Name(name)) => Code::Name(before(name, b' ')),
        _ => Code::None,
    }
}

fn before(text: &[u8], end: u8) -> &[u8] {
    text.split(|byte| *byte == end).next().unwrap_or(text)
}
