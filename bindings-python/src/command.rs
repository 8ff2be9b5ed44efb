//! The command line, as the core has it: arguments to what they ask for, failures in a few words, progress.

use pyo3::prelude::*;
use undaunted::command::{self, Invocation};
use undaunted::explain;

use crate::convert::collect;

/// What arguments ask for: `say`, `refuse` or `run`, and a text or JSON.
#[pyfunction]
pub fn invoke(arguments: Vec<String>) -> (&'static str, String) {
    let joined: String = arguments.iter().flat_map(|argument| [argument.as_str(), "\0"]).collect();
    let mut invocation = Invocation::Say;
    let text = collect(|out| invocation = command::invoke(&joined, env!("CARGO_PKG_VERSION"), out));
    let kind = match invocation {
        Invocation::Say => "say",
        Invocation::Refuse => "refuse",
        Invocation::Run => "run",
    };
    (kind, text)
}

/// How far a long work has come, for one line of a terminal.
#[pyfunction]
pub fn progress(done: u64, all: u64) -> String {
    collect(|out| command::progress(done, all, out))
}

/// The failure that a few words stand for, as JSON; or false and a sentence.
#[pyfunction]
pub fn step(text: &str) -> (bool, String) {
    let mut is_right = false;
    let said = collect(|out| is_right = explain::step(text, out));
    (is_right, said)
}
