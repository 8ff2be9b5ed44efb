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


def every(domain, names, numbers=()):
    """Each row by each of its spellings, and as a call that may not be repeated where that matters."""
    cases = [code(domain, value) for value in (*names, *numbers)]
    return cases + [code(domain, name, method="POST") for name in names if tables.row(domain, name).class_ != "permanent"]


GRPC = every("grpc", tables.GRPC, tables.GRPC_NUMBERS)
GRPC += [code("grpc", 8, hint=True, expect=row("throttle", "rejected")), code("grpc", "RESOURCE_EXHAUSTED", hint=True), code("grpc", 14, hint=True), code("grpc", 13, hint=True)]
GRPC += [code("grpc", 14, phase="connect", method="POST", expect=row("connect", "not_sent")), code("grpc", "DEADLINE_EXCEEDED", phase="connect"), code("grpc", 2, phase="connect"), code("grpc", 5, phase="connect")]
GRPC += [code("grpc", value) for value in ("unavailable", "14", "StatusCode.UNAVAILABLE", "", None, -1, 17, 270)]

POSTGRES = every("postgres", [name for name in tables.POSTGRES if name not in tables.POSTGRES_CLASSES])
POSTGRES += [code("postgres", value) for value in ("22", "23", "28", "42", "22012", "23502", "23503", "23505", "23P01", "28000", "28P01", "42601", "42P01", "42501")]
POSTGRES += [code("postgres", value) for value in ("40001 ", "40p01", "00000", "01000", "08002", "08P02", "25P04", "25001", "40", "4000", "53", "57P06", "58P01", "XX", "P0002", "2", "", None, 40001, 23505)]
POSTGRES += [code("postgres", "08006", phase="connect", method="POST", expect=row("connect", "not_sent")), code("postgres", "40001", phase="connect"), code("postgres", "23505", phase="connect"), code("postgres", "53300", hint=True)]

MYSQL_NAMES = [int(name) for name in tables.MYSQL]
MYSQL = every("mysql", MYSQL_NAMES)
MYSQL += [code("mysql", value) for value in ("1213", "ER_LOCK_DEADLOCK", "40001", "", None, 0, -1213, 1000, 1207, 2000, 65536 + 1213)]
MYSQL += [code("mysql", 2013, phase="connect", method="POST", expect=row("connect", "not_sent"))]

SQLITE = every("sqlite", tables.SQLITE, tables.SQLITE_NUMBERS) + [code("sqlite", "SQLITE_" + name) for name in tables.SQLITE]
SQLITE += [code("sqlite", value) for value in (2067, "SQLITE_CONSTRAINT_UNIQUE", "CONSTRAINT_PRIMARYKEY", 1555, 787, 266, "SQLITE_IOERR_READ", 1032, "READONLY_DBMOVED", 526, "SQLITE_CANTOPEN_ISDIR", 1029, "BUSY_SOMETHING")]
SQLITE += [code("sqlite", value) for value in (0, -5, -251, 1, "SQLITE_ERROR", 4, "ABORT", 100, "sqlite_busy", "SQLITE_", "SQLITE_SQLITE_BUSY", "_BUSY", "", "5", None)]

REDIS = every("redis", tables.REDIS)
REDIS += [code("redis", value) for value in ("LOADING Redis is loading the dataset in memory", "MOVED 3999 127.0.0.1:6381", "BUSY Redis is busy running a script.", "ERR unknown command 'FOO'", "ERR max number of clients reached ",
          "BUSYGROUP Consumer Group name already exists", "READONLY You can't write against a read only replica.", "OOM command not allowed when used memory > 'maxmemory'.")]
REDIS += [code("redis", value) for value in ("loading", "LOADINGX", " LOADING", "ASKING", "max number of clients reached", "WRONG", "", " ", None, 5)]

MONGODB_NAMES = [int(name) if name.isdigit() else name for name in tables.MONGODB]
MONGODB = every("mongodb", MONGODB_NAMES)
MONGODB += [code("mongodb", value) for value in ("112", "WriteConflict", "retryablewriteerror", "", None, 0, 1, 50, 10058, -112, 65536 + 112)]
MONGODB += [code("mongodb", 9001, phase="connect", method="POST", expect=row("connect", "not_sent")), code("mongodb", "SystemOverloadedError", hint=True)]

KAFKA = every("kafka", tables.KAFKA, tables.KAFKA_NUMBERS)
KAFKA += [code("kafka", number, expect=row("permanent", "maybe", retried=False)) for number in range(-1, 131) if number not in tables.KAFKA_NUMBERS]
KAFKA += [code("kafka", value) for value in (-2, -195, 2147483647, "NOT_LEADER_FOR_PARTITION", "corrupt_message", "2", "TOPIC_AUTHORIZATION_FAILED", "", None)]

AWS = every("aws", tables.AWS)
AWS += [code("aws", value) for value in ("throttling", "Throttling ", "InternalError", "ValidationException", "503", "", None, 503, 400)]
AWS += [code("aws", "RequestTimeout", phase="connect", expect=row("connect", "not_sent")), code("aws", "SlowDown", hint=True)]

USER = [code("user", value) for value in ("ECONNRESET", "anything", "", 0, 503, 104, None)] + [code("user", 503, hint=True), code("user", "BreakerOpen"), code("user", "BreakerOpen", hint=True), code("user", "breakeropen", hint=True)]

FILES = [
    file("classify-http", "classify", "Every status from 400 to 599, and what is no status", "SEMANTICS 15.1", HTTP),
    file("classify-os", "classify", "errno names, also in WinSock's spelling, in both phases", "SEMANTICS 15.3", OS),
    file("classify-os-numbers", "classify", "errno numbers of Linux and WinSock", "SEMANTICS 15.3; asm-generic/errno.h; winsock2.h", OS_NUMBERS),
    file("classify-dns", "classify", "Name resolution", "SEMANTICS 15.3; netdb.h", DNS),
    file("classify-tls", "classify", "TLS failures are permanent", "SEMANTICS 15.3", TLS),
    file("classify-undici", "classify", "All 24 codes of undici", "SEMANTICS 15.4; undici lib/core/errors.js at 7eb7c8ec", UNDICI),
    file("classify-grpc", "classify", "Every status code of gRPC by name and number", "SEMANTICS 15.2", GRPC),
    file("classify-postgres", "classify", "SQLSTATEs of PostgreSQL, and classes of them", "SEMANTICS 15.5; PostgreSQL errcodes.txt", POSTGRES),
    file("classify-mysql", "classify", "Error numbers of MySQL and MariaDB", "SEMANTICS 15.6; PyMySQL constants/ER.py and CR.py", MYSQL),
    file("classify-sqlite", "classify", "Result codes of SQLite by name and number, and what extended ones go by", "SEMANTICS 15.7; sqlite.org/rescode.html", SQLITE),
    file("classify-redis", "classify", "Error replies of Redis by their first word", "SEMANTICS 15.8", REDIS),
    file("classify-mongodb", "classify", "Error numbers and labels of MongoDB", "SEMANTICS 15.9", MONGODB),
    file("classify-kafka", "classify", "Every error code of Kafka", "SEMANTICS 15.10; Kafka Errors.java at 1eb76443", KAFKA),
    file("classify-aws", "classify", "Error codes of AWS", "SEMANTICS 15.11; botocore retries/standard.py", AWS),
    file("classify-user", "classify", "No table knows a code of the user's own; of ours one", "DESIGN 3; SEMANTICS 9", USER),
]
