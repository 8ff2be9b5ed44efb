//! Every option of a policy, once: name, type, bounds, default, what makes it meaningless, and where it comes from.
//!
//! The reader takes its limits from here; the JSON Schema, the type stubs of both languages and the option tables of the
//! documentation are generated from [`ROWS`] or compared with it.

use crate::backoff::Backoff;
use crate::failure::{Class, Sent};
use crate::hint_rule::HintMode;
use crate::jitter::Jitter;
use crate::policy::Nested;

/// The most entries of a table of ceilings, and of a written list of delays.
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
/// The codes a rule may name.
pub const CODE: (i32, i32) = (i32::MIN, i32::MAX);

/// The options at the top of a policy, in the order in which a policy prints itself.
pub const OPTIONS: [&str; 18] = [
    "undaunted",
    "preset",
    "attempts",
    "timeout",
    "forever",
    "on_timeout",
    "attempt_timeout",
    "backoff",
    "initial",
    "factor",
    "max_delay",
    "first",
    "jitter",
    "hint",
    "classes",
    "rules",
    "idempotent",
    "nested",
];

/// What people write who know another library, and what it is called here.
pub const PEERS: [(&[&str], &str); 5] = [
    (
        &["retries", "max_retries", "maxRetries", "max_attempts", "maxAttempts", "tries", "max_tries"],
        "use `attempts`, which counts every call: `attempts` is retries + 1",
    ),
    (
        &["deadline", "max_time", "maxRetryTime", "total_timeout", "max_elapsed"],
        "use `timeout`, the limit of the whole call",
    ),
    (&["delay", "base", "wait", "wait_initial", "minTimeout", "min_timeout"], "use `initial`, the first delay"),
    (&["cap", "wait_max", "maxTimeout", "max_timeout", "max_wait"], "use `max_delay`, the longest delay"),
    (&["randomize", "wait_jitter"], "use `jitter`"),
];

/// What an option takes, in JSON's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A whole number between the two.
    Count(u64, u64),
    /// Text with a unit, between the two, in microseconds.
    Duration(u64, u64),
    /// A number with at most six decimal places, between the two, in millionths.
    Decimal(u64, u64),
    /// `true` or `false`.
    Bool,
    /// One of a closed list of words.
    Word(&'static [&'static str]),
    /// Any text, up to so many bytes.
    Text(u64),
    /// A number, a range as `500-599`, or a name.
    Code,
    /// A list of what the row with this path says, up to so many.
    List(&'static str, u64),
    /// A map whose rows start with this row's path.
    Map,
}

/// One option.
pub struct Row {
    /// Where it stands: `classes.*.attempts`. An option that takes several forms has a row for each.
    pub path: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// Whether it may be null, and what null means.
    pub null: Option<&'static str>,
    /// The default of `standard`, as JSON; empty for none.
    pub default: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Written together with which it is refused.
    pub meaningless_with: &'static str,
}

impl Row {
    /// The name in JavaScript: `maxDelay` for `max_delay`.
    pub fn js_name(&self, out: &mut dyn FnMut(char)) {
        let mut raise = false;
        for letter in self.name().chars() {
            match letter {
                '_' => raise = true,
                _ if raise => {
                    out(letter.to_ascii_uppercase());
                    raise = false;
                }
                _ => out(letter),
            }
        }
    }

    /// The last part of the path.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }
}

const fn row(path: &'static str, takes: Takes, default: &'static str, meaning: &'static str) -> Row {
    Row { path, takes, null: None, default, meaning, meaningless_with: "" }
}

const fn span(path: &'static str, default: &'static str, meaning: &'static str) -> Row {
    row(path, Takes::Duration(DURATION.0, DURATION.1), default, meaning)
}

const fn code(path: &'static str, meaning: &'static str) -> Row {
    row(path, Takes::Code, "", meaning)
}

/// Every option. The reader's own lists are the same constants.
pub const ROWS: &[Row] = &[
    row("undaunted", Takes::Count(1, 1), "1", "Version of the policy format."),
    row(
        "preset",
        Takes::Word(&crate::presets::NAMES),
        "\"standard\"",
        "The policy that everything not written is taken from.",
    ),
    Row {
        null: Some("unlimited; then `timeout` is required"),
        ..row(
            "attempts",
            Takes::Count(ATTEMPTS.0, ATTEMPTS.1),
            "10",
            "Total calls, the first included; 1 never retries.",
        )
    },
    Row {
        null: Some("no limit"),
        ..span("timeout", "\"45s\"", "Limit of the whole call, waits included. No wait ends past it.")
    },
    Row {
        meaningless_with: "attempts, timeout",
        ..row("forever", Takes::Bool, "false", "No limit at all: `attempts` and `timeout` are both null.")
    },
    Row {
        meaningless_with: "timeout: null",
        ..row(
            "on_timeout",
            Takes::Word(&["give_up"]),
            "\"give_up\"",
            "What to do when the next wait does not fit: give up at once, or clip the wait.",
        )
    },
    row(
        "on_timeout.clip",
        Takes::Map,
        "",
        "Draw a shorter wait that leaves at least `min_attempt` for one last attempt.",
    ),
    span("on_timeout.clip.min_attempt", "", "What the last attempt must have left. Below `timeout`."),
    Row {
        null: Some("an attempt is never interrupted"),
        ..span("attempt_timeout", "null", "Limit of one attempt, the first included.")
    },
    row("backoff", Takes::Word(&Backoff::NAMES), "\"exponential\"", "How delays grow, before jitter."),
    Row {
        meaningless_with: "preset's backoff",
        ..row("backoff", Takes::List("backoff[]", TABLE_LEN as u64), "", "The delays themselves; the last repeats.")
    },
    row("backoff[]", Takes::Duration(0, DURATION.1), "", "The delay of one retry, before jitter."),
    Row { meaningless_with: "a list as backoff", ..span("initial", "\"1s\"", "The first delay, before jitter.") },
    Row {
        meaningless_with: "backoff linear, constant or a list; jitter decorrelated",
        ..row("factor", Takes::Decimal(FACTOR.0, FACTOR.1), "2", "Growth per retry, at most six decimal places.")
    },
    span(
        "max_delay",
        "\"10s\"",
        "The longest delay; jitter never crosses it. With constant delays and lists by default the largest delay plus the jitter's room.",
    ),
    Row {
        meaningless_with: "a list as backoff",
        ..row(
            "first",
            Takes::Word(&["delayed", "immediate"]),
            "\"delayed\"",
            "Whether the first retry waits; `immediate` moves the delays back by one.",
        )
    },
    row("jitter", Takes::Word(&Jitter::NAMES), "\"full\"", "How a delay is drawn from its ceiling."),
    row("jitter", Takes::Map, "", "A jitter with a number of its own: one of the two."),
    row(
        "jitter.proportional",
        Takes::Decimal(PROPORTIONAL.0, PROPORTIONAL.1),
        "",
        "The ceiling plus or minus this share of it, at most six decimal places.",
    ),
    span("jitter.additive", "", "The ceiling plus up to this much. Below `max_delay`."),
    row("hint", Takes::Word(&HintMode::NAMES), "", "Short for a map with this `mode` alone."),
    row("hint", Takes::Map, "", "What to do with a wait that the server asked for."),
    row(
        "hint.mode",
        Takes::Word(&HintMode::NAMES),
        "\"floor\"",
        "`floor`: at least the hint, jitter on top. `exact`: the hint. `window`: our delay, moved into hint.window at most. `ignore`: nothing.",
    ),
    Row {
        meaningless_with: "hint.mode window or ignore",
        ..span("hint.max", "\"120s\"", "A longer hint ends the call with the hint in the result.")
    },
    Row {
        meaningless_with: "hint.mode other than window",
        ..span("hint.window", "", "How far above our own delay a hint may move it.")
    },
    Row {
        meaningless_with: "hint.mode ignore",
        ..row("hint.resets", Takes::Bool, "false", "Whether delays grow from `initial` again after a hint.")
    },
    row(
        "classes",
        Takes::Map,
        "{}",
        "Settings for one class of failures: transient, throttle, timeout, connect, conflict.",
    ),
    row(
        "classes.*.attempts",
        Takes::Count(ATTEMPTS.0, ATTEMPTS.1),
        "",
        "Attempts that may end in this class. At most `attempts`.",
    ),
    Row {
        meaningless_with: "a list as backoff",
        ..span("classes.*.initial", "", "The first delay after a failure of this class.")
    },
    row(
        "rules",
        Takes::List("rules", RULES_LEN as u64),
        "[]",
        "What codes mean for this policy; the first that matches comes before the tables.",
    ),
    code("rules.http", "An HTTP status."),
    code("rules.os", "An errno, by name or number."),
    code("rules.dns", "An error of name resolution."),
    code("rules.tls", "A TLS error."),
    code("rules.undici", "An error code of undici."),
    code("rules.user", "The name of an error, or a code of your own."),
    row(
        "rules.body_contains",
        Takes::Text(RULES_TEXT as u64),
        "",
        "Text that the first 4096 bytes of the body contain.",
    ),
    row("rules.class", Takes::Word(Class::NAMES), "", "The class that such a failure has."),
    row("rules.sent", Takes::Word(Sent::NAMES), "", "Whether the server may have acted on it."),
    row("idempotent", Takes::Bool, "", "Whether a call that the server may have acted on may be repeated."),
    row(
        "idempotent",
        Takes::Word(&["auto"]),
        "\"auto\"",
        "An adapter goes by the method and the idempotency key; elsewhere it is the user's word.",
    ),
    row(
        "nested",
        Takes::Word(Nested::NAMES),
        "\"warn\"",
        "What to do with an error whose retries an inner call has already exhausted.",
    ),
];
