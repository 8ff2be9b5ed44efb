from cases import file


def case(name, limit, queue, *steps):
    return {"name": name, "options": {"limit": limit, **({} if queue is None else {"queue": queue})}, "seed": "1", "steps": list(steps)}


def enter(name, **hand):
    return {"enter": name, "hand": hand}


def end(name, **hand):
    return {"end": name, "hand": hand}


CASES = [
    case("so many go in, then so many wait, then none", 2, 1, enter("a", entry="admitted"), enter("b", entry="admitted", running=2), enter("c", entry="waiting", ticket=1), enter("d", entry="refused", running=2, waiting=1)),
    case("without a queue nobody waits", 1, None, enter("a", entry="admitted"), enter("b", entry="refused", waiting=0), end("a", next=None, running=0), enter("c", entry="admitted")),
    case("first come, first served", 1, 3, enter("a"), enter("b", ticket=1), enter("c", ticket=2), enter("d", ticket=3), end("a", next="b", running=1, waiting=2), end("b", next="c"), end("c", next="d"), end("d", next=None, running=0)),
    case("none overtakes those that wait", 1, 2, enter("a"), enter("b", entry="waiting"), end("a", next="b"), enter("c", entry="waiting"), end("b", next="c")),
    case("one that gives up waiting makes room in the queue", 1, 1, enter("a"), enter("b", entry="waiting"), enter("c", entry="refused"), end("b", next=None, waiting=0), enter("d", entry="waiting", ticket=2), end("a", next="d")),
    case("one in the middle that gives up is passed over", 1, 3, enter("a"), enter("b"), enter("c"), enter("d"), end("c", waiting=2), end("a", next="b"), end("b", next="d"), end("d", running=0, waiting=0)),
    case("one whose turn has come and that gives up hands its place on", 1, 2, enter("a"), enter("b"), enter("c"), end("a", next="b"), end("b", next="c", running=1, waiting=0)),
    case("tickets go on rising however many give up", 1, 1, enter("a"), *(step for n in range(5) for step in (enter(f"w{n}", ticket=n + 1), end(f"w{n}"))), enter("z", ticket=6)),
    case("whoever ends twice ends once", 2, 1, enter("a"), enter("b"), end("a", running=1), end("a", next=None, running=1), enter("c", entry="admitted"), enter("d", entry="waiting")),
]


def refused(name, options, *hand):
    return {"name": name, "guard": "bulkhead", "options": options, "expect": [dict(zip(("code", "pointer", "text"), problem)) for problem in hand]}


REFUSALS = [
    refused("it has no limit by default", {"queue": 5}, ("missing_option", "/limit", "limit is missing, allowed a whole number; write it")),
    refused("a limit of nothing", {"limit": 0}, ("out_of_range", "/limit", "limit is 0, allowed 1 to 1000000; write one in between")),
    refused("every mistake at once", {"limit": "x", "queue": -1}, ("wrong_kind", "/limit"), ("out_of_range", "/queue")),
]

SOURCE = "DESIGN 3"
FILES = [
    file("bulkhead", "bulkhead", "At most so many at once, and a bounded queue", SOURCE, CASES),
    file("bulkhead-refusals", "guard_refusal", "Options of a bulkhead that cannot be", SOURCE, REFUSALS),
]
