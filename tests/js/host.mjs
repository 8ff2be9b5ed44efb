// The engine-level module in Node and in headless Chromium.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BUILT, withTwin } from "../../bindings-js/scripts/engine.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const bindings = fileURLToPath(new URL("../../bindings-js/", import.meta.url));
const require = createRequire(`${bindings}package.json`);
const { build } = require("esbuild");

/** The module's text, bundled, with the engine as WebAssembly or as its twin in JavaScript. */
export async function bundled(isTwin = false) {
  const contents = 'export * from "./engine-level.js"; export * from "./vectors.js";';
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: here },
    bundle: true,
    format: "esm",
    target: "es2022",
    write: false,
    alias: BUILT,
    plugins: isTwin ? [withTwin] : [],
    define: { VERSION: '""' },
  });
  return outputFiles[0].text;
}

/** The bytes of undaunted.wasm. */
export function plainWasm() {
  return readFileSync(`${bindings}generated/undaunted.wasm`);
}

/** The module in this process. */
export async function inNode(isTwin) {
  return import(`data:text/javascript;base64,${Buffer.from(await bundled(isTwin)).toString("base64")}`);
}

/** Where Chromium is: in the environment variable CHROMIUM, else on PATH; undefined if nowhere. */
export function chromiumPath() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = folders.flatMap((folder) => [join(folder, "chromium"), join(folder, "chromium-browser")]).find((path) => existsSync(path));
  return process.env.CHROMIUM ?? found;
}

/** Headless Chromium. */
export function launch() {
  return require("playwright-core").chromium.launch({
    executablePath: chromiumPath(),
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
    ],
  });
}

/** A page of headless Chromium, served on loopback, with the module as `window.engine` and undaunted.wasm beside it. */
export async function inChromium() {
  const script = `${await bundled()}\nwindow.engine = { inlined, plain, wrongCases, lineOf, labTexts };`;
  const server = createServer((request, response) => {
    const files = {
      "/": ["text/html", '<!doctype html><meta charset="utf-8"><title>vectors</title><script type="module" src="engine.js"></script>'],
      "/engine.js": ["text/javascript", script],
      "/undaunted.wasm": ["application/wasm", plainWasm()],
    };
    const [type, content] = files[request.url] ?? ["text/plain", ""];
    response.writeHead(files[request.url] ? 200 : 404, { "content-type": type }).end(content);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const browser = await launch();
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForFunction("window.engine");
  await page.evaluate(async () => {
    const bytes = await (await fetch("undaunted.wasm")).arrayBuffer();
    window.draws = window.engine.plain(bytes);
  });
  const close = async () => {
    await browser.close();
    server.close();
  };
  return { page, close };
}
