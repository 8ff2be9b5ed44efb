// Calls under a shared budget until standard input ends: `worker.mjs REDIS BACKEND`. Says how many were given up for the budget, and what
// became of the store.
import { once } from "node:events";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { history, Policy } from "../../bindings-js/dist/index.js";
import { Budget, Store } from "../../bindings-js/dist/fleet.js";

const { Redis } = createRequire(join(process.env.UNDAUNTED_DRIVERS, "package.json"))("ioredis");
const CALLS = 15;
const PAUSE = 30;

const [redis, port] = process.argv.slice(2).map(Number);
const told = [];
const client = new Redis({ port: redis });
const store = new Store(client, { timeout: "10s", every: 50, onEvent: ({ kind }) => told.push(kind) });
const budget = new Budget("exact", store, { capacity: 300, cost: 5, reward: 1 });
const policy = new Policy({ attempts: 4, initial: "5ms", maxDelay: "20ms", budget });
const backend = connect(port, "127.0.0.1");
await once(backend, "connect");

// Answers come in the order of the attempts.
const waiting = [];
createInterface({ input: backend }).on("line", (line) => waiting.shift()(line === "ok"));

async function attempt({ attempt }) {
  const isOk = await new Promise((resolve) => {
    waiting.push(resolve);
    backend.write(`js ${attempt}\n`);
  });
  if (!isOk) throw Object.assign(new Error("the backend fails"), { code: "ECONNRESET" });
}

let isOver = false;
let refused = 0;
async function calls() {
  while (!isOver) {
    await policy.run(attempt).catch((error) => (refused += history(error).at(-1).reason === "budget"));
    await setTimeout(PAUSE);
  }
}

const callers = Array.from({ length: CALLS }, calls);
process.stdin.resume();
await once(process.stdin, "end");
isOver = true;
await Promise.all(callers);
await store.close();
console.log(refused, ...told);
client.disconnect();
backend.destroy();
