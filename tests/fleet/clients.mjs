// What clients.py does with redis-py, with ioredis and node-redis: `clients.mjs WHERE PORT`.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Budget, Store } from "../../bindings-js/dist/fleet.js";
import { history, Policy } from "../../bindings-js/dist/index.js";

const [where, port] = process.argv.slice(2);
const driver = createRequire(join(process.env.UNDAUNTED_DRIVERS, "package.json"));
const isCluster = where === "a cluster";

async function ioredis(alias) {
  const { Cluster, Redis = driver(alias) } = driver(alias);
  const client = isCluster ? new Cluster([{ host: "127.0.0.1", port }]) : new Redis({ port });
  await once(client, "ready");
  return client;
}

async function nodeRedis(alias) {
  const { createClient, createCluster } = driver(alias);
  const url = `redis://127.0.0.1:${port}`;
  const client = isCluster ? createCluster({ rootNodes: [{ url }] }) : createClient({ url });
  await client.connect();
  return client;
}

const CLIENTS = { ioredis, ioredis4: ioredis, ioredis5: ioredis, redis: nodeRedis, redis4: nodeRedis, redis5: nodeRedis };
const found = {};
const told = [];
for (const [alias, connect] of Object.entries(CLIENTS)) {
  // Asks any node for a script, whatever its keys, and gives up after some.
  if (isCluster && alias === "redis4") continue;
  const { version } = JSON.parse(readFileSync(join(process.env.UNDAUNTED_DRIVERS, "node_modules", alias, "package.json")));
  const name = `${connect === ioredis ? "ioredis" : "node-redis"} ${version}`;
  const store = new Store(await connect(alias), { timeout: "5s", onEvent: ({ kind, error }) => told.push(`${kind} ${error}`) });
  const budget = new Budget(name, store, { capacity: 60, cost: 10, reward: 0, refund: false });
  const policy = new Policy({ attempts: 30, initial: "1ms", maxDelay: "1ms", timeout: null, budget });
  const fails = () => { throw Object.assign(new Error("lost"), { code: "ECONNRESET" }); };
  const error = await policy.run(fails).catch((error) => error);
  const attempts = history(error);
  found[name] = [attempts.length - 1, attempts.at(-1).reason];
  await store.close();
}
process.stdout.write(JSON.stringify({ found, told }), () => process.exit());
