from cases import file

NONE = {"jitter": "none"}
MS, S, H = 1_000, 1_000_000, 3_600_000_000


def ladder(name, policy, expect=None, attempts=None, seed=None, **more):
    case = {"name": name, "policy": policy, **({"call_seed": str(seed)} if seed is not None else {"seed": "0"})}
    if attempts is not None:
        case["attempts"] = attempts
    if expect is not None:
        case["expect"] = expect
    return {**case, **more}


EXPONENTIAL = [
    ladder("the first retry waits initial, the next twice that", NONE | {"attempts": 6}, [1 * S, 2 * S, 4 * S, 8 * S, 10 * S]),
    ladder("AWS Retry 2.1, transient: 50 ms doubling to 20 s", NONE | {"attempts": 11, "initial": "50ms", "max_delay": "20s"},
           [50 * MS, 100 * MS, 200 * MS, 400 * MS, 800 * MS, 1600 * MS, 3200 * MS, 6400 * MS, 12800 * MS, 20 * S]),
    ladder("AWS Retry 2.1, throttling: 1 s doubling to 20 s", NONE | {"attempts": 8, "max_delay": "20s"},
           [1 * S, 2 * S, 4 * S, 8 * S, 16 * S, 20 * S, 20 * S]),
    ladder("Google's commonest service config: 1 s to 10 s by 1.3, exact where floats are not", NONE | {"attempts": 11, "factor": 1.3},
           [1000000, 1300000, 1690000, 2197000, 2856100, 3712930, 4826809, 6274851, 8157307, 10000000]),
    ladder("100 ms by 2 is 200, 400, 800, 1600 ms to the microsecond", NONE | {"attempts": 6, "initial": "100ms"},
           [100000, 200000, 400000, 800000, 1600000]),
    ladder("1 us by 1.5 grows, where truncation would stay at 1", NONE | {"attempts": 11, "initial": "1us", "factor": 1.5},
           [1, 1, 2, 3, 5, 7, 11, 17, 25, 38]),
    ladder("gRPC A6's example: 100 ms by 2 up to 1 s, 4 attempts", NONE | {"attempts": 4, "initial": "100ms", "max_delay": "1s"},
           [100 * MS, 200 * MS, 400 * MS]),
    ladder("stamina's ladder: 100 ms by 2 up to 5 s", NONE | {"preset": "stamina"},
           [100 * MS, 200 * MS, 400 * MS, 800 * MS, 1600 * MS, 3200 * MS, 5 * S, 5 * S, 5 * S]),
    ladder("MongoDB's backpressure ladder: 200 ms by 2 up to 10 s", NONE | {"attempts": 8, "initial": "200ms"},
           [200 * MS, 400 * MS, 800 * MS, 1600 * MS, 3200 * MS, 6400 * MS, 10 * S]),
    ladder("factor 10 is the largest", NONE | {"attempts": 5, "initial": "1us", "factor": 10}, [1, 10, 100, 1000]),
    ladder("factor 1.000001 is the smallest", NONE | {"attempts": 4, "initial": "1h", "max_delay": "2h", "factor": 1.000001},
           [H, H + 3600, H + 7200]),
    ladder("a fraction of a microsecond is carried, not dropped", NONE | {"attempts": 8, "initial": "3us", "factor": 1.25}),
    ladder("factor 1.618034 as a Fibonacci import", NONE | {"attempts": 20, "initial": "7us", "factor": 1.618034}),
    ladder("ten years is the largest cap", NONE | {"attempts": 65, "initial": "87600h", "max_delay": "87600h"}),
    ladder("1 us by 2 reaches ten years at retry 50", NONE | {"attempts": 65, "initial": "1us", "max_delay": "87600h"}),
    ladder("initial equal to max_delay is constant", NONE | {"attempts": 4, "initial": "10s"}, [10 * S] * 3),
    ladder("a written initial above the inherited cap raises the cap", NONE | {"attempts": 3, "initial": "30s"}, [30 * S] * 2),
    ladder("a written cap below the inherited initial lowers it", NONE | {"attempts": 3, "max_delay": "300ms"}, [300 * MS] * 2),
    ladder("retry 64 and later wait ceiling 64", NONE | {"attempts": 10, "initial": "1s", "factor": 1.01}, attempts=70),
    ladder("a factor written as 2.0 is 2", NONE | {"attempts": 4, "factor": 2.0}, [1 * S, 2 * S, 4 * S]),
]

LINEAR = [
    ladder("retry n waits n times initial", NONE | {"attempts": 6, "backoff": "linear"}, [1 * S, 2 * S, 3 * S, 4 * S, 5 * S]),
    ladder("linear stops at the cap", NONE | {"attempts": 6, "backoff": "linear", "initial": "3s"}, [3 * S, 6 * S, 9 * S, 10 * S, 10 * S]),
    ladder("linear from an hour caps at ten years", NONE | {"attempts": 90_000, "backoff": "linear", "initial": "40000h", "max_delay": "87600h"},
           [40_000 * H, 80_000 * H, 87_600 * H, 87_600 * H], attempts=5),
    ladder("linear with first immediate uses initial on retry 2", NONE | {"attempts": 5, "backoff": "linear", "first": "immediate"},
           [0, 1 * S, 2 * S, 3 * S]),
    ladder("linear goes on past retry 64", NONE | {"attempts": 100, "backoff": "linear", "initial": "10ms"}, attempts=68),
    ladder("full jitter under linear ceilings", {"attempts": 8, "backoff": "linear"}, seed=5),
]

CONSTANT = [
    ladder("every retry waits initial", NONE | {"attempts": 5, "backoff": "constant"}, [1 * S] * 4),
    ladder("the cap of a constant is the constant", {"attempts": 6, "backoff": "constant", "initial": "20s"}, seed=2),
    ladder("a written cap above the constant changes nothing", NONE | {"attempts": 3, "backoff": "constant", "max_delay": "1h"}, [1 * S] * 2),
    ladder("a written cap below the inherited initial is the constant", NONE | {"attempts": 3, "backoff": "constant", "max_delay": "10ms"}, [10 * MS] * 2),
    ladder("proportional jitter has its room above the constant", {"attempts": 12, "backoff": "constant", "jitter": {"proportional": 0.5}}, seed=3),
    ladder("additive jitter has its room above the constant", {"attempts": 12, "backoff": "constant", "jitter": {"additive": "500ms"}}, seed=3),
    ladder("proportional jitter is squeezed under a written cap",
           {"attempts": 12, "backoff": "constant", "max_delay": "1s", "jitter": {"proportional": 0.5}}, seed=3),
    ladder("constant with first immediate", NONE | {"attempts": 4, "backoff": "constant", "first": "immediate"}, [0, 1 * S, 1 * S]),
]

LIST = [
    ladder("the last element repeats", NONE | {"attempts": 6, "backoff": ["1s", "5s"]}, [1 * S, 5 * S, 5 * S, 5 * S, 5 * S]),
    ladder("a list may fall", NONE | {"attempts": 4, "backoff": ["5s", "1s", "2s"]}, [5 * S, 1 * S, 2 * S]),
    ladder("zero is allowed in a list", NONE | {"attempts": 4, "backoff": ["0s", "1ms", "0s"]}, [0, 1 * MS, 0]),
    ladder("a list of zeros", {"attempts": 4, "backoff": ["0s"]}, [0, 0, 0]),
    ladder("a list of zeros with additive jitter is the jitter", {"attempts": 6, "backoff": ["0s"], "jitter": {"additive": "1s"}}, seed=4),
    ladder("a list of zeros with proportional jitter is zero", {"attempts": 4, "backoff": ["0s"], "jitter": {"proportional": 1}}, [0, 0, 0]),
    ladder("full jitter draws below each element", {"attempts": 8, "backoff": ["1s", "2s", "4s"]}, seed=9),
    ladder("additive jitter keeps its room above the largest element", {"attempts": 8, "backoff": ["1s", "2s"], "jitter": {"additive": "3s"}}, seed=9),
    ladder("proportional jitter keeps its room above the largest element", {"attempts": 8, "backoff": ["1s", "7us"], "jitter": {"proportional": 0.3}}, seed=9),
    ladder("64 elements", NONE | {"attempts": 66, "backoff": [f"{n}ms" for n in range(1, 65)]}, [n * MS for n in range(1, 65)] + [64 * MS]),
    ladder("an element of ten years", NONE | {"attempts": 2, "backoff": ["87600h"]}, [87_600 * H]),
]



def jitters(kind, jitter):
    policy = {"jitter": jitter}
    for seed in (1, 2, 3, 0, 2**64 - 1):
        yield ladder(f"{kind} from the standard ladder, call seed {seed}", policy, seed=seed)
    yield ladder(f"{kind} at the cap keeps spreading", policy | {"attempts": 40, "initial": "5s"}, seed=11)
    yield ladder(f"{kind} with first immediate draws nothing for retry 1", policy | {"first": "immediate"}, seed=1)
    yield ladder(f"{kind} under ceilings of ten years", policy | {"initial": "1h", "max_delay": "87600h"}, seed=12)
    yield ladder(f"{kind} past the 64th ceiling", policy | {"attempts": None, "timeout": "45s"}, attempts=80, seed=13)


FULL = list(jitters("full", "full")) + [
    ladder("full under a ceiling of 1 us is 0 or 1", {"attempts": 20, "initial": "1us", "max_delay": "1us"}, seed=1),
]
EQUAL = list(jitters("equal", "equal")) + [
    ladder("equal under an odd ceiling keeps the larger half", {"attempts": 30, "initial": "5us", "max_delay": "5us", "jitter": "equal"}, seed=1),
    ladder("equal under a ceiling of 1 us is 1", {"attempts": 5, "initial": "1us", "max_delay": "1us", "jitter": "equal"}, [1] * 4, seed=1),
]
DECORRELATED = list(jitters("decorrelated", "decorrelated")) + [
    ladder("decorrelated stays between initial and cap", {"attempts": 60, "initial": "9s", "jitter": "decorrelated"}, seed=1),
    ladder("decorrelated from 1 us", {"attempts": 30, "initial": "1us", "max_delay": "100us", "jitter": "decorrelated"}, seed=1),
    ladder("decorrelated with initial just under the cap is one of two", {"attempts": 12, "initial": "9us", "max_delay": "10us", "jitter": "decorrelated"}, seed=1),
]
PROPORTIONAL = list(jitters("proportional 0.2", {"proportional": 0.2})) + list(jitters("proportional 1", {"proportional": 1})) + [
    ladder("proportional 0.000001", {"attempts": 6, "jitter": {"proportional": 0.000001}}, seed=1),
    ladder("proportional 1 under 2 us", {"attempts": 12, "initial": "2us", "max_delay": "2us", "jitter": {"proportional": 1}}, seed=1),
    ladder("gRPC A6: plus or minus a fifth, and never above the cap",
           {"attempts": 5, "initial": "100ms", "max_delay": "1s", "jitter": {"proportional": 0.2}}, seed=1),
]
ADDITIVE = list(jitters("additive 1 s", {"additive": "1s"})) + list(jitters("additive just under the cap", {"additive": "4s"})) + [
    ladder("additive 1 us", {"attempts": 12, "jitter": {"additive": "1us"}}, seed=1),
    ladder("additive one microsecond below the cap", {"attempts": 12, "jitter": {"additive": "9999999us"}}, seed=1),
    ladder("stamina's preset keeps spreading at the cap", {"preset": "stamina", "attempts": 15}, seed=1),
]

FIRST = [
    ladder(f"first immediate: retry 1 waits 0, retry 2 uses initial ({name})", {"first": "immediate", "attempts": 6} | more, hand, seed=21)
    for name, more, hand in [
        ("none", NONE, [0, 1 * S, 2 * S, 4 * S, 8 * S]), ("full", {}, None), ("equal", {"jitter": "equal"}, None),
        ("decorrelated", {"jitter": "decorrelated"}, None), ("proportional", {"jitter": {"proportional": 0.2}}, None),
        ("additive", {"jitter": {"additive": "1s"}}, None), ("linear", NONE | {"backoff": "linear"}, [0, 1 * S, 2 * S, 3 * S, 4 * S]),
        ("constant", NONE | {"backoff": "constant"}, [0, 1 * S, 1 * S, 1 * S, 1 * S]),
    ]
] + [
    ladder("first delayed is the default", NONE | {"attempts": 3, "first": "delayed"}, [1 * S, 2 * S]),
    ladder("first immediate with two attempts waits nothing", {"attempts": 2, "first": "immediate"}, [0], seed=1),
]

ARGUMENTS = [
    ladder("attempts 1 has no waits", {"attempts": 1}, [], seed=1),
    ladder("the argument attempts overrides the policy", NONE | {"attempts": 3}, [1 * S, 2 * S, 4 * S, 8 * S], attempts=5, seed=1),
    ladder("the argument attempts 1 has no waits", {}, [], attempts=1, seed=1),
    ladder("preset none shows a ladder when asked", NONE | {"preset": "none"}, [1 * S, 2 * S], attempts=3),
    ladder("the timeout does not shorten the ladder", NONE | {"attempts": 4, "timeout": "1ms"}, [1 * S, 2 * S, 4 * S]),
    ladder("unlimited attempts with an argument", NONE | {"attempts": None}, [1 * S, 2 * S, 4 * S], attempts=4),
    ladder("forever with an argument", NONE | {"forever": True}, [1 * S, 2 * S], attempts=3),
    ladder("class transient's own initial is the one shown", NONE | {"attempts": 3, "classes": {"transient": {"initial": "3s"}}}, [3 * S, 6 * S]),
    ladder("another class's initial is not shown", NONE | {"attempts": 3, "classes": {"throttle": {"initial": "3s"}}}, [1 * S, 2 * S]),
    ladder("class limits do not shorten the ladder", NONE | {"attempts": 4, "classes": {"transient": {"attempts": 2}}}, [1 * S, 2 * S, 4 * S]),
] + [
    {"name": f"seed {seed}, call {call}", "policy": {"attempts": 5}, "seed": str(seed), "call": call}
    for seed in (0, 7, 2**64 - 1) for call in (1, 2, 9_007_199_254_740_991)
] + [
    {"name": "call 1 is the default", "policy": {"attempts": 5}, "seed": "7"},
    {"name": "a long ladder", "policy": {}, "seed": "7", "attempts": 500},
]

PRESETS = [ladder(f"preset {name}", {"preset": name}, attempts=12, seed=1) for name in ("standard", "interactive", "stamina", "none")] + [
    ladder("no preset is standard", {}, attempts=12, seed=1),
    ladder("interactive without jitter: 200 ms, then 400 ms", NONE | {"preset": "interactive"}, [200 * MS, 400 * MS]),
]

OURS = "DESIGN 3"
FILES = [
    file("backoff-exponential", "schedule", "Ceilings: X(1) = initial * 2^32, X(n+1) = floor(X(n) * factor), capped", "DESIGN 3; SEMANTICS 0, 3.3; gRFC A6", EXPONENTIAL),
    file("backoff-linear", "schedule", "Ceilings: initial times n, capped", OURS, LINEAR),
    file("backoff-constant", "schedule", "Every ceiling is initial", OURS, CONSTANT),
    file("backoff-list", "schedule", "Delays as written, the last repeats", OURS, LIST),
    file("jitter-full", "schedule", "U(c)", "DESIGN 3; SEMANTICS 4.2", FULL),
    file("jitter-equal", "schedule", "c - U(floor(c/2))", "DESIGN 3; SEMANTICS 4.3", EQUAL),
    file("jitter-decorrelated", "schedule", "b + U(max(b, min(C, 3 previous)) - b)", "DESIGN 3; SEMANTICS 4.5", DECORRELATED),
    file("jitter-proportional", "schedule", "m - d + U(2d), its widest draw at the cap", "DESIGN 3; SEMANTICS 4.8", PROPORTIONAL),
    file("jitter-additive", "schedule", "min(c, C - j) + U(j)", "DESIGN 3; SEMANTICS 4.9", ADDITIVE),
    file("first-immediate", "schedule", "Retry 1 waits 0, retry n uses ceiling n - 1", OURS, FIRST),
    file("schedule-arguments", "schedule", "What attempts, seed, call and call_seed do", OURS, ARGUMENTS),
    file("presets-schedule", "schedule", "The waits of the presets", OURS, PRESETS),
]
