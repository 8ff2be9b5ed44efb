// The engine in three forms: the one inlined in the package, from wasm-bindgen; undaunted.wasm, a plain C ABI; and its twin, JavaScript
// generated from that. And the lab, inlined too.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync, transformSync } from "esbuild";

export const home = fileURLToPath(new URL("..", import.meta.url));
export const root = process.env.UNDAUNTED_WORKSPACE ?? join(home, "..");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
export const made = join(home, "generated");

// Named one by one: `--all-features` lets binaryen write what no engine reads yet.
const FEATURES = ["bulk-memory", "sign-ext", "mutable-globals", "nontrapping-float-to-int", "multivalue", "reference-types"]
  .map((feature) => `--enable-${feature}`);

/** What stands for the names that sources import from what is built here. */
export const BUILT = Object.fromEntries(
  [["engine-wasm", "wasm"], ["engine-js", "js"], ...["fleet-js", "fleet-scripts", "fleet-wasm", "lab-wasm"].map((name) => [name, name])]
    .map(([name, file]) => [name, join(made, `${file}.js`)]),
);

/** An esbuild plugin that takes the twin for the engine. */
export const withTwin = {
  name: "twin",
  setup: ({ onResolve }) => void onResolve(
    { filter: /^\.\/made-(fleet-)?wasm\.js$/ }, ({ path }) => ({ path: join(home, "ts", path.replace("wasm.js", "js.ts")) }),
  ),
};

/** Builds them into `generated/`. */
export function buildEngine() {
  mkdirSync(made, { recursive: true });
  const plain = compile(["--no-default-features", "--features", "draws"]);
  optimise(plain, join(made, "undaunted.wasm"));
  generateTwin("engine", "js");
  generateTwin("fleet-engine", "fleet-js");

  inline([], { engine: "wasm", "fleet-engine": "fleet-wasm" });
  inline(["--features", "page", "--config", 'profile.wasm.opt-level="s"'], { "lab-engine": "lab-wasm" }); // the page has a limit; 2 makes it 31 KB larger gzipped, and a herd take three quarters of the time
}

/** The scripts that stores run, as text, and the digests that servers know them by. */
export function takeScripts() {
  const read = (name) => readFileSync(join(root, "core", "src", "fleet", `${name}.lua`), "utf8");
  const lines = ["budget", "breaker", "bulkhead", "policy", "throttle"].map((name) => {
    // As core/src/fleet.rs puts them together.
    const text = (["budget", "breaker", "throttle"].includes(name) ? read("ring") : "") + read(name);
    const script = { text, sha: createHash("sha1").update(text).digest("hex") };
    return `export const ${name.toUpperCase()} = ${JSON.stringify(script)};\n`;
  });
  writeFileSync(join(made, "fleet-scripts.js"), lines.join(""));
}

/** A build, once with the exports that ts/NAME.ts names for each NAME, as text in MODULE.js: what one has in use fits into the other. */
function inline(features, modules) {
  const raw = compile(features);
  cargo(["run", "--locked", "--quiet", "-p", "undaunted-js-build", "--", raw, join(made, "bindgen")]);
  const from = join(made, "bindgen", "engine_bg.wasm");
  const bound = new WebAssembly.Module(readFileSync(from));
  const called = join(made, "called.wasm");
  const glue = features.length ? glueOf(bound) : "";
  for (const [name, module] of Object.entries(modules)) {
    keepCalled(from, called, readFileSync(join(home, "ts", `${name}.ts`), "utf8"), glue);
    optimise(called, join(made, `${name}.wasm`));
    writeFileSync(join(made, `${module}.js`), `export const WASM = "${printable(readFileSync(join(made, `${name}.wasm`)))}";\n${glue}`);
  }
}

/**
 * The exports of undaunted.wasm that ts/NAME.ts names, as JavaScript in MODULE.js. wasm2js makes its engine when the module is loaded and
 * fills its memory from base64; here a function makes it, and what stands in the memory is printable text, which ts/made-js.ts reads.
 */
function generateTwin(name, module) {
  const called = join(made, "called.wasm");
  keepCalled(join(made, "undaunted.wasm"), called, readFileSync(join(home, "ts", `${name}.ts`), "utf8"));
  const lowered = join(made, "lowered.wasm");
  optimise(called, lowered, "--llvm-memory-copy-fill-lowering", "--llvm-nontrapping-fptoint-lowering", "--signext-lowering");
  const written = join(made, "wasm2js.js");
  execFileSync(join(home, "node_modules", ".bin", "wasm2js"), ["-Oz", lowered, "-o", written]);
  const [, engine] = /^(function wasm2js_trap[^]*)\nvar retasmFunc = /m.exec(readFileSync(written, "utf8")) ?? [];
  const filling = /^ bufferView = HEAPU8;\n initActiveSegments\(imports\);$/m;
  if (!filling.test(engine)) throw new Error("wasm2js writes another text than scripts/engine.mjs expects; look at generated/wasm2js.js");
  const text = engine.replace(filling, "").replace("bufferView = HEAPU8;", "");
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(lowered)));
  const image = new Uint8Array(exports.memory.buffer);
  const start = image.findIndex((byte) => byte !== 0);
  const data = image.subarray(start, image.findLastIndex((byte) => byte !== 0) + 1);
  const { code } = transformSync(`${text}\nexport { asmFunc as twin };`, { minify: true, target: "es2022" });
  writeFileSync(join(made, `${module}.js`), `${code}export const START = ${start};\nexport const DATA = "${printable(data)}";\n`);
}

/** What wasm-bindgen wrote for the module's imports, as a function: each instance has its own. */
function glueOf(bound) {
  const names = WebAssembly.Module.imports(bound).map(({ name }) => name);
  const contents = `export { __wbg_set_wasm, ${names} } from "./engine_bg.js"`;
  const [{ text }] = buildSync({ stdin: { contents, resolveDir: join(made, "bindgen") }, bundle: true, format: "esm", write: false }).outputFiles;
  return `export function glue() {\n${text.replace(/export \{([^}]*)\};\s*$/, "return {$1};\n")}}\n`;
}

/**
 * Bytes as text that needs no escapes: 91 signs from "#" on, the backslash left out, with " " or "!" before a sign to add
 * 91 or 182. Unlike base64 it keeps each byte in one place, so that gzip finds what repeats, and it beats hexadecimal by 6 %.
 */
function printable(bytes) {
  return Array.from(bytes, (byte) => {
    const sign = (byte % 91) + 35;
    return ["", " ", "!"][Math.floor(byte / 91)] + String.fromCharCode(sign < 92 ? sign : sign + 1);
  }).join("");
}

function compile(features) {
  cargo(["build", "--locked", "--quiet", "-p", "undaunted-js", "--target", "wasm32-unknown-unknown", "--profile", "wasm", ...features]);
  const copy = join(made, "raw.wasm");
  copyFileSync(join(target, "wasm32-unknown-unknown", "wasm", "undaunted_js.wasm"), copy);
  return copy;
}

/** Drops the exports that neither ts/NAME.ts nor the glue names, and with them what only the rest of the glue needs. */
function keepCalled(from, to, typed, glue = "") {
  const names = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(from)))
    .map(({ name }) => name)
    .filter((name) => name === "memory" || typed.includes(`\n  ${name}(`) || glue.includes(`wasm.${name}`));
  const graph = [{ name: "host", root: true, reaches: names }, ...names.map((name) => ({ name, export: name }))];
  const graphFile = join(made, "called.json");
  writeFileSync(graphFile, JSON.stringify(graph));
  execFileSync(join(home, "node_modules", ".bin", "wasm-metadce"), [from, "-o", to, "--graph-file", graphFile, ...FEATURES]);
}

function optimise(from, to, ...passes) {
  const options = ["-Oz", "--converge", "--strip-debug", "--strip-producers", "--strip-target-features", "--zero-filled-memory"];
  execFileSync(join(home, "node_modules", ".bin", "wasm-opt"), [from, "-o", to, ...passes, ...options, ...FEATURES], { stdio: "inherit" });
}

function cargo(args) {
  execFileSync("cargo", args, { cwd: root, stdio: "inherit" });
}
