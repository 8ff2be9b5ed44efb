//! Every vector of `tests/vectors` on the Rust core.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use undaunted::analysis::Room;
use undaunted::command::{Invocation, invoke};
use undaunted::explain::step as step_of;
use undaunted::export::Target;
use undaunted::{Lane, Policy, call_seed, uniform, word};
use undaunted_tests::{
    Common, Refusal, classification, collect, compile, conditions, convert, dump, explain, guards, hedge_lint,
    ladder_options, read_hint, resume, room, schedule, shared, sim, start, step, tape_of, token, word as word_of,
};

#[test]
fn the_core_agrees_with_every_vector() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut files: Vec<_> = fs::read_dir(&folder).expect("tests/vectors").map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut cases, mut failed) = (0, Vec::new());
    let mut lab = Lab { room: room(), texts: Vec::new() };
    for file in &files {
        let vectors: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).expect("a file of vectors");
        for case in vectors["cases"].as_array().expect("cases") {
            cases += 1;
            if let Err(difference) = check(vectors["kind"].as_str().expect("a kind"), case, &mut lab) {
                failed.push(format!(
                    "{}: {}\n    {difference}",
                    file.file_name().unwrap().to_string_lossy(),
                    case["name"]
                ));
            }
        }
    }
    println!("vectors: rust ran {cases} cases in {} files", files.len());
    println!("lab: rust {} texts {:x}", lab.texts.len(), Sha256::digest(lab.texts.join("\n")));
    assert!(cases > 0, "there are no vectors in {}", folder.display());
    assert!(failed.is_empty(), "{} of {cases} vectors differ\n{}", failed.len(), failed.join("\n"));
}

/// Texts that every host must print to the byte.
struct Lab {
    room: Box<Room>,
    texts: Vec<String>,
}

fn check(kind: &str, case: &Value, lab: &mut Lab) -> Result<(), String> {
    match kind {
        "draw" => check_draw(case),
        "schedule" => same(&case["expect"], &json!(schedule(&policy_of(case)?, case))),
        "refusal" => check_refusal(case),
        "dump" => check_dump(case),
        "session" => check_session(case),
        "shared" => check_shared(case),
        "classify" => same(&case["expect"], &class_of(case)),
        "hint" => same(&case["expect"], &hint_of(case)),
        "guard_refusal" => check_guard_refusal(case),
        "breaker" | "throttle" | "bulkhead" | "hedge" => check_guard(kind, case),
        "analysis" => check_analysis(case, lab),
        "hedge_lint" => {
            let [text, json] = hedge_lint(&case["options"]).map_err(|refusals| format!("refused: {refusals:?}"))?;
            let found = serde_json::from_str(&json).map_err(|error| format!("{error} in {json}"))?;
            lab.texts.extend([text, json]);
            same(&case["expect"], &found)
        }
        "hedge_lint_refusal" => match hedge_lint(&case["options"]) {
            Ok([text, _]) => Err(format!("expected a refusal, got {text}")),
            Err(refusals) => same_refusals(&case["expect"], &refusals),
        },
        "step" => {
            let mut is_right = false;
            let said = collect(|out| is_right = step_of(case["text"].as_str().expect("a text"), out));
            let found = if is_right { serde_json::from_str(&said).expect("JSON") } else { Value::Null };
            same(&case["expect"], &found)
        }
        "invoke" => check_invoke(case),
        "ladder" => check_ladder(case, lab),
        "ladder_refusal" => match ladder_options(&case["options"]) {
            Ok(options) => Err(format!("expected a refusal, got {options:?}")),
            Err(refusals) => same_refusals(&case["expect"], &refusals),
        },
        "lint" => check_lint(case, lab),
        "diff" => check_diff(case, lab),
        "herd" | "loss" | "layers" | "outage" => check_sim(kind, case, lab),
        "explain" => check_explain(case, lab),
        "explain_refusal" => match explain(&Policy::standard(), &case["options"]) {
            Ok([text, _]) => Err(format!("expected a refusal, got {text}")),
            Err(refusals) => same_refusals(&case["expect"], &refusals),
        },
        "convert" => check_convert(case, lab),
        "convert_refusal" => match convert(&case["source"], &tape_of(&case["settings"])) {
            Ok(conversion) => Err(format!("expected a refusal, got {}", dump(&conversion.policy))),
            Err(refusals) => same_refusals(&case["expect"], &refusals),
        },
        "export" => check_export(case, lab),
        "resume" => {
            let queue = compile(&case["queue"]).map_err(|refusals| format!("refused: {refusals:?}"))?;
            same(&case["expect"], &resume(&policy_of(case)?, &queue, case))
        }
        "resume_refusal" => match token(&case["token"]) {
            Ok(token) => Err(format!("expected a refusal, got {token:?}")),
            Err(refusals) => same_refusals(&case["expect"], &refusals),
        },
        "sim_refusal" => same_refusals(&case["expect"], &sim::refusals(case)),
        "analysis_refusal" => match conditions(&case["options"]) {
            Ok(options) => Err(format!("expected a refusal, got {options:?}")),
            Err(refusals) => same_refusals(&case["expect"], &refusals),
        },
        other => Err(format!("{other} is no kind of vector")),
    }
}

fn check_analysis(case: &Value, lab: &mut Lab) -> Result<(), String> {
    let options = conditions(&case["options"]).map_err(|refusals| format!("refused: {refusals:?}"))?;
    let analysis = policy_of(case)?.analyse(&options, &mut lab.room);
    let json = collect(|out| analysis.json(out));
    let found: Value = serde_json::from_str(&json).map_err(|error| format!("{error} in {json}"))?;
    lab.texts.extend([collect(|out| analysis.text(out)), json]);
    near(&case["expect"], &found, "")
}

fn check_ladder(case: &Value, lab: &mut Lab) -> Result<(), String> {
    let options = ladder_options(&case["options"]).map_err(|refusals| format!("refused: {refusals:?}"))?;
    let policy = policy_of(case)?;
    let ladder = policy.ladder(options);
    let (text, json) = (collect(|out| ladder.text(&mut lab.room, out)), collect(|out| ladder.json(&mut lab.room, out)));
    let found: Value = serde_json::from_str(&json).map_err(|error| format!("{error} in {json}"))?;
    lab.texts.extend([text, json]);
    near(&case["expect"], &found, "")
}

fn check_invoke(case: &Value) -> Result<(), String> {
    let arguments = case["arguments"].as_array().expect("arguments").iter();
    let joined: String = arguments.map(|argument| format!("{}\0", argument.as_str().expect("a text"))).collect();
    let mut invocation = Invocation::Say;
    let said = collect(|out| invocation = invoke(&joined, "0", out));
    let found = match invocation {
        Invocation::Run => serde_json::from_str(&said).map_err(|error| format!("{error} in {said}"))?,
        Invocation::Refuse => json!(said),
        Invocation::Say => Value::Null,
    };
    same(&as_numbers(&case["expect"]), &as_numbers(&found))
}

fn check_diff(case: &Value, lab: &mut Lab) -> Result<(), String> {
    let options = conditions(&case["options"]).map_err(|refusals| format!("refused: {refusals:?}"))?;
    let other = compile(&case["other"]).map_err(|refusals| format!("refused: {refusals:?}"))?;
    let policy = policy_of(case)?;
    let difference = policy.diff(&other, &options, &mut lab.room);
    let (text, json) = (collect(|out| difference.text(out)), collect(|out| difference.json(out)));
    let found: Value = serde_json::from_str(&json).map_err(|error| format!("{error} in {json}"))?;
    let list = |name: &str| found[name].as_array().expect("a list");
    let codes = |name: &str| list(name).iter().map(|finding| finding["code"].clone()).collect::<Vec<_>>();
    let expect = &case["expect"];
    let lines: Vec<_> = expect["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .filter(|line| text.lines().any(|printed| Some(printed) == line.as_str()))
        .collect();
    let plain = json!({ "options": found["options"], "new": codes("new"), "gone": codes("gone"), "lines": lines });
    let figures: serde_json::Map<String, Value> = list("figures")
        .iter()
        .map(|change| (change["figure"].as_str().expect("a name").to_owned(), change.clone()))
        .collect();
    let names = |figures: &Value| figures.as_object().expect("figures").keys().cloned().collect::<Vec<_>>();
    let figures = Value::Object(figures);
    lab.texts.extend([text, json]);
    let wanted =
        json!({ "options": expect["options"], "new": expect["new"], "gone": expect["gone"], "lines": expect["lines"] });
    same(&wanted, &plain)?;
    same(&json!(names(&expect["figures"])), &json!(names(&figures)))?;
    near(&expect["figures"], &figures, "")
}

fn check_sim(kind: &str, case: &Value, lab: &mut Lab) -> Result<(), String> {
    let [text, json] = sim::simulate(kind, case).map_err(|refusals| format!("refused: {refusals:?}"))?;
    let found: Value = serde_json::from_str(&json).map_err(|error| format!("{error} in {json}"))?;
    lab.texts.extend([text, json]);
    same(&as_numbers(&case["expect"]), &as_numbers(&found))
}

fn check_explain(case: &Value, lab: &mut Lab) -> Result<(), String> {
    let explained = explain(&policy_of(case)?, &case["options"]);
    let [text, json] = explained.map_err(|refusals| format!("refused: {refusals:?}"))?;
    let found: Value = serde_json::from_str(&json).map_err(|error| format!("{error} in {json}"))?;
    let lines: Vec<_> = text.lines().collect();
    same(&case["expect"]["lines"], &json!(lines))?;
    same(&as_numbers(&case["expect"]["json"]), &as_numbers(&found))?;
    lab.texts.extend([text, json]);
    Ok(())
}

/// Numbers without their spelling.
fn as_numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(as_numbers).collect(),
        Value::Object(entries) => entries.iter().map(|(name, inner)| (name.clone(), as_numbers(inner))).collect(),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

fn check_lint(case: &Value, lab: &mut Lab) -> Result<(), String> {
    let policy = policy_of(case)?;
    let json = collect(|out| policy.lint_json(out));
    let found: Value = serde_json::from_str(&json).map_err(|error| format!("{error} in {json}"))?;
    lab.texts.extend([collect(|out| policy.lint_text(out)), json]);
    same(&case["expect"], &json!(with_texts(&case["expect"], &found)))
}

fn check_convert(case: &Value, lab: &mut Lab) -> Result<(), String> {
    let tape = tape_of(&case["settings"]);
    let conversion = convert(&case["source"], &tape).map_err(|refusals| format!("refused: {refusals:?}"))?;
    let json = collect(|out| conversion.json(out));
    let found: Value = serde_json::from_str(&json).map_err(|error| format!("{error} in {json}"))?;
    lab.texts.extend([collect(|out| conversion.text(out)), json]);
    same(&case["source"], &found["source"])?;
    same(&case["expect"]["policy"], &json!(dump(&conversion.policy)))?;
    let expect = &case["expect"]["findings"];
    same(expect, &json!(with_texts(expect, &found["findings"])))
}

fn check_export(case: &Value, lab: &mut Lab) -> Result<(), String> {
    let policy = policy_of(case)?;
    let place = Target::NAMES.iter().position(|name| case["target"] == *name).expect("a target");
    let export = policy.export(Target::ALL[place]);
    let (text, json) = (collect(|out| export.text(out)), collect(|out| export.json(out)));
    let found: Value = serde_json::from_str(&json).map_err(|error| format!("{error} in {json}"))?;
    same(&json!(text), &found["text"])?;
    same(&case["target"], &found["target"])?;
    same(&case["expect"]["lines"], &json!(text.lines().collect::<Vec<_>>()))?;
    let expect = &case["expect"]["findings"];
    let findings = json!(with_texts(expect, &found["findings"]));
    lab.texts.extend([text, json]);
    same(expect, &findings)
}

/// What was found, without the sentences that are not expected.
fn with_texts(expected: &Value, found: &Value) -> Vec<Value> {
    let mut found = found.as_array().expect("a list").clone();
    for (at, finding) in found.iter_mut().enumerate() {
        if expected[at]["text"].is_null() {
            finding.as_object_mut().expect("a finding").remove("text");
        }
    }
    found
}

/// Whether a figure is the expected `[value, error]` within both errors; a number without an error, or null, must be the same.
fn near(expected: &Value, found: &Value, path: &str) -> Result<(), String> {
    if let Value::Object(entries) = expected {
        return entries.iter().try_for_each(|(name, inner)| near(inner, &found[name], &format!("{path}.{name}")));
    }
    if let (Value::Array(wanted), Value::Array(items)) = (expected, found) {
        same(&json!(wanted.len()), &json!(items.len()))?;
        return (0..)
            .zip(wanted)
            .zip(items)
            .try_for_each(|((at, one), other)| near(one, other, &format!("{path}.{at}")));
    }
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let is_near = match expected {
        Value::Array(_) => {
            let away = (number(&found["value"]) - number(&expected[0])).abs();
            away <= number(&found["error"]) + number(&expected[1]) + 1e-12
        }
        Value::Null | Value::Bool(_) | Value::String(_) => expected == found,
        _ => number(expected) == number(found),
    };
    if is_near { Ok(()) } else { Err(format!("{path}: expected {expected}, found {found}")) }
}

fn same(expected: &Value, given: &Value) -> Result<(), String> {
    if expected == given { Ok(()) } else { Err(format!("expected {expected}\n    but got  {given}")) }
}

fn policy_of(case: &Value) -> Result<Policy, String> {
    compile(&case["policy"]).map_err(|refusals| format!("refused: {refusals:?}"))
}

fn check_draw(case: &Value) -> Result<(), String> {
    if !case["x"].is_null() {
        let x = case["x"].as_u64().unwrap_or_else(|| word_of(&case["x"]));
        let value = uniform(word_of(&case["word"]), x);
        let expected = case["uniform"].as_u64().unwrap_or_else(|| word_of(&case["uniform"]));
        return same(&json!(expected), &json!(value));
    }
    let seed = word_of(&case["call_seed"]);
    if !case["seed"].is_null() {
        let call = case["call"].as_u64().unwrap_or_else(|| word_of(&case["call"]));
        same(&json!(seed), &json!(call_seed(word_of(&case["seed"]), call)))?;
    }
    if case["word"].is_null() {
        return Ok(());
    }
    let lane = Lane::from_number(case["lane"].as_u64().unwrap_or(0) as u32).expect("a lane");
    let n = case["n"].as_u64().unwrap_or_else(|| word_of(&case["n"]));
    same(&json!(word_of(&case["word"])), &json!(word(seed, lane, n)))
}

fn check_refusal(case: &Value) -> Result<(), String> {
    let refusals = match compile(&case["policy"]) {
        Ok(policy) => return Err(format!("expected a refusal, got {}", dump(&policy))),
        Err(refusals) => refusals,
    };
    same_refusals(&case["expect"], &refusals)
}

fn same_refusals(expect: &Value, refusals: &[Refusal]) -> Result<(), String> {
    let expected = expect.as_array().expect("a list of refusals");
    let given: Vec<Value> = refusals
        .iter()
        .enumerate()
        .map(|(at, refusal)| match expected.get(at).is_some_and(|expected| !expected["text"].is_null()) {
            true => json!({ "code": refusal.code, "pointer": refusal.pointer, "text": refusal.text }),
            false => json!({ "code": refusal.code, "pointer": refusal.pointer }),
        })
        .collect();
    same(expect, &json!(given))
}

fn check_guard_refusal(case: &Value) -> Result<(), String> {
    match guards::compile(case["guard"].as_str().expect("a guard"), case) {
        Ok(_) => Err("expected a refusal, got none".to_owned()),
        Err(refusals) => same_refusals(&case["expect"], &refusals),
    }
}

fn check_guard(kind: &str, case: &Value) -> Result<(), String> {
    let guard = guards::compile(kind, case).map_err(|refusals| format!("refused: {refusals:?}"))?;
    let steps = case["steps"].as_array().expect("steps").iter();
    for ((at, given), found) in steps.enumerate().zip(guards::run(guard, case)) {
        let found = found.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        same(&given["expect"], &Value::Object(found)).map_err(|difference| format!("step {at}: {difference}"))?;
    }
    Ok(())
}

fn check_dump(case: &Value) -> Result<(), String> {
    let policy = policy_of(case)?;
    let text = dump(&policy);
    same(&case["expect"], &json!(text))?;
    let again: Policy = serde_json::from_str(&text).map_err(|error| format!("its own text is refused: {error}"))?;
    if again != policy {
        return Err(format!("its own text gives another policy: {}", dump(&again)));
    }
    let by_serde = serde_json::to_value(policy).map_err(|error| error.to_string())?;
    match compile(&by_serde) {
        Ok(again) if again == policy => Ok(()),
        _ => Err(format!("what serde writes gives another policy: {by_serde}")),
    }
}

fn check_session(case: &Value) -> Result<(), String> {
    let policy = policy_of(case)?;
    let (mut call, mut common) = (start(&policy, case), Common::new(&policy, case));
    for (at, given) in case["steps"].as_array().expect("steps").iter().enumerate() {
        let outcome = step(&policy, &mut call, given, &mut common);
        same(&given["expect"], &outcome.result()).map_err(|difference| format!("step {at}: {difference}"))?;
    }
    Ok(())
}

fn check_shared(case: &Value) -> Result<(), String> {
    let policy = policy_of(case)?;
    let steps = case["steps"].as_array().expect("steps").iter();
    for (at, (given, (outcome, tokens, state))) in steps.zip(shared(&policy, case)).enumerate() {
        let mut found = outcome.result();
        found["tokens"] = json!(tokens);
        found["state"] = json!(state);
        same(&given["expect"], &found).map_err(|difference| format!("step {at}: {difference}"))?;
    }
    Ok(())
}

fn class_of(case: &Value) -> Value {
    let row = classification(case);
    json!({
        "class": row.class.as_str(), "sent": row.sent.as_str(), "condition": row.condition.as_str(),
        "known": row.is_known, "retried": row.is_retried,
    })
}

fn hint_of(case: &Value) -> Value {
    let hint = read_hint(case);
    json!({ "delay": hint.delay, "should_retry": hint.should_retry, "suspicious": hint.is_suspicious })
}
