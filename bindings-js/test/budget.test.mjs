// Budgets: shared by name, taken before the wait, handed back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget, history, Policy, retry } from "undaunted";
import { lost, virtual } from "./clock.mjs";

const STEADY = { jitter: "none", initial: "1s", timeout: null };

function fails(times) {
  let calls = 0;
  const fn = () => {
    if (++calls <= times) throw lost();
    return "done";
  };
  return Object.defineProperty(fn, "calls", { get: () => calls });
}

test("a retry takes its cost, and a success after it gives that back", virtual(async () => {
  const budget = new Budget("refunds", { capacity: 20, cost: 6 });
  const policy = new Policy({ ...STEADY, budget });
  const seen = [];
  const done = policy.run(fails(1), { onEvent: ({ kind }) => seen.push([kind, budget.tokens]) });
  assert.equal(await done, "done");
  assert.deepEqual(seen, [["attempt", 20], ["scheduled", 14], ["attempt", 14], ["success", 20]]);
}));

test("an empty budget ends the call with its own error", virtual(async () => {
  const policy = new Policy({ ...STEADY, budget: { name: "empty", capacity: 1, cost: 1 } });
  const fn = fails(9);
  const error = policy.run(fn).catch((error) => error);
  assert.equal((await error).code, "ECONNRESET");
  assert.equal(fn.calls, 2);
  assert.equal(history(await error).at(-1).reason, "budget");
}));

test("policies share a budget by its name", () => {
  const budget = { name: "shared", capacity: 10, cost: 5 };
  const [first, second] = [new Policy({ budget }), new Policy({ budget, attempts: 2 })];
  assert.equal(first.budget, second.budget);
  assert.equal(new Budget("shared", { capacity: 10, cost: 5 }), first.budget);
  assert.equal(new Policy({ budget: "shared" }).budget, first.budget);
  assert.equal(Policy.parse(first.dump()).budget, first.budget);
  assert.equal(first.replace({ attempts: 3 }).budget, first.budget);
  assert.deepEqual(first.budget.toJSON(), { name: "shared", mode: "bucket", capacity: 10, cost: 5, reward: 1, refund: true });
});

test("a name that nobody knows, or with other options, is refused", () => {
  const kept = new Budget("taken", { capacity: 5 });
  const codes = (make) => {
    try {
      make();
    } catch (error) {
      return error.problems.map(({ code, pointer }) => `${code} ${pointer}`);
    }
  };
  assert.deepEqual(codes(() => new Policy({ budget: "nobody" })), ["missing_budget /budget"]);
  assert.deepEqual(codes(() => new Budget("taken", { capacity: 6 })), ["other_budget /budget"]);
  assert.deepEqual(codes(() => new Budget("x", { capacity: 0, minPerSecond: -1 })), ["out_of_range /budget/capacity", "out_of_range /budget/min_per_second"]);
  assert.equal(kept.tokens, 5);
});

test("each of several budgets keeps its own tokens", virtual(async () => {
  const budgets = Array.from({ length: 5 }, (_, at) => new Budget(`own ${at}`, { capacity: 20, cost: at + 1 }));
  const calls = budgets.map((budget) => retry(fails(2), { ...STEADY, budget, attempts: 2 }).catch(() => {}));
  await Promise.all(calls);
  assert.deepEqual(budgets.map((budget) => budget.tokens), [19, 18, 17, 16, 15]);
}));

test("a wait that is aborted hands its tokens back, at any moment only once", virtual(async () => {
  const budget = new Budget("aborted", { capacity: 20, cost: 6 });
  const controller = new AbortController();
  const policy = new Policy({ ...STEADY, budget });
  const call = policy.run(fails(9), { signal: controller.signal, onRetry: () => queueMicrotask(() => controller.abort("enough")) });
  await assert.rejects(call, (reason) => reason === "enough");
  assert.equal(budget.tokens, 20);
  assert.equal(budget.tokens, 20);
}));

test("an attempt that is aborted is paid", virtual(async () => {
  const budget = new Budget("paid", { capacity: 20, cost: 6 });
  const controller = new AbortController();
  let calls = 0;
  const call = new Policy({ ...STEADY, budget }).run(() => {
    if (++calls === 1) throw lost();
    controller.abort("enough");
    return new Promise(() => {});
  }, { signal: controller.signal });
  call.catch(() => {});
  await assert.rejects(call, (reason) => reason === "enough");
  assert.equal(budget.tokens, 14);
}));

test("a block that is left during its wait hands its tokens back", virtual(async () => {
  const budget = new Budget("left", { capacity: 20, cost: 6 });
  for await (const attempt of new Policy({ ...STEADY, budget }).attempts()) {
    await attempt.run(() => {
      throw lost();
    });
    assert.equal(budget.tokens, 14);
    break;
  }
  assert.equal(budget.tokens, 20);
}));

test("a block's success is rewarded", async () => {
  const budget = new Budget("blocks", { capacity: 20, cost: 6, reward: 0.5 });
  await retry(fails(1), { ...STEADY, budget, attempts: 1 }).catch(() => {});
  for await (const attempt of new Policy({ ...STEADY, budget }).attempts()) await attempt.run(() => "done");
  assert.equal(budget.tokens, 20);
});

test("a wrapped function pays and is rewarded", virtual(async () => {
  const budget = new Budget("wrapped", { capacity: 20, cost: 6, refund: false, reward: 2 });
  const wrapped = new Policy({ ...STEADY, budget }).wrap(fails(1));
  const done = wrapped();
  assert.equal(await done, "done");
  assert.equal(budget.tokens, 16);
}));

test("ten thousand calls at once lose no token", virtual(async () => {
  const budget = new Budget("calls", { capacity: 20_000, cost: 1 });
  const policy = new Policy({ budget, attempts: 3, jitter: "none", backoff: ["0s"], timeout: null });
  const calls = Array.from({ length: 10_000 }, () => policy.run(async () => { throw lost(); }).catch(() => {}));
  await Promise.all(calls);
  assert.equal(budget.tokens, 0);
}));

test("the preset aws spends 35 retries in an outage", virtual(async () => {
  const policy = Policy.preset("aws").replace({ budget: { name: "outage" } });
  let retries = 0;
  for (let call = 0; call < 40; call++) {
    const fn = fails(9);
    const over = policy.run(fn).catch(() => {});
    await over;
    retries += fn.calls - 1;
  }
  assert.equal(retries, 35); // 500 tokens at 14
}));

test("a window adds a share of the calls and forgets them", virtual(async (clock) => {
  const budget = new Budget("window", { mode: "window", ratio: 0.5, minPerSecond: 0, ttl: 1000 });
  const policy = new Policy({ budget });
  for (let call = 0; call < 4; call++) await policy.run(() => "done");
  assert.equal(budget.tokens, 2);
  clock.time += 1100;
  assert.equal(budget.tokens, 0);
}));

test("a budget that nobody holds is forgotten with its name", async () => {
  (() => new Budget("gone", { capacity: 3 }))();
  for (let tries = 0; tries < 20; tries++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc();
  }
  assert.equal(new Budget("gone", { capacity: 4 }).tokens, 4);
});
