// What failover.py does with redis-py, with ioredis or node-redis: `failover.mjs CLIENT WHERE PORT`, the port of a Sentinel
// or of a node of a cluster.
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Budget, Store } from "../../bindings-js/dist/fleet.js";
import { history, Policy } from "../../bindings-js/dist/index.js";

const [kind, where, port] = process.argv.slice(2);
const isCluster = where === "cluster";
const driver = createRequire(join(process.env.UNDAUNTED_DRIVERS, "package.json"));
const hosts = [{ host: "127.0.0.1", port: Number(port) }];

async function ioredis() {
  const { Cluster, Redis } = driver("ioredis");
  const client = isCluster ? new Cluster(hosts) : new Redis({ sentinels: hosts, name: "fleet" });
  client.on("error", () => {}); // while there is no master
  await once(client, "ready");
  return client;
}

async function nodeRedis() {
  const { createCluster, createSentinel } = driver("redis");
  const client = isCluster
    ? createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] })
    : createSentinel({ name: "fleet", sentinelRootNodes: hosts });
  client.on("error", () => {});
  await client.connect();
  return client;
}

const told = [];
const wrong = [];
const store = new Store(await (kind === "ioredis" ? ioredis() : nodeRedis()), { timeout: "1s", onEvent: ({ kind }) => told.push(kind) });
const budget = new Budget("failover", store, { capacity: 100, cost: 1, reward: 0, refund: false });
const policy = new Policy({ attempts: 2, initial: "1ms", maxDelay: "1ms", timeout: null, budget });

async function call(fails) {
  let attempts = 0;
  const attempt = () => {
    attempts++;
    if (fails) throw Object.assign(new Error("lost"), { code: "ECONNRESET" });
  };
  await policy.run(attempt).catch((error) => {
    const { reason } = history(error).at(-1) ?? {};
    if (error.code !== "ECONNRESET" || !["budget", "attempts"].includes(reason)) wrong.push(String(error));
  });
  return attempts - 1;
}

for await (const line of createInterface({ input: process.stdin })) {
  const [calls, fails] = JSON.parse(line);
  let granted = 0;
  for (let n = 0; n < calls; n++) granted += await call(fails);
  console.log(JSON.stringify({ granted, tokens: budget.tokens, told, wrong }));
}
process.exit();
