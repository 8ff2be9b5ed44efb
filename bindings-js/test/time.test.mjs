import assert from "node:assert/strict";
import { test } from "node:test";
import { history, Policy, retry, TimeoutError } from "undaunted";
import { lost, rejection, settle, throwing, virtual } from "./clock.mjs";

const never = () => new Promise(() => {});
const STEADY = { jitter: "none", initial: "1s" };

test("the waits are the engine's, rounded up to the timer's milliseconds", virtual(async (clock) => {
  const policy = new Policy({ attempts: 4 });
  await policy.run(throwing(lost(), lost(), lost()), { seed: 7n, call: 3 });
  assert.deepEqual(clock.armed, policy.schedule({ seed: 7n, call: 3 }).map(Math.ceil));
}));

test("attemptTimeout rejects the attempt with our TimeoutError, aborts its signal, and is retried", virtual(async (clock) => {
  const signals = [];
  const call = rejection(retry(({ signal }) => (signals.push(signal), never()), { attemptTimeout: "2s", attempts: 2, ...STEADY }));
  const { error } = await call;
  assert.ok(error instanceof TimeoutError);
  assert.equal(error.limit, 2000);
  assert.deepEqual(signals.map((signal) => signal.reason instanceof TimeoutError), [true, true]);
  assert.equal(clock.time, 1000 + 2000 + 1000 + 2000);
  assert.deepEqual(history(error).map(({ class: kind, reason }) => [kind, reason]), [["timeout", undefined], ["timeout", "attempts"]]);
  assert.equal(clock.timers.size, 0);
}));

test("attemptTimeout is cut to what is left of timeout", virtual(async () => {
  const { error } = await rejection(retry(never, { attemptTimeout: "20s", timeout: "5s" }));
  assert.equal(error.limit, 5000);
  assert.equal(history(error)[0].reason, "timeout");
}));

test("an attempt that finishes in time leaves no timer", virtual(async (clock) => {
  assert.equal(await retry(async () => "quick", { attemptTimeout: "1h", timeout: "2h" }), "quick");
  assert.equal(clock.timers.size, 0);
  await rejection(retry(throwing(new Error("no")), { attemptTimeout: "1h", timeout: "2h" }));
  assert.equal(clock.timers.size, 0);
}));

test("without attemptTimeout an attempt runs on past the deadline, and a late success is a success", virtual(async (clock) => {
  const late = () => new Promise((resolve) => setTimeout(() => resolve("late"), 60_000));
  assert.equal(await retry(late, { timeout: "1s" }), "late");
  assert.equal(clock.time, 61_000);
}));

test("the context's signal, once read, aborts at the deadline", virtual(async (clock) => {
  const fn = ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const { error } = await rejection(retry(fn, { timeout: "3s" }));
  assert.ok(error instanceof TimeoutError);
  assert.equal(clock.time, 4000);
  assert.equal(history(error)[0].reason, "timeout");
}));

test("a signal read late in the attempt leaves no timer behind", virtual(async (clock) => {
  let context;
  await retry(async (given) => {
    await null;
    context = given;
    void given.signal;
  });
  await settle();
  void context.signal;
  await settle();
  assert.deepEqual([clock.armed.length, clock.timers.size, clock.time], [1, 0, 1000]);
}));

test("a signal read at once leaves no timer behind, after a success and after a failure", virtual(async (clock) => {
  await retry(async ({ signal }) => signal.aborted);
  await rejection(retry(async ({ signal }) => Promise.reject(signal)));
  await settle();
  assert.deepEqual([clock.armed.length, clock.timers.size, clock.time], [2, 0, 1000]);
}));

test("a late success of an attempt that timed out does not stand in for the next one", virtual(async () => {
  let late;
  const fn = ({ attempt }) => (attempt === 1 ? new Promise((resolve) => (late = resolve)) : Promise.resolve("second"));
  const options = { attemptTimeout: "1s", ...STEADY, onRetry: () => late("first") };
  assert.equal(await retry(fn, options), "second");
}));

test("a signal read after its attempt is over leaves no timer", virtual(async (clock) => {
  let context;
  await retry(async (given) => void (context = given));
  await settle();
  void context.signal;
  await settle();
  assert.deepEqual([clock.timers.size, clock.time], [0, 1000]);
}));

test("no wait ends past the deadline, and none is begun only to give up", virtual(async (clock) => {
  const fn = throwing(lost(), lost(), lost());
  const { error } = await rejection(retry(fn, { timeout: "2500ms", ...STEADY }));
  assert.equal(clock.time, 2000);
  assert.deepEqual(history(error).map(({ delay, reason }) => [delay, reason]), [[1000, undefined], [undefined, "timeout"]]);
}));

test("a wait that ends late, at the deadline, starts no attempt", virtual(async (clock) => {
  const fn = async (context) => {
    fn.calls = (fn.calls ?? 0) + 1;
    queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => (clock.time += 50_000))));
    throw lost();
  };
  const { error } = await rejection(retry(fn, STEADY));
  assert.equal(fn.calls, 1);
  assert.equal(history(error).at(-1).reason, "timeout");
}));

test("waits longer than a timer can are armed again", virtual(async (clock) => {
  const fn = throwing(lost());
  await retry(fn, { initial: "1000h", maxDelay: "1000h", timeout: "2000h", jitter: "none" });
  assert.equal(fn.contexts.length, 2);
  assert.equal(clock.time, 1000 + 3_600_000_000);
  assert.deepEqual(clock.armed, [2 ** 31 - 1, 3_600_000_000 - (2 ** 31 - 1)]);
}));

test("a long wait that is aborted in its second part ends at once", virtual(async (clock) => {
  const controller = new AbortController();
  const options = { initial: "1000h", maxDelay: "1000h", timeout: "2000h", jitter: "none", signal: controller.signal };
  const call = rejection(retry(throwing(lost()), options));
  while (clock.armed.length < 2) await new Promise((resolve) => setImmediate(resolve));
  controller.abort("now");
  assert.equal((await call).error, "now");
  assert.equal(clock.timers.size, 0);
}));

test("unref lets the process end during a wait", virtual(async (clock) => {
  await retry(throwing(lost()), { unref: true });
  assert.equal(clock.unrefs, 1);
  await retry(throwing(lost()));
  assert.equal(clock.unrefs, 1);
}));

test("a clock that goes back counts as no progress", virtual(async (clock) => {
  let calls = 0;
  const call = retry(async () => {
    clock.time -= 5000;
    if (++calls < 3) throw lost();
    return "done";
  }, { timeout: "20s", ...STEADY });
  assert.equal(await call, "done");
}));

test("a clock that is no number does not stop a call", virtual(async (clock) => {
  clock.now = () => NaN;
  assert.equal(await retry(throwing(lost())), "done");
}));

test("the timer is armed before hooks hear of it", virtual(async (clock) => {
  const seen = [];
  await retry(throwing(lost()), { onRetry: () => seen.push(clock.timers.size) });
  assert.deepEqual(seen, [1]);
}));

test("elapsed and remaining are the call's, not the attempt's", virtual(async () => {
  const seen = [];
  await retry(async ({ attempt, elapsed, remaining }) => {
    seen.push([attempt, elapsed, remaining]);
    if (attempt < 3) throw lost();
  }, { ...STEADY, timeout: "10s" });
  assert.deepEqual(seen, [[1, 0, 10_000], [2, 1000, 9000], [3, 3000, 7000]]);
}));

test("without a timeout nothing remains to be told", virtual(async () => {
  assert.equal(await retry(async ({ remaining }) => remaining, { preset: "none" }), undefined);
}));

test("onTimeout clip makes one last attempt within the deadline", virtual(async (clock) => {
  const fn = throwing(lost(), lost(), lost(), lost());
  const { error } = await rejection(retry(fn, { ...STEADY, timeout: "2s", onTimeout: { clip: { minAttempt: "500ms" } }, attempts: 9 }));
  assert.equal(fn.contexts.length, 3);
  assert.ok(clock.time - 1000 <= 1500);
  assert.equal(history(error).at(-1).reason, "timeout");
}));

test("first immediate waits 0 once", virtual(async (clock) => {
  await retry(throwing(lost(), lost()), { first: "immediate", ...STEADY });
  assert.deepEqual(clock.armed, [0, 1000]);
}));
