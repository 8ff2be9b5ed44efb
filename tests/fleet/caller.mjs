// Callers of a process of the fleet, as caller.py has them: `caller.mjs MODE REDIS BACKEND CALLERS PAUSE SEED`, until standard input ends.
import { once } from "node:events";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { Budget, Store, Breaker } from "../../bindings-js/dist/fleet.js";
import { history, Policy } from "../../bindings-js/dist/index.js";

const RETRIES = { attempts: 5, initial: "500ms", maxDelay: "8s", timeout: "60s" };
const BUDGET = { capacity: 500, cost: 14, reward: 1 };
const BREAKER = { windowTime: "10s", minCalls: 20, initial: "2s", maxDelay: "8s", probes: 3 };

const [mode, ...rest] = process.argv.slice(2);
const [redis, port, callers, pause] = rest.map(Number);
const told = [];
const counts = {};
const waited = [];
let client;
let store;

function policyOf() {
  if (mode === "none") return new Policy(RETRIES);
  if (mode === "local") return new Policy({ ...RETRIES, budget: { name: "fleet", ...BUDGET }, breaker: { name: "fleet", ...BREAKER } });
  const { Redis } = createRequire(join(process.env.UNDAUNTED_DRIVERS, "package.json"))("ioredis");
  client = new Redis({ port: redis });
  store = new Store(client, { onEvent: ({ kind }) => told.push(kind) });
  new Budget("fleet", store, BUDGET);
  new Breaker("fleet", store, BREAKER);
  return new Policy({ ...RETRIES, budget: { name: "fleet", ...BUDGET }, breaker: { name: "fleet", ...BREAKER } });
}

const policy = policyOf();
const backend = connect(port, "127.0.0.1");
await once(backend, "connect");
const waiting = [];
createInterface({ input: backend }).on("line", (line) => waiting.shift()(line === "ok"));

async function call() {
  let failedAt;
  const hear = ({ kind }) => {
    if (failedAt !== undefined && (kind === "scheduled" || kind === "gave_up")) waited.push(performance.now() - failedAt);
    failedAt = undefined;
  };
  const attempt = async ({ attempt }) => {
    const isOk = await new Promise((resolve) => {
      waiting.push(resolve);
      backend.write(`js ${attempt}\n`);
    });
    if (isOk) return;
    failedAt = performance.now();
    throw Object.assign(new Error("the backend fails"), { code: "ECONNRESET" });
  };
  let end = "ok";
  await policy.run(attempt, { onEvent: hear }).catch((error) => (end = history(error).at(-1)?.reason ?? "breaker_open"));
  if (!isOver) counts[end] = (counts[end] ?? 0) + 1;
  return end;
}

let isOver = false;
async function calls() {
  await setTimeout(Math.random() * pause * 1000);
  while (!isOver) {
    if ((await call()) !== "ok") await setTimeout(pause * 1000 * (0.5 + Math.random()));
  }
}

console.log("ready");
const input = createInterface({ input: process.stdin });
await once(input, "line");
Array.from({ length: callers }, calls);
await once(input, "close");
isOver = true;
await store?.close();
await new Promise((resolve) => {
  process.stdout.write(`${JSON.stringify({ counts, waited: waited.map((ms) => Math.round(ms * 1000)), told })}\n`, resolve);
});
process.exit();
