// A service of the fleet in JavaScript: asks the backend for what its own users ask it, under the fleet's policy.
//
// `node service.mjs --backend URL --redis URL [--rate 5]` counts what happens, prints it as a JSON line four times a second, and ends when
// its standard input does.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createClient } from "redis";
import { BreakerOpen, Policy } from "undaunted";
import { retryingFetch } from "undaunted/fetch";
import { share, Store } from "undaunted/fleet";

const text = { type: "string" };
const { values: options } = parseArgs({ options: { backend: text, redis: text, rate: { ...text, default: "5" } } });
const seen = {};
const count = (what, times = 1) => (seen[what] = (seen[what] ?? 0) + times);

const policy = Policy.parse(readFileSync(new URL("policy.json", import.meta.url)));
const client = createClient({ url: options.redis });
client.on("error", () => {}); // the store tells of it
await client.connect();
const store = new Store(client, { timeout: "250ms", onEvent: ({ kind }) => count(kind) });
// From here on the budget and the breaker that the policy names are the fleet's. The rest of the program knows nothing of it.
share(policy, store);

const fetchR = retryingFetch(policy, {
  onEvent({ kind, attempt, reason }) {
    if (kind === "scheduled") count("retries");
    else if (kind === "success" && attempt > 1) count("refunded", attempt - 1);
    else if (kind === "gave_up" && reason === "budget") count("refused by budget");
    else if (kind === "gave_up" && reason === "breaker_open" && attempt > 1) count("refused by breaker");
  },
});

/** One request of a user's. */
async function handle() {
  count("calls");
  try {
    await fetchR.json(`${options.backend}/users/ada`);
    count("answered");
  } catch (error) {
    count(error instanceof BreakerOpen ? "refused by breaker" : "failed");
  }
}

// The users: they come at their rate, whether answers come or not.
const users = setInterval(handle, 1000 / Number(options.rate));
const tell = () => console.log(JSON.stringify(seen));
const teller = setInterval(tell, 250);

process.stdin.resume().on("close", async () => {
  clearInterval(users);
  clearInterval(teller);
  await store.close();
  tell();
  process.exit();
});
