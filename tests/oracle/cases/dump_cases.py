from cases import file

HEAD = '{"undaunted":1,"attempts":10,"timeout":"45s","attempt_timeout":null,'
BACKOFF = '"backoff":"exponential","initial":"1s","factor":2,"max_delay":"10s","first":"delayed",'
TAIL = '"idempotent":"auto","nested":"warn"}'
FLOOR = '"hint":{"mode":"floor","max":"2m"},'
STANDARD = HEAD + BACKOFF + '"jitter":"full",' + FLOOR + TAIL


def dump(name, policy, expect=None):
    case = {"name": name, "policy": policy}
    return case if expect is None else {**case, "expect": expect}


def duration(given, written):
    return dump(f"attempt_timeout {given} is written {written}", {"attempt_timeout": given}, STANDARD.replace('"attempt_timeout":null', f'"attempt_timeout":"{written}"'))


PRESETS = [
    dump("nothing written is standard", {}, STANDARD),
    dump("standard", {"preset": "standard"}, STANDARD),
    dump("interactive", {"preset": "interactive"}, '{"undaunted":1,"attempts":3,"timeout":"3s","attempt_timeout":null,"backoff":"exponential","initial":"200ms","factor":2,"max_delay":"400ms","first":"delayed","jitter":"full",' + FLOOR + TAIL),
    dump("stamina", {"preset": "stamina"}, HEAD + '"backoff":"exponential","initial":"100ms","factor":2,"max_delay":"5s","first":"delayed","jitter":{"additive":"1s"},' + FLOOR + TAIL),
    dump("none", {"preset": "none"}, '{"undaunted":1,"attempts":1,"timeout":null,"attempt_timeout":null,' + BACKOFF + '"jitter":"full",' + FLOOR + TAIL),
    dump("the version may be written", {"undaunted": 1}, STANDARD), dump("the version as 1.0", {"undaunted": 1.0}, STANDARD),
    dump("defaults written out", {"attempts": 10, "timeout": "45000ms", "attempt_timeout": None, "backoff": "exponential", "initial": "1000000us", "factor": 2.0, "max_delay": "10s",
                                  "first": "delayed", "jitter": "full", "hint": "floor", "classes": {}, "rules": [], "idempotent": "auto", "nested": "warn", "on_timeout": "give_up", "forever": False}, STANDARD),
]

DURATIONS = [duration(*pair) for pair in (
    ("1us", "1us"), ("999us", "999us"), ("1000us", "1ms"), ("1500us", "1500us"), ("1.5ms", "1500us"), ("1500ms", "1500ms"), ("1.5s", "1500ms"), ("59s", "59s"), ("60s", "1m"), ("90s", "90s"),
    ("1.5m", "90s"), ("120s", "2m"), ("3600s", "1h"), ("90m", "90m"), ("1.5h", "90m"), ("24h", "24h"), ("87600h", "87600h"), ("5256000m", "87600h"), ("0.5h", "30m"), ("0.001s", "1ms"),
    ("0.000001s", "1us"), ("1.0000000s", "1s"), ("007s", "7s"), ("0.25ms", "250us"), ("86399999999us", "86399999999us"))]

FORMS = [
    dump("no timeout", {"timeout": None}, STANDARD.replace('"45s"', "null")),
    dump("no limit of attempts", {"attempts": None}, STANDARD.replace('"attempts":10', '"attempts":null')),
    dump("forever stands for both", {"forever": True}, STANDARD.replace('"attempts":10,"timeout":"45s"', '"forever":true')),
    dump("the most attempts", {"attempts": 4294967295}, STANDARD.replace('"attempts":10', '"attempts":4294967295')),
    dump("attempts 5.0 is 5", {"attempts": 5.0}, STANDARD.replace('"attempts":10', '"attempts":5')),
    dump("clip", {"on_timeout": {"clip": {"min_attempt": "100ms"}}}, STANDARD.replace('"attempt_timeout"', '"on_timeout":{"clip":{"min_attempt":"100ms"}},"attempt_timeout"')),
    dump("a factor with a fraction", {"factor": 1.5}, STANDARD.replace('"factor":2', '"factor":1.5')),
    dump("the smallest factor", {"factor": 1.000001}, STANDARD.replace('"factor":2', '"factor":1.000001')),
    dump("the largest factor", {"factor": 10}, STANDARD.replace('"factor":2', '"factor":10')),
    dump("a factor without trailing zeros", {"factor": 1.25}, STANDARD.replace('"factor":2', '"factor":1.25')),
    dump("linear has no factor", {"backoff": "linear"}, STANDARD.replace('"exponential"', '"linear"').replace('"factor":2,', "")),
    dump("constant has no factor and its own cap", {"backoff": "constant"}, STANDARD.replace('"exponential"', '"constant"').replace('"factor":2,', "").replace('"10s"', '"1s"')),
    dump("a list has no initial, factor, first", {"backoff": ["1s", "0s", "500ms"]}, HEAD + '"backoff":["1s","0s","500ms"],"max_delay":"1s","jitter":"full",' + FLOOR + TAIL),
    dump("a list of zeros has a cap of 1us", {"backoff": ["0s", "0ms"]}, HEAD + '"backoff":["0s","0s"],"max_delay":"1us","jitter":"full",' + FLOOR + TAIL),
    dump("a list with additive jitter has room above it", {"backoff": ["1s", "2s"], "jitter": {"additive": "500ms"}}, HEAD + '"backoff":["1s","2s"],"max_delay":"2500ms","jitter":{"additive":"500ms"},' + FLOOR + TAIL),
    dump("a constant with proportional jitter has room above it", {"backoff": "constant", "jitter": {"proportional": 0.2}},
         HEAD + '"backoff":"constant","initial":"1s","max_delay":"1200ms","first":"delayed","jitter":{"proportional":0.2},' + FLOOR + TAIL),
    dump("room is rounded up", {"backoff": ["7us"], "jitter": {"proportional": 0.3}}, HEAD + '"backoff":["7us"],"max_delay":"10us","jitter":{"proportional":0.3},' + FLOOR + TAIL),
    dump("room stops at ten years", {"backoff": ["87600h"], "jitter": {"additive": "1h"}}, HEAD + '"backoff":["87600h"],"max_delay":"87600h","jitter":{"additive":"1h"},' + FLOOR + TAIL),
    dump("a constant's cap covers the classes", {"backoff": "constant", "classes": {"throttle": {"initial": "3s"}}}),
    dump("decorrelated has no factor", {"jitter": "decorrelated"}, STANDARD.replace('"factor":2,', "").replace('"full"', '"decorrelated"')),
    *(dump(f"jitter {jitter}", {"jitter": jitter}, STANDARD.replace('"full"', f'"{jitter}"')) for jitter in ("none", "equal")),
    *(dump(f"proportional {p} is written {text}", {"jitter": {"proportional": p}}, STANDARD.replace('"full"', f'{{"proportional":{text}}}')) for p, text in ((1, "1"), (1.0, "1"), (0.2, "0.2"), (0.25, "0.25"), (0.000001, "0.000001"), (0.999999, "0.999999"))),
    dump("additive", {"jitter": {"additive": "250ms"}}, STANDARD.replace('"full"', '{"additive":"250ms"}')),
    dump("first immediate", {"first": "immediate"}, STANDARD.replace('"delayed"', '"immediate"')),
    dump("a written initial raises the inherited cap", {"initial": "1m"}, STANDARD.replace('"initial":"1s"', '"initial":"1m"').replace('"10s"', '"1m"')),
    dump("a written cap lowers the inherited initial", {"max_delay": "300ms"}, STANDARD.replace('"initial":"1s"', '"initial":"300ms"').replace('"10s"', '"300ms"')),
    dump("a class's initial raises the inherited cap", {"classes": {"throttle": {"initial": "15s"}}}, STANDARD.replace('"10s"', '"15s"').replace('"idempotent"', '"classes":{"throttle":{"initial":"15s"}},"idempotent"')),
    dump("hint floor with another limit", {"hint": {"max": "60s"}}, STANDARD.replace('"2m"', '"1m"')),
    dump("hint exact", {"hint": "exact"}, STANDARD.replace('"mode":"floor"', '"mode":"exact"')),
    dump("hint exact that resets", {"hint": {"mode": "exact", "resets": True, "max": "5m"}}, STANDARD.replace(FLOOR, '"hint":{"mode":"exact","max":"5m","resets":true},')),
    dump("resets false is not written", {"hint": {"resets": False}}, STANDARD),
    dump("hint window", {"hint": {"window": "5s", "mode": "window"}}, STANDARD.replace(FLOOR, '"hint":{"mode":"window","window":"5s"},')),
    dump("hint window that resets", {"hint": {"mode": "window", "window": "5s", "resets": True}}, STANDARD.replace(FLOOR, '"hint":{"mode":"window","window":"5s","resets":true},')),
    dump("hint ignore", {"hint": "ignore"}, STANDARD.replace(FLOOR, '"hint":"ignore",')),
    dump("hint ignore as a map", {"hint": {"mode": "ignore"}}, STANDARD.replace(FLOOR, '"hint":"ignore",')),
    dump("classes in their own order, empty ones left out", {"classes": {"conflict": {"attempts": 2}, "connect": {}, "timeout": {"initial": "2s", "attempts": 3}, "transient": {"initial": "1s"}}},
         STANDARD.replace('"idempotent"', '"classes":{"transient":{"initial":"1s"},"timeout":{"attempts":3,"initial":"2s"},"conflict":{"attempts":2}},"idempotent"')),
    *(dump(f"idempotent {value}", {"idempotent": value}, STANDARD.replace('"auto"', "true" if value else "false")) for value in (True, False)),
    *(dump(f"nested {value}", {"nested": value}, STANDARD.replace('"warn"', f'"{value}"')) for value in ("once", "allow", "share")),
]


def rules(name, written, text):
    return dump(name, {"rules": written}, STANDARD.replace('"idempotent"', f'"rules":[{text}],"idempotent"'))


RULES = [
    rules("members in their own order", [{"sent": "rejected", "class": "permanent", "body_contains": "User not exists", "http": 500}], '{"http":500,"body_contains":"User not exists","class":"permanent","sent":"rejected"}'),
    rules("ranges, numbers and names", [{"http": "500-599", "class": "transient"}, {"os": "EPROTO", "class": "transient"}, {"os": 104.0, "sent": "not_sent"}, {"dns": -2, "class": "connect"}, {"user": "my code", "class": "throttle"}],
          '{"http":"500-599","class":"transient"},{"os":"EPROTO","class":"transient"},{"os":104,"sent":"not_sent"},{"dns":-2,"class":"connect"},{"user":"my code","class":"throttle"}'),
    rules("a range loses its leading zeros", [{"user": "007-010", "class": "transient"}], '{"user":"7-10","class":"transient"}'),
    rules("a range of one", [{"http": "500-500", "sent": "rejected"}], '{"http":"500-500","sent":"rejected"}'),
    rules("text is escaped", [{"body_contains": '"\\/\b\f\n\r\t\u0000\u001f\u007f', "class": "permanent"}], '{"body_contains":"\\"\\\\/\\u0008\\u000c\\u000a\\u000d\\u0009\\u0000\\u001f\u007f","class":"permanent"}'),
    rules("text beyond ASCII is raw", [{"body_contains": "déjà \u4e2d \U0001f600", "class": "permanent"}], '{"body_contains":"déjà \u4e2d \U0001f600","class":"permanent"}'),
    rules("tls, undici", [{"tls": "CERT_HAS_EXPIRED", "class": "transient"}, {"undici": "UND_ERR_CLOSED", "class": "connect"}], '{"tls":"CERT_HAS_EXPIRED","class":"transient"},{"undici":"UND_ERR_CLOSED","class":"connect"}'),
    rules("servers of many kinds", [{"grpc": 14, "class": "permanent"}, {"grpc": "2-4", "sent": "maybe"}, {"postgres": "40001", "class": "conflict"}, {"mysql": 1213, "class": "conflict"}, {"sqlite": "SQLITE_BUSY", "class": "conflict"}, {"redis": "LOADING", "class": "transient"}, {"mongodb": "RetryableWriteError", "class": "transient"}, {"kafka": -1, "class": "transient"}, {"aws": "SlowDown", "class": "throttle"}],
          '{"grpc":14,"class":"permanent"},{"grpc":"2-4","sent":"maybe"},{"postgres":"40001","class":"conflict"},{"mysql":1213,"class":"conflict"},{"sqlite":"SQLITE_BUSY","class":"conflict"},{"redis":"LOADING","class":"transient"},{"mongodb":"RetryableWriteError","class":"transient"},{"kafka":-1,"class":"transient"},{"aws":"SlowDown","class":"throttle"}'),
    rules("what looks like a range is a name where codes are text", [{"postgres": "500-599", "class": "transient"}], '{"postgres":"500-599","class":"transient"}'),
    rules("the largest and smallest numbers", [{"user": 2147483647, "class": "transient"}, {"user": -2147483648, "class": "transient"}], '{"user":2147483647,"class":"transient"},{"user":-2147483648,"class":"transient"}'),
    rules("32 rules", [{"http": 400 + n, "class": "permanent"} for n in range(32)], ",".join(f'{{"http":{400 + n},"class":"permanent"}}' for n in range(32))),
    rules("2048 bytes of text", [{"body_contains": "x" * 2048, "class": "permanent"}], '{"body_contains":"' + "x" * 2048 + '","class":"permanent"}'),
]

FILES = [
    file("dump-presets", "dump", "Presets written out", "DESIGN 3", PRESETS),
    file("dump-durations", "dump", "The largest unit that divides exactly", "DESIGN 4", DURATIONS),
    file("dump-forms", "dump", "Every option in canonical form", "DESIGN 4", FORMS),
    file("dump-rules", "dump", "Rules in canonical form", "DESIGN 4", RULES),
]
