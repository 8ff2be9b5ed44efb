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


def refused(name, options, *hand):
    return {"name": name, "guard": "hedge", "options": options, "expect": [dict(zip(("code", "pointer", "text"), problem)) for problem in hand]}


REFUSALS = [
    refused("when to hedge must be said", {}, ("missing_option", "/delay", 'delay is missing, allowed a time in us, ms, s, m or h as "30s"; write it')),
    refused("no attempt at all", {"delay": "1s", "attempts": 0}, ("out_of_range", "/attempts", "attempts is 0, allowed 1 to 100; write one in between")),
    refused("every mistake at once", {"delay": 5, "attempts": 101, "jitter": "x", "max": 3}, ("bare_number", "/delay"), ("out_of_range", "/attempts"), ("bad_duration", "/jitter"), ("unknown_option", "/max")),
]

SOURCE = "gRPC A6; SEMANTICS 10"
FILES = [
    file("hedge", "hedge", "When to start another attempt, and when all end", SOURCE, CASES),
    file("hedge-refusals", "guard_refusal", "Options of a hedge that cannot be", SOURCE, REFUSALS),
]
