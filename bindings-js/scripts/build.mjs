// npm run build: the engine, then the package in dist/ as ESM and CJS with types for both.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { build } from "esbuild";
import { checkEntries, ENTRIES } from "./entries.mjs";
import { buildEngine, home, made, root } from "./engine.mjs";

const dist = join(home, "dist");
/** What several entries import: one copy each. `core` has the engine, the marks and the classes. */
const SHARED = ["core", "lab-engine"];
const version = /^version = "([^"]+)"/m.exec(readFileSync(join(root, "Cargo.toml"), "utf8"))?.[1];
const stated = JSON.parse(readFileSync(join(home, "package.json"), "utf8")).version;
if (version !== stated) throw new Error(`package.json says ${stated}, Cargo.toml ${version}; write ${version} into package.json`);
checkEntries();

if (!process.argv.includes("--keep-engine")) buildEngine();
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
for (const format of ["esm", "cjs"]) {
  const ending = format === "esm" ? ".js" : ".cjs";
  for (const name of [...SHARED, "index", ...ENTRIES]) await bundle(name, format, ending);
}
types();
copyFileSync(join(root, "LICENSE"), join(home, "LICENSE"));
const schema = join(root, "core", "policy.schema.json");
if (existsSync(schema)) copyFileSync(schema, join(home, "policy.schema.json"));
else console.warn("core/policy.schema.json is not there yet: the package goes without it");

/** One file of dist. */
async function bundle(name, format, ending) {
  const entry = name === "index" ? "public" : name;
  await build({
    entryPoints: [join(home, "ts", `${entry}.ts`)],
    outfile: join(dist, name + ending),
    bundle: true,
    format,
    target: "es2022",
    platform: "neutral",
    define: { VERSION: JSON.stringify(version) },
    external: ["@opentelemetry/api"],
    alias: { "engine-wasm": join(made, "wasm.js"), "lab-wasm": join(made, "lab-wasm.js") },
    plugins: [shared(name, ending)],
    legalComments: "none",
    logLevel: "warning",
  });
}

/** Has a file import what is in files of their own. */
function shared(name, ending) {
  const setup = ({ onResolve }) => onResolve({ filter: /^\.\.?\/[\w-]+\.js$/ }, ({ path }) => {
    const wanted = basename(path, ".js");
    return SHARED.includes(wanted) && wanted !== name ? { path: `${folderOf(name)}${wanted}${ending}`, external: true, sideEffects: false } : undefined;
  });
  return { name: "shared", setup };
}

/** The way from an entry's folder to that of the main entry. */
function folderOf(name) {
  return "../".repeat(name.split("/").length - 1) || "./";
}

/** Declarations once by tsc, then a second time with the endings that CJS needs. */
function types() {
  const tsc = join(home, "node_modules", ".bin", "tsc");
  const declared = join(dist, "types");
  const options = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--outDir", declared, "--stripInternal"];
  execFileSync(tsc, ["-p", home, ...options], { stdio: "inherit" });
  const wanted = new Set();
  const follow = (name) => {
    if (wanted.has(name)) return;
    wanted.add(name);
    const text = readFileSync(join(declared, `${name}.d.ts`), "utf8");
    mkdirSync(dirname(join(dist, name)), { recursive: true });
    writeFileSync(join(dist, `${name}.d.ts`), text);
    writeFileSync(join(dist, `${name}.d.cts`), text.replace(/(["']\.\.?\/[\w/-]+)\.js(["'])/g, "$1.cjs$2"));
    for (const [, next] of text.matchAll(/["'](\.\.?\/[\w/-]+)\.js["']/g)) follow(join(dirname(name), next));
  };
  for (const name of ["index", ...ENTRIES]) follow(name);
  rmSync(declared, { recursive: true });
}
