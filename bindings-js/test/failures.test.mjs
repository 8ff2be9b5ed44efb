import assert from "node:assert/strict";
import { test } from "node:test";
import { classify, history, retry } from "undaunted";
import { lost, rejection, throwing, virtual } from "./clock.mjs";

/** Class and sent that one failure was seen to have. */
async function seen(error) {
  const { error: thrown } = await rejection(retry(throwing(error), { attempts: 1 }));
  assert.equal(thrown, error);
  const [{ class: kind, sent, reason }] = history(error);
  return [kind, sent, reason === "attempts"];
}

const RETRIED = true;
const NOT = false;

test("errors of Node's sockets by their code", virtual(async () => {
  assert.deepEqual(await seen(lost("ECONNRESET", { syscall: "read" })), ["transient", "maybe", RETRIED]);
  assert.deepEqual(await seen(lost("ECONNREFUSED", { syscall: "connect" })), ["connect", "not_sent", RETRIED]);
  assert.deepEqual(await seen(lost("ECONNRESET", { syscall: "connect" })), ["connect", "not_sent", RETRIED]);
  assert.deepEqual(await seen(lost("ETIMEDOUT", { syscall: "connect" })), ["connect", "not_sent", RETRIED]);
  assert.deepEqual(await seen(lost("ETIMEDOUT", { syscall: "read" })), ["timeout", "maybe", RETRIED]);
  assert.deepEqual(await seen(lost("EACCES")), ["permanent", "maybe", NOT]);
  assert.deepEqual(await seen(lost("ENOENT", { syscall: "open", errno: -2 })), ["permanent", "maybe", NOT]);
  assert.deepEqual(await seen(lost("ERR_STREAM_PREMATURE_CLOSE")), ["transient", "maybe", RETRIED]);
  assert.deepEqual(await seen(lost("ERR_SOCKET_CONNECTION_TIMEOUT")), ["connect", "not_sent", RETRIED]);
}));

test("errors of name resolution", virtual(async () => {
  assert.deepEqual(await seen(lost("EAI_AGAIN", { syscall: "getaddrinfo" })), ["connect", "not_sent", RETRIED]);
  assert.deepEqual(await seen(lost("ENOTFOUND", { syscall: "getaddrinfo" })), ["connect", "not_sent", NOT]);
}));

test("certificates are never retried", virtual(async () => {
  for (const code of ["CERT_HAS_EXPIRED", "DEPTH_ZERO_SELF_SIGNED_CERT", "ERR_TLS_CERT_ALTNAME_INVALID", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"]) {
    assert.deepEqual(await seen(new TypeError("fetch failed", { cause: lost(code) })), ["permanent", "maybe", NOT]);
  }
}));

test("undici's codes, and fetch's TypeError around them", virtual(async () => {
  assert.deepEqual(await seen(lost("UND_ERR_CONNECT_TIMEOUT")), ["connect", "not_sent", RETRIED]);
  assert.deepEqual(await seen(new TypeError("fetch failed", { cause: lost("UND_ERR_SOCKET") })), ["transient", "maybe", RETRIED]);
  assert.deepEqual(await seen(new TypeError("fetch failed", { cause: lost("UND_ERR_INVALID_ARG") })), ["permanent", "maybe", NOT]);
  assert.deepEqual(await seen(new TypeError("fetch failed", { cause: new Error("unknown scheme") })), ["permanent", "maybe", NOT]);
}));

test("the browsers' texts of a lost connection, to the letter", virtual(async () => {
  for (const text of ["Failed to fetch", "NetworkError when attempting to fetch resource.", "Load failed", "fetch failed"]) {
    assert.deepEqual(await seen(new TypeError(text)), ["transient", "maybe", RETRIED]);
    assert.deepEqual(await seen(new Error(text)), ["permanent", "maybe", NOT]);
    assert.deepEqual(await seen(new TypeError(`${text}?`)), ["permanent", "maybe", NOT]);
  }
}));

test("mysql2 gives a refusal of a connection no state", virtual(async () => {
  assert.deepEqual(await seen(lost("ER_CON_COUNT_ERROR", { errno: 1040 })), ["throttle", "rejected", RETRIED]);
}));

test("statuses wherever they stand: status, statusCode, response.status", virtual(async () => {
  for (const more of [{ status: 503 }, { statusCode: 503 }, { response: { status: 503 } }, { response: { statusCode: 503 } }]) {
    assert.deepEqual(await seen(lost("ERR_BAD_RESPONSE", more)), ["transient", "maybe", RETRIED]);
  }
  assert.deepEqual(await seen(lost("x", { status: 404 })), ["permanent", "maybe", NOT]);
  assert.deepEqual(await seen(lost("ECONNRESET", { status: 14 })), ["transient", "maybe", RETRIED]);
  assert.deepEqual(await seen(lost("ECONNRESET", { status: "failed" })), ["transient", "maybe", RETRIED]);
}));

test("header fields of Headers, maps, Node and axios give the hint", virtual(async () => {
  for (const headers of [
    new Headers({ "Retry-After": "9" }),
    new Map([["Retry-After", "9"]]),
    { "Retry-After": "9" },
    { "retry-after": ["9"] },
    { "retry-after": 9 },
    Object.assign(Object.create({ get: (name) => (name === "retry-after" ? "9" : null) })),
  ]) {
    assert.deepEqual(await seen(lost("x", { status: 503, headers })), ["throttle", "rejected", RETRIED]);
    assert.deepEqual(await seen(lost("x", { response: { status: 503, headers } })), ["throttle", "rejected", RETRIED]);
  }
}));

test("a veto of the server's holds", virtual(async () => {
  assert.deepEqual(await seen(lost("x", { status: 503, headers: { "x-should-retry": "false" } })), ["transient", "maybe", NOT]);
  assert.deepEqual(await seen(lost("x", { status: 400, headers: { "x-should-retry": "true" } })), ["transient", "rejected", RETRIED]);
}));

test("an AggregateError is retried only if each of its errors is", virtual(async () => {
  const refused = () => lost("ECONNREFUSED", { syscall: "connect" });
  const both = Object.assign(new AggregateError([refused(), refused()]), { code: "ECONNREFUSED" });
  assert.deepEqual(await seen(both), ["connect", "not_sent", RETRIED]);
  assert.deepEqual(await seen(new TypeError("fetch failed", { cause: both })), ["connect", "not_sent", RETRIED]);
  assert.deepEqual(await seen(new AggregateError([refused(), lost()])), ["transient", "maybe", RETRIED]);
  assert.deepEqual(await seen(new AggregateError([refused(), new Error("bug")])), ["permanent", "maybe", NOT]);
  assert.deepEqual(await seen(new AggregateError([refused(), lost("CERT_HAS_EXPIRED")])), ["permanent", "maybe", NOT]);
  assert.deepEqual(await seen(new AggregateError([])), ["permanent", "maybe", NOT]);
}));

test("causes are followed, but not in circles and not for ever", virtual(async () => {
  assert.deepEqual(await seen(new Error("a", { cause: new Error("b", { cause: lost() }) })), ["transient", "maybe", RETRIED]);
  const circle = new Error("a");
  circle.cause = new Error("b", { cause: circle });
  assert.deepEqual(await seen(circle), ["permanent", "maybe", NOT]);
  const aggregate = new AggregateError([]);
  aggregate.errors.push(aggregate, aggregate);
  assert.deepEqual(await seen(aggregate), ["permanent", "maybe", NOT]);
  let deep = lost();
  for (let i = 0; i < 20; i++) deep = new Error("level", { cause: deep });
  assert.deepEqual(await seen(deep), ["permanent", "maybe", NOT]);
}));

test("rules see an error's name, or its own code where the name says nothing", virtual(async () => {
  const rules = [{ user: "QuotaError", class: "throttle", sent: "rejected" }, { user: "E_BUSY_HERE", class: "conflict", sent: "not_sent" }];
  class QuotaError extends Error {
    name = "QuotaError";
  }
  assert.equal(await retry(throwing(new QuotaError()), { rules }), "done");
  assert.equal(await retry(throwing(lost("E_BUSY_HERE")), { rules }), "done");
  assert.equal(await retry(throwing(lost("ECUSTOM")), { rules: [{ user: "ECUSTOM", class: "transient" }] }), "done");
}));

const error = (message, fields) => Object.assign(new Error(message), fields);

/** What an error is read as, and what that means. */
function asked(error, options) {
  const { domain, code, class: kind, sent } = classify(error, options);
  return [domain, code, kind, sent];
}

test("pg 8: DatabaseError of pg-protocol", () => {
  const failed = (code) => error("x", { length: 9, name: "error", severity: "ERROR", code, detail: undefined, routine: "x" });
  assert.deepEqual(asked(failed("40001")), ["postgres", "40001", "conflict", "rejected"]);
  assert.deepEqual(asked(failed("23505")), ["postgres", "23505", "permanent", "maybe"]);
  assert.deepEqual(asked(error("x", { code: "40001" })), ["user", "40001", "permanent", "maybe"]);
});

test("mysql2 3: errors of the server, and of the connection", () => {
  const deadlock = error("Deadlock found", { code: "ER_LOCK_DEADLOCK", errno: 1213, sqlState: "40001", sqlMessage: "Deadlock found" });
  assert.deepEqual(asked(deadlock), ["mysql", 1213, "conflict", "rejected"]);
  const refused = error("connect ECONNREFUSED 127.0.0.1:1", { errno: -111, code: "ECONNREFUSED", syscall: "connect", fatal: true });
  assert.deepEqual(asked(refused), ["os", "ECONNREFUSED", "connect", "not_sent"]);
  const lost = error("Connection lost: The server closed the connection.", { fatal: true, code: "PROTOCOL_CONNECTION_LOST" });
  assert.deepEqual(asked(lost), ["os", "EOF", "transient", "maybe"]);
});

test("better-sqlite3 12 and sqlite3 5 by name, node:sqlite by number", () => {
  assert.deepEqual(asked(error("database is locked", { code: "SQLITE_BUSY" })), ["sqlite", "SQLITE_BUSY", "conflict", "rejected"]);
  assert.deepEqual(asked(error("x", { code: "SQLITE_CONSTRAINT_UNIQUE" })), ["sqlite", "SQLITE_CONSTRAINT_UNIQUE", "permanent", "maybe"]);
  assert.deepEqual(asked(error("SQLITE_BUSY: x", { errno: 5, code: "SQLITE_BUSY" })), ["sqlite", "SQLITE_BUSY", "conflict", "rejected"]);
  assert.deepEqual(asked(error("x", { code: "ERR_SQLITE_ERROR", errcode: 517, errstr: "x" })), ["sqlite", 517, "conflict", "rejected"]);
});

test("ioredis 6: ReplyError of redis-errors 1", () => {
  class ReplyError extends Error {
    get name() {
      return this.constructor.name;
    }
  }
  assert.deepEqual(asked(new ReplyError("LOADING Redis is loading the dataset in memory")), ["redis", "LOADING", "transient", "rejected"]);
  assert.deepEqual(asked(new ReplyError("ERR unknown command 'FOO', with args beginning with: 'secret'")), ["redis", "ERR", "permanent", "maybe"]);
  const full = "ERR max number of clients reached";
  assert.deepEqual(asked(new ReplyError(full)), ["redis", full, "throttle", "rejected"]);
  assert.deepEqual(asked(new ReplyError("")), ["redis", "", "permanent", "maybe"]);
});

test("node-redis 6: replies, and what became of the connection, by the names of their classes", () => {
  class ErrorReply extends Error {}
  class SimpleError extends ErrorReply {}
  class BlobError extends ErrorReply {}
  class SocketClosedUnexpectedlyError extends Error {}
  class SocketTimeoutError extends Error {}
  class ConnectionTimeoutError extends Error {}
  assert.deepEqual(asked(new SimpleError("READONLY You can't write against a read only replica.")), ["redis", "READONLY", "transient", "rejected"]);
  assert.deepEqual(asked(new BlobError("TRYAGAIN Multiple keys request during rehashing of slot")), ["redis", "TRYAGAIN", "transient", "rejected"]);
  assert.deepEqual(asked(new SocketClosedUnexpectedlyError("Socket closed unexpectedly")), ["os", "ECONNRESET", "transient", "maybe"]);
  assert.deepEqual(asked(new SocketTimeoutError("Socket timeout")), ["os", "ETIMEDOUT", "timeout", "maybe"]);
  assert.deepEqual(asked(new ConnectionTimeoutError("Connection timeout")), ["os", "ETIMEDOUT", "connect", "not_sent"]);
  assert.deepEqual(asked(new (class SimpleError extends Error {})("LOADING")), ["user", "Error", "permanent", "maybe"]);
});

test("mongodb 7: a label, else the number, else the name", () => {
  const failed = (name, errorLabels, more = {}) => error("x", { name, errorLabels, ...more });
  assert.deepEqual(asked(failed("MongoServerError", [], { code: 112 })), ["mongodb", 112, "conflict", "rejected"]);
  assert.deepEqual(asked(failed("MongoServerError", ["TransientTransactionError"], { code: 112 })), ["mongodb", "TransientTransactionError", "conflict", "rejected"]);
  assert.deepEqual(asked(failed("MongoServerError", ["SystemOverloadedError", "RetryableError"], { code: 462 })), ["mongodb", "RetryableError", "throttle", "rejected"]);
  assert.deepEqual(asked(failed("MongoNetworkError", ["RetryableWriteError", "ResetPool"])), ["mongodb", "RetryableWriteError", "transient", "maybe"]);
  assert.deepEqual(asked(failed("MongoNetworkError", [])), ["os", "ECONNRESET", "transient", "maybe"]);
  assert.deepEqual(asked(failed("MongoNetworkTimeoutError", [])), ["os", "ETIMEDOUT", "timeout", "maybe"]);
  assert.deepEqual(asked(failed("MongoPoolClearedError", [])), ["mongodb", "PoolClearedError", "transient", "not_sent"]);
  const cause = failed("MongoNetworkError", [], { cause: lost("ECONNREFUSED", { syscall: "connect" }) });
  assert.deepEqual(asked(failed("MongoServerSelectionError", [], { cause })), ["os", "ECONNREFUSED", "connect", "not_sent"]);
});

test("kafkajs 2: KafkaJSProtocolError, and the connection's", () => {
  const failed = error("x", { name: "KafkaJSProtocolError", type: "NOT_LEADER_FOR_PARTITION", code: 6, retriable: true });
  assert.deepEqual(asked(failed), ["kafka", 6, "transient", "rejected"]);
  const exhausted = error("x", { name: "KafkaJSNumberOfRetriesExceeded", retriable: false, cause: failed });
  assert.deepEqual(asked(exhausted), ["kafka", 6, "transient", "rejected"]);
  assert.deepEqual(asked(error("x", { name: "KafkaJSConnectionError", code: "ECONNREFUSED" })), ["os", "ECONNREFUSED", "connect", "not_sent"]);
  assert.deepEqual(asked(error("x", { name: "KafkaJSConnectionClosedError" })), ["os", "ECONNRESET", "transient", "maybe"]);
  assert.deepEqual(asked(error("x", { name: "KafkaJSRequestTimeoutError" })), ["os", "ETIMEDOUT", "timeout", "maybe"]);
});

test("@grpc/grpc-js 1: a ServiceError, its metadata, and the connection that was not made", () => {
  class Metadata {
    constructor(fields = {}) {
      this.fields = fields;
    }
    get(name) {
      return this.fields[name] ?? [];
    }
  }
  const failed = (code, name, details, metadata = new Metadata()) => error(`${code} ${name}: ${details}`, { code, details, metadata });
  assert.deepEqual(asked(failed(14, "UNAVAILABLE", "Connection dropped")), ["grpc", 14, "transient", "maybe"]);
  const unconnected = failed(14, "UNAVAILABLE", "No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: ");
  assert.deepEqual(asked(unconnected, { method: "POST" }), ["grpc", 14, "connect", "not_sent"]);
  assert.deepEqual(asked(failed(10, "ABORTED", "")), ["grpc", 10, "conflict", "rejected"]);
  const exhausted = (metadata) => failed(8, "RESOURCE_EXHAUSTED", "quota", metadata);
  assert.equal(classify(exhausted()).retried, false);
  assert.equal(classify(exhausted(new Metadata({ "grpc-retry-pushback-ms": ["250"] }))).retried, true);
  assert.deepEqual(asked(error("x", { code: 14, metadata: {} })), ["user", 14, "permanent", "maybe"]);
  assert.deepEqual(asked(failed(14, "UNAVAILABLE", "x", {})), ["grpc", 14, "transient", "maybe"]);
});

test("a RetryInfo of gRPC is a hint, after a pushback", virtual(async () => {
  // A google.rpc.Status of code 8, as protobuf writes it: a DebugInfo, then a RetryInfo, whose duration follows after its length.
  const status = "0808120571756f74611a2f0a28747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e4465627567496e666f1203120178"
    + "1a370a28747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e5265747279496e666f120b0a";
  const failed = (duration, pushback = []) => error("8 RESOURCE_EXHAUSTED: x", {
    code: 8, details: "x",
    metadata: { get: (name) => (name === "grpc-status-details-bin" ? [Buffer.from(status + duration, "hex")] : name === "grpc-retry-pushback-ms" ? pushback : []) },
  });
  const waits = async (thrown) => {
    const waited = [];
    await retry(throwing(thrown), { jitter: "none", initial: "1us", maxDelay: "1us", timeout: null, hint: { max: "1h" }, onRetry: ({ delay }) => waited.push(delay) });
    return waited;
  };
  assert.deepEqual(await waits(failed("0908c8011080cab5ee01")), [200_500]);
  assert.deepEqual(await waits(failed("051080e59a77")), [250]);
  assert.deepEqual(await waits(failed("020803", ["40"])), [40]);
  assert.equal(classify(failed("00")).retried, true);
  assert.equal(classify(failed("0b08ffffffffffffffffff01")).retried, false); // -1 s
}));

test("AWS SDK 3: ServiceException of @smithy/smithy-client", () => {
  const failed = (name, httpStatusCode, more = {}) => error("x", { name, $fault: "server", $metadata: { httpStatusCode, attempts: 3 }, ...more });
  assert.deepEqual(asked(failed("ThrottlingException", 400)), ["aws", "ThrottlingException", "throttle", "rejected"]);
  assert.deepEqual(asked(failed("AccessDeniedException", 400)), ["aws", "AccessDeniedException", "permanent", "maybe"]);
  assert.deepEqual(asked(failed("InternalServerError", 500)), ["http", 500, "transient", "maybe"]);
  assert.deepEqual(asked(failed("Modeled", 400, { $retryable: { throttling: true } })), ["aws", "ThrottlingException", "throttle", "rejected"]);
  assert.deepEqual(asked(failed("SlowDown", 503, { $response: { statusCode: 503, headers: { "retry-after": "3" } } })), ["aws", "SlowDown", "throttle", "rejected"]);
  assert.deepEqual(asked(failed("Unheard", 503, { $response: { statusCode: 503, headers: { "retry-after": "3" } } })), ["http", 503, "throttle", "rejected"]);
  assert.deepEqual(asked(failed("Unheard", undefined)), ["aws", "Unheard", "permanent", "maybe"]);
});

test("AWS SDK 3: a socket's error that its retries have marked stays the socket's", () => {
  // As client-sts 3 leaves them when a connection is reset, refused or has no address; it renames what it takes for late.
  const marked = (code, more) => error("x", { code, ...more, $metadata: { attempts: 1, totalRetryDelay: 0 } });
  assert.deepEqual(asked(marked("ECONNRESET", { name: "TimeoutError", errno: -104, syscall: "read" })), ["os", "ECONNRESET", "transient", "maybe"]);
  assert.deepEqual(asked(marked("ECONNREFUSED", { errno: -111, syscall: "connect" })), ["os", "ECONNREFUSED", "connect", "not_sent"]);
  assert.deepEqual(asked(marked("EAI_AGAIN", { errno: -3001, syscall: "getaddrinfo" })), ["dns", "EAI_AGAIN", "connect", "not_sent"]);
  assert.deepEqual(asked(error("x", { name: "TimeoutError", $metadata: { attempts: 1 } })), ["aws", "TimeoutError", "timeout", "maybe"]);
});

test("what AWS' model calls retryable is retried", virtual(async () => {
  const modeled = (more) => error("x", { name: "Modeled", $metadata: { httpStatusCode: 400 }, ...more });
  assert.deepEqual(await seen(modeled({ $retryable: {} })), ["transient", "rejected", RETRIED]);
  assert.deepEqual(await seen(modeled({})), ["permanent", "maybe", NOT]);
}));

test("a deadlock is retried, a unique violation is not", virtual(async () => {
  const failed = (code) => error("x", { name: "error", severity: "ERROR", code });
  assert.deepEqual(await seen(failed("40P01")), ["conflict", "rejected", RETRIED]);
  assert.deepEqual(await seen(failed("23505")), ["permanent", "maybe", NOT]);
}));

test("classify takes what the readers take: causes, aggregates, names", () => {
  assert.deepEqual(asked(new Error("x", { cause: lost("ECONNRESET") })), ["os", "ECONNRESET", "transient", "maybe"]);
  assert.deepEqual(asked(new AggregateError([lost("ECONNREFUSED"), new Error("bug")])), ["user", "Error", "permanent", "maybe"]);
  assert.deepEqual(asked(error("x", { name: "Überlast" })), ["user", "Überlast", "permanent", "maybe"]);
  assert.equal(classify(lost("ECONNRESET"), { method: "POST" }).retried, false);
});

test("classify says what the tables say", () => {
  assert.deepEqual(classify("http", 503), { domain: "http", code: 503, class: "transient", sent: "maybe", condition: "always", known: true, retried: true });
  assert.equal(classify("sqlite", "SQLITE_BUSY_SNAPSHOT").condition, "transaction");
  assert.equal(classify("redis", "LOADING ünd").code, "LOADING ünd");
  assert.equal(classify("http", 503, { method: "POST" }).retried, false);
  assert.equal(classify("http", 503, { method: "post", hint: true }).class, "throttle");
  assert.equal(classify("os", "ETIMEDOUT", { phase: "connect" }).sent, "not_sent");
  assert.equal(classify("os", 104).class, "transient");
  assert.equal(classify("user", "ECONNRESET").known, false);
  assert.throws(() => classify("smtp", 1), TypeError);
});
