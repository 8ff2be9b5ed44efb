import assert from "node:assert/strict";
import { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { TimeoutError } from "undaunted";
import { retryInterceptor } from "undaunted/adapters/undici";
import { quick, serve } from "../server.mjs";
import { driver, rejected, signalled, witness } from "./drivers.mjs";

const { Agent, errors, fetch: fetchOfUndici, FormData: FormOfUndici, request, stream } = driver("undici");

/** A dispatcher with retries for one test. */
function retrying(context, policy = {}, options = {}, agent = {}) {
  const trial = witness(options.told);
  const base = new Agent(agent);
  context.after(() => base.destroy());
  const dispatcher = base.compose(retryInterceptor({ ...quick, ...policy }, { onEvent: trial.onEvent }));
  return { ...trial, dispatcher };
}

test("a status is retried, and the response handed over", async (context) => {
  const { url, seen: requests } = await serve(context, 503, { status: 200, headers: { "x-a": "b" }, body: "done" });
  const { dispatcher, seen } = retrying(context);
  const { statusCode, headers, body } = await request(url, { dispatcher });
  assert.deepEqual([statusCode, headers["x-a"], await body.text()], [200, "b", "done"]);
  assert.equal(requests.length, 2);
  assert.deepEqual(seen, ["transient retried"]);
});

test("on giving up the last response comes untouched, with its body", async (context) => {
  const answer = { status: 503, headers: { "x-a": "b" }, body: "x".repeat(300_000) };
  for (const policy of [{}, { rules: [{ http: 503, body_contains: "nothing", class: "permanent" }] }]) {
    const { url, seen: requests } = await serve(context, answer);
    const { dispatcher, seen } = retrying(context, { attempts: 3, ...policy });
    const { statusCode, headers, body } = await request(url, { dispatcher });
    assert.deepEqual([statusCode, headers["x-a"], (await body.text()).length], [503, "b", 300_000]);
    assert.equal(requests.length, 3);
    assert.deepEqual(seen, ["transient retried", "transient retried", "transient attempts"]);
  }
});

test("rules see the beginning of a body", async (context) => {
  const rules = [{ http: 400, body_contains: "come back", class: "transient", sent: "rejected" }];
  const { url } = await serve(context, { status: 400, body: "please come back" }, { status: 400, body: "never" });
  const { dispatcher, seen } = retrying(context, { rules });
  const { statusCode, body } = await request(url, { method: "POST", dispatcher });
  assert.deepEqual([statusCode, await body.text()], [400, "never"]);
  assert.deepEqual(seen, ["transient retried", "permanent permanent"]);
});

test("failed responses are read, so that their connection serves the next attempt", async (context) => {
  const { url, sockets } = await serve(context, { status: 503, body: "x".repeat(10_000) }, { status: 503, body: "" }, 200);
  const { dispatcher } = retrying(context, { initial: "50ms", maxDelay: "50ms" });
  const { body } = await request(url, { dispatcher });
  await body.dump();
  assert.equal(sockets.size, 1);
});

test("and cut off where they are long", async (context) => {
  const endless = (_, response) => {
    response.writeHead(503);
    const write = () => { while (!response.destroyed && response.write("x".repeat(65_536))); };
    response.on("drain", write);
    write();
  };
  const { url, sockets } = await serve(context, endless, 200);
  const { dispatcher } = retrying(context, { initial: "200ms", maxDelay: "200ms" });
  const { statusCode, body } = await request(url, { dispatcher });
  await body.dump();
  assert.equal(statusCode, 200);
  assert.equal(sockets.size, 2);
});

const refusing = (request) => request.resume().socket.destroy();

test("a lost connection is retried by method and Idempotency-Key", async (context) => {
  for (const [options, expected] of [
    [{ method: "GET" }, "transient retried"],
    [{ method: "PUT", body: "x" }, "transient retried"],
    [{ method: "POST", body: "x" }, "transient not_idempotent"],
    [{ method: "POST", body: "x", headers: { "Idempotency-Key": "1" } }, "transient retried"],
    [{ method: "POST", body: "x", headers: ["idempotency-key", "1"] }, "transient retried"],
    [{ method: "POST", body: "x", headers: new Map([["idempotency-key", "1"]]) }, "transient retried"],
  ]) {
    const { url } = await serve(context, refusing, 200);
    const { dispatcher, seen } = retrying(context);
    const answer = await request(url, { ...options, dispatcher }).then(({ body }) => body.dump(), (error) => error);
    assert.deepEqual([...seen], [expected]);
    if (expected.includes("not_")) assert.ok(answer instanceof errors.SocketError, "thrown as it came");
  }
});

test("a connection that was never there may be tried again, whatever the method", async (context) => {
  const { dispatcher, seen } = retrying(context, { attempts: 2 });
  const error = await rejected(request("http://127.0.0.1:1/", { method: "POST", dispatcher }));
  assert.equal(error.code, "ECONNREFUSED");
  assert.deepEqual(seen, ["connect retried", "connect attempts"]);
});

test("bodies that can be sent again are: text, bytes, Blob and forms", async (context) => {
  const form = new FormOfUndici();
  form.set("field", "hello");
  for (const body of ["hello", Buffer.from("hello"), new TextEncoder().encode("hello"), new Blob(["hello"]), form, [Buffer.from("hello")]]) {
    const { url, seen: requests } = await serve(context, 503, 200);
    const { dispatcher } = retrying(context);
    const answer = await request(url, { method: "PUT", body, dispatcher });
    await answer.body.dump();
    assert.equal(answer.statusCode, 200);
    assert.deepEqual(requests.map((seen) => seen.body.includes("hello")), [true, true], body.constructor.name);
  }
});

test("streams and iterators are sent once, and whoever asks why is told", async (context) => {
  function* parts() { yield Buffer.from("hello"); }
  async function* later() { yield Buffer.from("hello"); }
  for (const body of [Readable.from([Buffer.from("hello")]), parts(), later()]) {
    const { url, seen: requests } = await serve(context, 503, 200);
    const notes = [];
    const { dispatcher, seen } = retrying(context, {}, { told: ({ note }) => notes.push(note) });
    const answer = await request(url, { method: "PUT", body, dispatcher });
    await answer.body.dump();
    assert.equal(answer.statusCode, 503);
    assert.deepEqual(requests.map((request) => request.body), ["hello"]);
    assert.deepEqual(seen, ["transient permanent"]);
    assert.match(notes[0], /^the body is a stream/);
  }
});

test("under fetch, which makes a stream of every body, none is sent again empty", async (context) => {
  const { url, seen: requests } = await serve(context, 503, 503, 200);
  const { dispatcher } = retrying(context);
  assert.equal((await fetchOfUndici(url, { method: "PUT", body: "hello", dispatcher })).status, 503);
  assert.deepEqual(requests.map(({ body }) => body), ["hello"]);
  assert.equal((await fetchOfUndici(url, { dispatcher })).status, 200);
});

test("a body that breaks off is the reader's error: no part of it is asked for again", async (context) => {
  const broken = (_, response) => {
    response.writeHead(200, { "content-length": 100, etag: '"1"' }).write("first");
    setImmediate(() => response.destroy());
  };
  const { url, seen: requests } = await serve(context, broken);
  const { dispatcher, seen } = retrying(context);
  const { body } = await request(url, { dispatcher });
  await rejected(text(body));
  assert.equal(requests.length, 1);
  assert.deepEqual(seen, []);
});

test("a wait that the server asks for is kept", async (context) => {
  const { url } = await serve(context, { status: 429, headers: { "retry-after-ms": "30" } }, { status: 429, headers: { "retry-after": "86400" } });
  const delays = [];
  const { dispatcher, seen } = retrying(context, {}, { told: ({ delay }) => delays.push(delay) });
  const { body } = await request(url, { dispatcher });
  await body.dump();
  assert.ok(delays[0] >= 30, `${delays}`);
  assert.deepEqual(seen, ["throttle retried", "throttle hint_too_long"]);
});

test("an abort ends a wait at once, with its reason", async (context) => {
  const reason = new Error("enough");
  for (const url of ["http://127.0.0.1:1/", (await serve(context, 503)).url]) {
    const controller = new AbortController();
    const { dispatcher, seen } = retrying(context, { initial: "60s", maxDelay: "60s", timeout: null }, { told: () => setImmediate(() => controller.abort(reason)) });
    assert.equal(await rejected(request(url, { signal: controller.signal, dispatcher })), reason);
    assert.equal(seen.length, 2);
    assert.match(seen[1], /cancelled$/);
  }
});

test("an abort in an attempt ends it", async (context) => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const closed = signalled();
  const { url } = await serve(context, (request) => {
    request.socket.on("close", closed.come);
    controller.abort(reason);
  });
  const { dispatcher } = retrying(context);
  assert.equal(await rejected(request(url, { signal: controller.signal, dispatcher })), reason);
  await closed.promise;
});

test("an attempt that takes too long is ended and repeated", async (context) => {
  const { url } = await serve(context, () => {});
  const { dispatcher, seen } = retrying(context, { attempts: 2, attemptTimeout: "30ms" });
  assert.ok((await rejected(request(url, { dispatcher }))) instanceof TimeoutError);
  assert.deepEqual(seen, ["timeout retried", "timeout attempts"]);
});

test("undici's own time limits are retried", async (context) => {
  const { url } = await serve(context, () => {}, 200);
  const { dispatcher, lines } = retrying(context, {}, {}, { headersTimeout: 1 });
  const slow = await request(url, { dispatcher }).then(({ body }) => body.dump(), (error) => error);
  assert.equal(lines()[0], "timeout retried", String(slow));
});

test("a long response is read at the reader's pace", async (context) => {
  const { url } = await serve(context, 503, { status: 200, body: "x".repeat(1_000_000) });
  const { dispatcher } = retrying(context);
  let length = 0;
  const slow = new Writable({ write(chunk, _, done) { length += chunk.length; setImmediate(done); } });
  await stream(url, { dispatcher }, ({ statusCode }) => (assert.equal(statusCode, 200), slow));
  assert.equal(length, 1_000_000);
});
