import assert from "node:assert/strict";
import { test } from "node:test";
import { retryInterceptor } from "undaunted/adapters/grpc-js";
import { quick } from "../server.mjs";
import { driver, rejected, signalled, witness } from "./drivers.mjs";

const grpc = driver("@grpc/grpc-js");
const { status: Status, Metadata } = grpc;

const pack = (value) => Buffer.from(JSON.stringify(value));
const unpack = (bytes) => JSON.parse(bytes.toString());
const method = (name, requestStream, responseStream) => ({
  path: `/test.Test/${name}`, requestStream, responseStream,
  requestSerialize: pack, requestDeserialize: unpack, responseSerialize: pack, responseDeserialize: unpack,
});
const service = { unary: method("Unary", false, false), answers: method("Answers", false, true), requests: method("Requests", true, false) };
const Client = grpc.makeGenericClientConstructor(service, "Test");

/** A server whose answers are functions of the call, one for each attempt, the last for all others; and a client with retries. */
async function pair(context, answers, policy = {}, { told, ...options } = {}) {
  const calls = [];
  const answer = (call, callback) => {
    calls.push(call);
    answers[Math.min(calls.length, answers.length) - 1](call, callback);
  };
  const server = new grpc.Server();
  server.addService(service, { unary: answer, answers: answer, requests: answer });
  const port = await new Promise((bound, failed) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => (error ? failed(error) : bound(port))));
  const trial = witness(told);
  const interceptors = [retryInterceptor({ ...quick, ...policy }, { ...options, onEvent: trial.onEvent })];
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), { interceptors, "grpc.enable_retries": 0 });
  context.after(() => (client.close(), server.forceShutdown()));
  return { ...trial, calls, client, port };
}

/** A unary call as a promise. */
const ask = (client, message, ...more) =>
  new Promise((resolve, reject) => client.unary(message, ...more, (error, value) => (error ? reject(error) : resolve(value))));

const fail = (code, details = "no", metadata = new Metadata()) => (call, callback) => {
  if (callback) callback({ code, details, metadata });
  else call.emit("error", { code, details, metadata });
};
const echo = (call, callback) => callback(null, { echo: call.request });

test("a unary call is retried, with its message and metadata, and says how often it was made", async (context) => {
  const { client, calls, seen } = await pair(context, [fail(Status.UNAVAILABLE), fail(Status.UNAVAILABLE), echo]);
  const metadata = new Metadata();
  metadata.set("token", "secret");
  assert.deepEqual(await ask(client, { a: 1 }, metadata), { echo: { a: 1 } });
  assert.deepEqual(seen, ["transient retried", "transient retried"]);
  assert.deepEqual(calls.map(({ metadata }) => metadata.get("grpc-previous-rpc-attempts")), [[], ["1"], ["2"]]);
  assert.deepEqual(calls.map(({ metadata }) => metadata.get("token")), [["secret"], ["secret"], ["secret"]]);
  assert.deepEqual(metadata.get("grpc-previous-rpc-attempts"), [], "the caller's own is as it was");
});

test("on giving up the call fails as the last attempt did", async (context) => {
  const last = new Metadata();
  last.set("reason", "full");
  const { client, calls, seen } = await pair(context, [fail(Status.UNAVAILABLE, "down"), fail(Status.INVALID_ARGUMENT, "what?", last)]);
  const error = await rejected(ask(client, {}));
  assert.deepEqual([error.code, error.details, error.metadata.get("reason")], [Status.INVALID_ARGUMENT, "what?", ["full"]]);
  assert.ok(error instanceof Error && error.message === "3 INVALID_ARGUMENT: what?");
  assert.equal(calls.length, 2);
  assert.deepEqual(seen, ["transient retried", "permanent permanent"]);
});

test("pushback is heard: so long, or not at all", async (context) => {
  const pushback = (value) => {
    const metadata = new Metadata();
    metadata.set("grpc-retry-pushback-ms", value);
    return fail(Status.RESOURCE_EXHAUSTED, "full", metadata);
  };
  const delays = [];
  const { client, calls, seen } = await pair(context, [pushback("30"), pushback("-1"), echo], {}, { told: ({ delay }) => delays.push(delay) });
  assert.equal((await rejected(ask(client, {}))).code, Status.RESOURCE_EXHAUSTED);
  assert.ok(delays[0] >= 30, `${delays}`);
  assert.equal(calls.length, 2);
  assert.deepEqual(seen, ["throttle retried", "throttle permanent"]);
  const without = await pair(context, [fail(Status.RESOURCE_EXHAUSTED)]);
  await rejected(ask(without.client, {}));
  assert.deepEqual(without.seen, ["throttle permanent"], "an exhausted quota is no overload, unless the server says when to come back");
});

test("so is RetryInfo", async (context) => {
  const metadata = new Metadata();
  const nanos = 30_000_000;
  const duration = Buffer.from([0x10, (nanos & 127) | 128, ((nanos >> 7) & 127) | 128, ((nanos >> 14) & 127) | 128, nanos >> 21]);
  const info = Buffer.concat([Buffer.from([0x0a, duration.length]), duration]);
  const type = Buffer.from("type.googleapis.com/google.rpc.RetryInfo");
  const any = Buffer.concat([Buffer.from([0x0a, type.length]), type, Buffer.from([0x12, info.length]), info]);
  metadata.set("grpc-status-details-bin", Buffer.concat([Buffer.from([0x1a, any.length]), any]));
  const delays = [];
  const { client } = await pair(context, [fail(Status.RESOURCE_EXHAUSTED, "full", metadata), echo], {}, { told: ({ delay }) => delays.push(delay) });
  await ask(client, {});
  assert.ok(delays[0] >= 30, `${delays}`);
});

test("a server that is not there may be tried again, whatever is asked", async (context) => {
  const { seen, onEvent } = witness();
  const interceptors = [retryInterceptor({ ...quick, attempts: 2 }, { onEvent, idempotent: () => false })];
  const client = new Client("127.0.0.1:1", grpc.credentials.createInsecure(), { interceptors });
  context.after(() => client.close());
  assert.equal((await rejected(ask(client, {}))).code, Status.UNAVAILABLE);
  assert.deepEqual(seen, ["connect retried", "connect attempts"]);
});

test("idempotent says which methods may be repeated though the server may have acted", async (context) => {
  const paths = [];
  const { client, seen } = await pair(context, [fail(Status.UNAVAILABLE)], {}, { idempotent: (path) => paths.push(path) < 0 });
  await rejected(ask(client, {}));
  assert.deepEqual(paths, ["/test.Test/Unary"]);
  assert.deepEqual(seen, ["transient not_idempotent"]);
});

async function all(stream) {
  const messages = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

test("a stream of answers is retried until its first message", async (context) => {
  const three = (call) => {
    for (const n of [1, 2, 3]) call.write({ n });
    call.end();
  };
  const { client, seen } = await pair(context, [fail(Status.UNAVAILABLE), three]);
  assert.deepEqual(await all(client.answers({})), [{ n: 1 }, { n: 2 }, { n: 3 }]);
  assert.deepEqual(seen, ["transient retried"]);
});

test("and not after it: nothing comes twice", async (context) => {
  const breaking = (call) => {
    call.write({ n: 1 });
    call.emit("error", { code: Status.UNAVAILABLE, details: "down" });
  };
  const { client, calls, seen } = await pair(context, [breaking]);
  const messages = [];
  const stream = client.answers({});
  stream.on("data", (message) => messages.push(message));
  const error = await new Promise((failed) => stream.on("error", failed));
  assert.equal(error.code, Status.UNAVAILABLE);
  assert.deepEqual([messages, calls.length, seen], [[{ n: 1 }], 1, []]);
});

test("an empty stream of answers is one", async (context) => {
  const { client } = await pair(context, [(call) => call.end()]);
  assert.deepEqual(await all(client.answers({})), []);
});

test("a call that sends a stream is made once, as without retries", async (context) => {
  const { client, calls } = await pair(context, [fail(Status.UNAVAILABLE)]);
  const error = await new Promise((resolve) => client.requests(resolve).end({ a: 1 }));
  assert.equal(error.code, Status.UNAVAILABLE);
  assert.equal(calls.length, 1);
});

test("what is left of the policy's timeout is the deadline of an attempt", async (context) => {
  const { client, calls, seen } = await pair(context, [() => {}], { timeout: "200ms" });
  const error = await rejected(ask(client, {}));
  assert.equal(error.code, Status.DEADLINE_EXCEEDED);
  assert.ok(calls[0].getDeadline() <= Date.now() + 200);
  assert.deepEqual(seen, ["timeout timeout"]);
});

test("the call's own deadline ends all attempts, and a wait", async (context) => {
  for (const policy of [{ attempts: null }, { initial: "60s", maxDelay: "60s", timeout: null }]) {
    const { client, calls, seen } = await pair(context, [fail(Status.UNAVAILABLE)], policy);
    const deadline = Date.now() + 200;
    const error = await rejected(ask(client, {}, { deadline }));
    assert.ok(calls.length >= 1 && Date.now() >= deadline);
    // On a busy machine the server's answer may be late, and is then the last.
    assert.ok(error.code === Status.DEADLINE_EXCEEDED || error.code === Status.UNAVAILABLE, String(error.code));
    assert.match(seen.at(-1), /(permanent|cancelled)$/);
  }
});

test("an attempt that takes too long is ended and repeated", async (context) => {
  const ended = signalled();
  const { client, seen } = await pair(context, [(call) => call.on("cancelled", ended.come), echo], { attemptTimeout: "100ms" });
  assert.deepEqual(await ask(client, { a: 1 }), { echo: { a: 1 } });
  assert.equal(seen[0], "timeout retried");
  await ended.promise;
});

test("cancel ends an attempt or a wait at once", async (context) => {
  const slow = { initial: "60s", maxDelay: "60s", timeout: null };
  let call;
  for (const answer of [fail(Status.UNAVAILABLE), () => call.cancel()]) {
    const { client, seen } = await pair(context, [answer], slow, { told: ({ kind }) => kind === "scheduled" && setImmediate(() => call.cancel()) });
    const error = await new Promise((resolve) => (call = client.unary({}, resolve)));
    assert.equal(error.code, Status.CANCELLED);
    assert.match(seen.at(-1), /cancelled$/);
  }
});

test("a stream that is cancelled after its first message ends there", async (context) => {
  const ended = signalled();
  const { client } = await pair(context, [(call) => (call.on("cancelled", ended.come), call.write({ n: 1 }))]);
  const stream = client.answers({});
  stream.on("data", () => stream.cancel());
  const error = await new Promise((failed) => stream.on("error", failed));
  assert.equal(error.code, Status.CANCELLED);
  await ended.promise;
});
