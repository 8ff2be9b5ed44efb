//! Every option of a policy as its documentation has it: type, bounds, default, what makes it meaningless.
//!
//! The JSON Schema, the type stubs of both languages and the option tables of the documentation are generated from
//! [`ROWS`] or compared with it. An engine does not carry it: the reader's own rows are in [`super`], and a test holds the
//! two against each other.

use super::{ATTEMPTS, DURATION, FACTOR, PER_CALL, PROPORTIONAL, RULES_LEN, RULES_TEXT, TABLE_LEN, TOKENS, TTL};
use crate::backoff::Backoff;
use crate::breaker::{PROBES, WINDOW_CALLS};
use crate::budget::BudgetMode;
use crate::failure::{Class, Sent};
use crate::jitter::Jitter;
use crate::name;
use crate::policy::Nested;

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

/// Every option.
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
    row("hint", Takes::Word(&["floor", "exact", "ignore"]), "", "Short for a map with this `mode` alone."),
    row("hint", Takes::Map, "", "What to do with a wait that the server asked for."),
    row(
        "hint.mode",
        Takes::Word(&["floor", "exact", "window", "ignore"]),
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
    Row {
        meaningless_with: "no budget, or one with a window",
        ..row(
            "classes.*.cost",
            Takes::Count(0, TOKENS),
            "",
            "What a retry takes from the budget after a failure of this class.",
        )
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
    code("rules.grpc", "A status code of gRPC, by name or number."),
    row(
        "rules.postgres",
        Takes::Text(RULES_TEXT as u64),
        "",
        "A SQLSTATE of PostgreSQL, or the first two characters of some.",
    ),
    code("rules.mysql", "An error number of MySQL or MariaDB."),
    code("rules.sqlite", "A result code of SQLite, by name or number."),
    row("rules.redis", Takes::Text(RULES_TEXT as u64), "", "The first word of an error reply of Redis."),
    code("rules.mongodb", "An error number of MongoDB, or an error label."),
    code("rules.kafka", "An error code of Kafka, by name or number."),
    row("rules.aws", Takes::Text(RULES_TEXT as u64), "", "An error code of an AWS service."),
    code("rules.user", "The name of an error, or a code of your own."),
    row(
        "rules.body_contains",
        Takes::Text(RULES_TEXT as u64),
        "",
        "Text that the first 4096 bytes of the body contain.",
    ),
    row("rules.class", Takes::Word(Class::NAMES), "", "The class that such a failure has."),
    row("rules.sent", Takes::Word(Sent::NAMES), "", "Whether the server may have acted on it."),
    Row {
        null: Some("none"),
        ..row(
            "budget",
            Takes::Text(name::LONGEST as u64),
            "null",
            "The name of a budget that is made elsewhere: an allowance of retries that calls share.",
        )
    },
    Row {
        null: Some("none"),
        ..row("budget", Takes::Map, "", "A budget of the policy's own. Policies share one by its name.")
    },
    row("budget.name", Takes::Text(name::LONGEST as u64), "", "What is called: one budget for one upstream."),
    row(
        "budget.mode",
        Takes::Word(BudgetMode::NAMES),
        "\"bucket\"",
        "`bucket`: a retry takes its cost, a success gives back. `failures`: a failure takes its cost, retries while more than half is left. `window`: retries are a share of the calls of the last seconds.",
    ),
    Row {
        meaningless_with: "budget.mode window",
        ..row(
            "budget.capacity",
            Takes::Count(1, TOKENS),
            "",
            "The most tokens, and the first. Default 500, 10 with `failures`.",
        )
    },
    Row {
        meaningless_with: "budget.mode window",
        ..row(
            "budget.cost",
            Takes::Count(0, TOKENS),
            "",
            "What a retry, or a failure, takes. Default 14, 1 with `failures`.",
        )
    },
    Row {
        meaningless_with: "budget.mode window",
        ..row(
            "budget.reward",
            Takes::Decimal(PER_CALL.0, PER_CALL.1),
            "",
            "What a success gives. Default 1, 0.1 with `failures`.",
        )
    },
    Row {
        meaningless_with: "budget.mode other than bucket",
        ..row(
            "budget.refund",
            Takes::Bool,
            "true",
            "Whether a success after a retry gives back what the last retry took, in place of `reward`.",
        )
    },
    Row {
        meaningless_with: "budget.mode other than window",
        ..row("budget.ratio", Takes::Decimal(PER_CALL.0, PER_CALL.1), "0.2", "Retries for each call of the last `ttl`.")
    },
    Row {
        meaningless_with: "budget.mode other than window",
        ..row("budget.min_per_second", Takes::Count(0, TOKENS), "10", "Retries that are allowed beside the ratio.")
    },
    Row {
        meaningless_with: "budget.mode other than window",
        ..row("budget.ttl", Takes::Duration(TTL.0, TTL.1), "\"10s\"", "How long the window is.")
    },
    Row {
        null: Some("none"),
        ..row(
            "breaker",
            Takes::Text(name::LONGEST as u64),
            "null",
            "The name of a breaker that is made elsewhere: it refuses attempts for a while once too many have failed or been slow.",
        )
    },
    Row {
        null: Some("none"),
        ..row("breaker", Takes::Map, "", "A breaker of the policy's own. Policies share one by its name.")
    },
    row("breaker.name", Takes::Text(name::LONGEST as u64), "", "What is called: one breaker for one upstream."),
    Row {
        meaningless_with: "breaker.window_time",
        ..row("breaker.window_calls", Takes::Count(1, WINDOW_CALLS), "100", "So many of the last results count.")
    },
    Row {
        meaningless_with: "breaker.window_calls",
        ..row(
            "breaker.window_time",
            Takes::Duration(10, DURATION.1),
            "",
            "Instead the results of so long count, a tenth of it forgotten at a time.",
        )
    },
    row(
        "breaker.min_calls",
        Takes::Count(1, 1_000_000),
        "20",
        "With fewer results in the window it does not open. At most `window_calls`.",
    ),
    row("breaker.failure_rate", Takes::Decimal(1, 1_000_000), "0.5", "The share of failures that opens it."),
    span("breaker.slow_after", "", "An attempt that takes longer is slow; without it none is."),
    Row {
        meaningless_with: "no breaker.slow_after",
        ..row("breaker.slow_rate", Takes::Decimal(1, 1_000_000), "1", "The share of slow attempts that opens it.")
    },
    span("breaker.initial", "\"5s\"", "How long it stays open the first time, before jitter."),
    row(
        "breaker.factor",
        Takes::Decimal(1_000_000, 10_000_000),
        "2",
        "Growth of that each time it opens again without having closed.",
    ),
    span("breaker.max_delay", "\"60s\"", "The longest it stays open."),
    row("breaker.jitter", Takes::Word(&["none", "full", "equal"]), "\"equal\"", "How that time is drawn."),
    row(
        "breaker.probes",
        Takes::Count(1, PROBES),
        "3",
        "How many attempts a half-open breaker lets through and judges by.",
    ),
    span("breaker.probe_timeout", "\"60s\"", "A probe that has not ended by then is taken back."),
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

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;
    use std::string::{String, ToString};
    use std::vec::Vec;

    use super::{ROWS, Row, Takes};
    use crate::bounds::{DELAY, Field, Kind, POLICY, RULE, Unit};
    use crate::words::Parts;

    #[test]
    fn the_documentation_has_every_form_of_every_option_that_the_reader_takes() {
        let mut read = Vec::new();
        POLICY.fields.iter().for_each(|field| list(field, field.name.to_string(), &mut read));
        // Its map form is documented by what is in it.
        read.retain(|form| form != "on_timeout map");
        read.sort();

        let mut documented: Vec<String> = ROWS.iter().map(describe).collect();
        documented.sort();

        assert_eq!(documented, read);
    }

    /// The forms of an option, and of those in it.
    fn list(field: &Field, path: String, forms: &mut Vec<String>) {
        if !field.words.is_empty() {
            let mut words: Vec<&str> = Parts::words(field.words).collect();
            words.sort();
            forms.push(format!("{path} {words:?}"));
        }
        let null = if field.is_nullable { " null" } else { "" };
        match &field.kind {
            Kind::Words => {}
            Kind::Bool => forms.push(format!("{path} bool")),
            Kind::Number(bounds) => {
                let (least, most) = (bounds.least, bounds.most);
                match bounds.unit {
                    Unit::Version | Unit::Count => forms.push(format!("{path} count {least} {most}{null}")),
                    Unit::Micros => forms.push(format!("{path} time{null}")),
                    Unit::Millionths => forms.push(format!("{path} decimal {most}")),
                }
            }
            Kind::Status | Kind::Code => forms.push(format!("{path} code")),
            Kind::Text | Kind::Name(_) => forms.push(format!("{path} text")),
            #[cfg(feature = "lab")]
            Kind::Maps(_) | Kind::OwnCode | Kind::OwnText | Kind::Word => {}
            Kind::Map(map) => {
                if map.named().is_some() {
                    forms.push(format!("{path} text{null}"));
                }
                forms.push(format!("{path} map{null}"));
                for inner in map.fields {
                    list(inner, format!("{path}.{}", inner.name), forms);
                }
                if path == "classes" {
                    forms.retain(|form| !form.starts_with("classes.") || form.starts_with("classes.transient."));
                    forms.iter_mut().for_each(|form| *form = form.replace("classes.transient", "classes.*"));
                }
            }
            Kind::Delays => {
                forms.push(format!("{path} list"));
                list(&DELAY, format!("{path}[]"), forms);
            }
            Kind::Rules => {
                forms.push(format!("{path} list"));
                list(&RULE, path.clone(), forms);
                forms.retain(|form| form != "rules map");
            }
            #[cfg(feature = "lab")]
            Kind::Foreign(..) => forms.push(format!("{path} foreign")),
        }
    }

    /// The same of a documented form.
    fn describe(row: &Row) -> String {
        let null = if row.null.is_some() { " null" } else { "" };
        let path = row.path;
        match row.takes {
            Takes::Count(least, most) => format!("{path} count {least} {most}{null}"),
            Takes::Duration(..) => format!("{path} time{null}"),
            Takes::Decimal(_, most) => format!("{path} decimal {most}"),
            Takes::Bool => format!("{path} bool"),
            Takes::Word(words) => {
                // As text, a hint's mode cannot be `window`, which needs a length.
                let is_short = path == "hint";
                let mut words: Vec<&str> =
                    words.iter().copied().filter(|word| !(is_short && *word == "window")).collect();
                words.sort();
                format!("{path} {words:?}")
            }
            Takes::Text(_) => format!("{path} text{null}"),
            Takes::Code => format!("{path} code"),
            Takes::List(..) => format!("{path} list"),
            Takes::Map => format!("{path} map{null}"),
        }
    }
}
