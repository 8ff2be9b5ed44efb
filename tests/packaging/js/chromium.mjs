// node chromium.mjs PACKAGE_JSON FOLDER CHROMIUM PAGE: serves a folder on loopback and looks at a page of it. Anything on the console but
// silence is a failure.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join, normalize } from "node:path";

const [packageJson, folder, executablePath, name] = process.argv.slice(2);
const { chromium } = createRequire(packageJson)("playwright-core");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".json": "application/json" };
const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

const server = createServer(async (request, response) => {
  const path = normalize(new URL(request.url, "http://127.0.0.1").pathname);
  const content = await readFile(join(folder, path)).catch(() => undefined);
  response.writeHead(content ? 200 : 404, { "content-type": TYPES[extname(path)] ?? "text/plain" }).end(content);
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const browser = await chromium.launch({ executablePath, args: FLAGS });
try {
  const page = await browser.newPage();
  const heard = [];
  page.on("console", (message) => heard.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => heard.push(`error: ${error}`));
  page.on("request", (request) => {
    if (new URL(request.url()).hostname !== "127.0.0.1" && !request.url().startsWith("data:")) heard.push(`asks for ${request.url()}`);
  });
  await page.goto(`http://127.0.0.1:${server.address().port}/${name}`);
  const waiting = page.waitForFunction(() => window.outcome, undefined, { timeout: 15_000 }).catch(() => undefined);
  const outcome = await (await waiting)?.jsonValue();
  assert.deepEqual([heard, outcome], [[], { done: "done after 3 attempts", fetched: "here", calls: 6, waits: [100, 200] }]);
  console.log(browser.version());
} finally {
  await browser.close();
  server.close();
}
