//! What a code means: `class`, `sent` and the condition on which it is retried.
//!
//! One file per domain. A row says what the code means and the clause that says so; nothing else in the code knows it.

mod dns;
mod http;
mod os;
mod table;
mod tls;
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
    const UNKNOWN: Row = Row { is_known: false, ..Row::PERMANENT };
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
    match domain {
        Domain::Http => http::find(code, has_hint),
        Domain::Os => os::find(code, phase),
        Domain::Dns => dns::find(code),
        Domain::Tls => tls::find(),
        Domain::Undici => undici::find(code),
        Domain::User => Row::UNKNOWN,
    }
}

/// The place of a code in its table: two spellings of one code have the same. None where a table has it not, or has
/// only one spelling for each code.
pub(crate) fn identity(domain: Domain, code: Code) -> Option<usize> {
    match domain {
        Domain::Os => os::NAMES.position(os::strip(code)),
        Domain::Dns => dns::NAMES.position(code),
        Domain::Http | Domain::Tls | Domain::Undici | Domain::User => None,
    }
}
