from cases import file


def refused(name, policy, *problems, texts=None):
    """Problems by hand: "code pointer"; texts by pointer."""
    expect = [dict(zip(("code", "pointer"), problem.split(" ", 1))) for problem in problems]
    for problem in expect:
        if problem["pointer"] in (texts or {}):
            problem["text"] = texts[problem["pointer"]]
    return {"name": name, "policy": policy, "expect": expect}


def each(option, code, *values, pointer=None, **beside):
    for value in values:
        yield refused(f"{option} {value!r}", {option: value, **beside}, f"{code} {pointer or '/' + option}")


def nested_each(option, member, code, *values, pointer=None, **beside):
    for value in values:
        yield refused(f"{option} with {member} {value!r}", {option: {**beside, member: value}}, f"{code} {pointer or f'/{option}/{member}'}")


OPTIONS = [
    refused("a policy is a map, not null", None, "wrong_kind "), refused("a policy is a map, not a list", [], "wrong_kind "),
    refused("a policy is a map, not text", "standard", "wrong_kind "), refused("a policy is a map, not a number", 5, "wrong_kind "),
    refused("an unknown option", {"speed": 1}, "unknown_option /speed"),
    refused("an empty name", {"": 1}, "unknown_option /"),
    refused("a slash and a tilde are escaped in pointers", {"a/b~c": 1}, "unknown_option /a~1b~0c"),
    refused("a name beyond ASCII", {"délai": "1s"}, "unknown_option /délai"),
    refused("names are exact", {"Attempts": 3, "attempts ": 3}, "unknown_option /Attempts", "unknown_option /attempts "),
    refused("JSON has no camel case", {"maxDelay": "1s", "attemptTimeout": "1s"}, "unknown_option /maxDelay", "unknown_option /attemptTimeout"),
    refused("the value of an unknown option is not read", {"speed": {"attempts": 0}}, "unknown_option /speed"),
    *(refused(f"peers' name {name}", {name: 3}, f"unknown_option /{name}") for name in ("retries", "max_retries", "max_attempts", "tries", "delay", "base", "multiplier", "cap", "deadline", "cost", "seed")),
    *each("undaunted", "unsupported_version", 0, 2, -1, 1.5), *each("undaunted", "wrong_kind", "1", None, True, [1]),
    *each("preset", "unknown_value", "", "Standard", "aws2", "default"), *each("preset", "wrong_kind", None, 1, ["standard"], {}),
    *each("forever", "wrong_kind", None, 1, "true"),
    *each("first", "unknown_value", "", "now", "Immediate"), *each("first", "wrong_kind", None, True, 0),
    *each("idempotent", "unknown_value", "true", "yes"), *each("idempotent", "wrong_kind", None, 1, ["auto"]),
    *each("nested", "unknown_value", "never", ""), *each("nested", "wrong_kind", None, False),
]

DURATIONS = [
    *each("initial", "bare_number", 0, 1, 0.5, 1000, -1), *each("timeout", "bare_number", 30), *each("attempt_timeout", "bare_number", 5.0), *each("max_delay", "bare_number", 10),
    *each("initial", "bad_duration", "", "5", "s", "5 s", " 5s", "5s ", "-5s", "+5s", "5S", "5sec", "5 seconds", "1m30s", ".5s", "5.s", "1e3ms", "5\u00b5s", "5d", "0x5s", "5,5s", "1_000ms", "\u0665s", "PT5S", "infinity", "ms", "5mss"),
    *each("initial", "too_fine", "0.5us", "1.0000001s", "0.0000001ms", "1.5us", "0.00000000001h"),
    *each("initial", "out_of_range", "0s", "0us", "0.0h", "87600.5h", "87601h", "315360001s", "99999999999999999999999999h"),
    *each("initial", "wrong_kind", None, True, [], {}, ["1s"]),
    *each("max_delay", "out_of_range", "0ms"), *each("timeout", "out_of_range", "0s", "87601h"), *each("attempt_timeout", "out_of_range", "0s"),
    *each("timeout", "bad_duration", "never", "null"), *each("timeout", "wrong_kind", False, [None]), *each("attempt_timeout", "wrong_kind", False),
    *each("max_delay", "wrong_kind", None),
]

NUMBERS = [
    *each("attempts", "out_of_range", 0, -1, 4294967296, 1e10, 9007199254740991), *each("attempts", "wrong_kind", 2.5, "3", True, [3], {"max": 3}, 0.1),
    *each("factor", "out_of_range", 1, 0, -2, 10.000001, 11, 0.5, 1e3), *each("factor", "too_fine", 1.0000001, 2.1234567), *each("factor", "wrong_kind", "2", None, True, [2]),
]

BACKOFF = [
    *each("backoff", "unknown_value", "", "fibonacci", "Exponential", "list"), *each("backoff", "wrong_kind", None, 1, True, {}, {"exponential": 2}),
    refused("an empty list", {"backoff": []}, "empty_list /backoff"),
    refused("an element without unit", {"backoff": ["1s", 5]}, "bare_number /backoff/1"),
    refused("every bad element is found", {"backoff": ["x", "1s", None, "0.1us", ["1s"], "87601h"]},
            "bad_duration /backoff/0", "wrong_kind /backoff/2", "too_fine /backoff/3", "wrong_kind /backoff/4", "out_of_range /backoff/5"),
    refused("65 elements", {"backoff": ["1s"] * 65}, "too_many /backoff"),
    refused("70 elements, bad ones before and after the limit", {"backoff": ["x"] + ["1s"] * 65 + ["x"]}, "bad_duration /backoff/0", "too_many /backoff"),
    refused("initial beside a list", {"backoff": ["1s"], "initial": "1s"}, "meaningless_option /initial"),
    refused("first beside a list", {"backoff": ["1s"], "first": "immediate"}, "meaningless_option /first"),
    refused("first delayed beside a list", {"backoff": ["1s"], "first": "delayed"}, "meaningless_option /first"),
    *(refused(f"factor beside {kind}", {"backoff": kind, "factor": 2}, "meaningless_option /factor") for kind in ("linear", "constant", ["1s"])),
    refused("factor beside decorrelated", {"jitter": "decorrelated", "factor": 2}, "meaningless_option /factor"),
    *(refused(f"decorrelated beside {kind}", {"backoff": kind, "jitter": "decorrelated"}, "meaningless_option /jitter") for kind in ("linear", "constant", ["1s"])),
    refused("a list with all that it makes meaningless", {"jitter": "decorrelated", "first": "delayed", "factor": 3, "initial": "1s", "backoff": ["1s"], "classes": {"connect": {"initial": "1s"}}},
            "meaningless_option /initial", "meaningless_option /factor", "meaningless_option /first", "meaningless_option /jitter", "meaningless_option /classes/connect/initial"),
    refused("max_delay below initial", {"initial": "100ms", "max_delay": "5ms"}, "max_delay_below_initial /max_delay"),
    refused("max_delay below initial by a microsecond", {"initial": "100ms", "max_delay": "99999us"}, "max_delay_below_initial /max_delay"),
    refused("max_delay below initial, constant", {"backoff": "constant", "initial": "2s", "max_delay": "1s"}, "max_delay_below_initial /max_delay"),
    refused("max_delay below initial, linear", {"backoff": "linear", "initial": "2s", "max_delay": "1s"}, "max_delay_below_initial /max_delay"),
    refused("elements above a written max_delay", {"backoff": ["1s", "5s", "2s", "2001ms"], "max_delay": "2s"}, "element_above_max_delay /backoff/1", "element_above_max_delay /backoff/3"),
    refused("a factor that does not reach the cap in 64 steps, unlimited attempts", {"attempts": None, "factor": 1.01}, "factor_too_small /factor"),
    refused("a factor that does not reach the cap in 64 steps, 66 attempts", {"attempts": 66, "factor": 1.01}, "factor_too_small /factor"),
    refused("a factor that does not reach the cap in 64 steps, forever", {"forever": True, "factor": 1.01}, "factor_too_small /factor"),
    refused("a class's initial counts for the factor too", {"attempts": 100, "factor": 1.1, "classes": {"connect": {"initial": "1us"}}}, "factor_too_small /factor"),
    refused("1 us by 1.000001 stays at 1 us", {"attempts": 100, "initial": "1us", "factor": 1.000001}, "factor_too_small /factor"),
]

JITTER = [
    *each("jitter", "unknown_value", "", "Full", "proportional", "additive", "random"), *each("jitter", "wrong_kind", None, True, 0.2, ["full"]),
    refused("an empty map", {"jitter": {}}, "missing_option /jitter"),
    *(refused(f"an unknown jitter beside {backoff}", {"backoff": backoff, "jitter": "random"}, "unknown_value /jitter") for backoff in ("constant", "linear", ["1s"])),
    refused("an unknown kind in a map", {"jitter": {"full": True}}, "unknown_option /jitter/full"),
    refused("two kinds", {"jitter": {"proportional": 0.2, "additive": "1s"}}, "duplicate_option /jitter/additive"),
    refused("two kinds the other way round", {"jitter": {"additive": "1s", "proportional": 0.2}}, "duplicate_option /jitter/proportional"),
    *nested_each("jitter", "proportional", "out_of_range", -0.1, 1.000001, 2, -1), *nested_each("jitter", "proportional", "too_fine", 0.0000001, 0.1234567),
    *nested_each("jitter", "proportional", "wrong_kind", "0.2", None, True), *nested_each("jitter", "additive", "bare_number", 1, 0),
    *nested_each("jitter", "additive", "bad_duration", "1"), *nested_each("jitter", "additive", "out_of_range", "87601h"), *nested_each("jitter", "additive", "wrong_kind", None, True),
    *nested_each("jitter", "additive", "jitter_cannot_spread", "0s", "10s", "11s", pointer="/jitter"), *nested_each("jitter", "proportional", "jitter_cannot_spread", 0, 0.0, pointer="/jitter"),
    refused("proportional that rounds to nothing", {"initial": "4us", "jitter": {"proportional": 0.2}}, "jitter_cannot_spread /jitter"),
    refused("proportional that rounds to nothing once shrunk under the cap", {"initial": "5us", "max_delay": "5us", "jitter": {"proportional": 0.2}}, "jitter_cannot_spread /jitter"),
    refused("proportional that rounds to nothing for a class", {"jitter": {"proportional": 0.2}, "classes": {"connect": {"initial": "4us"}}}, "jitter_cannot_spread /jitter"),
    refused("proportional that rounds to nothing for an element", {"backoff": ["1s", "4us"], "jitter": {"proportional": 0.2}}, "jitter_cannot_spread /jitter"),
    refused("decorrelated between equal bounds", {"initial": "10s", "max_delay": "10s", "jitter": "decorrelated"}, "jitter_cannot_spread /jitter"),
    refused("decorrelated with an initial that raises the inherited cap", {"initial": "20s", "jitter": "decorrelated"}, "jitter_cannot_spread /jitter"),
    refused("decorrelated with a cap that lowers the inherited initial", {"max_delay": "1ms", "jitter": "decorrelated"}, "jitter_cannot_spread /jitter"),
    refused("decorrelated between equal bounds for a class", {"jitter": "decorrelated", "classes": {"throttle": {"initial": "10s"}}}, "jitter_cannot_spread /jitter"),
    refused("a preset's additive jitter above a written cap", {"preset": "stamina", "max_delay": "500ms"}, "jitter_cannot_spread /jitter"),
]

HINT = [
    *each("hint", "unknown_value", "", "window", "Floor", "max"), *each("hint", "wrong_kind", None, False, "60s".split(), 60),
    *nested_each("hint", "mode", "unknown_value", "", "clamp"), *nested_each("hint", "mode", "wrong_kind", None, 1),
    *nested_each("hint", "max", "bare_number", 60), *nested_each("hint", "max", "out_of_range", "0s", "87601h"), *nested_each("hint", "max", "wrong_kind", None, True), *nested_each("hint", "max", "bad_duration", "60"),
    *nested_each("hint", "window", "out_of_range", "0s", mode="window"), *nested_each("hint", "window", "bare_number", 5, mode="window"),
    *nested_each("hint", "resets", "wrong_kind", None, 1, "true"),
    refused("an unknown member", {"hint": {"min": "1s"}}, "unknown_option /hint/min"),
    refused("window without window", {"hint": {"mode": "window"}}, "missing_option /hint/window"),
    refused("max beside window", {"hint": {"mode": "window", "window": "5s", "max": "60s"}}, "meaningless_option /hint/max"),
    refused("max beside window, no window", {"hint": {"mode": "window", "max": "60s"}}, "missing_option /hint/window", "meaningless_option /hint/max"),
    refused("max beside ignore", {"hint": {"mode": "ignore", "max": "60s"}}, "meaningless_option /hint/max"),
    refused("window beside floor", {"hint": {"window": "5s"}}, "meaningless_option /hint/window"),
    refused("window beside exact", {"hint": {"mode": "exact", "window": "5s"}}, "meaningless_option /hint/window"),
    refused("resets beside ignore, even false", {"hint": {"mode": "ignore", "resets": False}}, "meaningless_option /hint/resets"),
    refused("all that ignore makes meaningless", {"hint": {"resets": True, "window": "5s", "max": "1s", "mode": "ignore"}},
            "meaningless_option /hint/max", "meaningless_option /hint/window", "meaningless_option /hint/resets"),
    refused("a bad member hides what the others do to each other", {"hint": {"mode": "window", "max": 60}}, "bare_number /hint/max"),
]

CLASSES = [
    *each("classes", "wrong_kind", None, [], "connect", 3),
    refused("an unknown class", {"classes": {"server": {"attempts": 2}}}, "unknown_value /classes/server"),
    refused("permanent is never retried, so has no settings", {"classes": {"permanent": {"attempts": 2}}}, "unknown_value /classes/permanent"),
    refused("a class is a map", {"classes": {"connect": 3, "timeout": None}}, "wrong_kind /classes/connect", "wrong_kind /classes/timeout"),
    refused("an unknown member", {"classes": {"connect": {"factor": 5, "max_delay": "1s"}}}, "unknown_option /classes/connect/factor", "unknown_option /classes/connect/max_delay"),
    refused("bad members", {"classes": {"connect": {"attempts": 0, "initial": 1}, "throttle": {"attempts": None, "initial": None}}},
            "out_of_range /classes/connect/attempts", "bare_number /classes/connect/initial", "wrong_kind /classes/throttle/attempts", "wrong_kind /classes/throttle/initial"),
    refused("a class limit above attempts", {"attempts": 3, "classes": {"connect": {"attempts": 4}}}, "class_attempts_above_attempts /classes/connect/attempts"),
    refused("a class limit above inherited attempts", {"classes": {"connect": {"attempts": 11}}}, "class_attempts_above_attempts /classes/connect/attempts"),
    refused("several classes, in their own order", {"attempts": 2, "max_delay": "2s", "classes": {
        "conflict": {"attempts": 3}, "connect": {"initial": "3s", "attempts": 5}, "timeout": {"attempts": 2}, "throttle": {"initial": "2001ms"}, "transient": {"attempts": 9}}},
        "class_attempts_above_attempts /classes/transient/attempts", "class_initial_above_max_delay /classes/throttle/initial", "class_attempts_above_attempts /classes/connect/attempts",
        "class_initial_above_max_delay /classes/connect/initial", "class_attempts_above_attempts /classes/conflict/attempts"),
    refused("a class's initial beside a list", {"backoff": ["1s"], "classes": {"throttle": {"initial": "1s"}}}, "meaningless_option /classes/throttle/initial"),
    refused("a class's initial above max_delay", {"max_delay": "5s", "classes": {"throttle": {"initial": "6s"}}}, "class_initial_above_max_delay /classes/throttle/initial"),
    refused("a class's initial above max_delay, constant", {"backoff": "constant", "max_delay": "5s", "classes": {"throttle": {"initial": "6s"}}}, "class_initial_above_max_delay /classes/throttle/initial"),
]


def rule(name, written, *problems):
    return refused(name, {"rules": [written]}, *problems)


RULES = [
    *each("rules", "wrong_kind", None, {}, "http", 500),
    refused("33 rules", {"rules": [{"http": 500, "class": "permanent"}] * 33}, "too_many /rules"),
    refused("a rule is a map", {"rules": [500, None, []]}, "wrong_kind /rules/0", "wrong_kind /rules/1", "wrong_kind /rules/2"),
    rule("an empty rule", {}, "rule_without_match /rules/0", "rule_without_effect /rules/0"),
    rule("nothing to match", {"class": "permanent"}, "rule_without_match /rules/0"),
    rule("nothing to set", {"http": 500}, "rule_without_effect /rules/0"),
    rule("an unknown domain", {"smtp": 421, "class": "transient"}, "unknown_option /rules/0/smtp"),
    *(rule(f"codes of {domain} are text, not {code!r}", {domain: code, "class": "transient"}, f"wrong_kind /rules/0/{domain}") for domain in ("postgres", "redis", "aws") for code in (40001, None)),
    rule("an empty SQLSTATE", {"postgres": "", "class": "transient"}, "out_of_range /rules/0/postgres"),
    rule("codes of gRPC are whole numbers or names", {"grpc": 14.5, "class": "transient"}, "wrong_kind /rules/0/grpc"),
    rule("a range of gRPC upside down", {"grpc": "14-2", "class": "transient"}, "bad_range /rules/0/grpc"),
    rule("two domains of servers", {"mysql": 1213, "postgres": "40001", "class": "conflict"}, "duplicate_option /rules/0/postgres"),
    rule("two domains", {"http": 500, "os": "EPIPE", "class": "permanent"}, "duplicate_option /rules/0/os"),
    rule("three domains", {"os": "EPIPE", "http": 500, "user": None, "class": "permanent"}, "duplicate_option /rules/0/http", "duplicate_option /rules/0/user"),
    rule("an unknown class", {"http": 500, "class": "fatal"}, "unknown_value /rules/0/class"),
    rule("an unknown sent", {"http": 500, "sent": "yes"}, "unknown_value /rules/0/sent"),
    rule("class and sent are text", {"http": 500, "class": None, "sent": False}, "wrong_kind /rules/0/class", "wrong_kind /rules/0/sent"),
    *(rule(f"http {code!r} is no status and no range", {"http": code, "class": "permanent"}, "bad_range /rules/0/http")
      for code in ("", "503", "5xx", "500-", "-599", "500-599-", "500 - 599", "599-500", "500..599", "ECONNRESET", "0-2147483648")),
    rule("a range upside down", {"user": "2-1", "class": "transient"}, "bad_range /rules/0/user"),
    rule("a range of huge numbers", {"user": "1-99999999999999999999999", "class": "transient"}, "bad_range /rules/0/user"),
    rule("codes beyond 32 bits", {"user": 2147483648, "class": "transient"}, "out_of_range /rules/0/user"),
    rule("codes below 32 bits", {"dns": -2147483649, "class": "transient"}, "out_of_range /rules/0/dns"),
    rule("a code with a fraction", {"http": 500.5, "class": "transient"}, "wrong_kind /rules/0/http"),
    *(rule(f"a code of kind {code!r}", {"os": code, "class": "transient"}, "wrong_kind /rules/0/os") for code in (None, True, [104], {})),
    rule("an empty name", {"os": "", "class": "transient"}, "out_of_range /rules/0/os"),
    rule("an empty piece of body", {"body_contains": "", "class": "permanent"}, "out_of_range /rules/0/body_contains"),
    rule("a piece of body is text", {"body_contains": 5, "class": "permanent"}, "wrong_kind /rules/0/body_contains"),
    rule("2049 bytes of text", {"body_contains": "x" * 2049, "class": "permanent"}, "text_too_long /rules/0/body_contains"),
    rule("bytes count, not characters", {"body_contains": "\u00e9" * 1025, "class": "permanent"}, "text_too_long /rules/0/body_contains"),
    refused("texts count together", {"rules": [{"body_contains": "x" * 2000, "class": "permanent"}, {"user": "y" * 49, "class": "permanent"}, {"user": "y" * 48, "class": "permanent"}]}, "text_too_long /rules/1/user"),
    refused("problems in several rules", {"rules": [{"http": 500, "class": "transient"}, {"http": 501}, {"htp": 502, "class": "x"}]}, "rule_without_effect /rules/1", "unknown_option /rules/2/htp", "unknown_value /rules/2/class"),
]

LIMITS = [
    refused("attempts beside forever", {"forever": True, "attempts": 3}, "forever_with_limit /attempts"),
    refused("timeout beside forever", {"forever": True, "timeout": "3s"}, "forever_with_limit /timeout"),
    refused("both beside forever, even as null", {"timeout": None, "attempts": None, "forever": True}, "forever_with_limit /attempts", "forever_with_limit /timeout"),
    refused("unlimited without timeout", {"attempts": None, "timeout": None}, "unlimited_without_timeout /attempts"),
    refused("unlimited from a preset without timeout", {"preset": "none", "attempts": None}, "unlimited_without_timeout /attempts"),
    refused("unlimited without timeout, forever false", {"attempts": None, "timeout": None, "forever": False}, "unlimited_without_timeout /attempts"),
    *each("on_timeout", "unknown_value", "", "clip", "stop"), *each("on_timeout", "wrong_kind", None, True, ["clip"], 5),
    refused("on_timeout as an empty map", {"on_timeout": {}}, "missing_option /on_timeout/clip"),
    refused("on_timeout with an unknown member", {"on_timeout": {"give_up": True}}, "unknown_option /on_timeout/give_up"),
    refused("clip without min_attempt", {"on_timeout": {"clip": {}}}, "missing_option /on_timeout/clip/min_attempt"),
    refused("clip with an unknown member", {"on_timeout": {"clip": {"min": "1s"}}}, "unknown_option /on_timeout/clip/min"),
    refused("clip is a map", {"on_timeout": {"clip": "100ms"}}, "wrong_kind /on_timeout/clip"),
    *(refused(f"min_attempt {value!r}", {"on_timeout": {"clip": {"min_attempt": value}}}, f"{code} /on_timeout/clip/min_attempt")
      for value, code in (("0s", "out_of_range"), (100, "bare_number"), (None, "wrong_kind"), ("1", "bad_duration"))),
    refused("clip without timeout", {"timeout": None, "on_timeout": {"clip": {"min_attempt": "1s"}}}, "meaningless_option /on_timeout"),
    refused("clip forever", {"forever": True, "on_timeout": {"clip": {"min_attempt": "1s"}}}, "meaningless_option /on_timeout"),
    refused("clip with preset none", {"preset": "none", "on_timeout": {"clip": {"min_attempt": "1s"}}}, "meaningless_option /on_timeout"),
    refused("min_attempt as long as timeout", {"timeout": "1s", "on_timeout": {"clip": {"min_attempt": "1s"}}}, "min_attempt_too_long /on_timeout/clip/min_attempt"),
    refused("min_attempt above the inherited timeout", {"on_timeout": {"clip": {"min_attempt": "46s"}}}, "min_attempt_too_long /on_timeout/clip/min_attempt"),
]

ORDER = [
    refused("reading problems in the order written", {"nested": 1, "zeta": 0, "attempts": 0, "initial": 5, "alpha": 0},
            "wrong_kind /nested", "unknown_option /zeta", "out_of_range /attempts", "bare_number /initial", "unknown_option /alpha"),
    refused("the same options in another order", {"initial": 5, "attempts": 0, "nested": 1}, "bare_number /initial", "out_of_range /attempts", "wrong_kind /nested"),
    refused("depth first", {"classes": {"timeout": {"initial": 5, "attempts": 0}}, "hint": {"max": 5}, "backoff": [5]},
            "bare_number /classes/timeout/initial", "out_of_range /classes/timeout/attempts", "bare_number /hint/max", "bare_number /backoff/0"),
    refused("what options do to each other comes after all reading", {"initial": "5s", "max_delay": "1s", "attempts": 0}, "out_of_range /attempts", "max_delay_below_initial /max_delay"),
    refused("an option with a problem is not held against others", {"initial": 5, "max_delay": "1ms", "jitter": {"proportional": 0}, "forever": 1, "attempts": 3},
            "bare_number /initial", "wrong_kind /forever"),
    refused("a bad preset counts as standard", {"preset": "nono", "attempts": None, "timeout": None}, "unknown_value /preset", "unlimited_without_timeout /attempts"),
    refused("every problem between options, in their order",
            {"classes": {"connect": {"initial": "3s"}}, "jitter": {"additive": "2s"}, "max_delay": "2s", "initial": "3s", "factor": 2, "backoff": "linear",
             "on_timeout": {"clip": {"min_attempt": "1s"}}, "timeout": None, "attempts": None},
            "unlimited_without_timeout /attempts", "meaningless_option /on_timeout", "meaningless_option /factor", "max_delay_below_initial /max_delay",
            "jitter_cannot_spread /jitter", "class_initial_above_max_delay /classes/connect/initial"),
    refused("forever before all else", {"forever": True, "attempts": 5, "on_timeout": {"clip": {"min_attempt": "1s"}}, "backoff": ["1s"], "max_delay": "1ms", "first": "delayed", "initial": "1s"},
            "forever_with_limit /attempts", "meaningless_option /on_timeout", "meaningless_option /initial", "meaningless_option /first", "element_above_max_delay /backoff/0"),
]

FILES = [
    file("refusal-options", "refusal", "Names, kinds and closed lists", "DESIGN 4", OPTIONS),
    file("refusal-durations", "refusal", "Durations are text with a unit, 1us to 87600h", "DESIGN 4", DURATIONS),
    file("refusal-numbers", "refusal", "attempts and factor", "DESIGN 3", NUMBERS),
    file("refusal-backoff", "refusal", "Backoff, its bounds, what it makes meaningless", "DESIGN 3", BACKOFF),
    file("refusal-jitter", "refusal", "Jitter that could not spread", "DESIGN 3", JITTER),
    file("refusal-hint", "refusal", "Hint modes and what they make meaningless", "DESIGN 3", HINT),
    file("refusal-classes", "refusal", "Settings of a class", "DESIGN 3", CLASSES),
    file("refusal-rules", "refusal", "Rules", "DESIGN 3", RULES),
    file("refusal-limits", "refusal", "attempts, timeout, forever, on_timeout together", "DESIGN 3", LIMITS),
    file("refusal-order", "refusal", "The order in which problems are told", "tests/README.md", ORDER),
]
