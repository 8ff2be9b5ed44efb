//! One retry policy, one engine: the same decisions in Rust, JavaScript and Python.
//!
//! The core decides, the host waits. It has no clock, no sleep, no thread, no hidden randomness: time and seeds are
//! arguments, and every answer is a plain value. Times are whole microseconds.
//!
//! ```
//! use undaunted::{Code, Decision, Domain, Failure, Mode, Policy, Shared, call_seed};
//!
//! let policy = Policy::preset("interactive").expect("a preset");
//! let mut call = policy.start(0, call_seed(42, 1), None, Mode::Normal);
//! let failure = Failure { domain: Domain::Http, code: Code::Number(503), ..Failure::default() };
//! match policy.failed(&mut call, 1_000, &failure, Shared::default()) {
//!     Decision::Retry { delay, .. } => assert!(delay <= 200_000), // full jitter below `initial`
//!     Decision::GiveUp { reason, .. } => panic!("gave up: {}", reason.as_str()),
//! }
//! ```
//!
//! Reading order: [`Policy`], [`backoff`], [`jitter`], [`call`]; [`classify()`] and [`hint`] for looking up.

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

#[cfg(feature = "serde")]
extern crate alloc;

#[cfg(feature = "lab")]
pub mod analysis;
pub mod backoff;
pub mod bounds;
pub mod breaker;
pub mod budget;
pub mod bulkhead;
pub mod call;
mod classify;
#[cfg(feature = "lab")]
pub mod command;
#[cfg(feature = "lab")]
pub mod convert;
mod date;
mod decimal;
#[cfg(feature = "lab")]
pub mod diff;
pub mod draw;
#[cfg(feature = "lab")]
pub mod explain;
#[cfg(feature = "lab")]
pub mod export;
pub mod failure;
pub mod fleet;
mod format;
pub mod hedge;
pub mod hint;
pub mod hint_rule;
pub mod jitter;
#[cfg(feature = "lab")]
pub mod lint;
mod name;
pub mod policy;
pub mod presets;
#[cfg(feature = "lab")]
pub mod resume;
mod ring;
mod rules;
mod settings;
#[cfg(feature = "sim")]
pub mod sim;
mod term;
#[cfg(feature = "lab")]
mod text;
pub mod throttle;
mod words;

pub use breaker::Breaker;
pub use budget::{Budget, BudgetMode};
pub use bulkhead::Bulkhead;
pub use call::{Attempt, Call, Decision, Mode, Reason, Refused, Shared};
pub use classify::{Classification, classify};
pub use draw::{Lane, call_seed, uniform, word};
pub use failure::{Class, Code, Condition, Domain, Failure, Phase, Sent, Verdict};
pub use format::{Notation, Problem, tape};
pub use hedge::Hedge;
pub use policy::{Nested, Policy};
pub use throttle::Throttle;
