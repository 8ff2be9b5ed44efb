// Policies of a fleet over a real Redis: published once, read by all, and never one that is bad.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Policy, PolicyError } from "undaunted";
import { policySource, publishPolicy, Store, VersionConflict } from "undaunted/fleet";
import { PolicySource } from "undaunted/source";
import { connect, disconnect } from "./fleet-clients.mjs";
import { Redis, until } from "./processes.mjs";

const server = new Redis();
let admin;
before(async () => {
  await server.start();
  admin = await server.client();
});
after(async () => {
  admin.disconnect();
  await server.end();
});
afterEach(() => admin.flushall());

const KEY = "undaunted:{upstream}:policy";

/** A store for one test, with what becomes of it. */
async function opened(context, kind, options) {
  const client = await connect(kind, server.port);
  const became = [];
  const store = new Store(client, { timeout: "1s", onEvent: ({ kind }) => became.push(kind), ...options });
  context.after(async () => {
    await store.close();
    disconnect(client);
  });
  return { store, became };
}

async function evals() {
  const stats = await admin.info("commandstats");
  return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

/** Waits until a source has so many attempts of a version. */
const has = (source, attempts, version) => until(async () => {
  const policy = await source.current();
  return policy.toJSON().attempts === attempts && policy.version === version;
});

for (const kind of ["ioredis", "redis"]) {
  test(`${kind}: a published policy reaches sources and events`, async (context) => {
    const { store } = await opened(context, kind);
    const source = policySource(store, "upstream", { every: 20, fallback: { attempts: 9 }, onError() {} });
    assert.ok(source instanceof PolicySource);
    assert.equal((await source.current()).toJSON().attempts, 9);
    assert.equal(await source.ready("30ms"), false);
    const ready = source.ready("1m");
    assert.equal(await publishPolicy(store, "upstream", new Policy({ attempts: 2 })), 1);
    assert.equal(await ready, true);
    assert.equal((await source.current()).version, 1);
    assert.equal(await source.ready(), true);
    await assert.rejects(source.ready(-1), RangeError);
    await has(source, 2, 1);
    assert.equal(await publishPolicy(store, "upstream", '{"attempts": 3}'), 2);
    await has(source, 3, 2);
    assert.equal(await publishPolicy(store, "upstream", { attempts: 3 }), 3); // the same text is another version
    await has(source, 3, 3);
    const found = await source.current();
    assert.ok(found.equals(new Policy({ attempts: 3 })));
    assert.deepEqual(await admin.hgetall(KEY), { version: "3", text: found.dump() });
    assert.equal(await admin.ttl(KEY), -1);
    const versions = [];
    await source.run(() => 1, { onEvent: ({ policy }) => versions.push(policy.version) });
    assert.deepEqual([versions, found.replace({ attempts: 4 }).version, new Policy().version], [[3, 3], undefined, undefined]);
  });

  test(`${kind}: what is no good policy is refused and told of once`, async (context) => {
    const { store, became } = await opened(context, kind);
    const told = [];
    await publishPolicy(store, "upstream", { attempts: 3 });
    const source = policySource(store, "upstream", { every: 10, onError: (error) => told.push(error) });
    await has(source, 3, 1);
    const troubles = [
      [() => admin.hset(KEY, "text", '{"attempts": 0}', "version", 8), /attempts is 0/],
      [() => admin.hset(KEY, "text", "no json"), /no JSON/],
      [() => admin.hset(KEY, "version", "eight"), /the version of the policy at .* is eight/],
      [() => admin.del(KEY), /the store has no policy at/],
      [() => admin.set(KEY, "text"), /WRONGTYPE/],
    ];
    for (const [hurt, expected] of troubles) {
      await hurt();
      await until(() => told.length);
      const read = await evals();
      await until(async () => await evals() >= read + 10);
      assert.match(told.splice(0).map(String).join("\n"), new RegExp(`^[^\\n]*${expected.source}[^\\n]*$`));
      const policy = await source.current();
      assert.deepEqual([policy.toJSON().attempts, policy.version], [3, 1]);
    }
    await admin.del(KEY);
    await publishPolicy(store, "upstream", { attempts: 4 });
    await has(source, 4, 1);
    assert.deepEqual(became, []);
  });

  test(`${kind}: a store that is killed leaves the policy, and is read when it is back`, async (context) => {
    const { store } = await opened(context, kind);
    const told = [];
    await publishPolicy(store, "upstream", { attempts: 3 });
    const source = policySource(store, "upstream", { every: 20, onError: (error) => told.push(error.message) });
    await has(source, 3, 1);
    await server.stop("SIGKILL");
    await until(() => told.length);
    const policy = await source.current();
    assert.deepEqual([policy.toJSON().attempts, policy.version], [3, 1]);
    await server.start();
    admin = await server.client();
    await until(() => publishPolicy(store, "upstream", { attempts: 4 }));
    await until(async () => (await source.current()).toJSON().attempts === 4);
    // Between its return and the publishing it may have been found without a policy.
    assert.deepEqual(told.filter((text) => !text.includes("no policy")), ["the store does not answer as it should"]);
  });

  test(`${kind}: no command is on the path of a call`, async (context) => {
    const { store } = await opened(context, kind);
    await publishPolicy(store, "upstream", { attempts: 3 });
    const source = policySource(store, "upstream", { every: "1h" });
    await has(source, 3, 1);
    const before = await evals();
    for (let count = 0; count < 1000; count++) await source.run(() => 1);
    assert.equal(await evals(), before);
  });

  test(`${kind}: of those who publish at once one is heard, and nothing bad is published`, async (context) => {
    const { store } = await opened(context, kind);
    await assert.rejects(publishPolicy(store, "upstream", '{"attempts": 0}'), PolicyError);
    assert.equal(await admin.exists(KEY), 0);
    const answers = await Promise.allSettled([2, 3, 4].map((attempts) => publishPolicy(store, "upstream", { attempts }, { expected: 0 })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), ["fulfilled", "rejected", "rejected"]);
    for (const { reason } of answers) assert.ok(!reason || (reason instanceof VersionConflict && reason.version === 1));
    assert.equal(await publishPolicy(store, "upstream", { attempts: 5 }, { expected: 1 }), 2);
    await assert.rejects(publishPolicy(store, "upstream", {}, { expected: -1 }), RangeError);
    await assert.rejects(publishPolicy(store, "up{stream}", {}), /name is/);
    await admin.set(KEY, "text");
    await assert.rejects(publishPolicy(store, "upstream", {}), /WRONGTYPE/);
  });
}
