//! A failure as the host tells it: neutral facts, no decision.

use crate::words::Parts;

/// Whose codes a failure speaks in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Domain {
    /// HTTP status codes.
    Http = 0,
    /// Socket and file errors: errno names or numbers.
    Os = 1,
    /// Name resolution: `EAI_…` and Node's `ENOTFOUND`.
    Dns = 2,
    /// Certificates and other refusals of TLS.
    Tls = 3,
    /// undici's `UND_ERR_…`.
    Undici = 4,
    /// gRPC status codes, by name or number.
    Grpc = 5,
    /// PostgreSQL's SQLSTATEs: five characters.
    Postgres = 6,
    /// MySQL's and MariaDB's error numbers.
    Mysql = 7,
    /// SQLite's result codes, by name or number, extended ones too.
    Sqlite = 8,
    /// Redis' error replies: the first word, or all of the text.
    Redis = 9,
    /// MongoDB's error numbers and labels.
    Mongodb = 10,
    /// Kafka's error codes, by name or number.
    Kafka = 11,
    /// Error codes of AWS' services.
    Aws = 12,
    /// Anything else: an error's name, or a code of the user's.
    #[default]
    User = 13,
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Expected to pass by itself.
    Transient = 0,
    /// The server asked for less.
    Throttle = 1,
    /// No answer in time.
    Timeout = 2,
    /// No connection was made.
    Connect = 3,
    /// Somebody else was in the way.
    Conflict = 4,
    /// Repeating it cannot help, or nothing is known about it.
    Permanent = 5,
}

/// Whether the server may have acted on the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It never reached the server.
    NotSent = 0,
    /// The server refused it before acting.
    Rejected = 1,
    /// Unknown: repeat it only if that does no harm.
    Maybe = 2,
}

/// When a table's row lets a failure be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Whenever class and `sent` allow it.
    Always = 0,
    /// Only when the server said how long to wait.
    HintOnly = 1,
    /// Only when a rule, or the user's `on`, names it.
    OptIn = 2,
    /// As `OptIn`, and at most one retry a call.
    OptInOnce = 3,
    /// At once the first time in a call, then as usual.
    Immediate = 4,
    /// The server rolled back: the whole transaction has to be repeated, as a user's function does. One statement alone
    /// would not help.
    Transaction = 5,
}

impl Condition {
    /// Whether it holds for a failure with or without a hint, named or not by a rule or the user's `on`.
    pub(crate) fn is_met(self, has_hint: bool, is_named: bool) -> bool {
        match self {
            Condition::Always | Condition::Immediate | Condition::Transaction => true,
            Condition::HintOnly => has_hint,
            Condition::OptIn | Condition::OptInOnce => is_named,
        }
    }
}

/// What the user's `on` said about the error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was given: the tables decide.
    #[default]
    Tables = 0,
    /// A type that `on` names: the unknown becomes transient, what a table calls permanent stays so.
    Named = 1,
    /// `on` does not name it, or the error was marked with `stop`.
    Refused = 2,
    /// A hook said yes, or the error was marked with `again`: retried whatever the tables say.
    Forced = 3,
}

/// How far the attempt had come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Not known, or after the connection was made.
    #[default]
    Unknown = 0,
    /// While connecting: the server cannot have acted.
    Connect = 1,
}

/// The code of a failure within its domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Code<'a> {
    /// The host has none.
    #[default]
    None,
    /// A status or an errno.
    Number(i64),
    /// A name, in UTF-8.
    Name(&'a [u8]),
}

/// Everything the core wants to know about one failed attempt.
#[derive(Clone, Copy, Debug, Default)]
pub struct Failure<'a> {
    /// Whose code it is.
    pub domain: Domain,
    /// The code.
    pub code: Code<'a>,
    /// How far the attempt had come.
    pub phase: Phase,
    /// The HTTP method, when an adapter speaks for the call; without it the user vouches for repeating.
    pub method: Option<&'a [u8]>,
    /// The call carries an idempotency key, the same on every attempt.
    pub idempotency_key: bool,
    /// What the user's `on` said.
    pub verdict: Verdict,
    /// A wait the user's `on` asked for, in microseconds: exact, no jitter, no cap; the deadline holds.
    pub wait: Option<u64>,
    /// The wait the server asked for, in microseconds.
    pub hint: Option<u64>,
    /// The server's own word: `x-should-retry` and its like.
    pub should_retry: Option<bool>,
    /// The first piece of the response's body, for rules with `body_contains`.
    pub body: &'a [u8],
    /// The caller asked to stop.
    pub cancelled: bool,
    /// The error has already exhausted an inner call's retries.
    pub nested: bool,
}

impl Failure<'_> {
    /// Whether repeating does no harm by what the call itself says: an idempotent method, an idempotency key, or, where
    /// no adapter speaks for the call, the user's word.
    ///
    /// Source: RFC 9110 9.2.2; QUERY by draft-ietf-httpbis-safe-method-w-body.
    pub(crate) fn is_idempotent(&self) -> bool {
        self.idempotency_key || self.method.is_none_or(is_idempotent_method)
    }
}

fn is_idempotent_method(method: &[u8]) -> bool {
    Parts::words("GET HEAD OPTIONS TRACE PUT DELETE QUERY").any(|name| method.eq_ignore_ascii_case(name.as_bytes()))
}

macro_rules! names {
    ($type:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every value, in the order of its number.
            pub const ALL: &'static [$type] = &[$($type::$variant),+];
            /// Every name, in the order of its number.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The same in one text, a blank after each.
            pub const WORDS: &'static str = concat!($($name, " "),+);

            /// The name that policies, events and all languages use.
            pub const fn as_str(self) -> &'static str {
                match self { $($type::$variant => $name),+ }
            }

            /// The value with this number.
            #[allow(non_upper_case_globals)]
            pub fn from_number(number: u32) -> Option<$type> {
                $(const $variant: u32 = $type::$variant as u32;)+
                match number {
                    $($variant => Some($type::$variant),)+
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use names;

names!(Domain {
    Http = "http", Os = "os", Dns = "dns", Tls = "tls", Undici = "undici", Grpc = "grpc", Postgres = "postgres",
    Mysql = "mysql", Sqlite = "sqlite", Redis = "redis", Mongodb = "mongodb", Kafka = "kafka", Aws = "aws", User = "user",
});
names!(Class {
    Transient = "transient", Throttle = "throttle", Timeout = "timeout",
    Connect = "connect", Conflict = "conflict", Permanent = "permanent",
});
names!(Sent { NotSent = "not_sent", Rejected = "rejected", Maybe = "maybe" });
names!(Condition {
    Always = "always", HintOnly = "hint_only", OptIn = "opt_in", OptInOnce = "opt_in_once", Immediate = "immediate",
    Transaction = "transaction",
});
names!(Verdict { Tables = "tables", Named = "named", Refused = "refused", Forced = "forced" });
names!(Phase { Unknown = "unknown", Connect = "connect" });
