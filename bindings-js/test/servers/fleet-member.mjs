// A process of a fleet: `node fleet-member.mjs KIND PORT TASK`, told by messages when to begin, and telling what came of it.
import { Policy } from "undaunted";
import { Breaker, Budget, Bulkhead, Store } from "undaunted/fleet";
import { connect } from "./fleet-clients.mjs";

const [kind, port, task] = process.argv.slice(2);
const client = await connect(kind, Number(port));
const told = [];
const store = new Store(client, { timeout: "30s", onEvent: ({ kind }) => told.push(kind) });

/** Many calls at once that all fail; answers how many retries they made. */
async function storm() {
  const budget = new Budget("storm", store, { capacity: 40, cost: 1, reward: 0, refund: false });
  const policy = new Policy({ attempts: 3, initial: "1ms", maxDelay: "1ms", budget });
  let retries = 0;
  const fails = () => { throw Object.assign(new Error("lost"), { code: "ECONNRESET" }); };
  const reasons = await Promise.all(Array.from({ length: 300 }, () => policy.run(fails, { onRetry: () => void retries++ }).catch(({ code }) => code)));
  return { retries, told, isOwn: reasons.every((code) => code === "ECONNRESET") };
}

/** A call that never ends. */
function hold() {
  return new Promise((entered) => {
    new Bulkhead("held", store, { limit: 1, lease: "1s" }).run(() => new Promise(() => entered({ told })));
  });
}

/** A failure that opens a breaker. */
async function trip({ name, options }) {
  const breaker = new Breaker(name, store, options);
  const fails = () => { throw new Error("lost"); };
  await breaker.run(fails).catch(() => {});
  await store.close();
  return { state: breaker.state };
}

process.once("message", async (message) => process.send(await { storm, hold, trip }[task](message)));
process.send("ready");
