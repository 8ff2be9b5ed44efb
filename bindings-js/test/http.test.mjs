// `undaunted/fetch` against servers that misbehave in the ways that are known. Waits are those of a clock that jumps.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { history } from "undaunted";
import { retryingFetch } from "undaunted/fetch";
import { rejection } from "./clock.mjs";
import { quick, serve } from "./server.mjs";

const STEADY = { jitter: "none", initial: "10ms", maxDelay: "10ms", timeout: "10h", hint: { max: "1h" } };

/** The waits of one GET against these answers, and how it ended. Long ones are not sat out: an aborted signal ends them. */
async function waitsOf(context, answers, policy = STEADY, init = {}) {
  const { url, seen } = await serve(context, ...answers);
  const controller = new AbortController();
  const waits = [];
  const ends = [];
  const onRetry = ({ delay }) => (waits.push(delay), delay > 100 && controller.abort("long enough"));
  const call = retryingFetch(policy, { onRetry, onGiveUp: ({ reason }) => ends.push(reason) })(url, { ...init, signal: controller.signal });
  const status = await call.then((response) => response.status, (error) => error);
  return { waits, status, ends, requests: seen.length };
}

for (const [name, headers, expected] of [
  ["retry-after in seconds", () => ({ "retry-after": "7" }), [7000, 7000]],
  ["retry-after as a date", () => ({ "retry-after": new Date(Date.now() + 9000).toUTCString(), date: new Date().toUTCString() }), [8000, 10_000]],
  ["retry-after as a date, by the server's own clock", () => ({ date: "Tue, 01 Jul 2031 10:00:00 GMT", "retry-after": "Tue, 01 Jul 2031 10:00:30 GMT" }), [30_000, 30_000]],
  ["retry-after-ms", () => ({ "retry-after-ms": "700" }), [700, 700]],
  ["x-ms-retry-after-ms", () => ({ "x-ms-retry-after-ms": "800" }), [800, 800]],
  ["X-RateLimit-Reset", () => ({ "x-ratelimit-reset": "2", "x-ratelimit-remaining": "0" }), [2000, 2000]],
  ["RateLimit of draft 10", () => ({ ratelimit: '"default";r=0;t=2' }), [2000, 2000]],
]) {
  test(`a hint in ${name} is waited for`, async (context) => {
    const { waits, status } = await waitsOf(context, [{ status: 429, headers: headers() }, 200]);
    assert.equal(status, "long enough");
    assert.ok(waits.length === 1 && waits[0] >= expected[0] && waits[0] <= expected[1] + 10, String(waits));
  });
}

test("a hint of a day ends the call at once with its response", async (context) => {
  const { waits, status, ends, requests } = await waitsOf(context, [{ status: 503, headers: { "retry-after": "86400" } }], quick);
  assert.deepEqual([waits, status, ends, requests], [[], 503, ["hint_too_long"], 1]);
});

test("an abort during the wait that the server asked for rejects with the reason", async (context) => {
  const { status, requests } = await waitsOf(context, [{ status: 429, headers: { "retry-after": "3" } }, 200]);
  assert.deepEqual([status, requests], ["long enough", 1]);
});

test("each status and lost connection of a GET, a POST and a PUT, as often as it may be sent", async (context) => {
  const destroy = (request) => request.socket.destroy();
  for (const [method, answer, requests] of [
    ["GET", 503, 2], ["GET", destroy, 2], ["POST", 503, 1], ["POST", destroy, 1], ["PUT", 503, 2], ["PUT", destroy, 2],
  ]) {
    const { url, seen } = await serve(context, answer, 200);
    const call = retryingFetch(quick)(url, { method, ...(method !== "GET" && { body: "hello" }) });
    await call.catch((error) => assert.equal(history(error).at(-1).reason, "not_idempotent"));
    assert.equal(seen.length, requests, `${method} ${answer}`);
  }
});

test("bodies arrive byte by byte the same, attempt after attempt", async (context) => {
  const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 7) % 256);
  const form = new FormData();
  form.set("file", new Blob([bytes]), "a.bin");
  const streamed = (part) => new ReadableStream({ start: (c) => (c.enqueue(part), c.close()) });
  const { url, bodies } = await collecting(context);
  for (const [name, make, sent] of [
    ["text", () => "grüße", new TextEncoder().encode("grüße")],
    ["bytes", () => bytes, bytes],
    ["a view of bytes", () => bytes.subarray(5, 5000), bytes.subarray(5, 5000)],
    ["an ArrayBuffer", () => bytes.buffer, bytes],
    ["a Blob", () => new Blob([bytes]), bytes],
    ["URLSearchParams", () => new URLSearchParams({ q: "ä b" }), new TextEncoder().encode("q=%C3%A4+b")],
    ["a function of a stream", () => () => streamed(bytes), bytes],
  ]) {
    bodies.length = 0;
    assert.equal((await retryingFetch(quick)(url, { method: "PUT", body: make() })).status, 200, name);
    assert.deepEqual(bodies.map((body) => Buffer.compare(body, sent)), [0, 0, 0], name);
  }
  for (const request of [new Request(url, { method: "PUT", body: bytes }), new Request(url, { method: "PUT", body: streamed(bytes), duplex: "half" })]) {
    bodies.length = 0;
    assert.equal((await retryingFetch(quick)(request)).status, 200);
    assert.deepEqual(bodies.map((body) => Buffer.compare(body, bytes)), [0, 0, 0]);
  }
  bodies.length = 0;
  await retryingFetch(quick)(url, { method: "PUT", body: form });
  assert.equal(bodies.length, 3);
  for (const body of bodies) assert.ok(body.includes(Buffer.from(bytes)) && body.includes("a.bin"));
});

test("failed bodies of 2 MB do not take a socket for each request", async (context) => {
  const body = "x".repeat(2_000_000);
  const { url, seen, sockets } = await serve(context, { status: 503, body }, { status: 503, body }, { status: 200, body: "fine" });
  assert.equal(await retryingFetch(quick).text(url), "fine");
  assert.equal(seen.length, 3);
  await Promise.all([...sockets].slice(0, 2).map((socket) => socket.destroyed || new Promise((closed) => socket.once("close", closed))));
  assert.equal([...sockets].filter((socket) => !socket.destroyed).length, 1); // a connection amid a body cannot be used again, so it goes
});

test("a server that closes an idle connection as the next request arrives", async (context) => {
  const { url, seen } = await serve(context, { status: 200, body: "one" }, (request) => request.socket.resetAndDestroy(), { status: 200, body: "two" });
  const fetchR = retryingFetch(quick);
  assert.equal(await fetchR.text(url), "one");
  assert.equal(await fetchR.text(url), "two");
  assert.equal(seen.length, 3);
});

test("a reset in the middle of a body fails a fetch that has its response, and is repeated by json", async (context) => {
  const half = (request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write('{"a":', () => request.socket.resetAndDestroy());
  };
  const { url, seen } = await serve(context, half, half, { status: 200, body: '{"a": 1}' });
  const response = await retryingFetch(quick)(url);
  await rejection(response.json());
  assert.equal(seen.length, 1);
  assert.deepEqual(await retryingFetch(quick).json(url), { a: 1 });
  assert.equal(seen.length, 3);
});

test("redirects are followed, refused or handed over as fetch does", async (context) => {
  const { url, seen } = await serve(context, 503, { status: 307, headers: { location: "/next" } }, 503, { status: 307, headers: { location: "/next" } }, { status: 200, body: "there" });
  const response = await retryingFetch(quick)(url, { method: "PUT", body: "hello" });
  assert.deepEqual([response.redirected, await response.text()], [true, "there"]);
  assert.deepEqual(seen.map(({ body }) => body), ["hello", "hello", "hello", "hello", "hello"]);
  const refused = await serve(context, { status: 302, headers: { location: "/next" } });
  const { error } = await rejection(retryingFetch({ ...quick, attempts: 4 })(refused.url, { redirect: "error" }));
  assert.ok(error instanceof TypeError);
  assert.equal(refused.seen.length, 1);
});

/** A server that keeps the bytes of bodies, and answers 500, 500, 200 in turns. */
async function collecting(context) {
  const bodies = [];
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    bodies.push(Buffer.concat(parts));
    response.writeHead(bodies.length % 3 ? 500 : 200).end();
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  context.after(() => {
    server.closeAllConnections();
    return new Promise((closed) => server.close(closed));
  });
  return { url: `http://127.0.0.1:${server.address().port}/`, bodies };
}
