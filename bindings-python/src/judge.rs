//! What is known about one error: its facts, what `on` and the marks say, and whether an inner call gave it up.

use pyo3::exceptions::{PyBaseExceptionGroup, PyOSError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt};
use undaunted::Verdict;

use crate::call::Plan;
use crate::convert::{micros, timedelta_micros};
use crate::failure::Failure;

/// What the core will be told about an error, apart from the adapter's facts.
pub struct Judgement<'py> {
    pub facts: Bound<'py, Failure>,
    pub verdict: Verdict,
    pub wait: Option<u64>,
    /// The mark of the inner call that gave the error up.
    pub inner: Option<Bound<'py, PyAny>>,
}

/// An error or its facts.
pub enum Leaf<'py> {
    Error(Bound<'py, PyAny>),
    /// With the error that the facts are about, if there is one.
    Facts(Bound<'py, Failure>, Option<Bound<'py, PyAny>>),
}

/// The errors of a group, however deep; of another error itself.
pub struct Leaves<'py> {
    rest: Vec<Leaf<'py>>,
}

impl<'py> Leaves<'py> {
    pub fn of(error: Option<&Bound<'py, PyAny>>, facts: Option<Bound<'py, Failure>>) -> PyResult<Leaves<'py>> {
        let leaf = match (facts, error) {
            (Some(facts), error) => Leaf::Facts(facts, error.cloned()),
            (None, Some(error)) => Leaf::Error(error.clone()),
            (None, None) => return Err(PyTypeError::new_err("neither an error nor facts were given")),
        };
        Ok(Leaves { rest: vec![leaf] })
    }
}

impl Leaves<'_> {
    /// Whether there may be several.
    pub fn is_group(&self) -> bool {
        matches!(self.rest.as_slice(), [Leaf::Error(error)] if error.is_instance_of::<PyBaseExceptionGroup>())
    }
}

impl<'py> Iterator for Leaves<'py> {
    type Item = Leaf<'py>;

    fn next(&mut self) -> Option<Leaf<'py>> {
        loop {
            let leaf = self.rest.pop()?;
            let Leaf::Error(error) = &leaf else { return Some(leaf) };
            if !error.is_instance_of::<PyBaseExceptionGroup>() {
                return Some(leaf);
            }
            let Some(members) = members(error) else { return Some(leaf) };
            self.rest.extend(members.into_iter().rev().map(Leaf::Error));
        }
    }
}

/// Gathers everything about one leaf of `whole`.
pub fn judge<'py>(
    py: Python<'py>,
    plan: &Plan,
    leaf: Leaf<'py>,
    whole: Option<&Bound<'py, PyAny>>,
    now: u64,
    started_at: u64,
) -> PyResult<Judgement<'py>> {
    let (facts, error) = match leaf {
        Leaf::Facts(facts, error) => (Some(facts), error),
        Leaf::Error(error) => (None, Some(error)),
    };
    let Some(error) = error else {
        let facts = facts.ok_or_else(|| PyTypeError::new_err("neither an error nor facts were given"))?;
        return Ok(Judgement { facts, verdict: Verdict::Tables, wait: None, inner: None });
    };
    let fields = fields(py, &error);
    let facts = match facts {
        Some(facts) => facts,
        None => read(py, plan, &error, fields.is_none())?,
    };
    let marked = fields.as_ref().map_or(Ok(None), |fields| mark(py, fields))?;
    let (verdict, wait) = marked.map_or_else(|| ask(py, plan, &error, whole), Ok)?;
    let inner = inner_mark(py, &error, fields, started_at, now)?;
    Ok(Judgement { facts, verdict, wait, inner })
}

/// The facts of an error: known already for a class whose bare instances are all alike, else by the readers.
fn read<'py>(py: Python<'py>, plan: &Plan, error: &Bound<'py, PyAny>, is_bare: bool) -> PyResult<Bound<'py, Failure>> {
    if is_bare
        && let Some(facts) = plan.bare.bind(py).get_item(error.get_type())?
        && !has_number(error)?
    {
        return Ok(facts.cast_into::<Failure>()?);
    }
    Ok(plan.read.bind(py).call1((error, plan.needs_body))?.cast_into::<Failure>()?)
}

/// An errno is no attribute of the instance's own, yet tells it from others of its class.
fn has_number(error: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(error.is_instance_of::<PyOSError>() && !error.getattr(intern!(error.py(), "errno"))?.is_none())
}

/// What `stop` or `again` left on the error.
fn mark(py: Python<'_>, fields: &Bound<'_, PyDict>) -> PyResult<Option<(Verdict, Option<u64>)>> {
    let Some(mark) = fields.get_item(intern!(py, "__undaunted_mark__"))? else { return Ok(None) };
    if mark.is_none() {
        return Ok(Some((Verdict::Refused, None)));
    }
    let wait = mark.extract::<f64>()?;
    Ok(Some((Verdict::Forced, (wait >= 0.0).then(|| micros(wait)))))
}

/// What the user's `on` says.
fn ask(
    py: Python<'_>,
    plan: &Plan,
    error: &Bound<'_, PyAny>,
    whole: Option<&Bound<'_, PyAny>>,
) -> PyResult<(Verdict, Option<u64>)> {
    if plan.types.is_none() && plan.hooks.is_empty() {
        return Ok((Verdict::Tables, None));
    }
    if let Some(types) = &plan.types {
        let types = types.bind(py);
        let is_named = error.is_instance(types)?;
        if is_named || whole.map_or(Ok(false), |whole| whole.is_instance(types))? {
            return Ok((Verdict::Named, None));
        }
    }
    for hook in &plan.hooks {
        let answer = hook.bind(py).call1((error,))?;
        if let Some(wait) = answered(py, &answer)? {
            return Ok((Verdict::Forced, wait));
        }
    }
    Ok((Verdict::Refused, None))
}

/// A hook's answer: None for no, Some(None) for yes, Some(wait) for yes after that wait.
fn answered(py: Python<'_>, answer: &Bound<'_, PyAny>) -> PyResult<Option<Option<u64>>> {
    if answer.is_none() {
        return Ok(None);
    }
    if let Ok(yes) = answer.cast::<PyBool>() {
        return Ok(yes.is_true().then_some(None));
    }
    if answer.is_instance_of::<PyFloat>() || answer.is_instance_of::<PyInt>() {
        // Below zero and not-a-number count as 0; a wait beyond all numbers is beyond every deadline too.
        let wait = answer.extract::<f64>().map_or(u64::MAX, micros);
        return Ok(Some(Some(wait)));
    }
    if let Some(wait) = timedelta_micros(answer) {
        return Ok(Some(Some(u64::try_from(wait.max(0)).unwrap_or(u64::MAX))));
    }
    let kind = answer.get_type().qualname().map_or_else(|_| "something else".to_owned(), |name| name.to_string());
    if answer.hasattr(intern!(py, "close"))? {
        // A coroutine that nobody awaits would warn a second time.
        let _ = answer.call_method0(intern!(py, "close"));
    }
    Err(PyTypeError::new_err(format!(
        "the hook given as on answered with a {kind}, allowed True, False, seconds or a timedelta; return one of these"
    )))
}

/// The mark of an inner call that gave up within this call: on the error, its causes and contexts.
fn inner_mark<'py>(
    py: Python<'py>,
    error: &Bound<'py, PyAny>,
    own_fields: Option<Bound<'py, PyDict>>,
    started_at: u64,
    now: u64,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    if let Some(mark) = own_fields.map_or(Ok(None), |fields| fresh_mark(py, &fields, started_at, now))? {
        return Ok(Some(mark));
    }
    let mut rest: Vec<Bound<'py, PyAny>> = links(py, error).into_iter().flatten().collect();
    let mut seen = Vec::new();
    while let Some(error) = rest.pop() {
        if seen.len() >= CHAIN || seen.contains(&error.as_ptr()) {
            continue;
        }
        seen.push(error.as_ptr());
        if let Some(fields) = fields(py, &error)
            && let Some(mark) = fresh_mark(py, &fields, started_at, now)?
        {
            return Ok(Some(mark));
        }
        rest.extend(links(py, &error).into_iter().flatten());
    }
    Ok(None)
}

/// A mark from before this call is another call's business: the same error object was raised again.
fn fresh_mark<'py>(
    py: Python<'py>,
    fields: &Bound<'py, PyDict>,
    started_at: u64,
    now: u64,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(mark) = fields.get_item(intern!(py, "__undaunted__"))? else { return Ok(None) };
    let left_at = mark.getattr(intern!(py, "left_at"))?.extract::<u64>()?;
    let is_fresh = (started_at..=now).contains(&left_at) && mark.getattr(intern!(py, "exhausted"))?.is_truthy()?;
    Ok(is_fresh.then_some(mark))
}

/// Context and cause.
fn links<'py>(py: Python<'py>, error: &Bound<'py, PyAny>) -> [Option<Bound<'py, PyAny>>; 2] {
    [intern!(py, "__context__"), intern!(py, "__cause__")]
        .map(|name| error.getattr(name).ok().filter(|next| !next.is_none()))
}

/// The attributes of an error, unless its class hides them.
fn fields<'py>(py: Python<'py>, error: &Bound<'py, PyAny>) -> Option<Bound<'py, PyDict>> {
    let fields = error.getattr(intern!(py, "__dict__")).ok()?.cast_into::<PyDict>().ok()?;
    (!fields.is_empty()).then_some(fields)
}

fn members<'py>(group: &Bound<'py, PyAny>) -> Option<Vec<Bound<'py, PyAny>>> {
    group.getattr(intern!(group.py(), "exceptions")).ok()?.try_iter().ok()?.collect::<PyResult<_>>().ok()
}

/// The most links of causes and contexts that are followed.
const CHAIN: usize = 100;
