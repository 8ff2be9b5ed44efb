import assert from "node:assert/strict";
import { test } from "node:test";
import { history, Policy, retry } from "undaunted";
import { lost, rejection, settle, throwing, virtual } from "./clock.mjs";

test("every event of a call, in order, as one kind of record", virtual(async () => {
  const seen = [];
  const options = { onEvent: (event) => seen.push(event), name: "load", seed: 5n };
  const policy = new Policy({ jitter: "none", attempts: 2 });
  const error = lost();
  await policy.run(throwing(error), options);
  const brief = ({ kind, attempt, elapsed, delay, error, reason, class: c }) => [kind, attempt, elapsed, delay, error, reason, c];
  assert.deepEqual(seen.map(brief), [
    ["attempt", 1, 0, undefined, undefined, undefined, undefined],
    ["scheduled", 1, 0, 1000, error, undefined, "transient"],
    ["attempt", 2, 1000, undefined, error, undefined, undefined],
    ["success", 2, 1000, undefined, undefined, undefined, undefined],
  ]);
  assert.ok(seen.every((event) => event.policy === policy && event.name === "load"));
  seen.length = 0;
  await rejection(policy.run(throwing(error, error), options));
  assert.deepEqual(seen.map(({ kind, reason }) => [kind, reason]).at(-1), ["gave_up", "attempts"]);
  assert.doesNotThrow(() => JSON.stringify(seen));
}));

test("each hook hears its own kind, after onEvent", virtual(async () => {
  const heard = [];
  const hooks = Object.fromEntries(["onEvent", "onRetry", "onGiveUp", "onSuccess"].map((name) => [name, ({ kind }) => heard.push(`${name} ${kind}`)]));
  await retry(throwing(lost()), hooks);
  await rejection(retry(throwing(new Error("no")), hooks));
  assert.deepEqual(heard, [
    "onEvent attempt", "onEvent scheduled", "onRetry scheduled", "onEvent attempt", "onEvent success", "onSuccess success",
    "onEvent attempt", "onEvent gave_up", "onGiveUp gave_up",
  ]);
}));

test("an event's callSeed replays the waits", virtual(async () => {
  const seen = [];
  const policy = new Policy({ attempts: 4 });
  await policy.run(throwing(lost(), lost(), lost()), { onRetry: (event) => seen.push(event) });
  assert.deepEqual(policy.schedule({ callSeed: seen[0].callSeed }), seen.map(({ delay }) => delay));
}));

test("a hook that throws changes nothing for the call and is not silent", virtual(async (_, context) => {
  const warnings = [];
  context.mock.method(process, "emitWarning", (text) => warnings.push(text));
  const onRetry = () => {
    throw new Error("hook");
  };
  assert.equal(await retry(throwing(lost()), { onRetry }), "done");
  assert.match(warnings.join(), /hook told of "scheduled" threw.*Error: hook/);
}));

test("history has every failed attempt and the reason", virtual(async () => {
  const errors = [lost("ETIMEDOUT"), lost(), lost("EPIPE")];
  const { error } = await rejection(retry(throwing(...errors), { attempts: 3, jitter: "none" }));
  assert.equal(error, errors[2]);
  assert.deepEqual(history(error).map((one) => [one.attempt, one.error, one.elapsed, one.delay, one.class, one.reason]), [
    [1, errors[0], 0, 1000, "timeout", undefined],
    [2, errors[1], 1000, 2000, "transient", undefined],
    [3, errors[2], 3000, undefined, "transient", "attempts"],
  ]);
  assert.equal(history(new Error("wrapped", { cause: error })).length, 3);
  assert.deepEqual(history(new Error("other")), []);
  assert.deepEqual(history("text"), []);
}));

test("history keeps the last 64, however long the call", virtual(async () => {
  let n = 0;
  const fn = async () => {
    throw lost("ECONNRESET", { n: ++n });
  };
  const { error } = await rejection(retry(fn, { attempts: 200, timeout: null, backoff: "constant", initial: "1ms" }));
  const kept = history(error);
  assert.equal(kept.length, 64);
  assert.equal(kept[63].error, error);
  assert.equal(error.n, 200);
}));

test("the error that is thrown was not touched", virtual(async () => {
  const error = lost();
  const before = [Reflect.ownKeys(error), error.stack, error.cause];
  await rejection(retry(throwing(error), { attempts: 1 }));
  assert.deepEqual([Reflect.ownKeys(error), error.stack, error.cause], before);
}));

test("wrap keeps this, the arguments, the name, and takes the options of a call", virtual(async () => {
  const policy = new Policy();
  let n = 0;
  const object = {
    base: 10,
    add: policy.wrap(async function add(a, b) {
      if (++n < 2) throw lost();
      return this.base + a + b;
    }),
  };
  assert.equal(await object.add(1, 2), 13);
  assert.equal(n, 2);
  assert.equal(object.add.name, "add");
  assert.throws(() => policy.wrap(5), TypeError);
  assert.throws(() => policy.wrap(() => {}, { attempts: 1 }), TypeError);
}));

test("functions made by wrap count their calls under a seed", virtual(async (clock) => {
  const policy = new Policy({ attempts: 2 });
  const fn = policy.wrap(async () => Promise.reject(lost()), { seed: 9n });
  await rejection(fn());
  await rejection(fn());
  const first = (call) => Math.ceil(policy.schedule({ seed: 9n, call })[0]);
  assert.deepEqual(clock.armed, [first(1), first(2)]);
}));

test("a block is retried by attempts() until it succeeds", virtual(async (clock) => {
  const seen = [];
  for await (const attempt of new Policy({ jitter: "none" }).attempts()) {
    const result = await attempt.run(async (signal) => {
      assert.equal(signal.aborted, false);
      if (attempt.number < 3) throw lost();
      return "done";
    });
    seen.push([attempt.number, result]);
  }
  assert.deepEqual(seen, [[1, undefined], [2, undefined], [3, "done"]]);
  assert.equal(clock.time, 4000);
  assert.equal(clock.timers.size, 0);
}));

test("a block that is given up throws its error as it came", virtual(async () => {
  const error = lost();
  const loop = async () => {
    for await (const attempt of new Policy({ attempts: 2 }).attempts()) {
      await attempt.run(() => {
        throw error;
      });
    }
  };
  assert.equal((await rejection(loop())).error, error);
  assert.equal(history(error).length, 2);
}));

test("a block's loop that is left, aborted, or misused ends clean", virtual(async (clock) => {
  const policy = new Policy();
  for await (const attempt of policy.attempts()) {
    await attempt.run(() => Promise.reject(lost()));
    break;
  }
  assert.equal(clock.timers.size, 0);
  const controller = new AbortController();
  const aborted = async () => {
    for await (const attempt of policy.attempts({ signal: controller.signal })) {
      await attempt.run(() => Promise.reject(lost()));
      queueMicrotask(() => controller.abort("enough"));
    }
  };
  assert.equal((await rejection(aborted())).error, "enough");
  const before = async () => {
    for await (const attempt of policy.attempts({ signal: controller.signal })) await attempt.run(() => 1);
  };
  assert.equal((await rejection(before())).error, "enough");
  const idle = async () => {
    for await (const _ of policy.attempts()) void _;
  };
  assert.match((await rejection(idle())).error.message, /attempt.run/);
  assert.equal(clock.timers.size, 0);
}));

test("an inner give-up is repeated by the outer call, which says so once for the two policies", virtual(async (_, context) => {
  const warnings = [];
  context.mock.method(process, "emitWarning", (text) => warnings.push(text));
  const [outer, inner] = [new Policy({ attempts: 2 }), new Policy({ attempts: 3 })];
  let calls = 0;
  const nested = () => outer.run(() => inner.run(() => (calls++, Promise.reject(lost()))));
  await rejection(nested());
  assert.equal(calls, 6);
  assert.equal(warnings.length, 1);
  await rejection(nested());
  assert.equal(warnings.length, 1);
  await rejection(outer.replace({ nested: "allow" }).run(() => inner.run(() => Promise.reject(lost()))));
  assert.equal(warnings.length, 1);
}));

test("nested once does not repeat what an inner call has given up, also behind a cause", virtual(async () => {
  const outer = new Policy({ nested: "once" });
  const inner = new Policy({ attempts: 3 });
  let calls = 0;
  const failing = () => inner.run(() => (calls++, Promise.reject(lost())));
  const wrapped = () => failing().catch((cause) => Promise.reject(lost("EPIPE", { cause })));
  for (const fn of [failing, wrapped]) {
    calls = 0;
    const { error } = await rejection(outer.run(fn));
    assert.equal(calls, 3);
    assert.equal(history(error).at(-1).reason, "nested");
  }
}));

test("an inner call that made a single attempt leaves its history and is not nested", virtual(async () => {
  const outer = new Policy({ nested: "once", attempts: 3 });
  const single = new Policy({ attempts: 1 });
  let calls = 0;
  const failing = () => single.run(() => (calls++, Promise.reject(lost())));
  const { error } = await rejection(outer.run(failing));
  assert.deepEqual([calls, history(error).map(({ reason }) => reason)], [3, [undefined, undefined, "attempts"]]);
  assert.equal(history((await rejection(failing())).error).length, 1);
}));

test("a single attempt around a call that was given up after several does not hide it", virtual(async () => {
  const outer = new Policy({ nested: "once" });
  const inner = new Policy({ attempts: 3 });
  let calls = 0;
  const failing = () => inner.run(() => (calls++, Promise.reject(lost())));
  const { error } = await rejection(outer.run(() => Policy.preset("none").run(failing)));
  assert.deepEqual([calls, history(error).at(-1).reason], [3, "nested"]);
}));

test("one error object thrown by two calls in a row is not nested", virtual(async () => {
  const error = lost();
  const policy = new Policy({ nested: "once", attempts: 2 });
  for (let i = 0; i < 3; i++) {
    const fn = throwing(error, error);
    await rejection(policy.run(fn));
    assert.equal(fn.contexts.length, 2);
  }
}));

test("nested share: the inner call ends with the outer's deadline", virtual(async (clock) => {
  const outer = new Policy({ nested: "share", timeout: "4s", attempts: 1 });
  const inner = new Policy({ nested: "share", timeout: "60s", jitter: "none" });
  let remaining;
  const { error } = await rejection(outer.run(() => inner.run((context) => ((remaining ??= context.remaining), Promise.reject(lost())))));
  assert.equal(remaining, 4000);
  assert.equal(history(error).at(-1).reason, "attempts");
  assert.ok(clock.time < 1000 + 4000);
}));

test("nested share in a host without AsyncLocalStorage says what to do", virtual(async (_, context) => {
  const { Policy } = await import(`../dist/index.cjs?${Math.random()}`).then(({ default: all }) => all);
  context.mock.method(process, "getBuiltinModule", () => undefined);
  const { error } = await rejection(new Policy({ nested: "share" }).run(() => 1));
  assert.match(error.message, /AsyncLocalStorage.*use "warn"/);
}));

test("calls interleaved by the thousand do not disturb each other", virtual(async () => {
  const policies = [new Policy({ attempts: 4 }), new Policy({ jitter: "decorrelated", attempts: 4 }), Policy.preset("stamina")];
  const runs = Array.from({ length: 999 }, async (_, i) => {
    const policy = policies[i % 3];
    const delays = [];
    const errors = [lost(), lost("ETIMEDOUT"), lost()];
    await policy.run(throwing(...errors), { seed: BigInt(i), onRetry: ({ delay }) => delays.push(delay) });
    assert.deepEqual(delays, policy.schedule({ seed: BigInt(i), attempts: 4 }));
  });
  await Promise.all(runs);
}));

test("a million calls with inline options keep no memory", async () => {
  const lists = (i) => retry(async () => i, { timeout: "10s", backoff: [i, "5s"] });
  const plain = (i) => retry(async () => i, { initial: `${i + 1}us` });
  const few = (i) => retry(async () => i, { attempts: 3 + (i % 7), timeout: "10s" });
  const all = async (calls) => {
    for (let i = 0; i < calls / 50; i++) await Promise.all([lists(i), plain(i)]);
    for (let i = 0; i < calls; i++) await few(i);
    return used();
  };
  const before = await all(20_000);
  const grown = (await all(1_000_000)) - before;
  assert.ok(grown < 2_000_000, `${grown} bytes more`); // 40 000 policies kept would be 160 MB
});

/** Bytes in use once the collector, which frees buffers beside the program, has come to rest. */
async function used() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test("inline options that change between two calls change the policy", virtual(async (clock) => {
  const backoff = [5];
  const options = { backoff, jitter: "none" };
  await retry(throwing(lost()), options);
  backoff[0] = 9;
  await retry(throwing(lost()), options);
  options.jitter = "full";
  options.attempts = 1;
  await rejection(retry(throwing(lost()), options));
  assert.deepEqual(clock.armed, [5, 9]);
  await settle();
}));
