// node tests/bench/bench.mjs [folder with the peers] [waiting calls]: time per call beside peers, in one process, in turns; then the
// time of importing each, the size in a bundle, and the memory of waiting calls, each in processes of their own.
// Timers of up to ten seconds fire as microtasks, so that waits cost nothing and only the libraries' own work is seen.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { functions, moduleOf, PEERS, requests } from "./subjects.mjs";

const CALLS = 2000;
const ROUNDS = 31;
const [folder, waiting = "100000"] = process.argv.slice(2);
const ours = new URL("../../bindings-js/", import.meta.url);

const realSetTimeout = globalThis.setTimeout;
globalThis.setTimeout = (callback, ms, ...rest) =>
  ms <= 10_000 ? (queueMicrotask(() => callback(...rest)), { unref() {} }) : realSetTimeout(callback, ms, ...rest);

const lost = Object.assign(new Error("lost"), { code: "ECONNRESET" });

const works = async () => 1;
const failsOnce = () => {
  let calls = 0;
  return async () => {
    if (++calls % 2) throw lost;
    return 1;
  };
};

const good = async () => new Response("fine");
const busyOnce = () => {
  let calls = 0;
  return async () => new Response("busy", { status: ++calls % 2 ? 503 : 200 });
};

console.log(`Node ${process.versions.node}, ${availableParallelism()} cores, ${ROUNDS} interleaved rounds`);
const missing = Object.keys(PEERS).filter((name) => !moduleOf(name, folder));
if (missing.length) console.log(`not installed, left out: ${missing.join(", ")}`);
const wrappers = await functions(folder);
const clients = await requests(folder);
await bench("success", wrappers, () => works);
await bench("one failure, then success", wrappers, failsOnce);
await bench("a request that succeeds, over a fetch without a network", clients, () => good);
await bench("a request that fails once", clients, busyOnce);
importTimes();
await sizes();
memory();
process.exit(); // some peers leave timers behind

async function bench(title, subjects, make) {
  const times = {};
  const names = Object.keys(subjects);
  const calls = Object.fromEntries(names.map((name) => [name, subjects[name](make())]));
  for (let round = -3; round < ROUNDS; round++) {
    for (const name of round % 2 ? names : [...names].reverse()) {
      const call = calls[name];
      const start = process.hrtime.bigint();
      for (let i = 0; i < CALLS; i++) await call();
      if (round >= 0) (times[name] ??= []).push(Number(process.hrtime.bigint() - start) / CALLS);
    }
  }
  console.log(`\n${title}: ns per call (median of ${ROUNDS} rounds), ratio to the first (median of the rounds' ratios)`);
  const base = times[names[0]];
  for (const name of names) {
    const ratio = median(times[name].map((time, round) => time / base[round]));
    console.log(`  ${name.padEnd(30)} ${median(times[name]).toFixed(0).padStart(6)}   ${ratio.toFixed(2)} x`);
  }
}

/** What `import` adds to a process that has loaded nothing else. */
function importTimes() {
  const entries = ["index", "fetch", "lab"].map((name) => [`undaunted${name === "index" ? "" : `/${name}`}`, new URL(`dist/${name}.js`, ours).href]);
  const modules = [...entries, ...Object.keys(PEERS).map((name) => [name, moduleOf(name, folder)])].filter(([, module]) => module);
  const times = {};
  for (let round = 0; round < 9; round++) {
    for (const [name, module] of modules) {
      const code = `const start = performance.now(); await import(${JSON.stringify(module)}); console.log(performance.now() - start);`;
      const took = execFileSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" });
      (times[name] ??= []).push(Number(took));
    }
  }
  console.log("\nimport in a fresh process: ms (median of 9 rounds), least");
  for (const [name, all] of Object.entries(times)) {
    console.log(`  ${name.padEnd(30)} ${median(all).toFixed(1).padStart(6)}   ${Math.min(...all).toFixed(1)}`);
  }
}

/** What a page pays that only retries. */
async function sizes() {
  const { build } = createRequire(new URL("package.json", ours))("esbuild");
  const bundles = {
    "undaunted (retry)": ['export { retry } from "./dist/index.js"', fileURLToPath(ours)],
    "undaunted/fetch": ['export { retryingFetch } from "./dist/fetch.js"', fileURLToPath(ours)],
    ...Object.fromEntries(Object.entries(PEERS).filter(([name]) => moduleOf(name, folder)).map(([name, code]) => [name, [code, folder]])),
  };
  console.log("\nbundle of what only retries, minified: bytes, gzip");
  for (const [name, [contents, resolveDir]] of Object.entries(bundles)) {
    const { outputFiles: [{ text }] } = await build({
      stdin: { contents, resolveDir }, bundle: true, minify: true, format: "esm", target: "es2022", platform: "browser", write: false, logLevel: "error",
    });
    console.log(`  ${name.padEnd(30)} ${String(text.length).padStart(6)}   ${gzipSync(text, { level: 9 }).length}`);
  }
}

function memory() {
  const script = fileURLToPath(new URL("waiting.mjs", import.meta.url));
  const names = Object.keys(wrappers).filter((name) => !name.includes("block"));
  console.log(`\nmemory of ${waiting} waiting calls: bytes each, ratio to the first`);
  let first;
  for (const name of names) {
    const bytes = Number(execFileSync(process.execPath, ["--expose-gc", script, name, waiting, ...(folder ? [folder] : [])], { encoding: "utf8" }));
    first ??= bytes;
    console.log(`  ${name.padEnd(30)} ${String(bytes).padStart(6)}   ${(bytes / first).toFixed(2)} x`);
  }
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
