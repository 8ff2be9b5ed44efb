"""What a policy does to calls whose attempts fail with one probability: three ways to know, none of them the core's.

`exact` follows every possible call, with fractions: for delays of a few microseconds. `closed` is the formulas of SEMANTICS 17, for
policies whose limits of time decide nothing. `sampled` lets the oracle's own calls happen, seeded. All give figures as [value, error].
What a budget makes of them is in `allowance`.
"""

from collections import defaultdict
from fractions import Fraction
from itertools import combinations, count
from math import ceil, factorial, floor, sqrt

import allowance
import ceilings
import draws
from call import Call, Failure, GiveUp
from policy import MILLION

BILLION = 10**9
SHARES = {"p50": Fraction(1, 2), "p90": Fraction(9, 10), "p99": Fraction(99, 100)}
# By their names in JSON: tenths, hundredths from 0.9 on, and four closer to 1.
QUANTILES = {name: Fraction(name) for name in (
    *(f"0.{tenths}" for tenths in range(1, 10)), *(f"0.{hundredths}" for hundredths in range(91, 100)), "0.995", "0.999", "0.9995", "0.9999")}


def possible(policy, n, previous, class_="transient"):
    """The delays of retry n, equally likely; `previous` is the draw before, for decorrelated jitter."""
    if policy.first_is_immediate and n == 1:
        return range(0, 1)
    if policy.jitter == "decorrelated":
        b = policy.initial_of(class_)
        return range(b, max(b, min(policy.max_delay, 3 * (previous or b))) + 1)
    c = ceilings.ceiling(policy, class_, n - policy.first_is_immediate)
    values = {"none": (c, c), "full": (0, c), "equal": (c - c // 2, c)}
    if policy.jitter == "proportional":
        m = min(c, policy.max_delay * MILLION // (MILLION + policy.spread))
        d = m * policy.spread // MILLION
        values["proportional"] = (m - d, m + d)
    if policy.jitter == "additive":
        m = min(c, policy.max_delay - policy.spread)
        values["additive"] = (m, m + policy.spread)
    low, high = values[policy.jitter]
    return range(low, high + 1)


def limits(policy, class_="transient"):
    """(attempts, the reason they give)."""
    of_class = policy.class_settings(class_).attempts
    if of_class is not None and (policy.attempts is None or of_class <= policy.attempts):
        return of_class, "class_attempts"
    return policy.attempts, "attempts"


def exact(policy, failure, duration, class_):
    """{(outcome, waits, attempts): probability} of every call."""
    duration = min(duration, policy.attempt_timeout or duration)
    most, reason = limits(policy, class_)
    timeout = policy.timeout
    ends = defaultdict(Fraction)
    alive = {(0, None, False): Fraction(1)}
    for attempt in count(1):
        after = defaultdict(Fraction)
        for (waited, previous, is_last), share in alive.items():
            now = (attempt - 1) * duration + waited + duration
            fails = share * failure
            if policy.attempt_timeout is not None and timeout is not None and now > timeout:
                now, fails = timeout, share
            ends["success", waited, attempt] += share - fails
            if most is not None and attempt >= most:
                ends[reason, waited, attempt] += fails
                continue
            if is_last:
                ends["timeout", waited, attempt] += fails
                continue
            delays = possible(policy, attempt, previous, class_)
            for delay in delays:
                each = fails / len(delays)
                memory = None
                if policy.jitter == "decorrelated":
                    memory = previous if policy.first_is_immediate and attempt == 1 else delay
                if timeout is None or (now + delay < timeout if policy.min_attempt is None else now + delay + policy.min_attempt <= timeout):
                    after[waited + delay, memory, False] += each
                elif policy.min_attempt is None or now + policy.min_attempt > timeout:
                    ends["timeout", waited, attempt] += each
                else:
                    room = timeout - now - policy.min_attempt
                    for clipped in range(room + 1):
                        after[waited + clipped, memory, True] += each / (room + 1)
        alive = {state: share for state, share in after.items() if share}
        if not alive:
            return dict(ends), duration


def exactly(policy, failure, duration, options):
    """The figures of `exact`, whose only error is the core's rounding."""
    ends, duration = exact(policy, failure, duration, class_of(options))
    assert sum(ends.values()) == 1

    def share(*outcomes):
        return sum(p for (outcome, _, _), p in ends.items() if outcome in outcomes)

    def times(of):
        spread = defaultdict(Fraction)
        for (_, waited, attempts), p in ends.items():
            spread[of(waited, attempts)] += p

        def reached(wanted):
            total = Fraction(0)
            for at in sorted(spread):
                total += spread[at]
                if total >= wanted:
                    return figure(at, 0)

        return {"mean": figure(sum(at * p for at, p in spread.items()), 1), **by_shares(reached, options)}

    attempts = sum(attempts * p for (_, _, attempts), p in ends.items())
    return {
        **shares(share("success"), share("attempts"), share("class_attempts"), share("timeout"), 2),
        "attempts": ratio(attempts, MILLION, 2),
        "wait_us": times(lambda waited, _: waited),
        "added_latency_us": times(lambda waited, attempts: waited + (attempts - 1) * duration),
        **compounded(policy, failure, share("success"), options),
        **allowance.figures(policy, failure, attempts, limits(policy, class_of(options))[0], options),
    }


def closed(policy, failure, duration, options):
    """Without limits of time: 1 - f^m, (1 - f^m)/(1 - f), sums of means, and sums of uniform parts by inclusion and exclusion."""
    most, reason = limits(policy, class_of(options))
    ranges = [possible(policy, n, None, class_of(options)) for n in range(1, most)]
    assert policy.jitter != "decorrelated" and policy.min_attempt is None
    if policy.timeout is not None:
        assert sum(delays[-1] for delays in ranges) + most * duration < policy.timeout
    success = 1 - failure**most
    mean = sum(failure**n * Fraction(delays[0] + delays[-1], 2) for n, delays in enumerate(ranges, 1))
    attempts = sum(failure**n for n in range(most))
    gave_up = {"attempts": 0, "class_attempts": 0, reason: 1 - success}

    def below(x):
        """P(the waits are at most x)."""
        total = 1 - failure
        for n in range(1, most):
            weight = failure**n * (1 - failure if n < most - 1 else 1)
            total += weight * sum_below(ranges[:n], x)
        return total

    def quantile(wanted):
        low, high = -1, sum(delays[-1] for delays in ranges)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if below(middle) >= wanted else (middle, high)
        return high

    wait = {"mean": figure(mean, 1), **by_shares(lambda wanted: figure(quantile(wanted), most), options)}
    wait["worst"] = sum(delays[-1] for delays in ranges)
    found = {
        **shares(success, gave_up["attempts"], gave_up["class_attempts"], 0, 2),
        "attempts": ratio(attempts, MILLION, 2),
        "wait_us": wait,
        "worst_time_us": wait["worst"] + most * duration,
        **compounded(policy, failure, success, options),
        **allowance.figures(policy, failure, attempts, most, options),
    }
    return found if duration else {**found, "added_latency_us": wait}


def sum_below(ranges, x):
    """P(a delay from each range, together, is at most x), of continuous ranges: off by a microsecond for each range at most."""
    widths = [len(delays) for delays in ranges if len(delays) > 1]
    x = Fraction(x) + Fraction(1, 2) * (len(widths) + 1) - sum(delays[0] for delays in ranges)
    if not widths:
        return 1 if x > 0 else 0
    n = len(widths)
    total = 0
    for size in range(n + 1):
        for chosen in combinations(widths, size):
            rest = x - sum(chosen)
            if rest > 0:
                total += (-1) ** size * rest**n
    volume = factorial(n)
    for width in widths:
        volume *= width
    return min(Fraction(1), Fraction(total) / volume)


CALLS = 10_000
SIGMAS = 5


def sampled(policy, failure, duration, options, seed):
    """Seeded calls of the oracle. The errors are five standard deviations: beyond chance."""
    duration = min(duration, policy.attempt_timeout or duration)
    outcomes = [one(policy, failure, duration, draws.call_seed(seed, number)) for number in range(1, CALLS + 1)]

    def share(reason):
        return mean_of([outcome == reason for outcome, _, _ in outcomes], BILLION)

    def times(values):
        values = sorted(values)
        found = {"mean": mean_of(values, 1)}
        for name, wanted in SHARES.items():
            reach = SIGMAS * sqrt(wanted * (1 - wanted) * CALLS)
            low, high = (values[min(max(at, 0), CALLS - 1)] for at in (floor(wanted * CALLS - reach) - 1, ceil(wanted * CALLS + reach)))
            found[name] = [(low + high) / 2, (high - low) / 2 + 1]
        return found

    return {
        "success": share("success"),
        "gave_up": {reason: share(reason) for reason in ("attempts", "class_attempts", "timeout")},
        "attempts": mean_of([attempts for _, _, attempts in outcomes], MILLION),
        "wait_us": times([waited for _, waited, _ in outcomes]),
        "added_latency_us": times([waited + (attempts - 1) * duration for _, waited, attempts in outcomes]),
    }


def one(policy, failure, duration, call_seed):
    """(success or the reason, waits, attempts) of one call."""
    call = Call(policy, 0, call_seed)
    now = waited = 0
    for attempt in count(1):
        begun = call.attempt(now)
        if isinstance(begun, GiveUp):
            return begun.reason, waited, attempt - 1
        is_cut = begun.limit is not None and begun.limit < duration
        now += begun.limit if is_cut else duration
        if not is_cut and draws.word(call_seed ^ 0xFA11, 0, attempt) >= failure * 2**64:
            return "success", waited, attempt
        decision = call.failed(now, Failure(domain="http", code=500))
        if isinstance(decision, GiveUp):
            return decision.reason, waited, attempt
        now += decision.delay
        waited += decision.delay


def mean_of(values, unit):
    """[mean, error] of a sample, in numbers of which `unit` are one; a sample without variance may hide what is rarer than 1 in 1000."""
    mean = sum(values) / CALLS
    deviation = sqrt(sum((value - mean) ** 2 for value in values) / CALLS)
    return [round(mean, 9), round(SIGMAS * max(deviation, 0.001 if unit > 1 else 0) / sqrt(CALLS) + 1 / CALLS * (unit > 1), 9)]


def by_shares(quantile, options):
    """What shares of the calls do not exceed: the three, and all others if the options ask for them."""
    found = {name: quantile(share) for name, share in SHARES.items()}
    return {**found, "quantiles": {name: quantile(share) for name, share in QUANTILES.items()}} if options.get("quantiles") else found


def class_of(options):
    return options.get("class", "transient")


def shares(success, by_attempts, by_class, by_timeout, error):
    gave_up = {"attempts": by_attempts, "class_attempts": by_class, "timeout": by_timeout}
    return {"success": ratio(success, BILLION, error), "gave_up": {name: ratio(value, BILLION, error) for name, value in gave_up.items()}}


def compounded(policy, failure, success, options):
    """Stacks and chains of such calls."""
    layers, calls, repeats = (int(options.get(name, default)) for name, default in (("layers", 3), ("calls", 1), ("repeats", 1)))
    most, _ = limits(policy, class_of(options))
    found = {}
    if most is not None:
        all_attempts = most**layers
        mean = all_attempts if failure == 1 else (1 - failure**all_attempts) / (1 - failure)
        found = {"amplification": ratio(mean, MILLION, 2), "worst_amplification": all_attempts}
    chain = lambda each: 1 - (1 - each**calls) ** repeats
    # An error of a billionth in one call is one of `calls` billionths in a chain, and so on.
    return {**found, "chain": ratio(chain(success), BILLION, 2 + 2 * calls * repeats), "chain_without": ratio(chain(1 - failure), BILLION, 2 + 2 * calls * repeats)}


def ratio(value, unit, error):
    """[value, error] as decimals, the error in units."""
    return [round(float(value), 9), round(error / unit, 9)]


def figure(value, error):
    return [round(float(value), 3), error + 0.5 if error else 0]
