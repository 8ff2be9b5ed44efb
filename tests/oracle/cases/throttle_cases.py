from cases import SECOND as S
from cases import file

TOP = 2**64 - 1


def case(name, *steps, seed=1, **options):
    return {"name": name, "options": options, "seed": str(seed), "steps": [step for part in steps for step in (part if isinstance(part, list) else [part])]}


def word(at, draw, allowed):
    return {"at": at, "word": str(draw), "expect": {"allowed": allowed}}


def sent(at, count, accepted=0):
    """Requests that go, since their word lets anything go; so many of them are accepted."""
    return [word(at, TOP, True)] * count + [{"at": at, "accepted": True}] * accepted


def look(at, requests, accepts):
    return {"at": at, "look": True, "expect": {"requests": requests, "accepts": accepts}}


def ask(at):
    return {"at": at, "ask": True}


CHANCES = [
    case("without history everything goes", word(0, 0, True), look(0, 1, 0)),
    case("as long as half is accepted everything goes", sent(0, 10, 5), word(0, 0, True)),
    case("with 10 requests and 4 accepts 2 of 11 are refused: below the limit", sent(0, 10, 4), word(0, 2 * 2**64 // 11, False)),
    case("and at the limit not: the next word goes", sent(0, 10, 4), word(0, 2 * 2**64 // 11 + 1, True)),
    case("with one request, none accepted, half is refused: the words below 2^63", sent(0, 1), word(0, 2**63 - 1, False)),
    case("2^63 itself goes", sent(0, 1), word(0, 2**63, True)),
    case("a refused request counts as one made", sent(0, 1), word(0, 0, False), look(0, 2, 0), word(0, 2**64 * 2 // 3, False), word(0, 2**64 * 3 // 4, True), look(0, 4, 0)),
    case("the largest word always goes, however bad it is", sent(0, 300), word(0, TOP, True)),
    case("k 1 refuses whatever is not accepted", sent(0, 10, 9), word(0, 2**64 // 11, False), word(0, TOP, True), k=1),
    case("k 1.11, as failsafe-go's default", sent(0, 10, 9), word(0, 2**64 // 1100, False), k=1.11),
    case("more accepts than requests, which come late, refuse nothing", sent(0, 1, 3), word(0, 0, True)),
]

HISTORY = [
    case("two minutes are remembered", sent(0, 10), look(120 * S - 1, 10, 0), look(120 * S, 0, 0)),
    case("a tenth at a time", sent(0, 3, 1), sent(12 * S, 4, 2), look(119 * S, 7, 3), look(120 * S, 4, 2), look(132 * S, 0, 0)),
    case("a gap of hours clears it at once", sent(0, 50), look(7200 * S, 0, 0), word(7200 * S, 0, True)),
    case("a clock that goes back makes no progress", sent(100 * S, 2), sent(5 * S, 1), look(0, 3, 0), look(216 * S - 1, 3, 0), look(216 * S, 0, 0)),
    case("another window", sent(0, 2), look(999_999, 2, 0), look(S, 0, 0), window="1s"),
]

DRAWS = [
    case("request n takes word n of lane 4", *(ask(n) for n in range(12)), look(12, 12, 0)),
    case("another seed, other words", *(ask(n) for n in range(12)), seed=TOP),
]


def refused(name, options, *hand):
    return {"name": name, "guard": "throttle", "options": options, "expect": [dict(zip(("code", "pointer", "text"), problem)) for problem in hand]}


REFUSALS = [
    refused("k below 1 would refuse what is accepted", {"k": 0.5}, ("out_of_range", "/k", "k is 0.5, allowed 1 to 100; write one in between")),
    refused("every mistake at once", {"k": "2", "window": "0s", "rate": 1}, ("wrong_kind", "/k"), ("out_of_range", "/window"), ("unknown_option", "/rate", "rate is not an option, allowed k or window; correct or remove it")),
]

SOURCE = "Site Reliability Engineering, 'Handling Overload'; SEMANTICS 8.1"
FILES = [
    file("throttle-chances", "throttle", "Which words are refused", SOURCE, CHANCES),
    file("throttle-history", "throttle", "What is remembered", SOURCE, HISTORY),
    file("throttle-draws", "throttle", "Words by position", "DESIGN 3", DRAWS),
    file("throttle-refusals", "guard_refusal", "Options of a throttle that cannot be", SOURCE, REFUSALS),
]
