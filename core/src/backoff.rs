//! Ceilings: the delay of retry n before jitter, in exact integers.

use crate::bounds::TABLE_LEN;

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
}

/// Delays worked out when a policy is built; the last repeats.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Table {
    values: [u64; TABLE_LEN],
    len: u8,
}

impl Table {
    pub const EMPTY: Table = Table { values: [0; TABLE_LEN], len: 0 };

    /// False when the table is full.
    pub fn push(&mut self, value: u64) -> bool {
        match self.values.get_mut(usize::from(self.len)) {
            Some(place) => {
                *place = value;
                self.len += 1;
                true
            }
            None => false,
        }
    }

    /// The ceilings of an exponential backoff until they reach `max_delay`, or as many as there is room for.
    pub fn exponential(initial: u64, factor: u32, max_delay: u64) -> Table {
        let mut table = Table::EMPTY;
        let mut growth = Growth::new(initial);
        loop {
            let ceiling = growth.whole.min(max_delay);
            if !table.push(ceiling) || ceiling == max_delay {
                return table;
            }
            growth.step(factor);
        }
    }

    /// Entry `n`, counted from 1.
    pub fn at(&self, n: u32) -> u64 {
        let last = u32::from(self.len.max(1));
        let index = n.clamp(1, last) - 1;
        self.values.get(index as usize).copied().unwrap_or(0)
    }

    pub fn as_slice(&self) -> &[u64] {
        self.values.get(..usize::from(self.len)).unwrap_or(&[])
    }
}

/// One entry of [`Table::exponential`] without the table: for a class that has its own `initial`.
pub(crate) fn exponential_ceiling(initial: u64, factor: u32, max_delay: u64, n: u32) -> u64 {
    let mut growth = Growth::new(initial);
    for _ in 1..n.min(TABLE_LEN as u32) {
        if growth.whole >= max_delay {
            break;
        }
        growth.step(factor);
    }
    growth.whole.min(max_delay)
}

/// ⌊x · mul / div⌋, for mul and div below 2^32; saturates.
pub(crate) fn scale(x: u64, mul: u32, div: u32) -> u64 {
    let (high, low) = divide(x >> 32, x as u32, mul, div);
    if high >> 32 == 0 { (high << 32) | u64::from(low) } else { u64::MAX }
}

/// X(1) = initial·2^32 and X(n+1) = ⌊X(n)·F/10^6⌋, kept as whole microseconds and 32 binary places.
struct Growth {
    whole: u64,
    fraction: u32,
}

impl Growth {
    fn new(initial: u64) -> Growth {
        Growth { whole: initial, fraction: 0 }
    }

    fn step(&mut self, factor: u32) {
        (self.whole, self.fraction) = divide(self.whole, self.fraction, factor, 1_000_000);
    }
}

/// ⌊(high·2^32 + low) · mul / div⌋ in limbs of 32 bits: a division of 128-bit numbers would add 2 KB to the wasm.
fn divide(high: u64, low: u32, mul: u32, div: u32) -> (u64, u32) {
    let mul = u64::from(mul);
    let p0 = u64::from(low) * mul;
    let p1 = (high & LIMB) * mul + (p0 >> 32);
    let p2 = (high >> 32) * mul + (p1 >> 32);
    let div = u64::from(div.max(1));
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
