import assert from "node:assert/strict";
import { createServer } from "node:http";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromiumPath, launch } from "../../tests/js/host.mjs";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const skip = chromiumPath() ? false : "no chromium on PATH; name one in CHROMIUM";
let browser, server, requests;

before(async () => {
  if (skip) return;
  server = createServer((request, response) => {
    requests.push(request.url);
    const [path, search] = request.url.split("?");
    if (path === "/busy") return response.writeHead(requests.filter((url) => url === "/busy").length < 3 ? 503 : 200).end("fine");
    if (path === "/broken") return requests.filter((url) => url === "/broken").length < 3 ? request.socket.destroy() : response.end("fine");
    if (path === "/") {
      const policy = search === "strict" ? { "content-security-policy": "script-src 'self'" } : {};
      return response.writeHead(200, { "content-type": "text/html", ...policy }).end("<!doctype html><title>undaunted</title>");
    }
    if (!existsSync(join(dist, path))) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": "text/javascript" }).end(readFileSync(join(dist, path)));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  browser = await launch();
});
after(async () => {
  await browser?.close();
  server?.close();
});

async function open(search = "") {
  requests = [];
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/${search}`);
  return page;
}

test("dist runs in a page without a bundler", { skip }, async () => {
  const page = await open();
  const found = await page.evaluate(async () => {
    const { retry, Policy, backend } = await import("/index.js");
    const { retryingFetch } = await import("/fetch.js");
    const quick = new Policy({ initial: "1ms", maxDelay: "2ms" });
    const fetchR = retryingFetch(quick);
    const aborted = await retry(() => new Promise(() => {}), { signal: AbortSignal.abort("mine") }).catch((reason) => reason);
    return [backend(), await fetchR.text("/busy"), await fetchR.text("/broken"), aborted, quick.schedule({ seed: 1n }).length];
  });
  assert.deepEqual(found, ["wasm", "fine", "fine", "mine", 9]);
  assert.equal(requests.filter((url) => url === "/busy").length, 3);
  assert.deepEqual(requests.filter((url) => url.endsWith(".wasm")), []);
});

test("the lab runs in a page without a bundler", { skip }, async () => {
  const page = await open();
  const found = await page.evaluate(async () => {
    const { analyse, lint } = await import("/lab.js");
    const { Policy } = await import("/index.js");
    return [analyse(new Policy({ preset: "interactive" }), { failureRate: 0.5 }).success, [...lint({ nested: "allow" })].at(-1).code];
  });
  assert.deepEqual(found, [{ value: 0.875, error: 0 }, "nested-retries"]);
  assert.deepEqual(requests.filter((url) => url.endsWith(".wasm")), []);
});

test("a page goes on drawing while a million clients are followed", { skip }, async () => {
  const page = await open();
  const seen = await page.evaluate(async () => {
    const { simulateHerd } = await import("/lab.js");
    let frames = 0;
    const draw = () => {
      frames++;
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
    const seen = [];
    const progress = () => seen.push(frames);
    await simulateHerd({ timeout: null }, { clients: 1_000_000, capacity: 1000, outage: "30s", progress });
    return seen;
  });
  assert.ok(seen.length > 50 && new Set(seen).size > 2, `frames before each of ${seen.length} slices' ends: ${seen}`);
});

test("a page whose policy forbids WebAssembly is told what to import or allow, and undaunted/js works there", { skip }, async () => {
  const page = await open("?strict");
  const found = await page.evaluate(async () => {
    const refused = await import("/index.js").then(({ Policy }) => new Policy()).catch((error) => error.message);
    const { backend, Policy } = await import("/js/index.js");
    const { retryingFetch } = await import("/js/fetch.js");
    const quick = new Policy({ initial: "1ms", maxDelay: "2ms" });
    return [refused, backend(), await retryingFetch(quick).text("/busy")];
  });
  assert.match(found[0], /import undaunted\/js .*'wasm-unsafe-eval'/);
  assert.deepEqual(found.slice(1), ["js", "fine"]);
  assert.deepEqual(requests.filter((url) => url.endsWith("/core.js")), ["/core.js", "/js/core.js"]);
});

test("the lab says that it cannot do without WebAssembly", { skip }, async () => {
  const page = await open("?strict");
  const text = await page.evaluate(() => import("/lab.js").then(({ convert }) => convert({ retries: 3 }, "p-retry")).catch((error) => error.message));
  assert.match(text, /undaunted\/lab needs WebAssembly.*'wasm-unsafe-eval'/);
});
