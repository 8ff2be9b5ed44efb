from cases import SECOND as S
from cases import file
from cases.dump_cases import BACKOFF, FLOOR, HEAD, STANDARD, TAIL, dump
from cases.refusal_cases import refused

M = 1_000_000  # tokens are millionths
SEED = 1
AWS = {"preset": "aws", "jitter": "none"}
GRPC = {"preset": "grpc", "jitter": "none", "hint": "ignore"}
FINAGLE = {"attempts": 3, "jitter": "none", "backoff": ["0s"], "budget": {"name": "upstream", "mode": "window"}}


def shared(name, policy, *steps, **more):
    return {"name": name, "policy": policy, **more, "steps": list(steps)}


def attempt(at, call=1, **hand):
    return {"call": call, "at": at, "attempt": True, **hand}


def fail(at, call=1, code=500, tokens=None, give_up=None, **fields):
    """A failure; by hand: what it comes to, and what is left then."""
    step = {"call": call, "at": at, "fail": {"domain": "http", "code": code, **fields}}
    return step if tokens is None else {**step, "expect": outcome(code, give_up, tokens, fields)}


def outcome(code, give_up, tokens, fields):
    kind = {"class": "throttle", "sent": "rejected"} if code == 429 else {"class": "transient", "sent": "maybe"}
    if give_up:
        return {"give_up": give_up, "hint": fields.get("hint"), **kind, "tokens": tokens}
    delay = {500: 50_000, 429: S}[code]
    return {"retry": delay, **kind, "last": False, "nested_warning": False, "tokens": tokens}


def succeed(at, call=1, tokens=None):
    step = {"call": call, "at": at, "succeed": True}
    return step if tokens is None else {**step, "expect": {"tokens": tokens}}


def cancel(at, call=1, tokens=None):
    step = {"call": call, "at": at, "cancel": True}
    return step if tokens is None else {**step, "expect": {"tokens": tokens}}


def failures_of(n, first=1, **fields):
    return [fail(0, call, **fields) for call in range(first, first + n)]


BUCKET = [
    shared("a transient retry takes 14", AWS, attempt(0), fail(0, tokens=486 * M)),
    shared("a throttled retry takes 5", AWS, attempt(0), fail(0, code=429, tokens=495 * M)),
    shared("35 transient retries empty 500 tokens, and the 36th is refused", AWS, *failures_of(35), fail(0, 36, tokens=10 * M, give_up="budget")),
    shared("a throttled retry still fits where a transient one does not", AWS, *failures_of(35), fail(0, 36, code=429, tokens=5 * M), fail(0, 37, code=429, tokens=0), fail(0, 38, code=429, tokens=0, give_up="budget")),
    shared("100 throttled retries, then none", AWS, *failures_of(100, code=429), fail(0, 101, code=429, tokens=0, give_up="budget")),
    shared("a success after a retry gives back what the retry took", AWS, fail(0, tokens=486 * M), attempt(50_000), succeed(60_000, tokens=500 * M)),
    shared("a success after two retries gives back the last one's cost", AWS, fail(0), attempt(50_000), fail(60_000, code=429), attempt(3 * S), succeed(3 * S, tokens=486 * M)),
    shared("a first success gives 1", AWS, *failures_of(2), attempt(0, 3), succeed(0, 3, tokens=473 * M)),
    shared("never above capacity", AWS, attempt(0), succeed(0, tokens=500 * M)),
    shared("a call that is given up gives nothing back", AWS, fail(0), attempt(50_000), fail(50_000), attempt(S), fail(S)),
    shared("an extra success is harmless", AWS, *failures_of(2), attempt(0, 3), succeed(0, 3), succeed(1, 3, tokens=473 * M)),
    shared("a wait that is cancelled hands its tokens back", AWS, fail(0, tokens=486 * M), cancel(10_000, tokens=500 * M)),
    shared("an extra cancel is harmless", AWS, fail(0), fail(0, 2), cancel(10_000), cancel(10_001, tokens=486 * M)),
    shared("a retry that was made is paid, cancelled or not", AWS, fail(0), attempt(50_000), cancel(60_000, tokens=486 * M)),
    shared("a wait that ends past the deadline hands its tokens back", AWS | {"timeout": "1s"}, fail(0), attempt(S, expect={"give_up": "timeout", "tokens": 500 * M})),
    shared("what other checks refuse takes nothing", AWS, fail(0, code=400), fail(0, 2, method="POST"), fail(0, 3, nested=True, should_retry=False), fail(0, 4, cancelled=True)),
    shared("the budget is the last check: attempts", AWS | {"attempts": 1, "budget": {"name": "x", "capacity": 1, "cost": 1}}, fail(0, 1), fail(0, 2)),
    shared("the budget is the last check: timeout", AWS | {"timeout": "50ms", "budget": {"name": "x", "capacity": 13, "cost": 13}}, fail(0, 1), fail(0, 2)),
    shared("a cost of 0 is free, and its success is rewarded with nothing", AWS | {"budget": {"name": "x", "cost": 0}}, fail(0, tokens=500 * M), attempt(50_000), succeed(60_000)),
    shared("without refund a success after a retry gives the reward", AWS | {"budget": {"name": "x", "refund": False}}, fail(0), attempt(50_000), succeed(60_000, tokens=487 * M)),
    shared("a reward with a fraction", AWS | {"budget": {"name": "x", "reward": 0.25}}, fail(0), attempt(0, 2), succeed(0, 2, tokens=486 * M + 250_000)),
    shared("a reward of 0", AWS | {"budget": {"name": "x", "reward": 0}}, fail(0), attempt(0, 2), succeed(0, 2, tokens=486 * M)),
    shared("a class's own cost", AWS | {"classes": {"transient": {"cost": 100}}}, *failures_of(5), fail(0, 6, tokens=0, give_up="budget")),
    shared("an inactive call takes nothing", AWS, fail(0), mode="inactive"),
    shared("a named budget that nobody supplies lets nothing be retried", AWS | {"budget": "elsewhere"}, fail(0), fail(0, 2)),
    shared("a policy without a budget takes none", {"jitter": "none"}, attempt(0), fail(0), succeed(S)),
]

FAILURES = [
    shared("four failures of 10 are retried, the fifth finds half a bucket", GRPC, *failures_of(4), fail(0, 5), fail(0, 6)),
    shared("a success gives 0.1", GRPC, *failures_of(3), attempt(0, 4), succeed(0, 4, tokens=7_100_000)),
    shared("a success after a retry gives 0.1", GRPC, fail(0), attempt(100_000), succeed(200_000, tokens=9_100_000)),
    shared("every failure counts, the last attempt's too", GRPC | {"attempts": 1}, fail(0), fail(0, 2), fail(0, 3)),
    shared("never below 0", GRPC, *failures_of(12)),
    shared("51 successes bring it above half, and the next failure back", GRPC, *failures_of(10), *(step for call in range(11, 62) for step in (attempt(0, call), succeed(0, call))), fail(0, 62)),
    shared("61 successes open it again, for a failure then leaves more than half", GRPC, *failures_of(10), *(step for call in range(11, 72) for step in (attempt(0, call), succeed(0, call))), fail(0, 72)),
    shared("a code that is not retried does not count", GRPC, fail(0, code=400), fail(0, 2, code=404)),
    shared("a server that says not to retry counts", GRPC, fail(0, code=400, should_retry=False)),
    shared("a cancelled call does not count", GRPC, fail(0, cancelled=True)),
    shared("what the method forbids to repeat counts all the same", GRPC, fail(0, method="POST")),
    shared("an odd capacity: more than half", GRPC | {"budget": {"name": "x", "mode": "failures", "capacity": 5}}, *failures_of(3)),
    shared("a wait that is cancelled hands nothing back", GRPC, fail(0), cancel(1)),
]

WINDOW = [
    shared("the reserve alone: 10 a second for 10 s", FINAGLE, *failures_of(100), fail(0, 101), fail(0, 102), fail(0, 103), fail(0, 104), *failures_of(25, 105)),
    shared("a call adds a fifth of a retry, once", FINAGLE | {"budget": {"name": "x", "mode": "window", "min_per_second": 0}}, *(attempt(0, call) for call in range(1, 6)), attempt(0, 5), fail(0, 5), fail(0, 4)),
    shared("a call that begins with its failure adds as well", FINAGLE | {"budget": {"name": "x", "mode": "window", "min_per_second": 0, "ratio": 1}}, fail(0), fail(0, 2)),
    shared("what calls added expires with the window", FINAGLE | {"budget": {"name": "x", "mode": "window", "min_per_second": 0}}, *(attempt(0, call) for call in range(1, 6)), attempt(9_999_999, 6), attempt(10 * S, 7), attempt(11 * S, 8), fail(11 * S, 8)),
    shared("and so does what retries took", FINAGLE | {"budget": {"name": "x", "mode": "window", "min_per_second": 1, "ratio": 0, "ttl": "1s"}}, fail(0), fail(0, 2), fail(999_999, 3), fail(1_000_000, 4)),
    shared("a long idle time clears it", FINAGLE, *(attempt(S, call) for call in range(1, 9)), attempt(3600 * S, 9), fail(3600 * S, 9)),
    shared("a clock that goes back is no progress", FINAGLE, attempt(100 * S), attempt(S, 2), fail(2 * S, 2)),
    shared("a success adds nothing", FINAGLE, attempt(0), succeed(1)),
    shared("a wait that is cancelled hands its retry back", FINAGLE, fail(0), cancel(1)),
    shared("a throttled retry counts as one", FINAGLE, fail(0, code=429)),
    shared("ten seconds in parts of a second", FINAGLE | {"budget": {"name": "x", "mode": "window", "min_per_second": 0, "ratio": 1}}, *(attempt(second * S, second + 1) for second in range(12)), fail(12 * S, 1), fail(20_999_999, 2)),
]

ALONE = {"name": "x"}
REFUSALS = [
    refused("another kind", {"budget": 5}, "wrong_kind /budget"),
    refused("no name", {"budget": {"capacity": 5}}, "missing_option /budget/name"),
    refused("nothing in it", {"budget": {}}, "missing_option /budget/name"),
    refused("an empty name", {"budget": ""}, "out_of_range /budget"),
    refused("an empty name in a map", {"budget": {"name": ""}}, "out_of_range /budget/name"),
    refused("a name of 65 bytes", {"budget": "x" * 65}, "text_too_long /budget"),
    refused("a name of 33 letters of two bytes", {"budget": {"name": "é" * 33}}, "text_too_long /budget/name"),
    refused("a name that is a number", {"budget": {"name": 5}}, "wrong_kind /budget/name"),
    refused("an unknown mode", {"budget": ALONE | {"mode": "leaky"}}, "unknown_value /budget/mode"),
    refused("an unknown member", {"budget": ALONE | {"tokens": 5}}, "unknown_option /budget/tokens"),
    *(refused(f"capacity {value}", {"budget": ALONE | {"capacity": value}}, "out_of_range /budget/capacity") for value in (0, -1, 1_000_001)),
    *(refused(f"cost {value}", {"budget": ALONE | {"cost": value}}, "out_of_range /budget/cost") for value in (-1, 1_000_001)),
    *(refused(f"reward {value}", {"budget": ALONE | {"reward": value}}, f"{code} /budget/reward") for value, code in ((-0.5, "out_of_range"), (1000.000001, "out_of_range"), (0.0000001, "too_fine"), ("1", "wrong_kind"))),
    refused("refund with another kind", {"budget": ALONE | {"refund": "yes"}}, "wrong_kind /budget/refund"),
    *(refused(f"ttl {value}", {"budget": ALONE | {"mode": "window", "ttl": value}}, f"{code} /budget/ttl") for value, code in (("999ms", "out_of_range"), ("61s", "out_of_range"), (10, "bare_number"))),
    refused("options of a window without one", {"budget": ALONE | {"ratio": 0.1, "min_per_second": 5, "ttl": "10s"}}, "meaningless_option /budget/ratio", "meaningless_option /budget/min_per_second", "meaningless_option /budget/ttl"),
    refused("options of a bucket with a window", {"budget": ALONE | {"ttl": "10s", "mode": "window", "refund": True, "reward": 1, "cost": 1, "capacity": 5}},
            "meaningless_option /budget/capacity", "meaningless_option /budget/cost", "meaningless_option /budget/reward", "meaningless_option /budget/refund"),
    refused("refund in mode failures", {"budget": ALONE | {"mode": "failures", "refund": False}}, "meaningless_option /budget/refund"),
    refused("a cost that can never be paid", {"budget": ALONE | {"capacity": 10, "cost": 11}}, "cost_above_capacity /budget/cost"),
    refused("above the default capacity", {"budget": ALONE | {"cost": 501}}, "cost_above_capacity /budget/cost"),
    refused("a class's cost that can never be paid", {"budget": ALONE | {"capacity": 10}, "classes": {"throttle": {"cost": 11}, "connect": {"cost": 12}}}, "cost_above_capacity /classes/throttle/cost", "cost_above_capacity /classes/connect/cost"),
    refused("a class's cost above an inherited capacity", {"preset": "aws", "classes": {"throttle": {"cost": 501}}}, "cost_above_capacity /classes/throttle/cost"),
    refused("a class's cost without a budget", {"classes": {"throttle": {"cost": 5}}}, "meaningless_option /classes/throttle/cost"),
    refused("a class's cost without the inherited budget", {"preset": "aws", "budget": None, "classes": {"throttle": {"cost": 5}}}, "meaningless_option /classes/throttle/cost"),
    refused("a class's cost with a window", {"budget": ALONE | {"mode": "window"}, "classes": {"throttle": {"cost": 5}}}, "meaningless_option /classes/throttle/cost"),
    refused("no word on costs beside a bad budget", {"budget": 5, "classes": {"throttle": {"cost": 5}}}, "wrong_kind /budget"),
    refused("a cost of a class out of range", {"budget": ALONE, "classes": {"throttle": {"cost": 1_000_001}}}, "out_of_range /classes/throttle/cost"),
]

BUCKET_TEXT = '"budget":{"name":"x","mode":"bucket","capacity":500,"cost":14,"reward":1,"refund":true},'


def budget(name, written, text, **more):
    return dump(name, {"budget": written, **more}, STANDARD.replace('"idempotent"', text + '"idempotent"'))


FORMS = [
    budget("a name alone is a budget made elsewhere", "internal-api", '"budget":"internal-api",'),
    budget("a map with a name alone has every default", ALONE, BUCKET_TEXT),
    budget("members in their own order", {"refund": False, "reward": 2.5, "cost": 1, "capacity": 20, "mode": "bucket", "name": "x"}, '"budget":{"name":"x","mode":"bucket","capacity":20,"cost":1,"reward":2.5,"refund":false},'),
    budget("the default cost gives way to a small capacity", ALONE | {"capacity": 3}, BUCKET_TEXT.replace("500", "3").replace("14", "3")),
    budget("failures", ALONE | {"mode": "failures"}, '"budget":{"name":"x","mode":"failures","capacity":10,"cost":1,"reward":0.1},'),
    budget("a window", ALONE | {"mode": "window"}, '"budget":{"name":"x","mode":"window","ratio":0.2,"min_per_second":10,"ttl":"10s"},'),
    budget("a window written out", ALONE | {"mode": "window", "ttl": "1m", "ratio": 0, "min_per_second": 0}, '"budget":{"name":"x","mode":"window","ratio":0,"min_per_second":0,"ttl":"1m"},'),
    budget("a name is escaped", 'a"b\\', '"budget":"a\\"b\\\\",'),
    budget("64 bytes of name", "é" * 32, f'"budget":"{"é" * 32}",'),
    budget("null is none", None, ""),
    budget("zeros", ALONE | {"cost": 0, "reward": 0}, BUCKET_TEXT.replace("14", "0").replace('"reward":1', '"reward":0')),
    dump("aws", {"preset": "aws"}, '{"undaunted":1,"attempts":3,"timeout":null,"attempt_timeout":null,"backoff":"exponential","initial":"50ms","factor":2,"max_delay":"20s","first":"delayed","jitter":"full",'
         '"hint":{"mode":"window","window":"5s"},"classes":{"throttle":{"initial":"1s","cost":5}},"budget":{"name":"aws","mode":"bucket","capacity":500,"cost":14,"reward":1,"refund":true},' + TAIL),
    dump("grpc", {"preset": "grpc"}, '{"undaunted":1,"attempts":4,"timeout":null,"attempt_timeout":null,"backoff":"exponential","initial":"100ms","factor":2,"max_delay":"1s","first":"delayed","jitter":{"proportional":0.2},'
         '"hint":{"mode":"exact","max":"2m","resets":true},"budget":{"name":"grpc","mode":"failures","capacity":10,"cost":1,"reward":0.1},' + TAIL),
    dump("urllib3", {"preset": "urllib3"}, '{"undaunted":1,"attempts":11,"timeout":null,"attempt_timeout":null,"backoff":"exponential","initial":"200ms","factor":2,"max_delay":"2m","first":"immediate","jitter":"full",'
         '"hint":{"mode":"floor","max":"6h"},' + TAIL),
    dump("google", {"preset": "google"}, HEAD.replace('"attempts":10', '"attempts":null').replace('"45s"', '"2m"') + BACKOFF.replace('"10s"', '"1m"') + '"jitter":"full",' + FLOOR + TAIL),
    dump("another budget beside a preset's", {"preset": "aws", "budget": {"name": "s3"}}),
    dump("no budget beside a preset: its costs go", {"preset": "aws", "budget": None}),
    dump("a window beside a preset: its costs go", {"preset": "aws", "budget": {"name": "x", "mode": "window"}}),
    dump("a small bucket beside a preset: its costs become smaller", {"preset": "aws", "budget": {"name": "x", "capacity": 2}}),
    dump("a written cap lowers a preset's class", {"preset": "aws", "max_delay": "500ms"}),
    dump("a list takes the first delays of a preset's classes away", {"preset": "aws", "backoff": ["1s"]}),
    dump("a budget made elsewhere keeps the costs of classes", {"budget": "x", "classes": {"throttle": {"cost": 5}}}),
]

FILES = [
    file("dump-budget", "dump", "Budgets in canonical form, and the presets that have one", "SEMANTICS 8, DESIGN 4", FORMS),
    file("refusal-budget", "refusal", "Budgets that cannot be", "tests/README.md", REFUSALS),
    file("budget-bucket", "shared", "A bucket of tokens: a retry takes its cost, a success gives back", "SEMANTICS 8, AWS Retry 2.1: 500 tokens, 14 and 5", BUCKET),
    file("budget-failures", "shared", "gRPC's bucket: failures take, successes give, retries while more than half is left", "SEMANTICS 8, gRPC A6: maxTokens 10, tokenRatio 0.1", FAILURES),
    file("budget-window", "shared", "Retries as a share of the calls of the last seconds", "SEMANTICS 8, Finagle's RetryBudget: 20 % and 10 a second for 10 s", WINDOW),
]
