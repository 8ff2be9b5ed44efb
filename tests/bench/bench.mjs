// node tests/bench/bench.mjs [folder with p-retry and cockatiel]: time per call beside peers, in one process, in turns.
// Timers of up to a second fire as microtasks, so that waits cost nothing and only the libraries' own work is seen.
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { naive } from "./naive.mjs";

const CALLS = 2000;
const ROUNDS = 31;

const realSetTimeout = globalThis.setTimeout;
globalThis.setTimeout = (callback, ms, ...rest) =>
  ms <= 1000 ? (queueMicrotask(callback), { unref() {} }) : realSetTimeout(callback, ms, ...rest);

const here = (path) => import(new URL(path, import.meta.url));
const { retry, Policy } = await here("../../bindings-js/dist/index.js");
const peers = process.argv[2] ? createRequire(pathToFileURL(join(resolve(process.argv[2]), "x.js"))) : undefined;
const peer = async (name) => (peers ? import(pathToFileURL(peers.resolve(name))) : undefined);
const pRetry = await peer("p-retry");
const cockatiel = await peer("cockatiel");

const lost = Object.assign(new Error("lost"), { code: "ECONNRESET" });
const policy = new Policy();
const byHand = naive();
const signal = new AbortController().signal;
const cockatielRetry = cockatiel?.retry(cockatiel.handleAll, { maxAttempts: 9, backoff: new cockatiel.ExponentialBackoff() });

/** name → a function that makes a call of `fn`, retried. */
const subjects = {
  "naive (15 lines)": (fn) => () => byHand(fn),
  "naive, wrapping": (fn) => {
    const wrapped = (...args) => byHand(() => fn(...args));
    return () => wrapped(1);
  },
  "policy.run": (fn) => () => policy.run(fn),
  "policy.wrap": (fn) => {
    const wrapped = policy.wrap(() => fn());
    return () => wrapped(1);
  },
  "retry(fn, policy)": (fn) => () => retry(fn, policy),
  "retry(fn, literal)": (fn) => () => retry(fn, { attempts: 5, timeout: "10s" }),
  "policy.run with a signal": (fn) => () => policy.run(fn, { signal }),
  "policy.run with on": (fn) => () => policy.run(fn, { on: Error }),
  "policy.attempts (block)": (fn) => async () => {
    for await (const attempt of policy.attempts()) await attempt.run(() => fn());
  },
  ...(pRetry && { "p-retry": (fn) => () => pRetry.default(fn) }),
  ...(cockatiel && { cockatiel: (fn) => () => cockatielRetry.execute(fn) }),
};

const works = async () => 1;
const failsOnce = () => {
  let calls = 0;
  return async () => {
    if (++calls % 2) throw lost;
    return 1;
  };
};

await bench("success", () => works);
await bench("one failure, then success", failsOnce);

async function bench(title, make) {
  const times = {};
  const names = Object.keys(subjects);
  const calls = Object.fromEntries(names.map((name) => [name, subjects[name](make())]));
  for (let round = -3; round < ROUNDS; round++) {
    for (const name of round % 2 ? names : names.toReversed?.() ?? [...names].reverse()) {
      const call = calls[name];
      const start = process.hrtime.bigint();
      for (let i = 0; i < CALLS; i++) await call();
      if (round >= 0) (times[name] ??= []).push(Number(process.hrtime.bigint() - start) / CALLS);
    }
  }
  console.log(`\n${title}: ns per call (median of ${ROUNDS} rounds), ratio to naive (median of the rounds' ratios)`);
  const base = times[names[0]];
  for (const name of names) {
    const ratio = median(times[name].map((time, round) => time / base[round]));
    console.log(`  ${name.padEnd(26)} ${median(times[name]).toFixed(0).padStart(6)}   ${ratio.toFixed(2)} x`);
  }
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
