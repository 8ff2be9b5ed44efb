//! The facts of a failure, as readers gather them.

use pyo3::prelude::*;
use pyo3::types::PyString;
use undaunted::{Code, Domain, Phase, Verdict};

use crate::convert::named;

/// What a reader found out about an error or a response: facts, no decision. `hint` is in whole microseconds.
#[pyclass(frozen, module = "undaunted._core")]
pub struct Failure {
    domain: Domain,
    code: OwnedCode,
    phase: Phase,
    /// The wait the server asked for, in microseconds.
    #[pyo3(get)]
    pub hint: Option<u64>,
    #[pyo3(get)]
    should_retry: Option<bool>,
    body: Vec<u8>,
}

/// The facts about the call that an adapter adds, and what `on` and the marks say.
pub struct Circumstances<'a> {
    pub method: Option<&'a str>,
    pub idempotency_key: bool,
    pub verdict: Verdict,
    pub wait: Option<u64>,
    pub cancelled: bool,
    pub nested: bool,
}

enum OwnedCode {
    None,
    Number(i64),
    Name(String),
}

#[pymethods]
impl Failure {
    #[new]
    #[pyo3(signature = (domain, code=None, phase="unknown", hint=None, should_retry=None, body=None))]
    fn new(
        domain: &str,
        code: Option<&Bound<'_, PyAny>>,
        phase: &str,
        hint: Option<u64>,
        should_retry: Option<bool>,
        body: Option<Vec<u8>>,
    ) -> PyResult<Failure> {
        Ok(Failure {
            domain: named(Domain::NAMES, Domain::ALL, "domain", domain)?,
            code: code.map_or(Ok(OwnedCode::None), owned_code)?,
            phase: named(Phase::NAMES, Phase::ALL, "phase", phase)?,
            hint,
            should_retry,
            body: body.unwrap_or_default(),
        })
    }

    /// Whose code it is: `http`, `os`, `postgres`…
    #[getter]
    fn domain(&self) -> &'static str {
        self.domain.as_str()
    }

    /// The code: a number, a name or None.
    #[getter]
    fn code<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(match &self.code {
            OwnedCode::None => py.None().into_bound(py),
            OwnedCode::Number(number) => number.into_pyobject(py)?.into_any(),
            OwnedCode::Name(name) => PyString::new(py, name).into_any(),
        })
    }

    /// The first piece of the response's body; None without.
    #[getter]
    fn body(&self) -> Option<String> {
        (!self.body.is_empty()).then(|| String::from_utf8_lossy(&self.body).into_owned())
    }

    /// `connect` if the server cannot have acted yet, else `unknown`.
    #[getter]
    fn phase(&self) -> &'static str {
        self.phase.as_str()
    }
}

impl Failure {
    pub fn domain_name(&self) -> &'static str {
        self.domain.as_str()
    }

    /// What the core is told.
    pub fn tell<'a>(&'a self, circumstances: &Circumstances<'a>) -> undaunted::Failure<'a> {
        undaunted::Failure {
            domain: self.domain,
            code: match &self.code {
                OwnedCode::None => Code::None,
                OwnedCode::Number(number) => Code::Number(*number),
                OwnedCode::Name(name) => Code::Name(name.as_bytes()),
            },
            phase: self.phase,
            method: circumstances.method.map(str::as_bytes),
            idempotency_key: circumstances.idempotency_key,
            verdict: circumstances.verdict,
            wait: circumstances.wait,
            hint: self.hint,
            should_retry: self.should_retry,
            body: &self.body,
            cancelled: circumstances.cancelled,
            nested: circumstances.nested,
        }
    }

    /// A failure of no known kind: a result that was not accepted.
    pub fn unknown() -> Failure {
        Failure {
            domain: Domain::User,
            code: OwnedCode::None,
            phase: Phase::Unknown,
            hint: None,
            should_retry: None,
            body: Vec::new(),
        }
    }
}

fn owned_code(code: &Bound<'_, PyAny>) -> PyResult<OwnedCode> {
    if let Ok(number) = code.extract::<i64>() {
        return Ok(OwnedCode::Number(number));
    }
    // A number beyond i64 is in no table: its digits are as unknown a name as any.
    Ok(OwnedCode::Name(code.str()?.to_string_lossy().into_owned()))
}
