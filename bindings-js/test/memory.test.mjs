// What a call costs while nothing fails, and what it keeps while it waits.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Policy, retry } from "undaunted";
import { retryingFetch } from "undaunted/fetch";
import { lost, rejection, settle, virtual } from "./clock.mjs";

const WAITING = fileURLToPath(new URL("../../tests/bench/waiting.mjs", import.meta.url));
const run = promisify(execFile);

/** What a fresh process prints that runs this code with the package as `all`. */
async function printed(code) {
  const module = new URL("../dist/index.js", import.meta.url);
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", `const all = await import("${module}"); ${code}`]);
  return JSON.parse(stdout);
}

test("100 000 waiting calls take at most 1.1 times the memory of a loop written by hand", async () => {
  const of = async (name, calls) => Number((await run(process.execPath, ["--expose-gc", WAITING, name, String(calls)])).stdout);
  for (const [byHand, calls, ...names] of [
    ["naive (15 lines)", 100_000, "policy.run"],
    ["naive (15 lines)", 20_000, "retry(fn, literal)", "policy.run with a signal"],
    ["naive, wrapping", 20_000, "policy.wrap"],
  ]) {
    const most = 1.1 * (await of(byHand, calls));
    for (const name of names) {
      const bytes = await of(name, calls);
      assert.ok(bytes <= most, `${name}: ${bytes} bytes a call, allowed ${most}`);
    }
  }
});

test("wasm is compiled by the first policy, once, and by no import", async () => {
  const counted = `
    let made = 0;
    const { Module } = WebAssembly;
    WebAssembly.Module = function (...args) { made++; return new Module(...args); };
    const seen = [made];
    new all.Policy();
    seen.push(made);
    await new all.Policy({ attempts: 3 }).run(() => 1);
    await all.retry(() => { throw Object.assign(new Error(), { code: "ECONNRESET" }); }, { attempts: 2, initial: 1, maxDelay: 1, jitter: "none" }).catch(() => {});
    seen.push(made);
    console.log(JSON.stringify(seen));`;
  assert.deepEqual(await printed(counted), [0, 1, 1]);
});

test("a success enters no wasm, makes no controller, adds no listener, arms no timer and reads the clock once", async () => {
  const counted = `
    let entered = 0;
    const { Instance } = WebAssembly;
    WebAssembly.Instance = function (...args) {
      const made = new Instance(...args).exports;
      const wrap = (value) => (typeof value === "function" ? (...args) => (entered++, value(...args)) : value);
      return { exports: Object.fromEntries(Object.entries(made).map(([name, value]) => [name, wrap(value)])) };
    };
    const policy = new all.Policy();
    const wrapped = policy.wrap(async () => 1);
    const seen = { clock: 0, timers: 0, controllers: 0 };
    const { now } = performance;
    performance.now = () => (seen.clock++, now.call(performance));
    Date.now = () => (seen.clock++, 0);
    globalThis.setTimeout = () => seen.timers++;
    globalThis.AbortController = class { constructor() { seen.controllers++; } };
    AbortSignal.any = () => seen.controllers++;
    const before = entered;
    for (const call of [() => policy.run(async () => 1), wrapped, () => all.retry(async () => 1, policy), () => policy.run(() => 1, { on: Error })]) {
      seen.clock = 0;
      await call();
      if (seen.clock > 1) throw new Error("the clock was read " + seen.clock + " times by " + call);
    }
    console.log(JSON.stringify({ ...seen, entered: entered - before, isCounted: before > 0 }));`;
  assert.deepEqual(await printed(counted), { clock: 1, timers: 0, controllers: 0, entered: 0, isCounted: true });
});

test("the options of a call are read where they stand, not copied", async () => {
  const reads = {};
  const counted = (name, value) => ({ enumerable: true, get: () => ((reads[name] = (reads[name] ?? 0) + 1), value) });
  const options = Object.defineProperties({}, { name: counted("name", "x"), onRetry: counted("onRetry", () => {}) });
  assert.equal(await new Policy().run(async () => 1, options), 1);
  assert.deepEqual(reads, { name: 1, onRetry: 1 }); // by the check of their values
});

test("a million calls by run, by wrap and by fetch keep no memory", async () => {
  const policy = new Policy();
  const wrapped = policy.wrap(async (i) => i);
  const fetchR = retryingFetch(policy, { fetch: async () => GOOD });
  const forms = [(i) => policy.run(async () => i), wrapped, () => fetchR("http://127.0.0.1/")];
  const all = async (calls) => {
    for (const form of forms) for (let i = 0; i < calls; i++) await form(i);
    return used();
  };
  const before = await all(20_000);
  const grown = (await all(1_000_000)) - before;
  assert.ok(grown < 2_000_000, `${grown} bytes more`); // one byte a call would be 3 MB
});

test("100 000 attempts that look at their signal leave nothing on the caller's", async () => {
  const { signal } = new AbortController();
  const policy = new Policy();
  let most = 0;
  const all = async (calls) => {
    for (let i = 0; i < calls; i++) {
      await policy.run((context) => context.signal.aborted, { signal });
      if (i % 1000 === 0) await new Promise(setImmediate); // what was collected is told of between two tasks
      most = Math.max(most, getEventListeners(signal, "abort").length);
    }
    return used();
  };
  const before = await all(10_000);
  const grown = (await all(100_000)) - before;
  assert.ok(grown < 2_500_000, `${grown} bytes more`); // AbortSignal.any alone leaves 55 for each
  assert.equal(most, 1); // Node warns of more than ten
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("10 000 aborted calls leave neither listeners, timers nor memory, in an attempt and in a wait", virtual(async (clock) => {
  const never = () => new Promise(() => {});
  const aborted = async (fn, calls) => {
    const controller = new AbortController();
    const signals = [];
    const options = { signal: controller.signal, attemptTimeout: "1h", timeout: "9h", jitter: "none", initial: "1h", maxDelay: "1h" };
    const all = Array.from({ length: calls }, () => rejection(retry((context) => (signals.push(new WeakRef(context.signal)), fn()), options)));
    await Promise.resolve();
    if (fn !== never) await untilWaiting(calls);
    assert.ok(clock.timers.size >= calls);
    controller.abort("all of them");
    for (const { error } of await Promise.all(all)) assert.equal(error, "all of them");
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    assert.equal(clock.timers.size, 0);
    return signals;
  };
  const untilWaiting = async (calls) => {
    for (let turns = 0; clock.armed.length % (2 * calls) !== 0 && turns < 100; turns++) await Promise.resolve();
  };
  for (const fn of [never, async () => Promise.reject(lost())]) {
    clock.armed.length = 0;
    const signals = await aborted(fn, 10_000);
    await settle();
    globalThis.gc();
    await settle();
    globalThis.gc();
    const alive = signals.filter((signal) => signal.deref()).length;
    assert.ok(alive < 10, `${alive} signals of attempts are still there`);
  }
}));

const GOOD = new Response("fine");

/** Bytes in use once the collector, which frees buffers beside the program, has come to rest. */
async function used() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
