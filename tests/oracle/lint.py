"""What a policy is found to have, by the table "Lints" of tests/README.md."""

from fractions import Fraction
from itertools import islice

import analysis
import tables
from budget import Budget
from policy import CLASSES

MANY = 1_000
# Integrity constraints: PostgreSQL's class 23, SQLite's CONSTRAINT with its extended codes, and single numbers.
VIOLATED = {"mysql": (1062, 1216, 1217, 1451, 1452), "mongodb": (11000,)}
NOT_FOUND = tables.table_name("dns", "ENOTFOUND")


def lint(policy):
    """[(code, level, pointer)], in the order of the options they are about."""
    if policy.attempts == 1:
        return []
    return [*limits(policy), *delays(policy), *classes(policy), *rules(policy), *budget(policy), *breaker(policy), *manners(policy)]


def ranges(policy):
    """The delays that retries 1, 2, ... may have; of decorrelated jitter, after the longest before."""
    most = MANY if policy.attempts is None else min(policy.attempts - 1, MANY)
    previous = None
    for n in range(1, most + 1):
        delays = analysis.possible(policy, n, previous)
        if not (policy.first_is_immediate and n == 1):
            previous = delays[-1]
        yield delays


def limits(policy):
    if policy.attempts is not None and policy.attempts**3 > 27:
        yield "amplification", "info", "/attempts"
    if policy.attempts is None and policy.timeout is None:
        yield "deadline-missing", "warning", "/forever"
    if policy.timeout is None:
        return
    if policy.attempts is not None:
        all_ranges = list(ranges(policy))
        if sum(delays[0] for delays in all_ranges) >= policy.timeout:
            yield "deadline-unreachable", "error", "/timeout"
        elif policy.jitter != "decorrelated" and sum(delays[0] + (len(delays) - 1) // 2 for delays in all_ranges) >= policy.timeout:
            yield "deadline-unreachable", "info", "/timeout"
    if policy.attempt_timeout is not None and policy.attempt_timeout >= policy.timeout:
        yield "attempt-timeout-exceeds-deadline", "error", "/attempt_timeout"


def delays(policy):
    first = next(islice(ranges(policy), 1))
    longest = max(delays[-1] for delays in ranges(policy))
    if policy.first_is_immediate:
        yield "herd-window", "info", "/first"
    elif policy.jitter != "none" and Fraction(100_000, len(first)) >= Fraction(1, 4):
        yield "herd-window", "info", "/backoff" if policy.backoff == "list" else "/initial"
    if policy.attempts is not None and 0 < longest < policy.max_delay:
        yield "cap-unreachable", "info", "/max_delay"
    if policy.attempt_timeout is not None and longest > policy.attempt_timeout:
        yield "sleep-longer-than-attempt-timeout", "info", "/max_delay"
    if policy.jitter == "none" and longest > 0:
        yield "jitter-none", "warning", "/jitter"
    if policy.hint_max not in (None, 120_000_000) and policy.timeout is not None and policy.hint_max > policy.timeout:
        yield "hint-cap-above-deadline", "info", "/hint/max"


def classes(policy):
    if policy.backoff != "list" and policy.class_settings("throttle").initial is None and policy.initial < 1_000_000:
        yield "throttle-shares-base", "info", "/classes"


def rules(policy):
    for at, rule in enumerate(policy.rules):
        if rule.class_ not in CLASSES or rule.body_contains is not None:
            continue
        low, high = rule.code if isinstance(rule.code, tuple) else (rule.code, rule.code)
        if rule.domain == "http" and any(low <= status <= high for status in (400, 401, 403, 404, 422)):
            yield "retries-never-class", "warning", f"/rules/{at}"
        if violates(rule.domain, low, high):
            yield "retries-never-class", "warning", f"/rules/{at}"
        if rule.domain == "dns" and not isinstance(rule.code, tuple) and tables.table_name("dns", rule.code) == NOT_FOUND:
            yield "notfound-dns", "info", f"/rules/{at}"


def violates(domain, low, high):
    if domain == "postgres":
        return isinstance(low, str) and low[:2] == "23"
    if domain == "sqlite":
        if isinstance(low, str):
            return low.removeprefix("SQLITE_").split("_")[0] == "CONSTRAINT"
        return low == 19 or (low > 255 and low == high and low % 256 == 19) or low <= 19 <= high
    return any(isinstance(low, int) and low <= code <= high for code in VIOLATED.get(domain, ()))


def budget(policy):
    options = policy.budget
    if options is None:
        yield "budget-missing", "info", "/budget"
    if options is None or options.mode is None:
        return
    if options.mode == "window":
        if Fraction(options.min_per_second * options.ttl, 1_000_000) < 3:
            yield "budget-too-small", "warning", "/budget/min_per_second"
        if options.min_per_second == options.ratio == 0:
            yield "budget-never-refills", "warning", "/budget/ratio"
        return
    costs = [(f"/classes/{name}/cost", settings.cost) for name, settings in policy.classes if settings.cost is not None]
    costs.append(("/budget/capacity", options.cost))
    for place, cost in costs:
        if cost > 0 and retries_of(options, cost) < 3:
            yield "budget-too-small", "warning", place
    if options.reward == 0 and any(cost > 0 for _, cost in costs):
        yield "budget-never-refills", "warning", "/budget/reward"


def retries_of(options, cost):
    """What a full budget of the oracle's allows, counted to three."""
    there = Budget(options)
    for retries in range(3):
        there.attempt_failed(cost)
        if there.take(cost, 0) is None:
            return retries
    return 3


def breaker(policy):
    options = dict(policy.breaker.options) if policy.breaker and policy.breaker.options else {}
    window = options.get("window_time")
    if window is not None and policy.attempt_timeout is not None and window < policy.attempt_timeout:
        yield "breaker-window-shorter-than-attempt", "warning", "/breaker/window_time"


def manners(policy):
    if policy.idempotent is True:
        yield "retries-non-idempotent", "warning", "/idempotent"
    if policy.nested == "allow":
        yield "nested-retries", "warning", "/nested"


def hedge(options):
    """(code, level, pointer) of a hedge: its delay beside half of the attempts, and whether its calls may be repeated."""
    if options.get("attempts", 2) == 1:
        return
    if options.get("p50") is not None and options["delay"] < options["p50"]:
        yield "hedge-below-p50", "warning", "/delay"
    if options.get("idempotent") is False:
        yield "hedge-not-idempotent", "error", "/idempotent"
