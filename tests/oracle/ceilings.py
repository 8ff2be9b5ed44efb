"""The delay of retry n: the ceiling before jitter, and every jitter over it."""

from functools import lru_cache

from draws import DELAY_LANE, uniform, word
from policy import MILLION

TABLE = 64


@lru_cache(maxsize=4_096)
def ladder(initial, factor, max_delay):
    """Exponential ceilings 1..64: X(1) = initial * 2^32, X(n+1) = floor(X(n) * factor)."""
    steps, x = [], initial << 32
    for _ in range(TABLE):
        steps.append(min(max_delay, x >> 32))
        if x >> 32 < max_delay:
            x = x * factor // MILLION
    return tuple(steps)


def ceiling(policy, class_, n):
    """Ceiling n >= 1 with the first delay of the class."""
    if policy.backoff == "list":
        return policy.delays[min(n, len(policy.delays)) - 1]
    initial = policy.initial_of(class_)
    if policy.backoff == "constant":
        return min(policy.max_delay, initial)
    if policy.backoff == "linear":
        return min(policy.max_delay, initial * n)
    return ladder(initial, policy.factor, policy.max_delay)[min(n, TABLE) - 1]


def jittered(policy, c, draw):
    """One draw under ceiling c, for every jitter but decorrelated."""
    most = policy.max_delay
    if policy.jitter == "none":
        return c
    if policy.jitter == "full":
        return uniform(draw, c)
    if policy.jitter == "equal":
        return c - uniform(draw, c // 2)
    if policy.jitter == "proportional":
        m = min(c, most * MILLION // (MILLION + policy.spread))
        d = m * policy.spread // MILLION
        return m - d + uniform(draw, 2 * d)
    assert policy.jitter == "additive"
    return min(c, most - policy.spread) + uniform(draw, policy.spread)


class Delays:
    """The delays of one call; decorrelated looks at the one before."""

    def __init__(self, policy, call_seed):
        self.policy = policy
        self.call_seed = call_seed
        self.previous = None

    def next(self, class_, n, index):
        """The delay of retry n under ceiling `index`."""
        draw = word(self.call_seed, DELAY_LANE, n)
        if self.policy.jitter != "decorrelated":
            self.previous = jittered(self.policy, ceiling(self.policy, class_, index), draw)
            return self.previous
        b = self.policy.initial_of(class_)
        previous = b if self.previous is None else self.previous
        high = max(b, min(self.policy.max_delay, 3 * previous))
        self.previous = b + uniform(draw, high - b)
        return self.previous


def schedule(policy, call_seed, attempts=None):
    """The waits before attempts 2.. if every attempt failed at once, class transient, whatever the timeout."""
    attempts = policy.attempts if attempts is None else attempts
    delays, waits = Delays(policy, call_seed), []
    for n in range(1, attempts):
        if policy.first_is_immediate and n == 1:
            waits.append(0)
        else:
            waits.append(delays.next("transient", n, n - policy.first_is_immediate))
    return waits
