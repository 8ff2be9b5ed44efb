"""What a code means, from SEMANTICS 15: class, sent, condition."""

from dataclasses import dataclass

PERMANENT = ("permanent", "maybe", "always")
IDEMPOTENT_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY")


@dataclass(frozen=True)
class Row:
    class_: str
    sent: str
    condition: str
    known: bool


UNKNOWN = Row(*PERMANENT, known=False)


def _rows(text):
    """Lines `class sent condition: NAME NAME ...` as a map from name to row."""
    rows = {}
    for line in text.strip().splitlines():
        head, names = line.split(":")
        for name in names.split():
            rows[name] = Row(*head.split(), known=True)
    return rows


HTTP = _rows("""
timeout   maybe    always:     408 504 598 599
conflict  maybe    opt_in:     409
transient rejected hint_only:  413
transient rejected immediate:  421 425
throttle  rejected always:     429 509 529
transient maybe    always:     500 502 503 520 524
connect   not_sent always:     521 522 523
""")

OS = _rows("""
connect   not_sent always:     ECONNREFUSED ENETUNREACH EHOSTUNREACH ENETDOWN EHOSTDOWN EADDRNOTAVAIL
timeout   maybe    always:     ETIMEDOUT
transient maybe    always:     ECONNRESET ECONNABORTED EPIPE ENETRESET ENOTCONN ESHUTDOWN EOF
throttle  not_sent always:     ENOBUFS EMFILE ENFILE
transient not_sent always:     EAGAIN
transient not_sent immediate:  EINTR
transient not_sent opt_in:     ENOMEM
connect   not_sent opt_in:     EADDRINUSE
transient maybe    opt_in:     EPROTO
conflict  not_sent opt_in:     EBUSY ETXTBSY EDEADLK ENOLCK ESTALE
permanent maybe    always:     EINPROGRESS EALREADY ECANCELED EACCES EPERM ENOENT EINVAL ENOSPC EDQUOT EIO EROFS EAFNOSUPPORT
""")
OS_ALIASES = {"EWOULDBLOCK": "EAGAIN", "UNEXPECTED_EOF": "EOF"}
LINUX = {
    "ECONNREFUSED": 111, "ECONNRESET": 104, "ECONNABORTED": 103, "EPIPE": 32, "ETIMEDOUT": 110, "ENETUNREACH": 101,
    "EHOSTUNREACH": 113, "ENETDOWN": 100, "EHOSTDOWN": 112, "ENETRESET": 102, "ENOTCONN": 107, "ESHUTDOWN": 108,
    "ENOBUFS": 105, "ENOMEM": 12, "EMFILE": 24, "ENFILE": 23, "EADDRNOTAVAIL": 99, "EADDRINUSE": 98, "EAGAIN": 11,
    "EINTR": 4, "EINPROGRESS": 115, "EALREADY": 114, "EPROTO": 71, "EBUSY": 16, "ETXTBSY": 26, "EDEADLK": 35,
    "ENOLCK": 37, "ESTALE": 116, "EACCES": 13, "EPERM": 1, "ENOENT": 2, "EINVAL": 22, "ENOSPC": 28, "EDQUOT": 122,
    "EIO": 5, "EROFS": 30, "EAFNOSUPPORT": 97, "ECANCELED": 125,
}
WINSOCK = {
    "ECONNREFUSED": 10061, "ECONNRESET": 10054, "ECONNABORTED": 10053, "ETIMEDOUT": 10060, "ENETUNREACH": 10051,
    "EHOSTUNREACH": 10065, "ENETDOWN": 10050, "EHOSTDOWN": 10064, "ENETRESET": 10052, "ENOTCONN": 10057,
    "ESHUTDOWN": 10058, "ENOBUFS": 10055, "EMFILE": 10024, "EADDRNOTAVAIL": 10049, "EADDRINUSE": 10048,
    "EAGAIN": 10035, "EINTR": 10004, "EINPROGRESS": 10036, "EALREADY": 10037, "EACCES": 10013, "EINVAL": 10022,
    "EAFNOSUPPORT": 10047, "EDQUOT": 10069, "ESTALE": 10070,
}
OS_NUMBERS = {number: name for table in (LINUX, WINSOCK) for name, number in table.items()}

DNS = _rows("""
connect   not_sent always:       EAI_AGAIN
connect   not_sent opt_in_once:  ENOTFOUND
connect   not_sent opt_in:       EAI_MEMORY
permanent maybe    always:       EAI_FAIL EAI_BADFLAGS EAI_FAMILY EAI_SOCKTYPE EAI_SERVICE
""")
DNS_ALIASES = {
    "EAI_NONAME": "ENOTFOUND", "EAI_NODATA": "ENOTFOUND", "WSAHOST_NOT_FOUND": "ENOTFOUND", "WSANO_DATA": "ENOTFOUND",
    "WSATRY_AGAIN": "EAI_AGAIN", "WSANO_RECOVERY": "EAI_FAIL",
}
DNS_NUMBERS = {
    -1: "EAI_BADFLAGS", -2: "ENOTFOUND", -3: "EAI_AGAIN", -4: "EAI_FAIL", -5: "ENOTFOUND", -6: "EAI_FAMILY",
    -7: "EAI_SOCKTYPE", -8: "EAI_SERVICE", -10: "EAI_MEMORY",
    11001: "ENOTFOUND", 11002: "EAI_AGAIN", 11003: "EAI_FAIL", 11004: "ENOTFOUND",
}

UNDICI = _rows("""
connect   not_sent always:  UND_ERR_CONNECT_TIMEOUT
connect   not_sent opt_in:  UND_ERR_PRX_CONN
transient maybe    always:  UND_ERR_SOCKET UND_ERR_RES_CONTENT_LENGTH_MISMATCH
timeout   maybe    always:  UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT
permanent maybe    always:  UND_ERR UND_ERR_ABORT UND_ERR_ABORTED UND_ERR_INFO UND_ERR_HEADERS_OVERFLOW UND_ERR_INVALID_ARG UND_ERR_INVALID_RETURN_VALUE UND_ERR_REQ_CONTENT_LENGTH_MISMATCH UND_ERR_DESTROYED UND_ERR_CLOSED UND_ERR_NOT_SUPPORTED UND_ERR_BPL_MISSING_UPSTREAM UND_ERR_RES_EXCEEDED_MAX_SIZE UND_ERR_PRX_TLS UND_ERR_MAX_ORIGINS_REACHED UND_ERR_WS_MESSAGE_SIZE_EXCEEDED UND_ERR_RESPONSE UND_ERR_REQ_RETRY
""")


# R is rejected or not_sent, whichever is true; I is maybe; T is transaction; o is opt_in; - is permanent.

GRPC = _rows("""
timeout   maybe    always:       DEADLINE_EXCEEDED
throttle  rejected opt_in:       RESOURCE_EXHAUSTED
conflict  rejected transaction:  ABORTED
transient maybe    opt_in:       UNKNOWN INTERNAL
transient maybe    always:       UNAVAILABLE
permanent maybe    always:       OK CANCELLED INVALID_ARGUMENT NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED FAILED_PRECONDITION OUT_OF_RANGE UNIMPLEMENTED DATA_LOSS UNAUTHENTICATED
""")
GRPC_NUMBERS = dict(enumerate("""OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED
    FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED""".split()))

POSTGRES = _rows("""
transient maybe    always:       08000 08003 08006 08007 40003 57P01 57P02 57P05
connect   not_sent always:       08001
connect   rejected always:       08004 57P03
connect   not_sent opt_in:       HV00N
conflict  rejected transaction:  40001 40P01 40000 55P03 72000
conflict  rejected opt_in:       55006
throttle  rejected always:       53000 53200 53300
throttle  rejected opt_in:       53100 53400
timeout   rejected opt_in:       57014 25P03
transient rejected opt_in:       25006 26000 0A000
transient maybe    opt_in:       58000 58030
permanent maybe    always:       08P01 40002 55000 55P02 55P04 57000 57P04 25P02 3D000 XX000 XX001 XX002 P0001
""")
POSTGRES_CLASSES = ("22", "23", "28", "42")  # all of their codes are permanent

# Numbers only: the names differ between drivers.
MYSQL = _rows("""
conflict  rejected transaction:  1213 1205 3572 1020 3101 1689 1412
conflict  maybe    opt_in:       1180
conflict  rejected opt_in:       1297
throttle  rejected always:       1040 1203 1041 1037 1206
throttle  rejected opt_in:       1226 1038
connect   not_sent always:       2002 2003 2004 2012 1043
connect   not_sent opt_in:       2005 1042 2026
transient maybe    always:       2006 2013 2055 1053 1079 1080 1152 1158 1159 1160 1161 1184 1189 1190 1927 4031
transient rejected opt_in:       1290 1836 1792
transient maybe    opt_in:       1105
permanent maybe    always:       1129 1062 1216 1217 1451 1452 1317 3024 1045 1049 1064 1146
""")

SQLITE = _rows("""
conflict  rejected always:       BUSY BUSY_RECOVERY BUSY_TIMEOUT LOCKED_SHAREDCACHE PROTOCOL
conflict  rejected transaction:  BUSY_SNAPSHOT ABORT_ROLLBACK
conflict  rejected opt_in:       IOERR_LOCK IOERR_BLOCKED READONLY_RECOVERY READONLY_CANTLOCK
connect   not_sent opt_in:       CANTOPEN
permanent maybe    always:       LOCKED LOCKED_VTAB SCHEMA READONLY FULL NOMEM INTERRUPT IOERR CONSTRAINT CORRUPT
""")
SQLITE_NUMBERS = {
    5: "BUSY", 261: "BUSY_RECOVERY", 773: "BUSY_TIMEOUT", 262: "LOCKED_SHAREDCACHE", 15: "PROTOCOL", 3850: "IOERR_LOCK", 2826: "IOERR_BLOCKED",
    517: "BUSY_SNAPSHOT", 516: "ABORT_ROLLBACK", 6: "LOCKED", 518: "LOCKED_VTAB", 17: "SCHEMA", 8: "READONLY", 264: "READONLY_RECOVERY",
    520: "READONLY_CANTLOCK", 13: "FULL", 14: "CANTOPEN", 7: "NOMEM", 9: "INTERRUPT", 10: "IOERR", 19: "CONSTRAINT", 11: "CORRUPT",
}

REDIS = _rows("""
transient rejected always:       LOADING TRYAGAIN CLUSTERDOWN MASTERDOWN READONLY
conflict  rejected always:       BUSY
transient rejected immediate:    MOVED ASK
transient rejected opt_in:       NOREPLICAS MISCONF
throttle  rejected opt_in:       OOM
permanent maybe    always:       NOAUTH WRONGPASS NOPERM WRONGTYPE CROSSSLOT EXECABORT NOSCRIPT BUSYKEY BUSYGROUP ERR
""")
REDIS["ERR max number of clients reached"] = Row("throttle", "rejected", "always", known=True)

MONGODB = _rows("""
transient maybe    always:       11600 11602 10107 13435 13436 189 91 7 6 9001 134 RetryableWriteError
timeout   maybe    always:       89 262
transient not_sent always:       PoolClearedError
throttle  rejected always:       462 RetryableError
throttle  maybe    always:       SystemOverloadedError
conflict  rejected transaction:  112 TransientTransactionError
transient maybe    transaction:  UnknownTransactionCommitResult
permanent maybe    always:       11000
""")

KAFKA = _rows("""
transient rejected always:       CORRUPT_MESSAGE UNKNOWN_TOPIC_OR_PARTITION LEADER_NOT_AVAILABLE NOT_LEADER_OR_FOLLOWER REPLICA_NOT_AVAILABLE COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR NOT_ENOUGH_REPLICAS NOT_CONTROLLER FETCH_SESSION_ID_NOT_FOUND INVALID_FETCH_SESSION_EPOCH LISTENER_NOT_FOUND FENCED_LEADER_EPOCH UNKNOWN_LEADER_EPOCH OFFSET_NOT_AVAILABLE PREFERRED_LEADER_NOT_AVAILABLE ELIGIBLE_LEADERS_NOT_AVAILABLE ELECTION_NOT_NEEDED UNSTABLE_OFFSET_COMMIT UNKNOWN_TOPIC_ID INCONSISTENT_TOPIC_ID FETCH_SESSION_TOPIC_ID_ERROR SHARE_SESSION_NOT_FOUND INVALID_SHARE_SESSION_EPOCH AuthorizerNotReadyException
transient maybe    always:       NETWORK_EXCEPTION NOT_ENOUGH_REPLICAS_AFTER_APPEND KAFKA_STORAGE_ERROR DisconnectException RetriableCommitFailedException
timeout   maybe    always:       REQUEST_TIMED_OUT
conflict  rejected always:       CONCURRENT_TRANSACTIONS
throttle  rejected always:       THROTTLING_QUOTA_EXCEEDED
transient not_sent always:       StaleMetadataException
connect   not_sent always:       NoAvailableBrokersException
""")
KAFKA_NUMBERS = {
    2: "CORRUPT_MESSAGE", 3: "UNKNOWN_TOPIC_OR_PARTITION", 5: "LEADER_NOT_AVAILABLE", 6: "NOT_LEADER_OR_FOLLOWER", 7: "REQUEST_TIMED_OUT",
    9: "REPLICA_NOT_AVAILABLE", 13: "NETWORK_EXCEPTION", 14: "COORDINATOR_LOAD_IN_PROGRESS", 15: "COORDINATOR_NOT_AVAILABLE", 16: "NOT_COORDINATOR",
    19: "NOT_ENOUGH_REPLICAS", 20: "NOT_ENOUGH_REPLICAS_AFTER_APPEND", 41: "NOT_CONTROLLER", 51: "CONCURRENT_TRANSACTIONS", 56: "KAFKA_STORAGE_ERROR",
    70: "FETCH_SESSION_ID_NOT_FOUND", 71: "INVALID_FETCH_SESSION_EPOCH", 72: "LISTENER_NOT_FOUND", 74: "FENCED_LEADER_EPOCH", 75: "UNKNOWN_LEADER_EPOCH",
    78: "OFFSET_NOT_AVAILABLE", 80: "PREFERRED_LEADER_NOT_AVAILABLE", 83: "ELIGIBLE_LEADERS_NOT_AVAILABLE", 84: "ELECTION_NOT_NEEDED",
    88: "UNSTABLE_OFFSET_COMMIT", 89: "THROTTLING_QUOTA_EXCEEDED", 100: "UNKNOWN_TOPIC_ID", 103: "INCONSISTENT_TOPIC_ID",
    106: "FETCH_SESSION_TOPIC_ID_ERROR", 122: "SHARE_SESSION_NOT_FOUND", 123: "INVALID_SHARE_SESSION_EPOCH",
}

AWS = _rows("""
throttle  rejected always:       Throttling ThrottlingException ThrottledException RequestThrottledException TooManyRequestsException ProvisionedThroughputExceededException TransactionInProgressException RequestLimitExceeded BandwidthLimitExceeded LimitExceededException RequestThrottled SlowDown PriorRequestNotComplete EC2ThrottledException
timeout   maybe    always:       RequestTimeout RequestTimeoutException TimeoutError
transient maybe    always:       IDPCommunicationError
permanent maybe    always:       AccessDeniedException AuthFailure InvalidSignatureException RequestExpired RequestInTheFuture RequestTimeTooSkewed SignatureDoesNotMatch
""")

USER = {"BreakerOpen": Row("transient", "not_sent", "hint_only", True)}  # our own error

TABLES = {
    "user": USER, "os": OS, "dns": DNS, "undici": UNDICI, "grpc": GRPC, "postgres": POSTGRES, "mysql": MYSQL, "sqlite": SQLITE, "redis": REDIS, "mongodb": MONGODB,
    "kafka": KAFKA, "aws": AWS,
}
POSTGRES |= {class_: Row(*PERMANENT, known=True) for class_ in POSTGRES_CLASSES}


def _os(code):
    if isinstance(code, int):
        return OS_NUMBERS.get(code)
    name = code.removeprefix("WSA")
    return OS_ALIASES.get(name, name)


def _number(code):
    """A table whose rows are numbers, written as text; such text itself is no code."""
    return str(code) if isinstance(code, int) else None if code.isdigit() else code


NAMES = {  # from a code to the name of its own row; None or a name that the table has not, if there is none
    "os": _os,
    "dns": lambda code: DNS_NUMBERS.get(code) if isinstance(code, int) else DNS_ALIASES.get(code, code),
    "undici": lambda code: code,
    "grpc": lambda code: GRPC_NUMBERS.get(code, code),
    "postgres": lambda code: code,
    "mysql": _number,
    "sqlite": lambda code: SQLITE_NUMBERS.get(code) if isinstance(code, int) else code.removeprefix("SQLITE_"),
    "redis": lambda code: code,
    "mongodb": _number,
    "kafka": lambda code: KAFKA_NUMBERS.get(code, code),
    "aws": lambda code: code,
    "user": lambda code: code,
}


def class_of(domain, code):
    """The code that speaks for a code without a row: a SQLSTATE's class, SQLite's primary code, the first word of a Redis reply."""
    if domain == "postgres" and isinstance(code, str):
        return code[:2]
    if domain == "sqlite":
        if isinstance(code, int):
            return code % 256 if code > 255 else None
        return code.removeprefix("SQLITE_").partition("_")[0]
    if domain == "redis" and isinstance(code, str):
        return code.partition(" ")[0]
    return None


def own_name(domain, code):
    """The one name of a code that has a row of its own, or None."""
    name = None if code is None or domain not in TABLES else NAMES[domain](code)
    return name if name in TABLES.get(domain, ()) else None


def table_name(domain, code):
    """The one name of the row that speaks for a code, or None if no table knows it."""
    if code is None:
        return None
    return own_name(domain, code) or own_name(domain, class_of(domain, code))


def same_code(domain, named, code):
    """Whether a rule that names the one speaks of the other."""
    if type(named) is type(code) and named == code:
        return True
    name = own_name(domain, named)
    return name is not None and name == table_name(domain, code)


def row(domain, code, phase="unknown", hint=False):
    if domain == "http":
        if not isinstance(code, int) or not 400 <= code <= 599:
            return UNKNOWN
        if code == 503 and hint:
            return Row("throttle", "rejected", "always", True)
        return HTTP.get(str(code), Row(*PERMANENT, known=True))
    if domain == "tls":
        return Row(*PERMANENT, known=True)
    name = table_name(domain, code)
    if name is None:
        everything_else = domain == "kafka" and isinstance(code, int) and code >= -1
        return Row(*PERMANENT, known=True) if everything_else else UNKNOWN
    found = TABLES[domain][name]
    if name == "RESOURCE_EXHAUSTED" and hint:
        return Row("throttle", "rejected", "always", True)
    is_lost = found.class_ in ("transient", "timeout") and found.sent == "maybe" and found.condition == "always"
    if phase == "connect" and is_lost and domain != "undici":
        return OS["ECONNREFUSED"]
    return found


def is_idempotent(method):
    return method is None or method.upper() in IDEMPOTENT_METHODS


def classify(domain, code, phase="unknown", method=None, hint=False):
    """The row, and whether a policy with idempotent auto and nothing opted in would retry."""
    found = row(domain, code, phase, hint)
    willing = found.condition in ("always", "immediate", "transaction") or (found.condition == "hint_only" and hint)
    safe = found.sent != "maybe" or is_idempotent(method)
    return found, found.class_ != "permanent" and willing and safe
