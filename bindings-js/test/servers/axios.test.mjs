import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { history, TimeoutError } from "undaunted";
import { retryingAdapter } from "undaunted/adapters/axios";
import { quick, serve } from "../server.mjs";
import { driver, rejected, signalled, witness } from "./drivers.mjs";

const axios = driver("axios");

/** An instance with retries for one test. */
function instance(policy = {}, { told, ...options } = {}) {
  const trial = witness(told);
  const client = axios.create({ adapter: retryingAdapter(axios, { ...quick, ...policy }, { ...options, onEvent: trial.onEvent }) });
  return { ...trial, client };
}

for (const adapter of ["http", "fetch"]) {
  test(`${adapter}: neither headers nor body are lost on a retry`, async (context) => {
    const { url, seen: requests } = await serve(context, 503, { status: 200, headers: { "content-type": "application/json" }, body: '{"a":1}' });
    const { client, seen } = instance({}, { adapter });
    const { status, data } = await client.put(url, { hello: "world" }, { headers: { Authorization: "token", "X-Own": "1" } });
    assert.deepEqual([status, data], [200, { a: 1 }]);
    assert.deepEqual(seen, ["transient retried"]);
    const [first, second] = requests.map(({ headers: { connection, ...headers }, body, method }) => ({ headers, body, method }));
    assert.deepEqual(second, first);
    assert.deepEqual([first.body, first.headers.authorization, first.headers["content-type"]], ['{"hello":"world"}', "token", "application/json"]);
  });

  test(`${adapter}: on giving up the error is axios' own, with the last response`, async (context) => {
    const { url } = await serve(context, { status: 503, headers: { "x-a": "b", "content-type": "application/json" }, body: '{"a":1}' });
    const { client, seen } = instance({ attempts: 3 }, { adapter });
    const error = await rejected(client.get(url));
    assert.ok(axios.isAxiosError(error) && error.code === "ERR_BAD_RESPONSE");
    assert.deepEqual([error.response.status, error.response.headers["x-a"], error.response.data], [503, "b", { a: 1 }]);
    assert.deepEqual(seen, ["transient retried", "transient retried", "transient attempts"]);
    assert.equal(history(error).length, 3);
  });

  test(`${adapter}: a lost connection is retried by method and Idempotency-Key`, async (context) => {
    for (const [options, expected] of [
      [{ method: "get" }, "transient retried"],
      [{ method: "post", data: "x" }, "transient not_idempotent"],
      [{ method: "post", data: "x", headers: { "Idempotency-Key": "1" } }, "transient retried"],
    ]) {
      const { url } = await serve(context, (request) => request.resume().socket.destroy(), 200);
      const { client, seen } = instance({}, { adapter });
      const answer = await client(url, options).catch((error) => error);
      assert.deepEqual(seen, [expected]);
      assert.equal(axios.isAxiosError(answer), expected.includes("not_"));
    }
  });

  test(`${adapter}: a body that breaks off is read again from the beginning`, async (context) => {
    const broken = (_, response) => {
      response.writeHead(200, { "content-length": 100 }).write("first");
      setImmediate(() => response.destroy());
    };
    const { url } = await serve(context, broken, { status: 200, body: "whole" });
    const { client, seen } = instance({}, { adapter });
    assert.equal((await client.get(url)).data, "whole");
    assert.deepEqual(seen, ["transient retried"]);
  });

  test(`${adapter}: axios' timeout is a limit of one attempt, and retried`, async (context) => {
    for (const clarifyTimeoutError of [false, true]) {
      const { url } = await serve(context, () => {});
      const { client, seen } = instance({ attempts: 2 }, { adapter });
      const error = await rejected(client.get(url, { timeout: 20, transitional: { clarifyTimeoutError } }));
      assert.ok(axios.isAxiosError(error) && /^(ECONNABORTED|ETIMEDOUT)$/.test(error.code), error.code);
      assert.deepEqual(seen, ["timeout retried", "timeout attempts"]);
    }
  });

  test(`${adapter}: an abort ends an attempt or a wait at once, as axios says it`, async (context) => {
    const waits = { initial: "60s", maxDelay: "60s", timeout: null };
    for (const kind of ["signal", "cancelToken"]) {
      const { url } = await serve(context, 503);
      const slow = await serve(context, () => cancel?.());
      let cancel;
      for (const where of [url, slow.url]) {
        const controller = new AbortController();
        const source = axios.CancelToken.source();
        cancel = () => (kind === "signal" ? controller.abort() : source.cancel("enough"));
        const { client } = instance(waits, { adapter, told: ({ kind }) => kind === "scheduled" && setImmediate(cancel) });
        const own = kind === "signal" ? { signal: controller.signal } : { cancelToken: source.token };
        const error = await rejected(client.get(where, own));
        assert.ok(axios.isCancel(error), String(error));
        if (kind === "cancelToken") assert.equal(source.token._listeners?.length ?? 0, 0, "nobody listens any more");
      }
    }
  });
}

test("interceptors and transforms run once, around all attempts", async (context) => {
  const { url, seen: requests } = await serve(context, 503, 503, { status: 200, body: "a" });
  const { client } = instance();
  const ran = [];
  client.interceptors.request.use((config) => (ran.push("request"), config));
  client.interceptors.response.use((response) => (ran.push("response"), response));
  const wrap = (name) => (data) => (ran.push(name), `<${data}>`);
  const { data } = await client.put(url, "b", { transformRequest: [wrap("send")], transformResponse: [wrap("read")] });
  assert.equal(data, "<a>");
  assert.deepEqual(requests.map(({ body }) => body), ["<b>", "<b>", "<b>"]);
  assert.deepEqual(ran, ["request", "send", "read", "response"]);
});

test("nothing is registered: other instances and axios itself are as they were", async (context) => {
  const { url, seen: requests } = await serve(context, 503);
  const { client } = instance({ attempts: 3 });
  await rejected(client.get(url));
  assert.equal(requests.length, 3);
  await rejected(axios.get(url));
  await rejected(axios.create().get(url));
  assert.equal(requests.length, 5);
  await rejected(axios.get(url, { adapter: retryingAdapter(axios, { ...quick, attempts: 2 }) }));
  assert.equal(requests.length, 7);
});

test("a status that validateStatus lets pass is retried, and then a response", async (context) => {
  const { url, seen: requests } = await serve(context, { status: 503, body: "late" });
  const { client, seen } = instance({ attempts: 2 });
  const { status, data } = await client.get(url, { validateStatus: null });
  assert.deepEqual([status, data, requests.length], [503, "late", 2]);
  assert.deepEqual(seen, ["transient retried", "transient attempts"]);
});

test("prepare may renew what a retry sends", async (context) => {
  const { url, seen: requests } = await serve(context, 503, 503, 200);
  const prepare = async (request, { attempt }) => void request.headers.set("Authorization", `token ${attempt}`);
  const { client } = instance({}, { prepare });
  await client.get(url, { headers: { Authorization: "token 1" } });
  assert.deepEqual(requests.map(({ headers }) => headers.authorization), ["token 1", "token 2", "token 3"]);
});

test("forms and bytes are sent again", async (context) => {
  const form = new FormData();
  form.set("field", "hello");
  for (const body of [Buffer.from("hello"), new URLSearchParams({ field: "hello" }), form]) {
    const { url, seen: requests } = await serve(context, 503, 200);
    await instance().client.put(url, body);
    assert.deepEqual(requests.map((request) => request.body.includes("hello")), [true, true], body.constructor.name);
  }
});

test("a stream is sent once, and whoever asks why is told", async (context) => {
  const { url, seen: requests } = await serve(context, 503, 200);
  const notes = [];
  const { client, seen } = instance({}, { told: ({ note }) => notes.push(note) });
  const error = await rejected(client.put(url, Readable.from([Buffer.from("hello")])));
  assert.equal(error.response.status, 503);
  assert.deepEqual(requests.map(({ body }) => body), ["hello"]);
  assert.deepEqual(seen, ["transient permanent"]);
  assert.match(notes[0], /^the body is a stream/);
});

test("rules see the beginning of a body", async (context) => {
  const rules = [{ http: 400, body_contains: "come back", class: "transient", sent: "rejected" }];
  for (const responseType of ["json", "arraybuffer"]) {
    const { url } = await serve(context, { status: 400, body: "please come back" }, { status: 400, body: "never" });
    const { client, seen } = instance({ rules });
    await rejected(client.get(url, { responseType }));
    assert.deepEqual(seen, ["transient retried", "permanent permanent"]);
  }
});

test("a failed response that is a stream is read, and the last one handed over unread", async (context) => {
  const { Agent } = await import("node:http");
  const httpAgent = new Agent({ keepAlive: true });
  context.after(() => httpAgent.destroy());
  const { url, sockets } = await serve(context, { status: 503, body: "x".repeat(10_000) });
  const { client } = instance({ attempts: 3, initial: "50ms", maxDelay: "50ms" });
  const error = await rejected(client.get(url, { responseType: "stream", httpAgent }));
  assert.equal((await text(error.response.data)).length, 10_000);
  assert.equal(sockets.size, 1);
});

test("a wait that the server asks for is kept", async (context) => {
  const { url } = await serve(context, { status: 429, headers: { "retry-after-ms": "30" } }, 200);
  const delays = [];
  await instance({}, { told: ({ delay }) => delays.push(delay) }).client.get(url);
  assert.ok(delays[0] >= 30, `${delays}`);
});

test("an attempt that takes too long is ended and repeated", async (context) => {
  const closed = signalled();
  const { url } = await serve(context, (request) => request.socket.on("close", closed.come));
  const { client, seen } = instance({ attempts: 2, attemptTimeout: "30ms" });
  assert.ok((await rejected(client.get(url))) instanceof TimeoutError);
  assert.deepEqual(seen, ["timeout retried", "timeout attempts"]);
  await closed.promise;
});
