// npm run size: what the main entry costs a page, minified and gzipped. Fails above the limits.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { home, made } from "./engine.mjs";

const LIMITS = { engine: 14.5, typescript: 5.5, total: 20 };

const { WASM } = await import(join(made, "wasm.js"));
const bundle = await minified('export * from "./dist/index.js"');
const base64 = Buffer.from(WASM, "hex").toString("base64");
const sizes = {
  total: kilobytes(bundle),
  typescript: kilobytes(bundle.replace(WASM, "")),
  engine: kilobytes(bundle) - kilobytes(bundle.replace(WASM, "")),
};
for (const [name, size] of Object.entries(sizes)) console.log(`${name}: ${size.toFixed(2)} KB gzip, limit ${LIMITS[name]} KB`);
console.log(`engine: ${(WASM.length / 2 / 1000).toFixed(1)} KB of wasm; as base64 the total is ${kilobytes(bundle.replace(WASM, base64)).toFixed(2)} KB`);
console.log(`undaunted/fetch with the main entry: ${kilobytes(await minified('export * from "./dist/index.js"; export * from "./dist/fetch.js"')).toFixed(2)} KB gzip`);
console.log(`undaunted.wasm: ${readFileSync(join(home, "dist", "undaunted.wasm")).length} bytes`);
if (Object.entries(sizes).some(([name, size]) => size > LIMITS[name])) process.exitCode = 1;

function kilobytes(text) {
  return gzipSync(text, { level: 9 }).length / 1000;
}

async function minified(contents) {
  const stdin = { contents, resolveDir: home };
  const { outputFiles } = await build({ stdin, bundle: true, minify: true, format: "esm", target: "es2022", write: false });
  return outputFiles[0].text;
}
