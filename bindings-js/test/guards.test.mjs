// Breakers, throttles, bulkheads and hedges: what a call under one comes to. What they decide is in the vectors.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget, HttpError, PolicyError, retry } from "undaunted";
import { Breaker, BreakerOpen, Bulkhead, BulkheadFull, Hedge, Throttle, Throttled } from "undaunted/guards";
import { lost, rejection, settle, virtual } from "./clock.mjs";

const STEADY = { windowCalls: 4, minCalls: 4, initial: "10s", jitter: "none", probes: 1 };
const fails = () => {
  throw lost();
};

async function trip(breaker) {
  for (let n = 0; n < 4; n++) await rejection(breaker.run(fails));
}

test("a breaker opens, refuses, probes and closes", virtual(async (clock) => {
  const breaker = new Breaker({ ...STEADY, name: "users" });
  assert.equal(await breaker.run(async () => 3), 3);
  for (let n = 0; n < 3; n++) assert.equal((await rejection(breaker.run(fails))).error.code, "ECONNRESET");
  assert.equal(breaker.state, "open");
  clock.time += 4000;
  let called = 0;
  const { error } = await rejection(breaker.run(() => called++));
  assert.ok(error instanceof BreakerOpen);
  assert.equal(error.retryIn, 6000);
  assert.equal(error.message, "the breaker users is open and refuses calls for another 6000 ms; nothing was sent");
  assert.equal(called, 0);
  clock.time += 6000;
  assert.equal(breaker.state, "half_open");
  assert.equal(await breaker.run(() => "probe"), "probe");
  assert.deepEqual(breaker.snapshot(), { state: "closed", calls: 0, failures: 0, slow: 0, trips: 0, probing: 0, retryIn: 0 });
}));

test("the error leaves as it came, and only what `on` names counts", async () => {
  const breaker = new Breaker({ on: [RangeError] });
  const mine = new RangeError("mine");
  assert.equal((await rejection(breaker.run(() => Promise.reject(mine)))).error, mine);
  await rejection(breaker.run(fails));
  assert.deepEqual([breaker.snapshot().calls, breaker.snapshot().failures], [1, 1]);
  const hooked = new Breaker({ on: (error) => error !== 5 });
  for (const thrown of [5, 6, undefined]) await rejection(hooked.run(() => Promise.reject(thrown)));
  assert.equal(hooked.snapshot().failures, 2);
  assert.throws(() => new Breaker({ on: 5 }), /on is 5, allowed a predicate/);
});

test("an abort hands the permit back", virtual(async (clock) => {
  const breaker = new Breaker(STEADY);
  await trip(breaker);
  clock.time += 10_000;
  const controller = new AbortController();
  const run = breaker.run(({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))), { signal: controller.signal });
  assert.equal(breaker.snapshot().probing, 1);
  controller.abort("enough");
  assert.equal((await rejection(run)).error, "enough");
  assert.deepEqual([breaker.state, breaker.snapshot().probing], ["half_open", 0]);
  let called = 0;
  assert.equal((await rejection(breaker.run(() => called++, { signal: controller.signal }))).error, "enough");
  assert.deepEqual([called, breaker.snapshot().probing], [0, 0]);
}));

test("a predicate that throws ends the call with its own error and holds no permit", virtual(async () => {
  const broken = new Error("broken");
  const on = () => {
    throw broken;
  };
  const breaker = new Breaker({ ...STEADY, on });
  assert.equal((await rejection(breaker.run(fails))).error, broken);
  assert.equal(breaker.snapshot().failures, 1);
  assert.equal((await rejection(new Hedge({ delay: "1s", on }).run(fails))).error, broken);
}));

test("slow calls count by the clock", virtual(async (clock) => {
  const breaker = new Breaker({ windowCalls: 2, minCalls: 2, slowAfter: "1s", slowRate: 0.5 });
  await breaker.run(() => void (clock.time += 1000));
  assert.equal(breaker.snapshot().slow, 0);
  await breaker.run(() => void (clock.time += 1001));
  assert.equal(breaker.state, "open");
}));

test("a permit is settled once", () => {
  const breaker = new Breaker(STEADY);
  const permit = breaker.permit();
  assert.throws(() => permit.settle("good"), /outcome is good, allowed ok, failed, ignored, dropped/);
  permit.settle("failed");
  permit.settle("failed");
  assert.equal(breaker.snapshot().failures, 1);
});

test("several guards take turns in the engine and keep what they counted", virtual(async () => {
  const breakers = Array.from({ length: 5 }, () => new Breaker({ windowCalls: 100 }));
  const throttle = new Throttle();
  for (let n = 0; n < 50; n++) {
    const breaker = breakers[n % 5];
    await (n % 5 === 0 ? rejection(breaker.run(fails)) : throttle.run(() => breaker.run(() => n)));
  }
  assert.deepEqual(breakers.map((breaker) => breaker.snapshot().calls), [10, 10, 10, 10, 10]);
  assert.deepEqual(breakers.map((breaker) => breaker.snapshot().failures), [10, 0, 0, 0, 0]);
  assert.deepEqual(throttle.snapshot(), { requests: 40, accepts: 40 });
}));

test("ten thousand calls at once are counted exactly", virtual(async (clock) => {
  const breaker = new Breaker({ windowCalls: 100, minCalls: 100, initial: "10s", jitter: "none", probes: 3 });
  let made = 0;
  const request = async () => {
    made++;
    await null;
    throw lost();
  };
  const wave = async () => {
    const found = await Promise.all(Array.from({ length: 10_000 }, () => rejection(breaker.run(request))));
    return found.filter(({ error }) => error instanceof BreakerOpen).length;
  };
  assert.deepEqual([await wave(), made, breaker.snapshot().trips], [0, 10_000, 1]);
  assert.deepEqual([await wave(), made], [10_000, 10_000]);
  clock.time += 10_000;
  assert.deepEqual([await wave(), made, breaker.snapshot().trips], [9_997, 10_003, 2]);
}));

test("every mistake at once, and options in camel case", () => {
  assert.throws(() => new Breaker({ windowCalls: 0, failureRate: 2, attempts: 3 }), (error) => {
    assert.ok(error instanceof PolicyError);
    assert.deepEqual(error.problems.map(({ code, pointer }) => `${code}@${pointer}`), ["out_of_range@/window_calls", "out_of_range@/failure_rate", "unknown_option@/attempts"]);
    return true;
  });
  assert.throws(() => new Hedge({}), /delay is missing/);
  assert.throws(() => new Bulkhead({ limit: 0 }), /limit is 0, allowed 1 to 1000000/);
  assert.throws(() => new Throttle({ seed: -1 }), RangeError);
  assert.throws(() => new Breaker(5), TypeError);
});

test("a throttle refuses as its seed says, the same as in Python", virtual(async () => {
  const throttle = new Throttle({ seed: 5n, name: "search" });
  let found = "";
  for (let n = 0; n < 20; n++) {
    const { error } = await rejection(throttle.run(fails));
    found += error instanceof Throttled ? "0" : "1";
  }
  assert.equal(found, SEEDED);
  assert.deepEqual(throttle.snapshot(), { requests: 20, accepts: 0 });
  assert.equal(new Throttled("search").message, "the throttle search refused the call, since too few of the last ones were accepted; nothing was sent");
}));

test("a throttle lets through what is accepted, and forgets", virtual(async (clock) => {
  const throttle = new Throttle({ on: RangeError });
  const controller = new AbortController();
  for (let n = 0; n < 50; n++) {
    assert.equal(await throttle.run(() => n), n);
    await rejection(throttle.run(fails));
    await rejection(throttle.run(() => Promise.reject(new DOMException("stopped", "AbortError")), { signal: controller.signal }));
  }
  assert.deepEqual(throttle.snapshot(), { requests: 150, accepts: 150 });
  clock.time += 120_000;
  assert.deepEqual(throttle.snapshot(), { requests: 0, accepts: 0 });
}));

test("a bulkhead refuses what has no room, and serves in the order they came", async () => {
  const bulkhead = new Bulkhead({ limit: 1, queue: 3, name: "db" });
  const order = [];
  const one = (n) => bulkhead.run(async () => {
    order.push(n);
    await settle();
  });
  const all = [0, 1, 2, 3].map(one);
  const { error } = await rejection(one(4));
  assert.ok(error instanceof BulkheadFull);
  assert.equal(error.message, "the bulkhead db is full, with 1 calls that run and 3 that wait; nothing was sent");
  assert.deepEqual(bulkhead.snapshot(), { running: 1, waiting: 3 });
  await Promise.all(all);
  assert.deepEqual(order, [0, 1, 2, 3]);
  assert.deepEqual(bulkhead.snapshot(), { running: 0, waiting: 0 });
});

test("an abort while it waits leaves the queue; at the moment of its turn it hands the place on", async () => {
  const bulkhead = new Bulkhead({ limit: 1, queue: 3 });
  const [first, second] = [new AbortController(), new AbortController()];
  let free;
  const running = bulkhead.run(() => ({ then: (resolve) => (free = resolve) }));
  const calls = [];
  const aborted = bulkhead.run(() => calls.push("aborted"), { signal: first.signal });
  const late = bulkhead.run(() => calls.push("late"), { signal: second.signal });
  const last = bulkhead.run(() => calls.push("last"));
  first.abort("no");
  assert.equal((await rejection(aborted)).error, "no");
  assert.deepEqual(bulkhead.snapshot(), { running: 1, waiting: 2 });
  // The place is handed on in the next microtask, and taken in the one after the abort.
  free();
  queueMicrotask(() => second.abort("too late"));
  assert.equal((await rejection(late)).error, "too late");
  await Promise.all([running, last]);
  assert.deepEqual(calls, ["last"]);
  assert.deepEqual(bulkhead.snapshot(), { running: 0, waiting: 0 });
});

test("a failing call leaves the bulkhead, too", async () => {
  const bulkhead = new Bulkhead({ limit: 1 });
  await rejection(bulkhead.run(fails));
  assert.deepEqual(bulkhead.snapshot(), { running: 0, waiting: 0 });
});

test("ten thousand calls go in ten at a time", async () => {
  const bulkhead = new Bulkhead({ limit: 10, queue: 9_000 });
  let inside = 0;
  let most = 0;
  const order = [];
  const one = (n) => bulkhead.run(async () => {
    most = Math.max(most, ++inside);
    order.push(n);
    await null;
    inside--;
  });
  const found = await Promise.allSettled(Array.from({ length: 10_000 }, (_, n) => one(n)));
  assert.equal(found.filter(({ reason }) => reason instanceof BulkheadFull).length, 990);
  assert.equal(most, 10);
  assert.deepEqual(order, Array.from({ length: 9_010 }, (_, n) => n));
  assert.deepEqual(bulkhead.snapshot(), { running: 0, waiting: 0 });
});

/** Attempts that each take a time and then return or throw; remembers when they started and which were aborted. */
function attempts(clock, ...plans) {
  const began = clock.time;
  const fn = ({ attempt, signal }) => {
    fn.started.push(clock.time - began);
    const [ms, result] = plans[attempt - 1];
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => (result instanceof Error ? reject(result) : resolve(result)), ms);
      signal.addEventListener("abort", () => {
        fn.aborted.push([attempt, signal.reason]);
        clearTimeout(timer);
        reject(signal.reason);
      });
    });
  };
  return Object.assign(fn, { started: [], aborted: [] });
}

test("a second attempt beside a slow one wins, and the loser's signal aborts", virtual(async (clock) => {
  const fn = attempts(clock, [10_000, "slow"], [1000, "fast"]);
  assert.equal(await new Hedge({ delay: "200ms" }).run(fn), "fast");
  assert.deepEqual(fn.started, [0, 200]);
  assert.equal(clock.time, 2200);
  assert.deepEqual(fn.aborted.map(([attempt, reason]) => [attempt, reason.name]), [[1, "AbortError"]]);
  assert.equal(clock.timers.size, 0);
}));

test("a fast first attempt is alone", virtual(async (clock) => {
  const fn = attempts(clock, [100, "first"]);
  assert.equal(await new Hedge({ delay: 200, attempts: 5 }).run(fn), "first");
  assert.deepEqual([fn.started, clock.timers.size], [[0], 0]);
}));

test("a failure starts the next at once; when all fail the last error is thrown as it came", virtual(async (clock) => {
  const [first, second] = [lost(), lost("EPIPE")];
  const fn = attempts(clock, [50, first], [10_000, second]);
  assert.equal((await rejection(new Hedge({ delay: 200 }).run(fn))).error, second);
  assert.deepEqual(fn.started, [0, 50]);
}));

test("an error that `on` does not name ends the call", virtual(async (clock) => {
  const fatal = new SyntaxError("fatal");
  const fn = attempts(clock, [10_000, "slow"], [100, fatal], [1, "never"]);
  const hedge = new Hedge({ delay: 200, attempts: 3, on: (error) => error.code === "ECONNRESET" });
  assert.equal((await rejection(hedge.run(fn))).error, fatal);
  assert.deepEqual([fn.started, fn.aborted.map(([attempt]) => attempt)], [[0, 200], [1]]);
}));

test("a server pushes the next attempt away, or forbids it", virtual(async (clock) => {
  const busy = new HttpError(new Response("", { status: 503, headers: { "retry-after": "3" } }));
  const fn = attempts(clock, [100, busy], [100, "second"]);
  assert.equal(await new Hedge({ delay: 200 }).run(fn), "second");
  assert.deepEqual(fn.started, [0, 3100]);
  const no = new HttpError(new Response("", { status: 503, headers: { "x-should-retry": "false" } }));
  assert.equal((await rejection(new Hedge({ delay: 200 }).run(attempts(clock, [100, no])))).error, no);
}));

test("the caller's signal aborts every attempt with its reason", virtual(async (clock) => {
  const controller = new AbortController();
  const fn = attempts(clock, [10_000, "slow"], [10_000, "slow"]);
  setTimeout(() => controller.abort("enough"), 1000);
  const { error } = await rejection(new Hedge({ delay: 200 }).run(fn, { signal: controller.signal }));
  assert.equal(error, "enough");
  assert.deepEqual(fn.aborted, [[1, "enough"], [2, "enough"]]);
  assert.equal(clock.timers.size, 0);
}));

test("an attempt that throws at once is an attempt that failed", virtual(async () => {
  let calls = 0;
  const fn = () => {
    if (++calls === 1) throw lost();
    return "second";
  };
  assert.equal(await new Hedge({ delay: "1h" }).run(fn), "second");
}));

test("ten thousand hedged calls have one winner each", async () => {
  const hedge = new Hedge({ delay: 0 });
  let started = 0;
  let aborted = 0;
  const call = (n) => hedge.run(({ attempt, signal }) => {
    started++;
    if (attempt === 2) return Promise.resolve(n);
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(aborted++)));
  });
  const found = await Promise.all(Array.from({ length: 10_000 }, (_, n) => call(n)));
  assert.deepEqual(found, Array.from({ length: 10_000 }, (_, n) => n));
  assert.deepEqual([started, aborted], [20_000, 10_000]);
});

test("a hedge pays for all but the first attempt, and a success gives back what the last took", async () => {
  const budget = new Budget("hedged", { capacity: 3, cost: 1 });
  const hedge = new Hedge({ delay: 0, attempts: 9, budget });
  const tokens = [];
  const search = () => {
    tokens.push(budget.tokens);
    return tokens.length < 4 ? new Promise(() => {}) : "found";
  };
  assert.equal(hedge.budget, budget);
  assert.equal(await hedge.run(search), "found");
  assert.deepEqual(tokens, [3, 2, 1, 0]);
  assert.equal(budget.tokens, 1);
});

test("with nothing left only the first attempt starts, in turn with the retries of a policy", virtual(async () => {
  const budget = new Budget("hedged empty", { capacity: 2, cost: 1 });
  const retried = retry(() => Promise.reject(lost()), { budget, attempts: 3, backoff: ["0s"], jitter: "none", timeout: null }).catch(() => {});
  await retried;
  assert.equal(budget.tokens, 0);
  let calls = 0;
  const fn = () => {
    calls++;
    throw lost();
  };
  assert.equal((await rejection(new Hedge({ delay: 0, attempts: 3, budget: "hedged empty" }).run(fn))).error.code, "ECONNRESET");
  assert.equal(calls, 1);
}));

test("a race that is stopped keeps what it paid", async () => {
  const budget = new Budget("hedged stopped", { capacity: 5, cost: 1 });
  const controller = new AbortController();
  const call = new Hedge({ delay: 0, attempts: 3, budget }).run(() => new Promise(() => {}), { signal: controller.signal });
  controller.abort("enough");
  assert.equal((await rejection(call)).error, "enough");
  assert.equal(budget.tokens, 3);
});

test("ten thousand hedged calls lose no token", async () => {
  const budget = new Budget("hedged many", { capacity: 15_000, cost: 1, refund: false, reward: 0 });
  const hedge = new Hedge({ delay: 0, budget });
  await Promise.all(Array.from({ length: 10_000 }, () => rejection(hedge.run(async () => { throw lost(); }))));
  assert.equal(budget.tokens, 5_000);
});

/** From the oracle: words 1 to 20 of lane 4 of seed 5, against n / (n + 1). */
const SEEDED = "11100010000000000000";
