import json

import tables
from cases import file


def code(domain, value, **more):
    given = {key: item for key, item in more.items() if key != "expect"}
    said = "".join(f", {key} {json.dumps(item)}" for key, item in given.items())
    found, retried = tables.classify(domain, value, **given)
    condition = "" if found.condition == "always" else f", {found.condition}"
    meaning = f"{found.class_}, {found.sent}{condition}, {'' if retried else 'not '}retried" if found.class_ != "permanent" else "permanent" if found.known else "unknown"
    return {"name": f"{domain} {json.dumps(value, ensure_ascii=False)}{said}: {meaning}", "domain": domain, "code": value, **more}


def row(class_, sent, condition="always", known=True, retried=True):
    return {"class": class_, "sent": sent, "condition": condition, "known": known, "retried": retried}


HTTP = [code("http", status) for status in range(400, 600)]
HTTP += [code("http", status) for status in (0, -1, 100, 200, 204, 301, 304, 399, 600, 999, 2147483647)]
HTTP += [code("http", status, method="POST") for status in (408, 409, 413, 421, 425, 429, 500, 502, 503, 504, 509, 520, 521, 522, 523, 524, 529, 598, 599)]
HTTP += [code("http", status, hint=True) for status in (200, 404, 413, 429, 500, 502, 503, 504)]
HTTP += [code("http", 503, hint=True, method="POST", expect=row("throttle", "rejected")), code("http", 413, hint=True, method="POST")]
HTTP += [code("http", 500, method=method) for method in ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY", "PATCH", "CONNECT", "get", "Put", "pOST", "GETX", "GE", "")]
HTTP += [code("http", value) for value in (None, "503", "ECONNRESET", "")]
HTTP += [code("http", 503, phase="connect"), code("http", 500, phase="connect")]

OS_NAMES = [*tables.OS, *tables.OS_ALIASES]
OS = [code("os", name) for name in OS_NAMES]
OS += [code("os", name, phase="connect") for name in OS_NAMES]
OS += [code("os", name, method="POST") for name in ("ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EPIPE", "EAGAIN", "EINTR")]
OS += [code("os", "ETIMEDOUT", phase="connect", method="POST", expect=row("connect", "not_sent"))]
OS += [code("os", "WSA" + name) for name in tables.WINSOCK]
OS += [code("os", value) for value in ("EFOO", "econnreset", "ECONNRESET ", "WSA", "WSAEFOO", "WSAWSAECONNRESET", "", "UND_ERR_SOCKET", None, 0, -104, 64, 121, 2147483647)]
OS_NUMBERS = [code("os", number) for number in tables.OS_NUMBERS]
OS_NUMBERS += [code("os", 110, phase="connect"), code("os", 10060, phase="connect"), code("os", 10054, phase="connect")]

DNS = [code("dns", name) for name in (*tables.DNS, *tables.DNS_ALIASES)]
DNS += [code("dns", number) for number in tables.DNS_NUMBERS]
DNS += [code("dns", value) for value in ("EAI_FOO", "eai_again", "ECONNREFUSED", None, 0, -9, -11, 11000, 11005)]
DNS += [code("dns", "EAI_AGAIN", method="POST"), code("dns", "EAI_AGAIN", phase="connect")]

TLS = [code("tls", value) for value in ("CERT_HAS_EXPIRED", "SELF_SIGNED_CERT_IN_CHAIN", "CERTIFICATE_VERIFY_FAILED", 0, 40, -1, None)]
TLS += [code("tls", "CERT_HAS_EXPIRED", phase="connect"), code("tls", "CERT_HAS_EXPIRED", hint=True)]

UNDICI = [code("undici", name) for name in tables.UNDICI]
UNDICI += [code("undici", name, method="POST") for name, found in tables.UNDICI.items() if found.class_ != "permanent"]
UNDICI += [code("undici", value) for value in ("UND_ERR_FOO", "und_err_socket", "UND_ERR_SOCKET ", "ECONNRESET", None, 503)]
UNDICI += [code("undici", "UND_ERR_SOCKET", phase="connect", expect=row("transient", "maybe"))]

USER = [code("user", value) for value in ("ECONNRESET", "anything", "", 0, 503, 104, None)] + [code("user", 503, hint=True)]

FILES = [
    file("classify-http", "classify", "Every status from 400 to 599, and what is no status", "SEMANTICS 15.1", HTTP),
    file("classify-os", "classify", "errno names, also in WinSock's spelling, in both phases", "SEMANTICS 15.3", OS),
    file("classify-os-numbers", "classify", "errno numbers of Linux and WinSock", "SEMANTICS 15.3; asm-generic/errno.h; winsock2.h", OS_NUMBERS),
    file("classify-dns", "classify", "Name resolution", "SEMANTICS 15.3; netdb.h", DNS),
    file("classify-tls", "classify", "TLS failures are permanent", "SEMANTICS 15.3", TLS),
    file("classify-undici", "classify", "All 24 codes of undici", "SEMANTICS 15.4; undici lib/core/errors.js at 7eb7c8ec", UNDICI),
    file("classify-user", "classify", "No table knows a code of the user's own", "DESIGN 3", USER),
]
