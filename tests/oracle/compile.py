"""A policy as JSON values to a Policy, or every problem in it: what options do to each other."""

import json
from dataclasses import replace
from decimal import Decimal

import durations
from ceilings import TABLE, ladder
from guard_options import completed
from policy import CLASSES, MILLION, PRESETS, STANDARD, BreakerOptions, ClassSettings
from reader import read


def parse(text):
    return compile_policy(values(text))


def values(text):
    return json.loads(text, parse_float=Decimal)


def compile_policy(value):
    """(Policy, []) or (None, [(code, pointer)]), in the order found."""
    written, bad, problems = read(value)
    policy = resolve(written)
    problems = problems + [
        (code, pointer) for about, code, pointer in conflicts(policy, written) if not bad.intersection(about.split())
    ]
    return (None, problems) if problems else (policy, [])


def resolve(written):
    """What was written over what is inherited; what is inherited gives way."""
    base = PRESETS[written.get("preset", "standard")]
    new = {name: written[name] for name in ("attempts", "timeout", "attempt_timeout", "idempotent", "nested", "rules", "budget")
           if name in written}
    if written.get("forever"):
        new.update(attempts=None, timeout=None)
    if "on_timeout" in written:
        new["min_attempt"] = written["on_timeout"]
    if "hint" in written:
        new["hint_mode"], new["hint_max"], new["hint_window"], new["hint_resets"] = written["hint"]
    if "jitter" in written:
        new["jitter"], new["spread"] = written["jitter"]
    if "first" in written:
        new["first_is_immediate"] = written["first"] == "immediate"
    if "classes" in written:
        new["classes"] = tuple(written["classes"].items())
    if "backoff" in written:
        listed = isinstance(written["backoff"], tuple)
        new["backoff"], new["delays"] = ("list", written["backoff"]) if listed else (written["backoff"], ())
    if "breaker" in written:
        new["breaker"] = breaker_of(written["breaker"])
    policy = replace(base, **new)
    if policy.backoff == "exponential" and policy.jitter != "decorrelated" and "factor" in written:
        policy = replace(policy, factor=written["factor"])
    policy = with_delays(policy, written)
    policy = with_costs(policy, written)
    if policy.backoff == "list":  # has neither, so two equal lists are equal policies
        classes = ((name, replace(settings, initial=None)) for name, settings in policy.classes)
        classes = tuple((name, settings) for name, settings in classes if settings != ClassSettings())
        policy = replace(policy, first_is_immediate=False, initial=STANDARD.initial, classes=classes)
    return policy


def breaker_of(written):
    if written is None or written[1] is None:
        return written and BreakerOptions(written[0])
    options, _ = completed(written[1])
    if options["slow_after"] is None:
        options["slow_rate"] = None
    return BreakerOptions(written[0], tuple(options.items()))


def with_costs(policy, written):
    """Inherited costs that a budget of the policy does not take give way."""
    if "classes" in written:
        return policy
    kept = []
    for name, settings in policy.classes:
        cost = settings.cost if takes_costs(policy) else None
        if cost is not None and has_own_bucket(policy):
            cost = min(cost, policy.budget.capacity)
        settings = replace(settings, cost=cost)
        if settings != ClassSettings():
            kept.append((name, settings))
    return replace(policy, classes=tuple(kept))


def takes_costs(policy):
    return policy.budget is not None and policy.budget.mode != "window"


def has_own_bucket(policy):
    return policy.budget is not None and policy.budget.mode == "bucket"


def with_delays(policy, written):
    """Settle initial and max_delay between them."""
    initial = written.get("initial", policy.initial)
    if "max_delay" in written:
        most = written["max_delay"]
        if "classes" not in written:
            policy = replace(policy, classes=tuple((name, capped(settings, most)) for name, settings in policy.classes))
        return replace(policy, max_delay=most, initial=initial if "initial" in written else min(initial, most))
    policy = replace(policy, initial=initial)
    first = first_delays(policy)
    if policy.backoff in ("constant", "list"):
        largest = max(1, *first)
        return replace(policy, max_delay=min(durations.LONGEST, largest + room(policy, largest)))
    return replace(policy, max_delay=max(policy.max_delay, *first))


def capped(settings, most):
    return settings if settings.initial is None else replace(settings, initial=min(settings.initial, most))


def first_delays(policy):
    """The delays that the backoff starts from: the list, or initial and those of the classes (twice the first, for max)."""
    if policy.backoff == "list":
        return policy.delays + policy.delays[:1]
    own = [settings.initial for _, settings in policy.classes if settings.initial is not None]
    return (policy.initial, policy.initial, *own)


def room(policy, largest):
    """What the jitter needs above the largest delay so that the cap takes nothing from it."""
    if policy.jitter == "additive":
        return policy.spread
    if policy.jitter == "proportional":
        return -(-largest * (MILLION + policy.spread) // MILLION) - largest
    return 0


def conflicts(policy, written):
    """Every (options it is about, code, pointer), in order."""
    listed, kind = policy.backoff == "list", policy.backoff
    forever = written.get("forever", False)
    for limit in ("attempts", "timeout"):
        if forever and limit in written:
            yield f"forever {limit}", "forever_with_limit", f"/{limit}"
    if not forever and policy.attempts is None and policy.timeout is None:
        yield "forever attempts timeout", "unlimited_without_timeout", "/attempts"
    if policy.min_attempt is not None:
        if policy.timeout is None:
            yield "on_timeout forever timeout", "meaningless_option", "/on_timeout"
        elif policy.min_attempt >= policy.timeout:
            yield "on_timeout forever timeout", "min_attempt_too_long", "/on_timeout/clip/min_attempt"
    if listed and "initial" in written:
        yield "backoff initial", "meaningless_option", "/initial"
    if "factor" in written and (kind != "exponential" or policy.jitter == "decorrelated"):
        yield "backoff jitter factor", "meaningless_option", "/factor"
    if listed and "first" in written:
        yield "backoff first", "meaningless_option", "/first"
    if policy.jitter == "decorrelated" and kind != "exponential":
        yield "backoff jitter", "meaningless_option", "/jitter"
    if not listed and "initial" in written and "max_delay" in written and written["initial"] > written["max_delay"]:
        yield "backoff initial max_delay", "max_delay_below_initial", "/max_delay"
    if "max_delay" in written:
        for i, delay in enumerate(policy.delays):
            if delay > policy.max_delay:
                yield "backoff max_delay", "element_above_max_delay", f"/backoff/{i}"
    if factor_too_small(policy):
        yield "forever attempts backoff initial factor max_delay jitter classes", "factor_too_small", "/factor"
    if cannot_spread(policy):
        yield "backoff initial max_delay jitter classes", "jitter_cannot_spread", "/jitter"
    if has_own_bucket(policy) and policy.budget.cost > policy.budget.capacity:
        yield "budget", "cost_above_capacity", "/budget/cost"
    _, own = written.get("breaker") or (None, None)
    for code, option in completed(own)[1] if own is not None else ():
        yield "breaker", code, f"/breaker/{option}"
    yield from class_conflicts(policy, written)


def class_conflicts(policy, written):
    for name in CLASSES:
        own = written.get("classes", {}).get(name, ClassSettings())
        if own.attempts is not None and policy.attempts is not None and own.attempts > policy.attempts:
            yield "forever attempts classes", "class_attempts_above_attempts", f"/classes/{name}/attempts"
        if own.initial is not None and policy.backoff == "list":
            yield "backoff classes", "meaningless_option", f"/classes/{name}/initial"
        elif own.initial is not None and "max_delay" in written and own.initial > written["max_delay"]:
            yield "backoff max_delay classes", "class_initial_above_max_delay", f"/classes/{name}/initial"
        if own.cost is not None and not takes_costs(policy):
            yield "budget classes", "meaningless_option", f"/classes/{name}/cost"
        elif own.cost is not None and has_own_bucket(policy) and own.cost > policy.budget.capacity:
            yield "budget classes", "cost_above_capacity", f"/classes/{name}/cost"


def factor_too_small(policy):
    """Could it retry a 65th time while the 64th ceiling is still below the cap?"""
    if policy.backoff != "exponential" or policy.jitter == "decorrelated":
        return False
    if policy.attempts is not None and policy.attempts < TABLE + 2:
        return False
    return ladder(min(first_delays(policy)), policy.factor, policy.max_delay)[-1] < policy.max_delay


def cannot_spread(policy):
    if policy.jitter == "additive":
        return policy.spread == 0 or policy.spread >= policy.max_delay
    if policy.jitter == "proportional":
        if policy.spread == 0:
            return True
        delays = [d for d in first_delays(policy) if d > 0]
        if not delays:
            return False
        m = min(min(delays), policy.max_delay * MILLION // (MILLION + policy.spread))
        return m * policy.spread // MILLION == 0
    if policy.jitter == "decorrelated" and policy.backoff == "exponential":
        return policy.max_delay in first_delays(policy)
    return False
