"""What other systems are told of a policy, and what they do otherwise, by their documentation.

Sources: gRPC proposal A6 (retries; throttling by tokens), curl's manual (`--retry` and its kin, `--max-time`), Envoy's `RetryPolicy` of route
v3, its router's `x-envoy-retry-on`, and its circuit breakers, Retry 2.1 of AWS' SDKs (SEMANTICS 0 and 8).
"""

from fractions import Fraction

import ceilings
import tables
from call import Failure, matches
from policy import MILLION, PRESETS

CODES = (
    "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION "
    "ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"
).split()
NO_LIMIT = 2**31 - 1


def export(policy, target):
    """The text as lines, and the findings as `level code pointer`."""
    write, remarks = {"curl": (curl, curls), "grpc": (grpc, grpcs), "envoy": (envoy, envoys), "aws": (aws, awss)}[target]
    found = list(limits(policy, target))
    if policy.attempts != 1:
        found += remarks(policy)
    order = "attempts timeout on_timeout attempt_timeout backoff first jitter max_delay hint classes rules budget breaker idempotent nested".split()
    return list(write(policy)), sorted(found, key=lambda finding: order.index(finding.split("/")[1]))


def seconds(micros):
    """A decimal number of them, as short as it can be."""
    whole, rest = divmod(micros, MILLION)
    return str(whole) if rest == 0 else f"{whole}.{rest:06}".rstrip("0")


def whole_seconds(micros):
    return -(-micros // MILLION)


def delays(policy):
    """Of the retries, before jitter; 64 stand for all that are more."""
    retries = 64 if policy.attempts is None else min(policy.attempts - 1, 64)
    return [ceilings.ceiling(policy, "transient", n) for n in range(1, retries + 1)]


def is_constant(policy):
    return policy.backoff != "exponential" and len(set(delays(policy))) == 1


def span(policy):
    first = next((delay for delay in delays(policy) if delay > 0), MILLION)
    longest = policy.max_delay if policy.backoff == "exponential" else max(delays(policy), default=first)
    return first, max(first, longest)


def doubling(policy, first, longest, factor=2 * MILLION):
    """Whether these are the policy's delays."""
    rungs = ceilings.ladder(first, factor, longest)
    return delays(policy) == [rungs[min(n, len(rungs) - 1)] for n in range(len(delays(policy)))]


def is_retried(policy, domain, code):
    row = tables.row(domain, code)
    rule = next((rule for rule in policy.rules if matches(rule, Failure(domain=domain, code=code))), None)
    named = None if rule is None else rule.class_
    class_ = named or row.class_
    return class_ != "permanent" and (row.condition in ("always", "immediate", "transaction") or (row.condition == "opt_in" and named is not None))


def limits(policy, target):
    if target == "curl" and policy.timeout is not None and policy.attempts != 1:
        yield "info timeout-overshoots /timeout"
    if target == "aws" and policy.timeout is not None:
        yield f"{'warning' if policy.attempts is None else 'info'} not-converted /timeout"
    if policy.min_attempt is not None:
        yield "info not-converted /on_timeout"
    if target in ("aws", "grpc") and policy.attempt_timeout is not None:
        yield "info not-converted /attempt_timeout"


def common(policy):
    if policy.first_is_immediate:
        yield "info not-converted /first"
    if policy.breaker is not None:
        yield "info not-converted /breaker"
    if policy.nested in ("once", "share"):
        yield "info not-converted /nested"


def repeating(policy):
    yield from common(policy)
    if policy.classes:
        yield "info not-converted /classes"
    if policy.idempotent is not True:
        yield "warning retries-non-idempotent /idempotent"


def foreign_rules(policy, *domains):
    if any(rule.code is None or rule.body_contains is not None or rule.domain not in domains for rule in policy.rules):
        yield "info not-converted /rules"


# curl


def curl(policy):
    words = ["curl"]
    attempt = policy.attempt_timeout
    if policy.attempts == 1:
        attempt = attempt or policy.timeout
    else:
        words += ["--retry", str(min(NO_LIMIT, (policy.attempts or 2**32) - 1)), "--retry-connrefused"]
        if is_constant(policy):
            words += ["--retry-delay", str(max(1, whole_seconds(delays(policy)[0])))]
        if policy.timeout is not None:
            words += ["--retry-max-time", str(whole_seconds(policy.timeout))]
    if attempt is not None:
        words += ["--max-time", seconds(attempt)]
    yield " ".join([*words, "https://example.com/"])


def curls(policy):
    yield from repeating(policy)
    if is_constant(policy):
        if delays(policy)[0] % MILLION or delays(policy)[0] == 0:
            yield "info not-converted /backoff"
    elif not doubling(policy, MILLION, 600 * MILLION):
        yield "info not-converted /backoff"
    if policy.jitter != "none":
        yield "warning jitter-none /jitter"
    if policy.hint_mode != "floor" or policy.timeout is None or policy.timeout > policy.hint_max:
        yield "info not-converted /hint"
    yield "info not-converted /rules"
    if policy.budget is not None:
        yield "info not-converted /budget"


# gRPC


def codes(policy):
    return [name for number, name in enumerate(CODES) if is_retried(policy, "grpc", number)]


def grpc(policy):
    method = ['      "name": [{}]']
    if policy.timeout is not None:
        method.append(f'      "timeout": "{seconds(policy.timeout)}s"')
    if policy.attempts != 1 and codes(policy):
        first, longest = span(policy)
        names = ", ".join(f'"{name}"' for name in codes(policy))
        entries = [
            f'"maxAttempts": {min(5, policy.attempts or 5)}',
            f'"initialBackoff": "{seconds(first)}s"',
            f'"maxBackoff": "{seconds(longest)}s"',
            f'"backoffMultiplier": {seconds(multiplier(policy))}',
            f'"retryableStatusCodes": [{names}]',
        ]
        if policy.attempt_timeout is not None:
            entries.append(f'"perAttemptRecvTimeout": "{seconds(policy.attempt_timeout)}s"')
        method.append('      "retryPolicy": {\n        ' + ",\n        ".join(entries) + "\n      }")
    config = ['  "methodConfig": [\n    {\n' + ",\n".join(method) + "\n    }\n  ]"]
    if has_throttling(policy):
        ratio = seconds(policy.budget.reward // 1000 * 1000)
        config.append(f'  "retryThrottling": {{\n    "maxTokens": {policy.budget.capacity},\n    "tokenRatio": {ratio}\n  }}')
    yield from ("{\n" + ",\n".join(config) + "\n}").split("\n")


def multiplier(policy):
    if is_constant(policy):
        return MILLION
    return policy.factor if policy.backoff == "exponential" and policy.jitter != "decorrelated" else 2 * MILLION


def has_throttling(policy):
    own = policy.budget
    return own is not None and own.mode == "failures" and own.cost == 1 and own.capacity <= 1000 and own.reward >= 1000


def grpcs(policy):
    yield from repeating(policy)
    first, longest = span(policy)
    if policy.attempts is None or policy.attempts > 5:
        yield "warning clamped-count /attempts"
    if not doubling(policy, first, longest, multiplier(policy)):
        yield "info not-converted /backoff"
    if (policy.jitter, policy.spread) != ("proportional", 200_000):
        yield "info not-converted /jitter"
    if any(Fraction(delay * 6, 5) >= longest + 1 for delay in delays(policy)):
        yield "info jitter-exceeds-cap /max_delay"
    if policy.hint_mode != "exact" or not policy.hint_resets:
        yield "info not-converted /hint"
    if not codes(policy):
        yield "warning not-converted /rules"
    else:
        yield from foreign_rules(policy, "grpc")
    if policy.budget is not None and not has_throttling(policy):
        yield "info not-converted /budget"


# Envoy


def envoy(policy):
    yield f"timeout: {seconds(policy.timeout or 0)}s"
    if policy.attempts == 1 and policy.attempt_timeout is None:
        return
    words = {"cancelled": 1, "deadline-exceeded": 4, "resource-exhausted": 8, "internal": 13, "unavailable": 14}
    conditions = ["connect-failure", "refused-stream", "reset", "retriable-status-codes"]
    conditions += [word for word, code in words.items() if is_retried(policy, "grpc", code)]
    statuses = [str(status) for status in range(400, 600) if is_retried(policy, "http", status)]
    first, longest = span(policy)
    yield "retry_policy:"
    yield f"  num_retries: {(policy.attempts or 2**32) - 1}"
    yield f"  retry_on: {','.join(conditions)}"
    yield f"  retriable_status_codes: [{', '.join(statuses)}]"
    yield "  retry_back_off:"
    yield f"    base_interval: {seconds(first)}s"
    yield f"    max_interval: {seconds(longest)}s"
    if policy.attempt_timeout is not None:
        yield f"  per_try_timeout: {seconds(policy.attempt_timeout)}s"
    if policy.hint_mode != "ignore":
        yield from ("  rate_limited_retry_back_off:", "    reset_headers:", "    - name: Retry-After", "      format: SECONDS")
        if policy.hint_max is not None:
            yield f"    max_interval: {seconds(policy.hint_max)}s"


def envoys(policy):
    yield from repeating(policy)
    yield from foreign_rules(policy, "http", "grpc")
    # Intervals below a millisecond are one.
    if not doubling(policy, *(max(interval, 1000) for interval in span(policy))):
        yield "info not-converted /backoff"
    if policy.jitter != "full":
        yield "info not-converted /jitter"
    if policy.hint_mode != "ignore":
        yield "info not-converted /hint"
    yield "info not-converted /budget"


# AWS' SDKs


def aws(policy):
    yield "AWS_RETRY_MODE=standard"
    yield f"AWS_MAX_ATTEMPTS={min(NO_LIMIT, policy.attempts or NO_LIMIT)}"


def awss(policy):
    sdk = PRESETS["aws"]
    yield from common(policy)
    yield from foreign_rules(policy)
    if not doubling(policy, 50_000, 20 * MILLION):
        yield "info not-converted /backoff"
    if policy.jitter != "full":
        yield "info not-converted /jitter"
    if (policy.hint_mode, policy.hint_window, policy.hint_resets) != ("window", sdk.hint_window, False):
        yield "info not-converted /hint"
    if policy.classes != sdk.classes:
        yield "info not-converted /classes"
    if policy.budget is None or any(getattr(policy.budget, name) != getattr(sdk.budget, name)
                                    for name in ("mode", "capacity", "cost", "reward", "refund")):  # fmt: skip
        yield "info not-converted /budget"
