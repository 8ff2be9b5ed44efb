from cases import SECOND as S
from cases import STEADY, attempt, fail, file, retry, session

# Each check of a failure, in order, with what makes it refuse. Two neighbours together: the earlier is the reason.
ORDER = ["cancelled", "inactive", "nested", "permanent", "not_idempotent", "class_attempts", "attempts", "hint_too_long", "timeout"]


def refusing(*reasons):
    """A session whose only failure is refused by each of these checks."""
    policy = {"jitter": "none", "timeout": "10s"}
    fields, more = {"code": 500}, {}
    if "cancelled" in reasons:
        fields["cancelled"] = True
    if "inactive" in reasons:
        more["mode"] = "inactive"
    if "nested" in reasons:
        policy["nested"] = "once"
        fields["nested"] = True
    if "permanent" in reasons:
        fields["should_retry"] = False
    if "not_idempotent" in reasons:
        fields["method"] = "POST"
    if "class_attempts" in reasons:
        policy["classes"] = {"transient": {"attempts": 1}}
    if "attempts" in reasons:
        policy["attempts"] = 1
    if "hint_too_long" in reasons:
        fields["hint"] = 200 * S
    at = 9_500_000 if "timeout" in reasons else 0
    return policy, fields, more, at


def ordered(name, *reasons):
    policy, fields, more, at = refusing(*reasons)
    return session(name, policy, fail(at, give_up=reasons[0], **fields), **more)


CHECKS = [ordered(f"{reason} alone", reason) for reason in ORDER]
CHECKS += [ordered(f"{first} before {second}", first, second) for i, first in enumerate(ORDER) for second in ORDER[i + 1:]]
CHECKS += [ordered("all at once: cancelled", *ORDER)] + [ordered(f"all from {ORDER[i]} on", *ORDER[i:]) for i in range(1, 8)]
CHECKS += [session("nothing refuses", {"jitter": "none", "timeout": "10s"}, fail(0, expect=retry(1 * S)))]

CANCELLED = [
    session("a cancelled call is never retried, whatever the user says", {}, fail(0, verdict="forced", cancelled=True, give_up="cancelled")),
    session("a cancelled call after retries", STEADY, fail(0), fail(1 * S, cancelled=True, give_up="cancelled")),
    session("inactive: attempts as usual, no retry", STEADY, attempt(0, expect={"number": 1, "limit": None, "remaining": 45 * S}), fail(0, give_up="inactive"), mode="inactive"),
    session("inactive holds against forced", {}, fail(0, verdict="forced", give_up="inactive"), mode="inactive"),
    session("inactive is told before permanent", {}, fail(0, 404, give_up="inactive"), mode="inactive"),
    session("mode normal is the default", STEADY, fail(0, expect=retry(1 * S)), mode="normal"),
]

NESTED = [
    session("warn: retried, with a warning", STEADY, fail(0, nested=True, expect=retry(1 * S, nested_warning=True))),
    session("warn: no warning for what is not nested", STEADY, fail(0, expect=retry(1 * S))),
    session("warn: each nested failure", STEADY, fail(0, nested=True), fail(1 * S), fail(3 * S, nested=True, expect=retry(4 * S, nested_warning=True))),
    session("once: not retried again", STEADY | {"nested": "once"}, fail(0, nested=True, give_up="nested")),
    session("once: what is not nested is retried", STEADY | {"nested": "once"}, fail(0, expect=retry(1 * S)), fail(1 * S, nested=True, give_up="nested")),
    session("once: forced is not stronger", {"nested": "once"}, fail(0, nested=True, verdict="forced", give_up="nested")),
    session("allow: no warning", STEADY | {"nested": "allow"}, fail(0, nested=True, expect=retry(1 * S))),
    session("share: no warning, the outer deadline holds", STEADY | {"nested": "share"}, fail(0, nested=True, expect=retry(1 * S)), fail(3 * S, nested=True, give_up="timeout"), outer_deadline=4 * S),
]

TWO_SPEED = STEADY | {"classes": {"throttle": {"initial": "3s"}, "connect": {"initial": "100ms"}}}
CLASSES = [
    session("a class's limit counts this failure", STEADY | {"classes": {"timeout": {"attempts": 1}}}, fail(0, 504, give_up="class_attempts")),
    session("a class's limit of 2", STEADY | {"classes": {"timeout": {"attempts": 2}}}, fail(0, 504), fail(1 * S, 504, give_up="class_attempts")),
    session("a class's limit counts its own failures only", STEADY | {"classes": {"timeout": {"attempts": 2}}}, fail(0, 504), fail(1 * S, 500), fail(3 * S, 429), fail(7 * S, 504, give_up="class_attempts")),
    session("another class goes on", STEADY | {"classes": {"timeout": {"attempts": 2}}}, fail(0, 504), fail(1 * S, 500, expect=retry(2 * S))),
    session("the global limit always holds", STEADY | {"attempts": 3, "classes": {"connect": {"attempts": 3}}}, fail(0, 500), fail(1 * S, 500), fail(3 * S, 521, give_up="attempts")),
    session("both limits at once: the class's is told", STEADY | {"attempts": 2, "classes": {"connect": {"attempts": 2}}}, fail(0, 521), fail(1 * S, 521, give_up="class_attempts")),
    session("a class's limit under unlimited attempts", STEADY | {"attempts": None, "classes": {"connect": {"attempts": 4294967295}}}, fail(0, 521, expect=retry(1 * S, "connect", "not_sent"))),
    session("the class counted is the one a rule sets", STEADY | {"classes": {"conflict": {"attempts": 1}}, "rules": [{"http": 500, "class": "conflict"}]}, fail(0, 500, give_up="class_attempts")),
    session("the class counted is the one a phase sets", STEADY | {"classes": {"connect": {"attempts": 1}}}, fail(0, "ECONNRESET", "os"), fail(1 * S, "ECONNRESET", "os", phase="connect", give_up="class_attempts")),
    session("a 503 counts as throttle only with a hint", STEADY | {"classes": {"throttle": {"attempts": 1}}}, fail(0, 503), fail(1 * S, 503, hint=0, give_up="class_attempts")),
    session("a class's initial is for the failure just seen", TWO_SPEED, fail(0, 429, expect=retry(3 * S, "throttle", "rejected")), fail(3 * S, 500, expect=retry(2 * S)), fail(5 * S, 521, expect=retry(400_000, "connect", "not_sent"))),
    session("n counts the retries of all classes", TWO_SPEED, fail(0, 500), fail(1 * S, 500), fail(3 * S, 429, expect=retry(10 * S, "throttle", "rejected"))),
    session("a class's initial with linear", TWO_SPEED | {"backoff": "linear"}, fail(0, 500), fail(1 * S, 429, expect=retry(6 * S, "throttle", "rejected"))),
    session("a class's initial with constant", TWO_SPEED | {"backoff": "constant"}, fail(0, 500, expect=retry(1 * S)), fail(1 * S, 429, expect=retry(3 * S, "throttle", "rejected"))),
    session("a class's initial with full jitter", TWO_SPEED | {"jitter": "full"}, fail(0, 429), fail(3 * S, 521), fail(4 * S, 500), call_seed=2),
    session("a class's initial with decorrelated is the lower bound of that draw", TWO_SPEED | {"jitter": "decorrelated"}, fail(0, 521), fail(1 * S, 429), fail(9 * S, 521), fail(11 * S, 500), call_seed=2),
    session("a class's initial with first immediate", TWO_SPEED | {"first": "immediate"}, fail(0, 429, expect=retry(0, "throttle", "rejected")), fail(0, 429, expect=retry(3 * S, "throttle", "rejected"))),
]

RULED = STEADY | {"rules": [{"http": 500, "body_contains": "User not exists", "class": "permanent"}, {"http": "500-599", "sent": "rejected"}, {"os": "ECONNRESET", "class": "connect", "sent": "not_sent"}]}


def ruled(name, rule, *steps, **more):
    rules = rule if isinstance(rule, list) else [rule]
    return session(name, STEADY | {"rules": rules}, *steps, **more)


NOT_FOUND = {"http": 404, "class": "transient"}
RULES = [
    ruled("a rule makes a permanent status retried", NOT_FOUND, fail(0, 404, expect=retry(1 * S))),
    ruled("a rule leaves sent as the table has it: a POST is not repeated", NOT_FOUND, fail(0, 404, method="POST", give_up="not_idempotent")),
    ruled("a rule may say what was sent", NOT_FOUND | {"sent": "rejected"}, fail(0, 404, method="POST", expect=retry(1 * S, "transient", "rejected"))),
    ruled("a rule makes a status permanent", {"http": 503, "class": "permanent"}, fail(0, 503, expect={"give_up": "permanent", "hint": None, "class": "permanent", "sent": "maybe"})),
    ruled("a rule that sets only sent leaves the class", {"http": 500, "sent": "not_sent"}, fail(0, 500, method="POST", expect=retry(1 * S, "transient", "not_sent"))),
    ruled("a rule that sets only sent may make it stricter", {"http": 429, "sent": "maybe"}, fail(0, 429, method="POST", give_up="not_idempotent")),
    ruled("a rule that sets only sent makes nothing known", {"user": "x", "sent": "not_sent"}, fail(0, "x", "user", give_up="permanent")),
    ruled("the first rule that matches decides", [{"http": 500, "class": "permanent"}, {"http": 500, "class": "throttle"}], fail(0, 500, give_up="permanent")),
    ruled("a later rule does not fill in what the first left", [{"http": 500, "sent": "rejected"}, {"http": 500, "class": "throttle"}], fail(0, 500, expect=retry(1 * S, "transient", "rejected"))),
    ruled("a rule that does not match leaves the word to the next", [{"http": 501, "class": "permanent"}, {"http": 500, "class": "throttle"}], fail(0, 500, expect=retry(1 * S, "throttle", "maybe"))),
    *(ruled(f"range 500-599 and {status}: {'in' if inside else 'out'}", {"http": "500-599", "class": "throttle", "sent": "rejected"}, fail(0, status, **({"expect": retry(1 * S, "throttle", "rejected")} if inside else {"give_up": "permanent"})))
      for status, inside in ((499, False), (500, True), (501, True), (599, True), (600, False))),
    ruled("a number of another domain does not match", {"user": 500, "class": "permanent"}, fail(0, 500, expect=retry(1 * S))),
    ruled("a name of the user's own", {"user": "QuotaExceeded", "class": "throttle"}, fail(0, "QuotaExceeded", "user", expect=retry(1 * S, "throttle", "maybe"))),
    ruled("names are exact", {"user": "QuotaExceeded", "class": "throttle"}, fail(0, "quotaexceeded", "user", give_up="permanent")),
    ruled("a number and its text are two codes", {"user": 40001, "class": "throttle"}, fail(0, "40001", "user", give_up="permanent")),
    ruled("a name of digits", {"user": "40001", "class": "conflict"}, fail(0, "40001", "user", expect=retry(1 * S, "conflict", "maybe"))),
    ruled("a name does not match its number", {"user": "40001", "class": "conflict"}, fail(0, 40001, "user", give_up="permanent")),
    ruled("a range does not match text", {"user": "40000-40002", "class": "conflict"}, fail(0, "40001", "user", give_up="permanent")),
    ruled("a negative number", {"user": -7, "class": "conflict"}, fail(0, -7, "user", expect=retry(1 * S, "conflict", "maybe"))),
    ruled("a failure without code matches no code", {"user": "0-2147483647", "class": "conflict"}, fail(0, None, "user", give_up="permanent")),
    *(ruled(f"os rule {rule!r} matches {code!r}: one row, many names", {"os": rule, "class": "throttle", "sent": "rejected"}, fail(0, code, "os", expect=retry(1 * S, "throttle", "rejected")))
      for rule, code in (("ECONNRESET", 104), ("ECONNRESET", 10054), ("ECONNRESET", "WSAECONNRESET"), (104, "ECONNRESET"), (104, 10054), ("WSAECONNRESET", "ECONNRESET"), ("EWOULDBLOCK", "EAGAIN"), ("EAGAIN", 10035), ("UNEXPECTED_EOF", "EOF"), ("ENOENT", 2))),
    *(ruled(f"dns rule {rule!r} matches {code!r}: one row, many names", {"dns": rule, "class": "throttle", "sent": "rejected"}, fail(0, code, "dns", expect=retry(1 * S, "throttle", "rejected")))
      for rule, code in (("ENOTFOUND", "EAI_NONAME"), ("ENOTFOUND", -5), ("EAI_NONAME", 11001), (-3, "EAI_AGAIN"), ("EAI_AGAIN", "WSATRY_AGAIN"))),
    ruled("os rule of a name no table has", {"os": "EFOO", "class": "transient"}, fail(0, "EFOO", "os", expect=retry(1 * S))),
    ruled("os rule does not match another row", {"os": "ECONNRESET", "class": "permanent"}, fail(0, "EPIPE", "os", expect=retry(1 * S))),
    ruled("os range of Linux numbers", {"os": "100-113", "class": "connect", "sent": "not_sent"}, fail(0, 104, "os", expect=retry(1 * S, "connect", "not_sent")), fail(0, "ECONNRESET", "os", expect=retry(2 * S))),
    ruled("a rule comes before the phase", {"os": "ECONNRESET", "class": "transient"}, fail(0, "ECONNRESET", "os", phase="connect", expect=retry(1 * S, "transient", "not_sent"))),
    ruled("a tls rule may retry a certificate", {"tls": "CERT_HAS_EXPIRED", "class": "transient"}, fail(0, "CERT_HAS_EXPIRED", "tls", expect=retry(1 * S))),
    ruled("an undici rule", {"undici": "UND_ERR_CLOSED", "class": "connect", "sent": "not_sent"}, fail(0, "UND_ERR_CLOSED", "undici", method="POST", expect=retry(1 * S, "connect", "not_sent"))),
    *(ruled(f"{domain} rule {rule!r} matches {code!r}", {domain: rule, "class": "throttle", "sent": "rejected"}, fail(0, code, domain, expect=retry(1 * S, "throttle", "rejected")))
      for domain, rule, code in (
        ("grpc", 14, 14), ("grpc", 14, "UNAVAILABLE"), ("grpc", "UNAVAILABLE", 14), ("grpc", "13-14", 14), ("grpc", 99, 99), ("postgres", "40001", "40001"), ("postgres", "23", "23505"), ("postgres", "28", "28P01"), ("postgres", "P0002", "P0002"),
        ("mysql", 1213, 1213), ("mysql", "1200-1299", 1205), ("mysql", 9999, 9999), ("sqlite", 5, "SQLITE_BUSY"), ("sqlite", "BUSY", 5), ("sqlite", "SQLITE_BUSY", "BUSY"), ("sqlite", 19, 2067), ("sqlite", "CONSTRAINT", 2067), ("sqlite", 19, "SQLITE_CONSTRAINT_UNIQUE"), ("sqlite", 2067, 2067),
        ("redis", "LOADING", "LOADING Redis is loading the dataset in memory"), ("redis", "ERR", "ERR unknown command 'FOO'"), ("redis", "MYMODULE", "MYMODULE"), ("mongodb", 112, 112), ("mongodb", "TransientTransactionError", "TransientTransactionError"), ("kafka", "NOT_LEADER_OR_FOLLOWER", 6), ("kafka", 6, "NOT_LEADER_OR_FOLLOWER"), ("kafka", -1, -1), ("aws", "SlowDown", "SlowDown"), ("aws", "InternalError", "InternalError"))),
    *(ruled(f"{domain} rule {rule!r} does not match {code!r}", {domain: rule, "class": "permanent"}, fail(0, code, domain, verdict="named", expect=retry(1 * S, class_, sent)))
      for domain, rule, code, class_, sent in (
        ("grpc", 14, 4, "timeout", "maybe"), ("grpc", "14", 14, "transient", "maybe"), ("grpc", "13-14", "UNAVAILABLE", "transient", "maybe"), ("postgres", "40001", "40P01", "conflict", "rejected"), ("postgres", "40", "40001", "conflict", "rejected"), ("postgres", "08", "08006", "transient", "maybe"), ("mysql", 1213, 1205, "conflict", "rejected"),
        ("sqlite", 5, 261, "conflict", "rejected"), ("sqlite", 5, 517, "conflict", "rejected"), ("redis", "BUSY", "LOADING", "transient", "rejected"), ("redis", "ERR", "ERR max number of clients reached", "throttle", "rejected"), ("redis", "LOADING now", "LOADING", "transient", "rejected"), ("kafka", "NOT_CONTROLLER", 6, "transient", "rejected"), ("aws", "Throttling", "ThrottlingException", "throttle", "rejected"))),
    ruled("a rule of a code is none of its class: another constraint", {"sqlite": 2067, "class": "transient"}, fail(0, 787, "sqlite", give_up="permanent")),
    ruled("a rule of one SQLSTATE is none of its class", {"postgres": "23505", "class": "transient"}, fail(0, "23503", "postgres", give_up="permanent")),
    ruled("a rule may retry a unique violation", {"postgres": "23505", "class": "conflict", "sent": "rejected"}, fail(0, "23505", "postgres", method="POST", expect=retry(1 * S, "conflict", "rejected"))),
    ruled("a rule may forbid what gRPC's table retries", {"grpc": 14, "class": "permanent"}, fail(0, "UNAVAILABLE", "grpc", give_up="permanent")),
    ruled("a rule's class opts in for gRPC", {"grpc": "INTERNAL", "class": "transient"}, fail(0, 13, "grpc", expect=retry(1 * S))),
    ruled("a number of one server is none of another's", {"mysql": 5, "class": "permanent"}, fail(0, 5, "sqlite", expect=retry(1 * S, "conflict", "rejected"))),
    ruled("a rule's class opts in", {"http": 409, "class": "conflict"}, fail(0, 409, expect=retry(1 * S, "conflict", "maybe"))),
    ruled("a rule without class does not opt in", {"http": 409, "sent": "rejected"}, fail(0, 409, expect={"give_up": "permanent", "hint": None, "class": "conflict", "sent": "rejected"})),
    ruled("a rule's class retries a 413 without hint", {"http": 413, "class": "transient"}, fail(0, 413, expect=retry(1 * S, "transient", "rejected"))),
    ruled("a rule's class leaves an immediate row immediate", {"http": 425, "class": "throttle"}, fail(0, 425, expect=retry(0, "throttle", "rejected")), fail(0, 425, expect=retry(2 * S, "throttle", "rejected"))),
    session("the example of the design: one body is permanent, others are not", RULED, fail(0, 500, body="User exists", method="POST", expect=retry(1 * S, "transient", "rejected")), fail(1 * S, 500, body='{"error":"User not exists"}', give_up="permanent")),
]

BODY = [
    ruled(f"{name}", {"body_contains": piece, "class": "throttle"}, fail(0, 500, body=body, expect=retry(1 * S, "throttle" if found else "transient")))
    for name, piece, body, found in (
        ("the body is the piece", "overloaded", "overloaded", True), ("the piece at the start", "over", "overloaded", True), ("the piece at the end", "loaded", "overloaded", True),
        ("the piece in the middle", "erlo", "overloaded", True), ("letter case counts", "Overloaded", "overloaded", False), ("a piece longer than the body", "overloaded!", "overloaded", False),
        ("an empty body holds nothing", "x", "", False), ("no false start", "aab", "aaab", True), ("a near miss", "aab", "aaaaaa", False), ("a piece beyond ASCII", "nicht verfügbar", "Dienst nicht verfügbar", True),
        ("bytes of another character do not match", "\u00e9", "e\u0301", False), ("an emoji", "\U0001f600", "ok \U0001f600", True), ("a control character", "\u0000", "a\u0000b", True))
] + [
    ruled("a piece of body in any domain", {"body_contains": "deadlock", "class": "conflict", "sent": "rejected"}, fail(0, "Error", "user", body="deadlock found", expect=retry(1 * S, "conflict", "rejected")), fail(1 * S, 404, body="deadlock found", expect=retry(2 * S, "conflict", "rejected"))),
    ruled("a piece of body without any code", {"body_contains": "deadlock", "class": "conflict"}, fail(0, None, "user", body="deadlock found", expect=retry(1 * S, "conflict"))),
    ruled("code and body must both match: not the body", {"http": 500, "body_contains": "x", "class": "permanent"}, fail(0, 500, body="y", expect=retry(1 * S))),
    ruled("code and body must both match: not the code", {"http": 500, "body_contains": "x", "class": "permanent"}, fail(0, 502, body="x", expect=retry(1 * S))),
    ruled("code and body must both match: both", {"http": 500, "body_contains": "x", "class": "permanent"}, fail(0, 500, body="x", give_up="permanent")),
    ruled("no body at all", {"http": 500, "body_contains": "x", "class": "permanent"}, fail(0, 500, expect=retry(1 * S))),
]

SAFE, UNSAFE = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY", "get", "Delete"), ("POST", "PATCH", "CONNECT", "post", "LOCK", "")
IDEMPOTENT = [
    *(session(f"auto: {method} is repeated", STEADY, fail(0, 500, method=method, expect=retry(1 * S))) for method in SAFE),
    *(session(f"auto: {method!r} is not repeated when it may have been processed", STEADY, fail(0, 500, method=method, give_up="not_idempotent")) for method in UNSAFE),
    session("auto: without a method it is the user's word", STEADY, fail(0, 500, expect=retry(1 * S))),
    session("auto: a key makes a POST repeatable", STEADY, fail(0, 500, method="POST", idempotency_key=True, expect=retry(1 * S))),
    session("auto: a POST that was rejected is repeated", STEADY, fail(0, 429, method="POST", expect=retry(1 * S, "throttle", "rejected"))),
    session("auto: a POST that was not sent is repeated", STEADY, fail(0, "ECONNREFUSED", "os", method="POST", expect=retry(1 * S, "connect", "not_sent"))),
    session("auto: a POST whose connection was reset is not repeated", STEADY, fail(0, "ECONNRESET", "os", method="POST", give_up="not_idempotent")),
    session("auto: a POST reset while connecting is repeated", STEADY, fail(0, "ECONNRESET", "os", method="POST", phase="connect", expect=retry(1 * S, "connect", "not_sent"))),
    session("auto: forced does not make a POST repeatable", STEADY, fail(0, 500, method="POST", verdict="forced", give_up="not_idempotent")),
    session("auto: the server's yes does", STEADY, fail(0, 500, method="POST", should_retry=True, expect=retry(1 * S, "transient", "rejected"))),
    session("true: a POST is repeated", STEADY | {"idempotent": True}, fail(0, 500, method="POST", expect=retry(1 * S))),
    session("false: a GET is not repeated", STEADY | {"idempotent": False}, fail(0, 500, method="GET", give_up="not_idempotent")),
    session("false beats a key", STEADY | {"idempotent": False}, fail(0, 500, method="POST", idempotency_key=True, give_up="not_idempotent")),
    session("false beats the user's word", STEADY | {"idempotent": False}, fail(0, 500, give_up="not_idempotent")),
    session("false: what was rejected is repeated", STEADY | {"idempotent": False}, fail(0, 429, method="POST", expect=retry(1 * S, "throttle", "rejected"))),
    session("false: what was not sent is repeated", STEADY | {"idempotent": False}, fail(0, 521, method="POST", expect=retry(1 * S, "connect", "not_sent"))),
]

UNKNOWN = {"code": "MyError", "domain": "user"}
VERDICTS = [
    session("tables: an unknown code is not retried", STEADY, fail(0, **UNKNOWN, expect={"give_up": "permanent", "hint": None, "class": "permanent", "sent": "maybe"})),
    session("tables: a failure without code is not retried", STEADY, fail(0, None, "user", give_up="permanent")),
    session("tables: a certificate is not retried", STEADY, fail(0, "CERT_HAS_EXPIRED", "tls", give_up="permanent")),
    session("named: an unknown code is transient", STEADY, fail(0, **UNKNOWN, verdict="named", expect=retry(1 * S))),
    session("named: a failure without code is transient", STEADY, fail(0, None, "user", verdict="named", expect=retry(1 * S))),
    session("named: what the table calls permanent stays so", STEADY, fail(0, 404, verdict="named", give_up="permanent")),
    session("named: a certificate stays permanent", STEADY, fail(0, "X", "tls", verdict="named", give_up="permanent")),
    session("named: a rule's permanent stays so", STEADY | {"rules": [{"user": "MyError", "class": "permanent"}]}, fail(0, **UNKNOWN, verdict="named", give_up="permanent")),
    session("named: an opt-in code keeps its class", STEADY, fail(0, 409, verdict="named", expect=retry(1 * S, "conflict", "maybe"))),
    session("named: a known code keeps its class", STEADY, fail(0, 429, verdict="named", expect=retry(1 * S, "throttle", "rejected"))),
    session("named: a POST of unknown outcome is not repeated", STEADY, fail(0, **UNKNOWN, verdict="named", method="POST", give_up="not_idempotent")),
    session("named: a 413 still needs its hint", STEADY, fail(0, 413, verdict="named", give_up="permanent")),
    session("named: a rule that says what was sent holds", STEADY | {"rules": [{"user": "MyError", "sent": "not_sent"}]}, fail(0, **UNKNOWN, verdict="named", method="POST", expect=retry(1 * S, "transient", "not_sent"))),
    session("refused: what the table retries is not", STEADY, fail(0, 503, verdict="refused", expect={"give_up": "permanent", "hint": None, "class": "transient", "sent": "maybe"})),
    session("refused beats the server's yes", STEADY, fail(0, 503, verdict="refused", should_retry=True, give_up="permanent")),
    session("refused beats a rule", STEADY | {"rules": [{"http": 404, "class": "transient"}]}, fail(0, 404, verdict="refused", give_up="permanent")),
    session("forced: a 404 is retried as transient", STEADY, fail(0, 404, verdict="forced", expect=retry(1 * S))),
    session("forced: a known class is kept", STEADY, fail(0, 504, verdict="forced", expect=retry(1 * S, "timeout", "maybe"))),
    session("forced: an unknown code is transient", STEADY, fail(0, **UNKNOWN, verdict="forced", expect=retry(1 * S))),
    session("forced: a certificate is retried", STEADY, fail(0, "X", "tls", verdict="forced", expect=retry(1 * S))),
    session("forced: a rule's permanent is retried", STEADY | {"rules": [{"http": 500, "class": "permanent"}]}, fail(0, 500, verdict="forced", expect=retry(1 * S))),
    session("forced: an opt-in code is retried", STEADY, fail(0, 409, verdict="forced", expect=retry(1 * S, "conflict", "maybe"))),
    session("forced: a 413 without hint is retried", STEADY, fail(0, 413, verdict="forced", expect=retry(1 * S, "transient", "rejected"))),
    session("forced: limits hold", STEADY | {"attempts": 1}, fail(0, 404, verdict="forced", give_up="attempts")),
    session("a veto: the server says no", STEADY, fail(0, 503, should_retry=False, give_up="permanent")),
    session("a veto beats forced", STEADY, fail(0, 503, should_retry=False, verdict="forced", give_up="permanent")),
    session("a veto beats named", STEADY, fail(0, **UNKNOWN, should_retry=False, verdict="named", give_up="permanent")),
    session("the server's yes retries a 400", STEADY, fail(0, 400, should_retry=True, expect=retry(1 * S, "transient", "rejected"))),
    session("the server's yes retries a 409 on POST", STEADY, fail(0, 409, method="POST", should_retry=True, expect=retry(1 * S, "conflict", "rejected"))),
    session("the server's yes comes after a rule's sent", STEADY | {"rules": [{"http": 500, "sent": "maybe"}]}, fail(0, 500, method="POST", should_retry=True, expect=retry(1 * S, "transient", "rejected"))),
]

DNS = {"code": "ENOTFOUND", "domain": "dns"}
CONDITIONS = [
    session("at once: 425 waits 0 the first time", STEADY, fail(0, 425, expect=retry(0, "transient", "rejected"))),
    session("at once: once per call, then normally", STEADY, fail(0, 425), fail(0, 425, expect=retry(2 * S, "transient", "rejected"))),
    session("at once: once for all such codes together", STEADY, fail(0, 425), fail(0, "EINTR", "os", expect=retry(2 * S, "transient", "not_sent"))),
    session("at once: also later in a call", STEADY, fail(0, 500), fail(1 * S, 421, expect=retry(0, "transient", "rejected")), fail(1 * S, 500, expect=retry(4 * S))),
    session("at once: a hint is still honoured", STEADY, fail(0, 425, hint=3 * S, expect=retry(3 * S, "transient", "rejected")), fail(3 * S, 425, expect=retry(2 * S, "transient", "rejected"))),
    session("at once under a deadline", STEADY | {"timeout": "1us"}, fail(0, 425, expect=retry(0, "transient", "rejected")), fail(1, 425, give_up="timeout")),
    session("at once leaves decorrelated where it was", {"jitter": "decorrelated"}, fail(0, 500), fail(2 * S, 425, expect=retry(0, "transient", "rejected")), fail(2 * S, 500), call_seed=6),
    session("at once draws nothing: the next draw has its own index", {}, fail(0, 425), fail(0, 500), call_seed=6),
    session("at once and first immediate", STEADY | {"first": "immediate"}, fail(0, 425, expect=retry(0, "transient", "rejected")), fail(0, 425, expect=retry(1 * S, "transient", "rejected"))),
    session("opt in: 409 is not retried by itself", STEADY, fail(0, 409, expect={"give_up": "permanent", "hint": None, "class": "conflict", "sent": "maybe"})),
    *(session(f"opt in: {code} is not retried by itself", STEADY, fail(0, code, domain, give_up="permanent")) for code, domain in (("ENOMEM", "os"), ("EADDRINUSE", "os"), ("EPROTO", "os"), ("EBUSY", "os"), ("ESTALE", "os"), ("EAI_MEMORY", "dns"), ("UND_ERR_PRX_CONN", "undici"))),
    *(session(f"opt in: {code} named is", STEADY, fail(0, code, domain, verdict="named", expect=retry(1 * S, class_, sent))) for code, domain, class_, sent in (
        ("ENOMEM", "os", "transient", "not_sent"), ("EADDRINUSE", "os", "connect", "not_sent"), ("EPROTO", "os", "transient", "maybe"), ("EBUSY", "os", "conflict", "not_sent"), ("EAI_MEMORY", "dns", "connect", "not_sent"), ("UND_ERR_PRX_CONN", "undici", "connect", "not_sent"))),
    session("a name not found is not retried by itself", STEADY, fail(0, **DNS, expect={"give_up": "permanent", "hint": None, "class": "connect", "sent": "not_sent"})),
    session("a name not found, named: once per call", STEADY, fail(0, **DNS, verdict="named", expect=retry(1 * S, "connect", "not_sent")), fail(1 * S, **DNS, verdict="named", give_up="permanent")),
    session("a name not found, by rule: once per call", STEADY | {"rules": [{"dns": "ENOTFOUND", "class": "connect"}]}, fail(0, **DNS), fail(1 * S, **DNS, give_up="permanent")),
    session("a name not found: once for all its codes", STEADY, fail(0, **DNS, verdict="named"), fail(1 * S, -5, "dns", verdict="named", give_up="permanent")),
    session("a name not found: other failures do not count", STEADY, fail(0, 500), fail(1 * S, **DNS, verdict="named", expect=retry(2 * S, "connect", "not_sent")), fail(3 * S, 500, expect=retry(4 * S)), fail(7 * S, **DNS, verdict="named", give_up="permanent")),
    session("a name not found, forced: as often as the user says", STEADY, fail(0, **DNS, verdict="forced"), fail(1 * S, **DNS, verdict="forced", expect=retry(2 * S, "connect", "not_sent"))),
    session("a name not found, forced, uses up the once", STEADY, fail(0, **DNS, verdict="forced"), fail(1 * S, **DNS, verdict="named", give_up="permanent")),
    *(session(f"a transaction is repeated: {domain} {code!r}", STEADY, fail(0, code, domain, expect=retry(1 * S, "conflict", "rejected")), fail(1 * S, code, domain, expect=retry(2 * S, "conflict", "rejected")))
      for domain, code in (("postgres", "40001"), ("mysql", 1213), ("sqlite", 517), ("grpc", 10), ("mongodb", 112))),
    session("a transaction whose commit is unknown may have happened", STEADY, fail(0, "UnknownTransactionCommitResult", "mongodb", expect=retry(1 * S)), fail(1 * S, "UnknownTransactionCommitResult", "mongodb", method="POST", give_up="not_idempotent")),
    *(session(f"opt in: {domain} {code!r} is retried if named, not by itself", STEADY, fail(0, code, domain, verdict="named", expect=retry(1 * S, class_, sent)), fail(1 * S, code, domain, give_up="permanent"))
      for domain, code, class_, sent in (("grpc", 13, "transient", "maybe"), ("grpc", 8, "throttle", "rejected"), ("postgres", "57014", "timeout", "rejected"), ("mysql", 1290, "transient", "rejected"), ("sqlite", 14, "connect", "not_sent"), ("redis", "OOM", "throttle", "rejected"))),
    session("RESOURCE_EXHAUSTED with a hint", STEADY, fail(0, 8, "grpc", hint=3 * S, method="POST", expect=retry(3 * S, "throttle", "rejected"))),
    session("a slot that has moved is asked for at once, one time", STEADY, fail(0, "MOVED", "redis", expect=retry(0, "transient", "rejected")), fail(0, "MOVED", "redis", expect=retry(2 * S, "transient", "rejected"))),
    *(session(f"named: what the table calls permanent stays so, {domain} {code!r}", STEADY, fail(0, code, domain, verdict="named", give_up="permanent")) for domain, code in (("grpc", 1), ("postgres", "23505"), ("mysql", 1062), ("sqlite", 2067), ("redis", "ERR"), ("mongodb", 11000), ("kafka", 29), ("aws", "AuthFailure"))),
    *(session(f"named: an unknown code is transient, {domain} {code!r}", STEADY, fail(0, code, domain, verdict="named", expect=retry(1 * S))) for domain, code in (("grpc", 17), ("postgres", "25P04"), ("mysql", 1000), ("sqlite", 1), ("redis", "MYMODULE"), ("mongodb", 50), ("kafka", -195), ("aws", "InternalError"))),
    session("hint only: 413 without hint", STEADY, fail(0, 413, give_up="permanent")),
    session("hint only: 413 with hint", STEADY, fail(0, 413, hint=3 * S, expect=retry(3 * S, "transient", "rejected"))),
    session("hint only: 413 with hint on a POST", STEADY, fail(0, 413, method="POST", hint=3 * S, expect=retry(3 * S, "transient", "rejected"))),
    session("hint only: a wait of the user's is no hint", STEADY, fail(0, 413, wait=3 * S, give_up="permanent")),
]

FILES = [
    file("order-of-checks", "session", "Which of two refusals is the reason", "DESIGN 3", CHECKS),
    file("cancelled-inactive", "session", "Cancelled calls and inactive mode", "DESIGN 3; SEMANTICS 13", CANCELLED),
    file("nested", "session", "Failures that an inner retry already gave up on", "DESIGN 3; SEMANTICS 12", NESTED),
    file("classes", "session", "Limits and first delays of a class", "DESIGN 3; SEMANTICS 11", CLASSES),
    file("rules", "session", "A policy's own rules come first", "DESIGN 3", RULES),
    file("rules-body", "session", "Rules on a piece of the body", "DESIGN 3", BODY),
    file("idempotency", "session", "What may have been processed is repeated only if that does no harm", "RFC 9110 9.2.2; SEMANTICS 14", IDEMPOTENT),
    file("verdicts", "session", "The user's word, the server's word, the tables", "DESIGN 3", VERDICTS),
    file("conditions", "session", "Rows that are retried at once, on request, once, with a hint only, or as a transaction", "DESIGN 3; SEMANTICS 15", CONDITIONS),
]
