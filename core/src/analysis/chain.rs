//! Decorrelated delays, each of which has its range from the one before.
//!
//! Delay n + 1 is b + U(W(s)) with s the delay before it and W(s) = max(b, min(C, 3 s)) - b, so all that is needed is how
//! each delay is distributed, not their sum. That is followed on a grid of its own, once with all delays rounded down or once
//! with all rounded up: W grows with s, so the truth is in between.

use core::num::NonZeroU64;

use super::fixed::{ONE, times};
use super::grid::Steps;
use super::model::{Model, is_immediate};

/// Cells times retries.
const WORK: u64 = 1 << 23;
/// The most cells: ranges of them fill the memory that there is.
const CELLS: u64 = (1 << 16) - 2;

/// What a cell has: of delays, of ranges that end in it, and of those what each of their cells has.
type Cell = [u64; 3];

/// How one delay after the other is distributed.
pub(super) struct Chain<'r> {
    /// The least delay, and how far the widest range reaches above it.
    low: u64,
    most: u64,
    step: NonZeroU64,
    is_up: bool,
    ranges: &'r [[u64; 4]],
    cells: &'r mut [Cell],
}

impl<'r> Chain<'r> {
    /// Before the first of `last` delays. None if the memory is not enough, which it is.
    pub fn new(
        model: &Model,
        last: u64,
        is_up: bool,
        ranges: &'r mut [u64],
        cells: &'r mut [u64],
    ) -> Option<Chain<'r>> {
        let low = model.initial();
        let most = model.longest(last).max(low) - low;
        let count = (WORK / last.max(1)).clamp(1, CELLS);
        let step = NonZeroU64::MIN.saturating_add(most / count);
        // Rounded up, the longest delay may be a cell beyond.
        let used = (most / step) as usize + 2;
        let ranges = ranges.as_chunks_mut::<4>().0.get_mut(..used)?;
        let cells = cells.as_chunks_mut::<3>().0.get_mut(..used)?;
        let mut known = None;
        for (range, cell) in ranges.iter_mut().zip(0..) {
            let width = width(low, most, low.saturating_add(step.get().saturating_mul(cell)));
            // From a third of the longest on, all are the same.
            let steps = match known {
                Some((known, steps)) if known == width => steps,
                _ => Steps::of(width, step, is_up),
            };
            known = Some((width, steps));
            *range = [steps.last as u64, steps.of_first, steps.of_each, steps.of_last];
        }
        cells.fill([0; 3]);
        if let Some(first) = cells.first_mut() {
            first[0] = ONE;
        }
        Some(Chain { low, most, step, is_up, ranges, cells })
    }

    fn at(&self, cell: u64) -> u64 {
        self.low.saturating_add(self.step.get().saturating_mul(cell))
    }

    /// The mean of the next delay, twice, in microseconds times probability.
    fn twice_next_mean(&self) -> u128 {
        let widths = self
            .cells
            .iter()
            .zip(0..)
            .map(|(cell, at)| u128::from(cell[0]) * u128::from(width(self.low, self.most, self.at(at))));
        (u128::from(self.low) << 63).saturating_add(widths.fold(0, u128::saturating_add))
    }

    /// What at least this share of the delays does not exceed.
    pub fn quantile(&self, share: u64) -> u64 {
        let mut sum = 0_u64;
        let cell = self.cells.iter().position(|cell| {
            sum = sum.saturating_add(cell[0]);
            sum >= share
        });
        self.at(cell.map_or(0, |cell| cell as u64)).min(self.low.saturating_add(self.most))
    }

    /// From a delay to the next.
    pub fn go_on(&mut self) {
        let (mut first, mut each) = (0, 0);
        for at in 0..self.ranges.len() {
            let (Some([last, of_first, of_each, of_last]), Some(mass)) = (self.ranges.get(at), self.cells.get_mut(at))
            else {
                continue;
            };
            let mass = core::mem::take(&mut mass[0]);
            let spread = times(mass, *of_each);
            first += times(mass, *of_first);
            each += spread;
            if let Some(end) = self.cells.get_mut(*last as usize) {
                end[1] += times(mass, *of_last);
                end[2] += spread;
            }
        }
        let mut all = 0;
        for (cell, at) in self.cells.iter_mut().zip(0_u64..) {
            let [mass, ended, share] = cell;
            each -= *share;
            *mass = *ended + if at == 0 { first } else { each };
            all += *mass;
            (*ended, *share) = (0, 0);
        }
        // What flooring lost goes to the safe side.
        let place = if self.is_up { self.cells.last_mut() } else { self.cells.first_mut() };
        if let Some(cell) = place {
            cell[0] += ONE.saturating_sub(all);
        }
    }
}

/// The range of the delay after this one.
fn width(low: u64, most: u64, before: u64) -> u64 {
    before.saturating_mul(3).min(low.saturating_add(most)).max(low) - low
}

/// The waits of `last` retries together, twice, in microseconds times probability, if no decision depends on them: at least, and
/// at most.
pub(super) fn twice_means(model: &Model, last: u64, ranges: &mut [u64], cells: &mut [u64]) -> Option<[u128; 2]> {
    let mut bounds = [0_u128; 2];
    for (bound, is_up) in bounds.iter_mut().zip([false, true]) {
        let mut chain = Chain::new(model, last, is_up, ranges, cells)?;
        let mut chance = ONE;
        for n in 1..=last {
            chance = times(chance, model.failure) + u64::from(is_up);
            if is_immediate(model.policy, n) {
                continue;
            }
            let [chance, mean] =
                [u128::from(chance), chain.twice_next_mean()].map(|factor| (factor >> 31) + u128::from(is_up));
            *bound = bound.saturating_add(chance.saturating_mul(mean));
            chain.go_on();
        }
    }
    Some(bounds)
}
