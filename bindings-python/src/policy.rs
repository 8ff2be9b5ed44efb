//! A compiled policy as Python holds it.

use pyo3::prelude::*;
use undaunted::{Nested, Notation, Problem as CoreProblem};

use crate::budget::Budget;
use crate::convert::{collect, named, seconds, tape};
use crate::guards::Breaker;
use crate::seed;

/// One policy: immutable, made by `compile` or `preset`.
#[pyclass(frozen, module = "undaunted._core")]
pub struct Policy {
    pub inner: undaunted::Policy,
}

/// A mistake in a policy: code, JSON pointer, sentence.
pub type Problem = (String, String, String);

/// Compiles options: the policy, or every problem they have.
///
/// `notation` is `json`, `python` (bare numbers are seconds) or `javascript` (milliseconds). With a `base`, what is not
/// given comes from it.
#[pyfunction]
#[pyo3(signature = (options, notation, base=None))]
pub fn compile(
    options: &Bound<'_, PyAny>,
    notation: &str,
    base: Option<&Bound<'_, Policy>>,
) -> PyResult<(Option<Policy>, Vec<Problem>)> {
    let base = base.map(|base| &base.get().inner);
    let (compiled, problems) =
        read(options, notation, |tape, notation, problem| undaunted::Policy::compile(tape, notation, base, problem))?;
    Ok((compiled.map(|inner| Policy { inner }), problems))
}

/// Reads options of any kind: what they make, or every problem they have.
pub fn read<T>(
    options: &Bound<'_, PyAny>,
    notation: &str,
    read: impl FnOnce(&[u8], Notation, &mut dyn FnMut(&CoreProblem)) -> Option<T>,
) -> PyResult<(Option<T>, Vec<Problem>)> {
    read_tape(&tape(options)?, notation, read)
}

/// The same of what was written before; what is found may stay on the tape.
pub fn read_tape<'t, T>(
    tape: &'t [u8],
    notation: &str,
    read: impl FnOnce(&'t [u8], Notation, &mut dyn FnMut(&CoreProblem)) -> Option<T>,
) -> PyResult<(Option<T>, Vec<Problem>)> {
    let notation = named(&["json", "python", "javascript"], &Notation::ALL, "notation", notation)?;
    let mut problems = Vec::new();
    let found = read(tape, notation, &mut |problem| {
        problems.push(told(problem));
    });
    Ok((found, problems))
}

fn told(problem: &undaunted::Problem) -> Problem {
    (problem.code.to_owned(), collect(|out| problem.pointer(out)), collect(|out| problem.text(out)))
}

#[pymethods]
impl Policy {
    /// The policy of this name, or None.
    #[staticmethod]
    fn preset(name: &str) -> Option<Policy> {
        undaunted::Policy::preset(name).map(|inner| Policy { inner })
    }

    /// Canonical JSON, one line.
    fn dump(&self) -> String {
        collect(|out| self.inner.dump(out))
    }

    #[getter]
    fn attempts(&self) -> Option<u32> {
        self.inner.attempts()
    }

    /// In seconds.
    #[getter]
    fn timeout(&self) -> Option<f64> {
        self.inner.timeout().map(seconds)
    }

    /// In seconds.
    #[getter]
    fn attempt_timeout(&self) -> Option<f64> {
        self.inner.attempt_timeout().map(seconds)
    }

    #[getter]
    fn nested(&self) -> &'static str {
        self.inner.nested().as_str()
    }

    /// Whether calls hand their deadline on to inner calls.
    #[getter]
    fn shares(&self) -> bool {
        self.inner.nested() == Nested::Share
    }

    /// The name of its budget.
    #[getter]
    fn budget_name(&self) -> Option<String> {
        self.inner.budget_name().map(|name| String::from_utf8_lossy(name).into_owned())
    }

    /// Why the budget that is there under that name, or none, will not do: every problem.
    #[pyo3(signature = (there=None))]
    fn budget_problems(&self, there: Option<&Bound<'_, Budget>>) -> Vec<Problem> {
        let there = there.map(|budget| *budget.get().lock());
        let mut problems = Vec::new();
        self.inner.accepts(there.as_ref(), &mut |problem| problems.push(told(problem)));
        problems
    }

    /// The name of its breaker.
    #[getter]
    fn breaker_name(&self) -> Option<String> {
        self.inner.breaker_name().map(|name| String::from_utf8_lossy(name).into_owned())
    }

    /// As `budget_problems`, of the breaker.
    #[pyo3(signature = (there=None))]
    fn breaker_problems(&self, there: Option<&Bound<'_, Breaker>>) -> Vec<Problem> {
        let there = there.map(|breaker| breaker.get().copy());
        let mut problems = Vec::new();
        self.inner.accepts_breaker(there.as_ref(), &mut |problem| problems.push(told(problem)));
        problems
    }

    /// Whether the engine must hear of attempts that begin and of calls that succeed: they hand on a deadline, or share a budget or a
    /// breaker.
    #[getter]
    fn is_watched(&self) -> bool {
        self.shares() || self.inner.budget_name().is_some() || self.inner.breaker_name().is_some()
    }

    /// Whether a rule looks at bodies.
    #[getter]
    fn needs_body(&self) -> bool {
        self.inner.needs_body()
    }

    /// The first `count` waits in microseconds; without a seed, of a call like any other.
    #[pyo3(signature = (count, call_seed=None))]
    fn schedule(&self, count: usize, call_seed: Option<u64>) -> PyResult<Vec<u64>> {
        let call_seed = call_seed.map_or_else(seed::next_call, Ok)?;
        Ok(self.inner.schedule(call_seed).take(count).collect())
    }
}
