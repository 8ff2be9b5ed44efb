import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { history, Policy } from "undaunted";
import { Breaker, Budget, Bulkhead, Store, Throttle } from "undaunted/fleet";
import { BulkheadFull } from "undaunted/guards";
import { connect, disconnect } from "./fleet-clients.mjs";
import { Redis, until } from "./processes.mjs";

const server = new Redis();
let admin;
before(async () => {
  await server.start();
});
after(() => server.end());

const KINDS = ["ioredis", "redis"];
let serial = 0;
const unique = (name) => `${name} ${++serial}`;
const fails = () => { throw Object.assign(new Error("lost"), { code: "ECONNRESET" }); };
const reasonOf = (promise) => promise.then(() => "done", (error) => history(error).at(-1)?.reason ?? error.name);

/** A store for one test, with what it told. */
async function opened(context, kind, options) {
  const client = await connect(kind, server.port);
  const told = [];
  const store = new Store(client, { timeout: "1s", onEvent: ({ kind }) => told.push(kind), ...options });
  admin = await server.client();
  context.after(async () => {
    await store.close();
    disconnect(client);
    admin.disconnect();
  });
  return { store, told };
}

/** A process of the fleet, ready to begin. */
async function member(context, kind, task) {
  const child = fork(fileURLToPath(new URL("fleet-member.mjs", import.meta.url)), [kind, server.port, task]);
  context.after(() => child.kill("SIGKILL"));
  await once(child, "message");
  return child;
}

/** What it comes to. */
async function begin(child) {
  const answer = once(child, "message");
  child.send("go");
  return (await answer)[0];
}

/** Whether a bulkhead lets a call in; what ends it is in `calls` then. */
function entered(bulkhead, calls) {
  return new Promise((tell) => {
    bulkhead.run(() => new Promise((end) => (calls.push(end), tell(true)))).catch(() => tell(false));
  });
}

/** How many scripts were run since the last time. */
async function scripts() {
  const stats = await admin.info("commandstats");
  await admin.config("RESETSTAT");
  return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+),.*failed_calls=(\d+)/g)].reduce((sum, [, calls, failed]) => sum + Number(calls) - Number(failed), 0);
}

test("processes share a budget, to the token", async (context) => {
  const children = await Promise.all(KINDS.map((kind) => member(context, kind, "storm")));
  const answers = await Promise.all(children.map(begin));
  assert.equal(answers[0].retries + answers[1].retries, 40, JSON.stringify(answers));
  assert.ok(answers.every(({ told, isOwn }) => isOwn && !told.length), JSON.stringify(answers));
});

/** What happens to a server, and how it ends. */
const TROUBLES = {
  killed: { begin: () => server.stop("SIGKILL"), end: () => server.start() },
  frozen: { begin: () => server.running.kill("SIGSTOP"), end: () => server.running.kill("SIGCONT") },
  "a replica": { begin: () => admin.replicaof("127.0.0.1", 1), end: () => admin.replicaof("NO", "ONE") },
  full: { begin: () => admin.config("SET", "maxmemory", 1), end: () => admin.config("SET", "maxmemory", 0) },
  "of another mind": { begin: (budget) => admin.set(`undaunted:{${budget}}:budget`, "text"), end: (budget) => admin.del(`undaunted:{${budget}}:budget`) },
};

for (const kind of KINDS) {
  for (const [what, trouble] of Object.entries(TROUBLES)) {
    test(`${kind}: a store that is ${what} adds no retry, is told of once, and comes back`, async (context) => {
      const { store, told } = await opened(context, kind);
      const budget = new Budget(unique("budget"), store, { capacity: 40, cost: 1, reward: 0, refund: false });
      const policy = new Policy({ attempts: 2, initial: "1ms", maxDelay: "1ms", budget });
      let retries = 0;
      const storm = (count) => Promise.all(Array.from({ length: count }, () => reasonOf(policy.run(fails, { onRetry: () => void retries++ }))));
      assert.deepEqual(new Set(await storm(10)), new Set(["attempts"]));
      if (what === "of another mind") await admin.del(`undaunted:{${budget.name}}:budget`);
      await trouble.begin(budget.name);
      await storm(20);
      assert.deepEqual([told, retries], [["lost"], 30]);
      await trouble.end(budget.name);
      await until(async () => {
        await policy.run(() => 1);
        return told.length > 1;
      });
      await storm(50);
      // What was asked meanwhile may be taken after all, once the server goes on or the client sends it again.
      assert.ok(["killed", "frozen"].includes(what) ? retries <= 40 : retries === 40, `${retries}`);
      assert.deepEqual([told, budget.tokens], [["lost", "back"], 0]);
    });
  }

  test(`${kind}: a store that was emptied hands out no fresh budget`, async (context) => {
    const { store, told } = await opened(context, kind);
    const budget = new Budget(unique("budget"), store, { capacity: 40, cost: 1, reward: 0, refund: false });
    const policy = new Policy({ attempts: 2, initial: "1ms", maxDelay: "1ms", budget });
    let retries = 0;
    for (const flush of [() => admin.flushall(), () => admin.script("FLUSH"), () => {}]) {
      await Promise.all(Array.from({ length: 15 }, () => reasonOf(policy.run(fails, { onRetry: () => void retries++ }))));
      await flush();
    }
    assert.deepEqual([retries, told], [40, []]);
  });

  test(`${kind}: a command for each failure, and none for successes that do not count`, async (context) => {
    const { store } = await opened(context, kind);
    const options = { attempts: 2, initial: "1ms", maxDelay: "1ms" };
    const budgeted = new Policy({ ...options, budget: new Budget(unique("budget"), store, { capacity: 40, reward: 0 }) });
    await scripts();
    await Promise.all(Array.from({ length: 50 }, () => budgeted.run(() => 1)));
    assert.equal(await scripts(), 0);
    const breaker = new Breaker(unique("breaker"), store);
    const broken = new Policy({ ...options, attempts: 3, breaker });
    await reasonOf(broken.run(fails));
    await until(async () => (await admin.exists(`undaunted:{${breaker.name}}:breaker`)) === 1);
    await store.close();
    assert.equal(await scripts(), 3);
  });

  test(`${kind}: a breaker opens for all processes, and closes by probes of any`, async (context) => {
    const { store, told } = await opened(context, kind);
    const options = { windowCalls: 4, minCalls: 4, initial: "100ms", maxDelay: "100ms", jitter: "none", probes: 1 };
    const name = unique("breaker");
    const breaker = new Breaker(name, store, options);
    const process = await member(context, kind, "trip");
    for (let count = 0; count < 3; count++) await assert.rejects(breaker.run(fails), /lost/);
    await until(async () => (await admin.hget(`undaunted:{${name}}:breaker`, "held")) === "111");
    process.send({ name, options });
    const [state] = await once(process, "message");
    assert.deepEqual(state, { state: "open" });
    await assert.rejects(breaker.run(fails), /lost/); // it is told so by this
    await until(() => breaker.state !== "closed");
    assert.equal(await until(() => breaker.run(() => "well")), "well");
    await until(async () => (await admin.hget(`undaunted:{${name}}:breaker`, "state")) === "0");
    await until(() => breaker.state === "closed"); // its own answer may come a moment later
    assert.deepEqual(told, []);
  });

  test(`${kind}: permits of a process that has died come back`, async (context) => {
    const { store } = await opened(context, kind);
    const bulkhead = new Bulkhead("held", store, { limit: 1, lease: "1s" });
    const child = await member(context, kind, "hold");
    await begin(child);
    await assert.rejects(bulkhead.run(() => 1), BulkheadFull);
    child.kill("SIGKILL");
    assert.equal(await until(() => bulkhead.run(() => "in")), "in");
    assert.equal(await bulkhead.run(() => "again"), "again");
  });

  test(`${kind}: without a store those that share a bulkhead alone let in no more than all may, and bring that when it is back`, async (context) => {
    const shared = await Promise.all([1, 2, 3].map(() => opened(context, kind)));
    const name = unique("alone");
    const running = () => admin.zcard(`undaunted:{${name}}:bulkhead`);
    const bulkheads = shared.map(({ store }) => new Bulkhead(name, store, { limit: 7 }));
    for (const bulkhead of [...bulkheads, ...bulkheads]) await bulkhead.run(() => 1);
    await server.stop("SIGKILL");
    const calls = [];
    for (const bulkhead of bulkheads) {
      const isIn = [];
      for (let count = 0; count < 7; count++) isIn.push(await entered(bulkhead, calls));
      assert.deepEqual(isIn, [true, true, false, false, false, false, false]);
    }
    await server.start();
    admin = await server.client();
    await until(async () => {
      for (const bulkhead of bulkheads) await entered(bulkhead, calls);
      return shared.every(({ told }) => told.length > 1);
    });
    await until(async () => (await running()) === calls.length);
    calls.forEach((end) => end());
    await until(async () => (await running()) === 0);
    assert.deepEqual(shared.map(({ told }) => told), [["lost", "back"], ["lost", "back"], ["lost", "back"]]);
  });

  test(`${kind}: calls that run are in again after a store forgot them`, async (context) => {
    const shared = await Promise.all([1, 2].map(() => opened(context, kind)));
    const name = unique("forgot");
    const running = () => admin.zcard(`undaunted:{${name}}:bulkhead`);
    const bulkheads = shared.map(({ store }) => new Bulkhead(name, store, { limit: 4, lease: "1s" }));
    const calls = [];
    for (const bulkhead of [...bulkheads, ...bulkheads]) assert.ok(await entered(bulkhead, calls));
    await admin.flushall();
    assert.ok(await entered(bulkheads[0], calls));
    await until(async () => (await running()) === 5); // the other brings its own by a sign of life
    for (const bulkhead of bulkheads) assert.ok(!(await entered(bulkhead, calls)));
    assert.equal(await admin.zcard(`undaunted:{${name}}:bulkhead-members`), 2);
    calls.forEach((end) => end());
    await until(async () => (await running()) === 0);
    assert.deepEqual(shared.map(({ told }) => told), [[], []]);
  });

  test(`${kind}: a throttle hears of other processes`, async (context) => {
    const [one, other] = [await opened(context, kind, { every: "5ms" }), await opened(context, kind, { every: "5ms" })];
    const name = unique("throttle");
    const [throttle, there] = [one, other].map(({ store }) => new Throttle(name, store, { k: 100 }));
    for (let count = 0; count < 20; count++) await there.run(() => 1);
    assert.ok(await until(async () => {
      await throttle.run(() => 1);
      const { requests, accepts } = throttle.snapshot();
      return requests > 20 && requests - accepts <= 1;
    }));
  });
}

test("a process that is too busy to send, or to read the answer, keeps its store", async (context) => {
  const busy = () => {
    for (const end = performance.now() + 500; performance.now() < end;);
  };
  const moments = [process.nextTick, queueMicrotask, setImmediate, (callback) => setTimeout(callback, 0)];
  for (const kind of KINDS) {
    const client = await connect(kind, server.port);
    context.after(() => disconnect(client));
    let later = () => {};
    const asking = (name) => client[name] && ((...words) => {
      const asked = client[name](...words);
      later(busy);
      return asked;
    });
    const told = [];
    const store = new Store(
      { evalsha: asking("evalsha"), evalSha: asking("evalSha"), eval: asking("eval") }, { timeout: 200, onEvent: ({ kind }) => told.push(kind) },
    );
    const budget = new Budget(unique("budget"), store, { capacity: 10, cost: 1, reward: 0, refund: false });
    const policy = new Policy({ attempts: 2, initial: "1ms", budget });
    // The server knows the script from the first one.
    for (const moment of [undefined, ...moments]) {
      later = moment ?? later;
      assert.equal(await reasonOf(policy.run(fails)), "attempts");
    }
    assert.deepEqual([told, budget.tokens], [[], 5], kind);
    await store.close();
  }
});

test("a closed client harms nobody", async (context) => {
  for (const kind of KINDS) {
    const client = await connect(kind, server.port);
    const told = [];
    const store = new Store(client, { onEvent: ({ kind }) => told.push(kind) });
    const policy = new Policy({ attempts: 2, initial: "1ms", budget: new Budget(unique("budget"), store, { capacity: 1, cost: 1 }) });
    disconnect(client);
    assert.equal(await reasonOf(policy.run(fails)), "attempts");
    assert.equal(await reasonOf(policy.run(fails)), "budget");
    assert.deepEqual(told, ["lost"]);
  }
});
