//! What becomes of many calls at once, followed one by one: a herd of clients, traffic over an outage, a lossy network, layers that
//! retry each other.
//!
//! Every answer is a function of its seed, the same on every host: whole numbers, no memory but what the caller lends. Each
//! simulation runs in slices (`step`), so that a page can draw between them.

mod crowd;
mod herd;
mod layers;
mod loss;
mod outage;
mod queue;
mod report;

pub use herd::{Arrivals, Client, Herd, HerdOptions, MOST_CLIENTS, MOST_PROCESSES, MOST_WINDOWS, RETRIES, Room};
pub use layers::{LAYERS, Layers, LayersOptions};
pub use loss::{Loss, LossOptions};
pub use outage::{Guard, Load, Outage, OutageOptions, OutageRoom};
pub use queue::Queue;

use crate::bounds::{Bounds, DURATION, Field, Unit};
use crate::draw::{Lane, word};
use crate::failure::{Code, Domain, Failure};

/// Beyond this many attempts a call is followed no further.
pub const MOST_ATTEMPTS: u32 = 1_000;

/// The widest window of a histogram, and the end of the last one: nobody is followed longer.
const WIDEST: u64 = 10_000_000;
const MOST_END: u64 = WIDEST * MOST_WINDOWS as u64;

/// Beside the lanes of a call: what a simulated server or network does to its `n`th request.
const SERVER: u64 = 5;
/// And the seeds of the calls that it causes further down.
const INNER: u64 = 6;

/// A word of one of these lanes.
fn drawn(call_seed: u64, lane: u64, n: u64) -> u64 {
    word(call_seed ^ lane, Lane::Delay, n)
}

/// Whether a word falls to a probability out of 2^32: by its upper half.
fn falls(word: u64, probability: u64) -> bool {
    word >> 32 < probability
}

/// Millionths as a probability out of 2^32; 0 and 1 are exact.
fn probability(millionths: u64) -> u64 {
    (millionths << 32) / 1_000_000
}

/// What a server says that fails.
fn answer(status: u64, hint: Option<u64>) -> Failure<'static> {
    Failure { domain: Domain::Http, code: Code::Number(status as i64), hint, ..Failure::default() }
}

const fn or_null(field: Field) -> Field {
    Field { is_nullable: true, ..field }
}

static STATUS: Bounds = Bounds { unit: Unit::Count, least: 400, most: 599 };
static SHARE: Bounds = Bounds { unit: Unit::Millionths, least: 0, most: 1_000_000 };
static SPAN: Bounds = Bounds { unit: Unit::Micros, least: 0, most: DURATION.1 };
static WINDOW: Bounds = Bounds { unit: Unit::Micros, least: 1, most: WIDEST };
static CAPACITY: Bounds = Bounds { unit: Unit::Count, least: 0, most: MOST_CLIENTS as u64 };
static PROCESSES: Bounds = Bounds { unit: Unit::Count, least: 1, most: MOST_PROCESSES as u64 };
