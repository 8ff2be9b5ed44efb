// node tests/js/conformance.mjs [--chromium | --twin]: every vector, in Node and with undaunted.wasm, which has no lab; or in headless
// Chromium; or in Node with the engine's twin in JavaScript, which has neither the lab nor single draws.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inChromium, inNode, plainWasm } from "./host.mjs";

const folder = fileURLToPath(new URL("../vectors/", import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith(".json")).sort();
const vectors = files.map((name) => [name, JSON.parse(readFileSync(folder + name, "utf8"))]);
const cases = vectors.reduce((sum, [, { cases }]) => sum + cases.length, 0);
const isChromium = process.argv.includes("--chromium");
const isTwin = process.argv.includes("--twin");
const host = isChromium ? "chromium" : isTwin ? "node-js" : "node";
let failed = cases === 0;

if (isTwin) {
  const module = await inNode(isTwin);
  await runKinds(module, host, module.inlined(), (kind) => kind !== "draw" && !module.LAB_KINDS.includes(kind));
} else if (!isChromium) {
  const module = await inNode();
  const [inlined, plain] = [module.inlined(), module.plain(plainWasm())];
  for (const [name, file] of vectors) report(host, name, await module.wrongCases(inlined, plain, file));
  reportRun(host, cases, files);
  reportLab(host, module.labTexts);
  await runKinds(module, "undaunted.wasm", plain, (kind) => !module.LAB_KINDS.includes(kind));
} else {
  const { page, close } = await inChromium();
  for (const [name, file] of vectors) {
    const run = (file) => window.engine.wrongCases(window.engine.inlined(), window.draws, file);
    report(host, name, await page.evaluate(run, file));
  }
  reportLab(host, await page.evaluate(() => window.engine.labTexts));
  await close();
  reportRun(host, cases, files);
}
process.exitCode = failed ? 1 : 0;

/** The vectors of some kinds, on an engine without a lab. */
async function runKinds(module, host, engine, isKnown) {
  const known = vectors.filter(([, { kind }]) => isKnown(kind));
  for (const [name, file] of known) report(host, name, await module.wrongCases(engine, engine, file));
  reportRun(host, known.reduce((sum, [, { cases }]) => sum + cases.length, 0), known);
}

function reportRun(host, cases, { length }) {
  failed ||= cases === 0;
  console.log(`vectors: ${host} ran ${cases} cases in ${length} files`);
}

function reportLab(host, texts) {
  console.log(`lab: ${host} ${texts.length} texts ${createHash("sha256").update(texts.join("\n")).digest("hex")}`);
}

function report(host, name, wrong) {
  failed ||= wrong.length > 0;
  for (const text of wrong) console.error(`${host}: ${name}: ${text}`);
}
