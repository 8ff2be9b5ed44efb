from cases import file


def case(name, policy, **options):
    return {"name": name, "policy": policy, "options": options}


US = {"initial": "20us", "max_delay": "300us", "attempts": 8, "timeout": None}
JITTERS = {"none": {"jitter": "none"}, "full": {}, "equal": {"jitter": "equal"}, "proportional": {"jitter": {"proportional": 0.3}},
           "additive": {"jitter": {"additive": "33us"}}}

EXACT = [
    case("preset standard", {}),
    *[case(f"preset {name}", {"preset": name}) for name in ("interactive", "aws", "grpc", "stamina", "urllib3", "google", "none")],
    *[case(f"jitter {name}", US | jitter, seed=7) for name, jitter in JITTERS.items()],
    case("linear backoff", US | {"backoff": "linear"}),
    case("a list of delays", {"backoff": ["1s", "0s", "3s"], "jitter": "none", "timeout": "4s"}),
    case("a class has its own first delay", US | {"classes": {"transient": {"initial": "50us"}}}),
    case("fewer attempts than the policy has", US, attempts=3),
    case("more attempts than the policy has", US, attempts=12),
    case("one attempt has no retry", US, attempts=1),
    case("without a limit ten attempts are shown", {"attempts": None, "timeout": "1h"}),
    case("what timeout would end", {"timeout": "5s", "jitter": "none"}),
    case("a retry at the deadline is too late", {"timeout": "3s", "jitter": "none"}),
    case("another call", {}, seed="18446744073709551615", call=3),
    case("a call by its own seed", {}, call_seed="12345678901234567890"),
    case("the largest delays", {"backoff": "constant", "initial": "87600h", "max_delay": "87600h", "timeout": None, "attempts": 3}),
]

CHAINED = [
    case("decorrelated jitter of microseconds", US | {"jitter": "decorrelated"}),
    case("decorrelated jitter, the first at once", US | {"jitter": "decorrelated", "first": "immediate"}),
    case("decorrelated jitter whose cap is out of reach", {"jitter": "decorrelated", "initial": "3us", "max_delay": "87600h", "attempts": 8, "timeout": None}),
    case("decorrelated jitter of milliseconds", {"jitter": "decorrelated", "initial": "2ms", "max_delay": "90ms", "attempts": 9, "timeout": None}),
    case("decorrelated jitter on a coarse grid", {"jitter": "decorrelated", "initial": "10ms", "max_delay": "300ms", "attempts": 6, "timeout": None}),
]


def refused(name, options, *expect):
    return {"name": name, "policy": {}, "options": options, "expect": [dict(zip(("code", "pointer", "text"), problem)) for problem in expect]}


REFUSED = [
    refused("no attempts, and an option that is none", {"attempts": 0, "jitter": "full"},
            ("out_of_range", "/attempts", "attempts is 0, allowed 1 to 1000; write one in between"),
            ("unknown_option", "/jitter", "jitter is not an option, allowed attempts, seed, call or call_seed; correct or remove it")),
    refused("more attempts than a reader reads", {"attempts": 1001}, ("out_of_range", "/attempts")),
    refused("a seed that is none", {"seed": "x"}, ("wrong_kind", "/seed", 'seed is "x", allowed a whole number below 2^64; write one of these')),
    refused("two seeds", {"seed": 1, "call_seed": 1}, ("duplicate_option", "/call_seed")),
    refused("a number of a call that its seed has already", {"call": 2, "call_seed": 1}, ("duplicate_option", "/call")),
]

SOURCE = "DESIGN 7, \"Preview\"; SEMANTICS 4"
FILES = [
    file("ladder", "ladder", "Waits whose values are equally likely: least, half, 99 of 100, most, and as drawn.", SOURCE, EXACT),
    file("ladder-decorrelated", "ladder", "Waits that depend on the one before, each value followed.", SOURCE, CHAINED),
    file("ladder-refused", "ladder_refusal", "What no ladder is asked; all mistakes at once.", "CONVENTIONS, \"Errors\"", REFUSED),
]
