from cases import file
from policy import PRESETS

SYSTEMS = ("curl", "grpc", "envoy", "aws")


def case(target, name, policy, *lines, findings=None, texts=None):
    """Lines and findings by hand are what the oracle must write; `texts` are sentences, by pointer."""
    return {"name": f"{target}: {name}", "target": target, "policy": policy, "lines": list(lines), "findings": findings, "texts": texts or {}}


OFTEN = "[408, 421, 425, 429, 500, 502, 503, 504, 509, 520, 521, 522, 523, 524, 529, 598, 599]"
ON = "connect-failure,refused-stream,reset,retriable-status-codes"
STEADY = {"attempts": 4, "timeout": None, "initial": "100ms", "max_delay": "1s", "jitter": {"proportional": 0.2},
          "hint": {"mode": "exact", "resets": True}, "idempotent": True}  # fmt: skip
ALL_KINDS = {
    "attempts": 7, "timeout": "30s", "on_timeout": {"clip": {"min_attempt": "1s"}}, "attempt_timeout": "2500ms", "backoff": ["0s", "1s", "2s"],
    "jitter": {"additive": "1s"}, "hint": {"mode": "exact", "max": "60s"}, "classes": {"throttle": {"attempts": 3}},
    "rules": [{"http": "500-503", "class": "transient"}, {"http": 599, "class": "permanent"}, {"grpc": "INTERNAL", "class": "transient"},
              {"postgres": "23", "class": "permanent"}, {"body_contains": "busy", "class": "throttle"}],
    "budget": {"name": "b", "mode": "window"}, "breaker": "other", "idempotent": False, "nested": "once",
}  # fmt: skip

CURL = [
    case("curl", "as standard", {}, "curl --retry 9 --retry-connrefused --retry-max-time 45 https://example.com/",
         findings=["info timeout-overshoots /timeout", "info not-converted /backoff", "warning jitter-none /jitter", "info not-converted /rules",
                   "warning retries-non-idempotent /idempotent"],
         texts={"/timeout": "timeout is 45s; curl begins no retry after 45s, in whole seconds, but lets an attempt go on; --max-time limits an attempt",
                "/backoff": "the delays here grow from 1s up to 10m in place of the policy's; retry in the program if these matter"}),
    case("curl", "its own delays", {"attempts": 8, "max_delay": "10m", "timeout": "2h", "jitter": "none", "idempotent": True, "hint": {"max": "2h"}},
         "curl --retry 7 --retry-connrefused --retry-max-time 7200 https://example.com/",
         findings=["info timeout-overshoots /timeout", "info not-converted /rules"]),
    case("curl", "whole seconds", {"attempts": 4, "timeout": "2500ms", "backoff": "constant", "initial": "200ms", "jitter": "none", "attempt_timeout": "300ms"},
         "curl --retry 3 --retry-connrefused --retry-delay 1 --retry-max-time 3 --max-time 0.3 https://example.com/"),
    case("curl", "a constant delay", {"attempts": 3, "timeout": None, "backoff": "constant", "initial": "5s", "jitter": "none"},
         "curl --retry 2 --retry-connrefused --retry-delay 5 https://example.com/"),
    case("curl", "for ever", {"forever": True}, "curl --retry 2147483647 --retry-connrefused https://example.com/"),
    case("curl", "one attempt", {"preset": "none", "timeout": "1500ms"}, "curl --max-time 1.5 https://example.com/", findings=[]),
]  # fmt: skip
GRPC = [
    case("grpc", "what it says itself", STEADY | {"rules": [{"grpc": "UNKNOWN", "class": "transient"}, {"grpc": "ABORTED", "class": "permanent"}]},
         "{", '  "methodConfig": [', "    {", '      "name": [{}],', '      "retryPolicy": {', '        "maxAttempts": 4,',
         '        "initialBackoff": "0.1s",', '        "maxBackoff": "1s",', '        "backoffMultiplier": 2,',
         '        "retryableStatusCodes": ["UNKNOWN", "DEADLINE_EXCEEDED", "UNAVAILABLE"]', "      }", "    }", "  ]", "}",
         findings=[]),
    case("grpc", "more than five attempts", STEADY | {"attempts": 6, "max_delay": "2s"},
         findings=["warning clamped-count /attempts"],
         texts={"/attempts": "there are more attempts than 5, which are the most that gRPC makes whatever is written; retry in the program if you need more"}),
    case("grpc", "a constant delay", STEADY | {"backoff": "constant", "max_delay": "120ms"}),
    case("grpc", "a budget that costs more", STEADY | {"budget": {"name": "b", "mode": "failures", "cost": 2}}),
    case("grpc", "a budget of three places", STEADY | {"budget": {"name": "b", "mode": "failures", "capacity": 1000, "reward": 0.0015}}),
    case("grpc", "a budget that is too large", STEADY | {"budget": {"name": "b", "mode": "failures", "capacity": 1001}}),
    case("grpc", "a time for each attempt", STEADY | {"attempt_timeout": "1500us", "factor": 1.5}),
    case("grpc", "no code", {"rules": [{"grpc": code, "class": "permanent"} for code in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED")]}),
]  # fmt: skip
ENVOY = [
    case("envoy", "as standard", {}, "timeout: 45s", "retry_policy:", "  num_retries: 9", f"  retry_on: {ON},deadline-exceeded,unavailable",
         f"  retriable_status_codes: {OFTEN}", "  retry_back_off:", "    base_interval: 1s", "    max_interval: 10s",
         "  rate_limited_retry_back_off:", "    reset_headers:", "    - name: Retry-After", "      format: SECONDS", "    max_interval: 120s",
         findings=["info not-converted /hint", "info not-converted /budget", "warning retries-non-idempotent /idempotent"]),
    case("envoy", "without hints", {"hint": "ignore", "timeout": None, "attempts": 2, "attempt_timeout": "250ms", "idempotent": True},
         "timeout: 0s", "retry_policy:", "  num_retries: 1", f"  retry_on: {ON},deadline-exceeded,unavailable", f"  retriable_status_codes: {OFTEN}",
         "  retry_back_off:", "    base_interval: 1s", "    max_interval: 10s", "  per_try_timeout: 0.25s", findings=["info not-converted /budget"]),
    case("envoy", "below a millisecond", {"initial": "300us", "max_delay": "1ms", "attempts": 4}),
    case("envoy", "one attempt with a limit", {"preset": "none", "attempt_timeout": "2s"}),
    case("envoy", "one attempt", {"preset": "none"}, "timeout: 0s", findings=[]),
    case("envoy", "for ever", {"forever": True}),
]  # fmt: skip
AWS = [
    case("aws", "as its preset", {"preset": "aws", "attempts": 5}, "AWS_RETRY_MODE=standard", "AWS_MAX_ATTEMPTS=5", findings=[]),
    case("aws", "any number of attempts", {"preset": "google"}, "AWS_RETRY_MODE=standard", "AWS_MAX_ATTEMPTS=2147483647"),
]  # fmt: skip
SHAPES = [
    case(target, name, policy)
    for target in SYSTEMS
    for name, policy in {
        "every kind of option": ALL_KINDS,
        "linear": {"backoff": "linear", "attempts": 4, "jitter": "equal"},
        "the first at once": {"first": "immediate", "jitter": "decorrelated", "attempts": 4},
        "a breaker of its own": {"breaker": {"name": "x"}, "nested": "share", "attempts": 3},
        "a bucket": {"budget": {"name": "b"}, "attempts": 3, "classes": {"connect": {"initial": "10ms"}}},
        "no wait at all": {"backoff": ["0s"], "jitter": "none", "max_delay": "1us"},
    }.items()
]
OF_PRESETS = [case(target, f"preset {name}", {"preset": name}) for target in SYSTEMS for name in PRESETS]

SOURCE = "DESIGN 7, \"Preview\"; gRPC A6; the manuals of curl, Envoy and AWS' SDKs"
FILES = [
    file("export", "export", "Policies as the settings of other systems, with what these cannot say.", SOURCE, CURL + GRPC + ENVOY + AWS + SHAPES),
    file("export-presets", "export", "The presets as the settings of other systems.", SOURCE, OF_PRESETS),
]
