"""Breakers that policies name: what their calls ask and tell them."""

from cases import SECOND as S
from cases import file
from cases.dump_cases import STANDARD, dump
from cases.refusal_cases import refused

OWN = {"name": "x", "window_calls": 4, "min_calls": 4, "initial": "10s", "jitter": "none"}
STEADY = {"jitter": "none", "timeout": None, "breaker": OWN}
ONCE = STEADY | {"attempts": 1}


def shared(name, policy, *steps, **more):
    flat = [one for step in steps for one in (step if isinstance(step, list) else [step])]
    return {"name": name, "policy": policy, **more, "steps": flat}


def attempt(at, call=1, **hand):
    """`hand`: figures of the expectation by hand, checked against the oracle."""
    return {"call": call, "at": at, "attempt": True, "hand": hand}


def fail(at, call=1, code=500, hand=None, domain="http", **fields):
    return {"call": call, "at": at, "fail": {"domain": domain, "code": code, **fields}, "hand": hand or {}}


def succeed(at, call=1, **hand):
    return {"call": call, "at": at, "succeed": True, "hand": hand}


def cancel(at, call=1, **hand):
    return {"call": call, "at": at, "cancel": True, "hand": hand}


def failing(at, *calls, lasts=0, **failure):
    """Calls of one attempt that all fail."""
    return [step for call in calls for step in (attempt(at, call), fail(at + lasts, call, **failure))]


def succeeding(at, *calls):
    return [step for call in calls for step in (attempt(at, call), succeed(at, call))]


TRIPPED = failing(0, 91, 92, 93, 94)

REFUSED = [
    shared("three failures leave it closed, the fourth opens it", ONCE, failing(0, 1, 2, 3), attempt(0, 4, state="closed"), fail(0, 4, hand={"state": "open"})),
    shared("a first attempt is refused, and the call told when to come back", ONCE, TRIPPED, attempt(3 * S, 1, give_up="breaker_open", hint=7 * S, state="open")),
    shared("so is a later attempt, though its wait was granted", STEADY, attempt(0), fail(0, hand={"retry": S}), failing(0, 91, 92, 93), attempt(1 * S, give_up="breaker_open", hint=9 * S)),
    shared("a retry whose wait ends while the breaker is open is refused before it", STEADY, failing(0, 91, 92, 93), attempt(0), fail(0, hand={"give_up": "breaker_open", "hint": 10 * S})),
    shared("one whose wait outlasts that is not", STEADY | {"initial": "10s", "max_delay": "10s"}, failing(0, 91, 92, 93), attempt(0), fail(0, hand={"retry": 10 * S}), attempt(10 * S, number=2, state="half_open")),
    shared("one microsecond earlier it is", STEADY | {"initial": "9999999us", "max_delay": "10s"}, failing(0, 91, 92, 93), attempt(0), fail(0, hand={"give_up": "breaker_open"})),
    shared("the longer of the server's wait and the breaker's is told", STEADY | {"hint": "ignore"}, failing(0, 91, 92, 93), attempt(0), fail(0, hint=12 * S, hand={"give_up": "breaker_open", "hint": 12 * S})),
    shared("and the breaker's if that is longer", STEADY | {"hint": "ignore"}, failing(0, 91, 92, 93), attempt(0), fail(0, hint=3 * S, hand={"give_up": "breaker_open", "hint": 10 * S})),
    shared("a wait that the server asked for may outlast it", STEADY, failing(0, 91, 92, 93), attempt(0), fail(0, code=429, hint=10 * S, hand={"retry": 10 * S})),
    shared("timeout comes before", STEADY | {"timeout": "1s"}, failing(0, 91, 92, 93), attempt(0), fail(0, hand={"give_up": "timeout", "hint": None, "state": "open"})),
    shared("timeout comes before at an attempt, too", STEADY | {"timeout": "2s"}, attempt(0), fail(0), failing(0, 91, 92, 93), attempt(2 * S, give_up="timeout")),
    shared("the budget comes after, and is not asked", STEADY | {"budget": {"name": "x", "capacity": 14, "cost": 14}}, attempt(0), fail(0, hand={"tokens": 0}), attempt(0, 91), fail(0, 91, hand={"give_up": "budget"}), attempt(0, 4), failing(0, 92), fail(0, 4, hand={"give_up": "breaker_open"})),
    shared("a retry that the breaker refuses at its attempt gets its tokens back", STEADY | {"budget": {"name": "x", "cost": 5}}, attempt(0), fail(0, hand={"tokens": 495 * 10**6}), failing(0, 91, 92, 93), attempt(1 * S, give_up="breaker_open", tokens=490 * 10**6)),
    shared("an inactive call neither asks nor tells it", ONCE, failing(0, 1, 2, 3, 4, 5), attempt(0, 6, state="closed"), mode="inactive"),
    shared("one that is made elsewhere and not supplied refuses nothing", STEADY | {"breaker": "elsewhere"}, failing(0, 1, 2, 3, 4, 5), attempt(0, 6, number=1, state=None)),
    shared("a policy without a breaker has none", {"jitter": "none"}, attempt(0), fail(0), succeed(S, state=None)),
    shared("the seed of the breaker draws how long it is open", ONCE | {"breaker": OWN | {"jitter": "full"}}, TRIPPED, attempt(0, 1, give_up="breaker_open"), seed="7"),
]

COUNTED = [
    *(shared(f"{name}: counts as a failure", ONCE, failing(0, 1, 2, 3, 4, **failure), attempt(0, 5, give_up="breaker_open")) for name, failure in (
        ("transient", {"code": 503}), ("throttle", {"code": 429}), ("timeout", {"code": 504}), ("connect", {"domain": "os", "code": "ECONNREFUSED"}),
        ("an unknown error that on names", {"domain": "user", "code": "MyError", "verdict": "named"}), ("a result that was not accepted", {"domain": "user", "code": None, "verdict": "forced"}),
        ("what on does not name is still the server's failure", {"code": 503, "verdict": "refused"}), ("connect by a status", {"code": 521}),
        ("what an inner call has given up", {"code": 503, "nested": True}), ("another breaker's refusal", {"domain": "user", "code": "BreakerOpen", "hint": 5}),
    )),
    *(shared(f"{name}: the server is there and answers, which counts as a success", ONCE | more, failing(0, 1, 2, **failure), failing(0, 3, 4), attempt(0, 5, give_up="breaker_open")) for name, more, failure in (
        ("conflict", {}, {"domain": "postgres", "code": "40001"}), ("a request that is refused for good", {}, {"domain": "http", "code": 404, "phase": "unknown"}),
        ("a code of a database's that no table has", {}, {"domain": "postgres", "code": "99999"}), ("permanent by a rule", {"rules": [{"http": 503, "class": "permanent"}]}, {"code": 503}),
        ("conflict by a rule", {"rules": [{"aws": "X", "class": "conflict"}]}, {"domain": "aws", "code": "X"}),
    )),
    *(shared(f"{name}: says nothing of the server, and counts for nothing", ONCE, failing(0, 1, 2, 3, 4, **failure), failing(0, 5, 6, 7), attempt(0, 8, number=1, state="closed")) for name, failure in (
        ("an error that nobody knows", {"domain": "user", "code": "MyError"}), ("a certificate", {"domain": "tls", "code": "CERT_HAS_EXPIRED"}), ("a file that is not there", {"domain": "os", "code": "ENOENT"}), ("a lock of the host's own", {"domain": "os", "code": "EBUSY"}), ("a client that is closed", {"domain": "undici", "code": "UND_ERR_CLOSED"}), ("a cancelled attempt", {"code": 500, "cancelled": True}),
    )),
    shared("a success counts", ONCE, succeeding(0, 1, 2), failing(0, 3), attempt(0, 4), succeed(0, 4, state="closed")),
    shared("each attempt of a call counts", STEADY | {"initial": "1us", "max_delay": "1us"}, [step for n in range(3) for step in (attempt(n), fail(n))], attempt(3), fail(3, hand={"give_up": "breaker_open", "state": "open"})),
    shared("a slow success counts by its attempt's time, not the call's", ONCE | {"breaker": OWN | {"slow_after": "1s", "slow_rate": 0.5}}, [step for call in (1, 2) for step in (attempt(5 * S, call), succeed(6 * S, call))],
           [step for call in (3, 4) for step in (attempt(10 * S, call), succeed(11 * S + 1, call))], attempt(12 * S, 5, give_up="breaker_open")),
    shared("a failure without an attempt before it counts for nothing", ONCE, *(fail(0, call) for call in range(1, 6)), attempt(0, 6, number=1, state="closed")),
]

HALF = STEADY | {"breaker": OWN | {"probes": 2, "probe_timeout": "30s"}, "attempts": 2, "initial": "20s", "max_delay": "20s"}
PERMITS = [
    shared("half-open it lets so many attempts through", HALF, TRIPPED, attempt(10 * S, 1, number=1, state="half_open"), attempt(10 * S, 2, number=1), attempt(10 * S, 3, give_up="breaker_open", hint=30 * S)),
    shared("asking twice takes one permit", HALF, TRIPPED, attempt(10 * S, 1), attempt(10 * S, 1, number=1), attempt(10 * S, 2, number=1), attempt(10 * S, 3, give_up="breaker_open")),
    shared("their successes close it", HALF, TRIPPED, succeeding(10 * S, 1), attempt(10 * S, 2, state="half_open"), succeed(10 * S, 2, state="closed")),
    shared("an extra success is harmless", HALF, TRIPPED, succeeding(10 * S, 1), succeed(10 * S, 1, state="half_open"), attempt(10 * S, 2, number=1)),
    shared("a failed probe opens it again, for longer", HALF, TRIPPED, attempt(10 * S, 1), fail(10 * S, 1, hand={"retry": 20 * S, "state": "open"}), attempt(29 * S, 2, give_up="breaker_open", hint=1 * S)),
    shared("a probe of a call that waits again is settled", HALF | {"breaker": OWN | {"probes": 2, "failure_rate": 1}}, TRIPPED, attempt(10 * S, 1), fail(10 * S, 1, hand={"retry": 20 * S, "state": "half_open"}), attempt(10 * S, 2, number=1), attempt(10 * S, 3, give_up="breaker_open")),
    shared("a cancelled attempt hands its permit back", HALF, TRIPPED, attempt(10 * S, 1), attempt(10 * S, 2), cancel(11 * S, 1, state="half_open"), attempt(11 * S, 3, number=1), attempt(11 * S, 4, give_up="breaker_open")),
    shared("an extra cancel is harmless", HALF, TRIPPED, attempt(10 * S, 1), attempt(10 * S, 2), cancel(11 * S, 1), cancel(11 * S, 1), attempt(11 * S, 3, number=1), attempt(11 * S, 4, give_up="breaker_open")),
    shared("an attempt that nobody hears of again is taken back", HALF, TRIPPED, attempt(10 * S, 1), attempt(10 * S, 2), attempt(40 * S - 1, 3, give_up="breaker_open", hint=1), attempt(40 * S, 4, number=1)),
    shared("what it comes to then counts for nothing", HALF, TRIPPED, attempt(10 * S, 1), attempt(10 * S, 2), attempt(40 * S, 3), fail(41 * S, 1, hand={"retry": 20 * S, "state": "half_open"})),
    shared("attempts from before it opened count for nothing after", HALF, attempt(0, 1), TRIPPED, succeed(10 * S, 1, state="half_open"), attempt(10 * S, 2, number=1), attempt(10 * S, 3, number=1)),
    shared("a 404 closes it: the server answers", HALF, TRIPPED, failing(10 * S, 1, 2, code=404), attempt(10 * S, 3, number=1, state="closed")),
    shared("an error that nobody knows leaves it half-open, with its permits", HALF, TRIPPED, failing(10 * S, 1, 2, 3, domain="user", code="MyError"), attempt(10 * S, 4, number=1, state="half_open")),
    shared("an attempt after the deadline hands a permit back that it holds", HALF | {"timeout": "25s"}, attempt(0, 1), fail(0, 1), failing(0, 91, 92, 93), attempt(20 * S, 1, number=2), attempt(20 * S, 2), attempt(26 * S, 1, give_up="timeout"), attempt(26 * S, 3, number=1)),
]

ALONE = {"name": "x"}
REFUSALS = [
    refused("another kind", {"breaker": 5}, "wrong_kind /breaker", texts={"/breaker": 'breaker is 5, allowed a name, a map or null; write one of these'}),
    refused("no name", {"breaker": {"min_calls": 5}}, "missing_option /breaker/name", texts={"/breaker/name": 'breaker.name is missing, needed beside its options; write the name of what is called, as "internal-api"'}),
    refused("nothing in it", {"breaker": {}}, "missing_option /breaker/name"),
    refused("an empty name", {"breaker": ""}, "out_of_range /breaker"),
    refused("a name of 65 bytes", {"breaker": {"name": "x" * 65}}, "text_too_long /breaker/name"),
    refused("a name that is a number", {"breaker": {"name": 5}}, "wrong_kind /breaker/name"),
    refused("half-open without a probe would never close", {"breaker": ALONE | {"probes": 0}}, "out_of_range /breaker/probes", texts={"/breaker/probes": "breaker.probes is 0, allowed 1 to 16; write one in between"}),
    refused("an unknown member", {"breaker": ALONE | {"attempts": 5}}, "unknown_option /breaker/attempts", texts={"/breaker/attempts": "breaker.attempts is not an option, allowed name, window_calls, window_time, min_calls, failure_rate, slow_after, slow_rate, initial, factor, max_delay, jitter, probes or probe_timeout; correct or remove it"}),
    refused("one window, not two", {"breaker": ALONE | {"window_calls": 10, "window_time": "10s"}}, "duplicate_option /breaker/window_time"),
    refused("slow_rate needs slow_after", {"breaker": ALONE | {"slow_rate": 0.5}}, "meaningless_option /breaker/slow_rate"),
    refused("that and a missing name", {"breaker": {"slow_rate": 0.5}}, "missing_option /breaker/name", "meaningless_option /breaker/slow_rate"),
    refused("no word on either beside a bad option", {"breaker": {"slow_rate": 0.5, "probes": 17}}, "out_of_range /breaker/probes"),
    refused("more calls needed than the window has", {"breaker": ALONE | {"window_calls": 10, "min_calls": 11}}, "min_calls_above_window_calls /breaker/min_calls", texts={"/breaker/min_calls": "breaker.min_calls is 11, above window_calls 10; raise window_calls or lower it"}),
    refused("max_delay below initial", {"breaker": ALONE | {"initial": "2s", "max_delay": "1s"}}, "max_delay_below_initial /breaker/max_delay", texts={"/breaker/max_delay": "breaker.max_delay is 1s, below initial 2s; raise max_delay or lower initial"}),
    refused("both, after what the budget is told", {"breaker": ALONE | {"initial": "2s", "max_delay": "1s", "min_calls": 101}, "budget": ALONE | {"cost": 501}, "classes": {"connect": {"attempts": 11}}},
            "cost_above_capacity /budget/cost", "min_calls_above_window_calls /breaker/min_calls", "max_delay_below_initial /breaker/max_delay", "class_attempts_above_attempts /classes/connect/attempts"),
    refused("durations have a unit", {"breaker": ALONE | {"slow_after": 5, "probe_timeout": "5"}}, "bare_number /breaker/slow_after", "bad_duration /breaker/probe_timeout"),
]

TEXT = '"breaker":{"name":"x","window_calls":100,"min_calls":20,"failure_rate":0.5,"initial":"5s","factor":2,"max_delay":"1m","jitter":"equal","probes":3,"probe_timeout":"1m"},'


def breaker(name, written, text, **more):
    return dump(name, {"breaker": written, **more}, STANDARD.replace('"idempotent"', text + '"idempotent"'))


FORMS = [
    breaker("a name alone is a breaker made elsewhere", "internal-api", '"breaker":"internal-api",'),
    breaker("a map with a name alone has every default", ALONE, TEXT),
    breaker("a window of time", ALONE | {"window_time": "30s"}, TEXT.replace('"window_calls":100', '"window_time":"30s"')),
    breaker("the default of min_calls gives way to a small window", ALONE | {"window_calls": 5}, TEXT.replace("100", "5").replace("20", "5")),
    breaker("slow calls", ALONE | {"slow_after": "2s"}, TEXT.replace('"initial"', '"slow_after":"2s","slow_rate":1,"initial"')),
    breaker("max_delay gives way to initial", ALONE | {"initial": "2m"}, TEXT.replace('"5s"', '"2m"').replace('"max_delay":"1m"', '"max_delay":"2m"')),
    breaker("initial gives way to max_delay", ALONE | {"max_delay": "1s"}, TEXT.replace('"5s"', '"1s"').replace('"max_delay":"1m"', '"max_delay":"1s"')),
    breaker("members in their own order", {"probe_timeout": "1h", "probes": 16, "jitter": "full", "max_delay": "3s", "factor": 1, "initial": "3s", "slow_rate": 0.25, "slow_after": "1us", "failure_rate": 1, "min_calls": 1, "window_time": "10us", "name": "x"},
            '"breaker":{"name":"x","window_time":"10us","min_calls":1,"failure_rate":1,"slow_after":"1us","slow_rate":0.25,"initial":"3s","factor":1,"max_delay":"3s","jitter":"full","probes":16,"probe_timeout":"1h"},'),
    breaker("beside a budget of the same name", ALONE, '"budget":"x",' + TEXT, budget="x"),
    breaker("null is none", None, ""),
]

SOURCE = "SEMANTICS 9"
FILES = [
    file("policy-breaker-refused", "shared", "What a policy's breaker refuses, and in which order", SOURCE + "; DESIGN 3", REFUSED),
    file("policy-breaker-counted", "shared", "What a policy's breaker counts", SOURCE + "; resilience4j and Polly: errors that are not recorded count as successes", COUNTED),
    file("policy-breaker-permits", "shared", "Permits of a half-open breaker: every call that ends holds none", SOURCE, PERMITS),
    file("refusal-breaker", "refusal", "Breakers that a policy cannot have", SOURCE, REFUSALS),
    file("dump-breaker", "dump", "Forms of a policy's breaker", SOURCE, FORMS),
]
