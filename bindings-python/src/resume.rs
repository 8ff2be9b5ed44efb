//! Tokens: what a call leaves for another host.

use pyo3::prelude::*;
use undaunted::resume::Token as CoreToken;
use undaunted::{Call, Decision, Reason, Refused};

use crate::convert::collect;
use crate::policy::{Problem, read};

/// A token that was read.
#[pyclass(frozen, module = "undaunted._core")]
pub struct Token {
    pub inner: CoreToken,
}

#[pymethods]
impl Token {
    /// The token that a value describes, or every problem it has.
    #[staticmethod]
    fn read(value: &Bound<'_, PyAny>, notation: &str) -> PyResult<(Option<Token>, Vec<Problem>)> {
        let (token, problems) = read(value, notation, CoreToken::read)?;
        Ok((token.map(|inner| Token { inner }), problems))
    }
}

/// How a call stands: what was decided on its last failure, and whether the attempt after it was refused.
#[derive(Default)]
pub struct Standing {
    pub decision: Option<Decision>,
    pub refused: Option<Refused>,
}

impl Standing {
    /// Of a call whose token says that its next attempt is due.
    pub fn due(token: &CoreToken) -> Standing {
        let (class, sent) = (token.class, token.sent);
        let refused = token.hint.map(|hint| Refused { reason: Reason::BreakerOpen, hint: Some(hint) });
        let decision = Decision::Retry { delay: 0, class, sent, last: token.is_last, nested_warning: false };
        Standing { decision: Some(decision), refused }
    }

    /// After a failure.
    pub fn decided(&mut self, decision: Decision) {
        *self = Standing { decision: Some(decision), refused: None };
    }

    /// The token's text; None before the first failure.
    pub fn token(&self, call: &Call, elapsed: u64, made_at: u64) -> Option<String> {
        let token = match (self.decision?, self.refused) {
            (Decision::Retry { class, sent, .. }, Some(refused)) => {
                let due = CoreToken::of(call, class, sent, elapsed, made_at);
                CoreToken { hint: refused.hint, ..due }
            }
            (decision, _) => CoreToken::after(call, &decision, elapsed, made_at),
        };
        Some(collect(|out| token.json(out)))
    }
}
