// The engine in two forms: the one inlined in the package, from wasm-bindgen, and undaunted.wasm, a plain C ABI. And the lab, inlined too.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

export const home = fileURLToPath(new URL("..", import.meta.url));
export const root = process.env.UNDAUNTED_WORKSPACE ?? join(home, "..");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
export const made = join(home, "generated");

// Named one by one: `--all-features` lets binaryen write what no engine reads yet.
const FEATURES = ["bulk-memory", "sign-ext", "mutable-globals", "nontrapping-float-to-int", "multivalue", "reference-types"]
  .map((feature) => `--enable-${feature}`);

/** Builds them into `generated/`. */
export function buildEngine() {
  mkdirSync(made, { recursive: true });
  const plain = compile(["--no-default-features", "--features", "draws"]);
  optimise(plain, join(made, "undaunted.wasm"));

  inline([], "engine", "wasm");
  inline(["--features", "page", "--config", "profile.wasm.opt-level=2"], "lab-engine", "lab-wasm"); // a herd is a matter of speed
}

/** A build whose exports are those that ts/NAME.ts names, as text in MODULE.js. */
function inline(features, name, module) {
  const raw = compile(features);
  cargo(["run", "--locked", "--quiet", "-p", "undaunted-js-build", "--", raw, join(made, "bindgen")]);
  const bound = new WebAssembly.Module(readFileSync(join(made, "bindgen", "engine_bg.wasm")));
  const called = join(made, "called.wasm");
  const glue = features.length ? glueOf(bound) : "";
  keepCalled(bound, called, readFileSync(join(home, "ts", `${name}.ts`), "utf8"), glue);
  optimise(called, join(made, `${name}.wasm`));
  writeFileSync(join(made, `${module}.js`), `export const WASM = "${printable(readFileSync(join(made, `${name}.wasm`)))}";\n${glue}`);
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
function keepCalled(bound, to, typed, glue) {
  const names = WebAssembly.Module.exports(bound)
    .map(({ name }) => name)
    .filter((name) => name === "memory" || typed.includes(`\n  ${name}(`) || glue.includes(`wasm.${name}`));
  const graph = [{ name: "host", root: true, reaches: names }, ...names.map((name) => ({ name, export: name }))];
  const graphFile = join(made, "called.json");
  writeFileSync(graphFile, JSON.stringify(graph));
  const from = join(made, "bindgen", "engine_bg.wasm");
  execFileSync(join(home, "node_modules", ".bin", "wasm-metadce"), [from, "-o", to, "--graph-file", graphFile, ...FEATURES]);
}

function optimise(from, to) {
  const options = ["-Oz", "--converge", "--strip-debug", "--strip-producers", "--strip-target-features", "--zero-filled-memory"];
  execFileSync(join(home, "node_modules", ".bin", "wasm-opt"), [from, "-o", to, ...options, ...FEATURES], { stdio: "inherit" });
}

function cargo(args) {
  execFileSync("cargo", args, { cwd: root, stdio: "inherit" });
}
