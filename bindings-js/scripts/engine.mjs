// The engine in two forms: glue for wasm-bindgen with the wasm beside it, and undaunted.wasm, a plain C ABI.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const home = fileURLToPath(new URL("..", import.meta.url));
export const root = process.env.UNDAUNTED_WORKSPACE ?? join(home, "..");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
export const made = join(home, "generated");

// Named one by one: `--all-features` lets binaryen write what no engine reads yet.
const FEATURES = ["bulk-memory", "sign-ext", "mutable-globals", "nontrapping-float-to-int", "multivalue", "reference-types"]
  .map((feature) => `--enable-${feature}`);

/** Builds both forms into `generated/`. */
export function buildEngine() {
  mkdirSync(made, { recursive: true });
  const plain = compile(["--no-default-features", "--features", "draws"]);
  optimise(plain, join(made, "undaunted.wasm"));

  const raw = compile([]);
  cargo(["run", "--locked", "--quiet", "-p", "undaunted-js-build", "--", raw, join(made, "bindgen")]);
  optimise(join(made, "bindgen", "engine_bg.wasm"), join(made, "engine.wasm"));
  copyFileSync(join(made, "bindgen", "engine_bg.js"), join(made, "engine_bg.js"));
  const hex = readFileSync(join(made, "engine.wasm")).toString("hex");
  writeFileSync(join(made, "wasm.js"), `export const WASM = "${hex}";\n`);
}

function compile(features) {
  cargo(["build", "--locked", "--quiet", "-p", "undaunted-js", "--target", "wasm32-unknown-unknown", "--profile", "wasm", ...features]);
  const copy = join(made, "raw.wasm");
  copyFileSync(join(target, "wasm32-unknown-unknown", "wasm", "undaunted_js.wasm"), copy);
  return copy;
}

function optimise(from, to) {
  const options = ["-Oz", "--converge", "--strip-debug", "--strip-producers", "--strip-target-features", "--zero-filled-memory"];
  execFileSync(join(home, "node_modules", ".bin", "wasm-opt"), [from, "-o", to, ...options, ...FEATURES], { stdio: "inherit" });
}

function cargo(args) {
  execFileSync("cargo", args, { cwd: root, stdio: "inherit" });
}
