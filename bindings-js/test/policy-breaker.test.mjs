// Breakers in policies: shared by name, asked before every attempt, told of its end. What they count is in the vectors.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BreakerOpen, classify, GaveUp, history, HttpError, Policy, PolicyError, retry } from "undaunted";
import { retryingFetch } from "undaunted/fetch";
import * as guards from "undaunted/guards";
import { lost, rejection, settle, virtual } from "./clock.mjs";

const { Breaker } = guards;
const OPTIONS = { windowCalls: 4, minCalls: 4, initial: "10s", jitter: "none", probes: 1 };
const ONCE = { attempts: 1, timeout: null, jitter: "none" };
const fails = () => {
  throw lost();
};

async function trip(policy, times = 4) {
  for (let n = 0; n < times; n++) assert.equal((await rejection(policy.run(fails))).error.code, "ECONNRESET");
}

function codes(make) {
  try {
    make();
  } catch (error) {
    assert.ok(error instanceof PolicyError);
    return error.problems.map(({ code, pointer }) => `${code} ${pointer}`);
  }
}

test("it opens, refuses the first attempt, probes and closes", virtual(async (clock) => {
  const policy = new Policy({ ...ONCE, breaker: { name: "life", ...OPTIONS } });
  await trip(policy);
  assert.equal(policy.breaker.state, "open");
  clock.time += 4000;
  let called = 0;
  const seen = [];
  const { error } = await rejection(policy.run(() => called++, { onEvent: ({ kind, reason, error }) => seen.push([kind, reason, error]) }));
  assert.ok(error instanceof BreakerOpen && error instanceof guards.BreakerOpen);
  assert.equal(error.retryIn, 6000);
  assert.equal(error.message, "the breaker life is open and refuses calls for another 6000 ms; nothing was sent");
  assert.deepEqual([called, history(error)], [0, []]);
  assert.deepEqual(seen, [["gave_up", "breaker_open", error]]);
  clock.time += 6000;
  assert.equal(policy.breaker.state, "half_open");
  assert.equal(await policy.run(() => "back"), "back");
  assert.deepEqual(policy.breaker.snapshot(), { state: "closed", calls: 0, failures: 0, slow: 0, trips: 0, probing: 0, retryIn: 0 });
}));

test("a later attempt that is refused lets the last error go as it came", virtual(async () => {
  const policy = new Policy({ attempts: 9, initial: "1s", jitter: "none", timeout: null, breaker: { name: "later", ...OPTIONS } });
  let calls = 0;
  const mine = lost();
  const call = policy.run(() => { calls++; throw mine; }).catch((error) => error);
  assert.equal(await call, mine);
  assert.equal(calls, 4);
  const last = history(mine).at(-1);
  assert.deepEqual([last.reason, last.hint, last.delay], ["breaker_open", 10_000, undefined]);
}));

test("a wait that ends on an open breaker starts no attempt", virtual(async () => {
  const breaker = new Breaker({ name: "between", ...OPTIONS });
  const policy = new Policy({ initial: "1s", jitter: "none", timeout: null, breaker });
  let calls = 0;
  const onRetry = () => {
    for (let n = 0; n < 3; n++) breaker.permit().settle("failed");
  };
  const call = policy.run(() => { calls++; throw lost(); }, { onRetry }).catch((error) => error);
  assert.equal(history(await call).at(-1).reason, "breaker_open");
  assert.equal(calls, 1);
}));

test("every form is refused alike", virtual(async () => {
  const policy = new Policy({ ...ONCE, breaker: { name: "forms", ...OPTIONS } });
  await trip(policy);
  let calls = 0;
  const fn = () => calls++;
  const block = async () => {
    for await (const attempt of policy.attempts()) await attempt.run(fn);
  };
  const forms = [() => policy.run(fn), () => policy.wrap(fn)(), () => retry(fn, policy), () => retry(fn, { policy, name: "x" }), block,
    () => retryingFetch(policy, { fetch: fn })("http://127.0.0.1/")];
  for (const form of forms) assert.ok((await rejection(form())).error instanceof BreakerOpen);
  assert.equal(calls, 0);
}));

test("policies and breakers share by name", virtual(async () => {
  const breaker = new Breaker({ name: "shared", ...OPTIONS });
  const first = new Policy({ ...ONCE, breaker: { name: "shared", ...OPTIONS } });
  await trip(first, 2);
  assert.equal(breaker.snapshot().failures, 2);
  assert.equal(new Policy({ breaker: "shared" }).breaker.snapshot().failures, 2);
  for (let n = 0; n < 2; n++) await rejection(breaker.run(fails));
  assert.ok((await rejection(Policy.parse(first.dump()).run(fails))).error instanceof BreakerOpen);
  assert.equal(first.replace({ attempts: 3 }).breaker.state, "open");
  assert.ok(first.equals(new Policy({ ...ONCE, breaker })));
  const again = new Breaker(first.breaker.toJSON());
  assert.equal(again.state, "open");
  assert.deepEqual(again.toJSON(), {
    name: "shared", window_calls: 4, min_calls: 4, failure_rate: 0.5, initial: "10s", factor: 2, max_delay: "1m", jitter: "none", probes: 1,
    probe_timeout: "1m",
  });
}));

test("a name that nobody knows, or with other options, is refused, as is a breaker without one", () => {
  const kept = new Breaker({ name: "taken", probes: 2 });
  assert.deepEqual(codes(() => new Policy({ breaker: "nobody" })), ["missing_breaker /breaker"]);
  assert.deepEqual(codes(() => new Breaker({ name: "taken", probes: 3 })), ["other_breaker /breaker"]);
  assert.deepEqual(codes(() => new Policy({ breaker: { name: "taken" } })), ["other_breaker /breaker"]);
  assert.deepEqual(codes(() => new Policy({ breaker: new Breaker({ probes: 2 }) })), ["missing_option /breaker/name"]);
  assert.deepEqual(codes(() => new Policy({ breaker: { name: "x", probes: 0, minCalls: "5" } })), ["out_of_range /breaker/probes", "wrong_kind /breaker/min_calls"]);
  assert.equal(kept.state, "closed");
});

test("a breaker and a budget of one name are two things", virtual(async () => {
  const policy = new Policy({ attempts: 2, jitter: "none", timeout: null, budget: { name: "both", capacity: 20, cost: 6 }, breaker: { name: "both", ...OPTIONS } });
  const call = policy.run(fails).catch(() => {});
  await call;
  assert.deepEqual([policy.budget.tokens, policy.breaker.snapshot().failures], [14, 2]);
}));

test("it lives as long as somebody holds it", async () => {
  const collect = async () => {
    for (let tries = 0; tries < 20; tries++) {
      await new Promise((resolve) => setImmediate(resolve));
      globalThis.gc();
    }
  };
  const breaker = (() => new Breaker({ name: "held", ...OPTIONS }))();
  for (let n = 0; n < 4; n++) breaker.permit().settle("failed");
  await collect();
  assert.equal(new Policy({ breaker: { name: "held", ...OPTIONS } }).breaker.state, "open");
  (() => new Breaker({ name: "gone", probes: 2 }))();
  await collect();
  assert.equal(new Breaker({ name: "gone", probes: 4 }).toJSON().probes, 4);
  assert.equal(breaker.state, "open");
});

test("what `on` does not name counts all the same, a bug does not, and a 404 is a success", async () => {
  const policy = new Policy({ ...ONCE, breaker: { name: "counted", ...OPTIONS } });
  const notFound = () => {
    throw new HttpError(new Response(null, { status: 404 }));
  };
  const bug = () => undefined.x;
  for (const fn of [fails, notFound, bug]) await rejection(policy.run(fn, { on: RangeError }));
  await rejection(policy.run(() => 1, { retryIfResult: () => true })).then(({ error }) => assert.ok(error instanceof GaveUp));
  const { calls, failures } = policy.breaker.snapshot();
  assert.deepEqual([calls, failures], [3, 2]);
});

async function halfOpen(name, clock) {
  const policy = new Policy({ ...ONCE, breaker: { name, ...OPTIONS } });
  await trip(policy);
  clock.time += 10_000;
  assert.equal(policy.breaker.state, "half_open");
  return policy;
}

test("an attempt that is aborted hands its permit back", virtual(async (clock) => {
  const policy = await halfOpen("aborted", clock);
  const controller = new AbortController();
  const call = policy.run(() => new Promise(() => {}), { signal: controller.signal });
  call.catch(() => {});
  assert.equal(policy.breaker.snapshot().probing, 1);
  assert.ok((await rejection(policy.run(() => 1))).error instanceof BreakerOpen);
  controller.abort("enough");
  assert.equal((await rejection(call)).error, "enough");
  await settle();
  assert.deepEqual([policy.breaker.state, policy.breaker.snapshot().probing], ["half_open", 0]);
}));

test("a block that is left in its attempt hands its permit back", virtual(async (clock) => {
  const policy = await halfOpen("left", clock);
  for await (const attempt of policy.attempts()) {
    attempt.run(() => new Promise(() => {})).catch(() => {});
    assert.equal(policy.breaker.snapshot().probing, 1);
    break;
  }
  assert.equal(policy.breaker.snapshot().probing, 0);
}));

test("an attempt that its limit ends is settled", virtual(async () => {
  const policy = new Policy({ ...ONCE, attemptTimeout: "1s", breaker: { name: "limited", ...OPTIONS, slowAfter: "500ms" } });
  const call = policy.run(() => new Promise(() => {})).catch(() => {});
  await call;
  const { calls, failures, slow } = policy.breaker.snapshot();
  assert.deepEqual([calls, failures, slow], [1, 1, 1]);
}));

test("an open breaker inside is retried when it lets calls through, if that is before the deadline", virtual(async (clock) => {
  const inner = new Breaker({ windowCalls: 1, minCalls: 1, initial: "10s", jitter: "none", probes: 1 });
  await rejection(inner.run(fails));
  const late = rejection(retry(() => inner.run(() => "back"), { attempts: 2, timeout: "10s", jitter: "none" }));
  const { error } = await late;
  assert.ok(error instanceof BreakerOpen);
  const [{ reason, hint, class: kind, sent }] = history(error);
  assert.deepEqual([reason, hint, kind, sent], ["hint_too_long", 10_000, "transient", "not_sent"]);
  const waits = [];
  const back = retry(() => inner.run(() => "back"), { attempts: 2, timeout: "30s", jitter: "none", onRetry: ({ delay }) => waits.push(delay) });
  assert.equal(await back, "back");
  assert.deepEqual(waits, [10_000]);
  assert.equal(clock.time, 11_000);
}));

test("classify knows it", () => {
  const { class: kind, sent, condition, retried } = classify(new BreakerOpen(3000));
  assert.deepEqual([kind, sent, condition, retried], ["transient", "not_sent", "hint_only", true]);
});

test("a seed makes how long it is open repeatable, also of one that is there", virtual(async () => {
  const opened = (name, seed) => {
    const breaker = new Breaker({ name, seed, windowCalls: 1, minCalls: 1, initial: "10s", jitter: "full" });
    breaker.permit().settle("failed");
    return breaker.snapshot().retryIn;
  };
  const kept = new Breaker({ name: "second", seed: 1, windowCalls: 1, minCalls: 1, initial: "10s", jitter: "full" });
  assert.equal(opened("second", 7), opened("first", 7));
  assert.equal(kept.state, "open");
}));

test("ten thousand calls at once count exactly and lose no permit", async () => {
  const policy = new Policy({ ...ONCE, breaker: { name: "many", windowTime: "1h", minCalls: 1_000_000 } });
  const controller = new AbortController();
  const calls = Array.from({ length: 10_000 }, (_, number) =>
    policy.run(async () => {
      await settle();
      if (number % 3 === 1) throw lost();
      if (number % 3 === 2) await new Promise(() => {});
    }, { signal: controller.signal }).catch(() => {}));
  await Promise.all(calls.filter((_, number) => number % 3 !== 2));
  controller.abort();
  await Promise.all(calls);
  const { calls: counted, failures } = policy.breaker.snapshot();
  assert.deepEqual([counted, failures], [6667, 3333]);
});

test("of ten thousand calls a half-open breaker lets its probes through", virtual(async (clock) => {
  const policy = new Policy({ ...ONCE, breaker: { name: "probed", ...OPTIONS, probes: 5 } });
  await trip(policy);
  clock.time += 10_000;
  let ran = 0;
  const probe = async () => {
    ran++;
    await Promise.resolve();
  };
  const found = await Promise.all(Array.from({ length: 10_000 }, () => policy.run(probe).catch((error) => error)));
  assert.deepEqual([ran, found.filter((error) => error instanceof BreakerOpen).length], [5, 9995]);
  assert.equal(policy.breaker.state, "closed");
}));
