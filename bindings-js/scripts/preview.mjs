// The last part of npm run build: the page in dist/preview/, of what the package exports, as a folder that any host serves.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { home } from "./engine.mjs";

const source = join(home, "preview");
const made = join(home, "dist", "preview");
const { version } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
const FILES = ["index.html", "style.css", "icon.svg"];

rmSync(made, { recursive: true, force: true });
mkdirSync(made, { recursive: true });
const { metafile } = await build({
  entryPoints: [join(source, "main.tsx"), join(source, "worker.ts")],
  outdir: made,
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  define: { VERSION: JSON.stringify(version) },
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});
for (const name of FILES) copyFileSync(join(source, name), join(made, name));
writeFileSync(join(made, "licenses.txt"), notices(Object.keys(metafile.inputs)));

/** Of every package in the page but ours. */
function notices(inputs) {
  const found = new Set(inputs.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []));
  return [...found].sort().map((name) => {
    const folder = join(home, "node_modules", name);
    const { version: its } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return `${name} ${its}\n\n${readFileSync(join(folder, "LICENSE"), "utf8").trim()}\n`;
  }).join("\n----\n\n");
}
