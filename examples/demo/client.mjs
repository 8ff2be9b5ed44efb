// The demo's client in Node: fetch with the policy. Prints what the library tells, one JSON line for each event.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { HttpError, Policy } from "undaunted";
import { retryingFetch } from "undaunted/fetch";

const text = { type: "string" };
const { values: options } = parseArgs({
  options: { url: text, "refused-url": text, seed: { type: "string", default: "42" } },
});

const policy = Policy.parse(await readFile(new URL("policy.json", import.meta.url)));
const scenarios = JSON.parse(await readFile(new URL("scenarios.json", import.meta.url), "utf8"));

for (const [index, { name, method, headers, refused }] of scenarios.entries()) {
  let ending;
  const onEvent = (event) => {
    if (event.kind === "scheduled") say(name, facts(event));
    else if (event.kind !== "attempt") ending = facts(event);
  };
  const fetch = retryingFetch(policy, { seed: options.seed, call: index + 1, onEvent });
  const url = `${refused ? options["refused-url"] : options.url}/node/${name}`;
  const body = method === "POST" ? "an order" : undefined;
  try {
    const text = await fetch.text(url, { method, headers, body });
    ending = { ...ending, text };
  } catch {
    // the event has told of it
  }
  say(name, ending);
}

function facts(event) {
  return {
    kind: event.kind,
    attempt: event.attempt,
    elapsed_us: Math.round(event.elapsed * 1000),
    delay_us: event.delay === undefined ? null : Math.round(event.delay * 1000),
    text: event.error === undefined ? null : describe(event.error),
    class: event.class ?? null,
    reason: event.reason ?? null,
    call_seed: event.callSeed ?? null,
  };
}

function describe(error) {
  if (error instanceof HttpError) return `${error.status} ${error.response.statusText}`;
  const cause = error.cause?.code ?? error.cause?.message;
  return cause ? `${cause}: ${error.message}` : error.message;
}

function say(scenario, event) {
  console.log(JSON.stringify({ scenario, ...event }));
}
