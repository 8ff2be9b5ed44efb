from cases import SECOND as S
from cases import file

STEADY = {"window_calls": 4, "min_calls": 4, "initial": "10s", "jitter": "none", "probes": 3}


def case(name, options, *steps, seed=1):
    return {"name": name, "options": options, "seed": str(seed), "steps": [step for part in steps for step in listed(part)]}


def listed(part):
    return part if isinstance(part, list) else [part]


def ask(at, name, **hand):
    return {"at": at, "permit": name, "hand": hand}


def settle(at, name, outcome="ok", elapsed=0, state=None):
    return {"at": at, "settle": name, "outcome": outcome, "elapsed": elapsed, **({"expect": {"state": state}} if state else {})}


def look(at, **hand):
    return {"at": at, "look": True, "hand": hand}


def call(at, name, outcome="ok", elapsed=0, state=None):
    """A call that is let through, and settles `elapsed` later."""
    return [ask(at, name, granted=True), settle(at + elapsed, name, outcome, elapsed, state)]


def fails(at, count, prefix="f"):
    return [step for n in range(count) for step in call(at, f"{prefix}{n}", "failed")]


def tripped(at=0):
    return fails(at, 4)


COUNTS = [
    case("three failures of four calls are too few calls until the fourth", STEADY, call(0, "a", "failed", state="closed"), call(0, "b", "failed", state="closed"), call(0, "c", "failed", state="closed"), call(0, "d", "ok", state="open")),
    case("a rate reached exactly opens", STEADY, call(0, "a", "failed"), call(0, "b", "failed"), call(0, "c"), call(0, "d", state="open")),
    case("a rate missed by one call does not", STEADY, call(0, "a", "failed"), call(0, "b"), call(0, "c"), call(0, "d", state="closed"), look(0, calls=4, failures=1)),
    case("results older than the window are forgotten one by one", STEADY | {"failure_rate": 1}, call(0, "a", "failed"), call(0, "b", "failed"), call(0, "c", "failed"), call(0, "d"), look(0, calls=4, failures=3),
         call(0, "e", "failed"), look(0, failures=3), call(0, "f", "failed"), call(0, "g", "failed", state="closed"), call(0, "h", "failed", state="open")),
    case("a window of one call", {"window_calls": 1, "jitter": "none"}, call(0, "a"), look(0, calls=1), call(0, "b", "failed", state="open")),
    case("a window of 1024 calls turns over", {"window_calls": 1024, "min_calls": 1024, "jitter": "none"}, [step for n in range(511) for step in call(n, f"f{n}", "failed")], [step for n in range(513) for step in call(n, f"o{n}")],
         look(513, calls=1024, failures=511, state="closed"), call(513, "x", "failed", state="closed"), call(513, "y"), look(513, failures=510)),
    case("ignored and dropped calls count for nothing", STEADY, call(0, "a", "failed"), call(0, "b", "failed"), call(0, "c", "failed"), call(0, "d", "ignored"), call(0, "e", "dropped"), look(0, calls=3, failures=3, state="closed")),
    case("by default 20 calls are needed, and half of them failing opens", {"jitter": "none"}, [step for n in range(9) for step in call(0, f"o{n}")], fails(0, 10), look(0, calls=19, failures=10, state="closed"), call(0, "x", state="open"), look(0, retry_in=5 * S)),
]

SLOW = [
    case("a call is slow when it takes longer than slow_after, not when it takes as long", STEADY | {"slow_after": "1s"}, call(0, "a", "ok", 1 * S), look(1 * S, slow=0), call(1 * S, "b", "ok", 1 * S + 1), look(3 * S, slow=1, failures=0)),
    case("slow calls open it, though none failed", STEADY | {"slow_after": "1s", "slow_rate": 0.5}, call(0, "a", "ok", 2 * S), call(0, "b", "ok", 2 * S), call(0, "c"), call(0, "d", state="open")),
    case("a slow failure is both", STEADY | {"slow_after": "1s"}, call(0, "a", "failed", 2 * S), look(2 * S, calls=1, failures=1, slow=1)),
    case("by default every call must be slow", STEADY | {"slow_after": "1s"}, call(0, "a", "ok", 2 * S), call(0, "b", "ok", 2 * S), call(0, "c", "ok", 2 * S), call(2 * S, "d", state="closed"),
         call(2 * S, "e", "ok", 2 * S), call(2 * S, "f", "ok", 2 * S), call(2 * S, "g", "ok", 2 * S), call(2 * S, "h", "ok", 2 * S, state="open")),
    case("without slow_after nothing is slow", STEADY, call(0, "a", "ok", 2**53 - 1), look(2**53 - 1, slow=0)),
    case("slow probes open it again", STEADY | {"slow_after": "1s", "slow_rate": 0.6}, tripped(), call(10 * S, "p", "ok", 2 * S, state="half_open"), call(12 * S, "q", "ok", 2 * S, state="open")),
    case("a probe that may yet be slow keeps it from closing", STEADY | {"slow_after": "1s", "slow_rate": 0.3}, tripped(), call(10 * S, "p"), call(10 * S, "q", state="half_open"), call(10 * S, "r", state="closed")),
]

BY_TIME = {"window_time": "10s", "min_calls": 2, "jitter": "none"}
TIME = [
    case("a window of time forgets a tenth at a time", BY_TIME | {"min_calls": 100}, call(0, "a", "failed"), call(1 * S, "b"), look(9_999_999, calls=2, failures=1), look(10 * S, calls=1, failures=0), look(11 * S - 1, calls=1), look(11 * S, calls=0)),
    case("results of the window open it", BY_TIME, call(0, "a", "failed"), call(9 * S, "b", "failed", state="open")),
    case("results before the window do not", BY_TIME, call(0, "a", "failed"), call(10 * S, "b", "failed", state="closed"), look(10 * S, calls=1)),
    case("failures of an hour ago are forgotten at once (cockatiel's sampling breaker)", BY_TIME | {"min_calls": 3}, call(0, "a", "failed"), call(0, "b", "failed"), call(3600 * S, "c", "failed", state="closed"), look(3600 * S, calls=1, failures=1)),
    case("a gap of ten slots leaves nothing, one of nine the newest", BY_TIME | {"min_calls": 100}, call(5 * S, "a"), look(14 * S, calls=1), look(15 * S, calls=0)),
    case("a clock that goes back makes no progress and forgets nothing", BY_TIME | {"min_calls": 100}, call(50 * S, "a"), call(3 * S, "b"), look(0, calls=2), look(59 * S, calls=2), look(60 * S, calls=0)),
    case("a window of ten microseconds has slots of one", BY_TIME | {"window_time": "10us", "min_calls": 100}, call(7, "a"), look(16, calls=1), look(17, calls=0)),
]

OPEN = [
    case("an open breaker refuses and says how long", STEADY, tripped(), ask(0, "x", retry_in=10 * S), ask(3 * S, "y", retry_in=7 * S), ask(10 * S - 1, "z", retry_in=1)),
    case("its time over, it is half-open without being asked", STEADY, tripped(), look(10 * S - 1, state="open", retry_in=1), look(10 * S, state="half_open", retry_in=0)),
    case("a clock that goes back does not shorten the wait", STEADY, tripped(5 * S), ask(2 * S, "x", retry_in=10 * S), ask(6 * S, "y", retry_in=9 * S)),
    case("each time it opens again it stays open longer, up to max_delay", STEADY | {"probes": 1, "max_delay": "30s"}, tripped(), call(10 * S, "p", "failed", state="open"), look(10 * S, retry_in=20 * S, trips=2), call(30 * S, "q", "failed"), look(30 * S, retry_in=30 * S, trips=3), call(60 * S, "r", "failed"), look(60 * S, retry_in=30 * S, trips=4)),
    case("with factor 1 as long every time", STEADY | {"probes": 1, "factor": 1}, tripped(), call(10 * S, "p", "failed"), call(20 * S, "q", "failed"), look(20 * S, retry_in=10 * S, trips=3)),
    case("having closed, it starts with the first time again", STEADY | {"probes": 1}, tripped(), call(10 * S, "p", "failed"), call(30 * S, "q", "ok", state="closed"), look(30 * S, trips=0), fails(30 * S, 4, "g"), look(30 * S, retry_in=10 * S, trips=1)),
    case("equal jitter draws between half and all of it, a new word each time", {**STEADY, "jitter": "equal", "probes": 1}, tripped(), look(0), call(60 * S, "p", "ok"), fails(60 * S, 4, "g"), look(60 * S), call(120 * S, "q", "failed"), look(120 * S)),
    case("full jitter draws between nothing and all of it", {**STEADY, "jitter": "full", "probes": 1}, tripped(), look(0), call(60 * S, "p", "failed"), look(60 * S)),
    case("another seed, another wait", {**STEADY, "jitter": "full"}, tripped(), look(0), seed=2**64 - 1),
    case("the time open does not pass the end of time", STEADY, tripped(2**53 - 1 - 10 * S), look(2**53 - 1 - 10 * S, retry_in=10 * S)),
]

HALF_OPEN = [
    case("it issues at most so many probes, however many ask (failsafe and recloser admit all)", STEADY, tripped(), ask(10 * S, "p", granted=True), ask(10 * S, "q", granted=True), ask(10 * S, "r", granted=True), ask(10 * S, "s", retry_in=60 * S), ask(11 * S, "t", retry_in=59 * S), look(11 * S, probing=3, calls=0)),
    case("it closes as soon as the rest cannot open it", STEADY, tripped(), call(10 * S, "p", state="half_open"), call(10 * S, "q", state="closed")),
    case("it opens as soon as the rest cannot close it", STEADY, tripped(), call(10 * S, "p", "failed", state="half_open"), call(10 * S, "q", "failed", state="open"), look(10 * S, retry_in=20 * S)),
    case("one failure of three leaves it to the others", STEADY, tripped(), call(10 * S, "p", "failed"), call(10 * S, "q", state="half_open"), call(10 * S, "r", state="closed")),
    case("a single probe decides alone", STEADY | {"probes": 1}, tripped(), call(10 * S, "p", state="closed")),
    case("with failure_rate 1 one success closes: not all can fail any more", STEADY | {"failure_rate": 1}, tripped(), call(10 * S, "p", "failed", state="half_open"), call(10 * S, "q", state="closed")),
    case("results of a probe that comes after the decision count for nothing", STEADY, tripped(), ask(10 * S, "late", granted=True), call(10 * S, "p"), call(10 * S, "q", state="closed"), settle(11 * S, "late", "failed", 1 * S, "closed"), look(11 * S, calls=0)),
    case("an ignored probe hands its permit back (resilience4j#903)", STEADY | {"probes": 1}, tripped(), call(10 * S, "p", "ignored", state="half_open"), ask(10 * S, "q", granted=True)),
    case("a dropped probe hands its permit back (resilience4j#935)", STEADY | {"probes": 1}, tripped(), call(10 * S, "p", "dropped", state="half_open"), call(10 * S, "q", state="closed")),
    case("a probe that is never settled is taken back (resilience4j#544)", STEADY | {"probes": 1, "probe_timeout": "30s"}, tripped(), ask(10 * S, "p", granted=True), ask(40 * S - 1, "q", retry_in=1), ask(40 * S, "r", granted=True), look(40 * S, probing=1)),
    case("what a probe comes to after it was taken back counts for nothing", STEADY | {"probes": 1, "probe_timeout": "30s"}, tripped(), ask(10 * S, "p", granted=True), settle(40 * S, "p", "failed", 30 * S, "half_open"), ask(40 * S, "q", granted=True), settle(41 * S, "p", "failed", 31 * S, "half_open"), settle(41 * S, "q", "ok", 1 * S, "closed")),
    case("a full house tells when the oldest probe is overdue", STEADY | {"probe_timeout": "30s"}, tripped(), ask(10 * S, "p", granted=True), ask(15 * S, "q", granted=True), ask(20 * S, "r", granted=True), ask(25 * S, "s", retry_in=15 * S), settle(25 * S, "p", "ignored"), ask(25 * S, "t", granted=True), ask(25 * S, "u", retry_in=20 * S)),
    case("a probe settled twice counts once", STEADY, tripped(), ask(10 * S, "p", granted=True), settle(10 * S, "p", "failed"), settle(10 * S, "p", "failed", state="half_open"), look(10 * S, calls=1, failures=1)),
    case("probes that all are settled as ignored leave it half-open", STEADY, tripped(), *(call(10 * S, name, "ignored") for name in "pqrstuvw"), look(10 * S, state="half_open", calls=0, probing=0)),
    case("closed again, the window starts empty", STEADY | {"probes": 1}, tripped(), call(10 * S, "p", state="closed"), look(10 * S, calls=0, failures=0), fails(10 * S, 3, "g"), look(10 * S, state="closed", calls=3)),
]

LATE = [
    case("results of calls from before the trip do not count while it is open", STEADY, ask(0, "late", granted=True), tripped(), settle(1 * S, "late", "ok", 1 * S, "open"), look(1 * S, calls=0, retry_in=9 * S)),
    case("nor when it is half-open: an old success closes nothing", STEADY | {"probes": 1}, ask(0, "late", granted=True), tripped(), settle(10 * S, "late", "ok", 10 * S, "half_open"), look(10 * S, calls=0)),
    case("nor an old failure opens it", STEADY | {"probes": 1}, ask(0, "late", granted=True), tripped(), ask(10 * S, "p", granted=True), settle(10 * S, "late", "failed", 10 * S, "half_open"), settle(10 * S, "p", state="closed")),
    case("nor do they count when it is closed again", STEADY | {"probes": 1}, ask(0, "late", granted=True), tripped(), call(10 * S, "p", state="closed"), settle(11 * S, "late", "failed", 11 * S, "closed"), look(11 * S, calls=0)),
    case("a probe of one half-open time counts for nothing in the next", STEADY, tripped(), ask(10 * S, "late", granted=True), call(10 * S, "p", "failed"), call(10 * S, "q", "failed", state="open"), settle(30 * S, "late", "ok", 20 * S, "half_open"), look(30 * S, calls=0)),
]


def refused(name, options, *hand):
    return {"name": name, "guard": "breaker", "options": options, "expect": [dict(zip(("code", "pointer", "text"), problem)) for problem in hand]}


REFUSALS = [
    refused("every mistake is told at once", {"window_calls": 0, "failure_rate": 2, "probes": 17},
            ("out_of_range", "/window_calls", "window_calls is 0, allowed 1 to 1024; write one in between"),
            ("out_of_range", "/failure_rate", "failure_rate is 2, allowed 0.000001 to 1; write one in between"),
            ("out_of_range", "/probes", "probes is 17, allowed 1 to 16; write one in between")),
    refused("half-open without a probe would never close", {"probes": 0}, ("out_of_range", "/probes", "probes is 0, allowed 1 to 16; write one in between")),
    refused("one window, not two", {"window_calls": 10, "window_time": "10s"}, ("duplicate_option", "/window_time", "window_time is the second of its kind, allowed one; remove it")),
    refused("more calls needed than the window has would never open it", {"window_calls": 10, "min_calls": 11}, ("min_calls_above_window_calls", "/min_calls", "min_calls is 11, above window_calls 10; raise window_calls or lower it")),
    refused("nor than the window has by default", {"min_calls": 101}, ("min_calls_above_window_calls", "/min_calls")),
    refused("unless the window itself was refused", {"window_calls": "10", "min_calls": 101}, ("wrong_kind", "/window_calls")),
    refused("slow_rate needs slow_after", {"slow_rate": 0.5}, ("meaningless_option", "/slow_rate", "slow_rate has no effect without slow_after; remove it or set slow_after")),
    refused("a refused slow_after is told alone", {"slow_rate": 0.5, "slow_after": 3}, ("bare_number", "/slow_after")),
    refused("max_delay below initial", {"initial": "2s", "max_delay": "1s"}, ("max_delay_below_initial", "/max_delay", "max_delay is 1s, below initial 2s; raise max_delay or lower initial")),
    refused("a factor below 1", {"factor": 0.5}, ("out_of_range", "/factor", "factor is 0.5, allowed 1 to 10; write one in between")),
    refused("another jitter", {"jitter": "decorrelated"}, ("unknown_value", "/jitter", 'jitter is "decorrelated", allowed none, full or equal; write one of these')),
    refused("a name that is no option", {"attempts": 3}, ("unknown_option", "/attempts", "attempts is not an option, allowed window_calls, window_time, min_calls, failure_rate, slow_after, slow_rate, initial, factor, max_delay, jitter, probes or probe_timeout; correct or remove it")),
    refused("a window of time too short for its tenths", {"window_time": "9us"}, ("out_of_range", "/window_time", "window_time is \"9us\", allowed 10us to 87600h; write one in between")),
    refused("a rate too fine", {"failure_rate": 0.1234567}, ("too_fine", "/failure_rate")),
    refused("options that are no map", [], ("wrong_kind", "", "the breaker is a list, allowed a map; write one of these")),
]

SOURCE = "SEMANTICS 9"
FILES = [
    file("breaker-counts", "breaker", "A window of the last calls", SOURCE, COUNTS),
    file("breaker-slow", "breaker", "Slow calls", SOURCE, SLOW),
    file("breaker-time", "breaker", "A window of time in ten slots", SOURCE, TIME),
    file("breaker-open", "breaker", "How long it stays open", SOURCE, OPEN),
    file("breaker-half-open", "breaker", "Probes: how many, what they decide, how their permits come back", SOURCE + "; resilience4j#903, #935, #544", HALF_OPEN),
    file("breaker-late", "breaker", "Results of calls from before a change of state", SOURCE, LATE),
    file("breaker-refusals", "guard_refusal", "Options of a breaker that cannot be", SOURCE, REFUSALS),
]
