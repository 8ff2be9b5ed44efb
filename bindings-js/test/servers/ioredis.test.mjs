import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, beforeEach, test } from "node:test";
import { Policy, TimeoutError } from "undaunted";
import { connectionOptions, reconnectOnError, retrying, retryStrategy } from "undaunted/adapters/ioredis";
import { driver, patient, rejected, witness } from "./drivers.mjs";
import { Redis, until } from "./processes.mjs";

const { Redis: Client } = driver("ioredis");
const server = new Redis();
let admin;
before(() => server.start());
after(() => server.end());
beforeEach(async () => {
  admin = await server.client();
  await admin.replicaof("NO", "ONE");
  await admin.flushall();
});

const { attempts, timeout, ...waits } = patient;
const forever = { ...waits, forever: true };

/** A client for one test, and one whose commands are retried. */
function clients(context, { told, ...options } = {}, policy = patient, given = connectionOptions(forever)) {
  const trial = witness(told);
  const client = new Client({ port: server.port, ...given });
  client.on("error", () => {});
  context.after(() => (client.disconnect(), admin.disconnect()));
  return { ...trial, client, redis: retrying(client, policy, { ...options, onEvent: trial.onEvent }) };
}

test("commands wait for the first connection, and answer as the client's", async (context) => {
  const { redis, seen, client } = clients(context);
  assert.equal(await redis.set("key", "value"), "OK");
  assert.deepEqual(await redis.mget("key", "other"), ["value", null]);
  assert.deepEqual(await redis.getBuffer("key"), Buffer.from("value"));
  assert.equal(await new Promise((resolve, reject) => redis.get("key", (error, value) => (error ? reject(error) : resolve(value)))), "value");
  assert.deepEqual(await redis.pipeline().get("key").exec(), [[null, "value"]]);
  assert.equal(redis.status, client.status);
  assert.deepEqual(seen, []);
});

test("a replica that becomes a primary is written to", async (context) => {
  await admin.replicaof("127.0.0.1", 1);
  let last;
  const { redis, lines } = clients(context, { told: () => last ??= admin.replicaof("NO", "ONE") });
  assert.equal(await redis.incr("key"), 1);
  await last;
  assert.equal(lines()[0], "transient retried"); // and on a new connection
});

test("many commands that a replica refuses ask for one new connection", async (context) => {
  const warned = [];
  const hear = (warning) => warned.push(warning.message);
  process.on("warning", hear);
  context.after(() => process.off("warning", hear));
  let last;
  const { client, redis, lines } = clients(context, { told: () => last ??= admin.replicaof("NO", "ONE") });
  await until(() => client.status === "ready");
  for (const round of [1, 2]) {
    last = undefined;
    await admin.replicaof("127.0.0.1", 1);
    const reconnecting = once(client, "reconnecting");
    const counts = await Promise.all(Array.from({ length: 50 }, () => redis.incr("key")));
    assert.equal(Math.max(...counts), 50 * round);
    await reconnecting;
    await last;
  }
  assert.equal(lines()[0], "transient retried");
  await new Promise((turn) => setImmediate(turn));
  assert.deepEqual(warned, []);
});

test("reconnectOnError is for a server that has become a replica", () => {
  assert.deepEqual(["READONLY You can't write", "LOADING", "ERR"].map((text) => reconnectOnError(new Error(text))), [true, false, false]);
});

test("a server that loads its data is tried again", async (context) => {
  await admin.mset(Object.fromEntries(Array.from({ length: 1000 }, (_, number) => [`key ${number}`, "x".repeat(1024)])));
  await admin.save();
  const { redis, client, lines } = clients(context, { told: () => admin.config("SET", "key-load-delay", 0) });
  await until(() => client.status === "ready");
  await admin.config("SET", "loading-process-events-interval-bytes", 1024);
  await admin.config("SET", "key-load-delay", 10_000); // ten seconds, unless told otherwise; it answers after each key
  const other = await server.client();
  const reload = other.debug("RELOAD", "NOSAVE").finally(() => other.disconnect());
  await until(async () => (await admin.info("persistence")).includes("loading:1"));
  assert.equal(await redis.incr("counter"), 1);
  await reload;
  assert.deepEqual(lines(), ["transient retried"]);
});

test("errors of the command itself are not retried, and are thrown as they came", async (context) => {
  const { redis, seen } = clients(context);
  await redis.lpush("list", "x");
  const error = await rejected(redis.incr("list"));
  assert.equal(error.name, "ReplyError");
  assert.match(error.message, /^WRONGTYPE/);
  assert.deepEqual(seen, ["permanent permanent"]);
});

for (const [name, command, policy, expected] of [
  ["a read is repeated", (redis) => redis.get("key"), patient, ["transient retried"]],
  ["an increment is not", (redis) => redis.incr("key"), patient, ["transient not_idempotent"]],
  ["unless the policy says so", (redis) => redis.incr("key"), { ...patient, idempotent: true }, ["transient retried"]],
]) {
  test(`a connection that is lost before the answer: ${name}`, async (context) => {
    const { client, redis, lines } = clients(context, {}, policy);
    await until(() => client.status === "ready");
    const running = command(redis).catch((error) => error);
    // The command is written already; nothing of the answer has been read.
    client.stream.destroy();
    await running;
    assert.deepEqual(lines(), expected);
  });
}

test("idempotent says which commands may be repeated", async (context) => {
  const asked = [];
  const idempotent = (name, args) => asked.push([name, ...args]) > 0;
  const { client, redis, lines } = clients(context, { idempotent });
  await until(() => client.status === "ready");
  const running = redis.set("key", "value");
  client.stream.destroy();
  assert.equal(await running, "OK");
  assert.deepEqual(lines(), ["transient retried"]);
  assert.deepEqual(asked, [["set", "key", "value"]]);
});

test("a restart is waited for, whatever is to be sent", async (context) => {
  let up;
  const { client, redis, lines } = clients(context, { told: () => up ??= server.start() });
  await until(() => client.status === "ready");
  const closed = once(client, "close");
  await server.stop();
  await closed;
  assert.equal(await redis.incr("key"), 1);
  await up;
  assert.deepEqual(lines(), ["connect retried"]);
});

test("many commands wait with one pair of listeners", async (context) => {
  const { client, redis } = clients(context);
  const waiting = Array.from({ length: 100 }, () => redis.incr("key"));
  assert.ok(client.listenerCount("ready") < 5);
  assert.equal(Math.max(...(await Promise.all(waiting))), 100);
  assert.equal(client.listenerCount("close"), 0);
});

test("a connection that never comes is waited for until the policy's timeout", async (context) => {
  const { seen, onEvent } = witness();
  // ioredis says nothing of a client that is disconnected while it waits to connect again.
  const client = new Client({ port: 1, ...connectionOptions({ forever: true }) });
  client.on("error", () => {});
  context.after(() => (client.disconnect(), admin.disconnect()));
  await new Promise((reconnecting) => client.once("reconnecting", reconnecting));
  client.disconnect();
  const redis = retrying(client, { ...patient, timeout: "50ms" }, { onEvent });
  assert.ok((await rejected(redis.incr("key"))) instanceof TimeoutError);
  assert.deepEqual(seen, ["connect timeout"]);
});

test("a client that was closed is not waited for", async (context) => {
  const { client, redis, seen } = clients(context);
  await redis.ping();
  await client.quit();
  await until(() => client.status === "end");
  assert.equal((await rejected(redis.get("key"))).message, "Connection is closed.");
  assert.deepEqual(seen, ["permanent permanent"]);
});

test("retryStrategy waits as the policy's schedule says, and ends as it does", () => {
  const policy = new Policy({ attempts: 5, initial: "100ms" });
  const events = [];
  const strategy = retryStrategy(policy, { seed: 7, onEvent: ({ kind, reason }) => events.push(reason ?? kind) });
  assert.deepEqual([1, 2, 3, 4, 5].map(strategy), [...policy.schedule({ seed: 7 }), null]);
  assert.deepEqual([1, 2].map(strategy), policy.schedule({ seed: 7 }).slice(0, 2), "a new outage begins anew");
  assert.deepEqual(events.filter((kind) => kind !== "attempt"), [...Array(4).fill("scheduled"), "attempts", "scheduled", "scheduled"]);
});

test("a client gives up connecting where the policy does", async (context) => {
  const { redis, client, lines } = clients(context, {}, patient, connectionOptions({ ...patient, attempts: 3 }));
  await redis.ping();
  const attempts = [];
  client.on("reconnecting", (wait) => attempts.push(wait));
  await server.stop();
  await until(() => client.status === "end");
  assert.deepEqual(attempts, [5, 5]);
  assert.equal((await rejected(redis.get("key"))).message, "Connection is closed.");
  await server.start();
});
