//! Ceilings: the delay of retry n before jitter, in exact integers.

use core::num::NonZeroU64;

use crate::bounds::TABLE_LEN;
use crate::settings::{BACKOFF, Settings};

/// How ceilings grow from retry to retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backoff {
    /// `initial` × `factor`^(n-1), up to `max_delay`.
    Exponential,
    /// `initial` × n, up to `max_delay`.
    Linear,
    /// `initial`, always.
    Constant,
    /// The delays as written; the last repeats.
    List,
}

impl Backoff {
    /// All kinds that have a name; a list is written as itself.
    pub const NAMES: [&'static str; 3] = ["exponential", "linear", "constant"];

    pub(crate) fn of(settings: &Settings) -> Backoff {
        match settings[BACKOFF] {
            0 => Backoff::Exponential,
            1 => Backoff::Linear,
            2 => Backoff::Constant,
            _ => Backoff::List,
        }
    }
}

/// The delay of each retry: as written, or the ceilings of an exponential policy; the last repeats.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delays {
    values: [u64; TABLE_LEN],
    len: usize,
}

impl Delays {
    pub const EMPTY: Delays = Delays { values: [0; TABLE_LEN], len: 0 };

    pub fn push(&mut self, delay: u64) {
        if let Some(place) = self.values.get_mut(self.len) {
            *place = delay;
            self.len += 1;
        }
    }

    /// The delay of retry `n`, counted from 1.
    pub fn at(&self, n: u32) -> u64 {
        let all = self.as_slice();
        all.get(n.max(1) as usize - 1).or(all.last()).copied().unwrap_or(0)
    }

    pub fn as_slice(&self) -> &[u64] {
        self.values.get(..self.len).unwrap_or(&[])
    }
}

/// The ceilings of retries 1, 2, 3, …: `initial` × `factor`^(n-1), up to `max_delay`, which ends them.
///
/// X(1) = initial·2^32 and X(n+1) = ⌊X(n)·F/10^6⌋, kept as whole microseconds and 32 binary places.
pub(crate) fn exponential(initial: u64, factor: u32, max_delay: u64) -> impl Iterator<Item = u64> {
    let mut next = Some((initial, 0));
    core::iter::from_fn(move || {
        let (whole, fraction) = next?;
        next = (whole < max_delay).then(|| divide(whole, fraction, factor, MILLION));
        Some(whole.min(max_delay))
    })
    .take(TABLE_LEN)
}

/// The ceiling of retry `n`, counted from 1.
pub(crate) fn exponential_at(initial: u64, factor: u32, max_delay: u64, n: u32) -> u64 {
    exponential(initial, factor, max_delay).take(n.max(1) as usize).last().unwrap_or(max_delay)
}

/// ⌊x · mul / div⌋, for mul and div below 2^32; saturates.
pub(crate) fn scale(x: u64, mul: u32, div: u32) -> u64 {
    let (high, low) = divide(x >> 32, x as u32, mul, div);
    if high >> 32 == 0 { (high << 32) | u64::from(low) } else { u64::MAX }
}

/// ⌊(high·2^32 + low) · mul / div⌋ in limbs of 32 bits: a division of 128-bit numbers would add 2 KB to the wasm.
fn divide(high: u64, low: u32, mul: u32, div: u32) -> (u64, u32) {
    let mul = u64::from(mul);
    let p0 = u64::from(low) * mul;
    let p1 = (high & LIMB) * mul + (p0 >> 32);
    let p2 = (high >> 32) * mul + (p1 >> 32);
    let div = NonZeroU64::new(div.into()).unwrap_or(NonZeroU64::MIN);
    let mut rest = 0;
    let mut digit = |limb: u64| {
        let part = (rest << 32) | (limb & LIMB);
        rest = part % div;
        part / div
    };
    let q3 = digit(p2 >> 32);
    let q2 = digit(p2);
    let q1 = digit(p1);
    let q0 = digit(p0);
    if q3 == 0 { ((q2 << 32) | q1, q0 as u32) } else { (u64::MAX, u32::MAX) }
}

const LIMB: u64 = 0xFFFF_FFFF;
pub(crate) const MILLION: u32 = 1_000_000;
