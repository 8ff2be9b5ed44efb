from cases import file


def case(name, policy, method="exact", **options):
    return {"name": name, "policy": policy, "options": options, "method": method}


US = {"jitter": "full", "initial": "2us", "max_delay": "9us", "attempts": 5, "timeout": None}
HALF = 0.5
AWS = {"attempts": 3, "initial": "50ms", "max_delay": "20s", "timeout": None}
LADDER = {"attempts": 10, "initial": "100ms", "max_delay": "5s", "timeout": None}

EXACT = [
    case("a call that never fails waits for nothing", US, failure_rate=0),
    case("a call that always fails makes every attempt", US, failure_rate=1),
    case("one attempt never waits", US | {"attempts": 1}, failure_rate=HALF),
    *[case(f"jitter {name}, without a timeout", US | jitter, failure_rate=0.3, attempt_duration="3us") for name, jitter in (
        ("none", {"jitter": "none"}), ("full", {}), ("equal", {"jitter": "equal"}), ("decorrelated", {"jitter": "decorrelated"}),
        ("proportional", {"jitter": {"proportional": 0.5}}), ("additive", {"jitter": {"additive": "3us"}}))],
    *[case(f"jitter {name}, when the timeout ends calls", US | jitter | {"timeout": "14us"}, failure_rate=0.7, attempt_duration="2us") for name, jitter in (
        ("none", {"jitter": "none"}), ("full", {}), ("equal", {"jitter": "equal"}), ("decorrelated", {"jitter": "decorrelated"}),
        ("proportional", {"jitter": {"proportional": 0.5}}), ("additive", {"jitter": {"additive": "3us"}}))],
    case("decorrelated jitter whose cap is out of reach", US | {"jitter": "decorrelated", "max_delay": "87600h"}, failure_rate=0.5),
    case("linear backoff", US | {"backoff": "linear"}, failure_rate=0.4),
    case("constant backoff", US | {"backoff": "constant"}, failure_rate=0.4),
    case("a list of delays", {"backoff": ["1us", "7us", "2us"], "attempts": 6, "timeout": None}, failure_rate=0.4),
    case("a list with a delay of nothing", {"backoff": ["0us", "4us"], "attempts": 4, "timeout": "7us"}, failure_rate=0.6, attempt_duration="1us"),
    case("the first retry at once", US | {"first": "immediate"}, failure_rate=0.6),
    case("the first retry at once, decorrelated", US | {"first": "immediate", "jitter": "decorrelated", "timeout": "20us"}, failure_rate=0.6),
    case("the class has its own first delay", US | {"classes": {"transient": {"initial": "5us"}}}, failure_rate=0.6),
    case("the class has its own attempts", US | {"classes": {"transient": {"attempts": 2}}}, failure_rate=0.6),
    case("another class has not", US | {"classes": {"connect": {"attempts": 2, "initial": "1us"}}}, failure_rate=0.6),
    case("attempts without limit end by the timeout", US | {"attempts": None, "timeout": "12us", "jitter": "equal"}, failure_rate=0.9),
    case("an attempt as long as the timeout is the only one", US | {"timeout": "10us"}, failure_rate=0.5, attempt_duration="10us"),
    case("attempt_timeout cuts every attempt", US | {"attempt_timeout": "2us", "timeout": "15us"}, failure_rate=0.5, attempt_duration="9us"),
    case("an attempt that the deadline meets is interrupted", US | {"attempt_timeout": "5us", "timeout": "13us"}, failure_rate=0.5, attempt_duration="4us"),
    case("a late attempt without attempt_timeout runs on", US | {"timeout": "13us"}, failure_rate=0.5, attempt_duration="4us"),
    case("jitter none, interrupted at the deadline", US | {"attempt_timeout": "5us", "timeout": "13us", "jitter": "none"}, failure_rate=0.5, attempt_duration="4us"),
    *[case(f"every share of calls, jitter {name}", US | {"jitter": name, "timeout": "14us"}, failure_rate=0.7, attempt_duration="2us", quantiles=True)
      for name in ("none", "full", "decorrelated")],
    case("three layers of three are 27 in an outage", US | {"attempts": 3}, failure_rate=1),
    case("three layers of three below an outage", US | {"attempts": 3}, failure_rate=0.5),
    case("two layers", US | {"attempts": 4}, failure_rate=0.2, layers=2),
    case("a chain of 20 calls, up to 3 times", US | {"attempts": 2}, failure_rate=0.1, calls=20, repeats=3),
]

CLOSED = [
    *[case(f"AWS 2.1, {rate}", AWS, "closed", failure_rate=rate) for rate in (0.1, 0.5, 0.9)],
    *[case(f"stamina's ladder with full jitter, {rate}", LADDER, "closed", failure_rate=rate) for rate in (0.5, 0.9)],
    case("five attempts of 1 s by 2", {"attempts": 5, "timeout": None, "max_delay": "20s"}, "closed", failure_rate=0.5),
    case("preset interactive, whose timeout never decides", {"preset": "interactive"}, "closed", failure_rate=0.5),
    case("equal jitter at the scale of seconds", {"attempts": 6, "timeout": None, "jitter": "equal"}, "closed", failure_rate=0.8),
    case("proportional jitter at the scale of seconds", {"attempts": 6, "timeout": None, "jitter": {"proportional": 0.2}}, "closed", failure_rate=0.8),
    case("additive jitter at the scale of seconds", {"attempts": 6, "timeout": None, "jitter": {"additive": "1s"}}, "closed", failure_rate=0.8),
    case("every share of calls at the scale of seconds", {"attempts": 5, "timeout": None}, "closed", failure_rate=0.5, quantiles=True),
    case("no jitter at the scale of seconds", {"attempts": 6, "timeout": None, "jitter": "none"}, "closed", failure_rate=0.8),
]

SAMPLED = [
    case("U(1) + U(2) + U(4) + U(8) is below 7 with 0.4375", {"backoff": ["1s", "2s", "4s", "8s"], "attempts": 5, "timeout": "7s"}, "sampled", failure_rate=1),
    case("preset standard in an outage", {}, "sampled", failure_rate=1),
    case("preset standard under attempts of 2 s", {}, "sampled", failure_rate=0.6, attempt_duration="2s"),
    case("preset stamina", {"preset": "stamina"}, "sampled", failure_rate=0.7),
    case("decorrelated jitter", {"jitter": "decorrelated"}, "sampled", failure_rate=0.6, attempt_duration="100ms"),
    case("decorrelated jitter in an outage", {"jitter": "decorrelated", "timeout": "20s"}, "sampled", failure_rate=1),
    case("the last wait clipped", {"on_timeout": {"clip": {"min_attempt": "500ms"}}, "timeout": "10s"}, "sampled", failure_rate=0.8, attempt_duration="300ms"),
    case("the last wait clipped, attempts interrupted",
         {"on_timeout": {"clip": {"min_attempt": "100ms"}}, "timeout": "10s", "attempt_timeout": "1s", "jitter": "decorrelated"},
         "sampled", failure_rate=0.8, attempt_duration="500ms"),
    case("the last wait clipped, not random before", {"on_timeout": {"clip": {"min_attempt": "100ms"}}, "timeout": "10s", "jitter": "none"},
         "sampled", failure_rate=0.8, attempt_duration="500ms"),
    case("equal jitter ended by the timeout", {"jitter": "equal", "timeout": "12s"}, "sampled", failure_rate=0.7),
    case("attempts without limit", {"attempts": None, "timeout": "30s"}, "sampled", failure_rate=0.8),
]


def budget(own=None, **rest):
    """Three attempts that wait no time worth speaking of, and a budget of their own."""
    return {"attempts": 3, "initial": "50ms", "max_delay": "200ms", "timeout": None, "budget": {"name": "api", **(own or {})}, **rest}


NO_REFUND = {"refund": False, "reward": 4}
FAILURES = {"mode": "failures"}
WINDOW = {"mode": "window"}

BUDGETS = [
    case("AWS 2.1: 35 retries, and 1/14 of a success in the long run", {"preset": "aws"}, "closed", failure_rate=0.5),
    case("AWS 2.1 below what it sustains", {"preset": "aws"}, "closed", failure_rate=0.1),
    case("AWS 2.1, throttled: 100 retries, and a fifth", {"preset": "aws"}, "closed", failure_rate=0.5, **{"class": "throttle"}),
    case("AWS 2.1 when nothing fails", {"preset": "aws"}, "closed", failure_rate=0),
    case("AWS 2.1 in an outage", {"preset": "aws"}, "closed", failure_rate=1),
    case("nothing is given back", budget(NO_REFUND), "closed", failure_rate=0.5),
    case("nothing is given back, and a success pays for a retry", budget({"refund": False, "reward": 14}), "closed", failure_rate=0.4),
    case("a reward that no success needs", budget({"reward": 0}), "closed", failure_rate=0),
    case("no reward", budget({"reward": 0}), "closed", failure_rate=0.000001),
    case("retries that cost nothing", budget({"cost": 0}), "closed", failure_rate=0.7),
    case("a class whose retries cost nothing", budget(classes={"throttle": {"cost": 0}}), "closed", failure_rate=0.7, **{"class": "throttle"}),
    case("gRPC A6: 4 retries, and none in the long run", {"preset": "grpc"}, "closed", failure_rate=0.5),
    case("gRPC A6 just below one failure in eleven", {"preset": "grpc"}, "closed", failure_rate=0.0909),
    case("gRPC A6 just above one failure in eleven", {"preset": "grpc"}, "closed", failure_rate=0.091),
    case("half of an odd capacity", budget(FAILURES | {"capacity": 7, "cost": 2}), "closed", failure_rate=0.2),
    case("half of a token", budget(FAILURES | {"capacity": 1}), "closed", failure_rate=0.2),
    case("failures that cost nothing", budget(FAILURES | {"cost": 0, "reward": 0}), "closed", failure_rate=0.9),
    case("Finagle: a fifth of the calls beside those of a reserve", budget(WINDOW), "closed", failure_rate=0.5),
    case("Finagle at 20 calls a second", budget(WINDOW), "closed", failure_rate=0.5, calls_per_second=20),
    case("Finagle at a call in 100 seconds", budget(WINDOW), "closed", failure_rate=0.5, calls_per_second=0.01),
    case("Finagle in an outage", budget(WINDOW), "closed", failure_rate=1, calls_per_second=40),
    case("a budget that was made elsewhere", budget() | {"budget": "api"}, "closed", failure_rate=0.5),
    case("no budget", budget() | {"budget": None}, "closed", failure_rate=0.5),
    case("the class has its own attempts and first delay", budget(classes={"timeout": {"attempts": 2, "initial": "80ms"}}), "closed",
         failure_rate=0.5, **{"class": "timeout"}),
]

SHARED = [
    case("AWS 2.1, half of the attempts fail", {"preset": "aws"}, "shared", failure_rate=0.5),
    case("AWS 2.1, a tenth fails", {"preset": "aws"}, "shared", failure_rate=0.1),
    case("AWS 2.1, throttled", {"preset": "aws"}, "shared", failure_rate=0.6, **{"class": "throttle"}),
    case("nothing is given back", budget(NO_REFUND), "shared", failure_rate=0.5),
    case("no reward", budget({"reward": 0}), "shared", failure_rate=0.5),
    case("gRPC A6, half of the attempts fail", {"preset": "grpc"}, "shared", failure_rate=0.5),
    case("gRPC A6, one in fifty fails", {"preset": "grpc"}, "shared", failure_rate=0.02),
    case("many tokens, a fifth of the attempts fail", budget(FAILURES | {"capacity": 100}), "shared", failure_rate=0.2),
    case("Finagle, half of the attempts fail", budget(WINDOW), "shared", failure_rate=0.5, calls_per_second=100),
    case("Finagle, a twentieth fails", budget(WINDOW), "shared", failure_rate=0.05, calls_per_second=100),
    case("ten attempts under a window", budget(WINDOW | {"ratio": 0.5, "ttl": "2s"}, attempts=10), "shared", failure_rate=0.8, calls_per_second=100),
]


def refused(name, options, *expect):
    return {"name": name, "policy": {}, "options": options, "expect": [dict(zip(("code", "pointer", "text"), problem)) for problem in expect]}


REFUSED = [
    refused("a class that is never retried, and no calls", {"class": "permanent", "calls_per_second": 0},
            ("unknown_value", "/class", "class is \"permanent\", allowed transient, throttle, timeout, connect or conflict; write one of these"), ("out_of_range", "/calls_per_second")),
    refused("a failure rate above 1", {"failure_rate": 1.5}, ("out_of_range", "/failure_rate", "failure_rate is 1.5, allowed 0 to 1; write one in between")),
    refused("a failure rate below 0", {"failure_rate": -0.1}, ("out_of_range", "/failure_rate", "failure_rate is -0.1, allowed 0 to 1; write one in between")),
    refused("a failure rate finer than a millionth", {"failure_rate": 0.1234567}, ("too_fine", "/failure_rate", "failure_rate is 0.1234567, allowed 6 decimal places; round it")),
    refused("a bare number as duration", {"attempt_duration": 5},
            ("bare_number", "/attempt_duration", 'attempt_duration is 5, allowed a time in us, ms, s, m or h as "30s"; write "5s" for seconds, "5ms" for milliseconds')),
    refused("a number for quantiles", {"quantiles": 9}, ("wrong_kind", "/quantiles", "quantiles is 9, allowed true or false; write one of these")),
    refused("no layers, and a name that is none", {"layers": 0, "rate": 1},
            ("out_of_range", "/layers", "layers is 0, allowed 1 to 10; write one in between"),
            ("unknown_option", "/rate", "rate is not an option, allowed failure_rate, attempt_duration, layers, calls, repeats, class, calls_per_second or quantiles; correct or remove it")),
]

SOURCE = "SEMANTICS 17; DESIGN 3, \"Analysis\""
FILES = [
    file("analysis-exact", "analysis", "Every possible call of policies of a few microseconds, followed with fractions.", SOURCE, EXACT),
    file("analysis-closed", "analysis", "Policies whose limits of time decide nothing, by formulas: 1 - f^m, sums of uniform parts by inclusion and exclusion.", SOURCE, CLOSED),
    file("analysis-sampled", "analysis", "10 000 seeded calls of the oracle each; the errors are five standard deviations.", SOURCE, SAMPLED),
    file("analysis-budget", "analysis", "What a budget allows: counted from a full one, and by the balance of its tokens in the long run.",
         "SEMANTICS 8 and 17", BUDGETS),
    file("analysis-budget-sampled", "analysis", "Seeded calls of the oracle, 100 a second, that share a budget; the errors are five standard deviations.",
         "SEMANTICS 8 and 17", SHARED),
    file("analysis-refused", "analysis_refusal", "Conditions that no analysis has; all mistakes at once.", "CONVENTIONS, \"Errors\"", REFUSED),
]
