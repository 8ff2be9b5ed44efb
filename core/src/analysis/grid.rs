//! The distribution of the waits of a call, on a grid whose error is bounded, not guessed.
//!
//! Every delay is its lower end, kept exactly, plus a uniform part, rounded to the grid. The calculation is made twice, once
//! with all uniform parts rounded down and once with all rounded up. Both are coupled to the true call by the same words:
//! as long as no decision differs, the true waits lie between the two. How often one differs is known too, since each
//! decision is made later with longer waits: the difference of how many attempts the two make. On a grid of one microsecond
//! the two are one, and the result is exact.

use core::iter::repeat_n;
use core::num::{NonZeroU64, NonZeroUsize};

use super::chain;
use super::fixed::{ONE, power, ratio, times};
use super::model::{Model, is_decorrelated, is_immediate};

/// Working memory of an analysis, lent by the caller: 8 MB.
pub type Room = [u64; 1 << 20];

/// Retries that are followed; what goes on beyond them is reported as unfinished.
pub(super) const HORIZON: u64 = 1_000;
/// A call that fails so often is not followed further: 2^-30.
const NEGLIGIBLE: u64 = ONE >> 30;
/// Cells times retries: what a browser's page can wait for.
const WORK: u64 = 1 << 25;
/// The waits before the one whose size is remembered, for decorrelated jitter.
const COLUMNS: usize = 128;

/// Both calculations.
pub(super) struct Grid<'r> {
    /// Microseconds between cells.
    pub step: u64,
    /// Delays are not random: cell k stands for k retries.
    pub is_discrete: bool,
    pub down: Followed<'r>,
    pub up: Followed<'r>,
    /// How often rounding may have changed a decision.
    pub doubt: u64,
    /// The waits of all retries made, twice, in microseconds times probability, at least and at most; None if decisions depend on
    /// them.
    pub twice_mean: Option<[u128; 2]>,
}

/// What becomes of calls: probabilities, or sums of them.
#[derive(Default)]
pub(super) struct Followed<'r> {
    /// The distribution of the waits, and of waits with the attempts after the first.
    pub waits: &'r [u64],
    pub latencies: &'r [u64],
    /// Attempts started; those of them after a wait that was not clipped; those that may end in time.
    pub started: u128,
    unclipped: u128,
    in_time: u128,
    pub success: u128,
    pub by_attempts: u128,
    pub by_timeout: u128,
    pub unfinished: u128,
    /// The waits of all retries made, twice, in microseconds times probability: right if no decision depends on them, and no
    /// delay on the one before.
    twice_mean: u128,
}

impl Followed<'_> {
    /// Whether no decision depended on how long calls had waited.
    fn is_free(&self) -> bool {
        self.by_timeout == 0 && self.started == self.unclipped
    }
}

pub(super) fn calculate<'r>(model: &Model, room: &'r mut Room) -> Grid<'r> {
    let last = last_retry(model);
    let mut random = 0_u64;
    let mut range = model.duration.saturating_mul(last);
    for span in model.spans().take(last as usize) {
        random |= span.width;
        range = range.saturating_add(span.high());
    }
    let range = range.min(model.timeout.unwrap_or(u64::MAX)).min(u64::MAX >> 8);
    let is_discrete = random == 0 && model.min_attempt.is_none();
    let (states, exits) = room.split_at_mut(1 << 19);
    let (state, next) = states.split_at_mut(1 << 18);
    let (first, second) = exits.split_at_mut(1 << 18);
    let is_chained = is_decorrelated(model.policy);
    // The rounding up of each retry takes a cell more.
    let most = if is_chained { (1 << 18) / COLUMNS as u64 } else { (1 << 17).min(WORK / last.max(1)) };
    let cells = most.saturating_sub(last + 4);
    let step = NonZeroU64::MIN.saturating_add(range / cells.max(1));
    let mut follow = |exits: &'r mut [u64], is_up: bool| {
        let (waits, latencies) = exits.split_at_mut(1 << 17);
        if is_chained {
            let columns = Columns::<COLUMNS>::of(model, last, step, is_up);
            Walk { model, step, is_up, is_discrete, last, columns }.follow(state, next, waits, latencies)
        } else {
            let columns = Columns::<1>::of(model, last, step, is_up);
            Walk { model, step, is_up, is_discrete, last, columns }.follow(state, next, waits, latencies)
        }
    };
    let (down, up) = (follow(first, false), follow(second, true));
    let differences = [(down.started, up.started), (down.unclipped, up.unclipped), (down.in_time, up.in_time)];
    let doubt = differences.iter().fold(0, |sum: u128, (one, other)| sum.saturating_add(one.abs_diff(*other)));
    let is_free = down.is_free() && up.is_free();
    let twice_mean = match is_chained {
        _ if !is_free => None,
        true => chain::twice_means(model, last, state, next),
        false => Some([down.twice_mean; 2]),
    };
    Grid { step: step.get(), is_discrete, down, up, doubt: doubt.min(ONE.into()) as u64, twice_mean }
}

/// The last retry that is followed.
fn last_retry(model: &Model) -> u64 {
    let most = model.attempts.map_or(HORIZON, |attempts| (attempts - 1).min(HORIZON));
    (1..=most).find(|n| power(model.failure, *n) < NEGLIGIBLE || model.latest(*n).is_none()).unwrap_or(most)
}

/// How a uniform part falls on cells: whole numbers from 0 to `last`, with the probability of the first, the last and each
/// between.
#[derive(Clone, Copy, Default)]
pub(super) struct Steps {
    pub last: usize,
    pub of_first: u64,
    pub of_each: u64,
    pub of_last: u64,
}

impl Steps {
    pub fn of(width: u64, step: NonZeroU64, is_up: bool) -> Steps {
        let values = width.saturating_add(1);
        let last = width / step + u64::from(is_up && width % step != 0);
        if last == 0 {
            return Steps { last: 0, of_first: ONE, of_each: 0, of_last: 0 };
        }
        let of_each = ratio(step.get(), values);
        let of_first = if is_up { ratio(1, values) } else { of_each };
        let of_last = ONE.saturating_sub(of_first).saturating_sub(of_each.saturating_mul(last - 1));
        Steps { last: last.min(BEYOND) as usize, of_first, of_each, of_last }
    }

    /// The probability of at most this cell.
    fn up_to(&self, cell: usize) -> u64 {
        if cell >= self.last { ONE } else { self.of_first + self.of_each * cell as u64 }
    }
}

/// The ranges of decorrelated delays by the size of the one before; of other delays there is one column.
struct Columns<const WIDTH: usize> {
    steps: [Steps; WIDTH],
    /// Cells that share a column.
    share: NonZeroUsize,
    is_up: bool,
}

impl<const WIDTH: usize> Columns<WIDTH> {
    fn of(model: &Model, last: u64, step: NonZeroU64, is_up: bool) -> Columns<WIDTH> {
        let low = model.initial();
        let longest = model.longest(last);
        // From a third of that on, all are the same.
        let wide = (longest.div_ceil(3).saturating_sub(low) / step).saturating_add(1);
        let share = wide / (WIDTH.max(2) as u64 - 1) + 1;
        let mut steps = [Steps::default(); WIDTH];
        for (steps, column) in steps.iter_mut().zip(0_u64..) {
            let before = low.saturating_add((column * share).saturating_mul(step.get()));
            let is_last = column + 1 == WIDTH as u64;
            let high = if is_last { longest } else { before.saturating_mul(3).min(longest) };
            *steps = Steps::of(high.max(low) - low, step, is_up);
        }
        let share = NonZeroUsize::new(share.min(BEYOND) as usize).unwrap_or(NonZeroUsize::MIN);
        Columns { steps, share, is_up }
    }

    fn at(&self, cell: usize) -> usize {
        let column = cell / self.share + usize::from(self.is_up && cell % self.share != 0);
        column.min(WIDTH - 1)
    }
}

/// One of the two calculations.
struct Walk<'m, const WIDTH: usize> {
    model: &'m Model<'m>,
    step: NonZeroU64,
    is_up: bool,
    is_discrete: bool,
    last: u64,
    columns: Columns<WIDTH>,
}

impl<const WIDTH: usize> Walk<'_, WIDTH> {
    fn follow<'r>(
        &self,
        state: &mut [u64],
        next: &mut [u64],
        waits: &'r mut [u64],
        latencies: &'r mut [u64],
    ) -> Followed<'r> {
        let model = self.model;
        let mut found = Followed::default();
        for memory in [&mut *state, &mut *next, &mut *waits, &mut *latencies] {
            memory.fill(0);
        }
        let (mut state, mut next) = (state.as_chunks_mut::<WIDTH>().0, next.as_chunks_mut::<WIDTH>().0);
        if let Some(start) = state.as_flattened_mut().first_mut() {
            *start = ONE;
        }
        let (mut chance, mut offset, mut used) = (ONE, 0_u64, 1_usize);
        for (n, span) in (0..=self.last).zip(model.spans()) {
            let is_last = model.is_last(n + 1);
            let failing = times(chance, model.failure);
            let later = offset.saturating_add(span.low);
            let latest = if is_last || n == self.last { None } else { model.latest(n + 1) };
            let room =
                latest.and_then(|latest| latest.checked_sub(later)).map(|room| (room / self.step).min(BEYOND) as usize);
            let is_chained = WIDTH > 1 && !is_immediate(model.policy, n + 1);
            let steps = Steps::of(if is_chained { 0 } else { span.width }, self.step, self.is_up);
            let mut end = End {
                model,
                step: self.step.get(),
                last: self.last,
                discrete: self.is_discrete.then_some(n as usize),
                n,
                chance,
                failing,
                is_last,
                offset,
                in_time: model.latest_end(n).and_then(|end| end.checked_sub(offset)),
                clip: latest.filter(|_| model.min_attempt.is_some()).and_then(|latest| latest.checked_sub(offset)),
                waits: self.spread(waits, offset, [0, 0], latest),
                latencies: self.spread(latencies, offset, [n, n + 1], latest),
                found: &mut found,
            };
            let widest = if is_chained { self.columns.steps.last().map_or(0, |steps| steps.last) } else { steps.last };
            let reached = (used + widest).min(room.map_or(0, |room| room + 1)).min(next.len());
            let after = next.get_mut(..reached).unwrap_or(&mut []);
            let before = state.get(..used).unwrap_or(&[]);
            if is_chained {
                self.chain(before, after, room, &mut end);
            } else {
                self.shift(before, after, room, &steps, &mut end);
            }
            end.waits.finish();
            end.latencies.finish();
            if room.is_none() || after.as_flattened().iter().all(|mass| *mass == 0) {
                break;
            }
            (state, next) = (next, state);
            (chance, offset, used) = (failing, later, reached);
            found.twice_mean += u128::from(chance) * u128::from(span.low.saturating_mul(2).saturating_add(span.width));
        }
        found.waits = waits;
        found.latencies = latencies;
        found
    }

    /// Adds the same uniform part to every state: a sliding sum.
    fn shift(
        &self,
        state: &[[u64; WIDTH]],
        next: &mut [[u64; WIDTH]],
        room: Option<usize>,
        steps: &Steps,
        end: &mut End,
    ) {
        for (at, row) in state.iter().enumerate() {
            let moved = room.and_then(|room| room.checked_sub(at)).map_or(0, |cells| steps.up_to(cells));
            end.at(at, row.iter().sum(), |mass| times(mass, moved));
        }
        end.after(state.len());
        for column in 0..WIDTH {
            let of = |at: usize| state.get(at).and_then(|row| row.get(column)).copied().unwrap_or(0);
            // Before the first row there is none.
            let before = |at: usize, cells: usize| of(at.wrapping_sub(cells));
            let mut between = 0;
            for (at, row) in next.iter_mut().enumerate() {
                let Some(place) = row.get_mut(column) else { continue };
                let (newest, oldest) = (of(at), before(at, steps.last));
                if steps.last == 0 {
                    *place = newest;
                    continue;
                }
                between = between + before(at, 1) - oldest;
                let sum = u128::from(steps.of_first) * u128::from(newest)
                    + u128::from(steps.of_each) * u128::from(between)
                    + u128::from(steps.of_last) * u128::from(oldest);
                *place = (sum >> 62) as u64;
            }
        }
    }

    /// Adds to every state a uniform part whose range depends on the column, and moves to the column of what was added.
    fn chain(&self, state: &[[u64; WIDTH]], next: &mut [[u64; WIDTH]], room: Option<usize>, end: &mut End) {
        next.as_flattened_mut().fill(0);
        for (at, row) in state.iter().enumerate() {
            let total = row.iter().sum();
            let columns = || row.iter().zip(&self.columns.steps).filter(|(mass, _)| **mass != 0);
            let Some(cells) = room.and_then(|room| room.checked_sub(at)) else {
                end.at(at, total, |_| 0);
                continue;
            };
            let widest = columns().next_back().map_or(0, |(_, steps)| steps.last);
            // Of those columns whose range ends beyond the cell.
            let mut each: u64 = columns().map(|(mass, steps)| times(*mass, steps.of_each)).sum();
            let mut ending = columns().peekable();
            let mut moved = 0;
            for cell in 0..=widest.min(cells) {
                let mut sum = 0;
                if cell == 0 {
                    sum = columns().map(|(mass, steps)| times(*mass, steps.of_first)).sum();
                }
                while let Some((mass, steps)) = ending.next_if(|(_, steps)| steps.last <= cell) {
                    each = each.saturating_sub(times(*mass, steps.of_each));
                    sum += times(*mass, steps.of_last);
                }
                if cell > 0 {
                    sum += each;
                }
                moved += sum;
                let place = next.get_mut(at + cell).and_then(|row| row.get_mut(self.columns.at(cell)));
                if let Some(place) = place {
                    *place += sum;
                }
            }
            // What flooring lost is no decision.
            let is_whole = cells >= widest;
            end.at(at, total, |mass| if is_whole { mass } else { moved.min(mass) });
        }
        end.after(state.len());
    }

    /// Where calls that have waited for `offset` and more end, whose attempts count after `attempts[0]` of them, or
    /// after `attempts[1]` where a clipped wait follows.
    fn spread<'w>(&self, cells: &'w mut [u64], offset: u64, attempts: [u64; 2], latest: Option<u64>) -> Spread<'w> {
        let [ended, clipped] = attempts.map(|attempts| self.model.duration.saturating_mul(attempts));
        let latest = latest.filter(|_| self.model.min_attempt.is_some()).map(|latest| latest.saturating_add(clipped));
        let last = latest.and_then(|latest| match self.is_up {
            true => Some(self.cell(latest) + 1),
            false => self.cell(latest.saturating_add(1)).checked_sub(1),
        });
        let (base, clipped_base) = (self.cell(offset.saturating_add(ended)), self.cell(offset.saturating_add(clipped)));
        Spread { cells, base, clipped_base, last, is_up: self.is_up, rate: 0, next: 0 }
    }

    /// Rounds to a cell.
    fn cell(&self, micros: u64) -> usize {
        let is_between = self.is_up && micros % self.step != 0;
        (micros / self.step).min(BEYOND) as usize + usize::from(is_between)
    }
}

/// What becomes of the calls at attempt `n` + 1, by how long they have waited.
struct End<'e, 'r> {
    model: &'e Model<'e>,
    step: u64,
    /// The last retry that is followed.
    last: u64,
    /// Where calls end whose delays are not random.
    discrete: Option<usize>,
    n: u64,
    /// The probability of so many failures, and of one more.
    chance: u64,
    failing: u64,
    is_last: bool,
    offset: u64,
    /// The most they may have waited for the attempt to end in time, and for a clipped wait, beyond `offset`.
    in_time: Option<u64>,
    clip: Option<u64>,
    waits: Spread<'e>,
    latencies: Spread<'e>,
    found: &'e mut Followed<'r>,
}

impl End<'_, '_> {
    /// `moved` is how much of the mass goes on to the next retry if its attempt fails.
    fn at(&mut self, cell: usize, mass: u64, moved: impl Fn(u64) -> u64) {
        let model = self.model;
        let beyond = (cell as u64).saturating_mul(self.step);
        let all = times(self.chance, mass);
        let is_in_time = self.in_time.is_some_and(|most| beyond <= most);
        let success = if is_in_time { all - times(self.failing, mass).min(all) } else { 0 };
        let gone = if is_in_time { times(self.failing, moved(mass)) } else { 0 };
        let rest = (all - success).saturating_sub(gone);
        let found = &mut *self.found;
        found.started += u128::from(all);
        found.unclipped += u128::from(all);
        found.in_time += if is_in_time { u128::from(all) } else { 0 };
        let mut ended = rest;
        let mut clipped = 0;
        if self.is_last {
            found.by_attempts += u128::from(rest);
        } else if self.n == self.last {
            found.unfinished += u128::from(rest);
            ended = 0;
        } else if let Some(room) = self.clip.and_then(|most| most.checked_sub(beyond)) {
            let waited = self.offset.saturating_add(beyond);
            let end = model.latest_end(self.n + 1).and_then(|end| end.checked_sub(waited));
            let in_time = end.map_or(0, |end| ratio(end.saturating_add(1), room.saturating_add(1)));
            let succeeded = times(times(rest, in_time), model.success());
            found.started += u128::from(rest);
            found.in_time += u128::from(times(rest, in_time));
            found.success += u128::from(succeeded);
            let reason = if model.is_last(self.n + 2) { &mut found.by_attempts } else { &mut found.by_timeout };
            *reason += u128::from(rest - succeeded);
            (clipped, ended) = (rest, 0);
        } else {
            found.by_timeout += u128::from(rest);
        }
        found.success += u128::from(success);
        self.waits.add(cell, self.discrete, success + ended, clipped);
        // Attempts that last no time add nothing.
        if model.duration > 0 {
            self.latencies.add(cell, self.discrete, success + ended, clipped);
        }
    }

    /// Goes on behind the last cell with clipped waits.
    fn after(&mut self, used: usize) {
        self.waits.next = self.waits.clipped_base + used;
        self.latencies.next = self.latencies.clipped_base + used;
    }
}

/// Where calls end: at their cell, or spread evenly from a cell to the last, if the wait was clipped.
struct Spread<'w> {
    cells: &'w mut [u64],
    base: usize,
    clipped_base: usize,
    last: Option<usize>,
    is_up: bool,
    /// What each cell gets from those before it.
    rate: u64,
    next: usize,
}

impl Spread<'_> {
    /// Called for each cell in turn.
    fn add(&mut self, cell: usize, discrete: Option<usize>, ended: u64, clipped: u64) {
        if let Some(place) = self.cells.get_mut(discrete.unwrap_or(self.base + cell)) {
            *place += ended;
        }
        let Some(last) = self.last else { return };
        let at = self.clipped_base + cell;
        // Rounded up, a clipped wait ends at the cell after at the earliest.
        let count = (last + 1).saturating_sub(at + usize::from(self.is_up)) as u64;
        let each = clipped.checked_div(count).unwrap_or(0);
        let before = self.rate;
        self.rate += each;
        let here = if self.is_up { before } else { self.rate };
        let rest = clipped - each * count;
        if let Some(place) = self.cells.get_mut(at).filter(|_| at <= last) {
            *place += here;
        }
        // What does not divide goes to the safe side.
        if let Some(place) = self.cells.get_mut(if self.is_up { last } else { at }) {
            *place += rest;
        }
    }

    fn finish(&mut self) {
        let Some(last) = self.last else { return };
        let count = (last + 1).saturating_sub(self.next);
        for (place, rate) in self.cells.iter_mut().skip(self.next).zip(repeat_n(self.rate, count)) {
            *place += rate;
        }
    }
}

/// More cells than there are, and still a `usize` of 32 bits.
const BEYOND: u64 = 1 << 30;
