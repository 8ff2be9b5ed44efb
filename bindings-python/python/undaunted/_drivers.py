"""Readers for the errors of clients of servers other than HTTP's: gRPC, databases, brokers, AWS. Loaded at the first error."""

from __future__ import annotations

import re

from . import _core
from ._readers import fact, hint_of, inner_reader, os_reader, read, read_user, response_failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._readers import Reader


def _read_grpc(error: Any, needs_body: bool) -> _core.Failure:
    """`grpc.RpcError` of `grpc` and `grpc.aio`: a status by its number. Read as that of a connection that was not made where gRPC says so."""
    # Both kinds of metadata are pairs when gone through; as a mapping, that of `grpc.aio` has lists.
    metadata = tuple(error.trailing_metadata() or ())
    hint, should_retry = hint_of(metadata)
    if hint is None:
        hint = next((_retry_info(value) for name, value in metadata if name == "grpc-status-details-bin"), None)
    phase = "connect" if (error.details() or "").startswith(NOT_CONNECTED) else "unknown"
    return _core.Failure("grpc", error.code().value[0], phase=phase, hint=hint, should_retry=should_retry)


def _retry_info(status: bytes) -> int | None:
    """The wait of a `google.rpc.RetryInfo` within a `google.rpc.Status`, in microseconds; None if there is none that makes sense."""
    found = RETRY_INFO.search(status)
    if found is None:
        return None
    seconds, nanos = (sum((byte & 127) << 7 * at for at, byte in enumerate(digits)) for digits in found.groups(b""))
    return seconds * 1_000_000 - (-nanos // 1000) if seconds <= LONGEST_DURATION else None


def _read_sqlstate(error: Any, needs_body: bool) -> _core.Failure:
    """asyncpg, psycopg and psycopg2. libpq has no SQLSTATE for what happened at its own end, nor keeps the server's until it is connected."""
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if state is not None:
        return _core.Failure("postgres", state)
    if not _has_base(error, "OperationalError"):
        return read_user(error, needs_body)
    text = str(error)
    if text.startswith("failed to resolve host"):
        return fact("dns", "ENOTFOUND", "connect")
    if text.startswith(CONNECTING) or _has_base(error, "ConnectionTimeout"):
        told = next((state for words, state in WHILE_CONNECTING.items() if words in text), None)
        return fact("postgres", told) if told else read_user(error, needs_body) if "FATAL:" in text else fact("postgres", "08001")
    return fact("postgres", "08006")


def _read_asyncpg_interface(error: Any, needs_body: bool) -> _core.Failure:
    """A connection that is gone is misuse to asyncpg. Its transactions raise this where they cannot roll back, in front of what happened."""
    if "connection is closed" not in str(error):
        return read_user(error, needs_body)
    inner = _inside(error)
    facts = read(inner, needs_body) if isinstance(inner, Exception) else None
    return facts if facts is not None and facts.domain == "postgres" else fact("postgres", "08003")


def _read_asyncpg_internal(error: Any, needs_body: bool) -> _core.Failure:
    """A session that the server has ended, while nobody asked it anything, and whose socket asyncpg has not seen closing."""
    return fact("postgres", "08003") if str(error).endswith(ENDED_WHILE_IDLE) else read_user(error, needs_body)


def _read_mysql(error: Any, needs_body: bool) -> _core.Failure:
    """PyMySQL, aiomysql and mysqlclient give the number first; mysql-connector names it."""
    number = getattr(error, "errno", None) or next(iter(error.args), None)
    return _core.Failure("mysql", number) if isinstance(number, int) and number > 0 else read_user(error, needs_body)


def _read_sqlite(error: Any, needs_body: bool) -> _core.Failure:
    return _core.Failure("sqlite", error.sqlite_errorcode)


def _read_redis(error: Any, needs_body: bool) -> _core.Failure:
    """redis-py keeps the first word of a reply, or makes a class of it and cuts it off; what has neither was an ERR."""
    word = getattr(error, "status_code", None) or next((REPLIES[base.__name__] for base in type(error).__mro__ if base.__name__ in REPLIES), None)
    if word is None:
        first = str(error).partition(" ")[0]
        word = first if first.isupper() else "ERR"
    return _core.Failure("redis", word)


def _read_redis_connection(error: Any, needs_body: bool) -> _core.Failure:
    text = str(error)
    if text == "max number of clients reached":
        return fact("redis", f"ERR {text}")
    return (_redis_connecting if "connecting to" in text else _redis_connected)(error, needs_body)


def _read_mongodb(error: Any, needs_body: bool) -> _core.Failure:
    """pymongo: a label says more than a number; an error of the connection has neither."""
    label = next((label for label in LABELS if error.has_error_label(label)), None)
    details = getattr(error, "details", None)
    number = getattr(error, "code", None) or (details.get("code") if isinstance(details, dict) else None)
    if label or isinstance(number, int):
        return _core.Failure("mongodb", label or number)
    name = next((base.__name__ for base in type(error).__mro__ if base.__name__ in DISCONNECTED), None)
    return DISCONNECTED[name] if name else read_user(error, needs_body)


def _read_kafka(error: Any, needs_body: bool) -> _core.Failure:
    """kafka-python and aiokafka: the broker's number, or a class of what happened in the client."""
    number = getattr(error, "errno", None)
    if isinstance(number, int):
        return _core.Failure("kafka", number)
    name = next((base.__name__ for base in type(error).__mro__ if base.__name__ in AT_THE_CLIENT), None)
    return AT_THE_CLIENT[name] if name else read_user(error, needs_body)


def _read_librdkafka(error: Any, needs_body: bool) -> _core.Failure:
    """confluent-kafka: below -1 are numbers of librdkafka's own."""
    number = error.args[0].code()
    return AT_LIBRDKAFKA.get(number) or _core.Failure("kafka", number)


def _read_wrapped(error: Any, needs_body: bool) -> _core.Failure:
    """SQLAlchemy: the driver's own error, unless no table can say anything of it."""
    facts = read(error.orig, needs_body)
    return read_user(error, needs_body) if facts.domain == "user" else facts


def _read_aws(error: Any, needs_body: bool) -> _core.Failure:
    """botocore: the code, or the status where no table has the code."""
    answer = error.response.get("ResponseMetadata", {})
    hint, should_retry = hint_of(answer.get("HTTPHeaders"))
    facts = _core.Failure("aws", error.response["Error"]["Code"], hint=hint, should_retry=should_retry)
    _, _, _, is_known, _ = _core.classify(facts)
    status = answer.get("HTTPStatusCode")
    return facts if is_known or not isinstance(status, int) else response_failure(status, answer.get("HTTPHeaders"))


def _has_base(error: object, name: str) -> bool:
    return any(base.__name__ == name for base in type(error).__mro__)


def _inside(error: Any) -> object:
    return error.__cause__ or error.__context__


_redis_connecting = inner_reader(_inside, "ECONNREFUSED", "connect")
_redis_connected = inner_reader(_inside, "ECONNRESET")

#: gRPC's core, where no connection carried the call.
NOT_CONNECTED = ("failed to connect to all addresses", "errors resolving ", "DNS resolution failed")

#: Its type's name, then its value: a duration with seconds and nanoseconds, each a varint that is left out where it is 0.
RETRY_INFO = re.compile(
    rb"google\.rpc\.RetryInfo\x12.\x0a.(?:\x08([\x80-\xff]*[\x00-\x7f]))?(?:\x10([\x80-\xff]*[\x00-\x7f]))?", re.DOTALL
)
#: The most seconds of a `google.protobuf.Duration`; a negative number reads as more.
LONGEST_DURATION = 315_576_000_000

#: Of asyncpg's states, 2 is that after an error of the server's which ends what was going on.
ENDED_WHILE_IDLE = "another operation (2) is in progress"
CONNECTING = ("connection failed", "connection to server", "could not connect to server", "connection timeout")
#: What a server says before a session has a language of its own.
WHILE_CONNECTING = {
    "the database system is": "57P03",
    "too many clients already": "53300",
    "remaining connection slots": "53300",
    "too many connections for": "53300",
}

REPLIES = {
    "AskError": "ASK",
    "AuthenticationError": "NOAUTH",
    "BusyLoadingError": "LOADING",
    "ClusterCrossSlotError": "CROSSSLOT",
    "ClusterDownError": "CLUSTERDOWN",
    "ExecAbortError": "EXECABORT",
    "MasterDownError": "MASTERDOWN",
    "MovedError": "MOVED",
    "NoPermissionError": "NOPERM",
    "NoScriptError": "NOSCRIPT",
    "OutOfMemoryError": "OOM",
    "ReadOnlyError": "READONLY",
    "TryAgainError": "TRYAGAIN",
}

#: The one that says most first: an overload with RetryableError was refused before anything was done.
LABELS = (
    "TransientTransactionError",
    "UnknownTransactionCommitResult",
    "RetryableError",
    "SystemOverloadedError",
    "RetryableWriteError",
)

DISCONNECTED = {
    "NetworkTimeout": _core.Failure("os", "ETIMEDOUT"),
    "ServerSelectionTimeoutError": _core.Failure("os", "ETIMEDOUT", phase="connect"),
    "WaitQueueTimeoutError": _core.Failure("os", "ETIMEDOUT", phase="connect"),
    "NotPrimaryError": _core.Failure("mongodb", 10107),
    "ConnectionFailure": _core.Failure("os", "ECONNRESET"),
}

AT_THE_CLIENT = {
    "KafkaConnectionError": _core.Failure("os", "ECONNRESET"),
    "KafkaTimeoutError": _core.Failure("os", "ETIMEDOUT"),
    "MetadataEmptyBrokerList": _core.Failure("kafka", "NoAvailableBrokersException"),
    "NoBrokersAvailable": _core.Failure("kafka", "NoAvailableBrokersException"),
    "NodeNotReadyError": _core.Failure("kafka", "NoAvailableBrokersException"),
    "StaleMetadata": _core.Failure("kafka", "StaleMetadataException"),
}
AT_LIBRDKAFKA = {
    -195: _core.Failure("kafka", "DisconnectException"),  # _TRANSPORT
    -187: _core.Failure("kafka", "NoAvailableBrokersException"),  # _ALL_BROKERS_DOWN
    -185: _core.Failure("os", "ETIMEDOUT"),  # _TIMED_OUT
}

DRIVERS: dict[str, Reader] = {
    "grpc.RpcError": _read_grpc,
    "asyncpg.exceptions._base.PostgresError": _read_sqlstate,
    "asyncpg.exceptions._base.InterfaceError": _read_asyncpg_interface,
    "asyncpg.exceptions._base.InternalClientError": _read_asyncpg_internal,
    "psycopg.Error": _read_sqlstate,
    "psycopg2.Error": _read_sqlstate,
    "pymysql.err.MySQLError": _read_mysql,
    "MySQLdb._exceptions.MySQLError": _read_mysql,
    "mysql.connector.errors.Error": _read_mysql,
    "sqlite3.Error": _read_sqlite,
    "redis.exceptions.BusyLoadingError": _read_redis,
    "redis.exceptions.AuthenticationError": _read_redis,
    "redis.exceptions.MaxConnectionsError": read_user,
    "redis.exceptions.ConnectionError": _read_redis_connection,
    "redis.exceptions.TimeoutError": os_reader("ETIMEDOUT"),
    "redis.exceptions.ResponseError": _read_redis,
    "pymongo.errors.PyMongoError": _read_mongodb,
    "kafka.errors.KafkaError": _read_kafka,
    "aiokafka.errors.KafkaError": _read_kafka,
    "cimpl.KafkaException": _read_librdkafka,
    "sqlalchemy.exc.DBAPIError": _read_wrapped,
    "botocore.exceptions.ClientError": _read_aws,
    "botocore.exceptions.ConnectTimeoutError": os_reader("ETIMEDOUT", "connect"),
    "botocore.exceptions.ReadTimeoutError": os_reader("ETIMEDOUT"),
    "botocore.exceptions.ConnectionClosedError": os_reader("ECONNRESET"),
    "botocore.exceptions.SSLError": inner_reader(lambda error: error.kwargs.get("error"), "EPROTO"),
    "botocore.exceptions.ConnectionError": inner_reader(lambda error: error.kwargs.get("error"), "ECONNREFUSED", "connect"),
    "botocore.exceptions.HTTPClientError": inner_reader(lambda error: error.kwargs.get("error"), "ECONNRESET"),
}
