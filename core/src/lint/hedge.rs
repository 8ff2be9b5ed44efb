//! What a reviewer would say of a hedge, which stands in no policy.

use super::{Finding, Level, Value, write_all, write_json};
use crate::bounds::{Bounds, DURATION, Kind, Map, Unit, field};
use crate::format::{self, Mistake, Notation, Problem, fill, needed, number};
use crate::settings::{ABSENT, FALSE, NULL};

/// A hedge, and what is known of the calls that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HedgeLint {
    delay: u64,
    attempts: u64,
    p50: u64,
    idempotent: u64,
}

impl HedgeLint {
    /// The options of a [`Hedge`](crate::Hedge) and beside them what is known of its calls, from `tape`; None after every mistake in them
    /// was handed to `problem`.
    ///
    /// | option | values | default |
    /// |---|---|---|
    /// | `p50` | 0us to 87600h, null: half of the attempts take no longer | null, not known |
    /// | `idempotent` | true, false, null: whether the calls may be repeated | null, not known |
    pub fn read(tape: &[u8], notation: Notation, problem: &mut dyn FnMut(&Problem)) -> Option<HedgeLint> {
        let mut values = [ABSENT; 5];
        let read = OPTIONS.read(tape, notation, &mut values, problem);
        fill(&mut values, &[0, 2, 0, NULL, NULL]);
        let [delay, attempts, _, p50, idempotent] = values;
        read.is_right.then_some(HedgeLint { delay, attempts, p50, idempotent })
    }

    /// Tells every finding.
    pub fn findings(&self, tell: &mut dyn FnMut(&Finding)) {
        if self.attempts == 1 {
            return;
        }
        let mut find = |level, code, pointer, sentence, values| {
            tell(&Finding { code, level, pointer, rule: None, path: None, sentence, values });
        };
        if self.p50 != NULL && self.delay < self.p50 {
            let values = [Value::Time(self.delay), Value::Time(self.p50)];
            find(Level::Warning, "hedge-below-p50", "/delay", BELOW_P50, values);
        }
        if self.idempotent == FALSE {
            find(
                Level::Error,
                "hedge-not-idempotent",
                "/idempotent",
                NOT_IDEMPOTENT,
                [Value::Number(self.attempts), Value::None],
            );
        }
    }

    /// The findings for a reader.
    pub fn text(&self, out: &mut dyn FnMut(&[u8])) {
        write_all(&mut |tell| self.findings(tell), out);
    }

    /// The findings as a JSON list.
    pub fn json(&self, out: &mut dyn FnMut(&[u8])) {
        write_json(&mut |tell| self.findings(tell), out);
    }
}

const BELOW_P50: &str = "delay is $a, but half of the attempts take $b or longer, so most calls are made twice; raise delay to what 95 of 100 attempts stay below";
const NOT_IDEMPOTENT: &str =
    "idempotent is false, but a hedged call is made up to $a times side by side; hedge only what may be repeated";

static OPTIONS: format::Options = format::Options { map: &MAP, name: "the hedge" };

static MAP: Map = Map {
    fields: &[
        number("delay", 0, &SPAN),
        number("attempts", 1, &Bounds { unit: Unit::Count, least: 1, most: 100 }),
        number("jitter", 2, &SPAN),
        number("p50", 3, &SPAN).or_null(),
        field("idempotent", 4, Kind::Bool).or_null(),
    ],
    rivals: 0,
    unknown: Mistake::NoSuchOption,
    checks: &[needed(0)],
};

static SPAN: Bounds = Bounds { unit: Unit::Micros, least: 0, most: DURATION.1 };
