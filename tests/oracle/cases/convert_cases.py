from cases import file

INFO, WARNING = "info", "warning"


def case(name, source, settings, policy, *findings, looser=False, shares=None, texts=None):
    """`policy` (in our words), `findings` ("level code pointer") and `texts`, by code, by hand: held against the library's formulas.
    `shares`: percentages of waits at the cap, by retry, as the sentence says them. `looser`: waits may begin lower."""
    return {"name": name, "source": source, "settings": settings, "policy": policy, "findings": list(findings), "looser": looser,
            "shares": shares or {}, "texts": texts or {}}


def refused(name, source, settings, *problems, texts=None):
    given = [problem.split(" ") for problem in problems]
    expect = [{"code": code, "pointer": (pointer or [""])[0]} for code, *pointer in given]
    for at, text in (texts or {}).items():
        expect[at]["text"] = text
    return {"name": name, "source": source, "settings": settings, "expect": expect}


OVERSHOOTS = "info timeout-overshoots /timeout"
COLLAPSES = "warning jitter-collapses-at-cap /wait_max"
STAMINA = [
    case("stamina's defaults are the preset", "stamina", {}, {"preset": "stamina"}, OVERSHOOTS, COLLAPSES, shares={6: 0, 7: 100},
         texts={"jitter-collapses-at-cap": "the cap is applied after the jitter: from retry 7 on 100 percent of the waits are exactly 5s, and clients that fail together stay together; the policy draws below the cap instead",
                "timeout-overshoots": "only what has passed counts, so the last wait may end after 45s and an attempt still start; the policy never waits past timeout"}),
    case("few attempts never come to the cap", "stamina", {"attempts": 6}, {"preset": "stamina", "attempts": 6}, OVERSHOOTS),
    case("no limits at all are forever", "stamina", {"attempts": None, "timeout": None}, {"preset": "stamina", "forever": True},
         "warning deadline-missing ", COLLAPSES),
    case("no limit of attempts", "stamina", {"attempts": None, "timeout": 10}, {"preset": "stamina", "attempts": None, "timeout": "10s"}, OVERSHOOTS, COLLAPSES),
    case("a timeout of nothing never retries", "stamina", {"timeout": 0}, {"preset": "stamina", "attempts": 1, "timeout": None},
         "warning deadline-unreachable /timeout"),
    case("no attempts are one", "stamina", {"attempts": 0}, {"preset": "stamina", "attempts": 1}, "warning clamped-count /attempts"),
    case("without jitter", "stamina", {"wait_jitter": 0}, {"preset": "stamina", "jitter": "none"}, OVERSHOOTS, "warning jitter-none /wait_jitter"),
    case("a first wait above the cap", "stamina", {"wait_initial": 6, "wait_max": 5, "wait_jitter": 0.5, "attempts": 3},
         {"attempts": 3, "backoff": "constant", "initial": "4500ms", "jitter": {"additive": "500ms"}}, OVERSHOOTS,
         "warning base-above-cap /wait_initial", COLLAPSES, looser=True, shares={1: 100},
         texts={"base-above-cap": "the first wait is 6s, above the cap of 5s, so waits never grow; raise the cap or lower the first wait"}),
    case("a jitter as wide as the cap", "stamina", {"wait_jitter": 5, "attempts": 3}, {"attempts": 3, "backoff": "constant", "initial": "5s"},
         OVERSHOOTS, COLLAPSES, "warning not-converted /wait_jitter", looser=True, shares={1: 2, 2: 4}),
    case("a base of 1 is constant", "stamina", {"wait_exp_base": 1, "wait_initial": 2}, {"backoff": "constant", "initial": "2s", "jitter": {"additive": "1s"}}, OVERSHOOTS),
    case("a base above 10 is a list", "stamina", {"wait_exp_base": 16, "wait_initial": 0.25, "wait_max": 60, "wait_jitter": 0.5, "attempts": 5},
         {"attempts": 5, "backoff": ["250ms", "4s", "59500ms"], "jitter": {"additive": "500ms"}}, OVERSHOOTS, COLLAPSES),
    case("a base below 1 goes down", "stamina", {"wait_exp_base": 0.5, "wait_initial": 4, "attempts": 4, "wait_jitter": 0},
         {"attempts": 4, "backoff": ["4s", "2s", "1s"], "jitter": "none"}, OVERSHOOTS, "warning jitter-none /wait_jitter"),
    case("jitter alone", "stamina", {"wait_initial": 0, "wait_jitter": 2}, {"backoff": "constant", "initial": "2s"}, OVERSHOOTS),
    case("on belongs to the process", "stamina", {"on": "ValueError"}, {"preset": "stamina"}, "info not-converted /on", OVERSHOOTS, COLLAPSES),
]

FIXED = {"stop": {"stop_after_attempt": 5}}
NO_JITTER = "warning jitter-none /wait"
TENACITY = [
    case("tenacity's defaults wait nothing, for ever", "tenacity", {}, {"forever": True, "backoff": ["0s"], "jitter": "none"},
         "warning deadline-missing /stop", NO_JITTER,
         texts={"jitter-none": "retries wait nothing, so all clients that fail together hit the server again at once; give the policy waits with jitter full"}),
    case("stops by any of two", "tenacity", {"stop": {"stop_any": [{"stop_after_attempt": 5}, {"stop_after_delay": 10}]}, "wait": {"wait_fixed": 2}},
         {"attempts": 5, "timeout": "10s", "backoff": "constant", "initial": "2s", "jitter": "none"}, "info timeout-overshoots /stop", NO_JITTER),
    case("a limit that looks ahead", "tenacity", {"stop": {"stop_before_delay": 10}, "wait": {"wait_fixed": 2}},
         {"attempts": None, "timeout": "10s", "backoff": "constant", "initial": "2s", "jitter": "none"}, NO_JITTER),
    case("stops by both of two cannot be said", "tenacity", {"stop": {"stop_all": [{"stop_after_attempt": 5}, {"stop_after_delay": 10}]}, "wait": {"wait_fixed": 2}},
         {"attempts": 5, "timeout": "10s", "backoff": "constant", "initial": "2s", "jitter": "none"},
         "warning not-converted /stop/stop_all", "info timeout-overshoots /stop", NO_JITTER),
    case("an event is the process's", "tenacity", {"stop": {"stop_any": [{"stop_when_event_set": True}, {"stop_after_attempt": 3}]}, "wait": {"wait_fixed": 2}},
         {"attempts": 3, "timeout": None, "backoff": "constant", "initial": "2s", "jitter": "none"},
         "info not-converted /stop/stop_any/0/stop_when_event_set", NO_JITTER),
    case("fixed and random waits", "tenacity", FIXED | {"wait": {"wait_combine": [{"wait_fixed": 3}, {"wait_random": {"min": 0, "max": 2}}]}},
         {"attempts": 5, "timeout": None, "backoff": "constant", "initial": "3s", "jitter": {"additive": "2s"}}),
    case("random waits", "tenacity", FIXED | {"wait": {"wait_random": {"min": 1, "max": 3}}},
         {"attempts": 5, "timeout": None, "backoff": "constant", "initial": "1s", "jitter": {"additive": "2s"}}),
    case("exponential waits", "tenacity", FIXED | {"wait": {"wait_exponential": {"multiplier": 0.5, "max": 3}}},
         {"attempts": 5, "timeout": None, "initial": "500ms", "max_delay": "3s", "jitter": "none"}, NO_JITTER),
    case("exponential waits without a cap end where attempts do", "tenacity", FIXED | {"wait": {"wait_exponential": {"exp_base": 3}}},
         {"attempts": 5, "timeout": None, "initial": "1s", "factor": 3, "max_delay": "27s", "jitter": "none"}, NO_JITTER),
    case("exponential waits without a cap or an end", "tenacity", {"wait": {"wait_exponential": {}}},
         {"forever": True, "initial": "1s", "max_delay": "87600h", "jitter": "none"}, "warning deadline-missing /stop", NO_JITTER),
    case("a least wait above the first", "tenacity", {"stop": {"stop_after_attempt": 7}, "wait": {"wait_exponential": {"min": 4, "max": 10}}},
         {"attempts": 7, "timeout": None, "backoff": ["4s", "4s", "4s", "8s", "10s"], "jitter": "none"}, NO_JITTER),
    case("a least wait below the first changes nothing", "tenacity", FIXED | {"wait": {"wait_exponential": {"min": 1, "max": 10}}},
         {"attempts": 5, "timeout": None, "initial": "1s", "max_delay": "10s", "jitter": "none"}, NO_JITTER),
    case("random exponential waits are full jitter", "tenacity", FIXED | {"wait": {"wait_random_exponential": {"max": 5}}},
         {"attempts": 5, "timeout": None, "initial": "1s", "max_delay": "5s"}),
    case("random exponential waits from a least one", "tenacity", FIXED | {"wait": {"wait_random_exponential": {"max": 5, "min": 0.5}}},
         {"attempts": 5, "timeout": None, "initial": "1s", "max_delay": "5s"}, "warning not-converted /wait", looser=True),
    case("exponential jitter parks on its cap", "tenacity", {"stop": {"stop_after_attempt": 9}, "wait": {"wait_exponential_jitter": {"max": 10}}},
         {"attempts": 9, "timeout": None, "initial": "1s", "max_delay": "10s", "jitter": {"additive": "1s"}},
         "warning jitter-collapses-at-cap /wait", shares={4: 0, 5: 100}),
    case("exponential jitter that only begins to park", "tenacity", FIXED | {"wait": {"wait_exponential_jitter": {"initial": 2, "jitter": 8, "max": 20}}},
         {"attempts": 5, "timeout": None, "initial": "2s", "max_delay": "20s", "jitter": {"additive": "8s"}},
         "warning jitter-collapses-at-cap /wait", shares={4: 50},
         texts={"jitter-collapses-at-cap": "the cap is applied after the jitter: of the waits before retry 4, 50 percent are exactly the cap, and those clients come back together; the policy draws below the cap instead"}),
    case("a cap inside a sum", "tenacity", {"stop": {"stop_after_attempt": 6}, "wait": {"wait_combine": [{"wait_exponential": {"max": 4}}, {"wait_random": {}}]}},
         {"attempts": 6, "timeout": None, "initial": "1s", "max_delay": "5s", "jitter": {"additive": "1s"}}),
    case("a cap inside a sum that ends its jitter", "tenacity",
         {"stop": {"stop_after_attempt": 5}, "wait": {"wait_combine": [{"wait_fixed": 1}, {"wait_exponential_jitter": {"max": 2}}]}},
         {"attempts": 5, "timeout": None, "backoff": "constant", "initial": "3s"},
         "warning jitter-collapses-at-cap /wait", "warning not-converted /wait", looser=True,
         texts={"jitter-collapses-at-cap": "a cap inside is applied after its jitter: from retry 2 on 100 percent of what it is applied to are exactly 2s; the policy has no such cap inside",
                "not-converted": "no jitter of a policy gives waits between these ends; it draws from 0 to the same longest waits"}),
    case("a chain whose last wait parks on its cap", "tenacity",
         {"stop": {"stop_after_attempt": 6}, "wait": {"wait_chain": [{"wait_fixed": 1}, {"wait_exponential_jitter": {"max": 4}}]}},
         {"attempts": 6, "timeout": None, "backoff": ["1s", "3s", "4s"]},
         "warning jitter-collapses-at-cap /wait", "warning not-converted /wait", looser=True),
    case("two random parts become one", "tenacity", FIXED | {"wait": {"wait_combine": [{"wait_random": {"max": 2}}, {"wait_random": {"max": 3}}]}},
         {"attempts": 5, "timeout": None, "backoff": "constant", "initial": "5s"}, "info not-converted /wait"),
    case("a chain is a list, and its last goes on", "tenacity", {"stop": {"stop_after_attempt": 8}, "wait": {"wait_chain": [{"wait_fixed": 1}, {"wait_fixed": 1}, {"wait_fixed": 5}]}},
         {"attempts": 8, "timeout": None, "backoff": ["1s", "1s", "5s"], "jitter": "none"}, NO_JITTER),
    case("a chain with a random end", "tenacity", FIXED | {"wait": {"wait_chain": [{"wait_fixed": 1}, {"wait_random": {"max": 4}}]}},
         {"attempts": 5, "timeout": None, "backoff": ["1s", "4s"]}, "warning not-converted /wait", looser=True),
    case("steps of one size are linear", "tenacity", FIXED | {"wait": {"wait_incrementing": {"start": 2, "increment": 2, "max": 100}}},
         {"attempts": 5, "timeout": None, "backoff": "linear", "initial": "2s", "max_delay": "100s", "jitter": "none"}, NO_JITTER),
    case("steps after another first one are a list", "tenacity", FIXED | {"wait": {"wait_incrementing": {"start": 1, "increment": 2, "max": 6}}},
         {"attempts": 5, "timeout": None, "backoff": ["1s", "3s", "5s", "6s"], "jitter": "none"}, NO_JITTER),
    case("steps without an end are cut", "tenacity", {"stop": {"stop_after_attempt": 100}, "wait": {"wait_incrementing": {"start": 1, "increment": 2}}},
         {"attempts": 100, "timeout": None, "backoff": [f"{2 * n - 1}s" for n in range(1, 65)], "jitter": "none"},
         NO_JITTER, "info not-converted /wait"),
    case("exponential waits that hardly grow are cut too", "tenacity", {"stop": {"stop_after_attempt": 100}, "wait": {"wait_exponential": {"exp_base": 1.01}}},
         {"attempts": 100, "timeout": None, "initial": "1s", "factor": 1.01, "max_delay": "1871744us", "jitter": "none"}, NO_JITTER, "info not-converted /wait"),
    case("switched off", "tenacity", FIXED | {"enabled": False, "wait": {"wait_fixed": 1}},
         {"attempts": 1, "timeout": None, "backoff": "constant", "initial": "1s", "jitter": "none"}),
    case("what a policy has nothing for", "tenacity",
         FIXED | {"wait": {"wait_exception": True}, "retry": "types", "reraise": False, "sleep": 1, "before": 1, "retry_error_callback": 1, "name": "x"},
         {"attempts": 5, "timeout": None, "backoff": ["0s"], "jitter": "none"},
         "warning not-converted /wait/wait_exception", "info not-converted /retry", "info not-converted /reraise", "info not-converted /sleep",
         "info not-converted /before", "warning not-converted /retry_error_callback", "info not-converted /name"),
]

CLOCK, CUT = "info wall-clock /respect_retry_after_header", "info not-converted /retry_after_max"
URLLIB3_HINT = {"hint": {"max": "6h"}}
# What an empty list leaves of the tables: 413, 429 and 503 are retried with Retry-After.
ONLY_HINTED = [{"http": statuses, "class": "permanent"} for statuses in ("400-412", "414-428", "430-502", "504-599")]
GATEWAYS = [{"http": statuses, "class": "permanent"} for statuses in ("400-412", "414-428", "430-501", "505-599")]
URLLIB3 = [
    case("urllib3's defaults wait nothing", "urllib3", {},
         {"attempts": 11, "timeout": None, "backoff": ["0s"], "jitter": "none", **URLLIB3_HINT, "rules": ONLY_HINTED},
         "warning jitter-none /backoff_jitter", CLOCK, CUT,
         texts={"wall-clock": "dates in Retry-After are measured by the client's own wall clock, which may be wrong or set; the policy goes by the response's Date"}),
    case("a ladder whose first step is nothing", "urllib3", {"total": 5, "backoff_factor": 0.1, "status_forcelist": [502, 503, 504]},
         {"attempts": 6, "timeout": None, "first": "immediate", "initial": "200ms", "max_delay": "120s", "jitter": "none", **URLLIB3_HINT, "rules": GATEWAYS},
         "warning jitter-none /backoff_jitter", CLOCK, CUT),
    case("jitter that parks on the cap", "urllib3", {"total": 7, "backoff_factor": 0.5, "backoff_max": 5, "backoff_jitter": 1, "status_forcelist": [502, 503, 504]},
         {"attempts": 8, "timeout": None, "first": "immediate", "initial": "1s", "max_delay": "5s", "jitter": {"additive": "1s"}, **URLLIB3_HINT, "rules": GATEWAYS},
         "warning jitter-collapses-at-cap /backoff_max", CLOCK, CUT, shares={4: 0, 5: 100}),
    case("jitter alone comes after the first", "urllib3", {"total": 3, "backoff_jitter": 2},
         {"attempts": 4, "timeout": None, "first": "immediate", "backoff": "constant", "initial": "2s", **URLLIB3_HINT, "rules": ONLY_HINTED}, CLOCK, CUT),
    case("no retries", "urllib3", {"total": False}, {"attempts": 1, "timeout": None, "backoff": ["0s"], "jitter": "none", **URLLIB3_HINT}),
    case("limits of kinds", "urllib3", {"total": 5, "connect": 2, "read": 0, "redirect": 3, "status": 1, "other": 5, "backoff_jitter": 1},
         {"attempts": 6, "timeout": None, "first": "immediate", "backoff": "constant", "initial": "1s", **URLLIB3_HINT,
          "classes": {"connect": {"attempts": 3}, "timeout": {"attempts": 1}}, "rules": ONLY_HINTED},
         "info not-converted /read", "warning not-converted /status", "info not-converted /redirect", CLOCK, CUT),
    case("kinds without a total", "urllib3", {"total": None, "connect": 1, "read": 1, "status": 1, "other": 0, "backoff_jitter": 1},
         {"attempts": 4, "timeout": None, "first": "immediate", "backoff": "constant", "initial": "1s", **URLLIB3_HINT,
          "classes": {"connect": {"attempts": 2}, "timeout": {"attempts": 2}}, "rules": ONLY_HINTED},
         "info not-converted /total", "info not-converted /read", "warning not-converted /status", "warning not-converted /other", CLOCK, CUT),
    case("no total and no kinds", "urllib3", {"total": None, "backoff_jitter": 1},
         {"forever": True, "first": "immediate", "backoff": "constant", "initial": "1s", **URLLIB3_HINT, "rules": ONLY_HINTED},
         "warning deadline-missing ", CLOCK, CUT),
    case("statuses that the tables do not retry", "urllib3", {"status_forcelist": [202, 404, 409, 413, 429], "backoff_jitter": 1},
         {"attempts": 11, "timeout": None, "first": "immediate", "backoff": "constant", "initial": "1s", **URLLIB3_HINT,
          "rules": [{"http": 202, "class": "transient"}, {"http": 404, "class": "transient"},
                    {"http": "405-408", "class": "permanent"}, {"http": 409, "class": "conflict"}, {"http": 413, "class": "transient"},
                    {"http": "414-428", "class": "permanent"}, {"http": "430-502", "class": "permanent"}, {"http": "504-599", "class": "permanent"}]},
         CLOCK, CUT),
    case("the server's waits are ignored", "urllib3", {"respect_retry_after_header": False, "backoff_jitter": 1},
         {"attempts": 11, "timeout": None, "first": "immediate", "backoff": "constant", "initial": "1s", "hint": "ignore",
          "rules": [{"http": "400-599", "class": "permanent"}]}),
    case("every method", "urllib3", {"allowed_methods": None, "backoff_jitter": 1},
         {"attempts": 11, "timeout": None, "first": "immediate", "backoff": "constant", "initial": "1s", **URLLIB3_HINT, "rules": ONLY_HINTED, "idempotent": True},
         CLOCK, CUT, "warning retries-non-idempotent /allowed_methods"),
    case("POST, and not all of the others", "urllib3", {"allowed_methods": ["GET", "POST"], "backoff_jitter": 1},
         {"attempts": 11, "timeout": None, "first": "immediate", "backoff": "constant", "initial": "1s", **URLLIB3_HINT, "rules": ONLY_HINTED, "idempotent": True},
         CLOCK, CUT, "warning retries-non-idempotent /allowed_methods", "info not-converted /allowed_methods"),
    case("what the client does by itself", "urllib3",
         {"backoff_jitter": 1, "raise_on_redirect": False, "raise_on_status": False, "remove_headers_on_redirect": ["X-Key"], "history": [1], "retry_after_max": 60},
         {"attempts": 11, "timeout": None, "first": "immediate", "backoff": "constant", "initial": "1s", "hint": {"max": "60s"}, "rules": ONLY_HINTED},
         "info not-converted /raise_on_redirect", "info not-converted /raise_on_status", "info not-converted /remove_headers_on_redirect",
         "warning not-converted /history", CLOCK, CUT),
    case("defaults that are written say nothing more", "urllib3",
         {"backoff_jitter": 1, "raise_on_redirect": True, "raise_on_status": True, "remove_headers_on_redirect": ["cookie", "Proxy-Authorization", "authorization"],
          "history": [], "allowed_methods": ["TRACE", "HEAD", "GET", "PUT", "DELETE", "OPTIONS"], "status_forcelist": None, "connect": None},
         {"attempts": 11, "timeout": None, "first": "immediate", "backoff": "constant", "initial": "1s", **URLLIB3_HINT, "rules": ONLY_HINTED}, CLOCK, CUT),
]


def retry_policy(**changed):
    return {"maxAttempts": 4, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"], **changed}


# Beside UNAVAILABLE, the tables retry these.
UNAVAILABLE = [{"grpc": "DEADLINE_EXCEEDED", "class": "permanent"}, {"grpc": "ABORTED", "class": "permanent"}]
NO_BUDGET = {"preset": "grpc", "budget": None}
GRPC = [
    case("the example of A6 is the preset with its codes", "grpc",
         {"methodConfig": [{"name": [{"service": "s"}], "retryPolicy": retry_policy()}], "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1}},
         {"preset": "grpc", "rules": UNAVAILABLE}),
    case("more than five attempts are five", "grpc", {"methodConfig": [{"retryPolicy": retry_policy(maxAttempts=9)}]},
         NO_BUDGET | {"attempts": 5, "rules": UNAVAILABLE}, "warning clamped-count /methodConfig/0/retryPolicy/maxAttempts",
         texts={"clamped-count": "it is 9, which gRPC takes as 5 without a word; write 5, or more attempts into the policy if you mean them"}),
    case("waits a fifth above the cap", "grpc", {"methodConfig": [{"retryPolicy": retry_policy(maxBackoff="0.4s")}]},
         NO_BUDGET | {"max_delay": "400ms", "rules": UNAVAILABLE}, "info jitter-exceeds-cap /methodConfig/0/retryPolicy/maxBackoff",
         texts={"jitter-exceeds-cap": "the jitter of a fifth comes after it, so waits reach 480ms; the policy keeps below what is written"}),
    case("a first wait above the cap", "grpc", {"methodConfig": [{"retryPolicy": retry_policy(initialBackoff="2s")}]},
         NO_BUDGET | {"backoff": "constant", "initial": "1s", "max_delay": "1s", "rules": UNAVAILABLE},
         "warning base-above-cap /methodConfig/0/retryPolicy/initialBackoff", "info jitter-exceeds-cap /methodConfig/0/retryPolicy/maxBackoff"),
    case("a multiplier of 1.3", "grpc", {"methodConfig": [{"timeout": "30s", "retryPolicy": retry_policy(maxAttempts=5, initialBackoff="1s", maxBackoff="10s", backoffMultiplier=1.3)}]},
         NO_BUDGET | {"attempts": 5, "timeout": "30s", "initial": "1s", "max_delay": "10s", "factor": 1.3, "rules": UNAVAILABLE}),
    case("codes by number and name", "grpc", {"methodConfig": [{"retryPolicy": retry_policy(retryableStatusCodes=[14, "resource_exhausted", "INTERNAL", 10])}]},
         NO_BUDGET | {"rules": [{"grpc": "DEADLINE_EXCEEDED", "class": "permanent"}, {"grpc": "RESOURCE_EXHAUSTED", "class": "throttle"},
                                {"grpc": "INTERNAL", "class": "transient"}]}),
    case("the limit of an attempt", "grpc", {"methodConfig": [{"retryPolicy": retry_policy(perAttemptRecvTimeout="2s")}]},
         NO_BUDGET | {"attempt_timeout": "2s", "rules": UNAVAILABLE}),
    case("the first of several methods that retries", "grpc",
         {"methodConfig": [{"waitForReady": True}, {"retryPolicy": retry_policy(), "waitForReady": True}, {"retryPolicy": retry_policy()}], "loadBalancingPolicy": "x"},
         NO_BUDGET | {"rules": UNAVAILABLE},
         "info not-converted /methodConfig/0", "info not-converted /methodConfig/1/waitForReady", "info not-converted /methodConfig/2",
         "info not-converted /loadBalancingPolicy"),
    case("hedging is no retrying", "grpc", {"methodConfig": [{"hedgingPolicy": {"maxAttempts": 6, "hedgingDelay": "0.5s", "nonFatalStatusCodes": ["UNAVAILABLE"]}}]},
         {"attempts": 1, "timeout": None, "hint": {"mode": "exact", "resets": True}},
         "warning clamped-count /methodConfig/0/hedgingPolicy/maxAttempts", "warning not-converted /methodConfig/0/hedgingPolicy",
         texts={"not-converted": "a policy makes one attempt after the other; begin the next one beside the first with a Hedge, delay 500ms and attempts 5"}),
    case("a config that never retries", "grpc", {"methodConfig": [{"timeout": "1s"}]}, {"attempts": 1, "timeout": "1s", "hint": {"mode": "exact", "resets": True}}),
    case("a ratio with four places", "grpc", {"methodConfig": [{"retryPolicy": retry_policy()}], "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1239}},
         {"preset": "grpc", "budget": {"name": "grpc", "mode": "failures", "capacity": 100, "cost": 1, "reward": 0.123}, "rules": UNAVAILABLE},
         "info not-converted /retryThrottling/tokenRatio"),
]

P_RETRY = [
    case("p-retry's defaults have no jitter", "p-retry", {}, {"attempts": 11, "timeout": None, "initial": "1s", "max_delay": "512s", "jitter": "none"},
         "warning jitter-none /randomize",
         texts={"jitter-none": "waits are not random, so clients that fail together come back together at every retry; give the policy jitter full"}),
    case("randomized waits are equal jitter from twice the first", "p-retry", {"retries": 3, "randomize": True},
         {"attempts": 4, "timeout": None, "initial": "2s", "max_delay": "8s", "jitter": "equal"}),
    case("randomized waits park on the cap", "p-retry", {"retries": 8, "randomize": True, "minTimeout": 500, "maxTimeout": 10_000},
         {"attempts": 9, "timeout": None, "initial": "1s", "max_delay": "10s", "jitter": "equal"}, "warning jitter-collapses-at-cap /maxTimeout",
         shares={5: 75, 6: 100}),
    case("a limit of time", "p-retry", {"retries": 2, "maxRetryTime": 5000, "minTimeout": 250},
         {"attempts": 3, "timeout": "5s", "initial": "250ms", "max_delay": "500ms", "jitter": "none"}, "info timeout-overshoots /maxRetryTime",
         "warning jitter-none /randomize",
         texts={"timeout-overshoots": "the last wait is cut to what is left of 5s, and an attempt starts when the time is over; the policy gives up instead, or write on_timeout with min_attempt"}),
    case("no limit, as JSON writes Infinity", "p-retry", {"retries": None, "maxTimeout": 60_000, "maxRetryTime": None},
         {"forever": True, "initial": "1s", "max_delay": "60s", "jitter": "none"}, "warning deadline-missing ", "warning jitter-none /randomize"),
    case("a factor of 0 counts as 1", "p-retry", {"factor": 0}, {"attempts": 11, "timeout": None, "backoff": "constant", "initial": "1s", "jitter": "none"},
         "warning jitter-none /randomize"),
    case("a factor of 1.5", "p-retry", {"factor": 1.5, "retries": 4}, {"attempts": 5, "timeout": None, "initial": "1s", "factor": 1.5, "max_delay": "3375ms", "jitter": "none"},
         "warning jitter-none /randomize"),
    case("a least wait above the longest", "p-retry", {"minTimeout": 2000, "maxTimeout": 1000}, {"attempts": 11, "timeout": None, "backoff": "constant", "initial": "1s", "jitter": "none"},
         "warning base-above-cap /minTimeout", "warning jitter-none /randomize"),
    case("no time to retry", "p-retry", {"maxRetryTime": 0}, {"attempts": 1, "timeout": None, "backoff": "exponential", "initial": "1s", "max_delay": "1s", "jitter": "none"} | {"backoff": "constant"},
         "warning deadline-unreachable /maxRetryTime"),
    case("what belongs to a call", "p-retry", {"retries": 0, "unref": True, "signal": 1, "onFailedAttempt": 1, "shouldRetry": 1, "shouldConsumeRetry": 1},
         {"attempts": 1, "timeout": None, "backoff": "constant", "initial": "1s", "jitter": "none"},
         "info not-converted /unref", "info not-converted /signal", "info not-converted /onFailedAttempt", "warning not-converted /shouldRetry",
         "warning not-converted /shouldConsumeRetry"),
    case("timers that hold the process", "p-retry", {"retries": 0, "unref": False}, {"attempts": 1, "timeout": None, "backoff": "constant", "initial": "1s", "jitter": "none"}),
]

AWS = [
    case("AWS's defaults are the preset", "aws", {}, {"preset": "aws"}),
    case("other variables are not looked at", "aws", {"PATH": "/bin", "AWS_PROFILE": "x", "AWS_MAX_ATTEMPTS": "7", "AWS_RETRY_MODE": "Standard", "AWS_NEW_RETRIES_2026": "True"},
         {"preset": "aws", "attempts": 7}),
    case("adaptive mode", "aws", {"AWS_RETRY_MODE": "adaptive"}, {"preset": "aws"}, "warning not-converted /AWS_RETRY_MODE", "info wall-clock /AWS_RETRY_MODE"),
    case("legacy mode", "aws", {"AWS_RETRY_MODE": "legacy"}, {"attempts": 5, "timeout": None, "initial": "1s", "max_delay": "8s", "hint": "ignore"},
         "info not-converted /AWS_RETRY_MODE"),
    case("legacy mode with its own attempts", "aws", {"AWS_RETRY_MODE": "legacy", "AWS_MAX_ATTEMPTS": "3"},
         {"attempts": 3, "timeout": None, "initial": "1s", "max_delay": "2s", "hint": "ignore"}, "info not-converted /AWS_RETRY_MODE"),
    case("retries of before 2026", "aws", {"AWS_NEW_RETRIES_2026": "false"}, {"preset": "aws"}, "info not-converted /AWS_NEW_RETRIES_2026"),
]

REFUSED = [
    refused("what is no map", "stamina", [], "wrong_kind", texts={0: "stamina's settings is a list, allowed a map; write one of these"}),
    refused("kinds of stamina's", "stamina", {"attempts": 0.5, "wait_max": -1, "wait_jitter": "1s", "wait": 3, "wait_exp_base": True},
            "wrong_kind /attempts", "out_of_range /wait_max", "wrong_kind /wait_jitter", "unknown_option /wait", "wrong_kind /wait_exp_base",
            texts={0: "attempts is 0.5, allowed a whole number or null; write one of these",
                   1: "wait_max is -1, allowed 0s to 87600h; write one in between",
                   3: "wait is not an option, allowed attempts, timeout, wait_initial, wait_max, wait_jitter, wait_exp_base or on; correct or remove it"}),
    refused("strategies that tenacity has not", "tenacity", {"stop": {"stop_after": 3}, "wait": {"wait_combine": [{"wait_fixed": "3"}, 5]}, "limit": 1},
            "unknown_option /stop/stop_after", "wrong_kind /wait/wait_combine/0/wait_fixed", "wrong_kind /wait/wait_combine/1", "unknown_option /limit"),
    refused("two strategies in one", "tenacity", {"wait": {"wait_fixed": 1, "wait_none": {}}}, "duplicate_option /wait/wait_none"),
    refused("an empty chain", "tenacity", {"wait": {"wait_chain": []}}, "wrong_kind /wait/wait_chain"),
    refused("kinds of urllib3's", "urllib3", {"total": "3", "status_forcelist": [500, "x", 99], "allowed_methods": [1], "respect_retry_after_header": 1},
            "wrong_kind /total", "wrong_kind /status_forcelist/1", "out_of_range /status_forcelist/2", "wrong_kind /allowed_methods/0",
            "wrong_kind /respect_retry_after_header"),
    refused("a retry policy that gRPC refuses", "grpc", {"methodConfig": [{}, {"retryPolicy": {"maxAttempts": 1, "initialBackoff": "100ms", "backoffMultiplier": 0}}]},
            "out_of_range /methodConfig/1/retryPolicy/maxAttempts", "wrong_kind /methodConfig/1/retryPolicy/initialBackoff",
            "out_of_range /methodConfig/1/retryPolicy/backoffMultiplier", "missing_option /methodConfig/1/retryPolicy/maxBackoff",
            "missing_option /methodConfig/1/retryPolicy/retryableStatusCodes",
            texts={1: "methodConfig.1.retryPolicy.initialBackoff is \"100ms\", allowed a time in seconds as \"0.1s\"; write one of these",
                   3: "methodConfig.1.retryPolicy.maxBackoff is missing, allowed a time in seconds as \"0.1s\"; write it"}),
    refused("retries and hedges of one method", "grpc", {"methodConfig": [{"retryPolicy": retry_policy(), "hedgingPolicy": {}}]},
            "duplicate_option /methodConfig/0/hedgingPolicy"),
    refused("codes and tokens that gRPC has not", "grpc",
            {"methodConfig": [{"retryPolicy": retry_policy(retryableStatusCodes=["UNAVAILABEL", 17, True])}], "retryThrottling": {"maxTokens": 1001}},
            "unknown_value /methodConfig/0/retryPolicy/retryableStatusCodes/0", "out_of_range /methodConfig/0/retryPolicy/retryableStatusCodes/1",
            "unknown_value /methodConfig/0/retryPolicy/retryableStatusCodes/2", "out_of_range /retryThrottling/maxTokens", "missing_option /retryThrottling/tokenRatio"),
    refused("options that p-retry has not", "p-retry", {"forever": True, "retries": 2.5, "min_timeout": 3, "randomize": 1},
            "unknown_option /forever", "wrong_kind /retries", "unknown_option /min_timeout", "wrong_kind /randomize"),
    refused("variables that mean nothing", "aws", {"AWS_MAX_ATTEMPTS": "0", "AWS_RETRY_MODE": "fast"}, "out_of_range /AWS_MAX_ATTEMPTS", "unknown_value /AWS_RETRY_MODE",
            texts={1: "AWS_RETRY_MODE is \"fast\", allowed standard, adaptive or legacy; write one of these"}),
]

SOURCE = "SEMANTICS 1 to 6 and 16; the libraries in the versions that oracle/convert.py names"
FILES = [
    *(file(f"convert-{name}", "convert", f"Settings of {title}, the policy they come to, and findings on them.", SOURCE, cases)
      for name, title, cases in (("stamina", "stamina", STAMINA), ("tenacity", "tenacity", TENACITY), ("urllib3", "urllib3", URLLIB3),
                                 ("grpc", "gRPC", GRPC), ("p-retry", "p-retry", P_RETRY), ("aws", "AWS' SDKs", AWS))),
    file("convert-refused", "convert_refusal", "Settings that their own libraries would refuse, every mistake at once.", SOURCE, REFUSED),
]
