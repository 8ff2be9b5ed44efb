// Downloads through the npm package: what client.py is for Python.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { history, ok, Policy } from "../../../bindings-js/dist/index.js";
import { retryingFetch } from "../../../bindings-js/dist/fetch.js";
import { analyse, simulateLoss } from "../../../bindings-js/dist/lab.js";

const WAYS = {
  fetch: (policy) => retryingFetch(policy).json,
  run: (policy) => (url) => policy.run(({ signal }) => fetch(url, { signal }).then(ok).then((response) => response.json())),
  "fetch-open": (policy) => {
    const get = retryingFetch(policy);
    return async (url) => (await get(url)).json();
  },
};

function policyOf({ policy, attempts }) {
  const read = Policy.parse(readFileSync(policy));
  return attempts === undefined ? read : read.replace({ attempts });
}

async function compute({ loss, failure_rate: failureRate, ...told }) {
  const { byFormula, succeeded, trials, requests } = await simulateLoss(loss);
  const found = { formula: byFormula, simulated: succeeded / trials, requests: requests / trials };
  if (failureRate === undefined) return found;
  const { success, attempts } = analyse(policyOf(told), { failureRate });
  return { ...found, analysed: success.value, attempts: attempts.value };
}

async function download({ url, parts, repeats, ...told }, load) {
  const chain = async () => {
    const sizes = [];
    for (let part = 0; part < parts; part++) sizes.push((await load(url)).text.length);
    return sizes;
  };
  try {
    return { sizes: await (repeats === undefined ? chain() : policyOf(told).replace({ attempts: repeats }).run(chain)) };
  } catch (error) {
    const attempts = history(error);
    return { error: String(error), reason: attempts.at(-1)?.reason ?? null, classes: attempts.map((attempt) => attempt.class) };
  }
}

const make = WAYS[process.argv[2]];
const loads = new Map();
for await (const line of createInterface({ input: process.stdin })) {
  const told = JSON.parse(line);
  if (told.compute) {
    console.log(JSON.stringify(await compute(told.compute)));
    continue;
  }
  const key = `${told.attempts} ${told.policy}`;
  if (!loads.has(key)) loads.set(key, make(policyOf(told)));
  console.log(JSON.stringify(await download(told, loads.get(key))));
}
process.exit();
