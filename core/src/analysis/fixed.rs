//! Probabilities as whole numbers: 2^62 is certain. No float, no 128-bit division.

/// A probability of one.
pub(crate) const ONE: u64 = 1 << 62;

/// The product of a probability with another, or with a number; floors.
pub(super) fn times(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 62) as u64
}

/// ⌊a / b⌋ as a probability, for a ≤ b; 0 of nothing is certain.
pub(super) fn ratio(a: u64, b: u64) -> u64 {
    if a >= b { ONE } else { scaled(a, ONE, b) }
}

/// ⌊a · b / c⌋, bit by bit; saturates, also where `c` is 0.
pub(super) fn scaled(a: u64, b: u64, c: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    let divisor = u128::from(c);
    let mut rest = product >> 64;
    if rest >= divisor {
        return u64::MAX;
    }
    let mut quotient = 0;
    for bit in (0..64).rev() {
        rest = rest << 1 | (product >> bit & 1);
        quotient <<= 1;
        if rest >= divisor {
            rest -= divisor;
            quotient |= 1;
        }
    }
    quotient
}

/// A probability `n` times in a row.
pub(super) fn power(probability: u64, mut n: u64) -> u64 {
    let (mut result, mut square) = (ONE, probability);
    while n > 0 {
        if n & 1 == 1 {
            result = times(result, square);
        }
        square = times(square, square);
        n >>= 1;
    }
    result
}

/// A sum of probabilities in units of 1/`unit`, rounded; saturates.
pub(super) fn in_units(sum: u128, unit: u64) -> u64 {
    let (whole, part) = ((sum >> 62) as u64, (sum & u128::from(ONE - 1)) as u64);
    whole.saturating_mul(unit).saturating_add(((u128::from(part) * u128::from(unit) + (1 << 61)) >> 62) as u64)
}
