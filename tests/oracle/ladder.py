"""The waits before each retry of one call: how each is distributed by itself, and as it is drawn."""

from fractions import Fraction
from math import ceil

import ceilings
from analysis import possible

SHARES = {"p50_us": Fraction(1, 2), "p99_us": Fraction(99, 100)}
USUAL = 10


def ladder(policy, call_seed, attempts=None):
    retries = min(attempts or policy.attempts or USUAL, 1000) - 1
    drawn = ceilings.schedule(policy, call_seed, retries + 1)
    at = 0
    found = []
    for n, ((values, shares), delay) in enumerate(zip(marginals(policy, retries), drawn), 1):
        at += delay
        found.append({"retry": n, "least_us": values[0],
                      **{name: [quantile(values, shares, share), 0 if shares is None else 1] for name, share in SHARES.items()},
                      "most_us": values[-1], "drawn_us": delay, "at_us": at, "in_time": policy.timeout is None or at < policy.timeout})
    return {"call_seed": str(call_seed), "timeout_us": policy.timeout, "retries": found}


def marginals(policy, retries):
    """(values, their probabilities or None if they are the same) of each retry."""
    if policy.jitter != "decorrelated":
        yield from ((possible(policy, n, None), None) for n in range(1, retries + 1))
        return
    before = {policy.initial_of("transient"): 1.0}
    for n in range(1, retries + 1):
        if policy.first_is_immediate and n == 1:
            yield range(1), None
            continue
        # What each previous delay gives to all of its range, as a sum of steps.
        longest = len(possible(policy, n, max(before)))
        steps = [0.0] * (longest + 1)
        for previous, share in before.items():
            count = len(possible(policy, n, previous))
            steps[0] += share / count
            steps[count] -= share / count
        low = policy.initial_of("transient")
        level, after = 0.0, {}
        for place, step in enumerate(steps[:-1]):
            level += step
            after[low + place] = level
        before = after
        yield list(after), list(after.values())


def quantile(values, shares, share):
    if shares is None:
        return values[ceil(share * len(values)) - 1]
    sum = 0.0
    for value, chance in zip(values, shares):
        sum += chance
        if sum >= share - 1e-12:
            return value
    return values[-1]
