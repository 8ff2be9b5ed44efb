from cases import file

QUIET = {"attempts": 3, "initial": "1s", "max_delay": "2s", "budget": "api"}


def own(budget):
    """Quiet but for a budget of its own."""
    return QUIET | {"budget": {"name": "api", **budget}}


def case(name, policy, *expect, texts=None):
    """`expect`: codes by hand, checked against the oracle; `texts`: sentences by hand, by code."""
    return {"name": name, "policy": policy, "codes": list(expect), "texts": texts or {}}


PRESETS = [
    case("preset standard has nothing above info", {}, "amplification", "budget-missing"),
    case("preset interactive has nothing above info", {"preset": "interactive"}, "herd-window", "throttle-shares-base", "budget-missing"),
    case("preset stamina has nothing above info", {"preset": "stamina"}, "amplification", "throttle-shares-base", "budget-missing"),
    case("preset aws has nothing above info", {"preset": "aws"}, "herd-window", "cap-unreachable"),
    case("preset grpc has nothing above info", {"preset": "grpc"}, "amplification", "herd-window", "cap-unreachable", "throttle-shares-base"),
    case("preset urllib3 has nothing above info", {"preset": "urllib3"}, "amplification", "herd-window", "cap-unreachable", "throttle-shares-base",
         "budget-missing"),
    case("preset google has nothing but its budget to miss", {"preset": "google"}, "budget-missing"),
    case("preset none never retries, so there is nothing to say", {"preset": "none"}),
]

FINDINGS = [
    case("a breaker that forgets attempts that hang before the next has ended", QUIET | {"attempt_timeout": "10s", "timeout": None, "breaker": {"name": "x", "window_time": "9s"}}, "breaker-window-shorter-than-attempt",
         texts={"breaker-window-shorter-than-attempt": "breaker.window_time is 9s and attempt_timeout 10s, so attempts that hang are forgotten before the next has ended, and the breaker stays closed; raise window_time above attempt_timeout"}),
    case("one that remembers as long as an attempt may take, or counts calls", QUIET | {"attempt_timeout": "10s", "timeout": None, "breaker": {"name": "x", "window_time": "10s"}}),
    case("without a limit of attempts a breaker's window says nothing", QUIET | {"breaker": {"name": "x", "window_time": "1s"}}),
    case("a quiet policy", QUIET),
    case("jitter none", QUIET | {"jitter": "none"}, "jitter-none",
         texts={"jitter-none": "jitter is none, so clients that fail together come back together at every retry; write full"}),
    case("jitter none over delays of nothing", {"backoff": ["0s"], "attempts": 3, "jitter": "none", "budget": "api"}),
    case("four attempts are 64 in three layers", QUIET | {"attempts": 4}, "amplification",
         texts={"amplification": "attempts is 4, so three layers of services that all retry so make 64 calls of one in an outage; retry in one layer, or lower attempts"}),
    case("a cap that no wait reaches", QUIET | {"max_delay": "10s"}, "cap-unreachable",
         texts={"cap-unreachable": "max_delay is 10s, but the longest wait is 2s; lower max_delay or raise attempts"}),
    case("a cap that additive jitter reaches", QUIET | {"max_delay": "3s", "jitter": {"additive": "1s"}}),
    case("a cap that decorrelated jitter reaches", QUIET | {"max_delay": "9s", "jitter": "decorrelated"}),
    case("a cap beyond decorrelated jitter", QUIET | {"max_delay": "10s", "jitter": "decorrelated"}, "cap-unreachable"),
    case("a cap that the first retry at once leaves unreached", QUIET | {"first": "immediate"}, "herd-window", "cap-unreachable",
         texts={"herd-window": "first is immediate, so clients that fail together all come back at once; write delayed unless failures hit one client at a time"}),
    case("waits that always outlast the timeout", {"budget": "api", "backoff": ["5s", "10s"], "attempts": 3, "timeout": "15s", "jitter": "none"},
         "deadline-unreachable", "jitter-none",
         texts={"deadline-unreachable": "timeout is 15s, below the 15s that the waits take at least, so the attempts can never all start; raise timeout or lower attempts"}),
    case("waits just within the timeout", {"budget": "api", "backoff": ["5s", "9s"], "attempts": 3, "timeout": "15s", "jitter": "none"}, "jitter-none"),
    case("waits that mostly outlast the timeout", QUIET | {"timeout": "1500ms"}, "deadline-unreachable",
         texts={"deadline-unreachable": "timeout is 1500ms, below the 1500ms that the waits take on average, so the attempts seldom all start; raise timeout or lower attempts"}),
    case("an attempt that takes the whole call", QUIET | {"attempt_timeout": "45s"}, "attempt-timeout-exceeds-deadline",
         texts={"attempt-timeout-exceeds-deadline": "attempt_timeout is 45s and timeout 45s, so an attempt that hangs takes the whole call and is never retried; lower attempt_timeout"}),
    case("waits longer than an attempt", QUIET | {"attempt_timeout": "1s"}, "sleep-longer-than-attempt-timeout",
         texts={"sleep-longer-than-attempt-timeout": "a wait may take 2s but an attempt only 1s, so calls mostly wait; lower max_delay or raise attempt_timeout"}),
    case("a longest hint above the timeout", QUIET | {"hint": {"max": "60s"}}, "hint-cap-above-deadline",
         texts={"hint-cap-above-deadline": "hint.max is 1m and timeout 45s, so timeout ends a call that is told to wait longer; lower hint.max or raise timeout"}),
    case("a longest hint within the timeout", QUIET | {"hint": {"max": "45s"}}),
    case("every call counts as idempotent", QUIET | {"idempotent": True}, "retries-non-idempotent",
         texts={"retries-non-idempotent": "idempotent is true, so calls that the server may have acted on are repeated whatever their method; write auto unless every call may be repeated"}),
    case("retries inside retries", QUIET | {"nested": "allow"}, "nested-retries",
         texts={"nested-retries": "nested is allow, so retries inside retries multiply unseen; write warn or once"}),
    case("forever", {"forever": True, "budget": "api"}, "deadline-missing",
         texts={"deadline-missing": "forever is true, so nothing ends a call that keeps failing; set timeout or attempts"}),
    case("a herd that meets", QUIET | {"initial": "300ms", "max_delay": "600ms", "classes": {"throttle": {"initial": "600ms"}}}, "herd-window",
         texts={"herd-window": "of 10000 clients that fail together 3333 come back within 100ms of each other, since their first waits differ by 300ms at most; raise initial or widen jitter"}),
    case("a herd that spreads over 400 ms", QUIET | {"initial": "400ms", "max_delay": "800ms", "classes": {"throttle": {"initial": "800ms"}}}),
    case("a herd under a list", {"budget": "api", "backoff": ["10ms"], "attempts": 3}, "herd-window"),
    case("throttled calls wait as short as others", QUIET | {"initial": "500ms", "max_delay": "1s"}, "throttle-shares-base",
         texts={"throttle-shares-base": "initial is 500ms after throttling too, though the server says it is overloaded; give classes.throttle an initial of 1s or more"}),
    case("a rule that retries 404", QUIET | {"rules": [{"http": 500, "class": "permanent"}, {"http": 404, "class": "transient"}]}, "retries-never-class",
         texts={"retries-never-class": "rules.1 retries status 404, which says that the request itself is wrong; give it class permanent, or add body_contains for the case you mean"}),
    case("a rule that retries a range", QUIET | {"rules": [{"http": "402-499", "class": "throttle"}]}, "retries-never-class"),
    case("a rule that retries one kind of 404", QUIET | {"rules": [{"http": 404, "body_contains": "not yet", "class": "transient"}]}),
    case("a rule that only says whether it was sent", QUIET | {"rules": [{"http": 404, "sent": "rejected"}]}),
    case("a rule that retries a duplicate key", QUIET | {"rules": [{"postgres": "23505", "class": "conflict"}]}, "retries-never-class",
         texts={"retries-never-class": "rules.0 retries what a constraint of the database forbids, which it will forbid again; give it class permanent"}),
    *[case(f"a rule that retries {domain} {code}", QUIET | {"rules": [{domain: code, "class": "conflict"}]}, "retries-never-class")
      for domain, code in (("postgres", "23"), ("postgres", "23P01"), ("mysql", 1062), ("mysql", "1450-1460"), ("sqlite", "SQLITE_CONSTRAINT_UNIQUE"),
                           ("sqlite", 2067), ("sqlite", 19), ("mongodb", 11000))],
    *[case(f"a rule for {domain} {code}, which no constraint forbids", QUIET | {"rules": [{domain: code, "class": "conflict"}]})
      for domain, code in (("postgres", "40001"), ("mysql", 1064), ("mysql", "1063-1100"), ("sqlite", "SQLITE_LOCKED"), ("mongodb", 11600), ("redis", "23505"))],
    case("a rule for one constraint", QUIET | {"rules": [{"mysql": 1062, "body_contains": "lease", "class": "conflict"}]}),
    case("a rule that only says that a duplicate key was rejected", QUIET | {"rules": [{"postgres": "23505", "sent": "rejected"}]}),
    case("a rule for 409", QUIET | {"rules": [{"http": 409, "class": "conflict"}]}),
    case("rules for names that do not exist", QUIET | {"rules": [{"dns": "EAI_NONAME", "class": "connect"}, {"dns": -5, "class": "connect"}, {"dns": "EAI_AGAIN", "class": "connect"}]},
         "notfound-dns", "notfound-dns"),

    case("many at once, in the order of the options",
         {"jitter": "none", "attempts": 6, "timeout": "1s", "attempt_timeout": "2s", "idempotent": True, "nested": "allow", "hint": {"max": "90s"},
          "initial": "200ms", "rules": [{"http": "400-403", "class": "transient"}]},
         "amplification", "deadline-unreachable", "attempt-timeout-exceeds-deadline", "cap-unreachable", "sleep-longer-than-attempt-timeout",
         "jitter-none", "hint-cap-above-deadline", "throttle-shares-base", "retries-never-class", "budget-missing",
         "retries-non-idempotent", "nested-retries"),
    case("a rule for a name that does not exist", QUIET | {"rules": [{"dns": "ENOTFOUND", "class": "connect"}]}, "notfound-dns",
         texts={"notfound-dns": "rules.0 retries a name that does not exist, which mostly is a mistake in the name; remove it unless names come and go"}),
    case("no budget", QUIET | {"budget": None}, "budget-missing",
         texts={"budget-missing": "no budget is shared by the calls, so in an outage each makes all its retries; write budget with a name for what is called"}),
    case("no budget, and nothing to retry", {"attempts": 1}),
    case("a bucket of three retries", own({"capacity": 42})),
    case("a bucket of fewer", own({"capacity": 41}), "budget-too-small",
         texts={"budget-too-small": "budget.capacity is 41 and a retry takes 14, so a full budget allows fewer than 3 retries; raise capacity or lower cost"}),
    case("a bucket of fewer for one class", own({"capacity": 100}) | {"classes": {"throttle": {"initial": "1s", "cost": 34}, "timeout": {"cost": 33}}},
         "budget-too-small",
         texts={"budget-too-small": "budget.capacity is 100 and a retry takes 34, so a full budget allows fewer than 3 retries; raise capacity or lower cost"}),
    case("a bucket of few for all but one class", own({"capacity": 20}) | {"classes": {"conflict": {"cost": 1}}}, "budget-too-small"),
    case("a bucket whose retries cost nothing", own({"cost": 0, "reward": 0})),
    case("a bucket without reward", own({"reward": 0}), "budget-never-refills",
         texts={"budget-never-refills": "budget.reward is 0, so a budget that is used up stays so, and nothing is retried any more; raise reward"}),
    case("a bucket without reward whose retries cost nothing but of one class", own({"cost": 0, "reward": 0}) | {"classes": {"timeout": {"cost": 1}}},
         "budget-never-refills"),
    case("a budget of failures that retries three", own({"mode": "failures", "capacity": 7})),
    case("a budget of failures that retries two", own({"mode": "failures", "capacity": 6, "reward": 0}), "budget-too-small", "budget-never-refills",
         texts={"budget-too-small":
                "budget.capacity is 6 and a failure takes 1, so half of a full budget is gone before 3 failures are retried; raise capacity or lower cost"}),
    case("a window that reserves three", own({"mode": "window", "min_per_second": 1, "ttl": "3s"})),
    case("a window that reserves two", own({"mode": "window", "min_per_second": 1, "ttl": "2s"}), "budget-too-small",
         texts={"budget-too-small":
                "budget.min_per_second is 1 and budget.ttl 2s, so after a quiet time fewer than 3 retries are allowed; raise min_per_second"}),
    case("a window that only time fills", own({"mode": "window", "ratio": 0})),
    case("a window of nothing", own({"mode": "window", "ratio": 0, "min_per_second": 0}), "budget-too-small", "budget-never-refills",
         texts={"budget-never-refills": "budget.ratio and budget.min_per_second are 0, so nothing is ever retried; raise one of them"}),
]

SOURCE = "SEMANTICS 16; tests/README.md, \"Lints\""
def hedge(name, options, **texts):
    return {"name": name, "options": options, "texts": {code.replace("_", "-"): text for code, text in texts.items()}}


TWICE = "so most calls are made twice; raise delay to what 95 of 100 attempts stay below"
HEDGES = [
    hedge("nothing is known of the calls", {"delay": "50ms"}),
    hedge("a delay that most attempts stay below", {"delay": "200ms", "p50": "50ms", "idempotent": True}),
    hedge("a delay of half of the attempts", {"delay": "50ms", "p50": "50ms"}),
    hedge("a delay below it", {"delay": "50ms", "p50": "50001us"},
          hedge_below_p50=f"delay is 50ms, but half of the attempts take 50001us or longer, {TWICE}"),
    hedge("all at once", {"delay": "0s", "p50": "1s", "attempts": 3}, hedge_below_p50=f"delay is 0s, but half of the attempts take 1s or longer, {TWICE}"),
    hedge("calls that may not be repeated", {"delay": "1s", "attempts": 4, "idempotent": False},
          hedge_not_idempotent="idempotent is false, but a hedged call is made up to 4 times side by side; hedge only what may be repeated"),
    hedge("both", {"delay": "1ms", "jitter": "5s", "p50": "2s", "idempotent": False},
          hedge_below_p50=f"delay is 1ms, but half of the attempts take 2s or longer, {TWICE}",
          hedge_not_idempotent="idempotent is false, but a hedged call is made up to 2 times side by side; hedge only what may be repeated"),
    hedge("one attempt is no hedge", {"delay": "1ms", "attempts": 1, "p50": "2s", "idempotent": False}),
    hedge("null is not known", {"delay": "1ms", "p50": None, "idempotent": None}),
]


def hedge_refused(name, options, *expect):
    return {"name": name, "options": options, "expect": [dict(zip(("code", "pointer", "text"), problem)) for problem in expect]}


NO_HEDGES = [
    hedge_refused("no delay, and what is none", {"p50": 5, "idempotent": "yes", "budget": "api"},
                  ("bare_number", "/p50"), ("wrong_kind", "/idempotent", 'idempotent is "yes", allowed true or false or null; write one of these'),
                  ("unknown_option", "/budget", "budget is not an option, allowed delay, attempts, jitter, p50 or idempotent; correct or remove it"),
                  ("missing_option", "/delay", 'delay is missing, allowed a time in us, ms, s, m or h as "30s"; write it')),
]

FILES = [
    file("lint-presets", "lint", "Presets have nothing above info.", SOURCE, PRESETS),
    file("lint-findings", "lint", "Each finding, where it is made and where it is not.", SOURCE, FINDINGS),
    file("lint-hedge", "hedge_lint", "What a reviewer would say of a hedge.", "SEMANTICS 10 and 16", HEDGES),
    file("lint-hedge-refused", "hedge_lint_refusal", "What is no hedge; all mistakes at once.", "CONVENTIONS, \"Errors\"", NO_HEDGES),
]
