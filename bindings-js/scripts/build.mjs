// npm run build: the engine, then the package in dist/ as ESM and CJS with types for both.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { build } from "esbuild";
import { checkEntries, ENTRIES, TWINS } from "./entries.mjs";
import { buildEngine, BUILT, home, root, takeScripts, withTwin } from "./engine.mjs";

const dist = join(home, "dist");
/** The folder within dist of what goes by the engine's twin. */
const TWIN = "js";
/** What several entries import: one copy each. `core` has the engine or its twin, the marks and the classes. */
const SHARED = ["core", "lab-engine"];
/** Entries whose classes others build upon. */
const BUILT_UPON = ["guards", "source"];
const version = /^version = "([^"]+)"/m.exec(readFileSync(join(root, "Cargo.toml"), "utf8"))?.[1];
const stated = JSON.parse(readFileSync(join(home, "package.json"), "utf8")).version;
if (version !== stated) throw new Error(`package.json says ${stated}, Cargo.toml ${version}; write ${version} into package.json`);
checkEntries();

if (!process.argv.includes("--keep-engine")) buildEngine();
takeScripts();
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
for (const format of ["esm", "cjs"]) {
  await bundle("lab-wasm", format, "");
  for (const name of [...SHARED, "index", ...ENTRIES]) await bundle(name, format, "");
  for (const name of [...SHARED, "index", ...TWINS]) await bundle(name, format, TWIN);
}
types();
copyFileSync(join(root, "LICENSE"), join(home, "LICENSE"));
const schema = join(root, "core", "policy.schema.json");
if (existsSync(schema)) copyFileSync(schema, join(home, "policy.schema.json"));
else console.warn("core/policy.schema.json is not there yet: the package goes without it");
await import("./preview.mjs"); // of what is in dist/ by now

/** One file of dist or of dist/js. */
async function bundle(name, format, folder) {
  const ending = format === "esm" ? ".js" : ".cjs";
  const source = join(home, "ts", `${name === "index" ? "public" : name}.ts`);
  await build({
    entryPoints: [BUILT[name] ?? source],
    outfile: join(dist, folder, name + ending),
    bundle: true,
    format,
    target: "es2022",
    platform: "neutral",
    define: { VERSION: JSON.stringify(version) },
    external: ["@opentelemetry/api"],
    alias: BUILT,
    plugins: [shared(name, folder, ending), ...(folder === TWIN ? [withTwin] : [])],
    legalComments: "none",
    logLevel: "warning",
  });
}

/** Has a file import what is in files of their own. */
function shared(name, folder, ending) {
  const outside = (path) => ({ path: path + ending, external: true, sideEffects: false });
  const setup = ({ onResolve }) => {
    onResolve({ filter: /^\.\.?\/[\w-]+\.js$/ }, ({ path }) => {
      const wanted = basename(path, ".js");
      return [...SHARED, ...BUILT_UPON].includes(wanted) && wanted !== name ? outside(folderOf(name) + wanted) : undefined;
    });
    // One text for both engines: it is the largest part of the package.
    onResolve({ filter: /^lab-wasm$/ }, () => outside(folder === TWIN ? "../lab-wasm" : "./lab-wasm"));
  };
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
