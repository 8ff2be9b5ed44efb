"""The options of breakers, throttles, bulkheads and hedges: what they may be, and what they do to each other.

Durations are text, as in policy files. `read` gives every option resolved, or the problems.
"""

from policy import MILLION
from reader import Reader, Refused, below

SECOND = 1_000_000


def rate(reader):
    return reader.millionths(0, MILLION)


TABLES = {
    "breaker": {
        "window_calls": (lambda r: r.whole(1, 1024), None),
        "window_time": (lambda r: r.duration(10), None),
        "min_calls": (lambda r: r.whole(1, 1_000_000), None),
        "failure_rate": (rate, MILLION // 2),
        "slow_after": (lambda r: r.duration(), None),
        "slow_rate": (rate, MILLION),
        "initial": (lambda r: r.duration(), 5 * SECOND),
        "factor": (lambda r: r.millionths(MILLION - 1, 10 * MILLION), 2 * MILLION),
        "max_delay": (lambda r: r.duration(), 60 * SECOND),
        "jitter": (lambda r: r.one_of("none", "full", "equal"), "equal"),
        "probes": (lambda r: r.whole(1, 16), 3),
        "probe_timeout": (lambda r: r.duration(), 60 * SECOND),
    },
    "throttle": {
        "k": (lambda r: r.millionths(MILLION - 1, 100 * MILLION), 2 * MILLION),
        "window": (lambda r: r.duration(10), 120 * SECOND),
    },
    "bulkhead": {
        "limit": (lambda r: r.whole(1, 1_000_000), None),
        "queue": (lambda r: r.whole(0, 1_000_000), 0),
    },
    "hedge": {
        "delay": (lambda r: r.duration(0), None),
        "attempts": (lambda r: r.whole(1, 100), 2),
        "jitter": (lambda r: r.duration(0), 0),
    },
}
RIVALS = {"breaker": {"window_calls", "window_time"}}


def read(guard, written):
    """({option: value}, []) or (None, [(code, pointer)]), in the order found."""
    reader, table = Reader(), TABLES[guard]
    if not isinstance(written, dict):
        return None, [("wrong_kind", "")]
    found, bad, rivals = {}, set(), set()
    for key, value in written.items():
        if key not in table:
            reader.note("unknown_option", below("", key))
            continue
        if key in RIVALS.get(guard, ()):
            if rivals:
                reader.note("duplicate_option", below("", key))
                continue
            rivals.add(key)
        try:
            found[key] = table[key][0](reader)(value, below("", key))
        except Refused:
            bad.add(key)
    options = {key: default for key, (_, default) in table.items()} | found
    for about, code, option in CONFLICTS[guard](options, found, set(written)):
        if not bad.intersection(about):
            reader.note(code, below("", option))
    return (None, reader.problems) if reader.problems else (options, [])


def breaker(options, found, written):
    """Completes the options; yields (what it is about, code, option)."""
    if "slow_rate" in written and "slow_after" not in written:
        yield ("slow_after",), "meaningless_option", "slow_rate"
    by_time = "window_time" in found
    if not by_time and options["window_calls"] is None:
        options["window_calls"] = 100
    most = options["window_calls"] if not by_time else 1_000_000
    if options["min_calls"] is None:
        options["min_calls"] = min(20, most)
    elif options["min_calls"] > most:
        yield ("window_calls",), "min_calls_above_window_calls", "min_calls"
    if options["initial"] > options["max_delay"]:
        if "max_delay" not in found:
            options["max_delay"] = options["initial"]
        elif "initial" not in found:
            options["initial"] = options["max_delay"]
        else:
            yield (), "max_delay_below_initial", "max_delay"


def needs(name):
    def conflicts(options, found, written):
        if name not in written:
            yield (), "missing_option", name
    return conflicts


CONFLICTS = {"breaker": breaker, "throttle": lambda *_: (), "bulkhead": needs("limit"), "hedge": needs("delay")}
