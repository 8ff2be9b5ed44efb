from cases import SECOND as S
from cases import STEADY, attempt, fail, file, retry, session

FOREVER = {"forever": True, "jitter": "none"}
TIMES = 2**53 - 1


def asked(number, limit=None, remaining=None):
    return {"number": number, "limit": limit, "remaining": remaining}


ATTEMPTS = [
    session("attempts counts the first: 1 never retries", STEADY | {"attempts": 1}, fail(0, give_up="attempts")),
    session("attempts 3 retries twice", STEADY | {"attempts": 3}, fail(0, expect=retry(1 * S)), fail(1 * S, expect=retry(2 * S)), fail(3 * S, give_up="attempts")),
    session("preset none gives up at the first failure", {"preset": "none"}, fail(0, give_up="attempts")),
    session("preset interactive makes three attempts", {"preset": "interactive"}, fail(0), fail(500_000), fail(1 * S, give_up="attempts")),
    session("the number of an attempt is the failures plus one", STEADY, attempt(0, expect=asked(1, None, 45 * S)), fail(0), attempt(1 * S, expect=asked(2, None, 44 * S)), fail(1 * S), attempt(3 * S, expect=asked(3, None, 42 * S))),
    session("asking for an attempt twice changes nothing", STEADY, attempt(0), attempt(0, expect=asked(1, None, 45 * S)), fail(0), attempt(1 * S), attempt(1 * S, expect=asked(2, None, 44 * S))),
    session("attempts need not be asked for", STEADY | {"attempts": 2}, fail(0, expect=retry(1 * S)), fail(1 * S, give_up="attempts")),
    session("4294967295 attempts are a limit nobody reaches", STEADY | {"attempts": 4294967295}, fail(0, expect=retry(1 * S)), fail(0, expect=retry(2 * S))),
    session("unlimited attempts go on until the timeout", STEADY | {"attempts": None, "timeout": "10s"}, fail(0), fail(0), fail(0, expect=retry(4 * S)), fail(3 * S, give_up="timeout")),
    session("forever goes on past 64 retries", FOREVER | {"initial": "1us", "max_delay": "1ms"}, *(fail(n) for n in range(70))),
    session("forever has no remaining time", FOREVER, attempt(0, expect=asked(1)), fail(0), attempt(TIMES, expect=asked(2))),
]

TIMEOUT = [
    session("a wait that ends before the deadline by a microsecond is made", STEADY | {"timeout": "2s"}, fail(999_999, expect=retry(1 * S))),
    session("a wait that ends at the deadline is refused", STEADY | {"timeout": "2s"}, fail(1 * S, give_up="timeout")),
    session("a wait that ends after the deadline is refused at once", STEADY | {"timeout": "2s"}, fail(1_500_000, give_up="timeout")),
    session("a failure after the deadline", STEADY | {"timeout": "2s"}, fail(9 * S, give_up="timeout")),
    session("the deadline counts from started_at", STEADY | {"timeout": "2s"}, fail(10 * S + 999_999, expect=retry(1 * S)), fail(11 * S, give_up="timeout"), started_at=10 * S),
    session("a wait that overslept to the deadline starts no attempt", STEADY | {"timeout": "2s"}, fail(0), attempt(2 * S, expect={"give_up": "timeout"})),
    session("a wait that overslept past the deadline starts no attempt", STEADY | {"timeout": "2s"}, fail(0), attempt(3 * S, give_up="timeout")),
    session("a microsecond before the deadline an attempt starts", STEADY | {"timeout": "2s"}, fail(0), attempt(1_999_999, expect=asked(2, None, 1))),
    session("attempt 1 starts whatever the clock says", STEADY | {"timeout": "2s"}, attempt(9 * S, expect=asked(1, None, 0))),
    session("no timeout, no deadline", STEADY | {"timeout": None}, attempt(0, expect=asked(1)), fail(TIMES, expect=retry(1 * S)), attempt(TIMES, expect=asked(2))),
    session("a timeout of 1 us still makes the first attempt", STEADY | {"timeout": "1us"}, attempt(0, expect=asked(1, None, 1)), fail(0, give_up="timeout")),
    session("a timeout of ten years", STEADY | {"timeout": "87600h"}, attempt(0, expect=asked(1, None, 315_360_000 * S)), fail(315_359_998 * S + 999_999, expect=retry(1 * S)), fail(315_359_999 * S, give_up="timeout")),
    session("an outer deadline that is earlier wins", STEADY, attempt(0, expect=asked(1, None, 5 * S)), fail(4 * S, give_up="timeout"), outer_deadline=5 * S),
    session("an outer deadline that is later does not", STEADY | {"timeout": "2s"}, attempt(0, expect=asked(1, None, 2 * S)), fail(1 * S, give_up="timeout"), outer_deadline=5 * S),
    session("an outer deadline holds without a timeout", FOREVER, attempt(0, expect=asked(1, None, 5 * S)), fail(0, expect=retry(1 * S)), fail(3 * S, give_up="timeout"), outer_deadline=5 * S),
    session("an outer deadline already past leaves the first attempt", FOREVER, attempt(10, expect=asked(1, None, 0)), fail(10, give_up="timeout"), outer_deadline=5, started_at=10),
    session("a wait of 0 is refused at the deadline", STEADY | {"timeout": "2s", "first": "immediate"}, fail(2 * S, give_up="timeout")),
    session("a wait of 0 is made a microsecond before the deadline", STEADY | {"timeout": "2s", "first": "immediate"}, fail(1_999_999, expect=retry(0))),
    session("a jittered wait that happens to fit is made", {"timeout": "1s", "backoff": "constant"}, fail(0), call_seed=3),
]

ATTEMPT_TIMEOUT = [
    session("the limit is attempt_timeout", STEADY | {"attempt_timeout": "5s"}, attempt(0, expect=asked(1, 5 * S, 45 * S)), fail(5 * S), attempt(6 * S, expect=asked(2, 5 * S, 39 * S))),
    session("the limit is what is left when that is less", STEADY | {"attempt_timeout": "5s", "timeout": "8s"}, attempt(0, expect=asked(1, 5 * S, 8 * S)), fail(5 * S), attempt(6 * S, expect=asked(2, 2 * S, 2 * S))),
    session("attempt_timeout above timeout: the first attempt is limited too", STEADY | {"attempt_timeout": "1m", "timeout": "8s"}, attempt(1 * S, expect=asked(1, 7 * S, 7 * S))),
    session("without a deadline the limit is attempt_timeout", FOREVER | {"attempt_timeout": "5s"}, attempt(0, expect=asked(1, 5 * S))),
    session("with an outer deadline the limit is what is left", FOREVER | {"attempt_timeout": "5s"}, attempt(0, expect=asked(1, 2 * S, 2 * S)), outer_deadline=2 * S),
    session("without attempt_timeout there is no limit", STEADY, attempt(0, expect=asked(1, None, 45 * S))),
    session("past the deadline the first attempt's limit is 0", STEADY | {"attempt_timeout": "5s", "timeout": "8s"}, attempt(9 * S, expect=asked(1, 0, 0))),
]

CLIP = STEADY | {"timeout": "10s", "initial": "4s", "max_delay": "8s", "on_timeout": {"clip": {"min_attempt": "1s"}}}
CLIPPED = [
    session("a wait that leaves min_attempt is not clipped", CLIP, fail(5 * S, expect=retry(4 * S))),
    session("a wait that leaves a microsecond less is drawn anew", CLIP, fail(5 * S + 1)),
    session("a wait past the deadline is drawn anew", CLIP, fail(8 * S), call_seed=2),
    session("a clipped attempt is the last", CLIP, fail(8 * S), attempt(8_500_000), fail(8_600_000, give_up="timeout")),
    session("a clipped attempt is the last even if time is left", CLIP, fail(8 * S), fail(8 * S, give_up="timeout")),
    session("room of 0 is a wait of 0", CLIP, fail(9 * S, expect=retry(0, last=True))),
    session("no room gives timeout", CLIP, fail(9 * S + 1, give_up="timeout")),
    session("after the deadline there is no room", CLIP, fail(11 * S, give_up="timeout")),
    session("a clipped wait is a draw of lane 1, of the retry's own index", CLIP, fail(0, expect=retry(4 * S)), fail(4 * S), call_seed=7),
    session("full jitter is clipped the same way", CLIP | {"jitter": "full"}, fail(0), fail(6 * S), fail(8_900_000), call_seed=5),
    session("decorrelated is clipped the same way", CLIP | {"jitter": "decorrelated"}, fail(0), fail(8 * S), call_seed=5),
    session("a wait of 0 without room gives timeout", CLIP | {"first": "immediate"}, fail(9 * S + 1, give_up="timeout")),
    session("clip and floor: the draw lies above the hint", CLIP, fail(2 * S, 429, hint=6_500_000), call_seed=3),
    session("clip and floor: no room above the hint gives timeout", CLIP, fail(2 * S, 429, hint=7_000_001, give_up="timeout")),
    session("clip and floor: the hint exactly fits", CLIP, fail(2 * S, 429, hint=7 * S, expect=retry(7 * S, "throttle", "rejected"))),
    session("clip and floor: a draw above a hint that exactly fits is taken back to the hint", CLIP | {"jitter": "full"}, fail(2 * S, 429, hint=7 * S, expect=retry(7 * S, "throttle", "rejected", last=True))),
    session("clip and floor: a hint past the deadline is too long", CLIP, fail(2 * S, 429, hint=8 * S, give_up="hint_too_long")),
    session("clip and exact: a hint that leaves min_attempt", CLIP | {"hint": "exact"}, fail(2 * S, 429, hint=7 * S, expect=retry(7 * S, "throttle", "rejected"))),
    session("clip and exact: a hint that leaves less gives timeout", CLIP | {"hint": "exact"}, fail(2 * S, 429, hint=7 * S + 1, give_up="timeout")),
    session("clip and window: drawn anew like no hint", CLIP | {"hint": {"mode": "window", "window": "5s"}}, fail(2 * S, 429, hint=7 * S + 1), call_seed=3),
    session("clip and ignore: drawn anew like no hint", CLIP | {"hint": "ignore"}, fail(6 * S, 429, hint=9 * S), call_seed=3),
    session("clip and a wait of the user's: one that fits", CLIP, fail(2 * S, wait=7 * S, expect=retry(7 * S))),
    session("clip and a wait of the user's: one that leaves less gives timeout", CLIP, fail(2 * S, wait=7 * S + 1, give_up="timeout")),
    session("clip holds for an outer deadline too", CLIP, fail(0), outer_deadline=3 * S, call_seed=3),
    session("after a clipped wait a hint that is too long is still the reason", CLIP, fail(8 * S), fail(8 * S, 429, hint=200 * S, give_up="hint_too_long")),
    session("after a clipped wait attempts is still the reason", CLIP | {"attempts": 2}, fail(8 * S), fail(8 * S, give_up="attempts")),
    session("the attempt limit next is not last", STEADY | {"attempts": 2}, fail(0, expect=retry(1 * S, last=False))),
]

CLOCK = [
    session("a clock that goes back counts as no progress", STEADY | {"timeout": "10s"}, fail(8 * S, expect=retry(1 * S)), attempt(0, expect=asked(2, None, 2 * S)), fail(0, give_up="timeout")),
    session("a clock before started_at counts from started_at", STEADY | {"timeout": "2s"}, attempt(0, expect=asked(1, None, 2 * S)), fail(5, expect=retry(1 * S)), started_at=100 * S),
    session("an attempt's clock counts for the failure after it", STEADY | {"timeout": "10s"}, fail(0), attempt(9 * S), fail(1 * S, give_up="timeout")),
    session("a clock that stands still", STEADY | {"timeout": "10s"}, fail(0), fail(0), fail(0), fail(0, expect=retry(8 * S)), fail(0, give_up="timeout")),
    session("started as late as a clock can be", FOREVER, attempt(TIMES), fail(TIMES, expect=retry(1 * S)), fail(TIMES), started_at=TIMES),
    session("a clock that leaps to its end", STEADY, fail(0), attempt(TIMES, give_up="timeout")),
    session("a deadline beyond 2^53 is a deadline", STEADY | {"timeout": "87600h"}, fail(TIMES, expect=retry(1 * S)), started_at=TIMES),
    session("waits of 285 years by the user's own word", FOREVER, fail(0, wait=TIMES, expect=retry(TIMES)), fail(TIMES, wait=TIMES, expect=retry(TIMES))),
    session("a wait of 285 years under a deadline", STEADY, fail(0, wait=TIMES, give_up="timeout")),
]

SEEDED = [
    session(f"a call of {jitter} jitter, call seed {seed}", {"jitter": jitter} | more, *(fail(at) for at in range(0, 12 * S, 2 * S)), call_seed=seed)
    for seed in (1, 2**64 - 1) for jitter, more in (("full", {}), ("equal", {}), ("decorrelated", {}), ({"proportional": 0.5}, {}), ({"additive": "2s"}, {}))
]

FILES = [
    file("limits-attempts", "session", "attempts counts calls", "DESIGN 3", ATTEMPTS),
    file("limits-timeout", "session", "timeout, deadline, outer deadline", "DESIGN 3", TIMEOUT),
    file("limits-attempt-timeout", "session", "The limit of one attempt", "DESIGN 3", ATTEMPT_TIMEOUT),
    file("limits-clip", "session", "on_timeout: clip", "DESIGN 3", CLIPPED),
    file("limits-clock", "session", "Clocks that stand, go back or leap", "DESIGN 3", CLOCK),
    file("sessions-jitter", "session", "Delays drawn inside a call are those of the schedule", "DESIGN 3", SEEDED),
]
