import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { history, HttpError, ok, Policy, retry, TimeoutError } from "undaunted";
import { retryingFetch } from "undaunted/fetch";
import { lost, rejection, throwing } from "./clock.mjs";
import { quick, serve } from "./server.mjs";

const fetchR = retryingFetch(quick);

test("a failed status is repeated until the response is good", async (context) => {
  const { url, seen } = await serve(context, 503, 500, { status: 200, body: "fine" });
  const response = await fetchR(url);
  assert.equal(await response.text(), "fine");
  assert.equal(seen.length, 3);
});

test("what repeating cannot help is handed over at once", async (context) => {
  for (const status of [400, 401, 404, 409, 501]) {
    const { url, seen } = await serve(context, { status, body: "why" });
    const response = await fetchR(url);
    assert.deepEqual([response.status, await response.text(), seen.length], [status, "why", 1]);
  }
});

test("redirects and other statuses below 400 are no failures", async (context) => {
  const { url, seen } = await serve(context, { status: 302, headers: { location: "/x" } });
  assert.equal((await fetchR(url, { redirect: "manual" })).status, 302);
  assert.equal(seen.length, 1);
});

test("on giving up the last response is untouched", async (context) => {
  const { url, seen } = await serve(context, { status: 503, body: "busy" });
  const response = await retryingFetch({ ...quick, attempts: 3 })(url);
  assert.deepEqual([response.status, response.bodyUsed, await response.text(), seen.length], [503, false, "busy", 3]);
});

test("a lost connection is repeated; the last error is fetch's own", async (context) => {
  const { url, seen } = await serve(context, (request) => request.socket.destroy(), { status: 200, body: "fine" });
  assert.equal(await (await fetchR(url)).text(), "fine");
  assert.equal(seen.length, 2);
  const broken = await serve(context, (request) => request.socket.destroy());
  const { error } = await rejection(retryingFetch({ ...quick, attempts: 2 })(broken.url));
  assert.equal(error.message, "fetch failed");
  assert.equal(history(error).length, 2);
});

test("POST is repeated when it was not sent or was refused, not when it may have been done", async (context) => {
  const post = { method: "POST", body: "x" };
  for (const [answer, requests] of [[500, 1], [503, 1], [429, 2], [{ status: 503, headers: { "retry-after": "0" } }, 2]]) {
    const { url, seen } = await serve(context, answer, 200);
    await fetchR(url, post);
    assert.equal(seen.length, requests, JSON.stringify(answer));
  }
  const { url, seen } = await serve(context, (request) => request.socket.destroy(), 200);
  await rejection(fetchR(url, post));
  assert.equal(seen.length, 1);
});

test("an Idempotency-Key, PUT, DELETE and the policy's word make a call repeatable", async (context) => {
  for (const [init, policy] of [
    [{ method: "POST", headers: { "Idempotency-Key": "k1" } }],
    [{ method: "POST", headers: [["idempotency-key", "k1"]] }],
    [{ method: "PUT" }],
    [{ method: "delete" }],
    [{ method: "POST" }, { idempotent: true }],
  ]) {
    const { url, seen } = await serve(context, 500, 200);
    assert.equal((await retryingFetch({ ...quick, ...policy })(url, init)).status, 200);
    assert.equal(seen.length, 2);
  }
  const { url, seen } = await serve(context, 500, 200);
  await retryingFetch({ ...quick, idempotent: false })(url);
  assert.equal(seen.length, 1);
});

test("the server's wait is kept, and too long a one ends the call with its response", async (context) => {
  const { url } = await serve(context, { status: 429, headers: { "retry-after-ms": "20" } }, 200);
  const waits = [];
  await retryingFetch(quick, { onRetry: ({ delay }) => waits.push(delay) })(url);
  assert.deepEqual(waits, [20]);
  const far = await serve(context, { status: 429, headers: { "retry-after": "86400" } });
  const reasons = [];
  const response = await retryingFetch(quick, { onGiveUp: ({ reason }) => reasons.push(reason) })(far.url);
  assert.deepEqual([response.status, reasons, far.seen.length], [429, ["hint_too_long"], 1]);
});

test("attemptTimeout covers an attempt up to its headers", async (context) => {
  const { url, seen } = await serve(context, () => {}, { status: 200, body: "fine" });
  assert.equal(await (await retryingFetch({ ...quick, attemptTimeout: "40ms" })(url)).text(), "fine");
  assert.ok(seen.length >= 2); // a busy machine may miss the limit again
  const silent = await serve(context, () => {});
  const { error } = await rejection(retryingFetch({ ...quick, attemptTimeout: "10ms", attempts: 2 })(silent.url));
  assert.ok(error instanceof TimeoutError);
});

test("json, text and bytes cover the body: one that breaks off is a failed attempt", async (context) => {
  const breaksOff = (_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write('{"a":');
    setTimeout(() => response.destroy(), 5);
  };
  for (const [read, expected] of [["json", { a: 1 }], ["text", '{"a":1}'], ["bytes", new TextEncoder().encode('{"a":1}')]]) {
    const { url, seen } = await serve(context, breaksOff, { status: 200, body: '{"a":1}' });
    assert.deepEqual(await fetchR[read](url), expected);
    assert.equal(seen.length, 2);
  }
  const { url, seen } = await serve(context, (_, response) => (response.writeHead(200), response.write("{")), { status: 200, body: "{}" });
  assert.deepEqual(await retryingFetch({ ...quick, attemptTimeout: "30ms" }).json(url), {});
  assert.ok(seen.length >= 2);
});

test("json throws an HttpError for a failed status, and what JSON.parse throws for a bad text, once", async (context) => {
  const gone = await serve(context, 404);
  const { error } = await rejection(fetchR.json(gone.url));
  assert.ok(error instanceof HttpError);
  const bad = await serve(context, { status: 200, body: "<html>" });
  assert.ok((await rejection(fetchR.json(bad.url))).error instanceof SyntaxError);
  assert.equal(bad.seen.length, 1);
});

test("the caller's signal ends an attempt and a wait with its reason, and leaves no listener", async (context) => {
  const silent = await serve(context, () => {});
  const controller = new AbortController();
  const call = rejection(fetchR(silent.url, { signal: controller.signal }));
  setTimeout(() => controller.abort("mine"), 15);
  assert.equal((await call).error, "mine");
  const busy = await serve(context, { status: 503, headers: { "retry-after": "30" } });
  const second = new AbortController();
  const wait = rejection(retryingFetch(quick, { onRetry: () => second.abort("enough") })(busy.url, { signal: second.signal }));
  assert.equal((await wait).error, "enough");
  const good = await serve(context, 503, 200);
  const third = new AbortController();
  await (await fetchR(new Request(good.url, { signal: third.signal }))).text();
  await fetchR(good.url, { signal: third.signal });
  assert.ok(getEventListeners(second.signal, "abort").length <= 1);
});

test("arguments that fetch refuses are a mistake, not a lost connection", async () => {
  let calls = 0;
  const counting = retryingFetch({ ...quick, attempts: 3 }, { fetch: (...args) => (calls++, fetch(...args)) });
  for (const args of [["not a url"], ["http://127.0.0.1:1/", { method: "BAD METHOD" }], ["http://a:b@127.0.0.1/"], ["foo://x"]]) {
    calls = 0;
    assert.ok((await rejection(counting(...args))).error instanceof TypeError);
    assert.equal(calls, 1, args[0]);
  }
});

test("a bare TypeError of a browser's fetch is a lost connection", async () => {
  let calls = 0;
  const browser = async () => {
    if (++calls < 3) throw new TypeError("whatever this browser says");
    return new Response("fine");
  };
  assert.equal(await retryingFetch(quick, { fetch: browser }).text("http://127.0.0.1/"), "fine");
  calls = 0;
  await rejection(retryingFetch(quick, { fetch: browser })("http://127.0.0.1/", { method: "POST" }));
  assert.equal(calls, 1);
});

test("a rule that looks into the body leaves the body readable, given up or repeated", async (context) => {
  const rules = [{ http: 500, bodyContains: "User not exists", class: "permanent" }];
  const known = await serve(context, { status: 500, body: `${"-".repeat(300)}User not exists` });
  const response = await retryingFetch({ ...quick, rules })(known.url);
  assert.equal(known.seen.length, 1);
  assert.match(await response.text(), /User not exists$/);
  const other = await serve(context, { status: 500, body: "else" }, { status: 200, body: "fine" });
  assert.equal(await retryingFetch({ ...quick, rules }).text(other.url), "fine");
});

test("of an endless body only a piece is read", async (context) => {
  let written = 0;
  const endless = (_, response) => {
    response.writeHead(500, { "content-length": String(3e9) });
    const more = () => {
      while (!response.destroyed && response.write("x".repeat(65_536))) written += 65_536;
      if (!response.destroyed) response.once("drain", more);
    };
    more();
  };
  const rules = [{ http: 500, bodyContains: "never there", class: "permanent" }];
  const { url, seen } = await serve(context, endless, { status: 200, body: "fine" });
  assert.equal(await retryingFetch({ ...quick, rules }).text(url), "fine");
  assert.equal(seen.length, 2);
  assert.ok(written < 50e6, `${written} bytes`);
});

test("failed bodies are gone before the next attempt: small ones keep their connection", async (context) => {
  const small = await serve(context, { status: 503, body: "x".repeat(20_000) }, { status: 503, body: "y" }, 200);
  await retryingFetch({ ...quick, initial: "30ms", maxDelay: "30ms" })(small.url);
  assert.equal(small.sockets.size, 1);
  const cancelled = [];
  const big = () => new Response(new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(4096)), cancel: () => cancelled.push(1) }), { status: 503 });
  let calls = 0;
  await retryingFetch(quick, { fetch: async () => (++calls < 3 ? big() : new Response()) })("http://127.0.0.1/");
  assert.equal(cancelled.length, 2);
});

test("fetch is looked up at each attempt", async (context) => {
  const own = context.mock.method(globalThis, "fetch", async () => new Response("mocked"));
  assert.equal(await fetchR.text("http://127.0.0.1/"), "mocked");
  assert.equal(own.mock.callCount(), 1);
});

test("a call around it that repeats what it has given up is nested, by error and by response", async () => {
  const outer = new Policy({ ...quick, nested: "once" });
  let calls = 0;
  const busy = retryingFetch({ ...quick, attempts: 2 }, { fetch: async () => (calls++, new Response(null, { status: 503 })) });
  const { error } = await rejection(outer.run(() => busy("http://127.0.0.1/").then(ok)));
  assert.deepEqual([calls, history(error).at(-1).reason], [2, "nested"]);
});

test("under a seed its calls are numbered, whichever way the body is read", async () => {
  const waits = [];
  const busy = retryingFetch({ ...quick, attempts: 2 }, {
    fetch: async () => new Response(null, { status: 503 }), seed: 9n, call: 3, onRetry: ({ delay }) => waits.push(delay),
  });
  await busy("http://127.0.0.1/");
  await rejection(busy.text("http://127.0.0.1/"));
  const first = (call) => new Policy({ ...quick, attempts: 2 }).schedule({ seed: 9n, call })[0];
  assert.deepEqual(waits, [first(3), first(4)]);
});

test("its options are checked", async () => {
  assert.throws(() => retryingFetch({ attempts: 0 }), /attempts is 0/);
  assert.throws(() => retryingFetch({}, { onRetry: 1 }), TypeError);
  assert.throws(() => retryingFetch({}, { retries: 1 }), TypeError);
  const fn = throwing(lost());
  await retry(fn, { ...quick });
});
