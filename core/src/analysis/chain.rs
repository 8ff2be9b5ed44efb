//! The mean of decorrelated delays, each of which has its range from the one before.
//!
//! Delay n + 1 is b + U(W(s)) with s the delay before it and W(s) = max(b, min(C, 3 s)) - b, so its mean is b + E W(s) / 2: all
//! that is needed is how the delays are distributed, not their sum. That is followed on a grid of its own, twice, with all
//! delays rounded down and all rounded up: W grows with s, so the true mean is in between.

use core::num::NonZeroU64;

use super::fixed::{ONE, times};
use super::grid::Steps;
use super::model::{Model, is_immediate};
use crate::settings::MAX_DELAY;

/// Cells times retries.
const WORK: u64 = 1 << 23;
/// The most cells: ranges of them fill the memory that there is.
const CELLS: u64 = (1 << 16) - 2;

/// What a cell has: of delays, of ranges that end in it, and of those what each of their cells has.
type Cell = [u64; 3];

/// The waits of `last` retries together, twice, in microseconds times probability, if no decision depends on them: at least, and
/// at most.
pub(super) fn twice_means(model: &Model, last: u64, ranges: &mut [u64], cells: &mut [u64]) -> Option<[u128; 2]> {
    let low = model.initial();
    let most = model.policy.settings[MAX_DELAY].max(low) - low;
    let count = (WORK / last.max(1)).clamp(1, CELLS);
    let step = NonZeroU64::MIN.saturating_add(most / count);
    // Rounded up, the longest delay may be a cell beyond.
    let used = (most / step) as usize + 2;
    let (ranges, cells) = (ranges.as_chunks_mut::<4>().0, cells.as_chunks_mut::<3>().0);
    let (ranges, cells) = (ranges.get_mut(..used)?, cells.get_mut(..used)?);
    Some([false, true].map(|is_up| {
        let width = |cell: u64| {
            let before = low.saturating_add(step.get().saturating_mul(cell));
            before.saturating_mul(3).min(low.saturating_add(most)).max(low) - low
        };
        let mut known = None;
        for (range, cell) in ranges.iter_mut().zip(0..) {
            let width = width(cell);
            // From a third of the cap on, all are the same.
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
        let (mut sum, mut chance) = (0_u128, ONE);
        for n in 1..=last {
            chance = times(chance, model.failure) + u64::from(is_up);
            if is_immediate(model.policy, n) {
                continue;
            }
            let widths = cells.iter().zip(0..).map(|(cell, at)| u128::from(cell[0]) * u128::from(width(at)));
            let mean = (u128::from(low) << 63).saturating_add(widths.fold(0, u128::saturating_add));
            let [chance, mean] = [u128::from(chance), mean].map(|factor| (factor >> 31) + u128::from(is_up));
            sum = sum.saturating_add(chance.saturating_mul(mean));
            follow(ranges, cells, is_up);
        }
        sum
    }))
}

/// From a delay to the next.
fn follow(ranges: &[[u64; 4]], cells: &mut [Cell], is_up: bool) {
    let (mut first, mut each) = (0, 0);
    for at in 0..ranges.len() {
        let (Some([last, of_first, of_each, of_last]), Some(mass)) = (ranges.get(at), cells.get_mut(at)) else {
            continue;
        };
        let mass = core::mem::take(&mut mass[0]);
        let spread = times(mass, *of_each);
        first += times(mass, *of_first);
        each += spread;
        if let Some(end) = cells.get_mut(*last as usize) {
            end[1] += times(mass, *of_last);
            end[2] += spread;
        }
    }
    let mut all = 0;
    for (cell, at) in cells.iter_mut().zip(0_u64..) {
        let [mass, ended, share] = cell;
        each -= *share;
        *mass = *ended + if at == 0 { first } else { each };
        all += *mass;
        (*ended, *share) = (0, 0);
    }
    // What flooring lost goes to the safe side.
    let place = if is_up { cells.last_mut() } else { cells.first_mut() };
    if let Some(cell) = place {
        cell[0] += ONE.saturating_sub(all);
    }
}
