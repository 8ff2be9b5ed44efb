//! What a person choosing a policy asks, each answered as text and as JSON.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use undaunted::analysis::{LadderOptions, Options, Room};
use undaunted::convert::{Conversion, Source};
use undaunted::explain::Script;
use undaunted::export::Target;
use undaunted::lint::HedgeLint;
use undaunted::{Decision, Mode, Shared};

use crate::call::Plan;
use crate::convert::{collect, named, tape};
use crate::failure::{Circumstances, Failure};
use crate::judge::{Leaves, judge};
use crate::policy::{Policy, Problem, read, read_tape};

/// For a reader, and for a program.
type Report = (String, String);

/// What becomes of calls under these conditions, or every problem that the conditions have.
#[pyfunction]
pub fn analyse(
    py: Python<'_>,
    policy: Bound<'_, Policy>,
    options: &Bound<'_, PyAny>,
    notation: &str,
) -> PyResult<(Option<Report>, Vec<Problem>)> {
    let (options, problems) = read(options, notation, Options::read)?;
    let policy = policy.get();
    let report = options.map(|options| {
        py.detach(|| {
            let analysis = policy.inner.analyse(&options, &mut room());
            (collect(|out| analysis.text(out)), collect(|out| analysis.json(out)))
        })
    });
    Ok((report, problems))
}

/// The waits before each retry, or every problem that the options have.
#[pyfunction]
pub fn ladder(
    policy: Bound<'_, Policy>,
    options: &Bound<'_, PyAny>,
    notation: &str,
) -> PyResult<(Option<Report>, Vec<Problem>)> {
    let (options, problems) = read(options, notation, LadderOptions::read)?;
    let report = options.map(|options| {
        let mut room = room();
        let ladder = policy.get().inner.ladder(options);
        (collect(|out| ladder.text(&mut room, out)), collect(|out| ladder.json(&mut room, out)))
    });
    Ok((report, problems))
}

/// What a reviewer would say of a policy; the JSON is a list of findings.
#[pyfunction]
pub fn lint(policy: Bound<'_, Policy>) -> Report {
    let policy = &policy.get().inner;
    (collect(|out| policy.lint_text(out)), collect(|out| policy.lint_json(out)))
}

/// What a reviewer would say of a hedge, or every problem that its options have.
#[pyfunction]
pub fn lint_hedge(options: &Bound<'_, PyAny>, notation: &str) -> PyResult<(Option<Report>, Vec<Problem>)> {
    let (lint, problems) = read(options, notation, HedgeLint::read)?;
    let report = lint.map(|lint| (collect(|out| lint.text(out)), collect(|out| lint.json(out))));
    Ok((report, problems))
}

/// What settings of another library come to, or every problem that they have.
#[pyfunction]
pub fn convert(source: &str, settings: &Bound<'_, PyAny>) -> PyResult<(Option<Report>, Vec<Problem>)> {
    let source = named(Source::NAMES, Source::ALL, "source", source)?;
    // Each source has a notation of its own.
    read(settings, "json", |tape, _, problem| {
        let conversion = Conversion::read(source, tape, problem)?;
        Some((collect(|out| conversion.text(out)), collect(|out| conversion.json(out))))
    })
}

/// A policy as others write it.
#[pyfunction]
pub fn export_as(policy: Bound<'_, Policy>, target: &str) -> PyResult<Report> {
    let target = named(Target::NAMES, Target::ALL, "target", target)?;
    let export = policy.get().inner.export(target);
    Ok((collect(|out| export.text(out)), collect(|out| export.json(out))))
}

/// What changes from one policy to another, or every problem that the conditions have.
#[pyfunction]
pub fn diff(
    py: Python<'_>,
    before: Bound<'_, Policy>,
    after: Bound<'_, Policy>,
    options: &Bound<'_, PyAny>,
    notation: &str,
) -> PyResult<(Option<Report>, Vec<Problem>)> {
    let (options, problems) = read(options, notation, Options::read)?;
    let (before, after) = (before.get(), after.get());
    let report = options.map(|options| {
        py.detach(|| {
            let difference = before.inner.diff(&after.inner, &options, &mut room());
            (collect(|out| difference.text(out)), collect(|out| difference.json(out)))
        })
    });
    Ok((report, problems))
}

/// Every decision of one call, or every problem that its script has.
#[pyfunction]
pub fn explain(
    policy: Bound<'_, Policy>,
    script: &Bound<'_, PyAny>,
    notation: &str,
) -> PyResult<(Option<Report>, Vec<Problem>)> {
    let tape = tape(script)?;
    let (script, problems) = read_tape(&tape, notation, Script::read)?;
    let report = script.map(|script| {
        let explanation = policy.get().inner.explain(&script.options, script.failures());
        (collect(|out| explanation.text(out)), collect(|out| explanation.json(out)))
    });
    Ok((report, problems))
}

/// What a call of this plan would be told of an error: facts, verdict, and the wait of `on` in microseconds. Of a group, the
/// part that would end a call, else the one with the longest wait.
#[pyfunction]
pub fn judged<'py>(
    plan: Bound<'py, Plan>,
    error: &Bound<'py, PyAny>,
) -> PyResult<(Bound<'py, Failure>, &'static str, Option<u64>)> {
    let py = plan.py();
    let plan = plan.get();
    let policy = &plan.policy.get().inner;
    let mut chosen = None;
    for leaf in Leaves::of(Some(error), None)? {
        // No call is under way whose marks could count.
        let judgement = judge(py, plan, leaf, Some(error), 0, 1)?;
        let circumstances = Circumstances {
            method: None,
            idempotency_key: false,
            verdict: judgement.verdict,
            wait: judgement.wait,
            cancelled: false,
            nested: false,
        };
        let mut budget = policy.budget();
        let mut call = policy.start(0, 0, None, Mode::Normal);
        let told = judgement.facts.get().tell(&circumstances);
        let delay = match policy.failed(&mut call, 0, &told, Shared { budget: budget.as_mut(), breaker: None }) {
            Decision::Retry { delay, .. } => Some(delay),
            Decision::GiveUp { .. } => None,
        };
        if chosen.as_ref().is_none_or(|(longest, _)| delay.is_none() || delay > *longest) {
            chosen = Some((delay, judgement));
        }
        if delay.is_none() {
            break;
        }
    }
    let (_, judgement) = chosen.ok_or_else(|| PyTypeError::new_err("a group without errors"))?;
    Ok((judgement.facts, judgement.verdict.as_str(), judgement.wait))
}

/// The working memory of an analysis, on the heap.
fn room() -> Box<Room> {
    let cells = vec![0; size_of::<Room>() / size_of::<u64>()].into_boxed_slice();
    cells.try_into().unwrap_or_else(|_| unreachable!("it is as long as it is"))
}
