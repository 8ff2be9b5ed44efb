// What the package lets one import: `npm run entries` writes it into package.json, and `npm run build` sees that it is there.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Beside the main entry, `undaunted/NAME` is made of ts/NAME.ts. */
export const ENTRIES = ["decorators", "fetch", "guards", "instrumentation/diagnostics-channel", "instrumentation/opentelemetry", "lab", "source", "testing"];

const manifest = fileURLToPath(new URL("../package.json", import.meta.url));

/** The parts of package.json that follow from them. */
function fields() {
  const targets = ENTRIES.map((name) => [`./${name}`, targetsOf(name)]);
  return {
    exports: {
      ".": targetsOf("index"),
      ...Object.fromEntries(targets),
      "./policy.schema.json": "./policy.schema.json",
      "./package.json": "./package.json",
    },
    // For TypeScript's resolution `node10`, which does not know `exports`.
    typesVersions: { "*": Object.fromEntries(ENTRIES.map((name) => [name, [`./dist/${name}.d.cts`]])) },
  };
}

function targetsOf(name) {
  const file = `./dist/${name}`;
  return {
    import: { types: `${file}.d.ts`, default: `${file}.js` },
    require: { types: `${file}.d.cts`, default: `${file}.cjs` },
  };
}

/** Throws unless package.json has them. */
export function checkEntries() {
  const written = JSON.parse(readFileSync(manifest, "utf8"));
  for (const [name, value] of Object.entries(fields())) {
    if (JSON.stringify(written[name]) !== JSON.stringify(value)) throw new Error(`${name} in package.json is not what scripts/entries.mjs says; npm run entries writes it`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const written = JSON.parse(readFileSync(manifest, "utf8"));
  writeFileSync(manifest, `${JSON.stringify({ ...written, ...fields() }, null, 2)}\n`);
}
