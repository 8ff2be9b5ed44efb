// Downloads a file again and again, as one of many programs of JavaScript would: `client.mjs WAY CONFIG`; as client.py says.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

const dist = new URL("../../../bindings-js/dist/", import.meta.url);
const packages = createRequire(pathToFileURL(join(process.env.UNDAUNTED_LAB_PACKAGES, "x.js")));
const get = (name) => import(pathToFileURL(packages.resolve(name)).href);
const { Policy, again, ok } = await import(new URL("index.js", dist));
const { retryingFetch } = await import(new URL("fetch.js", dist));
const { retryingAdapter } = await import(new URL("adapters/axios.js", dist));
const [{ default: axios }, { default: { default: axiosRetry } }, cockatiel, { default: ky }, { default: pRetry }, undici] = await Promise.all(
  ["axios", "axios-retry", "cockatiel", "ky", "p-retry", "undici"].map(get),
);

const CONFIG = JSON.parse(process.argv[3]);
const milliseconds = (name) => Math.round(CONFIG[name] * 1000);
const [TIMEOUT, DEADLINE, INITIAL, MAX_DELAY] = ["attempt_timeout", "timeout", "initial", "max_delay"].map(milliseconds);
const FEW = 4; // the talk's loop: one attempt and three retries
const MANY = CONFIG.attempts;
const policy = Policy.parse(JSON.stringify(CONFIG.policy));

class WrongContent extends Error {}

const isRight = (body) => createHash("sha256").update(body).digest("hex") === CONFIG.sha256;

function checked(body) {
  if (!isRight(body)) throw new WrongContent();
  return body;
}

/** The loop that everybody writes, with waits that double and no jitter; `catches` says of an error whether to go on. */
async function loop(download, catches) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await download();
    } catch (error) {
      if (attempt === FEW - 1 || !catches(error)) throw error;
      await sleep(Math.min(INITIAL * 2 ** attempt, MAX_DELAY));
    }
  }
}

const bodyOf = async (response) => Buffer.from(await ok(response).arrayBuffer());
const fetched = async (url, options) => bodyOf(await fetch(url, options));
const inTime = () => ({ signal: AbortSignal.timeout(TIMEOUT) });
const anyButContent = (error) => !(error instanceof WrongContent);
const within = (url) => fetched(url, inTime());
const ours = (download) => (url) =>
  policy.run(async ({ signal }) => {
    const body = await download(url, { signal });
    if (!isRight(body)) throw again(new WrongContent());
    return body;
  });

const backoff = { retries: MANY - 1, minTimeout: INITIAL, maxTimeout: MAX_DELAY, randomize: true };
const cockatielPolicy = () =>
  cockatiel.wrap(
    cockatiel.retry(cockatiel.handleAll, {
      maxAttempts: MANY - 1,
      backoff: new cockatiel.ExponentialBackoff({ initialDelay: INITIAL, maxDelay: MAX_DELAY }),
    }),
    cockatiel.timeout(TIMEOUT, cockatiel.TimeoutStrategy.Aggressive),
  );

/** What undici's own functions need. */
function requested(dispatcher) {
  return async (url, options) => {
    const { statusCode, body } = await undici.request(url, { dispatcher, ...options });
    const bytes = Buffer.from(await body.arrayBuffer());
    if (statusCode >= 400) throw Object.assign(new Error(`status ${statusCode}`), { statusCode });
    return bytes;
  };
}
const agent = () => new undici.Agent({ headersTimeout: TIMEOUT, bodyTimeout: TIMEOUT, connect: { timeout: TIMEOUT } });
const retryAgent = (settings) =>
  requested(new undici.RetryAgent(agent(), { minTimeout: INITIAL, maxTimeout: MAX_DELAY, throwOnError: true, ...settings }));

function withAxios(settings, client = axios.create()) {
  return async (url) => Buffer.from((await client.get(url, { responseType: "arraybuffer", ...settings })).data);
}

/** Way → what makes a function of a URL that answers with the body. */
const WAYS = {
  "fetch-naive": () => (url) => fetched(url),
  "fetch-timeout": () => within,
  "fetch-loop": () => (url) => loop(() => within(url), anyButContent),
  "fetch-content": () => (url) => loop(async () => checked(await within(url)), () => true),
  "fetch-ky": () => {
    const client = ky.create({ timeout: DEADLINE, retry: { limit: MANY - 1, backoffLimit: MAX_DELAY, jitter: true, retryOnTimeout: true,
      delay: (attempt) => INITIAL * 2 ** (attempt - 1) } });
    return async (url) => Buffer.from(await client.get(url).arrayBuffer());
  },
  "fetch-p-retry": () => (url) => pRetry(async () => checked(await within(url)), { ...backoff, maxRetryTime: DEADLINE }),
  "fetch-cockatiel": () => {
    const wrapped = cockatielPolicy();
    return (url) => wrapped.execute(async ({ signal }) => checked(await fetched(url, { signal })));
  },
  "fetch-ours": () => ours(fetched),
  "fetch-adapter": () => {
    const fetchR = retryingFetch(policy);
    return async (url) => Buffer.from(await fetchR.bytes(url));
  },
  "undici-naive": () => requested(new undici.Agent()),
  "undici-timeout": () => requested(agent()),
  "undici-library": () => retryAgent({ maxRetries: 3, minTimeout: 0, timeoutFactor: 1 }),
  "undici-backoff": () => retryAgent({ maxRetries: 3 }),
  "undici-loop": () => {
    const download = requested(agent());
    return (url) => loop(() => download(url), anyButContent);
  },
  "undici-content": () => {
    const download = requested(agent());
    return (url) => loop(async () => checked(await download(url)), () => true);
  },
  "undici-RetryAgent": () => retryAgent({ maxRetries: MANY - 1 }),
  "undici-ours": () => ours(requested(agent())),
  "axios-axios-retry": () => {
    const client = axios.create({ timeout: TIMEOUT });
    const isWorth = (error) => axiosRetry.isNetworkOrIdempotentRequestError(error) || error.code === "ECONNABORTED";
    const wait = (count, error) => Math.min(axiosRetry.exponentialDelay(count, error, INITIAL / 2), MAX_DELAY);
    axiosRetry(client, { retries: MANY - 1, retryDelay: wait, shouldResetTimeout: true, retryCondition: isWorth });
    return withAxios({}, client);
  },
  "axios-adapter": () => withAxios({}, axios.create({ adapter: retryingAdapter(axios, policy) })),
};

function why(error) {
  const cause = error.cause ? ` (${error.cause.code ?? error.cause.message})` : "";
  return `${error.name}: ${error.code && error.name !== error.code ? `${error.code} ` : ""}${error.message}${cause}`.slice(0, 200);
}

async function runLane(lane, urls) {
  const download = WAYS[process.argv[2]]();
  for (const [number, url] of urls.entries()) {
    const began = performance.now();
    const problem = await download(url).then((body) => (isRight(body) ? null : "WrongContent: taken for right"), why);
    console.log(JSON.stringify({ lane, number, ok: problem === null, seconds: (performance.now() - began) / 1000, why: problem }));
  }
}

console.log("ready");
const lines = createInterface({ input: process.stdin });
await new Promise((resolve) => lines.once("line", resolve));
lines.close();
await Promise.all(CONFIG.lanes.map((urls, lane) => runLane(lane, urls)));
process.exit();
