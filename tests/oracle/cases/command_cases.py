from cases import file


def step(text, expect):
    return {"name": text, "text": text, "expect": expect}


def none(text):
    return {"name": f"{text!r} is no failure", "text": text, "expect": None}


STEPS = [
    step("ok", "ok"),
    step("503", {"http": 503}),
    step("reset", {"os": "ECONNRESET"}),
    step("refused", {"os": "ECONNREFUSED"}),
    step("closed", {"os": "EPIPE"}),
    step("unreachable", {"os": "EHOSTUNREACH"}),
    step("timeout", {"os": "ETIMEDOUT"}),
    step("dns", {"dns": "EAI_AGAIN"}),
    step("EBUSY", {"os": "EBUSY"}),
    step("E2BIG", {"os": "E2BIG"}),
    step("http 429", {"http": 429}),
    step("os 104", {"os": 104}),
    step("postgres 40001", {"postgres": "40001"}),
    step("mysql 1213", {"mysql": 1213}),
    step("grpc UNAVAILABLE", {"grpc": "UNAVAILABLE"}),
    step("redis LOADING", {"redis": "LOADING"}),
    step("aws ThrottlingException", {"aws": "ThrottlingException"}),
    step("kafka -1", {"kafka": -1}),
    step("user  My error", {"user": "My error"}),
    step("429 + hint 2s", {"http": 429, "hint": "2s"}),
    step(" 429+hint 2s ", {"http": 429, "hint": "2s"}),
    step("reset + takes 1.5s", {"os": "ECONNRESET", "duration": "1.5s"}),
    step("500 + method POST + key", {"http": 500, "method": "POST", "idempotency_key": True}),
    step("timeout + connect", {"os": "ETIMEDOUT", "phase": "connect"}),
    step("500 + body User \"x\" + 1 not exists", {"http": 500, "body": "User \"x\" + 1 not exists"}),
    *[none(text) for text in ("", "42", "600", "-503", "wat", "ok + hint 2s", "ok ok", "http", "http 42", "http x", "nosuch 5", "E", "503 +", "503 + hint",
                              "503 + key 1", "503 + hint 1s + hint 2s", "503 + wat 1", "503 hint 2s", "503 + + key")],
]


def runs(arguments, **asked):
    return {"name": " ".join(arguments), "arguments": arguments, "expect": {"files": [], "steps": [], "options": {}, **asked}}


def refuses(arguments, text):
    return {"name": " ".join(arguments) or "nothing", "arguments": arguments, "expect": text}


ARGUMENTS = [
    runs(["lint", "a.json"], command="lint", files=["a.json"]),
    runs(["schedule", "--seed", "18446744073709551615", "--attempts=7", "a.json"], command="schedule", files=["a.json"],
         options={"seed": "18446744073709551615", "attempts": 7}),
    runs(["analyse", "-", "--failure-rate", "0.30", "--attempt-duration", "200ms", "--json"], command="analyse", files=["-"],
         options={"failure_rate": 0.3, "attempt_duration": "200ms", "json": True}),
    runs(["analyse", "--class", "throttle", "--", "--odd.json"], command="analyse", files=["--odd.json"], options={"class": "throttle"}),
    runs(["analyse", "a", "--layers", "-1", "--calls", "01", "--repeats", "1234567890123456"], command="analyse", files=["a"],
         options={"layers": -1, "calls": "01", "repeats": "1234567890123456"}),
    runs(["simulate", "a \"b\".json", "--outage", "5s"], command="simulate", files=["a \"b\".json"], options={"outage": "5s"}),
    runs(["simulate-loss", "--p", "0.5"], command="simulate-loss", options={"p": 0.5}),
    runs(["explain", "preset:aws", "503", "429 + hint 2s", "ok"], command="explain", files=["preset:aws"], steps=[{"http": 503}, {"http": 429, "hint": "2s"}]),
    runs(["diff", "a", "b", "--exit-code"], command="diff", files=["a", "b"], options={"exit_code": True}),
    runs(["convert", "--from", "aws"], command="convert", options={"from": "aws"}),
    runs(["convert", "a.json", "--from=p-retry", "--fail-on", "never"], command="convert", files=["a.json"], options={"from": "p-retry", "fail_on": "never"}),
    refuses(["retry"], 'undaunted: "retry" is no command, allowed schedule, lint, analyse, simulate, simulate-layers, simulate-loss, explain, diff, convert or export; '
                       "run undaunted --help\n"),
    refuses(["lint"], "undaunted: FILE is missing; run undaunted lint --help\n"),
    refuses(["diff", "a"], "undaunted: AFTER is missing; run undaunted diff --help\n"),
    refuses(["lint", "a", "b"], 'undaunted: lint takes no "b" as well; run undaunted lint --help\n'),
    refuses(["lint", "a", "--seed", "1"], 'undaunted: lint has no option "--seed", allowed --fail-on, --json, --help; run undaunted lint --help\n'),
    refuses(["lint", "a", "--fail_on", "info"], 'undaunted: lint has no option "--fail_on", allowed --fail-on, --json, --help; run undaunted lint --help\n'),
    refuses(["lint", "a", "--fail-on", "all"], 'undaunted: --fail-on is "all", allowed error, warning, info or never; run undaunted lint --help\n'),
    refuses(["lint", "a", "--fail-on"], "undaunted: --fail-on has no value, allowed error, warning, info or never; run undaunted lint --help\n"),
    refuses(["lint", "a", "--json=1"], "undaunted: --json takes no value; write it alone; run undaunted lint --help\n"),
    refuses(["lint", "a", "--json", "--json"], "undaunted: --json is given twice; remove one; run undaunted lint --help\n"),
    refuses(["schedule", "a", "--seed", "18446744073709551616"],
            'undaunted: --seed is "18446744073709551616", allowed 0 to 2^64 - 1; run undaunted schedule --help\n'),
    refuses(["schedule", "a", "--seed", "+1"], 'undaunted: --seed is "+1", allowed 0 to 2^64 - 1; run undaunted schedule --help\n'),
    refuses(["explain", "a", "ok", "503"], "undaunted: ok ends the call, but failures come after it; write it last; run undaunted explain --help\n"),
    refuses(["explain", "a", "wat"],
            'undaunted: the failure is "wat", allowed a status, ok, reset, refused, closed, unreachable, timeout, dns, an errno\'s name, or a domain and its '
            "code, then + hint 2s, + takes 5s, + method POST, + key, + connect, + body ...; correct it; run undaunted explain --help\n"),
]

SOURCE = "tests/README.md, \"The command line\""
FILES = [
    file("steps", "step", "A failure in a few words, by hand; null for words that are none.", SOURCE, STEPS),
    file("command-line", "invoke", "What the arguments of a command line ask for, or the sentence that refuses them, by hand.", SOURCE, ARGUMENTS),
]
