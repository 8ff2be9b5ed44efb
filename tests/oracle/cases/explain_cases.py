from cases import file

FREE = {"timeout": None}
STEADY = FREE | {"jitter": "none", "initial": "1s", "max_delay": "10s"}
DOWN = {"http": 503}
RESET = {"os": "ECONNRESET"}


def case(name, policy, failures, *tells, **options):
    """`tells` by hand: each is part of a line."""
    options = {"call_seed": "42", **options} if "seed" not in options else options
    return {"name": name, "policy": policy, "options": {"failures": failures, **options}, "tells": list(tells)}


REASONS = [
    case("nothing fails", {}, [], "1/10  at 100ms     success", attempt_duration="100ms"),
    case("a failure, then success", {}, [DOWN], "http 503", "transient, maybe (table)", "U(1s), ceiling 1s = initial, word ", "44.9s left of timeout", attempt_duration="100ms"),
    case("the caller asks to stop", {}, [DOWN | {"cancelled": True}], "http 503, cancelled", "give up: cancelled", "the caller asked to stop"),
    case("retrying is switched off", {}, [DOWN], "give up: inactive", "retrying is switched off", active=False),
    case("an inner call gave up, and nested is once", {"nested": "once"}, [DOWN | {"nested": True}], "http 503, nested", "give up: nested"),
    case("an inner call gave up, and nested is warn", STEADY, [DOWN | {"nested": True}], "an inner call has used up its retries: a warning"),
    case("an error that nothing knows", {}, [{"user": "ValueError"}], "user ValueError", "permanent, maybe (unknown)", "nothing knows it: name it in on or rules"),
    case("an error without a code", {}, [{}], "user error", "permanent, maybe (unknown)"),
    case("a code that a table knows better", {}, [{"http": 404}], "permanent, maybe (table)", "repeating cannot help"),
    case("a status without a row", {}, [{"http": 302}], "permanent, maybe (unknown)"),
    case("on does not name it", {}, [DOWN | {"verdict": "refused"}], "http 503, refused", "on refuses it"),
    case("on names what nothing knows", STEADY, [{"user": "ValueError", "verdict": "named"}], "transient (on), maybe (unknown)", "retry in 1s"),
    case("on forces what a table calls permanent", STEADY, [{"http": 404, "verdict": "forced"}], "transient (on), maybe (table)", "retry in 1s"),
    case("on says how long to wait", {}, [{"http": 404, "verdict": "forced", "wait": "1500ms"}], "retry in 1.5s", "the wait of on"),
    case("the server forbids it", {}, [DOWN | {"should_retry": False}], "should_retry false", "the server says not to retry"),
    case("the server asks for it", STEADY, [{"http": 404, "should_retry": True}], "transient, rejected (server)"),
    case("only with a hint", {}, [{"http": 413}], "hint_only not met", "only if the server says how long to wait"),
    case("with a hint", STEADY, [{"http": 413, "hint": "2s"}], "hint_only met", "retry in 2s"),
    case("only if named", {}, [{"http": 409}], "opt_in not met", "only if on or rules name it"),
    case("named by a rule", STEADY | {"rules": [{"http": 409, "class": "conflict"}]}, [{"http": 409}], "conflict (rules.0), maybe (table, opt_in met)"),
    case("named once, and no more", STEADY | {"rules": [{"dns": "ENOTFOUND", "class": "connect"}]}, [{"dns": "ENOTFOUND"}] * 2,
         "opt_in_once met", "opt_in_once not met", "its one retry is used up"),
    case("only if named, once", {}, [{"dns": "ENOTFOUND"}], "opt_in_once not met", "only if on or rules name it"),
    case("not idempotent", {}, [RESET | {"method": "POST"}], "os ECONNRESET POST", "give up: not_idempotent", "POST without an idempotency key is not idempotent"),
    case("with an idempotency key", STEADY, [RESET | {"method": "POST", "idempotency_key": True}], "os ECONNRESET POST with key", "retry in 1s"),
    case("nothing was sent", STEADY, [RESET | {"method": "POST", "phase": "connect"}], "os ECONNRESET connecting POST", "connect, not_sent (table)"),
    case("idempotent is false", {"idempotent": False}, [RESET], "the server may have acted, and idempotent is false"),
    case("idempotent is false, whatever the method", {"idempotent": False}, [RESET | {"method": "GET"}], "the server may have acted, and idempotent is false"),
    case("a class has used up its attempts", STEADY | {"classes": {"connect": {"attempts": 2}}}, [{"os": "ECONNREFUSED"}] * 3,
         "1 of 2 attempts of class connect", "give up: class_attempts  2 of 2 attempts of class connect"),
    case("all attempts are used up", STEADY | {"attempts": 3}, [DOWN] * 5, "2/3   at 1s", "retry in 2s", "give up: attempts        3 of 3 attempts"),
    case("one attempt", {"preset": "none"}, [DOWN], "1 of 1 attempts"),
    case("a hint beyond the policy's limit", {}, [{"http": 429, "hint": "5m"}], "hint 5m > hint.max 2m"),
    case("a hint beyond the timeout", {"timeout": "30s"}, [{"http": 429, "hint": "40s"}], "hint 40s ≥ 29.5s left of timeout", attempt_duration="500ms"),
    case("a wait beyond the timeout", STEADY | {"timeout": "3s"}, [DOWN] * 3, "1.5s gone + 2s wait ≥ timeout 3s; ceiling 2s = initial 1s × 2^1",
         attempt_duration="250ms"),
    case("an attempt that fails after the timeout", STEADY | {"timeout": "3s"}, [DOWN | {"duration": "5s"}], "at 5s", "5s gone + 1s wait ≥ timeout 3s"),
    case("forever", {"forever": True, "jitter": "none"}, [DOWN], "1     at 0s", "ceiling 1s = initial"),
]

WAITS = [
    case("full jitter to the cap", FREE | {"max_delay": "4s"}, [DOWN] * 4, "U(1s), ceiling 1s = initial", "U(2s), ceiling 2s = initial 1s × 2^1", "U(4s), ceiling 4s = max_delay"),
    case("equal jitter", FREE | {"jitter": "equal"}, [DOWN] * 2, "1s - U(500ms), ceiling 1s = initial", "2s - U(1s)"),
    case("proportional jitter", FREE | {"jitter": {"proportional": 0.2}, "max_delay": "2s"}, [DOWN] * 2, "800ms + U(400ms), ceiling 1s = initial", "ceiling 2s = max_delay"),
    case("additive jitter", FREE | {"jitter": {"additive": "500ms"}, "max_delay": "2s"}, [DOWN] * 2, "1s + U(500ms), ceiling 1s = initial", "1.5s + U(500ms), ceiling 2s = max_delay"),
    case("decorrelated jitter", FREE | {"jitter": "decorrelated", "max_delay": "2s"}, [DOWN] * 4, "1s + U(1s), up to max_delay 2s"),
    case("decorrelated jitter below the cap", FREE | {"jitter": "decorrelated"}, [DOWN] * 2, "1s + U(2s), up to 3 × 1s"),
    case("no jitter", STEADY, [DOWN] * 5, "retry in 1s              ceiling 1s = initial", "ceiling 8s = initial 1s × 2^3", "ceiling 10s = max_delay"),
    case("a factor with a fraction", STEADY | {"factor": 1.3}, [DOWN] * 3, "ceiling 1.69s = initial 1s × 1.3^2"),
    case("linear", STEADY | {"backoff": "linear"}, [DOWN] * 3, "ceiling 3s = initial 1s × 3"),
    case("constant", STEADY | {"backoff": "constant"}, [DOWN] * 2, "2/10  at 1s", "ceiling 1s = initial"),
    case("a list", FREE | {"backoff": ["1s", "5s"], "jitter": "none"}, [DOWN] * 3, "ceiling 1s = backoff.0", "ceiling 5s = backoff.1"),
    case("a class with an initial of its own", STEADY | {"classes": {"throttle": {"initial": "3s"}}}, [{"http": 429}] * 3,
         "ceiling 3s = classes.throttle.initial", "ceiling 6s = classes.throttle.initial 3s × 2^1", "ceiling 10s = max_delay"),
    case("first is immediate", STEADY | {"first": "immediate"}, [DOWN] * 2, "retry in 0s", "first is immediate", "ceiling 1s = initial"),
    case("an immediate row, once", STEADY, [{"os": "EINTR"}] * 2, "immediate, once", "retry in 2s"),
    case("a transaction", STEADY, [{"postgres": "40001"}], "conflict, rejected (table, transaction)"),
    case("after an attempt that was interrupted", STEADY | {"attempt_timeout": "2s"}, [DOWN | {"duration": "5s", "method": "GET"}],
         "os ETIMEDOUT GET, attempt_timeout", "timeout, maybe (table)", "at 2s"),
    case("rules by body and range", STEADY | {"rules": [{"http": 500, "body_contains": "gone", "class": "permanent"}, {"http": "500-599", "sent": "rejected"}]},
         [{"http": 500, "body": "try later"}, {"http": 500, "body": "it is gone"}], "transient (table), rejected (rules.1)", "permanent (rules.0), maybe (table)", "repeating cannot help"),
    case("negative and named codes", STEADY, [{"dns": -3}, {"sqlite": 5}, {"mysql": 1213}, {"kafka": 7}, {"undici": "UND_ERR_SOCKET"}], "dns -3", "sqlite 5", "undici UND_ERR_SOCKET"),
    case("a name with quotes and a line break", FREE, [{"user": 'a "b" \\ c\nd'}], 'user a "b" \\ c d'),
    case("call 3 of seed 7", FREE, [DOWN], seed="7", call=3),
    case("a seed of 64 bits", FREE, [DOWN], seed="18446744073709551615"),
    case("durations of attempts of their own", STEADY, [DOWN | {"duration": "1ms"}, DOWN, DOWN | {"duration": "0s"}], "at 1ms", "at 1.00125s", attempt_duration="250us"),
]
HINTED = {"http": 429, "hint": "2s"}
HINTS = [
    case("floor", FREE, [HINTED], "http 429, hint 2s", "throttle, rejected (table)", "hint 2s + U(1s), ceiling 1s = initial, word "),
    case("floor without jitter, below and above", STEADY, [HINTED] * 3, "retry in 2s", "hint 2s, ceiling 1s = initial", "retry in 4s", "hint 2s, ceiling 4s = initial 1s × 2^2"),
    case("floor, cut by the timeout", {"timeout": "2500ms"}, [HINTED], "hint 2s + U(499.999ms), ceiling 1s = initial, cut by timeout"),
    case("floor without jitter, cut by the timeout", {"jitter": "none", "timeout": "8s", "initial": "10s", "max_delay": "10s"}, [HINTED], "hint 2s, ceiling 10s = initial, cut by timeout"),
    case("exact", FREE | {"hint": "exact"}, [HINTED], "retry in 2s", "hint 2s, exact"),
    case("exact, and no room", {"hint": "exact", "timeout": "2s"}, [HINTED], "hint 2s ≥ 2s left of timeout"),
    case("ignore", FREE | {"hint": "ignore"}, [HINTED], "hint 2s ignored; U(1s), ceiling 1s = initial"),
    case("window", FREE | {"hint": {"mode": "window", "window": "500ms"}, "jitter": "none"}, [HINTED] * 3,
         "retry in 1.5s", "hint 2s within 500ms above own 1s; ceiling 1s = initial", "retry in 2s", "retry in 4s"),
    case("preset aws", {"preset": "aws"}, [HINTED] * 2, "classes.throttle.initial", "budget 5 taken, 495 left", "within 5s above own"),
    case("preset grpc: the hint restarts the backoff", {"preset": "grpc"}, [{"grpc": "UNAVAILABLE"}, {"grpc": "UNAVAILABLE", "hint": "3s"}, {"grpc": "UNAVAILABLE"}],
         "hint 3s, exact; the hint restarts the backoff", "80ms + U(40ms), ceiling 100ms = initial", "budget 7 left"),
    case("the wait of on comes before a hint", FREE, [HINTED | {"verdict": "forced", "wait": "5s"}], "retry in 5s", "the wait of on"),
    case("a 503 with a hint", FREE, [{"http": 503, "hint": "1s"}], "throttle, rejected (table)"),
]

BREAKER = {"name": "api", "window_calls": 2, "min_calls": 2, "jitter": "none"}
CLIP = {"on_timeout": {"clip": {"min_attempt": "500ms"}}, "timeout": "5s"}
LIMITS = [
    case("a wait is clipped, and the attempt after it is the last", CLIP | {"jitter": "none", "initial": "2s", "max_delay": "10s"}, [DOWN] * 3,
         "clipped from 4s to U(2.5s), min_attempt 500ms, word ", "the next attempt is the last", "the wait before this attempt was clipped, so it was the last"),
    case("clipped above a hint", CLIP, [{"http": 429, "hint": "4s"}], "clipped from ", " to hint 4s + U(500ms), min_attempt 500ms"),
    case("no room to clip", CLIP | {"jitter": "none", "initial": "3s", "max_delay": "10s"}, [DOWN | {"duration": "4600ms"}], "4.6s gone + 3s wait + min_attempt 500ms > timeout 5s"),
    case("no room to clip above a hint", CLIP, [{"http": 429, "hint": "4800ms"}], "give up: timeout", " wait + min_attempt 500ms > timeout 5s"),
    case("an exact wait is not clipped", CLIP | {"hint": "exact"}, [{"http": 429, "hint": "4800ms"}], "give up: timeout", "4.8s wait + min_attempt 500ms > timeout 5s"),
    case("a bucket of tokens", STEADY | {"budget": {"name": "api", "capacity": 20, "cost": 8}}, [DOWN] * 3, "budget 8 taken, 12 left", "give up: budget", "4 left of 20, the retry takes 8; ceiling 4s"),
    case("a class costs something else", STEADY | {"classes": {"throttle": {"cost": 15}}, "budget": {"name": "api", "capacity": 20, "cost": 8}}, [{"http": 429}] * 2,
         "budget 15 taken, 5 left", "5 left of 20, the retry takes 15"),
    case("a retry that costs nothing", STEADY | {"budget": {"name": "api", "cost": 0}}, [DOWN], "budget 500 left"),
    case("a budget of failures", STEADY | {"budget": {"name": "api", "mode": "failures", "capacity": 4}}, [DOWN] * 3, "budget 3 left", "give up: budget", "2 left of 4, retries need more than half"),
    case("a budget by window", STEADY | {"budget": {"name": "api", "mode": "window", "ratio": 1.5, "min_per_second": 0, "ttl": "1m"}}, [DOWN] * 3, "budget 1 taken, 0.5 left", "give up: budget", "0.5 left, the retry takes 1; ceiling 2s"),
    case("a budget that is made elsewhere", STEADY | {"budget": "shared"}, [DOWN], "give up: budget", '"shared" is made elsewhere, and not known here; ceiling 1s = initial'),
    case("a breaker that this call opens for longer than its wait", STEADY | {"breaker": BREAKER}, [DOWN] * 3, "give up: breaker_open", "the breaker is open for 5s, longer than the wait of 2s; ceiling 2s"),
    case("a breaker that is open for less than the wait", STEADY | {"breaker": BREAKER | {"initial": "1500ms"}}, [DOWN] * 3, "breaker open for 1.5s", "retry in 2s"),
    case("a breaker that is made elsewhere", STEADY | {"breaker": "shared"}, [DOWN], "retry in 1s"),
    case("preset interactive in an outage", {"preset": "interactive"}, [DOWN] * 3, "3 of 3 attempts", attempt_duration="50ms"),
    case("preset urllib3", {"preset": "urllib3"}, [DOWN] * 3, "first is immediate"),
    case("preset stamina", {"preset": "stamina"}, [DOWN] * 2, "100ms + U(1s), ceiling 100ms = initial"),
]


def refused(name, options, *expect):
    return {"name": name, "options": options, "expect": [dict(zip(("code", "pointer", "text"), problem)) for problem in expect]}


REFUSED = [
    refused("no failures", {}, ("missing_option", "/failures", "failures is missing, allowed a list of maps; write it")),
    refused("failures that are none", {"failures": 3}, ("wrong_kind", "/failures", "failures is 3, allowed a list of maps; write one of these")),
    refused("a failure that is none", {"failures": [DOWN, 503]}, ("wrong_kind", "/failures/1", "failures.1 is 503, allowed a map; write one of these")),
    refused("two codes", {"failures": [{"http": 503, "os": 104}]}, ("duplicate_option", "/failures/0/os", "failures.0.os is the second of its kind, allowed one; remove it")),
    refused("codes of another kind", {"failures": [{"http": "503"}, {"postgres": 40001}, {"os": True}, {"os": 1.5}, {"http": 99}]},
            ("wrong_kind", "/failures/0/http", 'failures.0.http is "503", allowed a whole number or null; write one of these'),
            ("wrong_kind", "/failures/1/postgres", "failures.1.postgres is 40001, allowed text or null; write one of these"),
            ("wrong_kind", "/failures/2/os", "failures.2.os is true, allowed a whole number or a name or null; write one of these"),
            ("wrong_kind", "/failures/3/os"),
            ("out_of_range", "/failures/4/http", "failures.4.http is 99, allowed 100 to 599; write one in between")),
    refused("a code that is no number of a system's", {"failures": [{"os": 3000000000}]}, ("out_of_range", "/failures/0/os")),
    refused("an option that is none", {"failures": [{"status": 503}], "attempts": 3},
            ("unknown_option", "/failures/0/status"),
            ("unknown_option", "/attempts", "attempts is not an option, allowed failures, attempt_duration, seed, call, call_seed or active; correct or remove it")),
    refused("words and times", {"failures": [{"phase": "late", "hint": 2, "duration": "-1s", "verdict": "yes", "nested": 1}]},
            ("unknown_value", "/failures/0/phase", 'failures.0.phase is "late", allowed unknown or connect; write one of these'),
            ("bare_number", "/failures/0/hint"), ("bad_duration", "/failures/0/duration"), ("unknown_value", "/failures/0/verdict"), ("wrong_kind", "/failures/0/nested")),
    refused("seeds that are none", {"failures": [], "seed": -1}, ("wrong_kind", "/seed", "seed is -1, allowed a whole number below 2^64; write one of these")),
    refused("a seed beyond 64 bits", {"failures": [], "call_seed": "18446744073709551616"}, ("wrong_kind", "/call_seed")),
    refused("two seeds", {"failures": [], "seed": 1, "call_seed": 1}, ("duplicate_option", "/call_seed")),
    refused("a number of a call that its seed has already", {"failures": [], "call": 2, "call_seed": "1"}, ("duplicate_option", "/call")),
    refused("call 0", {"failures": [], "call": 0}, ("out_of_range", "/call")),
    refused("101 failures", {"failures": [{}] * 101}, ("too_many", "/failures", "failures has more than 100 entries, allowed up to 100; shorten it")),
]

SOURCE = "DESIGN 3, \"Explain\"; tests/README.md, \"Explanations\""
FILES = [
    file("explain-reasons", "explain", "Every reason, and what is told of it.", SOURCE, REASONS),
    file("explain-waits", "explain", "What a wait is made of: backoff, jitter, classes, rules.", SOURCE, WAITS),
    file("explain-hints", "explain", "What a wait becomes that the server asked for.", SOURCE, HINTS),
    file("explain-limits", "explain", "Clips and budgets.", SOURCE, LIMITS),
    file("explain-refused", "explain_refusal", "Scripts that no explanation has; all mistakes at once.", "CONVENTIONS, \"Errors\"", REFUSED),
]
