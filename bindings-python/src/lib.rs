//! `undaunted._core`: the glue between CPython and the engine. It carries values across and gathers facts; whether to
//! retry, how long to wait and why to stop is the engine's business.

mod budget;
mod call;
mod command;
mod convert;
mod failure;
mod guards;
mod judge;
mod lab;
mod policy;
mod resume;
mod seed;
mod session;
mod simulate;
mod tables;

use pyo3::prelude::*;

/// The engine's names for Python.
// Free-threaded builds are untested, so they are to keep their lock.
#[pymodule(gil_used = true)]
mod _core {
    #[pymodule_export]
    use super::budget::Budget;
    #[pymodule_export]
    use super::call::{Call, Plan};
    #[pymodule_export]
    use super::command::{invoke, progress, step};
    #[pymodule_export]
    use super::convert::{Digits, Pairs};
    #[pymodule_export]
    use super::failure::Failure;
    #[pymodule_export]
    use super::guards::{Breaker, Bulkhead, Hedge, Race, Throttle};
    #[pymodule_export]
    use super::lab::{analyse, convert, diff, explain, export_as, judged, ladder, lint, lint_hedge};
    #[pymodule_export]
    use super::policy::{Policy, compile};
    #[pymodule_export]
    use super::resume::Token;
    #[pymodule_export]
    use super::seed::{Seed, redraw_entropy};
    #[pymodule_export]
    use super::session::Session;
    #[pymodule_export]
    use super::simulate::{Simulation, simulate_herd, simulate_layers, simulate_loss, simulate_outage};
    #[pymodule_export]
    use super::tables::{call_seed, classify, read_hint, uniform, word};

    use pyo3::prelude::*;
    use pyo3::types::IntoPyDict;
    use undaunted::fleet::{BREAKER, BUDGET, BULKHEAD, POLICY, THROTTLE};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("SOURCES", undaunted::convert::Source::NAMES.to_vec())?;
        module.add("HINT_HEADERS", undaunted::hint::HEADERS)?;
        let scripts = [
            ("budget", BUDGET),
            ("breaker", BREAKER),
            ("bulkhead", BULKHEAD),
            ("throttle", THROTTLE),
            ("policy", POLICY),
        ];
        module.add("SCRIPTS", scripts.into_py_dict(module.py())?)
    }
}
