"""Draws: SplitMix64 by index, the seed of a call, and whole numbers spread evenly over 0..=x."""

MASK = (1 << 64) - 1
STEP = 0x9E3779B97F4A7C15
DOMAIN = 0x756E6461756E7465  # "undaunte" in ASCII

DELAY_LANE = 0
CLIP_LANE = 1


def splitmix(seed, n):
    """Output n (the first is 1) of the SplitMix64 stream seeded with `seed`."""
    z = (seed + n * STEP) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def call_seed(seed, call):
    """The seed of the call with number `call` (the first is 1)."""
    return splitmix(splitmix(seed ^ DOMAIN, 1), call)


def word(seed_of_call, lane, n):
    return splitmix(seed_of_call ^ lane, n)


def uniform(draw, x):
    """U(x): 0..=x, each value for at most ceil(2^64 / (x + 1)) of the words."""
    return (draw * (x + 1)) >> 64
