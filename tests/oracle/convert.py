"""What other libraries do with their settings, by their documented formulas: total calls, limit of time, and the wait before retry n when
the random number is u. A policy that settings are said to come to is held against this; findings about waits follow from it.

Sources: stamina 26.1 (`min(wait_max, wait_initial * wait_exp_base**(n-1) + random(0, wait_jitter))`), tenacity 9.2 (docstrings of its
waits and stops), urllib3 2.8 (`Retry.get_backoff_time`), gRPC proposal A6, p-retry 7 (`calculateDelay`), botocore 1.4x (`_retry.json`).
"""

from fractions import Fraction

import analysis
import ceilings

SECOND = 1_000_000
NEVER = float("inf")
# Settings that a policy has nothing for, whatever is written; None: unless it is the default.
NOT_CONVERTED = {
    "stamina": {"on"},
    "tenacity": {"retry", "sleep", "before", "after", "before_sleep", "retry_error_cls", "retry_error_callback", "name"},
    "urllib3": set(),
    "grpc": {"loadBalancingPolicy", "loadBalancingConfig", "healthCheckConfig"},
    "p-retry": {"unref", "signal", "onFailedAttempt", "shouldRetry", "shouldConsumeRetry"},
    "aws": set(),
}


class Peer:
    """Total calls and limit of time, None for none; the wait in seconds before retry n at the random number u; what its waits are
    limited to after that, None for nothing."""

    def __init__(self, attempts, timeout, wait, cap=None, is_immediate=False):
        self.attempts, self.timeout, self.wait, self.cap, self.is_immediate = attempts, timeout, wait, cap, is_immediate

    def range(self, n):
        return tuple(min(self.wait(n, Fraction(u)), NEVER if self.cap is None else self.cap) for u in (0, 1))


def exact(value):
    return Fraction(str(value))


def stamina(given):
    attempts, timeout = given.get("attempts", 10), given.get("timeout", 45.0)
    initial, most, jitter, base = (exact(given.get(name, usual)) for name, usual in (
        ("wait_initial", 0.1), ("wait_max", 5.0), ("wait_jitter", 1.0), ("wait_exp_base", 2)))
    attempts = None if attempts is None else max(attempts, 1)
    return Peer(1 if timeout == 0 else attempts, timeout or None, lambda n, u: initial * base ** (n - 1) + jitter * u, most)


def p_retry(given):
    retries, factor = given.get("retries", 10), exact(given.get("factor", 2)) or 1
    least, most = exact(given.get("minTimeout", 1000)) / 1000, given.get("maxTimeout")
    random = 1 if given.get("randomize") else 0
    time = given.get("maxRetryTime")
    attempts = 1 if time == 0 else None if retries is None else retries + 1
    return Peer(attempts, exact(time) / 1000 if time else None, lambda n, u: (1 + random * u) * least * factor ** (n - 1),
                None if most is None else exact(most) / 1000)


def urllib3(given):
    total = given.get("total", 10)
    if total is None:
        kinds = [given.get(kind) for kind in ("connect", "read", "status", "other")]
        total = None if None in kinds else sum(map(int, kinds))
    factor, most, jitter = (exact(given.get(name, usual)) for name, usual in (
        ("backoff_factor", 0), ("backoff_max", 120), ("backoff_jitter", 0)))
    wait = lambda n, u: 0 if n <= 1 else factor * 2 ** (n - 1) + jitter * u
    return Peer(None if total is None else int(total) + 1, None, wait, most, is_immediate=True)


def grpc(given):
    methods = given.get("methodConfig", [{}])
    method = next((method for method in methods if "retryPolicy" in method or "hedgingPolicy" in method), methods[0])
    seconds = lambda text: exact(text.removesuffix("s"))
    timeout = seconds(method["timeout"]) if method.get("timeout") else None
    retry = method.get("retryPolicy")
    if retry is None:
        return Peer(1, timeout, lambda n, u: 0)
    initial, most, base = seconds(retry["initialBackoff"]), seconds(retry["maxBackoff"]), exact(retry["backoffMultiplier"])
    # With the jitter inside the cap, as a policy has it, the longest wait is maxBackoff itself.
    middle = lambda n: min(initial * base ** (n - 1), most)
    return Peer(min(retry["maxAttempts"], 5), timeout, lambda n, u: min(middle(n), most / Fraction("1.2")) * (Fraction("0.8") + Fraction("0.4") * u))


def aws(given):
    given = {name: value for name, value in given.items() if name in ("AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE")}
    if given.get("AWS_RETRY_MODE", "standard").lower() == "legacy":
        return Peer(int(given.get("AWS_MAX_ATTEMPTS", 5)), None, lambda n, u: u * 2 ** (n - 1))
    return Peer(int(given.get("AWS_MAX_ATTEMPTS", 3)), None, lambda n, u: u * min(Fraction(1, 20) * 2 ** (n - 1), 20))


def tenacity(given):
    attempts, timeout = stop(given.get("stop", "stop_never"))
    wait, cap = tenacity_wait(given.get("wait", "wait_none"))
    if given.get("enabled", True) is False:
        attempts = 1
    return Peer(attempts, timeout or None, wait, cap)


def stop(given):
    if given == "stop_never" or "stop_never" in given or "stop_when_event_set" in given:
        return None, None
    ((name, value),) = given.items()
    if name == "stop_after_attempt":
        return max(value, 1), None
    if name in ("stop_after_delay", "stop_before_delay"):
        return (1, None) if value == 0 else (None, value)
    inner = [stop(each) for each in value]
    return tuple(min((each[of] for each in inner if each[of] is not None), default=None) for of in (0, 1))


def tenacity_wait(given):
    """(wait, limit after the random number)."""
    if given == "wait_none" or "wait_none" in given or "wait_exception" in given:
        return lambda n, u: Fraction(0), None
    ((name, value),) = given.items()
    if name == "wait_fixed":
        return lambda n, u: exact(value), None
    if name in ("wait_chain", "wait_combine"):
        inner = [limited(*tenacity_wait(each)) for each in value]
        if name == "wait_combine":
            return lambda n, u: sum(each(n, u) for each in inner), None
        return lambda n, u: inner[min(n, len(inner)) - 1](n, u), None
    get = lambda name, usual: exact(value.get(name, usual))
    least, most = get("min", 0), exact(value["max"]) if "max" in value else None
    if name == "wait_random":
        most = get("max", 1)
        return lambda n, u: least + u * (most - least), None
    if name == "wait_incrementing":
        return lambda n, u: get("start", 0) + get("increment", 100) * (n - 1), most
    if name == "wait_exponential_jitter":
        first = exact(value.get("multiplier", value.get("initial", 1)))
        return lambda n, u: max(least, first * get("exp_base", 2) ** (n - 1) + get("jitter", 1) * u), None if most is None else max(most, least)
    power = lambda n: max(least, min(get("multiplier", 1) * get("exp_base", 2) ** (n - 1), NEVER if most is None else most))
    if name == "wait_exponential":
        return lambda n, u: power(n), most
    return lambda n, u: least + u * (power(n) - least), most


def limited(wait, cap):
    return wait if cap is None else lambda n, u: min(wait(n, u), cap)


PEERS = {"stamina": stamina, "tenacity": tenacity, "urllib3": urllib3, "grpc": grpc, "p-retry": p_retry, "aws": aws}
# Doubling from a second, retry 29 waits longer than any policy.
RETRIES = 25


def differences(source, settings, policy, is_looser):
    """What the policy does otherwise than the library: its calls, its limit of time, the ends of its waits. Where `is_looser`, waits may
    begin lower, with the same longest ones."""
    peer = PEERS[source](settings)
    if policy.attempts != peer.attempts:
        yield f"attempts are {peer.attempts} there, {policy.attempts} here"
    timeout = None if peer.timeout is None else exact(peer.timeout) * SECOND
    if policy.timeout != timeout:
        yield f"timeout is {timeout} there, {policy.timeout} here"
    for n in range(1, min(RETRIES, policy.attempts or RETRIES)):
        delays = analysis.possible(policy, n, None)
        low, high = (wait * SECOND for wait in peer.range(n))
        # Ladders are floored as they grow.
        if abs(delays[-1] - high) > 1 + high / 10**9:
            yield f"retry {n}: at most {float(high)} there, {delays[-1]} here"
        is_clamped = peer.cap is not None and peer.wait(n, Fraction(1)) > peer.cap
        if delays[0] > low + 1 or not (is_looser or is_clamped or abs(delays[0] - low) <= 1 + low / 10**9):
            yield f"retry {n}: at least {float(low)} there, {delays[0]} here"


def findings_of_waits(source, settings):
    """{code}: what follows from the formulas."""
    peer = PEERS[source](settings)
    retries = range(1 + peer.is_immediate, min(peer.attempts or 65, 65 + peer.is_immediate))
    if peer.attempts is None and peer.timeout is None:
        yield "deadline-missing"
    if not retries:
        return
    ends = [(peer.wait(n, Fraction(0)), peer.wait(n, Fraction(1))) for n in retries]
    if peer.cap is not None and ends[0][0] > peer.cap:
        yield "base-above-cap"
    if all(low == high for low, high in ends):
        yield "jitter-none"
    if any(parks_inside(each, retries) for each in inner_waits(settings)) or (
        peer.cap is not None and any(low < high and high > peer.cap for low, high in ends)
    ):
        yield "jitter-collapses-at-cap"


def inner_waits(settings):
    """tenacity's waits that are parts of others."""
    wait = settings.get("wait") if isinstance(settings, dict) else None
    for name, value in wait.items() if isinstance(wait, dict) else ():
        if name in ("wait_combine", "wait_chain"):
            for each in value:
                yield each
                yield from inner_waits({"wait": each})


def parks_inside(given, retries):
    wait, cap = tenacity_wait(given)
    return cap is not None and any(cap <= wait(n, Fraction(0)) < wait(n, Fraction(1)) for n in retries)


def share_at_cap(source, settings, n):
    """The percentage of waits before retry n that are exactly the cap, floored."""
    peer = PEERS[source](settings)
    low, high = peer.wait(n, Fraction(0)), peer.wait(n, Fraction(1))
    return min(100, max(0, int((high - peer.cap) * 100 / (high - low))))


def unconvertible(source, settings):
    """Pointers of the settings that must be told of."""
    return {f"/{name}" for name in settings if name in NOT_CONVERTED[source] and settings[name] is not False}
