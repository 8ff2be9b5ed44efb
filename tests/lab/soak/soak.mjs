// Calls of every kind that the npm package has, many at once, against a server whose faults change; then rest, and a report.
// `node --expose-gc soak.mjs --port N --seed N --rounds N --seconds S [--leak]`, as soak.py.
import { getEventListeners } from "node:events";
import { openSync, readdirSync, readlinkSync } from "node:fs";
import { parseArgs } from "node:util";
import v8 from "node:v8";
import { again, GaveUp, HttpError, ok, Policy, retry, stop } from "../../../bindings-js/dist/index.js";
import { retried } from "../../../bindings-js/dist/decorators.js";
import { retryingFetch } from "../../../bindings-js/dist/fetch.js";
import { Breaker, Bulkhead, Hedge, Throttle } from "../../../bindings-js/dist/guards.js";
import { PolicySource } from "../../../bindings-js/dist/source.js";
import { begin, BREAKER_SEED, counted, heard, memory, report } from "./boundary.mjs";

const { values: given } = parseArgs({
  options: {
    port: { type: "string" }, seed: { type: "string" }, rounds: { type: "string" }, seconds: { type: "string" },
    leak: { type: "boolean", default: false },
  },
});
begin();
if (given.leak) counted.wrongBy = 1;

const TASKS = 40;
const TASKS_WITHOUT_A_SERVER = 4;
/** No call takes so long; milliseconds. */
const HANG = 20_000;
/** How long to wait for what goes by itself. */
const SETTLING = given.leak ? 100 : 10_000;
const url = `http://127.0.0.1:${given.port}`;

const PLAIN = { attempts: 4, initial: "1ms", maxDelay: "20ms", timeout: "2s" };
const SHORT = { ...PLAIN, attemptTimeout: "150ms" };
const BUDGET = { name: "soak", capacity: 100, cost: 2, reward: 1 };
const BREAKER = { name: "soak", windowCalls: 20, minCalls: 5, initial: "20ms", maxDelay: "200ms" };

const short = new Policy(SHORT);
const plain = new Policy(PLAIN);
const patient = new Policy({ ...SHORT, jitter: "decorrelated", nested: "once" });
const outer = new Policy({ ...SHORT, nested: "share" });
const breakerOfPolicies = new Breaker({ ...BREAKER, seed: BREAKER_SEED }); // held, so that it stays the one of its name
const shared = new Policy({ ...SHORT, budget: BUDGET, breaker: BREAKER });
const sharedPlain = new Policy({ ...PLAIN, budget: BUDGET, breaker: BREAKER });
const frugal = new Policy({ ...PLAIN, budget: { name: "small", capacity: 20, cost: 2, reward: 1 } });
const locally = new Policy({ ...PLAIN, rules: [{ http: 404, class: "transient" }] });
const breaker = new Breaker({ windowCalls: 20, minCalls: 5, initial: "20ms", maxDelay: "200ms" });
const bulkhead = new Bulkhead({ limit: 4, queue: 2 });
const throttle = new Throttle({ window: "2s" });
const hedge = new Hedge({ delay: "10ms", attempts: 3, budget: { name: "hedges", capacity: 100, cost: 1 } });

const text = '{"attempts": 3, "initial": "2ms", "max_delay": "2ms", "attempt_timeout": "100ms"}';
const sources = [short, new Policy({ preset: "none", attemptTimeout: "100ms" }), text];
let calls = 0;
let isResting = true;
const source = new PolicySource(() => sources[isResting ? 0 : Math.floor(calls / 50) % sources.length]);

const fetchR = retryingFetch(short, { onEvent: heard });
const fetchShared = retryingFetch(shared);
const fetchOfSource = retryingFetch(source);

/** Signals that outlive all calls: what a call adds to one, it has to take away. */
const long = Array.from({ length: 5 }, () => new AbortController().signal);

/** A generator by seed: which calls are made is no matter of chance. */
let state = Number(given.seed);
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const choice = (things) => things[Math.floor(random() * things.length)];

/** A page of a random length; the server itself fails now and then. */
const page = () => `${url}/${choice(["bytes", "bytes", "flaky"])}/${choice([3, 100, 5000])}`;
const get = (signal) => fetch(page(), { signal }).then(ok).then((response) => response.text());

/** The decorator, applied as a compiler would. */
const load = retried(SHORT, { signal: long[0] })(async function () {
  return get(AbortSignal.timeout(200));
}, { kind: "method", name: "load" });

class Bug extends Error {}

/** Every second time one of many errors. */
function fail() {
  const headers = { "retry-after": choice(["0", "0.01", "3600"]) };
  const error = choice([
    undefined, undefined, undefined, undefined, Object.assign(new Error("lost"), { code: "ECONNRESET" }),
    Object.assign(new Error("refused"), { code: "ECONNREFUSED", syscall: "connect" }),
    Object.assign(new Error("late"), { code: "ETIMEDOUT" }), Object.assign(new Error("full"), { code: "ENOSPC" }), new Bug("a bug"), stop(new Bug("stop")), again(new Bug("again"), { after: 1 }),
    new HttpError(new Response("", { status: choice([404, 429, 500, 503]), headers })),
  ]);
  if (error) throw error;
  return "x".repeat(Math.floor(random() * 6));
}

const kinds = {
  byFetch: () => fetchR.text(page(), { signal: long[0] }),
  byFetchOfASource: async () => (await fetchOfSource(page(), { signal: AbortSignal.timeout(500) })).text(), // which ends the body, too
  postWithKey: () =>
    fetchShared.bytes(page(), { method: "POST", body: "x".repeat(100), headers: { "idempotency-key": String(calls) }, signal: long[1] }),
  byRun: () => short.run(({ signal }) => get(signal), { signal: long[1], onEvent: heard }),
  byRunWithoutALimit: () => plain.run(() => get(AbortSignal.timeout(200)), { signal: long[2] }),
  byRetry: () => retry(({ signal }) => get(signal), { ...SHORT, signal: long[2], on: "any", onRetry: heard }),
  byWrap: () => short.wrap(() => get(AbortSignal.timeout(200)))(),
  byDecorator: () => load.call({}),
  bySource: () => source.run(({ signal }) => get(signal), { signal: long[3] }),
  byBlock: async () => {
    let found;
    for await (const attempt of sharedPlain.attempts({ signal: long[3] })) {
      found = await attempt.run(() => get(AbortSignal.timeout(200)));
    }
    return found;
  },
  byResult: () => plain.run(() => get(AbortSignal.timeout(200)), { retryIfResult: (text) => (text.length % 3 === 0 ? 2 : false) }),
  throttled: () => throttle.run(() => get(AbortSignal.timeout(200)), { signal: long[4] }),
  nested: () => outer.run(({ signal }) => patient.run((inner) => get(inner.signal), { signal }), { signal: long[4] }),
  hedged: () => hedge.run(({ signal }) => get(signal), { signal: AbortSignal.timeout(300) }),
  guarded: () =>
    bulkhead.run(() => throttle.run(() => breaker.run(() => get(AbortSignal.timeout(200)), { signal: long[4] })), { signal: long[4] }),
  aborted: async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Aborted("the caller left")), random() * 10);
    const { signal } = controller;
    const form = choice([
      () => fetchR.text(page(), { signal }),
      () => sharedPlain.run((context) => get(context.signal), { signal }),
      () => hedge.run((context) => get(context.signal), { signal }),
      () => bulkhead.run(() => get(AbortSignal.timeout(200)), { signal }),
      () => plain.run(() => new Promise(() => {}), { signal }),
    ]);
    return form();
  },
};
const withoutAServer = () => {
  const policy = choice([frugal, locally, plain]);
  return policy.run(fail, { ...(random() < 0.5 && { signal: choice(long) }), ...(random() < 0.3 && { onEvent: heard }) });
};
const names = Object.keys(kinds);

class Aborted extends Error {}

/** What calls may come to. Anything else is a mistake, here or in the package. */
function isExpected(error) {
  if (error instanceof TypeError) return ["fetch failed", "terminated"].includes(error.message);
  if (["ECONNRESET", "ECONNREFUSED", "ETIMEDOUT", "ENOSPC"].includes(error.code)) return true;
  return [Bug, Aborted, HttpError, GaveUp].some((kind) => error instanceof kind) || NAMES.has(error.name);
}
const NAMES = new Set(["TimeoutError", "AbortError", "BreakerOpen", "BulkheadFull", "Throttled"]);

const outcomes = { succeeded: 0, cancelled: 0 };
const unexpected = [];
const kept = [];
const running = new Map();
process.on("warning", ({ name, message }) => {
  if (name === "MaxListenersExceededWarning" && !given.leak) unexpected.push(message);
});

async function work(endsAt, number) {
  while (performance.now() < endsAt) {
    const name = number < TASKS ? choice(names) : "withoutAServer";
    running.set(number, name);
    let failed;
    try {
      await (kinds[name] ?? withoutAServer)();
      outcomes.succeeded++;
    } catch (error) {
      failed = error;
      if (error instanceof Aborted) outcomes.cancelled++;
      if (!isExpected(error)) unexpected.push(`${name}: ${error?.stack ?? error}`);
    }
    running.delete(number);
    calls++;
    if (given.leak) leak(failed);
  }
}

/** An object and a listener for each call; of the rest, one for some. */
function leak(error) {
  kept.push([error, new Array(1000).fill(calls)]);
  long[0].addEventListener("abort", () => kept.length);
  if (calls % 20) return;
  kept.push(openSync("/dev/null"), new AbortController());
  setTimeout(() => {}, 3_600_000);
}

/** A round, with connections of its own. */
async function round(seconds) {
  isResting = false;
  const agent = new Agent();
  globalThis[DISPATCHER] = agent;
  const endsAt = performance.now() + seconds * 1000;
  let watch;
  const hangs = new Promise((_, reject) => {
    watch = setTimeout(() => reject(new Error(`a call hangs: ${[...running.values()].join(", ")}`)), seconds * 1000 + HANG);
  });
  await Promise.race([hangs, Promise.all(Array.from({ length: TASKS + TASKS_WITHOUT_A_SERVER }, (_, number) => work(endsAt, number)))]);
  clearTimeout(watch);
  isResting = true;
  await source.current();
  await agent.destroy();
}

/** What is there at rest. */
async function figures() {
  const deadline = performance.now() + SETTLING;
  for (let found; ; ) {
    for (let n = 0; n < 5; n++) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    found = present();
    const isAtRest = ["sockets", "listeners", "signals"].every((name) => !(found[name] > least[name]));
    if (isAtRest || performance.now() > deadline) {
      for (const name in found) least[name] = Math.min(least[name] ?? Infinity, found[name]);
      return found;
    }
  }
}
const least = { sockets: 0 };

function present() {
  const { rss, heapUsed, external } = process.memoryUsage();
  const active = process.getActiveResourcesInfo();
  const listening = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
  return {
    resident: rss,
    heap: heapUsed + external,
    wasm: memory.buffer.byteLength,
    descriptors: descriptors(),
    sockets: active.filter((kind) => kind.startsWith("TCP")).length,
    timers: active.filter((kind) => ["Timeout", "Immediate"].includes(kind)).length,
    listeners: listening + long.reduce((sum, signal) => sum + getEventListeners(signal, "abort").length, 0),
    signals: v8.queryObjects?.(AbortSignal, { format: "count" }) ?? null,
  };
}

/** How much the process has open; null where the system does not tell. */
function descriptors() {
  try {
    return readdirSync("/proc/self/fd").filter((name) => isOpen(name)).length;
  } catch {
    return null;
  }
}

/** The one that listed them is gone by now. */
function isOpen(name) {
  try {
    return !!readlinkSync(`/proc/self/fd/${name}`);
  } catch {
    return false;
  }
}

const DISPATCHER = Symbol.for("undici.globalDispatcher.1");
await fetch("data:,").then((response) => response.text()); // Node makes its dispatcher at the first one
const Agent = globalThis[DISPATCHER].constructor;

for (let n = 0; n < Number(given.rounds); n++) {
  await round(Number(given.seconds));
  report({
    calls, ...outcomes, retries: counted.retries, gave_up: counted.gaveUp, unexpected: unexpected.slice(0, 5), figures: await figures(),
  });
}
process.exit(breakerOfPolicies.name === BREAKER.name ? 0 : 1);
