// Calls that a queue goes on with, under a budget that a fleet shares: what they retry is paid for like any other retry.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Policy } from "undaunted";
import { Budget, Store } from "undaunted/fleet";
import { resume, resumeToken } from "undaunted/resume";
import { connect, disconnect } from "./fleet-clients.mjs";
import { Redis, until } from "./processes.mjs";

const server = new Redis();
let admin;
before(async () => {
  await server.start();
  admin = await connect("ioredis", server.port);
});
after(async () => {
  disconnect(admin);
  await server.end();
});

const reset = () => Object.assign(new Error("lost"), { code: "ECONNRESET" });
let serial = 0;

/** A queue's policy with six retries, then nothing but what successes give; and what is left. */
async function opened(context, kind) {
  const name = `queue ${++serial}`;
  const client = await connect(kind, server.port);
  const told = [];
  const store = new Store(client, { timeout: "1s", every: 10, onEvent: ({ kind }) => told.push(kind) });
  const budget = { name, capacity: 60, cost: 10, reward: 1 };
  new Budget(name, store, budget);
  context.after(async () => {
    await store.close();
    disconnect(client);
    assert.deepEqual(told, []);
  });
  const balance = async () => Number(await admin.hget(`undaunted:{${name}}:budget`, "tokens")) / 1e6;
  return { queue: new Policy({ attempts: 100, backoff: [0], jitter: "none", timeout: null, budget }), balance };
}

/** The token of a call that a service gave up. */
async function givenUp() {
  const error = await new Policy({ attempts: 1 }).run(() => { throw reset(); }).catch((error) => error);
  return resumeToken(error);
}

async function retries(call) {
  let made = 0;
  while ((await call.failed(reset())) !== undefined && made < 100) made++;
  return [made, call.reason];
}

for (const kind of ["ioredis", "redis"]) {
  test(`${kind}: failures of a resumed call ask the store`, async (context) => {
    const { queue, balance } = await opened(context, kind);
    const events = [];
    const call = await resume(queue, undefined, { onEvent: ({ kind, reason }) => events.push([kind, reason]) });
    assert.deepEqual(await retries(call), [6, "budget"]);
    assert.deepEqual(events, [...Array.from({ length: 6 }, () => ["scheduled", undefined]), ["gave_up", "budget"]]);
    assert.equal(await balance(), 0);
  });
}

test("what a service gave up is retried as often as the fleet allows", async (context) => {
  const { queue, balance } = await opened(context, "ioredis");
  const calls = await Promise.all(Array.from({ length: 10 }, async () => resume(queue, await givenUp())));
  assert.equal(calls.filter(({ delay, reason }) => delay === 0 && reason === undefined).length, 6);
  const refused = calls.filter(({ delay, reason }) => delay === undefined && reason === "budget");
  assert.equal(refused.length, 4);
  assert.equal(await balance(), 0);
  // Refused here, it may go on elsewhere.
  assert.equal((await resume({ ...queue.toJSON(), budget: null }, await refused[0].token())).delay, 0);
});

test("a call whose next attempt is due has paid", async (context) => {
  const { queue, balance } = await opened(context, "ioredis");
  let call = await resume(queue);
  assert.equal(await call.failed(reset()), 0);
  for (let n = 0; n < 20; n++) {
    call = await resume(queue, await call.token());
    assert.equal(call.delay, 0);
  }
  assert.equal(await balance(), 50);
});

test("a success is told without another call", async (context) => {
  const { queue, balance } = await opened(context, "ioredis");
  const call = await resume(queue);
  await call.failed(reset());
  call.succeeded();
  await until(async () => (await balance()) === 51);
});
