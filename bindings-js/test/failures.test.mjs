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

test("classify says what the tables say", () => {
  assert.deepEqual(classify("http", 503), { class: "transient", sent: "maybe", condition: "always", known: true, retried: true });
  assert.equal(classify("http", 503, { method: "POST" }).retried, false);
  assert.equal(classify("http", 503, { method: "post", hint: true }).class, "throttle");
  assert.equal(classify("os", "ETIMEDOUT", { phase: "connect" }).sent, "not_sent");
  assert.equal(classify("os", 104).class, "transient");
  assert.equal(classify("user", "ECONNRESET").known, false);
  assert.throws(() => classify("smtp", 1), TypeError);
});
