//! What an explanation is asked: the failures of one call, read as a policy is, so that mistakes get the same sentences.

use super::{Failed, Options};
use crate::bounds::{Bounds, DURATION, Field, Kind, Map, Unit, code, field};
use crate::call::Mode;
use crate::decimal::scaled;
use crate::failure::{Code, Domain, Failure, Phase, Verdict};
use crate::format::{self, Mistake, Notation, Problem, WIDEST, needed, number, seeds, written};
use crate::settings::{ABSENT, FALSE, NULL, RULE_CODE, RULE_DOMAIN, TRUE, get};
use crate::tape::{NUMBER, Node, TEXT};

/// The conditions of an explanation and the failures, which stay on the tape that they were read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script<'t> {
    /// The conditions.
    pub options: Options,
    failures: Node<'t>,
    notation: Notation,
}

impl<'t> Script<'t> {
    /// The script that `tape` describes, or None after every mistake in it was handed to `problem`.
    pub fn read(tape: &'t [u8], notation: Notation, problem: &mut dyn FnMut(&Problem)) -> Option<Script<'t>> {
        let mut values = [ABSENT, 0, ABSENT, 1, ABSENT, TRUE];
        if !OPTIONS.read(tape, notation, &mut values, problem).is_right {
            return None;
        }
        let [_, attempt_duration, _, call, _, active] = values;
        let map = Node::read(tape);
        let options = Options {
            attempt_duration,
            call_seed: seeds::call_seed(map, notation, call),
            mode: if active == TRUE { Mode::Normal } else { Mode::Inactive },
        };
        Some(Script { options, failures: written(map, "failures", notation), notation })
    }

    /// The failures, in their order.
    pub fn failures(&self) -> impl Iterator<Item = Failed<'t>> + Clone + use<'t> {
        let notation = self.notation;
        self.failures.items().map(move |failure| read(failure, notation))
    }
}

/// One that was found right before.
fn read(map: Node, notation: Notation) -> Failed {
    let mut values = [ABSENT; PLACES];
    FAILURE_OPTIONS.read_node(map, notation, &mut values, &mut |_| {});
    let text = |name: &str| {
        let node = written(map, name, notation);
        (node.kind == TEXT).then_some(node.content)
    };
    let limit = |place: usize| Some(get(&values, place)).filter(|value| *value < NULL);
    let domain = limit(RULE_DOMAIN).and_then(|domain| Domain::from_number(domain as u32));
    let node = domain.map_or(Node::NULL, |domain| written(map, domain.as_str(), notation));
    let failure = Failure {
        domain: domain.unwrap_or_default(),
        code: match node.kind {
            TEXT => Code::Name(node.content),
            NUMBER => Code::Number(whole(node)),
            _ => Code::None,
        },
        phase: Phase::from_number(get(&values, PHASE) as u32).unwrap_or_default(),
        method: text("method"),
        idempotency_key: get(&values, IDEMPOTENCY_KEY) == TRUE,
        verdict: Verdict::from_number(get(&values, VERDICT) as u32).unwrap_or_default(),
        wait: limit(WAIT),
        hint: limit(HINT),
        should_retry: limit(SHOULD_RETRY).map(|word| word != FALSE),
        body: text("body").unwrap_or_default(),
        cancelled: get(&values, CANCELLED) == TRUE,
        nested: get(&values, NESTED) == TRUE,
    };
    Failed { failure, duration: limit(TOOK) }
}

fn whole(node: Node) -> i64 {
    let number = scaled(node.content, 0);
    number.map_or(0, |number| if number.negative { -(number.value as i64) } else { number.value as i64 })
}

static OPTIONS: format::Options = format::Options { map: &MAP, name: "the script" };

static FAILURE_OPTIONS: format::Options = format::Options { map: &FAILURE, name: "the failure" };

static MAP: Map = Map {
    fields: &[
        field("failures", 0, Kind::Maps(&ELEMENT)),
        number("attempt_duration", 1, &SPAN),
        field("seed", 2, Kind::Word),
        seeds::call(3),
        field("call_seed", 4, Kind::Word),
        field("active", 5, Kind::Bool),
    ],
    rivals: 1 << 2 | 1 << 4,
    unknown: Mistake::NoSuchOption,
    checks: &[needed(0), seeds::call_beside(4, 3)],
};

static ELEMENT: Field = field("", 0, Kind::Map(&FAILURE)).len(PLACES);

/// The domains come first, by number, as in a rule.
static FAILURE: Map = Map {
    fields: &[
        code(Domain::Http, Kind::Number(&Bounds { unit: Unit::Count, least: 100, most: 599 })).or_null(),
        code(Domain::Os, Kind::OwnCode).or_null(),
        code(Domain::Dns, Kind::OwnCode).or_null(),
        code(Domain::Tls, Kind::OwnCode).or_null(),
        code(Domain::Undici, Kind::OwnCode).or_null(),
        code(Domain::Grpc, Kind::OwnCode).or_null(),
        code(Domain::Postgres, Kind::OwnText).or_null(),
        code(Domain::Mysql, Kind::OwnCode).or_null(),
        code(Domain::Sqlite, Kind::OwnCode).or_null(),
        code(Domain::Redis, Kind::OwnText).or_null(),
        code(Domain::Mongodb, Kind::OwnCode).or_null(),
        code(Domain::Kafka, Kind::OwnCode).or_null(),
        code(Domain::Aws, Kind::OwnText).or_null(),
        code(Domain::User, Kind::OwnCode).or_null(),
        field("phase", PHASE, Kind::Words).words(Phase::WORDS),
        field("method", METHOD, Kind::OwnText).or_null(),
        field("idempotency_key", IDEMPOTENCY_KEY, Kind::Bool),
        number("hint", HINT, &SPAN).or_null(),
        field("should_retry", SHOULD_RETRY, Kind::Bool).or_null(),
        field("body", BODY, Kind::OwnText).or_null(),
        number("duration", TOOK, &SPAN).or_null(),
        field("verdict", VERDICT, Kind::Words).words(Verdict::WORDS),
        number("wait", WAIT, &SPAN).or_null(),
        field("cancelled", CANCELLED, Kind::Bool),
        field("nested", NESTED, Kind::Bool),
    ],
    rivals: (1 << (Domain::User as usize + 1)) - 1,
    unknown: Mistake::NoSuchOption,
    checks: &[],
};

const _: () = assert!(RULE_CODE == 0 && RULE_DOMAIN == 1 && PLACES <= WIDEST);
const PHASE: usize = 2;
const METHOD: usize = 3;
const IDEMPOTENCY_KEY: usize = 4;
const HINT: usize = 5;
const SHOULD_RETRY: usize = 6;
const BODY: usize = 7;
const TOOK: usize = 8;
const VERDICT: usize = 9;
const WAIT: usize = 10;
const CANCELLED: usize = 11;
const NESTED: usize = 12;
const PLACES: usize = 13;

static SPAN: Bounds = Bounds { unit: Unit::Micros, least: 0, most: DURATION.1 };
