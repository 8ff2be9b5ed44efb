// node tests/bench/herds.mjs [rounds]: herds of 1 000 000 clients × 10 attempts through undaunted/lab, in Node and in a page of headless
// Chromium: seconds and attempts of the best round, and the longest slice of it, for which a page cannot draw.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { chromiumPath, launch } from "../js/host.mjs";

const rounds = Number(process.argv[2] ?? 3);
const dist = new URL("../../bindings-js/dist/", import.meta.url);

report("node", await measure(rounds, new URL("lab.js", dist).href));
if (chromiumPath()) report("chromium", await inChromium());
else console.log("\nherds in chromium: not on PATH; name one in CHROMIUM");

/** Self-contained, since a page runs it too. */
async function measure(rounds, lab) {
  const { simulateHerd } = await import(lab);
  const policy = { attempts: 10, initial: "1s", maxDelay: "10s", timeout: null };
  const herds = {
    plain: [policy, {}],
    hint: [policy, { hint: "2s" }],
    budget: [{ ...policy, budget: { name: "herd", capacity: 1_000_000, cost: 1 } }, { processes: 1000 }],
    capacity: [policy, { outage: "60s", capacity: 1000 }],
  };
  const best = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, [policy, options]] of Object.entries(herds)) {
      let longest = 0;
      const start = performance.now();
      let last = start;
      const progress = () => {
        const now = performance.now();
        longest = Math.max(longest, now - last);
        last = now;
      };
      const { attempts } = await simulateHerd(policy, { ...options, clients: 1_000_000, progress });
      const seconds = (performance.now() - start) / 1000;
      if (!(best[name]?.seconds <= seconds)) best[name] = { seconds, attempts, longest };
    }
  }
  return best;
}

async function inChromium() {
  const server = createServer(({ url }, response) => {
    if (!url.endsWith(".js")) return response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>herds</title>");
    response.writeHead(200, { "content-type": "text/javascript" }).end(readFileSync(new URL(`.${url}`, dist)));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const browser = await launch();
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    return await page.evaluate(`(${measure})(${rounds}, "/lab.js")`);
  } finally {
    await browser.close();
    server.close();
  }
}

function report(host, best) {
  console.log(`\nherds of 1 000 000 clients in ${host}: seconds, million attempts a second, longest slice (best of ${rounds} rounds)`);
  for (const [name, { seconds, attempts, longest }] of Object.entries(best)) {
    const speed = attempts / seconds / 1e6;
    console.log(`  ${name.padEnd(26)} ${seconds.toFixed(2).padStart(6)} s  ${speed.toFixed(1).padStart(5)} M/s ${longest.toFixed(0).padStart(5)} ms`);
  }
}
