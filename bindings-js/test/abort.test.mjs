import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { again, Policy, retry } from "undaunted";
import { lost, rejection, settle, throwing, virtual } from "./clock.mjs";

const never = () => new Promise(() => {});
const reasons = [new Error("stop it"), "a text", 0, null, false, Symbol("why")];

test("a signal that has aborted already: the function is not called, the reason is thrown as it is", async () => {
  for (const reason of reasons) {
    const fn = throwing();
    const { error } = await rejection(retry(fn, { signal: AbortSignal.abort(reason) }));
    assert.equal(error, reason);
    assert.equal(fn.contexts.length, 0);
  }
});

test("an attempt that ignores its signal does not hold the caller back", virtual(async (clock) => {
  for (const reason of reasons) {
    const controller = new AbortController();
    const call = rejection(retry(never, { signal: controller.signal }));
    await settle();
    controller.abort(reason);
    assert.equal((await call).error, reason);
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
  }
  assert.equal(clock.timers.size, 0);
}));

test("the attempt's own signal is aborted with the caller's reason", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  let own;
  const call = rejection(retry(({ signal }) => ((own = signal), never()), { signal: controller.signal }));
  await settle();
  controller.abort(reason);
  assert.equal((await call).error, reason);
  assert.equal(own.aborted, true);
  assert.equal(own.reason, reason);
});

test("an attempt that answers the abort with another error does not change the reason", async () => {
  const controller = new AbortController();
  const fn = ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(lost())));
  const call = rejection(retry(fn, { signal: controller.signal }));
  await settle();
  controller.abort("because");
  assert.equal((await call).error, "because");
});

test("the wait ends at once, its timer is gone, and the function is not called again", virtual(async (clock) => {
  const controller = new AbortController();
  const fn = throwing(lost());
  const before = clock.time;
  const onRetry = () => queueMicrotask(() => controller.abort("now"));
  const long = { initial: "1h", maxDelay: "1h", timeout: "10h", jitter: "none" };
  const { error } = await rejection(retry(fn, { ...long, signal: controller.signal, onRetry }));
  assert.equal(error, "now");
  assert.equal(clock.time, before);
  assert.equal(clock.timers.size, 0);
  await settle();
  assert.equal(fn.contexts.length, 1);
}));

test("a success that has arrived already stays a success", async () => {
  const controller = new AbortController();
  let succeed;
  const call = retry(() => new Promise((resolve) => (succeed = resolve)), { signal: controller.signal });
  await settle();
  succeed("won");
  controller.abort("late");
  assert.equal(await call, "won");
});

test("an abort inside each hook and predicate ends the call with the reason", virtual(async (clock) => {
  const hooks = {
    on: () => true,
    onRetry: () => {},
    onEvent: () => {},
    retryIfResult: () => true,
  };
  for (const [name, answer] of Object.entries(hooks)) {
    const controller = new AbortController();
    const fn = name === "retryIfResult" ? throwing() : throwing(lost());
    const hook = () => (controller.abort(name), answer());
    const { error } = await rejection(retry(fn, { [name]: hook, signal: controller.signal }));
    assert.equal(error, name);
    assert.equal(clock.timers.size, 0, name);
    assert.ok(fn.contexts.length <= 1, name);
  }
}));

test("an abort inside on schedules nothing", virtual(async (clock) => {
  const controller = new AbortController();
  const on = () => (controller.abort("no more"), true);
  const kinds = [];
  await rejection(retry(throwing(lost()), { on, signal: controller.signal, onEvent: ({ kind, reason }) => kinds.push([kind, reason]) }));
  assert.deepEqual(kinds, [["attempt", undefined], ["gave_up", "cancelled"]]);
  assert.equal(clock.armed.length, 0);
}));

test("an abort in a later attempt ends it too", virtual(async () => {
  const controller = new AbortController();
  let calls = 0;
  const call = rejection(retry(() => (++calls < 3 ? Promise.reject(lost()) : never()), { signal: controller.signal }));
  while (calls < 3) await settle();
  controller.abort("third");
  assert.equal((await call).error, "third");
}));

test("100 000 calls leave no listener on their signal", async () => {
  const { signal } = new AbortController();
  const policy = new Policy();
  for (let i = 0; i < 100_000; i++) await policy.run(async () => i, { signal });
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("what outlives its call hears of the caller's timeout, whatever the collector takes meanwhile", async () => {
  const signal = await new Policy().run((context) => context.signal, { signal: AbortSignal.timeout(50) });
  const ended = new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason.name)));
  const collecting = setInterval(globalThis.gc, 5);
  const hang = new Promise((resolve) => setTimeout(resolve, 10_000, "nothing").unref());
  const heard = await Promise.race([ended, hang]);
  clearInterval(collecting);
  assert.equal(heard, "TimeoutError");
});

test("what outlives its call hears of the caller's abort, and of no other's", async () => {
  const callers = [new AbortController(), new AbortController()];
  const signals = await Promise.all(
    Array.from({ length: 2500 }, (_, i) => new Policy().run((context) => context.signal, { signal: callers[i % 2].signal })),
  );
  callers[1].abort("enough");
  signals.forEach((signal, i) => assert.equal(signal.reason, i % 2 ? "enough" : undefined));
  assert.equal(getEventListeners(callers[1].signal, "abort").length, 0);
});

test("calls that fail leave no listener either, and 50 at a time share one", virtual(async () => {
  const { signal } = new AbortController();
  const calls = Array.from({ length: 50 }, () => retry(throwing(lost(), lost()), { signal }));
  await Promise.resolve();
  assert.equal(getEventListeners(signal, "abort").length, 1);
  await Promise.all(calls);
  assert.equal(getEventListeners(signal, "abort").length, 0);
}));

test("an AbortError of the function's own is not retried, whatever on names", async () => {
  for (const on of [undefined, "any", Error, DOMException, [Error]]) {
    const error = new DOMException("no", "AbortError");
    const fn = throwing(error);
    assert.equal((await rejection(retry(fn, { on }))).error, error);
    assert.equal(fn.contexts.length, 1);
  }
});

test("a predicate may repeat an AbortError, and again() too", virtual(async () => {
  const error = () => new DOMException("no", "AbortError");
  assert.equal(await retry(throwing(error()), { on: () => true }), "done");
  assert.equal(await retry(throwing(again(error()))), "done");
}));

test("the user's AbortSignal.timeout is a timeout, which is retried", virtual(async () => {
  assert.equal(await retry(throwing(new DOMException("slow", "TimeoutError"))), "done");
}));

test("each attempt has a signal of its own", virtual(async () => {
  const signals = [];
  await retry(({ attempt, signal }) => {
    signals.push(signal);
    if (attempt < 3) throw lost();
  });
  assert.equal(new Set(signals).size, 3);
}));

test("the late result of an attempt that was left is dropped without a trace", async (context) => {
  const seen = [];
  const listener = (error) => seen.push(error);
  process.on("unhandledRejection", listener);
  context.after(() => process.off("unhandledRejection", listener));
  const controller = new AbortController();
  let fail;
  const call = rejection(retry(() => new Promise((_, reject) => (fail = reject)), { signal: controller.signal }));
  await settle();
  controller.abort("gone");
  await call;
  fail(new Error("too late"));
  await settle();
  assert.deepEqual(seen, []);
});

test("a call with the context's signal read follows the caller's signal after its success", async () => {
  const controller = new AbortController();
  let own;
  await retry(async ({ signal }) => void (own = signal), { signal: controller.signal });
  controller.abort("body");
  assert.equal(own.reason, "body");
});

test("where AbortSignal.any is missing, the attempt's signal still joins the caller's", async (context) => {
  const { any } = AbortSignal;
  context.after(() => (AbortSignal.any = any));
  delete AbortSignal.any;
  const controller = new AbortController();
  let own;
  const call = rejection(retry(({ signal }) => ((own = signal), never()), { signal: controller.signal }));
  await settle();
  controller.abort("old host");
  assert.equal((await call).error, "old host");
  assert.equal(own.reason, "old host");
});
