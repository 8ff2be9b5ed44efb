//! Counts of the recent past: ten slots of time in a fixed ring.

use core::num::NonZeroU64;

/// How many slots a window of time has: what it holds is forgotten a tenth at a time.
const SLOTS: usize = 10;

/// How often up to three things happened lately.
pub(crate) type Counts = [u32; 3];

/// A window of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring {
    slots: [Counts; SLOTS],
    width: NonZeroU64,
    /// The number of the newest slot, counted from instant 0.
    newest: u64,
}

impl Ring {
    /// Nothing has happened in the last `window` microseconds; a window shorter than ten counts as ten.
    pub fn new(window: u64) -> Ring {
        let width = NonZeroU64::new(window / SLOTS as u64).unwrap_or(NonZeroU64::MIN);
        Ring { slots: [[0; 3]; SLOTS], width, newest: 0 }
    }

    /// How far back it looks, in microseconds.
    pub fn window(&self) -> u64 {
        self.width.get().saturating_mul(SLOTS as u64)
    }

    /// Counts each thing whose flag is set.
    pub fn add(&mut self, now: u64, happened: [bool; 3]) {
        self.turn(now);
        if let Some(slot) = self.slots.get_mut((self.newest % SLOTS as u64) as usize) {
            add(slot, happened.map(u32::from));
        }
    }

    /// All that happened in the newest ten slots.
    pub fn sum(&mut self, now: u64) -> Counts {
        self.turn(now);
        let mut sum = [0; 3];
        self.slots.iter().for_each(|slot| add(&mut sum, *slot));
        sum
    }

    /// Empties the slots that time has gone past: after a long gap all of them, once. Time that goes back changes nothing.
    fn turn(&mut self, now: u64) {
        let newest = now / self.width;
        for step in 1..=newest.saturating_sub(self.newest).min(SLOTS as u64) {
            let number = self.newest.wrapping_add(step);
            if let Some(slot) = self.slots.get_mut((number % SLOTS as u64) as usize) {
                *slot = [0; 3];
            }
        }
        self.newest = self.newest.max(newest);
    }
}

fn add(to: &mut Counts, more: Counts) {
    for (count, more) in to.iter_mut().zip(more) {
        *count = count.saturating_add(more);
    }
}
