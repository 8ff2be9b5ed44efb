// npm run build: the engine, then the package in dist/ as ESM and CJS with types for both.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { buildEngine, home, made, root } from "./engine.mjs";

const dist = join(home, "dist");
const version = /^version = "([^"]+)"/m.exec(readFileSync(join(root, "Cargo.toml"), "utf8"))?.[1];
const stated = JSON.parse(readFileSync(join(home, "package.json"), "utf8")).version;
if (version !== stated) throw new Error(`package.json says ${stated}, Cargo.toml ${version}; write ${version} into package.json`);

if (!process.argv.includes("--keep-engine")) buildEngine();
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
for (const format of ["esm", "cjs"]) {
  const ending = format === "esm" ? ".js" : ".cjs";
  await bundle("core", format, ending);
  await bundle("index", format, ending);
  await bundle("fetch", format, ending);
  await bundle("lab", format, ending);
}
types();
copyFileSync(join(root, "LICENSE"), join(home, "LICENSE"));
const schema = join(root, "core", "policy.schema.json");
if (existsSync(schema)) copyFileSync(schema, join(home, "policy.schema.json"));
else console.warn("core/policy.schema.json is not there yet: the package goes without it");

/** One file of dist: `core` holds everything shared, the entries import it. */
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
    alias: { "engine-wasm": join(made, "wasm.js"), "lab-wasm": join(made, "lab-wasm.js") },
    plugins: name === "core" ? [] : [shared(ending)],
    legalComments: "none",
    logLevel: "warning",
  });
}

function shared(ending) {
  const external = { path: `./core${ending}`, external: true, sideEffects: false };
  return { name: "shared", setup: ({ onResolve }) => void onResolve({ filter: /^\.\/core\.js$/ }, () => external) };
}

/** Declarations once by tsc, then a second time with the endings that CJS needs. */
function types() {
  const tsc = join(home, "node_modules", ".bin", "tsc");
  const options = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--outDir", join(dist, "types"), "--stripInternal"];
  execFileSync(tsc, ["-p", home, ...options], { stdio: "inherit" });
  const wanted = new Set();
  const follow = (name) => {
    if (wanted.has(name)) return;
    wanted.add(name);
    for (const [, next] of readFileSync(join(dist, "types", `${name}.d.ts`), "utf8").matchAll(/["']\.\/([\w-]+)\.js["']/g)) follow(next);
  };
  follow("index");
  follow("fetch");
  follow("lab");
  for (const file of readdirSync(join(dist, "types"))) {
    const name = basename(file, ".d.ts");
    if (!wanted.has(name)) continue;
    const text = readFileSync(join(dist, "types", file), "utf8");
    writeFileSync(join(dist, `${name}.d.cts`), text.replace(/(["']\.\/[\w-]+)\.js(["'])/g, "$1.cjs$2"));
    renameSync(join(dist, "types", file), join(dist, `${name}.d.ts`));
  }
  rmSync(join(dist, "types"), { recursive: true });
}
