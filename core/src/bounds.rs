//! The whole surface of a policy, once: each option's name, what it takes, its bounds, what it must not stand beside.
//!
//! One reader and one dumper go by these tables; `documented.rs` says the same in words, with defaults.

mod documented;

pub use documented::{ROWS, Row, Takes};

use crate::breaker;
use crate::budget::BudgetMode;
use crate::failure::{Class, Domain, Sent};
use crate::format::Mistake;
use crate::name::Named;
use crate::policy::Nested;
use crate::settings as at;

/// The most entries of a written list of delays; the ceilings of later retries are those of retry 64.
pub const TABLE_LEN: usize = 64;
/// The most rules of a policy.
pub const RULES_LEN: usize = 32;
/// The most bytes of text (names and `body_contains`) in all rules of a policy together.
pub const RULES_TEXT: usize = 2048;
/// The shortest and the longest duration, in microseconds: 1 µs to 87600 h (ten years).
pub const DURATION: (u64, u64) = (1, 87_600 * 3_600_000_000);
/// The fewest and the most attempts.
pub const ATTEMPTS: (u64, u64) = (1, u32::MAX as u64);
/// `factor`, in millionths: above 1, up to 10.
pub const FACTOR: (u64, u64) = (1_000_001, 10_000_000);
/// `proportional`, in millionths: above 0, up to 1.
pub const PROPORTIONAL: (u64, u64) = (1, 1_000_000);
/// The most tokens of a budget, and what a retry may cost.
pub const TOKENS: u64 = 1_000_000;
/// `reward` and `ratio`, in millionths: up to 1000.
pub const PER_CALL: (u64, u64) = (0, 1_000_000_000);
/// `ttl`, in microseconds: 1 s to 60 s. Source: Finagle's `RetryBudget`.
pub const TTL: (u64, u64) = (1_000_000, 60_000_000);
/// The codes a rule may name.
pub const CODE: (i32, i32) = (i32::MIN, i32::MAX);

/// An option, as reader and dumper see it.
pub(crate) struct Field {
    pub name: &'static str,
    /// The words it may be, with a blank after each.
    pub words: &'static str,
    /// What it may be instead.
    pub kind: Kind,
    pub is_nullable: bool,
    /// Where its value stands in the settings of the map that holds it, and how many places that takes.
    pub start: u8,
    pub len: u8,
    /// Several options share its places: which of them was written, by its number in the map, stands in the second.
    pub is_numbered: bool,
}

/// What an option takes beside its words.
pub(crate) enum Kind {
    Words,
    Bool,
    Number(&'static Bounds),
    /// A number or a range of numbers.
    Status,
    /// A number, a range of numbers, or a name.
    Code,
    Text,
    /// The name of the map that it stands in, which is shared by it.
    Name(Named),
    /// Where its first option is a name, that name alone as well.
    Map(&'static Map),
    Delays,
    Rules,
    /// A list of maps that are read again, one by one, when they are needed.
    #[cfg(feature = "lab")]
    Maps(&'static Field),
    /// A code as an error has it: a number or a name. It stays on the tape, as does the text of the next two.
    #[cfg(feature = "lab")]
    OwnCode,
    #[cfg(feature = "lab")]
    OwnText,
    /// 64 bits in digits; whether it is written is all that is kept.
    #[cfg(feature = "lab")]
    Word,
    /// A setting of another library's, described: `convert` reads it.
    #[cfg(feature = "lab")]
    Foreign(&'static str, &'static Bounds),
}

/// A number within bounds.
pub(crate) struct Bounds {
    pub unit: Unit,
    pub least: u64,
    pub most: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// The version of the policy format.
    Version,
    Count,
    /// Text with a unit; as a bare number only where the notation says what that means.
    Micros,
    /// At most six decimal places.
    Millionths,
}

/// A map of options.
pub(crate) struct Map {
    pub fields: &'static [Field],
    /// Of these, one may be written.
    pub rivals: u32,
    /// What a name is that none of them has.
    pub unknown: Mistake,
    pub checks: &'static [Check],
}

impl Map {
    /// What it is, if a name may stand for it.
    pub fn named(&self) -> Option<Named> {
        match self.fields.first()?.kind {
            Kind::Name(what) => Some(what),
            _ => None,
        }
    }
}

/// A mistake that written options make together.
pub(crate) struct Check {
    /// Not made if one of these could not be read.
    pub about: u32,
    /// Whether one of `written` is.
    pub is_written: bool,
    pub written: u32,
    /// And each of these settings has one of these values: bit n for value n, 6 for larger ones, `NONE` for absent and
    /// null.
    pub when: [(u8, u8); 3],
    pub mistake: Mistake,
    /// The option it is told of, by number; the map itself beyond the last.
    pub told_of: u8,
}

/// The options of a policy by their place in [`POLICY`].
#[derive(Clone, Copy)]
#[allow(dead_code)]
pub(crate) enum Opt {
    Undaunted,
    Preset,
    Attempts,
    Timeout,
    Forever,
    OnTimeout,
    AttemptTimeout,
    Backoff,
    Initial,
    Factor,
    MaxDelay,
    First,
    Jitter,
    Hint,
    Classes,
    Rules,
    Budget,
    Breaker,
    Idempotent,
    Nested,
}

/// A set of options.
pub(crate) const fn options(mut options: &[Opt]) -> u32 {
    let mut bits = 0;
    while let Some((option, rest)) = options.split_first() {
        bits |= 1 << *option as u32;
        options = rest;
    }
    bits
}

pub(crate) const fn field(name: &'static str, start: usize, kind: Kind) -> Field {
    Field { name, words: "", kind, is_nullable: false, start: start as u8, len: 1, is_numbered: false }
}

/// The code of a domain, which is also its place among the options of a rule.
pub(crate) const fn code(domain: Domain, kind: Kind) -> Field {
    Field { is_numbered: true, ..field(domain.as_str(), at::RULE_CODE, kind).len(2) }
}

impl Field {
    /// Where it stands, in the settings of its map.
    pub fn places(&self) -> core::ops::Range<usize> {
        let start = usize::from(self.start);
        start..start + usize::from(self.len)
    }

    /// Of what it takes the name, and whose that is then: the policy's own, or made elsewhere.
    pub fn names(&self) -> Option<(Named, u64)> {
        match &self.kind {
            Kind::Name(what) => Some((*what, at::OWN)),
            Kind::Map(map) => Some((map.named()?, at::ELSEWHERE)),
            _ => None,
        }
    }

    pub const fn words(self, words: &'static str) -> Field {
        Field { words, ..self }
    }

    pub const fn or_null(self) -> Field {
        Field { is_nullable: true, ..self }
    }

    pub const fn len(self, len: usize) -> Field {
        Field { len: len as u8, ..self }
    }
}

const fn span(name: &'static str, start: usize) -> Field {
    field(name, start, Kind::Number(&SPAN))
}

/// The options in the order in which a policy prints itself.
#[allow(clippy::indexing_slicing)]
pub const OPTIONS: [&str; FIELDS.len()] = {
    let mut names = [""; FIELDS.len()];
    let mut number = 0;
    while number < FIELDS.len() {
        names[number] = FIELDS[number].name;
        number += 1;
    }
    names
};

/// A policy as it is written.
pub(crate) static POLICY: Map = Map {
    fields: &FIELDS,
    rivals: 0,
    unknown: Mistake::UnknownOption,
    checks: &[
        Check {
            when: [(at::BACKOFF as u8, A_LIST), ANY, ANY],
            ..meaningless(&[Opt::Backoff, Opt::Initial], Mistake::DelayWithList, Opt::Initial)
        },
        Check {
            when: [(at::BACKOFF as u8, NOT_EXPONENTIAL), ANY, ANY],
            ..meaningless(&[Opt::Backoff, Opt::Jitter, Opt::Factor], Mistake::FactorWithoutGrowth, Opt::Factor)
        },
        Check {
            when: [(at::BACKOFF as u8, !NOT_EXPONENTIAL), (at::JITTER as u8, DECORRELATED), ANY],
            ..meaningless(&[Opt::Backoff, Opt::Jitter, Opt::Factor], Mistake::FactorWithDecorrelated, Opt::Factor)
        },
        Check {
            when: [(at::BACKOFF as u8, A_LIST), ANY, ANY],
            ..meaningless(&[Opt::Backoff, Opt::First], Mistake::DelayWithList, Opt::First)
        },
        Check {
            is_written: false,
            written: 0,
            when: [(at::BACKOFF as u8, NOT_EXPONENTIAL), (at::JITTER as u8, DECORRELATED), ANY],
            ..meaningless(&[Opt::Backoff, Opt::Jitter], Mistake::DecorrelatedWithBackoff, Opt::Jitter)
        },
    ],
};

const FIELDS: [Field; 20] = [
    field("undaunted", at::UNDAUNTED, Kind::Number(&Bounds { unit: Unit::Version, least: 1, most: 1 })),
    field("preset", at::PRESET, Kind::Words).words(PRESETS),
    field("attempts", at::ATTEMPTS, Kind::Number(&COUNT)).or_null(),
    span("timeout", at::TIMEOUT).or_null(),
    field("forever", at::FOREVER, Kind::Bool),
    field("on_timeout", at::ON_TIMEOUT, Kind::Map(&ON_TIMEOUT)).words("give_up ").len(3),
    span("attempt_timeout", at::ATTEMPT_TIMEOUT).or_null(),
    field("backoff", at::BACKOFF, Kind::Delays).words("exponential linear constant "),
    span("initial", at::INITIAL),
    field("factor", at::FACTOR, Kind::Number(&Bounds { unit: Unit::Millionths, least: FACTOR.0, most: FACTOR.1 })),
    span("max_delay", at::MAX_DELAY),
    field("first", at::FIRST, Kind::Words).words("delayed immediate "),
    field("jitter", at::JITTER, Kind::Map(&JITTER)).words("none full equal decorrelated ").len(3),
    field("hint", at::HINT, Kind::Map(&HINT)).words("floor exact ignore ").len(4),
    field("classes", at::IN_CLASSES, Kind::Map(&CLASSES)).len(at::RULES - at::IN_CLASSES),
    field("rules", at::RULES, Kind::Rules),
    field("budget", at::BUDGET, Kind::Map(&BUDGET)).or_null().len(at::BREAKER - at::BUDGET),
    field("breaker", at::BREAKER, Kind::Map(&breaker::MAP)).or_null().len(at::IN_BREAKER),
    field("idempotent", at::IDEMPOTENT, Kind::Bool).words("auto "),
    field("nested", at::NESTED, Kind::Words).words(Nested::WORDS),
];

/// What limits say together, before the checks of [`POLICY`].
pub(crate) static LIMITS: [Check; 4] = [
    Check {
        when: [(at::FOREVER as u8, FOREVER), ANY, ANY],
        ..meaningless(&[Opt::Forever, Opt::Attempts], Mistake::ForeverWithLimit, Opt::Attempts)
    },
    Check {
        when: [(at::FOREVER as u8, FOREVER), ANY, ANY],
        ..meaningless(&[Opt::Forever, Opt::Timeout], Mistake::ForeverWithLimit, Opt::Timeout)
    },
    Check {
        is_written: false,
        written: 0,
        when: [(at::ATTEMPTS as u8, NONE), (at::TIMEOUT as u8, NONE), (at::FOREVER as u8, !FOREVER)],
        ..meaningless(&[Opt::Forever, Opt::Attempts, Opt::Timeout], Mistake::Unlimited, Opt::Attempts)
    },
    Check {
        when: [(at::TIMEOUT as u8, NONE), (at::MIN_ATTEMPT as u8, !NONE), ANY],
        ..meaningless(&[Opt::OnTimeout, Opt::Forever, Opt::Timeout], Mistake::ClipWithoutTimeout, Opt::OnTimeout)
    },
];

/// The presets, in the order of `presets.rs`.
pub(crate) const PRESETS: &str = "standard interactive aws grpc stamina urllib3 google none ";

static ON_TIMEOUT: Map = Map {
    fields: &[field("clip", 1, Kind::Map(&CLIP)).len(2)],
    rivals: 0,
    unknown: Mistake::UnknownOption,
    checks: &[missing(1, Mistake::NoClip, 0)],
};

static CLIP: Map = Map {
    fields: &[span("min_attempt", 1)],
    rivals: 0,
    unknown: Mistake::UnknownOption,
    checks: &[missing(1, Mistake::NoClip, 0)],
};

static JITTER: Map = Map {
    fields: &[
        field("proportional", 1, Kind::Number(&Bounds { unit: Unit::Millionths, least: 0, most: PROPORTIONAL.1 })),
        field("additive", 2, Kind::Number(&SPAN_OR_ZERO)),
    ],
    rivals: 3,
    unknown: Mistake::UnknownOption,
    checks: &[missing(3, Mistake::EmptyJitter, WHOLE)],
};

static HINT: Map = Map {
    fields: &[
        field("mode", 0, Kind::Words).words("floor exact ignore window "),
        span("max", 1),
        span("window", 2),
        field("resets", 3, Kind::Bool),
    ],
    rivals: 0,
    unknown: Mistake::UnknownOption,
    checks: &[
        Check { when: [(0, WINDOW), ANY, ANY], ..missing(1 << 2, Mistake::NoWindow, 2) },
        Check {
            is_written: true,
            when: [(0, WINDOW | IGNORE), ANY, ANY],
            ..missing(1 << 1, Mistake::MaxWithoutLimit, 1)
        },
        Check { is_written: true, when: [(0, !WINDOW), ANY, ANY], ..missing(1 << 2, Mistake::WindowWithoutMode, 2) },
        Check { is_written: true, when: [(0, IGNORE), ANY, ANY], ..missing(1 << 3, Mistake::ResetsWithoutHint, 3) },
    ],
};

static CLASSES: Map = Map {
    fields: &[
        class(Class::Transient),
        class(Class::Throttle),
        class(Class::Timeout),
        class(Class::Connect),
        class(Class::Conflict),
    ],
    rivals: 0,
    unknown: Mistake::UnknownClass,
    checks: &[],
};

const fn class(class: Class) -> Field {
    field(class.as_str(), 1 + class as usize * at::IN_CLASS, Kind::Map(&CLASS)).len(at::IN_CLASS)
}

static CLASS: Map = Map {
    fields: &[
        field("attempts", at::CLASS_ATTEMPTS, Kind::Number(&COUNT)),
        span("initial", at::CLASS_INITIAL),
        field("cost", at::CLASS_COST, Kind::Number(&COST)),
    ],
    rivals: 0,
    unknown: Mistake::UnknownOption,
    checks: &[],
};

static BUDGET: Map = Map {
    fields: &[
        field("name", 0, Kind::Name(Named::Budget)),
        field("mode", 1, Kind::Words).words(BudgetMode::WORDS),
        field("capacity", 2, Kind::Number(&Bounds { unit: Unit::Count, least: 1, most: TOKENS })),
        field("cost", 3, Kind::Number(&COST)),
        field("reward", 4, Kind::Number(&SHARE)),
        field("refund", 5, Kind::Bool),
        field("ratio", 6, Kind::Number(&SHARE)),
        field("min_per_second", 7, Kind::Number(&COST)),
        field("ttl", 8, Kind::Number(&Bounds { unit: Unit::Micros, least: TTL.0, most: TTL.1 })),
    ],
    rivals: 0,
    unknown: Mistake::UnknownOption,
    checks: &[
        missing(1, Mistake::NoName, 0),
        without_effect(2, IN_A_WINDOW),
        without_effect(3, IN_A_WINDOW),
        without_effect(4, IN_A_WINDOW),
        without_effect(5, !IN_A_BUCKET),
        without_effect(6, !IN_A_WINDOW),
        without_effect(7, !IN_A_WINDOW),
        without_effect(8, !IN_A_WINDOW),
    ],
};

/// An option of a budget in a mode that has no use for it.
const fn without_effect(option: u8, modes: u8) -> Check {
    let check = missing(1 << option, Mistake::WithoutEffect, option);
    Check { is_written: true, when: [(1, modes), ANY, ANY], ..check }
}

/// An element of a list of delays.
pub(crate) static DELAY: Field = field("", 0, Kind::Number(&SPAN_OR_ZERO));

/// An element of `rules`.
pub(crate) static RULE: Field = field("", 0, Kind::Map(&IN_RULE));

/// The domains come first, by number.
static IN_RULE: Map = Map {
    fields: &[
        code(Domain::Http, Kind::Status),
        code(Domain::Os, Kind::Code),
        code(Domain::Dns, Kind::Code),
        code(Domain::Tls, Kind::Code),
        code(Domain::Undici, Kind::Code),
        code(Domain::Grpc, Kind::Code),
        code(Domain::Postgres, Kind::Text),
        code(Domain::Mysql, Kind::Code),
        code(Domain::Sqlite, Kind::Code),
        code(Domain::Redis, Kind::Text),
        code(Domain::Mongodb, Kind::Code),
        code(Domain::Kafka, Kind::Code),
        code(Domain::Aws, Kind::Text),
        code(Domain::User, Kind::Code),
        field("body_contains", at::RULE_BODY, Kind::Text),
        field("class", at::RULE_CLASS, Kind::Words).words(Class::WORDS),
        field("sent", at::RULE_SENT, Kind::Words).words(Sent::WORDS),
    ],
    rivals: (1 << DOMAINS) - 1,
    unknown: Mistake::UnknownOption,
    checks: &[
        missing((1 << (DOMAINS + 1)) - 1, Mistake::NoMatch, WHOLE),
        missing(0b11 << (DOMAINS + 1), Mistake::NoEffect, WHOLE),
    ],
};

static COUNT: Bounds = Bounds { unit: Unit::Count, least: ATTEMPTS.0, most: ATTEMPTS.1 };
static SPAN: Bounds = Bounds { unit: Unit::Micros, least: DURATION.0, most: DURATION.1 };
static COST: Bounds = Bounds { unit: Unit::Count, least: 0, most: TOKENS };
static SHARE: Bounds = Bounds { unit: Unit::Millionths, least: PER_CALL.0, most: PER_CALL.1 };
static SPAN_OR_ZERO: Bounds = Bounds { unit: Unit::Micros, least: 0, most: DURATION.1 };

/// One of these must be written.
const fn missing(written: u32, mistake: Mistake, told_of: u8) -> Check {
    Check { about: 0, is_written: false, written, when: [ANY, ANY, ANY], mistake, told_of }
}

/// A written option that others make meaningless.
const fn meaningless(about: &[Opt], mistake: Mistake, option: Opt) -> Check {
    Check {
        about: options(about),
        is_written: true,
        written: options(&[option]),
        when: [ANY, ANY, ANY],
        mistake,
        told_of: option as u8,
    }
}

const DOMAINS: usize = Domain::ALL.len();
const WHOLE: u8 = u8::MAX;
const ANY: (u8, u8) = (0, u8::MAX);
const NONE: u8 = 1 << 7;
const FOREVER: u8 = 1 << at::TRUE;
const A_LIST: u8 = 1 << at::LIST;
const NOT_EXPONENTIAL: u8 = 0b1110;
const DECORRELATED: u8 = 1 << 3;
const IGNORE: u8 = 1 << 2;
const WINDOW: u8 = 1 << 3;
/// Modes of a budget; a bucket also where none is written.
const IN_A_BUCKET: u8 = 1 | NONE;
const IN_A_WINDOW: u8 = 1 << 2;
