from cases import file

S = 1_000_000
FULL = {"attempts": 7, "initial": "1s", "max_delay": "40s", "timeout": None}
SHORT = {"attempts": 5, "initial": "100ms", "max_delay": "1s", "timeout": None}
AWS_ALONE = {"preset": "aws", "budget": None}
GRPC = {"preset": "grpc"}
TINY = {"attempts": 8, "initial": "4us", "max_delay": "40us", "timeout": None}
NO_WAIT = {"attempts": 5, "timeout": None, "backoff": ["0s"], "jitter": "none"}
FINAGLE = SHORT | {"budget": {"name": "x", "mode": "window", "min_per_second": 3, "ratio": 0.5, "ttl": "1s"}}
OUTAGE = {"outage": "400ms", "capacity": 5}


def herd(name, policy, seed="1", **options):
    return {"name": name, "policy": policy, "seed": seed, "options": {"clients": 200, "windows": 100, **options}}


def outage(name, policy, seed="1", **options):
    options = {"calls_per_second": 20, "duration": "12s", "outage_at": "2s", "outage": "4s", **options}
    return {"name": name, "policy": policy, "seed": seed, "options": options}


def loss(name, seed="1", **options):
    return {"name": name, "seed": seed, "options": {"trials": 300, **options}}


def layers(name, policy, seed="1", **options):
    return {"name": name, "policy": policy, "seed": seed, "options": {"calls": 40, **options}}


def refused(name, sim, options, *problems):
    return {"name": name, "sim": sim, "options": options, "expect": [dict(zip(("code", "pointer"), problem.split())) for problem in problems]}


HERD = [
    herd("full jitter spreads a herd", FULL, windows=1200),
    herd("another seed, another herd", FULL, "18446744073709551615", windows=1200),
    *[herd(f"jitter {name}", SHORT | jitter) for name, jitter in (
        ("none", {"jitter": "none"}), ("equal", {"jitter": "equal"}), ("decorrelated", {"jitter": "decorrelated"}),
        ("proportional", {"jitter": {"proportional": 0.2}}), ("additive", {"jitter": {"additive": "300ms"}}))],
    *[herd(f"backoff {name}", SHORT | backoff) for name, backoff in (
        ("linear", {"backoff": "linear"}), ("constant", {"backoff": "constant"}), ("1.3", {"factor": 1.3}))],
    herd("backoff by a list", {"attempts": 5, "timeout": None, "backoff": ["0s", "50ms", "1s"]}),
    herd("the first retry at once: in the same window, before later ones", SHORT | {"first": "immediate"}),
    herd("without jitter and without waits, clients take turns", NO_WAIT | {"budget": {"name": "x", "capacity": 500, "cost": 1}}, clients=150, processes=1),
    *[herd(f"many wait for the same instants: jitter {jitter}", TINY | {"jitter": jitter}, clients=400, window="10us", outage="30us", capacity=7)
      for jitter in ("full", "decorrelated")],
    herd("one client", FULL, clients=1),
    herd("one attempt", {"preset": "none"}),
    *[herd(f"preset {name}", {"preset": name}, clients=100, windows=1200) for name in ("standard", "interactive", "aws", "grpc", "stamina", "urllib3", "google")],
    herd("AWS without its budget does not spread a herd", AWS_ALONE, clients=500),
    herd("AWS's budget lets 35 retries through", {"preset": "aws"}),
    herd("a budget for each of 7 processes", {"preset": "aws"}, processes=7),
    herd("clients of a process that share gRPC's budget", GRPC, processes=20, **OUTAGE),
    herd("a budget with a window fills again", FINAGLE, processes=3, outage="3s", capacity=2),
    herd("a budget that is made elsewhere lets nothing through", SHORT | {"budget": "elsewhere"}),
    herd("successes give back", SHORT | {"budget": {"name": "x", "capacity": 60, "cost": 5}}, processes=4, outage="150ms", capacity=20),
    herd("an outage that ends", FULL, outage="2s"),
    herd("an outage of nothing: the second attempts succeed", FULL, outage="0s"),
    herd("a server that recovers slowly", FULL, outage="1s", capacity=3, windows=600),
    herd("a server that recovers to nothing", SHORT, outage="1s", capacity=0),
    herd("windows of their own width", SHORT, window="7ms", windows=300, outage="30ms", capacity=1),
    herd("those who wait beyond the last window are not followed", FULL, windows=20),
    herd("calls without end are followed for 1000 attempts", NO_WAIT | {"attempts": None, "timeout": "1s"}, clients=3),
    herd("a timeout ends calls", FULL | {"timeout": "2s"}),
    herd("a timeout that clips", FULL | {"timeout": "2s", "on_timeout": {"clip": {"min_attempt": "300ms"}}}, **OUTAGE),
    herd("a hint is a floor", SHORT, hint="250ms", **OUTAGE),
    herd("a hint as exact as gRPC's brings all back at once", GRPC | {"budget": None}, hint="250ms"),
    herd("a hint within AWS's window", AWS_ALONE, hint="2s"),
    herd("a hint that is too long", FULL | {"timeout": "2s"}, hint="3s"),
    herd("a hint of decorrelated jitter", SHORT | {"jitter": "decorrelated"}, hint="100ms", **OUTAGE),
    herd("a status with a class of its own", {"preset": "aws", "jitter": "equal"}, status=429, processes=2, windows=300),
    herd("a status that ends the calls of a rule", SHORT | {"rules": [{"http": "500-502", "class": "permanent"}]}, status=502),
    herd("a status that is retried at once the first time", SHORT, status=425, **OUTAGE),
    herd("a status that nobody retries", SHORT, status=404),
    herd("calls that may not be repeated", SHORT | {"idempotent": False}),
    herd("a class with its own attempts", SHORT | {"classes": {"transient": {"attempts": 2}}}),
    herd("a client for a month", {"attempts": 64, "initial": "1s", "max_delay": "1h", "timeout": None}, clients=2, window="10s", windows=6000),
]

BUCKET = SHORT | {"budget": {"name": "x", "capacity": 100}}
BREAKER = SHORT | {"breaker": {"name": "x", "min_calls": 10, "initial": "500ms", "max_delay": "3s"}}
STORM = {"attempts": 20, "initial": "100ms", "max_delay": "500ms", "timeout": None}

TRAFFIC = [
    outage("nothing but retries", SHORT),
    outage("another seed", SHORT, "18446744073709551615"),
    outage("the standard policy", {"preset": "standard"}),
    *[outage(f"preset {name}", {"preset": name}, duration="20s") for name in ("interactive", "aws", "grpc", "stamina", "urllib3", "google", "none")],
    outage("a budget that is a bucket", BUCKET),
    outage("a budget that counts failures", SHORT | {"budget": {"name": "x", "mode": "failures"}}),
    outage("a budget with a window", FINAGLE),
    outage("a budget that is made elsewhere lets nothing through", SHORT | {"budget": "elsewhere"}),
    outage("a breaker", BREAKER),
    outage("a breaker of the last second", SHORT | {"breaker": {"name": "x", "window_time": "1s", "min_calls": 5, "jitter": "full", "probes": 1}}),
    outage("a breaker without jitter, patient calls", BREAKER | {"initial": "1s", "max_delay": "8s", "breaker": {"name": "x", "min_calls": 10, "initial": "500ms", "jitter": "none"}}),
    outage("a breaker that is made elsewhere is none", SHORT | {"breaker": "elsewhere"}),
    outage("a budget and a breaker", BUCKET | BREAKER),
    outage("a budget and a breaker for each of 3 processes", BUCKET | BREAKER, processes=3),
    outage("more processes than calls", BUCKET | BREAKER, processes=1000, calls_per_second=2),
    outage("a storm that outlives the outage", STORM, capacity=6),
    outage("a storm without jitter", STORM | {"jitter": "none"}, capacity=6),
    outage("a storm that a budget does not let come up", STORM | {"budget": {"name": "x"}}, capacity=6),
    outage("a storm that a breaker lets through in part", STORM | {"breaker": {"name": "x"}}, capacity=6, processes=2),
    outage("less capacity than traffic", SHORT, capacity=2),
    outage("a server that answers nothing at any time", SHORT, capacity=0),
    outage("a capacity when windows are cut by the outage", SHORT, capacity=3, outage_at="2100ms", outage="3333333us", window="250ms"),
    outage("a hint is a floor", SHORT, hint="700ms"),
    outage("a hint with a breaker, a budget and processes", BUCKET | BREAKER, hint="700ms", processes=2),
    outage("a hint that resets", STORM | {"hint": {"resets": True}}, hint="50ms", capacity=6),
    outage("an outage longer than all", SHORT, outage="1h"),
    outage("an outage after all", SHORT, outage_at="1m"),
    outage("an outage from the first call on", BREAKER, outage_at="0s"),
    outage("an outage of no length", STORM, outage="0s", capacity=6),
    outage("an outage between two calls", SHORT, outage_at="2001ms", outage="10ms"),
    outage("decorrelated jitter", SHORT | {"jitter": "decorrelated"}, capacity=6),
    outage("a timeout is that of each call", STORM | {"timeout": "1500ms"}, capacity=6),
    outage("a timeout that clips", STORM | {"timeout": "1500ms", "on_timeout": {"clip": {"min_attempt": "300ms"}}}, capacity=6),
    outage("the first retry at once comes after calls that begin then", SHORT | {"first": "immediate"}, calls_per_second=3000, duration="20ms", outage_at="0s", outage="10ms", window="1ms"),
    outage("waits and calls meet at the same instants", NO_WAIT | {"backoff": ["50ms"], "budget": {"name": "x", "capacity": 60, "cost": 3}}, capacity=3),
    outage("many calls begin at the same microsecond", TINY, calls_per_second=1_000_000, duration="300us", outage_at="100us", outage="60us", window="7us", capacity=9),
    outage("a call every three seconds", SHORT, calls_per_second=0.333333, duration="30s"),
    outage("a rate that does not divide a second", SHORT, calls_per_second=7, window="100ms"),
    outage("a last window that is cut", SHORT, duration="11111111us", window="1s", capacity=20),
    outage("one window", SHORT, window="10s", duration="9s"),
    outage("one call", SHORT, calls_per_second=0.000001, outage_at="0s"),
    outage("calls without end are followed for 1000 attempts", NO_WAIT | {"attempts": None, "timeout": "1h"}, calls_per_second=0.5, outage_at="0s"),
    outage("a status that is retried at once the first time", SHORT, status=425),
    outage("a status that nobody retries, and a breaker takes for an answer", BREAKER, status=404),
    outage("a status with a class of its own", {"preset": "aws"}, status=429, processes=2),
    outage("calls that may not be repeated", BREAKER | {"idempotent": False}),
]

LOSS = [
    loss("a channel that is mostly good"),
    loss("another seed", "18446744073709551615"),
    loss("a channel that never fails", p=0, h=1),
    loss("a channel that is never bad: losses by themselves", p=0, k=0.9, attempts=1),
    loss("Gilbert's: a bad channel lets nothing through", p=0.2, r=0.3, h=0, calls=5),
    loss("all four numbers", p=0.123456, r=0.4, h=0.3, k=0.95, calls=6, attempts=2, repeats=3),
    loss("a channel that changes at every request", p=1, r=1, h=0, k=1, attempts=2, calls=3),
    loss("a channel that stays bad", p=0.05, r=0, h=0.1, attempts=5, calls=4),
    loss("nothing gets through", p=1, r=0, h=0, k=0, repeats=4, trials=20),
    loss("a chain tried again from its first call", p=0.1, r=0.2, h=0.2, attempts=1, calls=8, repeats=10, trials=100),
    loss("a long chain", calls=2000, trials=5),
    loss("one request", p=0.5, r=0.5, k=0.5, calls=1, attempts=1, trials=500),
]

LAYERS = [
    layers("three layers of three attempts make 27 requests", {"attempts": 3, "timeout": None}),
    layers("half of the requests fail", {"attempts": 3, "timeout": None}, failure_rate=0.5, calls=300),
    layers("few requests fail", {"preset": "standard"}, failure_rate=0.1, calls=200),
    layers("another seed", {"preset": "standard"}, "18446744073709551615", failure_rate=0.3, calls=100),
    layers("no request fails", {"preset": "standard"}, failure_rate=0),
    layers("one layer", {"attempts": 5, "timeout": None}, layers=1),
    layers("ten layers of two attempts make 1024 requests", {"attempts": 2, "timeout": None}, layers=10, calls=2),
    layers("the timeout of each layer bounds those above it", {"preset": "standard"}, calls=5),
    layers("AWS's budgets bound an outage", {"preset": "aws"}),
    layers("AWS's budgets and a server that fails now and then", {"preset": "aws"}, failure_rate=0.4, calls=200),
    layers("gRPC's budgets", {"preset": "grpc"}, failure_rate=0.6, calls=100, layers=2),
    layers("a budget with a window fills while calls wait", FINAGLE, failure_rate=0.7, calls=60, layers=2),
    layers("a hint makes all layers wait", {"attempts": 3, "timeout": None}, hint="2s", calls=10),
    layers("a status that nobody retries", {"preset": "standard"}, status=400),
    layers("calls without end are followed for 1000 attempts", NO_WAIT | {"attempts": None, "timeout": "1s"}, layers=1, calls=2),
]

REFUSED = [
    refused("numbers out of their bounds", "herd", {"clients": 0, "windows": 6001, "window": "11s", "processes": 1001, "status": 399, "capacity": 1_000_001},
            "out_of_range /clients", "out_of_range /windows", "out_of_range /window", "out_of_range /processes", "out_of_range /status", "out_of_range /capacity"),
    refused("more clients than a million", "herd", {"clients": 1_000_001}, "out_of_range /clients"),
    refused("a time without a unit", "herd", {"outage": 5, "hint": "5"}, "bare_number /outage", "bad_duration /hint"),
    refused("what may not be null", "herd", {"clients": None}, "wrong_kind /clients"),
    refused("an unknown option", "herd", {"client": 5}, "unknown_option /client"),
    refused("probabilities above 1", "loss", {"p": 1.000001, "r": -1, "h": 2, "k": "1"}, "out_of_range /p", "out_of_range /r", "out_of_range /h", "wrong_kind /k"),
    refused("a probability with seven places", "loss", {"p": 0.0000001}, "too_fine /p"),
    refused("chains without end", "loss", {"calls": 10_001, "repeats": 1001, "attempts": 101, "trials": 1_000_001},
            "out_of_range /calls", "out_of_range /repeats", "out_of_range /attempts", "out_of_range /trials"),
    refused("nothing to do", "layers", {"layers": 0, "calls": 0}, "out_of_range /layers", "out_of_range /calls"),
    refused("traffic out of its bounds", "outage",
            {"calls_per_second": 0, "duration": "0s", "outage_at": "-1s", "capacity": -1, "window": "11s", "processes": 0, "status": 600},
            "out_of_range /calls_per_second", "out_of_range /duration", "bad_duration /outage_at", "out_of_range /capacity", "out_of_range /window",
            "out_of_range /processes", "out_of_range /status"),
    refused("more calls than a million", "outage", {"calls_per_second": 100_000, "duration": "10001ms"}, "out_of_range /duration"),
    refused("more windows than 6000", "outage", {"window": "1ms", "duration": "6001ms"}, "out_of_range /duration"),
    refused("more calls and more windows", "outage", {"window": "1ms", "calls_per_second": 1_000_000}, "out_of_range /duration", "out_of_range /duration"),
    refused("a duration that is none has not too many windows", "outage", {"duration": "61000s", "window": "1ms"}, "out_of_range /duration"),
    refused("what may not be null of an outage", "outage", {"outage": None, "hint": None, "capacity": None}, "wrong_kind /outage"),
    refused("eleven layers", "layers", {"layers": 11, "failure_rate": 1.5}, "out_of_range /layers", "out_of_range /failure_rate"),
]

FILES = [
    file("sim-outage", "outage", "Steady traffic over an outage", "SEMANTICS 3.1, 9 and 17, tests/README.md", TRAFFIC),
    file("sim-herd", "herd", "Clients that fail together at one instant", "SEMANTICS 3.1 and 17, tests/README.md", HERD),
    file("sim-loss", "loss", "Chains of requests over a channel that is good or bad", "Gilbert 1960, Elliott 1963, tests/README.md", LOSS),
    file("sim-layers", "layers", "Services that retry each other", "SEMANTICS 12 and 17, tests/README.md", LAYERS),
    file("sim-refused", "sim_refusal", "Conditions of a simulation that cannot be", "tests/README.md", REFUSED),
]
