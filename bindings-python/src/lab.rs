//! What a person choosing a policy asks, each answered as text and as JSON.

use pyo3::prelude::*;
use undaunted::analysis::{Options, Room};
use undaunted::convert::{Conversion, Source};

use crate::convert::{collect, named};
use crate::policy::{Policy, Problem, read};

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

/// What a reviewer would say of a policy; the JSON is a list of findings.
#[pyfunction]
pub fn lint(policy: Bound<'_, Policy>) -> Report {
    let policy = &policy.get().inner;
    (collect(|out| policy.lint_text(out)), collect(|out| policy.lint_json(out)))
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

/// The working memory of an analysis, on the heap.
fn room() -> Box<Room> {
    let cells = vec![0; size_of::<Room>() / size_of::<u64>()].into_boxed_slice();
    cells.try_into().unwrap_or_else(|_| unreachable!("it is as long as it is"))
}
