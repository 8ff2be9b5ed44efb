"""Errors of drivers: the facts that are gathered from the drivers' own classes, and the tables beside the drivers' own constants."""

import asyncio
import json
import sqlite3
from pathlib import Path

import asyncpg
import botocore.exceptions
import botocore.retries.standard
import confluent_kafka
import grpc
import grpc.aio
import kafka.errors
import mysql.connector
import mysql.connector.errorcode
import psycopg
import psycopg2
import psycopg2.errorcodes
import pymongo.errors
import pymongo.helpers_shared
import pymysql
import pytest
import redis.exceptions
import sqlalchemy.exc
from pymysql.constants import CR, ER

import undaunted
from undaunted._readers import read


def facts(error):
    found = read(error, False)
    return found.domain, found.code, found.phase


def rpc_error(code, details="", metadata=()):
    """As `grpc.aio` raises it."""
    trailing = grpc.aio.Metadata(*metadata)
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details=details)


def raised(call):
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def labelled(error, *labels):
    for label in labels:
        error._add_error_label(label)
    return error


def numbered(error, errno):
    error.errno = errno
    return error


def client_error(code, status, **headers):
    answer = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers}}
    return botocore.exceptions.ClientError(answer, "PutItem")


def of_class(name, *bases):
    """A class as a package names it that is not installed here."""
    module, _, name = name.rpartition(".")
    return type(name, bases, {"__module__": module})


def locked():
    first, second = (sqlite3.connect("file:locked?mode=memory&cache=shared", uri=True, timeout=0) for _ in range(2))
    first.execute("create table t (a)")
    first.execute("begin exclusive")
    return raised(lambda: second.execute("insert into t values (1)"))


def unique():
    database = sqlite3.connect(":memory:")
    database.execute("create table t (a unique)")
    database.execute("insert into t values (1)")
    return raised(lambda: database.execute("insert into t values (1)"))


REFUSED = ConnectionRefusedError(111, "refused")
RESET = ConnectionResetError(104, "reset")
LIBPQ = 'connection to server at "127.0.0.1", port 1 failed: '

CASES = [
    (rpc_error(grpc.StatusCode.UNAVAILABLE), ("grpc", 14, "unknown")),
    (rpc_error(grpc.StatusCode.UNAVAILABLE, "failed to connect to all addresses; last error: x"), ("grpc", 14, "connect")),
    (rpc_error(grpc.StatusCode.ABORTED), ("grpc", 10, "unknown")),
    (grpc.RpcError(), ("user", "RpcError", "unknown")),
    (raised(lambda: grpc.insecure_channel("127.0.0.1:1").unary_unary("/a/b")(b"", timeout=10)), ("grpc", 14, "connect")),
    (asyncpg.SerializationError("x"), ("postgres", "40001", "unknown")),
    (asyncpg.UniqueViolationError("x"), ("postgres", "23505", "unknown")),
    (asyncpg.InterfaceError("connection is closed"), ("postgres", "08003", "unknown")),
    (asyncpg.InterfaceError("x"), ("user", "InterfaceError", "unknown")),
    (asyncpg.InternalClientError("x"), ("user", "InternalClientError", "unknown")),
    (psycopg.errors.DeadlockDetected("x"), ("postgres", "40P01", "unknown")),
    (psycopg.OperationalError("consuming input failed: server closed the connection unexpectedly"), ("postgres", "08006", "unknown")),
    (psycopg.OperationalError(f"connection failed: {LIBPQ}Connection refused"), ("postgres", "08001", "unknown")),
    (psycopg.OperationalError(f"connection failed: {LIBPQ}FATAL:  the database system is starting up"), ("postgres", "57P03", "unknown")),
    (psycopg.OperationalError(f"connection failed: {LIBPQ}FATAL:  sorry, too many clients already"), ("postgres", "53300", "unknown")),
    (psycopg.OperationalError(f'connection failed: {LIBPQ}FATAL:  password authentication failed for user "x"'), ("user", "OperationalError", "unknown")),
    (psycopg.errors.ConnectionTimeout("connection timeout expired"), ("postgres", "08001", "unknown")),
    (psycopg.ProgrammingError("x"), ("user", "ProgrammingError", "unknown")),
    (raised(lambda: psycopg.connect("host=127.0.0.1 port=1")), ("postgres", "08001", "unknown")),
    (raised(lambda: psycopg.connect("host=nohost.invalid")), ("dns", "ENOTFOUND", "connect")),
    (raised(lambda: psycopg2.connect("host=127.0.0.1 port=1")), ("postgres", "08001", "unknown")),
    (pymysql.err.OperationalError(1213, "Deadlock found"), ("mysql", 1213, "unknown")),
    (pymysql.err.InterfaceError(0, ""), ("user", "InterfaceError", "unknown")),
    (pymysql.err.ProgrammingError("no number"), ("user", "ProgrammingError", "unknown")),
    (raised(lambda: pymysql.connect(host="127.0.0.1", port=1)), ("mysql", 2003, "unknown")),
    (raised(lambda: mysql.connector.connect(host="127.0.0.1", port=1)), ("mysql", 2003, "unknown")),
    (mysql.connector.errors.DatabaseError("x", errno=1205), ("mysql", 1205, "unknown")),
    (mysql.connector.errors.DatabaseError("x"), ("user", "DatabaseError", "unknown")),
    (of_class("MySQLdb._exceptions.MySQLError", Exception)(2013, "Lost connection"), ("mysql", 2013, "unknown")),
    (locked(), ("sqlite", 262, "unknown")),
    (unique(), ("sqlite", 2067, "unknown")),
    (raised(lambda: sqlite3.connect("/nonexistent/x")), ("sqlite", 14, "unknown")),
    (sqlite3.ProgrammingError("closed"), ("user", "ProgrammingError", "unknown")),
    (redis.exceptions.BusyLoadingError("Redis is loading the dataset in memory"), ("redis", "LOADING", "unknown")),
    (redis.exceptions.MasterDownError("x"), ("redis", "MASTERDOWN", "unknown")),
    (redis.exceptions.MovedError("3999 127.0.0.1:6381"), ("redis", "MOVED", "unknown")),
    (redis.exceptions.AskError("3999 127.0.0.1:6381"), ("redis", "ASK", "unknown")),
    (redis.exceptions.ReadOnlyError("You can't write"), ("redis", "READONLY", "unknown")),
    (redis.exceptions.AuthenticationError("invalid", status_code="WRONGPASS"), ("redis", "WRONGPASS", "unknown")),
    (redis.exceptions.ResponseError("WRONGTYPE Operation against a key"), ("redis", "WRONGTYPE", "unknown")),
    (redis.exceptions.ResponseError("unknown command 'FOO'"), ("redis", "ERR", "unknown")),
    (redis.exceptions.ConnectionError("max number of clients reached"), ("redis", "ERR max number of clients reached", "unknown")),
    (redis.exceptions.ConnectionError("Connection closed by server."), ("os", "ECONNRESET", "unknown")),
    (raised(lambda: redis.Redis(host="127.0.0.1", port=1, retry=None).ping()), ("os", "ECONNREFUSED", "connect")),
    (redis.exceptions.TimeoutError("Timeout reading from socket"), ("os", "ETIMEDOUT", "unknown")),
    (redis.exceptions.MaxConnectionsError("Too many connections"), ("user", "MaxConnectionsError", "unknown")),
    (redis.exceptions.WatchError("x"), ("user", "WatchError", "unknown")),
    (pymongo.errors.OperationFailure("x", 112), ("mongodb", 112, "unknown")),
    (pymongo.errors.DuplicateKeyError("x", 11000), ("mongodb", 11000, "unknown")),
    (pymongo.errors.OperationFailure("x", 112, {"errorLabels": ["TransientTransactionError"]}), ("mongodb", "TransientTransactionError", "unknown")),
    (pymongo.errors.OperationFailure("x", 462, {"errorLabels": ["SystemOverloadedError", "RetryableError"]}), ("mongodb", "RetryableError", "unknown")),
    (pymongo.errors.OperationFailure("x", 462, {"errorLabels": ["SystemOverloadedError"]}), ("mongodb", "SystemOverloadedError", "unknown")),
    (pymongo.errors.NotPrimaryError("x", {"code": 189}), ("mongodb", 189, "unknown")),
    (pymongo.errors.NotPrimaryError("x"), ("mongodb", 10107, "unknown")),
    (labelled(pymongo.errors.AutoReconnect("x"), "RetryableWriteError"), ("mongodb", "RetryableWriteError", "unknown")),
    (pymongo.errors.AutoReconnect("x"), ("os", "ECONNRESET", "unknown")),
    (pymongo.errors.NetworkTimeout("x"), ("os", "ETIMEDOUT", "unknown")),
    (pymongo.errors.ServerSelectionTimeoutError("x"), ("os", "ETIMEDOUT", "connect")),
    (pymongo.errors.InvalidOperation("x"), ("user", "InvalidOperation", "unknown")),
    (kafka.errors.NotLeaderForPartitionError(), ("kafka", 6, "unknown")),
    (kafka.errors.UnknownError(), ("kafka", -1, "unknown")),
    (kafka.errors.KafkaConnectionError(), ("os", "ECONNRESET", "unknown")),
    (kafka.errors.KafkaTimeoutError(), ("os", "ETIMEDOUT", "unknown")),
    (kafka.errors.StaleMetadata(), ("kafka", "StaleMetadataException", "unknown")),
    (kafka.errors.MetadataEmptyBrokerList(), ("kafka", "NoAvailableBrokersException", "unknown")),
    (kafka.errors.IllegalStateError(), ("user", "IllegalStateError", "unknown")),
    (of_class("aiokafka.errors.KafkaError", Exception)(), ("user", "KafkaError", "unknown")),
    (numbered(of_class("aiokafka.errors.KafkaError", Exception)(), 6), ("kafka", 6, "unknown")),
    (confluent_kafka.KafkaException(confluent_kafka.KafkaError(7)), ("kafka", 7, "unknown")),
    (confluent_kafka.KafkaException(confluent_kafka.KafkaError(confluent_kafka.KafkaError._TRANSPORT)), ("kafka", "DisconnectException", "unknown")),
    (confluent_kafka.KafkaException(confluent_kafka.KafkaError(confluent_kafka.KafkaError._TIMED_OUT)), ("os", "ETIMEDOUT", "unknown")),
    (confluent_kafka.KafkaException(confluent_kafka.KafkaError(confluent_kafka.KafkaError._ALL_BROKERS_DOWN)), ("kafka", "NoAvailableBrokersException", "unknown")),
    (confluent_kafka.KafkaException(confluent_kafka.KafkaError(confluent_kafka.KafkaError._BAD_MSG)), ("kafka", -199, "unknown")),
    (sqlalchemy.exc.OperationalError("select 1", {}, psycopg.errors.DeadlockDetected("x")), ("postgres", "40P01", "unknown")),
    (sqlalchemy.exc.IntegrityError("select 1", {}, pymysql.err.IntegrityError(1062, "x")), ("mysql", 1062, "unknown")),
    (sqlalchemy.exc.InterfaceError("select 1", {}, psycopg.InterfaceError("x")), ("user", "InterfaceError", "unknown")),
    (sqlalchemy.exc.NoResultFound("x"), ("user", "NoResultFound", "unknown")),
    (client_error("ThrottlingException", 400), ("aws", "ThrottlingException", "unknown")),
    (client_error("AccessDeniedException", 400), ("aws", "AccessDeniedException", "unknown")),
    (client_error("InternalError", 500), ("http", 500, "unknown")),
    (botocore.exceptions.ClientError({"Error": {"Code": "InternalError"}}, "PutItem"), ("aws", "InternalError", "unknown")),
    (botocore.exceptions.EndpointConnectionError(endpoint_url="u", error=REFUSED), ("os", "ECONNREFUSED", "connect")),
    (botocore.exceptions.ConnectTimeoutError(endpoint_url="u", error=TimeoutError()), ("os", "ETIMEDOUT", "connect")),
    (botocore.exceptions.ReadTimeoutError(endpoint_url="u", error=TimeoutError()), ("os", "ETIMEDOUT", "unknown")),
    (botocore.exceptions.ConnectionClosedError(endpoint_url="u"), ("os", "ECONNRESET", "unknown")),
    (botocore.exceptions.HTTPClientError(error=RESET), ("os", "ECONNRESET", "unknown")),
    (botocore.exceptions.NoCredentialsError(), ("user", "NoCredentialsError", "unknown")),
]  # fmt: skip


@pytest.mark.parametrize(("error", "expected"), CASES, ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "")
def test_the_facts_of(error, expected):
    assert expected == facts(error)


def test_an_asyncpg_connection_that_is_refused_is_an_errno():
    async def connect():
        await asyncpg.connect(host="127.0.0.1", port=1, user="x")

    assert ("os", "ECONNREFUSED", "unknown") == facts(raised(lambda: asyncio.run(connect())))


def test_an_asyncpg_session_that_is_ended_before_its_connection_closes_is_lost():
    def message(letter, body):
        return letter + (4 + len(body)).to_bytes(4, "big") + body

    version = message(b"S", b"server_version\0" b"15.0\0")
    ended = message(b"E", b"SFATAL\0" b"C57P01\0" b"Mterminating connection due to administrator command\0\0")
    # A session that begins and ends in one packet; the connection stays open.
    session = message(b"R", bytes(4)) + version + message(b"K", bytes(8)) + message(b"Z", b"I") + ended

    async def execute():
        over = asyncio.Event()

        async def serve(reader, writer):
            length = int.from_bytes(await reader.readexactly(4), "big")
            await reader.readexactly(length - 4)
            writer.write(session)
            await reader.read()
            writer.close()
            over.set()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            connection = await asyncpg.connect(host="127.0.0.1", port=server.sockets[0].getsockname()[1], user="x", ssl=False)
            try:
                await connection.execute("select 1")
            finally:
                connection.terminate()
                await over.wait()

    error = raised(lambda: asyncio.run(execute()))
    assert isinstance(error, asyncpg.InternalClientError)
    assert ("postgres", "08003", "unknown") == facts(error)


def test_hints_of_grpc_and_aws_are_read():
    pushed_back = rpc_error(grpc.StatusCode.RESOURCE_EXHAUSTED, metadata=[("grpc-retry-pushback-ms", "250")])
    assert 250_000 == read(pushed_back, False).hint
    assert read(rpc_error(grpc.StatusCode.UNAVAILABLE, metadata=[("grpc-retry-pushback-ms", "-1")]), False).should_retry is False
    assert 3_000_000 == read(client_error("SlowDown", 503, **{"retry-after": "3"}), False).hint
    assert 3_000_000 == read(client_error("InternalError", 503, **{"retry-after": "3"}), False).hint


# A google.rpc.Status of code 8, as protobuf writes it: a DebugInfo, then a RetryInfo, whose duration follows after its length.
STATUS = bytes.fromhex(
    "0808120571756f74611a2f0a28747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e4465627567496e666f1203120178"
    "1a370a28747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e5265747279496e666f120b0a"
)


@pytest.mark.parametrize(
    ("duration", "hint"),
    [
        ("0908c8011080cab5ee01", 200_500_000),  # 200.5 s
        ("020803", 3_000_000),
        ("051080e59a77", 250_000),
        ("021001", 1),  # a nanosecond: not earlier than that
        ("00", 0),
        ("0b08ffffffffffffffffff01", None),  # -1 s
    ],
)
def test_a_retry_info_of_grpc_is_a_hint(duration, hint):
    error = rpc_error(grpc.StatusCode.RESOURCE_EXHAUSTED, metadata=[("grpc-status-details-bin", STATUS + bytes.fromhex(duration))])
    assert hint == read(error, False).hint
    assert (hint is not None) == undaunted.classify(error).retried


def test_a_pushback_comes_before_a_retry_info():
    pairs = [("grpc-status-details-bin", STATUS + bytes.fromhex("020803")), ("grpc-retry-pushback-ms", "250")]
    assert 250_000 == read(rpc_error(grpc.StatusCode.UNAVAILABLE, metadata=pairs), False).hint
    assert None is read(rpc_error(grpc.StatusCode.UNAVAILABLE, metadata=[("grpc-status-details-bin", b"\x08\x08")]), False).hint


def test_a_deadlock_is_retried_and_a_unique_violation_is_not(flaky):
    deadlock, duplicate = flaky(1, pymysql.err.OperationalError(1213, "x")), flaky(1, asyncpg.UniqueViolationError("x"))
    assert "done" == undaunted.retry(deadlock)()
    with pytest.raises(asyncpg.UniqueViolationError):
        undaunted.retry(on=asyncpg.PostgresError)(duplicate)()
    assert (2, 1) == (deadlock.calls, duplicate.calls)


def test_classify_takes_an_error_and_says_what_it_was_read_as():
    found = undaunted.classify(asyncpg.SerializationError("x"))
    assert ("conflict", "rejected", "transaction", True, True) == (found.class_, found.sent, found.condition, found.known, found.retried)
    assert ("postgres", "40001") == (found.domain, found.code)
    assert found == undaunted.classify("postgres", "40001")
    assert not undaunted.classify(ConnectionResetError(), method="POST").retried
    assert undaunted.classify(rpc_error(grpc.StatusCode.RESOURCE_EXHAUSTED, metadata=[("grpc-retry-pushback-ms", "9")])).retried
    assert ("user", "ValueError", False) == ((bug := undaunted.classify(ValueError("x"))).domain, bug.code, bug.known)


def test_a_group_is_classified_by_the_part_that_weighs_most():
    refused, reset, bug = ConnectionRefusedError(), ConnectionResetError(), ValueError("x")
    assert "ECONNREFUSED" == undaunted.classify(ExceptionGroup("x", [refused])).code
    assert "ECONNRESET" == undaunted.classify(ExceptionGroup("x", [refused, ExceptionGroup("y", [reset])])).code
    assert "ValueError" == undaunted.classify(ExceptionGroup("x", [reset, bug, refused])).code


@pytest.mark.parametrize("more", [{"phase": "connect"}, {"hint": True}, {"code": 5}])
def test_what_belongs_to_a_code_is_refused_beside_an_error(more):
    with pytest.raises(TypeError, match="an error has its own"):
        undaunted.classify(ValueError("x"), **more)


# What the tables say, beside what drivers say: numbers by the drivers' names, and lists by the drivers' own lists.


def numbers_of(*modules):
    return {number: name for module in modules for name, number in vars(module).items() if isinstance(number, int)}


def codes_of(domain):
    """Every code that has a vector, and so a row, or is known to have none."""
    root = Path(__file__).parents[2] / "tests" / "vectors" / f"classify-{domain}.json"
    return {case["code"] for case in json.loads(root.read_text("utf-8"))["cases"] if case.get("code") is not None}


def known(domain):
    return {code for code in codes_of(domain) if undaunted.classify(domain, code).known}


def test_grpc_has_every_status_code():
    for status in grpc.StatusCode:
        number, _ = status.value
        assert undaunted.classify("grpc", number).known
        by_name, by_number = undaunted.classify("grpc", status.name), undaunted.classify("grpc", number)
        assert (by_name.class_, by_name.condition) == (by_number.class_, by_number.condition)
    assert {number for status in grpc.StatusCode for number in [status.value[0]]} == {code for code in known("grpc") if isinstance(code, int)}


def test_postgres_codes_are_those_of_the_drivers():
    ours = {code for code in known("postgres") if len(code) == 5}
    theirs = {code for code in vars(psycopg2.errorcodes).values() if isinstance(code, str)}
    asyncpgs = {kind.sqlstate for kind in vars(asyncpg.exceptions).values() if isinstance(kind, type) and getattr(kind, "sqlstate", None)}
    assert ours <= theirs | asyncpgs
    assert len(ours) > 50


def test_mysql_numbers_are_those_of_the_drivers():
    theirs = numbers_of(ER, CR, mysql.connector.errorcode)
    assert known("mysql") - theirs.keys() == {1927}  # MariaDB's alone
    named = {
        1020: "CHECKREAD", 1205: "LOCK_WAIT_TIMEOUT", 1213: "LOCK_DEADLOCK", 1689: "ER_LOCK_ABORTED", 2006: "CR_SERVER_GONE_ERROR",
        3101: "ER_TRANSACTION_ROLLBACK_DURING_COMMIT", 3572: "ER_LOCK_NOWAIT", 4031: "ER_CLIENT_INTERACTION_TIMEOUT",
    }  # fmt: skip
    for number, name in named.items():
        assert theirs[number].removeprefix("ER_") == name.removeprefix("ER_")


def test_sqlite_names_and_numbers_are_pythons():
    checked = 0
    for name, number in vars(sqlite3).items():
        if name.startswith("SQLITE_") and isinstance(number, int) and name in {f"SQLITE_{code}" for code in codes_of("sqlite")}:
            by_name, by_number = undaunted.classify("sqlite", name), undaunted.classify("sqlite", number)
            assert (by_name.class_, by_name.condition, by_name.known) == (by_number.class_, by_number.condition, by_number.known), name
            checked += 1
    assert checked >= 20


def test_mongodb_repeats_what_pymongo_repeats():
    for number in pymongo.helpers_shared._RETRYABLE_ERROR_CODES - {10058}:  # of version 3.2 and older
        assert undaunted.classify("mongodb", number).retried, number


def test_kafka_repeats_what_kafka_python_repeats():
    theirs = {kind.errno: kind for kind in vars(kafka.errors).values() if isinstance(kind, type) and isinstance(getattr(kind, "errno", None), int)}
    for number, kind in theirs.items():
        # Java and kafkajs repeat a corrupt message, kafka-python does not.
        assert undaunted.classify("kafka", number).retried == (kind.retriable or number == 2), kind


def test_aws_throttles_by_botocores_list():
    for code in botocore.retries.standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES:
        assert "throttle" == undaunted.classify("aws", code).class_
    for code in botocore.retries.standard.TransientRetryableChecker._TRANSIENT_ERROR_CODES:
        assert undaunted.classify("aws", code).retried


def test_redis_knows_every_reply_that_redis_py_knows():
    for word in redis._parsers.base.BaseParser.EXCEPTION_CLASSES:
        assert undaunted.classify("redis", word).known
