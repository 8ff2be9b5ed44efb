"""What a budget makes of a policy: the burst is counted on the oracle's own budget, the long run is a balance of tokens, or seeded calls that
share a budget on one clock.

The balance follows one call whose retries are each granted with probability g, and looks for the greatest g at which the budget loses
nothing: written from SEMANTICS 8, without the formulas that come of it. It holds for a budget that is large beside what a retry takes.
"""

from fractions import Fraction
from heapq import heappop, heappush
from math import sqrt

import draws
from budget import Budget
from call import Call, Failure, GiveUp
from policy import MILLION

LONG = 2_000  # attempts, where there is no limit of them
HALVINGS = 60


def figures(policy, failure, attempts, most, options):
    """`attempts` of a call on average without a budget, and `most`."""
    if policy.budget is not None and policy.budget.mode is None:
        return {"outage_burst": None, "sustained_load": None, "outage_load": None}
    if policy.budget is None:
        return {"outage_burst": None, "sustained_load": load(attempts), "outage_load": load(most)}
    return {
        "outage_burst": burst(policy, options),
        "sustained_load": load(sustained(policy, failure, attempts, most, options)),
        "outage_load": load(sustained(policy, Fraction(1), most, most, options)),
    }


def load(attempts):
    return None if attempts is None else [round(float(attempts), 9), 2e-06]


def burst(policy, options):
    """Failures that a full budget lets be retried, one after the other."""
    budget, cost = Budget(policy.budget), cost_of(policy, options)
    if budget.options.mode != "window" and price(policy, options) == 0:
        return None
    retries = 0
    while True:
        budget.attempt_failed(cost)
        if budget.take(cost, 0) is None:
            return retries
        retries += 1


def sustained(policy, failure, own, most, options):
    """Attempts of a call; `own` without a budget, None without limit."""
    if loses_nothing(policy, failure, Fraction(1), most, options):
        return own
    low, high = Fraction(0), Fraction(1)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if loses_nothing(policy, failure, middle, most, options) else (low, middle)
    return sum(reached(failure * low, most))


def loses_nothing(policy, failure, granted, most, options):
    """Whether a budget gains by a call as much as it loses, or more."""
    budget, price_of_one = policy.budget, price(policy, options)
    reward = Fraction(budget.reward or 0, MILLION)
    begun = reached(failure * granted, most)  # the chance that attempt 1, 2, ... is made
    gained = lost = Fraction(0)
    for number, chance in enumerate(begun, 1):
        if budget.mode == "bucket":
            gained += chance * (1 - failure) * (price_of_one if budget.refund and number > 1 else reward)
            lost += chance * price_of_one if number > 1 else 0
        elif budget.mode == "failures":
            gained += chance * (1 - failure) * reward
            lost += chance * failure * price_of_one
        else:
            lost += chance if number > 1 else 0
    if budget.mode == "window":
        rate = options.get("calls_per_second")
        gained = Fraction(budget.ratio, MILLION) + (0 if rate is None else Fraction(budget.min_per_second) / Fraction(str(rate)))
    return gained >= lost


def reached(again, most):
    """1, x, x^2, ...: cut to 2^-200, so that the fractions stay short."""
    chances, chance = [], Fraction(1)
    for _ in range(LONG if most is None else min(most, LONG)):
        chances.append(chance)
        chance = Fraction(int(chance * again * 2**200), 2**200)
    return chances


def cost_of(policy, options):
    return policy.class_settings(options.get("class", "transient")).cost


def price(policy, options):
    own = cost_of(policy, options)
    return policy.budget.cost if own is None else own


RUNS = 8
CALLS = 1_000  # of a run, and as many before, so that a full budget has come to what it will be
SPACE = 10_000  # microseconds from call to call: 100 in a second
SIGMAS = 5
STATUS = {"transient": 500, "throttle": 429, "timeout": 504}


def shared(policy, failure, options, seed):
    """Seeded calls of the oracle, 100 a second, that share a budget: attempts for each call. The errors are five standard deviations of the
    mean over runs."""
    found = {"outage_burst": burst(policy, options), "sustained_load": happens(policy, failure, options, seed)}
    if policy.budget.mode == "window":  # Others are empty, as the balance says.
        found["outage_load"] = happens(policy, Fraction(1), options, seed + 1)
    return found


def happens(policy, failure, options, seed):
    loads = [run(policy, failure, options, draws.call_seed(seed, number + 1)) for number in range(RUNS)]
    mean = sum(loads) / RUNS
    deviation = sqrt(sum((load - mean) ** 2 for load in loads) / (RUNS - 1))
    # What happens less than once in all runs is not seen.
    return [round(mean, 9), round(SIGMAS * deviation / sqrt(RUNS) + 1 / (RUNS * CALLS), 9)]


def run(policy, failure, options, seed):
    budget = Budget(policy.budget)
    fails_below = int(failure * 2**64)
    failed = Failure(domain="http", code=STATUS[options.get("class", "transient")])
    calls, attempts = {}, 0
    waiting = [(number * SPACE, number) for number in range(2 * CALLS)]
    while waiting:
        now, number = heappop(waiting)
        if now >= 2 * CALLS * SPACE:
            break
        call = calls.get(number) or calls.setdefault(number, Call(policy, now, draws.call_seed(seed, number + 1), budget=budget))
        outcome = call.attempt(now)
        if isinstance(outcome, GiveUp):
            continue
        attempts += now >= CALLS * SPACE
        if draws.word(call.call_seed ^ 0xFA11, 0, outcome.number) >= fails_below:
            call.succeeded(now)
            continue
        outcome = call.failed(now, failed)
        if not isinstance(outcome, GiveUp):
            heappush(waiting, (now + outcome.delay, number))
    return attempts / CALLS
