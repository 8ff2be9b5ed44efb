// What the package lets one import: `npm run entries` writes it into package.json, and `npm run build` sees that it is there.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Beside the main entry, `undaunted/NAME` is made of ts/NAME.ts. */
export const ENTRIES = [
  "decorators", "fetch", "fleet", "guards", "lab", "resume", "source", "testing",
  ...["aws", "axios", "bullmq", "grpc-js", "ioredis", "mysql2", "pg", "temporal", "undici"].map((name) => `adapters/${name}`),
  ...["diagnostics-channel", "opentelemetry"].map((name) => `instrumentation/${name}`),
];

/** Those that need WebAssembly. The others and the main entry are there a second time under `undaunted/js`, with the engine's twin. */
const WITHOUT_TWIN = ["lab", "resume", "adapters/bullmq", "adapters/temporal"];
export const TWINS = ENTRIES.filter((name) => !WITHOUT_TWIN.includes(name));

/** Conditions of hosts that refuse WebAssembly: they get the twin whatever they import. */
const HOSTS_OF_THE_TWIN = ["workerd", "edge-light", "react-native"];

const manifest = fileURLToPath(new URL("../package.json", import.meta.url));

/** The parts of package.json that follow from them. */
function fields() {
  return {
    exports: {
      ".": targetsOf("index"),
      ...Object.fromEntries(ENTRIES.map((name) => [`./${name}`, targetsOf(name)])),
      "./js": twinOf("index"),
      ...Object.fromEntries(TWINS.map((name) => [`./js/${name}`, twinOf(name)])),
      "./policy.schema.json": "./policy.schema.json",
      "./package.json": "./package.json",
    },
    // For TypeScript's resolution `node10`, which does not know `exports`.
    typesVersions: {
      "*": Object.fromEntries([
        ...ENTRIES.map((name) => [name, declarationsOf(name)]),
        ["js", declarationsOf("index")],
        ...TWINS.map((name) => [`js/${name}`, declarationsOf(name)]),
      ]),
    },
  };
}

function targetsOf(name) {
  const twin = WITHOUT_TWIN.includes(name) ? [] : HOSTS_OF_THE_TWIN.map((host) => [host, twinOf(name)]);
  return { ...Object.fromEntries(twin), ...files(name, "./dist") };
}

function twinOf(name) {
  return files(name, "./dist/js");
}

/** Code from a folder; the declarations are the same for both engines. */
function files(name, folder) {
  const types = `./dist/${name}.d`;
  return {
    import: { types: `${types}.ts`, default: `${folder}/${name}.js` },
    require: { types: `${types}.cts`, default: `${folder}/${name}.cjs` },
  };
}

function declarationsOf(name) {
  return [`./dist/${name}.d.cts`];
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
