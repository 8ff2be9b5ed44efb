// What the benches of JavaScript measure: ours, the loop written by hand, and peers where they are installed.
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { naive } from "./naive.mjs";

const dist = new URL("../../bindings-js/dist/", import.meta.url);

/** Packages beside which ours stands, and what a program that only retries takes from each. */
export const PEERS = {
  "p-retry": 'export { default } from "p-retry"',
  cockatiel: 'export { retry, handleAll, ExponentialBackoff } from "cockatiel"',
  "async-retry": 'export { default } from "async-retry"',
  retry: 'export { operation } from "retry"',
  "exponential-backoff": 'export { backOff } from "exponential-backoff"',
  "ts-retry-promise": 'export { retry } from "ts-retry-promise"',
  "@lifeomic/attempt": 'export { retry } from "@lifeomic/attempt"',
  "fetch-retry": 'export { default } from "fetch-retry"',
  ky: 'export { default } from "ky"',
  "axios-retry": 'export { default } from "axios-retry"; export { default as axios } from "axios"',
};

/** Where a peer's module is, if it is installed in the folder. */
export function moduleOf(name, folder) {
  try {
    return folder && pathToFileURL(createRequire(pathToFileURL(join(resolve(folder), "x.js"))).resolve(name)).href;
  } catch {
    // esm only: what its own package.json says
    const home = join(resolve(folder), "node_modules", name);
    try {
      const { exports, module, main } = createRequire(import.meta.url)(join(home, "package.json"));
      const entry = exports?.["."] ?? exports;
      const file = typeof entry === "string" ? entry : (entry?.import?.default ?? entry?.import ?? entry?.default ?? module ?? main);
      return file && pathToFileURL(join(home, file)).href;
    } catch {
      return undefined;
    }
  }
}

/** Name → of a function, what makes a call of it, retried up to 10 times from `initial` ms on. */
export async function functions(folder, { initial = 1000, maxDelay = 10_000, timeout = 45_000 } = {}) {
  const { retry, Policy } = await import(new URL("index.js", dist));
  const [policy, byHand] = [new Policy({ initial, maxDelay, timeout }), naive({ initial, maxDelay, timeout })];
  const { signal } = new AbortController();
  const found = {
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
    "retry(fn, literal)": (fn) => () => retry(fn, { initial, maxDelay, timeout }),
    "policy.run with a signal": (fn) => () => policy.run(fn, { signal }),
    "policy.run with on": (fn) => () => policy.run(fn, { on: Error }),
    "policy.attempts (block)": (fn) => async () => {
      for await (const attempt of policy.attempts()) await attempt.run(() => fn());
    },
  };
  const add = async (name, make) => {
    const module = moduleOf(name, folder);
    if (module) found[name] = make(await import(module));
  };
  const limits = { minTimeout: initial, maxTimeout: maxDelay, randomize: true, retries: 9 };
  await add("p-retry", ({ default: pRetry }) => (fn) => () => pRetry(fn, limits));
  await add("cockatiel", ({ retry, handleAll, ExponentialBackoff }) => {
    const made = retry(handleAll, { maxAttempts: 9, backoff: new ExponentialBackoff({ initialDelay: initial, maxDelay }) });
    return (fn) => () => made.execute(fn);
  });
  await add("async-retry", ({ default: asyncRetry }) => (fn) => () => asyncRetry(fn, limits));
  await add("retry", ({ default: { operation } }) => (fn) => () => new Promise((resolve, reject) => {
    const made = operation(limits);
    made.attempt(() => fn().then(resolve, (error) => made.retry(error) || reject(made.mainError())));
  }));
  await add("exponential-backoff", ({ default: all, backOff = all.backOff }) =>
    (fn) => () => backOff(fn, { numOfAttempts: 10, startingDelay: initial, maxDelay, jitter: "full" }));
  await add("ts-retry-promise", ({ default: all, retry = all.retry }) =>
    (fn) => () => retry(fn, { retries: 9, delay: initial, backoff: "EXPONENTIAL", maxBackOff: maxDelay, timeout: "INFINITELY" }));
  await add("@lifeomic/attempt", ({ default: all, retry = all.retry }) =>
    (fn) => () => retry(fn, { maxAttempts: 10, delay: initial, factor: 2, maxDelay, jitter: true }));
  return found;
}

/** Name → of a `fetch`, what makes a request with it, retried up to 10 times. */
export async function requests(folder) {
  const { retryingFetch } = await import(new URL("fetch.js", dist));
  const url = "http://127.0.0.1/";
  const found = {
    "fetch alone, repeated by hand": (fetch) => async () => {
      for (let attempt = 1; ; attempt++) {
        const response = await fetch(url);
        if (response.ok || attempt === 10) return response;
        await response.body?.cancel();
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 1000));
      }
    },
    "undaunted/fetch": (fetch) => {
      const fetchR = retryingFetch(undefined, { fetch });
      return () => fetchR(url);
    },
  };
  const add = async (name, make) => {
    const module = moduleOf(name, folder);
    if (module) found[name] = await make(await import(module));
  };
  await add("fetch-retry", ({ default: all }) => (fetch) => {
    const made = (all.default ?? all)(fetch, { retries: 9, retryDelay: 1000, retryOn: [503] });
    return () => made(url);
  });
  await add("ky", ({ default: ky }) => (fetch) => {
    const made = ky.create({ fetch, timeout: false, retry: { limit: 9, backoffLimit: 1000, delay: () => 1000 } });
    return () => made(url);
  });
  await add("axios-retry", async ({ default: all }) => {
    const axiosModule = moduleOf("axios", folder);
    const { default: axios } = await import(axiosModule);
    return (fetch) => {
      const adapter = async (config) => {
        const { status } = await fetch(config.url);
        if (status < 400) return { status, config, data: "", headers: {}, statusText: "", request: {} };
        throw new axios.AxiosError("failed", "ERR_BAD_RESPONSE", config, {}, { status, config, headers: {}, data: "" });
      };
      const client = axios.create({ adapter });
      (all.default ?? all)(client, { retries: 9, retryDelay: () => 1000 });
      return () => client.get(url);
    };
  });
  return found;
}
