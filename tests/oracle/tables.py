"""What a code means, from SEMANTICS 15.1, 15.3, 15.4: class, sent, condition."""

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


def table_name(domain, code):
    """The one name of a code in its table, or None if no table knows it."""
    if domain == "os":
        if isinstance(code, int):
            return OS_NUMBERS.get(code)
        if code is None:
            return None
        name = code.removeprefix("WSA")
        name = OS_ALIASES.get(name, name)
        return name if name in OS else None
    if domain == "dns":
        name = DNS_NUMBERS.get(code) if isinstance(code, int) else DNS_ALIASES.get(code, code)
        return name if name in DNS else None
    if domain == "undici":
        return code if code in UNDICI else None
    return None


def same_code(domain, a, b):
    if type(a) is type(b) and a == b:
        return True
    name = table_name(domain, a)
    return name is not None and name == table_name(domain, b)


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
        return UNKNOWN
    found = {"os": OS, "dns": DNS, "undici": UNDICI}[domain][name]
    if domain == "os" and phase == "connect":
        if name == "ETIMEDOUT" or found == OS["ECONNRESET"]:
            return OS["ECONNREFUSED"]
    return found


def is_idempotent(method):
    return method is None or method.upper() in IDEMPOTENT_METHODS


def classify(domain, code, phase="unknown", method=None, hint=False):
    """The row, and whether a policy with idempotent auto and nothing opted in would retry."""
    found = row(domain, code, phase, hint)
    willing = found.condition in ("always", "immediate") or (found.condition == "hint_only" and hint)
    safe = found.sent != "maybe" or is_idempotent(method)
    return found, found.class_ != "permanent" and willing and safe
