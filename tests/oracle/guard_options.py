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
    reader = Reader()
    if not isinstance(written, dict):
        return None, [("wrong_kind", "")]
    readers = {key: make(reader) for key, (make, _) in TABLES[guard].items()}
    found, bad = members(reader, readers, RIVALS.get(guard, ()), written, "")
    conflicts = [*SAID_TOGETHER.get(guard, lambda written: ())(set(written))]
    options = with_defaults(guard, found)
    conflicts += CONFLICTS[guard](options, found, set(written))
    for about, code, option in conflicts:
        if not bad.intersection(about):
            reader.note(code, below("", option))
    return (None, reader.problems) if reader.problems else (options, [])


def members(reader, readers, rivals, written, pointer):
    """What could be read, and the names of what could not. Of rivals the second is not read."""
    found, bad, taken = {}, set(), False
    for key, value in written.items():
        place = below(pointer, key)
        if key not in readers:
            reader.note("unknown_option", place)
            continue
        if key in rivals:
            if taken:
                reader.note("duplicate_option", place)
                continue
            taken = True
        try:
            found[key] = readers[key](value, place)
        except Refused:
            bad.add(key)
    return found, bad


def with_defaults(guard, found):
    return {key: default for key, (_, default) in TABLES[guard].items()} | found


def in_policy(reader, value, pointer):
    """The name and the options of a policy's own breaker, as written. What is wrong with all of it comes when nothing in it is."""
    readers = {"name": reader.name} | {key: make(reader) for key, (make, _) in TABLES["breaker"].items()}
    before = len(reader.problems)
    found, _ = members(reader, readers, RIVALS["breaker"], reader.mapping(value, pointer), pointer)
    if len(reader.problems) == before:
        if "name" not in found:
            reader.note("missing_option", below(pointer, "name"))
        for _, code, option in slow_rate_alone(set(value)):
            reader.note(code, below(pointer, option))
    if len(reader.problems) > before:
        raise Refused
    return found.pop("name"), found


def slow_rate_alone(written):
    if "slow_rate" in written and "slow_after" not in written:
        yield ("slow_after",), "meaningless_option", "slow_rate"


def completed(found):
    """Every option of a policy's own breaker, and the conflicts between them."""
    options = with_defaults("breaker", found)
    conflicts = [(code, option) for _, code, option in breaker(options, found, set(found))]
    return options, conflicts


def breaker(options, found, written):
    """Completes the options; yields (what it is about, code, option)."""
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


SAID_TOGETHER = {"breaker": slow_rate_alone}
CONFLICTS = {"breaker": breaker, "throttle": lambda *_: (), "bulkhead": needs("limit"), "hedge": needs("delay")}
