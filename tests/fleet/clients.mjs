// What clients.py does with redis-py, with ioredis and node-redis: `clients.mjs WHERE PORT`.
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Budget, Store } from "../../bindings-js/dist/fleet.js";
import { history, Policy } from "../../bindings-js/dist/index.js";

const [where, port] = process.argv.slice(2);
const driver = createRequire(join(process.env.UNDAUNTED_DRIVERS, "package.json"));
const isCluster = where === "a cluster";

async function ioredis() {
  const { Cluster, Redis } = driver("ioredis");
  const client = isCluster ? new Cluster([{ host: "127.0.0.1", port }]) : new Redis({ port });
  await once(client, "ready");
  return client;
}

async function nodeRedis() {
  const { createClient, createCluster } = driver("redis");
  const url = `redis://127.0.0.1:${port}`;
  const client = isCluster ? createCluster({ rootNodes: [{ url }] }) : createClient({ url });
  await client.connect();
  return client;
}

const found = {};
const told = [];
for (const [name, connect] of Object.entries({ ioredis, "node-redis": nodeRedis })) {
  const store = new Store(await connect(), { timeout: "5s", onEvent: ({ kind, error }) => told.push(`${kind} ${error}`) });
  const budget = new Budget(name, store, { capacity: 60, cost: 10, reward: 0, refund: false });
  const policy = new Policy({ attempts: 30, initial: "1ms", maxDelay: "1ms", timeout: null, budget });
  const fails = () => { throw Object.assign(new Error("lost"), { code: "ECONNRESET" }); };
  const error = await policy.run(fails).catch((error) => error);
  const attempts = history(error);
  found[name] = [attempts.length - 1, attempts.at(-1).reason];
  await store.close();
}
process.stdout.write(JSON.stringify({ found, told }), () => process.exit());
