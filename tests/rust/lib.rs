//! The Rust host of the vectors and of the differential run: JSON values to the core's inputs.

pub mod guards;
pub mod sim;

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use undaunted::analysis::{LadderOptions, Options, Room};
use undaunted::convert::{Conversion, Source};
use undaunted::explain::Script;
use undaunted::hint::{self, Hint};
use undaunted::lint::HedgeLint;
use undaunted::resume::Token;
use undaunted::tape::Writer;
use undaunted::{
    Breaker, Budget, Call, Class, Classification, Code, Decision, Domain, Failure, Mode, Notation, Phase, Policy,
    Problem, Refused, Shared, Verdict, call_seed, classify,
};

/// Writes a parsed JSON value onto a tape.
pub fn tape_of(value: &Value) -> Vec<u8> {
    let mut tape = Vec::new();
    write(value, &mut Writer::new(&mut |bytes| tape.extend_from_slice(bytes)));
    tape
}

fn write(value: &Value, writer: &mut Writer) {
    match value {
        Value::Null => writer.null(),
        Value::Bool(value) => writer.bool(*value),
        Value::Number(number) => writer.number(&number.to_string()),
        Value::String(text) => writer.text(text),
        Value::Array(items) => {
            writer.list();
            items.iter().for_each(|item| write(item, writer));
            writer.end_list();
        }
        Value::Object(entries) => {
            writer.map();
            for (key, value) in entries {
                writer.text(key);
                write(value, writer);
            }
            writer.end_map();
        }
    }
}

/// One mistake, as the vectors write it.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub code: String,
    /// The JSON pointer.
    pub pointer: String,
    /// The sentence.
    pub text: String,
}

/// Compiles a policy of a vector, or tells every mistake.
pub fn compile(value: &Value) -> Result<Policy, Vec<Refusal>> {
    refusing(|problem| Policy::compile(&tape_of(value), Notation::Json, None, problem))
}

/// Reads another library's settings off their tape, or tells every mistake.
pub fn convert<'t>(source: &Value, tape: &'t [u8]) -> Result<Conversion<'t>, Vec<Refusal>> {
    let place = Source::NAMES.iter().position(|name| source == name).expect("a source");
    refusing(|problem| Conversion::read(Source::ALL[place], tape, problem))
}

/// Reads the conditions of an analysis, or tells every mistake.
pub fn conditions(value: &Value) -> Result<Options, Vec<Refusal>> {
    refusing(|problem| Options::read(&tape_of(value), Notation::Json, problem))
}

/// Reads what a ladder is asked, or tells every mistake.
pub fn ladder_options(value: &Value) -> Result<LadderOptions, Vec<Refusal>> {
    refusing(|problem| LadderOptions::read(&tape_of(value), Notation::Json, problem))
}

/// Text and JSON of what is said of a hedge, or every mistake.
pub fn hedge_lint(value: &Value) -> Result<[String; 2], Vec<Refusal>> {
    let lint = refusing(|problem| HedgeLint::read(&tape_of(value), Notation::Json, problem))?;
    Ok([collect(|out| lint.text(out)), collect(|out| lint.json(out))])
}

/// The text and the JSON of an explanation, or every mistake in its script.
pub fn explain(policy: &Policy, script: &Value) -> Result<[String; 2], Vec<Refusal>> {
    let tape = tape_of(script);
    let script = refusing(|problem| Script::read(&tape, Notation::Json, problem))?;
    let explanation = policy.explain(&script.options, script.failures());
    Ok([collect(|out| explanation.text(out)), collect(|out| explanation.json(out))])
}

/// Reads a token, or tells every mistake in it.
pub fn token(value: &Value) -> Result<Token, Vec<Refusal>> {
    refusing(|problem| Token::read(&tape_of(value), Notation::Json, problem))
}

/// What becomes of a call that is handed over, as a `resume` case expects it.
pub fn resume(policy: &Policy, queue: &Policy, case: &Value) -> Value {
    let micros = |name: &str| case[name].as_u64().unwrap_or(0);
    let mut call = start(policy, case);
    let (_, left) = steps(policy, &mut call, &case["before"], &mut Common::new(policy, case), micros("started_at"), 0);
    let left = Token { made_at: micros("made_at"), ..left };
    let text = collect(|out| left.json(out));
    let token = self::token(&serde_json::from_str(&text).expect("JSON")).expect("its own text");
    let mut common = Common::new(queue, case);
    let now = micros("resumed_at");
    let mode = if case["queue_mode"] == "inactive" { Mode::Inactive } else { Mode::Normal };
    let shared = Shared { budget: common.budget.as_mut(), breaker: common.breaker.as_mut() };
    let mut resumed = queue.resume(&token, now, now, mode, shared);
    let decision = resumed.decision.map(|decision| Outcome::Decision(decision).result());
    let mut found =
        json!({ "token": text, "decision": decision, "elapsed": resumed.elapsed, "after": [], "token_after": null });
    if !case["after"].as_array().expect("steps").is_empty() {
        let (outcomes, token) = steps(queue, &mut resumed.call, &case["after"], &mut common, now, resumed.elapsed);
        found["after"] = outcomes.iter().map(Outcome::result).collect();
        found["token_after"] = json!(collect(|out| token.json(out)));
    }
    found
}

/// What some steps come to, and the token after the last, by a clock that is the world's too.
fn steps(
    policy: &Policy,
    call: &mut Call,
    steps: &Value,
    common: &mut Common,
    since: u64,
    elapsed: u64,
) -> (Vec<Outcome>, Token) {
    let steps = steps.as_array().expect("steps").iter();
    let outcomes: Vec<_> = steps.map(|given| step(policy, call, given, common)).collect();
    let mut failures = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Decision(decision) => Some(decision),
        _ => None,
    });
    let last = failures.next_back().expect("a failure");
    let (elapsed, now) = (elapsed + call.last_now - since, call.last_now);
    let token = match (outcomes.last(), last) {
        (Some(Outcome::Attempt(_)), Decision::Retry { class, sent, .. }) => {
            Token::of(call, *class, *sent, elapsed, now)
        }
        _ => Token::after(call, last, elapsed, now),
    };
    (outcomes, token)
}

fn refusing<T>(read: impl FnOnce(&mut dyn FnMut(&Problem)) -> Option<T>) -> Result<T, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let found = read(&mut |problem| {
        refusals.push(refusal(problem));
    });
    assert_eq!(found.is_none(), !refusals.is_empty(), "a value exactly when nothing was refused");
    found.ok_or(refusals)
}

/// Working memory of an analysis.
pub fn room() -> Box<Room> {
    vec![0; size_of::<Room>() / size_of::<u64>()].into_boxed_slice().try_into().expect("as long as it is")
}

/// Text that the core hands out in pieces.
pub fn collect(write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> String {
    let mut text = Vec::new();
    write(&mut |piece| text.extend_from_slice(piece));
    String::from_utf8(text).expect("text in UTF-8")
}

/// A mistake with its texts.
pub fn refusal(problem: &Problem) -> Refusal {
    Refusal {
        code: problem.code.to_owned(),
        pointer: collect(|out| problem.pointer(out)),
        text: collect(|out| problem.text(out)),
    }
}

/// The canonical JSON of a policy.
pub fn dump(policy: &Policy) -> String {
    collect(|out| policy.dump(out))
}

/// A 64-bit word, written as text because JSON numbers are floats in some hosts.
pub fn word(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.parse().expect("a 64-bit word"),
        other => panic!("{other} is no word"),
    }
}

/// The facts that a step's `fail` holds.
pub fn failure(fail: &Value) -> Failure<'_> {
    Failure {
        domain: pick(fail, "domain", Domain::NAMES, Domain::ALL).unwrap_or_default(),
        code: code(&fail["code"]),
        phase: pick(fail, "phase", Phase::NAMES, Phase::ALL).unwrap_or_default(),
        method: fail["method"].as_str().map(str::as_bytes),
        idempotency_key: fail["idempotency_key"].as_bool().unwrap_or(false),
        verdict: pick(fail, "verdict", Verdict::NAMES, Verdict::ALL).unwrap_or_default(),
        wait: fail["wait"].as_u64(),
        hint: fail["hint"].as_u64(),
        should_retry: fail["should_retry"].as_bool(),
        body: fail["body"].as_str().unwrap_or("").as_bytes(),
        cancelled: fail["cancelled"].as_bool().unwrap_or(false),
        nested: fail["nested"].as_bool().unwrap_or(false),
    }
}

/// A code: number, text or nothing.
pub fn code(value: &Value) -> Code<'_> {
    match value {
        Value::Null => Code::None,
        Value::Number(number) => Code::Number(number.as_i64().expect("a code in 64 bits")),
        Value::String(name) => Code::Name(name.as_bytes()),
        other => panic!("{other} is no code"),
    }
}

/// The value that a named field holds.
pub fn pick<T: Copy>(value: &Value, field: &str, names: &[&str], all: &[T]) -> Option<T> {
    let name = value[field].as_str()?;
    let at = names.iter().position(|known| *known == name);
    Some(all[at.unwrap_or_else(|| panic!("{name} is no {field}"))])
}

/// What the tables say about the code of a `classify` case.
pub fn classification(case: &Value) -> Classification {
    classify(&Failure {
        domain: pick(case, "domain", Domain::NAMES, Domain::ALL).expect("a domain"),
        code: code(&case["code"]),
        phase: pick(case, "phase", Phase::NAMES, Phase::ALL).unwrap_or_default(),
        method: case["method"].as_str().map(str::as_bytes),
        hint: case["hint"].as_bool().unwrap_or(false).then_some(0),
        ..Failure::default()
    })
}

/// What the headers of a `hint` case say.
pub fn read_hint(case: &Value) -> Hint {
    let headers = case["headers"].as_array().expect("headers").iter();
    let pairs: Vec<(&[u8], &[u8])> = headers.map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
    hint::read(pairs.iter().copied(), case["now"].as_u64())
}

fn text(value: &Value) -> &[u8] {
    value.as_str().expect("text").as_bytes()
}

/// The waits of a `schedule` case.
pub fn schedule(policy: &Policy, case: &Value) -> Vec<u64> {
    let seed = match &case["call_seed"] {
        Value::Null => call_seed(word(&case["seed"]), case["call"].as_u64().unwrap_or(1)),
        seed => word(seed),
    };
    let attempts = case["attempts"].as_u64().or(policy.attempts().map(u64::from)).expect("a number of attempts");
    policy.schedule(seed).take(attempts as usize - 1).collect()
}

/// Starts the call that a session describes.
pub fn start(policy: &Policy, session: &Value) -> Call {
    let started_at = session["started_at"].as_u64().unwrap_or(0);
    start_at(policy, session, started_at, word(&session["call_seed"]))
}

fn start_at(policy: &Policy, case: &Value, started_at: u64, call_seed: u64) -> Call {
    let mode = if case["mode"] == "inactive" { Mode::Inactive } else { Mode::Normal };
    policy.start(started_at, call_seed, case["outer_deadline"].as_u64(), mode)
}

/// What the calls of a case share, where the policy describes it.
pub struct Common {
    budget: Option<Budget>,
    breaker: Option<Breaker>,
}

impl Common {
    /// The budget full, the breaker closed; the case's `seed` is the breaker's.
    pub fn new(policy: &Policy, case: &Value) -> Common {
        let seed = if case["seed"].is_null() { 0 } else { word(&case["seed"]) };
        Common { budget: policy.budget(), breaker: policy.breaker(seed) }
    }
}

/// What every step of a `shared` case that is made came to, what the budget had left then, and what the breaker did.
pub fn shared(policy: &Policy, case: &Value) -> Vec<(Outcome, Option<u64>, Option<&'static str>)> {
    let mut common = Common::new(policy, case);
    let mut calls: HashMap<u64, Call> = HashMap::new();
    let mut over = HashSet::new();
    let steps = case["steps"].as_array().expect("steps").iter();
    let outcomes = steps.filter_map(|given| {
        let at = given["at"].as_u64().expect("a time");
        let number = given["call"].as_u64().unwrap_or(1);
        if over.contains(&number) {
            return None;
        }
        let call = calls.entry(number).or_insert_with(|| start_at(policy, case, at, number));
        let outcome = step(policy, call, given, &mut common);
        if outcome.is_end() {
            over.insert(number);
        }
        let tokens = common.budget.as_mut().map(|budget| budget.tokens(at));
        Some((outcome, tokens, common.breaker.as_mut().map(|breaker| breaker.state(at).as_str())))
    });
    outcomes.collect()
}

/// What a step came to, as a token of the differential run's result line.
pub enum Outcome {
    /// An attempt: number, limit, remaining; or why not.
    Attempt(Result<undaunted::Attempt, Refused>),
    /// A decision about a failure.
    Decision(Decision),
    /// Told of a success (`s`) or a cancellation (`c`).
    Told(char),
}

/// Runs one step.
pub fn step(policy: &Policy, call: &mut Call, step: &Value, common: &mut Common) -> Outcome {
    let now = step["at"].as_u64().expect("a time");
    let shared = Shared { budget: common.budget.as_mut(), breaker: common.breaker.as_mut() };
    if !step["fail"].is_null() {
        return Outcome::Decision(policy.failed(call, now, &failure(&step["fail"]), shared));
    }
    if !step["succeed"].is_null() {
        policy.succeeded(call, now, shared);
        return Outcome::Told('s');
    }
    if !step["cancel"].is_null() {
        policy.cancelled(call, now, shared);
        return Outcome::Told('c');
    }
    Outcome::Attempt(policy.attempt(call, now, shared))
}

impl Outcome {
    /// Whether the call is over.
    pub fn is_end(&self) -> bool {
        matches!(self, Outcome::Attempt(Err(_)) | Outcome::Decision(Decision::GiveUp { .. }))
    }

    /// What a vector's step expects.
    pub fn result(&self) -> Value {
        match self {
            Outcome::Attempt(Ok(attempt)) => {
                json!({ "number": attempt.number, "limit": attempt.limit, "remaining": attempt.remaining })
            }
            Outcome::Told(_) => json!({}),
            Outcome::Attempt(Err(Refused { reason, hint: None })) => json!({ "give_up": reason.as_str() }),
            Outcome::Attempt(Err(Refused { reason, hint })) => json!({ "give_up": reason.as_str(), "hint": hint }),
            Outcome::Decision(Decision::Retry { delay, class, sent, last, nested_warning }) => json!({
                "retry": delay, "class": class.as_str(), "sent": sent.as_str(), "last": last, "nested_warning": nested_warning,
            }),
            Outcome::Decision(Decision::GiveUp { reason, hint, class, sent }) => {
                json!({ "give_up": reason.as_str(), "hint": hint, "class": class.as_str(), "sent": sent.as_str() })
            }
        }
    }

    /// The token that tests/README.md defines.
    pub fn token(&self) -> String {
        let or_dash = |value: Option<u64>| value.map_or("-".to_owned(), |value| value.to_string());
        match self {
            Outcome::Attempt(Ok(attempt)) => {
                format!("a:{}:{}:{}", attempt.number, or_dash(attempt.limit), or_dash(attempt.remaining))
            }
            Outcome::Attempt(Err(refused)) => format!("x:{}:{}", refused.reason.as_str(), or_dash(refused.hint)),
            Outcome::Told(what) => what.to_string(),
            Outcome::Decision(Decision::Retry { delay, class, sent, last, nested_warning }) => format!(
                "r:{delay}:{}:{}:{}:{}",
                Class::as_str(*class),
                sent.as_str(),
                u8::from(*last),
                u8::from(*nested_warning)
            ),
            Outcome::Decision(Decision::GiveUp { reason, hint, class, sent }) => {
                format!("g:{}:{}:{}:{}", reason.as_str(), or_dash(*hint), class.as_str(), sent.as_str())
            }
        }
    }
}
