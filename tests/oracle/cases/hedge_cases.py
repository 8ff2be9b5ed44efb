from cases import SECOND as S
from cases import file


def case(name, *steps, seed=1, **options):
    return {"name": name, "options": {"delay": "1s", **options}, "seed": str(seed), "steps": list(steps)}


def does(at, what, value=0):
    return {"at": at, "step": True, "expect": {"do": what, "value": value}}


def start(at, number):
    return does(at, "start", number)


def until(at, instant):
    return does(at, "wait_until", instant)


def ask(at):
    return {"at": at, "step": True}


def failed(at, pushback=None):
    return {"at": at, "failed": True, "pushback": pushback}


def end(at):
    return {"at": at, "end": True}


CASES = [
    case("the first starts at once, the next after delay, and that is all by default", start(0, 1), until(0, S), until(S - 1, S), start(S, 2), does(S, "wait")),
    case("attempt k starts (k - 1) delays after the first", start(5 * S, 1), until(5 * S, 6 * S), start(6 * S, 2), until(6 * S, 7 * S), start(7 * S, 3), does(7 * S, "wait"), attempts=3),
    case("the grid does not move when a host is late", start(0, 1), start(S + 300_000, 2), until(S + 300_000, 2 * S), attempts=3),
    case("delay 0 starts all at once", start(0, 1), start(0, 2), start(0, 3), does(0, "wait"), attempts=3, delay="0s"),
    case("one attempt never hedges", start(0, 1), does(0, "wait"), failed(9), does(9, "end"), attempts=1),
    case("a failure starts the next at once", start(0, 1), failed(300_000), start(300_000, 2), does(300_000, "wait")),
    case("and those after it follow at the same distance", start(0, 1), failed(300_000), start(300_000, 2), until(300_000, 1_300_000), attempts=3),
    case("a failure beside one that runs starts the next", start(0, 1), start(S, 2), failed(1_200_000), start(1_200_000, 3), until(1_200_000, 2_200_000), attempts=4),
    case("when all have failed it ends", start(0, 1), failed(1), start(1, 2), failed(2), does(2, "end")),
    case("not while one still runs", start(0, 1), start(S, 2), failed(1_500_000), does(1_500_000, "wait"), failed(3 * S), does(3 * S, "end")),
    case("success ends it, and stays so", start(0, 1), start(S, 2), end(1_100_000), does(1_100_000, "end"), does(9 * S, "end"), attempts=5),
    case("a server pushes the next away", start(0, 1), failed(200_000, 5 * S), until(200_000, 5_200_000), start(5_200_000, 2), until(5_200_000, 6_200_000), attempts=3),
    case("a pushback of 0 is at once", start(0, 1), failed(200_000, 0), start(200_000, 2)),
    case("a negative pushback stops further attempts", start(0, 1), failed(200_000, -1), does(200_000, "end"), attempts=5),
    case("and lets those that run go on", start(0, 1), start(S, 2), failed(1_200_000, -1), does(1_200_000, "wait"), does(9 * S, "wait"), failed(9 * S), does(9 * S, "end"), attempts=5),
    case("a clock that goes back makes no progress", start(5 * S, 1), until(2 * S, 6 * S), failed(3 * S), start(0, 2)),
    case("asking again changes nothing", start(0, 1), until(0, S), until(0, S), start(S, 2), does(S, "wait"), does(S, "wait")),
    case("jitter comes on top of each delay and does not add up", start(0, 1), ask(0), {"at": 2 * S, "step": True}, ask(2 * S), {"at": 4 * S, "step": True}, ask(4 * S), attempts=4, jitter="500ms"),
    case("what a failure starts is not jittered", start(0, 1), failed(10), start(10, 2), jitter="500ms"),
    case("another seed, another jitter", start(0, 1), ask(0), seed=2**64 - 1, jitter="500ms"),
]


def paid(name, budget, *steps, **options):
    """What a step does is by hand, and what is left where it is given."""
    steps = [{**{key: value for key, value in step.items() if key != "expect"}, "hand": step.get("expect", {}) | step.get("hand", {})} for step in steps]
    return case(name, *steps, **options) | {"budget": {"name": "x", **budget}}


def left(step, tokens):
    return {**step, "hand": {"tokens": round(tokens * 1_000_000)}}


def succeed(at):
    return {"at": at, "succeed": True}


THREE = {"capacity": 3, "cost": 1}
PAID = [
    paid("the first attempt is free, each other takes the cost of a retry before it starts", THREE, left(start(0, 1), 3), left(until(0, S), 3), left(start(S, 2), 2), left(start(2 * S, 3), 1), attempts=3),
    paid("asking again takes nothing", THREE, left(start(0, 1), 3), left(start(S, 2), 2), left(does(S, "wait"), 2), left(does(2 * S, "wait"), 2)),
    paid("with nothing left no other starts, and those that run go on", THREE, start(0, 1), start(S, 2), start(2 * S, 3), left(start(3 * S, 4), 0), left(does(4 * S, "wait"), 0), failed(5 * S), left(does(5 * S, "wait"), 0), attempts=9),
    paid("not even when all have failed", {"capacity": 1, "cost": 1}, start(0, 1), left(start(S, 2), 0), failed(S), failed(S), left(does(S, "end"), 0), attempts=9),
    paid("nor when a success elsewhere has filled it again", {"capacity": 2, "cost": 2, "reward": 2}, start(0, 1), left(start(S, 2), 0), left(does(2 * S, "wait"), 0), attempts=9),
    paid("a failure starts the next at once if it can be paid", THREE, start(0, 1), left(failed(9), 3), left(start(9, 2), 2)),
    paid("a success gives back what the last paid attempt took", THREE, start(0, 1), start(S, 2), left(start(2 * S, 3), 1), left(succeed(2 * S), 2), left(does(2 * S, "end"), 2), attempts=3),
    paid("an extra success is harmless", THREE, start(0, 1), start(S, 2), left(start(2 * S, 3), 1), succeed(2 * S), left(succeed(2 * S), 2), attempts=3),
    paid("a success of the first alone gives the reward", {"capacity": 3, "cost": 1, "reward": 0.5}, start(0, 1), left(start(S, 2), 2), left(end(S), 2)),
    paid("without refund a success gives the reward", THREE | {"refund": False, "reward": 0.5}, start(0, 1), left(start(S, 2), 2), left(succeed(S), 2.5)),
    paid("an error that ends the call gives nothing back", THREE, start(0, 1), left(start(S, 2), 2), left(end(S), 2)),
    paid("the first attempt starts from an empty bucket too", {"capacity": 1, "cost": 1}, start(0, 1), start(S, 2), left(does(2 * S, "wait"), 0), attempts=3),
    paid("in mode failures a failure takes, and hedges start while more than half is left", {"mode": "failures", "capacity": 4}, left(start(0, 1), 4), left(failed(0), 3), left(start(0, 2), 3), left(failed(0, -1), 2), left(does(0, "end"), 2), attempts=9),
    paid("and none at half", {"mode": "failures", "capacity": 2}, start(0, 1), left(failed(0), 1), left(does(0, "end"), 1), attempts=9),
    paid("in a window a call adds its share, and a hedge takes one", {"mode": "window", "ratio": 0.5, "min_per_second": 0}, left(start(0, 1), 0.5), left(does(S, "wait"), 0.5)),
    paid("and one that the reserve pays", {"mode": "window", "ratio": 0, "min_per_second": 1, "ttl": "2s"}, left(start(0, 1), 2), left(start(S, 2), 1), left(start(2 * S, 3), 0), attempts=3),
]


def refused(name, options, *hand):
    return {"name": name, "guard": "hedge", "options": options, "expect": [dict(zip(("code", "pointer", "text"), problem)) for problem in hand]}


REFUSALS = [
    refused("when to hedge must be said", {}, ("missing_option", "/delay", 'delay is missing, allowed a time in us, ms, s, m or h as "30s"; write it')),
    refused("no attempt at all", {"delay": "1s", "attempts": 0}, ("out_of_range", "/attempts", "attempts is 0, allowed 1 to 100; write one in between")),
    refused("every mistake at once", {"delay": 5, "attempts": 101, "jitter": "x", "max": 3}, ("bare_number", "/delay"), ("out_of_range", "/attempts"), ("bad_duration", "/jitter"), ("unknown_option", "/max")),
]

SOURCE = "gRPC A6; SEMANTICS 10"
FILES = [
    file("hedge-budget", "hedge", "Every attempt after the first is paid from a budget, as a retry is", "SEMANTICS 10; DESIGN 3", PAID),
    file("hedge", "hedge", "When to start another attempt, and when all end", SOURCE, CASES),
    file("hedge-refusals", "guard_refusal", "Options of a hedge that cannot be", SOURCE, REFUSALS),
]
