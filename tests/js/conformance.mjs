// node tests/js/conformance.mjs [--chromium]: every vector, in Node and with undaunted.wasm, which has no lab; or in headless Chromium.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inChromium, inNode, plainWasm } from "./host.mjs";

const folder = fileURLToPath(new URL("../vectors/", import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith(".json")).sort();
const vectors = files.map((name) => [name, JSON.parse(readFileSync(folder + name, "utf8"))]);
const cases = vectors.reduce((sum, [, { cases }]) => sum + cases.length, 0);
const isChromium = process.argv.includes("--chromium");
let failed = cases === 0;

if (!isChromium) {
  const module = await inNode();
  const [inlined, plain] = [module.inlined(), module.plain(plainWasm())];
  for (const [name, file] of vectors) report("node", name, await module.wrongCases(inlined, plain, file));
  console.log(`vectors: node ran ${cases} cases in ${files.length} files`);
  reportLab("node", module.labTexts);
  const withoutLab = vectors.filter(([, { kind }]) => !module.LAB_KINDS.includes(kind));
  for (const [name, file] of withoutLab) report("undaunted.wasm", name, await module.wrongCases(plain, plain, file));
  const count = withoutLab.reduce((sum, [, { cases }]) => sum + cases.length, 0);
  console.log(`vectors: undaunted.wasm ran ${count} cases in ${withoutLab.length} files`);
} else {
  const { page, close } = await inChromium();
  for (const [name, file] of vectors) {
    const run = (file) => window.engine.wrongCases(window.engine.inlined(), window.draws, file);
    report("chromium", name, await page.evaluate(run, file));
  }
  reportLab("chromium", await page.evaluate(() => window.engine.labTexts));
  await close();
  console.log(`vectors: chromium ran ${cases} cases in ${files.length} files`);
}
process.exitCode = failed ? 1 : 0;

function reportLab(host, texts) {
  console.log(`lab: ${host} ${texts.length} texts ${createHash("sha256").update(texts.join("\n")).digest("hex")}`);
}

function report(host, name, wrong) {
  failed ||= wrong.length > 0;
  for (const text of wrong) console.error(`${host}: ${name}: ${text}`);
}
