from cases import SECOND as S
from cases import STEADY, fail, file, retry, session

MS = 1_000


def busy(at, hint, give_up=None, delay=None, **fields):
    """A 429 with a hint."""
    return fail(at, 429, hint=hint, give_up=give_up, expect=None if delay is None else retry(delay, "throttle", "rejected"), **fields)


def full(jitter, **more):
    return {"jitter": jitter, **more}


FLOOR = [
    session("without jitter the longer of hint and ceiling: the hint", STEADY, busy(0, 3 * S, delay=3 * S)),
    session("without jitter the longer of hint and ceiling: the ceiling", STEADY, busy(0, 300 * MS, delay=1 * S)),
    session("without jitter the ceiling gives way to the deadline", STEADY | {"timeout": "900ms"}, busy(0, 300 * MS, delay=899_999)),
    session("a hint of 0 is a hint", STEADY, busy(0, 0, delay=1 * S)),
    *(session(f"hint and a draw under the ceiling on top, jitter {jitter}", full(jitter), busy(0, 3 * S), busy(4 * S, 3 * S), busy(9 * S, 3 * S), call_seed=4)
      for jitter in ("full", "equal", "decorrelated", {"proportional": 0.2}, {"additive": "1s"})),
    session("the draw on top is squeezed before the deadline", {"timeout": "5s"}, busy(0, 4_999_990), call_seed=2),
    session("no room for a draw: the hint itself", {"timeout": "5s"}, busy(0, 4_999_999, delay=4_999_999)),
    session("a hint that ends at the deadline is too long", {"timeout": "5s"}, busy(0, 5 * S, give_up="hint_too_long")),
    session("a hint that ends after the deadline is too long", {"timeout": "5s"}, busy(3 * S, 2_000_001, give_up="hint_too_long")),
    session("a hint as long as hint.max is honoured", STEADY | {"timeout": None}, busy(0, 120 * S, delay=120 * S)),
    session("a hint above hint.max is too long", STEADY | {"timeout": None}, busy(0, 120 * S + 1, give_up="hint_too_long")),
    session("hint.max is a policy's own", STEADY | {"hint": {"max": "2s"}}, busy(0, 2 * S, delay=2 * S), busy(2 * S, 2 * S + 1, give_up="hint_too_long")),
    session("a hint of 285 years is too long", STEADY | {"timeout": None}, busy(0, 2**53 - 1, give_up="hint_too_long")),
    session("the ceiling under a hint ignores first immediate", STEADY | {"first": "immediate"}, busy(0, 300 * MS, delay=1 * S), busy(1 * S, 300 * MS, delay=2 * S), fail(3 * S, expect=retry(2 * S))),
    session("a hint on a 503 makes it a throttle", STEADY, fail(0, 503, hint=3 * S, expect=retry(3 * S, "throttle", "rejected"))),
    session("a hint on a 500 is honoured", STEADY, fail(0, 500, hint=3 * S, expect=retry(3 * S))),
    session("a hint does not stop the exponent", STEADY, busy(0, 3 * S, delay=3 * S), busy(3 * S, 0, delay=2 * S), busy(5 * S, 0, delay=4 * S)),
    session("the class's own initial under a hint", STEADY | {"classes": {"throttle": {"initial": "4s"}}}, busy(0, 1 * S, delay=4 * S)),
    session("linear ceilings under a hint", STEADY | {"backoff": "linear"}, busy(0, 0, delay=1 * S), busy(0, 0, delay=2 * S), busy(0, 0, delay=3 * S)),
    session("a list's elements under a hint", STEADY | {"backoff": ["5s", "1s"]}, busy(0, 2 * S, delay=5 * S), busy(0, 2 * S, delay=2 * S)),
    session("a list of zeros under a hint is the hint", {"backoff": ["0s"]}, busy(0, 2 * S, delay=2 * S)),
    session("decorrelated goes on folding under hints", full("decorrelated"), busy(0, 1 * S), fail(3 * S), busy(5 * S, 1 * S), fail(9 * S), call_seed=6),
    session("decorrelated without the hints draws the same", full("decorrelated"), fail(0), fail(3 * S), fail(5 * S), fail(9 * S), call_seed=6),
    session("the hint is told on giving up for another reason", STEADY | {"attempts": 1}, fail(0, 429, hint=3 * S, expect={"give_up": "attempts", "hint": 3 * S, "class": "throttle", "sent": "rejected"})),
    session("without deadline the whole ceiling is on top", {"timeout": None}, busy(0, 3 * S), busy(5 * S, 100 * S), call_seed=9),
]

EXACT = {"hint": "exact"}
EXACTLY = [
    session("exactly the hint, whatever the jitter", EXACT, busy(0, 3 * S, delay=3 * S), busy(3 * S, 1, delay=1)),
    session("a hint of 0 is a wait of 0", EXACT, busy(0, 0, delay=0)),
    session("a hint shorter than the ceiling", EXACT | STEADY, busy(0, 10 * MS, delay=10 * MS)),
    session("a hint above max is too long", EXACT | {"timeout": None}, busy(0, 120 * S + 1, give_up="hint_too_long")),
    session("a hint above a written max is too long", {"hint": {"mode": "exact", "max": "1s"}}, busy(0, 1 * S, delay=1 * S), busy(1 * S, 1 * S + 1, give_up="hint_too_long")),
    session("a hint that ends at the deadline is too long", EXACT | {"timeout": "5s"}, busy(0, 5 * S, give_up="hint_too_long")),
    session("a hint that ends before the deadline by a microsecond", EXACT | {"timeout": "5s"}, busy(0, 4_999_999, delay=4_999_999)),
    session("without a hint the ordinary delay", EXACT | STEADY, fail(0, expect=retry(1 * S))),
    session("decorrelated goes on folding", EXACT | full("decorrelated"), busy(0, 1 * S), fail(3 * S), call_seed=6),
]

AWS = STEADY | {"attempts": 5, "initial": "50ms", "max_delay": "20s", "classes": {"throttle": {"initial": "1s"}}, "hint": {"mode": "window", "window": "5s"}}
WINDOW = [
    session("AWS Retry 2.1: a hint inside [d, d + 5 s] is taken", AWS, busy(0, 3 * S, delay=3 * S)),
    session("AWS Retry 2.1: a hint below d waits d", AWS, busy(0, 10 * MS, delay=1 * S)),
    session("AWS Retry 2.1: a hint above d + 5 s waits d + 5 s", AWS, busy(0, 30 * S, delay=6 * S)),
    session("AWS Retry 2.1: transient base 50 ms, throttling 1 s", AWS, fail(0, expect=retry(50 * MS)), fail(1 * S, 429, expect=retry(2 * S, "throttle", "rejected")), fail(3 * S, expect=retry(200 * MS))),
    session("there is no limit to a hint in a window", AWS | {"timeout": None}, busy(0, 2**53 - 1, delay=6 * S)),
    session("the bounds themselves", AWS, busy(0, 1 * S, delay=1 * S), busy(1 * S, 7 * S, delay=7 * S)),
    session("a clamped wait that ends at the deadline is a timeout", AWS | {"timeout": "6s"}, busy(0, 30 * S, give_up="timeout")),
    session("a hint past the deadline may be clamped before it", AWS | {"timeout": "6001ms"}, busy(0, 30 * S, delay=6 * S)),
    session("first immediate: the window starts at 0", AWS | {"first": "immediate"}, busy(0, 3 * S, delay=3 * S)),
    session("first immediate: a long hint waits the window", AWS | {"first": "immediate"}, busy(0, 30 * S, delay=5 * S)),
    session("full jitter: the window starts at the draw", AWS | {"jitter": "full"}, busy(0, 10 * MS), busy(1 * S, 30 * S), busy(9 * S, 3 * S), call_seed=8),
]

IGNORED = [
    session("a hint is not looked at", STEADY | {"hint": "ignore"}, busy(0, 30 * S, delay=1 * S), busy(1 * S, 0, delay=2 * S)),
    session("no hint is too long", STEADY | {"hint": "ignore"}, busy(0, 2**53 - 1, delay=1 * S)),
    session("a 503 with a hint is still a throttle", STEADY | {"hint": "ignore"}, fail(0, 503, method="POST", hint=30 * S, expect=retry(1 * S, "throttle", "rejected"))),
    session("a 413 with a hint is still retried", STEADY | {"hint": "ignore"}, fail(0, 413, hint=30 * S, expect=retry(1 * S, "transient", "rejected"))),
]

GRPC = STEADY | {"hint": {"mode": "exact", "resets": True}}
RESETS = [
    session("gRFC A6: after a pushback the exponent starts again", GRPC, fail(0, expect=retry(1 * S)), fail(1 * S, expect=retry(2 * S)), busy(3 * S, 7 * S, delay=7 * S), fail(10 * S, expect=retry(1 * S)), fail(11 * S, expect=retry(2 * S))),
    session("every hint restarts it", GRPC, busy(0, 1 * S), fail(1 * S, expect=retry(1 * S)), busy(2 * S, 1 * S), fail(3 * S, expect=retry(1 * S)), fail(4 * S, expect=retry(2 * S))),
    session("floor: the ceiling under the next hint starts again too", STEADY | {"hint": {"resets": True}}, fail(0), fail(1 * S), busy(3 * S, 0, delay=4 * S), busy(7 * S, 0, delay=1 * S), busy(8 * S, 0, delay=1 * S)),
    session("window: the exponent starts again", STEADY | {"hint": {"mode": "window", "window": "5s", "resets": True}}, fail(0), busy(1 * S, 3 * S, delay=3 * S), fail(4 * S, expect=retry(1 * S))),
    session("after a restart first immediate does not come again", GRPC | {"first": "immediate"}, fail(0, expect=retry(0)), fail(0, expect=retry(1 * S)), busy(1 * S, 3 * S, delay=3 * S), fail(4 * S, expect=retry(1 * S)), fail(5 * S, expect=retry(2 * S))),
    session("the index of the draw is not restarted", {"hint": {"mode": "exact", "resets": True}}, fail(0), busy(1 * S, 3 * S), fail(4 * S), fail(5 * S), call_seed=3),
    session("a list starts again", STEADY | {"backoff": ["1s", "2s", "3s"], "hint": {"mode": "exact", "resets": True}}, fail(0), fail(1 * S), busy(3 * S, 5 * S), fail(8 * S, expect=retry(1 * S)), fail(9 * S, expect=retry(2 * S))),
    session("a user's wait restarts nothing", GRPC, fail(0), fail(1 * S, 429, hint=3 * S, wait=5 * S), fail(6 * S, expect=retry(4 * S))),
    session("without resets the exponent goes on", STEADY | {"hint": "exact"}, fail(0), busy(1 * S, 3 * S), fail(4 * S, expect=retry(4 * S))),
]

WAIT = [
    session("the user's wait is exact", {}, fail(0, wait=1_234_567, expect=retry(1_234_567))),
    session("the user's wait of 0", {}, fail(0, wait=0, expect=retry(0))),
    session("the user's wait passes max_delay", {}, fail(0, wait=40 * S, expect=retry(40 * S))),
    session("the user's wait passes hint.max", {"timeout": None}, fail(0, wait=500 * S, expect=retry(500 * S))),
    session("the user's wait beats the hint", {}, busy(0, 30 * S, wait=2 * S, delay=2 * S)),
    session("the user's wait beats a hint that is too long", {}, busy(0, 300 * S, wait=2 * S, delay=2 * S)),
    session("the user's wait beats first immediate", STEADY | {"first": "immediate"}, fail(0, wait=2 * S, expect=retry(2 * S))),
    session("the deadline holds for the user's wait", {"timeout": "5s"}, fail(0, wait=4_999_999, expect=retry(4_999_999)), fail(4_999_999, wait=1, give_up="timeout")),
    session("attempts hold for the user's wait", {"attempts": 1}, fail(0, wait=1, give_up="attempts")),
    session("the user's wait does not make a permanent failure retried", {}, fail(0, 404, wait=1, give_up="permanent")),
    session("decorrelated goes on folding under the user's waits", full("decorrelated"), fail(0, wait=7 * S), fail(7 * S), call_seed=6),
    session("the exponent goes on under the user's waits", STEADY, fail(0, wait=1), fail(1, expect=retry(2 * S))),
]

FILES = [
    file("hint-floor", "session", "The hint is the least wait, with a draw on top", "DESIGN 3; SEMANTICS 6.1", FLOOR),
    file("hint-exact", "session", "The hint is the wait", "DESIGN 3; gRFC A6", EXACTLY),
    file("hint-window", "session", "The hint clamped to [d, d + window]", "DESIGN 3; AWS Retry 2.1 (SEMANTICS 0)", WINDOW),
    file("hint-ignore", "session", "The hint is not looked at", "DESIGN 3", IGNORED),
    file("hint-resets", "session", "An honoured hint restarts the exponent", "DESIGN 3; gRFC A6", RESETS),
    file("wait-of-the-user", "session", "A wait that the user's own code returned", "DESIGN 3", WAIT),
]
