"""Random policies: right ones by trial, wrong ones by spoiling right ones."""

from durations import LONGEST, UNITS, text
from compile import compile_policy
from evaluate import exact
from policy import NAMED_DOMAINS

CLASSES = ("transient", "throttle", "timeout", "connect", "conflict")
CODES = {
    "http": (500, 502, 503, 504, 429, 409, 404, 425, 408, 521, 413, 400, 599),
    "os": ("ECONNRESET", "ECONNREFUSED", 104, "ETIMEDOUT", "EPIPE", 110, 10054, "WSAECONNRESET", "EAGAIN", "EINTR", "EPROTO", "EBUSY", "ENOENT", "EFOO"),
    "dns": ("EAI_AGAIN", "ENOTFOUND", -2, -3, 11001, "EAI_FAIL", "EAI_MEMORY", "EAI_NODATA"),
    "tls": ("CERT_HAS_EXPIRED", 40),
    "undici": ("UND_ERR_SOCKET", "UND_ERR_CONNECT_TIMEOUT", "UND_ERR_PRX_CONN", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_CLOSED"),
    "grpc": (14, "UNAVAILABLE", 4, 8, "RESOURCE_EXHAUSTED", 10, 13, "INTERNAL", 1, 5, 17),
    "postgres": ("40001", "40P01", "08006", "08001", "53300", "57014", "23505", "23503", "42P01", "23", "25P04", "57P03", "XX000"),
    "mysql": (1213, 1205, 2006, 2003, 1040, 1062, 1290, 1105, 1180, 1000, 3024),
    "sqlite": (5, "SQLITE_BUSY", "BUSY", 261, 517, "BUSY_SNAPSHOT", 2067, 19, "SQLITE_CONSTRAINT_UNIQUE", 14, 10, 266, 1),
    "redis": ("LOADING", "LOADING Redis is loading the dataset in memory", "MOVED", "READONLY", "OOM", "ERR", "ERR max number of clients reached", "BUSY", "MYMODULE"),
    "mongodb": (112, 11600, 89, 462, 11000, 50, "RetryableWriteError", "TransientTransactionError", "SystemOverloadedError", "UnknownTransactionCommitResult", "PoolClearedError"),
    "kafka": (6, "NOT_LEADER_OR_FOLLOWER", 7, 20, 51, 89, 29, -1, -195, "DisconnectException", "NoAvailableBrokersException"),
    "aws": ("SlowDown", "ThrottlingException", "RequestTimeout", "IDPCommunicationError", "AuthFailure", "InternalError"),
    "user": ("MyError", "40001", 40001, -1, "déjà vu"),
}
PIECES = ("overloaded", "User not exists", "é", "\"quoted\"", "aab", "\U0001f600")
BAD = (
    None, True, False, 0, 1, -1, 2.5, 1e3, 4294967296, 0.0000001, "", "x", "5", "5s", "0s", "0.1us", "87601h", "-5s", " 5s", "full", "exponential", "linear", "constant",
    "decorrelated", "immediate", "window", "none", "auto", [], ["1s"], ["1s", 5, "x"], ["1h"], {}, {"mode": "window"}, {"mode": "ignore", "max": "1s"}, {"window": "5s"}, {"max": 5},
    {"clip": {}}, {"clip": {"min_attempt": "1h"}}, {"clip": {"min_attempt": 5}}, {"proportional": 0}, {"proportional": 2}, {"additive": "0s"}, {"additive": "1h"}, {"proportional": 0.2, "additive": "1s"},
    {"connect": {"attempts": 4294967295}}, {"connect": {"attempts": 0, "initial": 5}}, {"throttle": {"initial": "1h"}}, {"server": {}}, {"timeout": None},
    [{}], [{"http": 500}], [{"http": "599-500", "class": "x"}], [{"http": 500, "os": 5, "sent": "maybe"}], [{"class": "permanent"}], [{"http": "5xx", "class": "permanent"}, 5],
)
WRONG_DURATIONS = ("0s", "5", "5sec", "-5s", "0.1us", "1.0000001s", "87601h", "99999999999999999999h", 5, 0, 2.5, True, ["5s"])
AIMED = {  # wrong by itself, or easily wrong beside others
    "undaunted": (0, 2, 1.5, "1"), "preset": ("aws2", 1), "attempts": (0, -1, 4294967296, 2.5, "3", 1, None, 100), "timeout": (*WRONG_DURATIONS, None, "1us"), "forever": (True, 1, "true"),
    "on_timeout": ("clip", {}, {"clip": {}}, {"clip": {"min_attempt": "1h"}}, {"clip": {"min_attempt": "0s"}}, {"clip": {"min": "1s"}}, {"clip": 5}), "attempt_timeout": WRONG_DURATIONS,
    "backoff": ("fibonacci", [], ["1s", 5, "x", None], ["1s"] * 65, ["1h", "1us"], "constant", "linear"), "initial": (*WRONG_DURATIONS, "87600h", "1us"), "factor": (1, 0.5, 11, 1.0000001, "2", 1.001, 2),
    "max_delay": (*WRONG_DURATIONS, "1us", "5us"), "first": ("now", True, "immediate"), "jitter": ("random", {}, {"proportional": 0}, {"proportional": 1.5}, {"proportional": 0.0000001}, {"additive": "0s"}, {"additive": "1h"},
        {"additive": 5}, {"full": True}, {"additive": "1s", "proportional": 1}, {"proportional": 0.000001}, "decorrelated"),
    "hint": ("window", {"mode": "window"}, {"mode": "ignore", "max": "1s", "resets": False}, {"window": "5s"}, {"max": 5, "mode": "x"}, {"resets": 1}, {"mode": "window", "window": "1s", "max": "1s"}, {"min": "1s"}),
    "classes": ({"connect": {"attempts": 4294967295}}, {"timeout": {"attempts": 0, "initial": 5, "cost": -1}}, {"timeout": {"cost": 1}, "connect": {"cost": 501}}, {"throttle": {"initial": "87600h"}, "transient": {"attempts": 300}}, {"server": {}}, {"conflict": 5}, [], {"permanent": {"attempts": 1}}),
    "rules": ({}, [5], [{}], [{"http": "599-500", "class": "x"}], [{"http": "5xx", "class": "permanent"}], [{"http": 500, "os": 5, "sent": "maybe"}], [{"user": 2147483648, "class": "transient"}], [{"user": "", "class": "transient"}],
        [{"http": 500}], [{"class": "permanent"}], [{"body_contains": "", "sent": "yes"}], [{"http": 500, "class": "permanent"}] * 33, [{"body_contains": "é" * 1000, "class": "throttle"}, {"body_contains": "x" * 49, "class": "throttle"}],
        [{"smtp": 421, "class": "transient"}, {"http": 2.5, "class": None}], [{"postgres": 40001, "class": "conflict"}, {"aws": None, "redis": 5}, {"grpc": "14-2", "sent": "maybe"}]),
    "budget": ({}, 5, "", "x" * 65, {"name": "x", "capacity": 5, "cost": 6}, {"name": "x", "mode": "window", "capacity": 5}, {"name": "x", "ttl": "10s", "ratio": 0.5}, {"name": "x", "mode": "failures", "refund": True},
        {"name": "", "reward": 0.0000001}, {"name": "x", "mode": "window", "ttl": "999ms"}, {"mode": "leaky", "name": 5}, {"name": "x", "capacity": 3}, {"name": "x", "mode": "window"}, None, "x"),
    "breaker": ({}, 5, "", "x" * 65, {"name": "x", "window_calls": 5, "min_calls": 6}, {"name": "x", "window_time": "1s", "window_calls": 5}, {"name": "x", "slow_rate": 0.5}, {"slow_rate": 0.5},
        {"name": "x", "probes": 0, "initial": 5}, {"name": "", "failure_rate": 0}, {"name": "x", "max_delay": "1s"}, {"name": "x", "initial": "2s", "max_delay": "1s", "min_calls": 101}, None, "x"),
    "idempotent": ("yes", None, 1), "nested": ("never", True), "max_retries": (3,), "maxDelay": ("1s",), "a~b/c": (1,),
}
NAMES = tuple(AIMED)
PRESETS = ("standard", "interactive", "aws", "grpc", "stamina", "urllib3", "google", "none")


def right(dice):
    """A policy that compiles, as JSON values, and compiled."""
    for _ in range(12):
        policy = attempt(dice)
        compiled, problems = compile_policy(exact(policy))
        if not problems:
            return policy, compiled
    policy = {"preset": dice.pick(PRESETS)}
    return policy, compile_policy(policy)[0]


def sharing(dice):
    """A right one, and mostly with a budget, a breaker or both."""
    policy, compiled = right(dice)
    more = dice.pick(({"budget": budget}, {"breaker": breaker}, {"budget": budget, "breaker": breaker}))
    richer = policy | {name: make(dice) for name, make in more.items() if name not in policy}
    again, problems = compile_policy(exact(richer))
    return (policy, compiled) if problems else (richer, again)


def wrong(dice):
    """A policy that does not, and its problems."""
    while True:
        policy = attempt(dice)
        for _ in range(dice.between(1, 4)):
            name = dice.pick(NAMES)
            policy[name] = dice.pick(AIMED[name]) if dice.chance(75) else dice.pick(BAD)
        policy = dice.shuffled(policy)
        problems = compile_policy(exact(policy))[1]
        if problems:
            return policy, problems


def attempt(dice):
    p = {}
    if dice.chance(5):
        p["undaunted"] = 1
    if dice.chance(20):
        p["preset"] = dice.pick(PRESETS)
    limits(dice, p)
    backoff(dice, p)
    if dice.chance(40):
        p["hint"] = hint(dice)
    if dice.chance(25):
        p["classes"] = classes(dice, p)
    if dice.chance(30):
        p["rules"] = [rule(dice) for _ in range(dice.between(0, 3))]
    if dice.chance(15):
        p["budget"] = budget(dice)
    if dice.chance(10):
        p["breaker"] = breaker(dice)
    if dice.chance(25):
        p["idempotent"] = dice.pick(("auto", True, True, False))
    if dice.chance(20):
        p["nested"] = dice.pick(("warn", "once", "allow", "share"))
    return dice.shuffled(p)


def limits(dice, p):
    if dice.chance(5):
        p["forever"] = True
    else:
        if dice.chance(60):
            p["attempts"] = dice.pick((dice.between(1, 12), dice.between(2, 8), dice.between(13, 200), None, 4294967295))
        if dice.chance(50):
            p["timeout"] = None if dice.chance(15) else duration(dice, LONGEST if dice.chance(10) else 100_000_000)
        if dice.chance(25):
            p["on_timeout"] = {"clip": {"min_attempt": duration(dice, 10_000_000)}} if dice.chance(80) else "give_up"
    if dice.chance(20):
        p["attempt_timeout"] = None if dice.chance(10) else duration(dice, 100_000_000)


def backoff(dice, p):
    most = dice.pick((100, 1_000_000, 1_000_000, 20_000_000, LONGEST))
    kind = "exponential"
    if dice.chance(45):
        kind = dice.pick(("exponential", "linear", "constant", "list"))
        p["backoff"] = [duration(dice, most) if dice.chance(85) else "0s" for _ in range(dice.between(1, 6))] if kind == "list" else kind
    if kind != "list":
        if dice.chance(55):
            p["initial"] = duration(dice, most)
        if dice.chance(25):
            p["first"] = dice.pick(("immediate", "immediate", "delayed"))
    if dice.chance(40):
        p["max_delay"] = duration(dice, min(LONGEST, most * 10))
    if dice.chance(75):
        p["jitter"] = jitter(dice, kind)
    if kind == "exponential" and p.get("jitter") != "decorrelated" and dice.chance(35):
        p["factor"] = dice.between(1_000_001, dice.pick((1_100_000, 3_000_000, 10_000_000))) / 1_000_000


def jitter(dice, kind):
    named = dice.pick(("none", "full", "equal", "decorrelated", "proportional", "additive"))
    if named == "decorrelated" and kind != "exponential":
        return "equal"
    if named == "proportional":
        return {"proportional": dice.between(1, 1_000_000) / 1_000_000}
    return {"additive": duration(dice, 5_000_000)} if named == "additive" else named


def hint(dice):
    mode = dice.pick(("floor", "floor", "exact", "window", "ignore"))
    if mode != "window" and dice.chance(25):
        return mode
    h = {} if mode == "floor" and dice.chance(50) else {"mode": mode}
    if mode == "window":
        h["window"] = duration(dice, 10_000_000)
    if mode in ("floor", "exact") and dice.chance(60):
        h["max"] = duration(dice, 60_000_000)
    if mode != "ignore" and dice.chance(40):
        h["resets"] = dice.chance(80)
    return dice.shuffled(h)


def classes(dice, p):
    most = p.get("attempts", 10) or 50
    return {name: dice.shuffled({
        **({"attempts": dice.between(1, min(most, 6))} if dice.chance(50) else {}),
        **({"initial": duration(dice, 2_000_000)} if dice.chance(60) and not isinstance(p.get("backoff"), list) else {}),
        **({"cost": dice.between(0, 9)} if dice.chance(10) else {}),
    }) for name in CLASSES if dice.chance(40)}


def budget(dice):
    """A small one, so that it is soon empty."""
    mode = dice.pick(("bucket", "bucket", "failures", "window"))
    b = {"name": dice.pick(("upstream", "é", 'a"b')), "mode": mode}
    if mode == "window":
        b |= {"ratio": dice.between(0, 2_000_000) / 1_000_000, "min_per_second": dice.between(0, 2), "ttl": dice.pick(("1s", "1500ms", "10s", "60s"))}
    else:
        b |= {"capacity": dice.between(1, 40), "reward": dice.between(0, 3_000) / 1_000}
        b |= {"cost": dice.between(0, b["capacity"])} if dice.chance(70) else {}
    if mode == "bucket":
        b |= {"refund": dice.chance(70)}
    if dice.chance(5):
        return dice.pick((b["name"], {"name": "x"}, None))
    return dice.shuffled(b)


def breaker(dice):
    """One that opens soon, for about as long as calls wait."""
    b = {"name": dice.pick(("upstream", "é", 'a"b'))}
    most = dice.between(1, 6)
    b |= {"window_time": text(dice.between(10, 60_000_000))} if dice.chance(30) else {"window_calls": most}
    b["min_calls"] = dice.between(1, most)
    initial = dice.magnitude(20_000_000)
    b |= {name: make() for name, make in {
        "failure_rate": lambda: dice.between(1, 1_000_000) / 1_000_000,
        "slow_after": lambda: text(dice.magnitude(20_000_000)),
        "initial": lambda: text(initial),
        "max_delay": lambda: text(dice.between(initial, 60_000_000)),
        "factor": lambda: dice.between(1_000_000, 10_000_000) / 1_000_000,
        "jitter": lambda: dice.pick(("none", "full", "equal")),
        "probes": lambda: dice.pick((1, 1, 2, 3, 16)),
        "probe_timeout": lambda: text(dice.magnitude(60_000_000)),
    }.items() if dice.chance(60)}
    if "slow_after" in b and dice.chance(60):
        b["slow_rate"] = dice.between(1, 1_000_000) / 1_000_000
    if dice.chance(5):
        return dice.pick((b["name"], {"name": "x"}, None))
    return dice.shuffled(b)


def rule(dice):
    r = {}
    if dice.chance(80):
        domain = dice.pick(tuple(CODES))
        r[domain] = dice.pick(CODES[domain])
        if domain not in NAMED_DOMAINS and dice.chance(25):
            r[domain] = "400-599" if dice.chance(50) else f"{dice.between(0, 120)}-{dice.between(120, 600)}"
    if not r or dice.chance(20):
        r["body_contains"] = dice.pick(PIECES)
    if dice.chance(75):
        r["class"] = dice.pick((*CLASSES, "permanent"))
    if "class" not in r or dice.chance(30):
        r["sent"] = dice.pick(("not_sent", "rejected", "maybe"))
    return dice.shuffled(r)


def duration(dice, most):
    """A duration as somebody might write it."""
    us = dice.magnitude(most)
    if dice.chance(30):
        us = max(1, us // 1_000_000 * 1_000_000)
    if dice.chance(60):
        return text(us)
    unit = dice.pick(tuple(UNITS))
    size = UNITS[unit]
    if size in (3_600_000_000, 60_000_000) or size == 1:  # no finite decimal for all
        return f"{us}us"
    digits = len(str(size)) - 1
    return f"{us // size}.{us % size:0{digits}}{unit}"
