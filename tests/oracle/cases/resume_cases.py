from cases import SECOND as S
from cases import STEADY, attempt, fail, file, retry

# An instant of the world's clock, in microseconds since 1970.
MADE = 1_700_000_000 * S
QUEUE = {"attempts": 12, "timeout": "24h"}


def handed(name, policy, queue, before, *after, seed=7, waited=0, made_at=MADE, **more):
    """`after` is told of when it happens after the resumption; what `more` has of decision, reason and after is by hand."""
    resumed_at = made_at + waited
    hand = {key: more.pop(key) for key in ("decision", "reason", "after") if key in more}
    later = [{**step, "at": resumed_at + step["at"]} for step in after]
    return {"name": name, "policy": policy, "call_seed": str(seed), "before": before, "made_at": made_at, "queue": queue,
            "resumed_at": resumed_at, "after": later, **more, "hand": hand}


def thrice(code=500, **fields):
    """Three attempts fail, a second apart; the third is given up by a policy of three attempts."""
    return [fail(0, code, **fields), fail(1 * S, code, **fields), fail(2 * S, code, **fields)]


THREE = {"attempts": 3}
STEADY_THREE = STEADY | THREE
STEADY_QUEUE = STEADY | QUEUE | {"max_delay": "1h"}
SHORT = STEADY | {"timeout": "2500ms"}

COUNTED_ON = [
    handed("the wait before attempt 4 is that of retry 3, whoever waits it", STEADY_THREE, STEADY_QUEUE, thrice(), decision=retry(4 * S)),
    handed("and the next that of retry 4", STEADY_THREE, STEADY_QUEUE, thrice(), fail(4 * S), fail(12 * S), decision=retry(4 * S), after=[retry(8 * S), retry(16 * S)]),
    handed("word n of the same seed draws it", THREE, QUEUE, thrice(), fail(9 * S), fail(19 * S), fail(29 * S)),
    handed("equal jitter", THREE | {"jitter": "equal"}, QUEUE | {"jitter": "equal"}, thrice(), fail(9 * S), seed=8),
    handed("decorrelated jitter goes on from the last draw", THREE | {"jitter": "decorrelated"}, QUEUE | {"jitter": "decorrelated"}, thrice(), fail(9 * S), fail(19 * S), seed=9),
    handed("decorrelated jitter: a draw that was given up by timeout is drawn again", {"jitter": "decorrelated", "timeout": "2500ms"}, QUEUE | {"jitter": "decorrelated"}, [fail(0), fail(2_400_000)], fail(9 * S), seed=9, reason="timeout"),
    handed("the queue has other delays of its own", STEADY_THREE, STEADY_QUEUE | {"backoff": "constant", "initial": "10s"}, thrice(), fail(10 * S), decision=retry(10 * S), after=[retry(10 * S)]),
    handed("a list goes on at its third delay", STEADY_THREE, {"backoff": ["1s", "2s", "7s", "9s"], "jitter": "none", "attempts": 5, "timeout": None, "max_delay": "10s"}, thrice(), fail(7 * S), fail(16 * S), decision=retry(7 * S)),
    handed("attempts are counted from the first of all", STEADY_THREE, STEADY | {"attempts": 5, "timeout": None}, thrice(), fail(4 * S), fail(12 * S), decision=retry(4 * S), after=[retry(8 * S), {"give_up": "attempts", "hint": None, "class": "transient", "sent": "maybe"}]),
    handed("a queue that allows no more than the service gives up at once", STEADY_THREE, STEADY_THREE, thrice(), decision={"give_up": "attempts", "hint": None, "class": "transient", "sent": "maybe"}),
    handed("a class's attempts too", STEADY_THREE, STEADY | {"attempts": 9, "classes": {"transient": {"attempts": 3}}}, thrice(), decision={"give_up": "class_attempts", "hint": None, "class": "transient", "sent": "maybe"}),
    handed("each class by itself", STEADY_THREE, STEADY | {"attempts": 9, "classes": {"throttle": {"attempts": 2}}}, [fail(0, 429), fail(1 * S, 500), fail(2 * S, 500)], fail(9 * S, 429), after=[{"give_up": "class_attempts", "hint": None, "class": "throttle", "sent": "rejected"}]),
    handed("an attempt that starts in the queue has the next number", STEADY_THREE, STEADY_QUEUE, thrice(), attempt(4 * S), fail(5 * S), after=[{"number": 4, "limit": None, "remaining": 86_400 * S - 6 * S}, retry(8 * S)]),
    handed("without retries in the service", {"preset": "none"}, STEADY_QUEUE, [fail(0)], fail(1 * S), decision=retry(1 * S), after=[retry(2 * S)]),
    handed("first: immediate was the first retry's", STEADY | {"attempts": 2, "first": "immediate"}, STEADY_QUEUE | {"first": "immediate"}, [fail(0), fail(1 * S)], fail(2 * S), decision=retry(1 * S), after=[retry(2 * S)]),
    handed("all 64 bits of the seed", THREE, QUEUE, thrice(), fail(9 * S), seed=2**64 - 1),
]

TIME = [
    handed("timeout counts from the first attempt of all", SHORT, STEADY | {"attempts": None, "timeout": "20s"}, [fail(0), fail(1 * S)], fail(10 * S), reason="timeout", waited=3 * S, decision=retry(2 * S), after=[retry(4 * S)]),
    handed("the time in between counts", STEADY_THREE, STEADY | {"attempts": None, "timeout": "20s"}, thrice(), waited=14 * S, decision={"give_up": "timeout", "hint": None, "class": "transient", "sent": "maybe"}),
    handed("one microsecond of it is enough", STEADY_THREE, STEADY | {"attempts": None, "timeout": "20s"}, thrice(), waited=14 * S - 1, decision=retry(4 * S)),
    handed("a clock that is behind the service's makes no time pass", STEADY_THREE, STEADY | {"attempts": None, "timeout": "20s"}, thrice(), fail(4 * S), waited=-3600 * S, decision=retry(4 * S), after=[retry(8 * S)]),
    handed("more time than the queue's timeout", STEADY_THREE, STEADY | {"timeout": "1s"}, thrice(), decision={"give_up": "timeout", "hint": None, "class": "transient", "sent": "maybe"}),
    handed("time in the service before the start of its clock", STEADY_THREE, STEADY_QUEUE, [fail(5 * S), fail(6 * S), fail(7 * S)], started_at=5 * S, decision=retry(4 * S)),
    handed("a clipped wait: the attempt after it is the last", STEADY_THREE, STEADY | {"timeout": "5s", "on_timeout": {"clip": {"min_attempt": "1s"}}}, thrice(), fail(1 * S), after=[{"give_up": "timeout", "hint": None, "class": "transient", "sent": "maybe"}]),
    handed("that the service had clipped its last wait does not bind the queue", STEADY | {"timeout": "5s", "on_timeout": {"clip": {"min_attempt": "1s"}}}, STEADY_QUEUE, [fail(0), fail(1 * S), fail(3 * S), fail(4 * S)], fail(9 * S), reason="timeout"),
]

AGAIN = [
    handed("a hint that was too long for the service is kept by the queue", STEADY | {"timeout": "30s"}, STEADY_QUEUE | {"hint": {"max": "1h"}}, [fail(0, 503, hint=600 * S)], reason="hint_too_long", decision=retry(600 * S, "throttle", "rejected")),
    handed("and is too long for this one", STEADY | {"timeout": "30s"}, STEADY | {"timeout": "60s"}, [fail(0, 503, hint=600 * S)], decision={"give_up": "hint_too_long", "hint": 600 * S, "class": "throttle", "sent": "rejected"}),
    handed("a hint restarts the exponent once", STEADY | {"timeout": "3s", "hint": {"mode": "exact", "resets": True}}, STEADY_QUEUE | {"hint": {"mode": "exact", "resets": True, "max": "1h"}}, [fail(0), fail(1 * S, 503, hint=60 * S)], fail(60 * S), fail(70 * S), decision=retry(60 * S, "throttle", "rejected"), after=[retry(1 * S), retry(2 * S)]),
    handed("what was permanent stays so", STEADY, STEADY_QUEUE, [fail(0, 404)], reason="permanent", decision={"give_up": "permanent", "hint": None, "class": "permanent", "sent": "maybe"}),
    handed("also what the server forbade to repeat", STEADY, STEADY_QUEUE, [fail(0, 500, should_retry=False)], reason="permanent", decision={"give_up": "permanent", "hint": None, "class": "transient", "sent": "maybe"}),
    handed("what may do harm is not repeated", STEADY, STEADY_QUEUE, [fail(0, method="POST")], reason="not_idempotent", decision={"give_up": "not_idempotent", "hint": None, "class": "transient", "sent": "maybe"}),
    handed("unless the queue's policy says that it does none", STEADY, STEADY_QUEUE | {"idempotent": True}, [fail(0, method="POST")], reason="not_idempotent", decision=retry(1 * S)),
    handed("what the service would have repeated is", STEADY_THREE, STEADY_QUEUE, thrice(method="POST", idempotency_key=True), decision=retry(4 * S)),
    handed("not if the queue's policy says that it does harm", STEADY_THREE, STEADY_QUEUE | {"idempotent": False}, thrice(), decision={"give_up": "not_idempotent", "hint": None, "class": "transient", "sent": "maybe"}),
    handed("a call that was cancelled after it may have done something is not repeated", STEADY, STEADY_QUEUE, [fail(0, cancelled=True)], reason="cancelled", decision={"give_up": "not_idempotent", "hint": None, "class": "transient", "sent": "maybe"}),
    handed("one that was cancelled before is", STEADY, STEADY_QUEUE, [fail(0, "ECONNREFUSED", "os", phase="connect", cancelled=True)], reason="cancelled", decision=retry(1 * S, "connect", "not_sent")),
    handed("an inactive queue gives up", STEADY_THREE, STEADY_QUEUE, thrice(), queue_mode="inactive", decision={"give_up": "inactive", "hint": None, "class": "transient", "sent": "maybe"}),
    handed("a retry at once is used up where it was made", STEADY | {"attempts": 2}, STEADY_QUEUE, [fail(0, 421), fail(0)], fail(9 * S, 421)),
    handed("the queue's own budget pays", STEADY_THREE, STEADY_QUEUE | {"budget": {"name": "queue", "capacity": 2, "cost": 1}}, thrice(), fail(4 * S), fail(12 * S), decision=retry(4 * S), after=[retry(8 * S), {"give_up": "budget", "hint": None, "class": "transient", "sent": "maybe"}]),
]

DUE = [
    handed("in a wait: the next attempt is due", STEADY, STEADY_QUEUE, [fail(0), fail(1 * S)], fail(2 * S), reason=None, decision=None, after=[retry(4 * S)]),
    handed("after a wait whose end was the deadline", STEADY | {"timeout": "3s"}, STEADY_QUEUE, [fail(0), fail(500_000), attempt(3 * S)], fail(1 * S), reason=None, decision=None, after=[retry(4 * S)]),
    handed("in a wait that was clipped: the next attempt is the last", STEADY | {"timeout": "5s", "on_timeout": {"clip": {"min_attempt": "1s"}}}, STEADY_QUEUE, [fail(0), fail(1 * S), fail(3 * S)], fail(1 * S), after=[{"give_up": "timeout", "hint": None, "class": "transient", "sent": "maybe"}]),
]

RIGHT = {
    "version": 1, "attempts": 3, "call_seed": "7", "class": "transient", "sent": "maybe", "reason": "attempts", "hint_us": None, "elapsed_us": 2 * S,
    "made_at_us": MADE, "failures": {"transient": 3, "throttle": 0, "timeout": 0, "connect": 0, "conflict": 0}, "previous_us": 0,
    "restarted_at": 0, "used_immediate": False, "used_once": False, "last": False,
}


def refused(name, changes, *hand, without=()):
    token = {key: value for key, value in (RIGHT | changes).items() if key not in without} if isinstance(changes, dict) else changes
    return {"name": name, "token": token, "expect": [dict(zip(("code", "pointer", "text"), problem)) for problem in hand]}


REFUSALS = [
    refused("a version that is not known", {"version": 2}, ("unsupported_version", "/version", "version is 2, allowed 1, the version of the format; write 1 or use a newer release")),
    refused("a field that is missing", {}, ("missing_option", "/call_seed", "call_seed is missing, allowed a whole number below 2^64; write it"), without=("call_seed",)),
    refused("a count that is missing", {"failures": {"transient": 3, "throttle": 0, "timeout": 0, "connect": 0}}, ("missing_option", "/failures/conflict")),
    refused("a field that is none", {"policy": "standard"}, ("unknown_option", "/policy")),
    refused("no attempt", {"attempts": 0}, ("out_of_range", "/attempts", "attempts is 0, allowed 1 to 4294967294; write one in between")),
    refused("attempts beyond 32 bits", {"attempts": 2**32}, ("out_of_range", "/attempts")),
    refused("half an attempt", {"attempts": 1.5}, ("wrong_kind", "/attempts")),
    refused("a time below zero", {"elapsed_us": -1}, ("out_of_range", "/elapsed_us")),
    refused("a time with a unit", {"elapsed_us": "2s"}, ("wrong_kind", "/elapsed_us")),
    refused("an instant before 1970", {"made_at_us": -1}, ("out_of_range", "/made_at_us")),
    refused("a hint of more than ten years", {"hint_us": 87_600 * 3_600 * S + 1}, ("out_of_range", "/hint_us")),
    refused("a seed of 65 bits", {"call_seed": "18446744073709551616"}, ("wrong_kind", "/call_seed")),
    refused("a class that is none", {"class": "fatal"}, ("unknown_value", "/class", 'class is "fatal", allowed transient, throttle, timeout, connect, conflict or permanent; write one of these')),
    refused("a reason that is none", {"reason": "tired"}, ("unknown_value", "/reason")),
    refused("a flag that is none", {"used_once": 1}, ("wrong_kind", "/used_once")),
    refused("counts in a list", {"failures": [3, 0, 0, 0, 0]}, ("wrong_kind", "/failures")),
    refused("no object", [], ("wrong_kind", "")),
    refused("every mistake at once", {"version": 0, "sent": None, "restarted_at": -1}, ("unsupported_version", "/version"), ("wrong_kind", "/sent"), ("out_of_range", "/restarted_at")),
]

SOURCE = "SEMANTICS 2, 3 and 6: a call's words are drawn by position, so that whoever goes on draws the same"
FILES = [
    file("resume", "resume", "A call that was given up, and what another policy makes of its token", SOURCE, COUNTED_ON + AGAIN + DUE),
    file("resume-time", "resume", "How time is counted between two hosts", SOURCE, TIME),
    file("resume-refusals", "resume_refusal", "Tokens that are none", "DESIGN 4", REFUSALS),
]
