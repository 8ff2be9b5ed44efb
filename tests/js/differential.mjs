// node tests/js/differential.mjs FILE [LINES] [--chromium | --twin]: decides the cases of FILE; prints how many and their digest.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { inChromium, inNode } from "./host.mjs";

const BATCH = 5000;
const [file, lines] = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const host = process.argv.includes("--chromium") ? await chromium() : await node();
const hash = createHash("sha256");
const written = lines && createWriteStream(lines);
let count = 0;
let batch = [];
for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
  if (line.trim()) batch.push(line);
  if (batch.length === BATCH) await decide();
}
await decide();
await host.close();
written?.end();
console.log(`differential: ${host.name} ${count} cases ${hash.digest("hex")}`);

async function decide() {
  for (const line of await host.decide(batch)) {
    const text = (count++ ? "\n" : "") + line;
    hash.update(text);
    written?.write(text);
  }
  batch = [];
}

async function node() {
  const isTwin = process.argv.includes("--twin");
  const { inlined, lineOf } = await inNode(isTwin);
  const engine = inlined();
  return { name: isTwin ? "node-js" : "node", decide: (batch) => batch.map((line) => lineOf(engine, JSON.parse(line))), close() {} };
}

async function chromium() {
  const { page, close } = await inChromium();
  const decide = (batch) => {
    const engine = window.engine.inlined();
    return batch.map((line) => window.engine.lineOf(engine, JSON.parse(line)));
  };
  return { name: "chromium", decide: (batch) => page.evaluate(decide, batch), close };
}
