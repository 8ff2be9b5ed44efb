//! The ladder: what each retry of a call waits, at least, at most, half of the time, and with one seed.

use core::num::NonZeroU64;

use super::chain::Chain;
use super::fixed::{ONE, scaled};
use super::grid::Room;
use super::model::{Model, Span, is_decorrelated, is_immediate};
use super::report::estimate;
use super::{Estimate, Options, middle};
use crate::bounds::{Bounds, Kind, Map, Unit, field};
use crate::format::{self, Mistake, Notation, Problem, number, seeds};
use crate::policy::Policy;
use crate::settings::{ABSENT, NULL};
use crate::tape::Node;
use crate::text::Text;

/// What a ladder is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LadderOptions {
    /// Attempts of the call, the first included: 2 to 1000; by default as many as the policy allows, 10 where it has no limit.
    pub attempts: Option<u64>,
    /// What the waits are drawn from.
    pub call_seed: u64,
}

impl LadderOptions {
    /// The options that `tape` describes, or None after every mistake in it was handed to `problem`.
    pub fn read(tape: &[u8], notation: Notation, problem: &mut dyn FnMut(&Problem)) -> Option<LadderOptions> {
        let mut values = [NULL, ABSENT, 1, ABSENT];
        if !OPTIONS.read(tape, notation, &mut values, problem).is_right {
            return None;
        }
        let [attempts, _, call, _] = values;
        Some(LadderOptions {
            attempts: Some(attempts).filter(|attempts| *attempts != NULL),
            call_seed: seeds::call_seed(Node::read(tape), notation, call),
        })
    }
}

/// What [`Policy::ladder`] finds.
pub struct Ladder<'p> {
    policy: &'p Policy,
    options: LadderOptions,
    rungs: u64,
}

/// The wait before one retry, in microseconds.
struct Rung {
    retry: u64,
    least: u64,
    median: Estimate,
    p99: Estimate,
    most: u64,
    drawn: u64,
    /// The waits drawn so far.
    at: u64,
    is_in_time: bool,
}

impl Policy {
    /// The waits before retries 1, 2, 3, … of a call whose attempts all fail at once, class `transient`, no hint: how they are
    /// distributed, and as they are drawn for one call. `timeout` ends it no more than it ends [`Policy::schedule`]; it is told
    /// which retries it would.
    pub fn ladder(&self, options: LadderOptions) -> Ladder<'_> {
        let allowed = self.attempts().map_or(USUAL, u64::from);
        let rungs = options.attempts.unwrap_or(allowed).min(MOST) - 1;
        Ladder { policy: self, options, rungs }
    }
}

impl Ladder<'_> {
    /// A line for each retry, with a chart, for a reader.
    pub fn text(&self, room: &mut Room, out: &mut dyn FnMut(&[u8])) {
        let text = &mut Text::new(out);
        text.text("call_seed ").number(self.options.call_seed);
        if let Some(timeout) = self.policy.timeout() {
            text.text(", timeout ").exact(timeout);
        }
        text.text("\n");
        if self.rungs == 0 {
            text.text("\nno retry\n");
            return;
        }
        text.text("\nretry").to(LEAST).text("least").to(MEDIAN).text("median");
        text.to(P99).text("p99").to(LONGEST).text("most").to(DRAWN).text("drawn").to(AT).text("at\n");
        let mut widest = 0;
        let mut sums = [0_u64; 3];
        self.each(room, &mut |rung| {
            widest = widest.max(rung.most);
            for (sum, part) in sums.iter_mut().zip([rung.least, rung.most, rung.drawn]) {
                *sum = sum.saturating_add(part);
            }
        });
        self.each(room, &mut |rung| {
            text.number(rung.retry).to(LEAST).time(rung.least);
            rounded(text.to(MEDIAN), rung.median);
            rounded(text.to(P99), rung.p99);
            text.to(LONGEST).time(rung.most).to(DRAWN).exact(rung.drawn).to(AT).time(rung.at);
            let cells = |micros: u64| scaled(micros, CELLS, widest.max(1));
            let (filled, all) = (cells(rung.drawn), cells(rung.most));
            if all > 0 {
                text.to(CHART);
            }
            (0..all).for_each(|cell| _ = text.text(if cell < filled { "█" } else { "░" }));
            text.text(if rung.is_in_time { "\n" } else { " after timeout\n" });
        });
        let [least, most, drawn] = sums;
        text.text("all").to(LEAST).time(least).to(LONGEST).time(most).to(DRAWN).exact(drawn).text("\n");
    }

    /// One object. Times are whole microseconds.
    pub fn json(&self, room: &mut Room, out: &mut dyn FnMut(&[u8])) {
        let text = &mut Text::new(out);
        text.text("{\"call_seed\":\"").number(self.options.call_seed);
        text.text("\",\"timeout_us\":").or_null(self.policy.timeout()).text(",\"retries\":[");
        self.each(room, &mut |rung| {
            text.text(if rung.retry == 1 { "" } else { "," });
            text.text("{\"retry\":").number(rung.retry).text(",\"least_us\":").number(rung.least);
            estimate(text.text(",\"p50_us\":"), rung.median, 0);
            estimate(text.text(",\"p99_us\":"), rung.p99, 0);
            text.text(",\"most_us\":").number(rung.most).text(",\"drawn_us\":").number(rung.drawn);
            text.text(",\"at_us\":").number(rung.at);
            text.text(",\"in_time\":").text(if rung.is_in_time { "true" } else { "false" }).text("}");
        });
        text.text("]}");
    }

    fn each(&self, room: &mut Room, tell: &mut dyn FnMut(Rung)) {
        let (policy, rungs) = (self.policy, self.rungs);
        let model = &Model::of(policy, &Options::default());
        let (down, up) = room.split_at_mut(1 << 19);
        let is_chained = is_decorrelated(policy);
        let mut chains =
            if is_chained { chain(model, rungs, false, down).zip(chain(model, rungs, true, up)) } else { None };
        let timeout = policy.timeout().unwrap_or(u64::MAX);
        let mut at = 0_u64;
        for ((retry, span), drawn) in (1..=rungs).zip(model.spans()).zip(policy.schedule(self.options.call_seed)) {
            at = at.saturating_add(drawn);
            let chains = chains.as_mut().filter(|_| !is_immediate(policy, retry));
            let [median, p99] = match chains {
                None => [HALF, NEARLY_ALL].map(|share| Estimate { value: quantile(span, share), error: 0 }),
                Some((down, up)) => {
                    down.go_on();
                    up.go_on();
                    [HALF, NEARLY_ALL].map(|(part, of)| {
                        let share = ONE / of * part;
                        middle(down.quantile(share), up.quantile(share))
                    })
                }
            };
            tell(Rung { retry, least: span.low, median, p99, most: span.high(), drawn, at, is_in_time: at < timeout });
        }
    }
}

fn chain<'r>(model: &Model, rungs: u64, is_up: bool, memory: &'r mut [u64]) -> Option<Chain<'r>> {
    let (ranges, cells) = memory.split_at_mut(memory.len() / 2);
    Chain::new(model, rungs, is_up, ranges, cells)
}

/// What this share of the delays does not exceed, at least.
fn quantile(span: Span, (part, of): (u64, NonZeroU64)) -> u64 {
    let values = span.width.saturating_add(1).saturating_mul(part);
    let count = values / of + u64::from(values % of != 0);
    span.low.saturating_add(count.saturating_sub(1))
}

/// What three digits do not show is no error of theirs.
fn rounded(text: &mut Text, estimate: Estimate) {
    text.time(estimate.value);
    if estimate.error > estimate.value / 2_000 {
        text.text(" ± ").time(estimate.error);
    }
}

static OPTIONS: format::Options = format::Options { map: &MAP, name: "the ladder" };

static MAP: Map = Map {
    fields: &[
        number("attempts", 0, &Bounds { unit: Unit::Count, least: 1, most: MOST }).or_null(),
        field("seed", 1, Kind::Word),
        seeds::call(2),
        field("call_seed", 3, Kind::Word),
    ],
    rivals: 1 << 1 | 1 << 3,
    unknown: Mistake::NoSuchOption,
    checks: &[seeds::call_beside(3, 2)],
};

const HALF: (u64, NonZeroU64) = (1, NonZeroU64::MIN.saturating_add(1));
const NEARLY_ALL: (u64, NonZeroU64) = (99, NonZeroU64::MIN.saturating_add(99));
/// Attempts that are shown of a policy without a limit, and at most.
const USUAL: u64 = 10;
const MOST: u64 = 1_000;
/// Where the columns of the text begin, and how wide the chart is.
const LEAST: usize = 7;
const MEDIAN: usize = 17;
const P99: usize = 27;
const LONGEST: usize = 37;
const DRAWN: usize = 47;
const AT: usize = 61;
const CHART: usize = 71;
const CELLS: u64 = 32;
