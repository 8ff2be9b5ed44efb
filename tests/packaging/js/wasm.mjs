// A host for undaunted.wasm written from ABI.md alone: the waits of every schedule vector, and one call by hand.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";

const module = new WebAssembly.Module(readFileSync("undaunted.wasm"));
assert.deepEqual([], WebAssembly.Module.imports(module));
const { exports: engine } = new WebAssembly.Instance(module, {});
const area = (which) => new Uint8Array(engine.memory.buffer, engine.area(which) >>> 0, engine.area_size(which));
const [input, output] = [area(0), area(1)];
const numbers = new Float64Array(engine.memory.buffer, engine.area(2) >>> 0, 8);

let delays = 0;
for (const file of readdirSync(".").filter((name) => name.endsWith(".json"))) {
  const { kind, cases } = JSON.parse(readFileSync(file, "utf8"));
  for (const vector of kind === "schedule" ? cases : []) {
    compile(vector.policy);
    const seed = vector.call_seed ? halves(vector.call_seed) : callSeed(vector.seed, vector.call ?? 1);
    engine.schedule(...seed, 0, vector.expect.length);
    const waits = [...new Float64Array(output.slice(0, 8 * vector.expect.length).buffer)];
    assert.deepEqual(vector.expect, waits, vector.name);
    delays += waits.length;
  }
}
assert.ok(delays > 100);

// The first wait of a call is that of its schedule; a code that no table knows is given up: reason 4, permanent.
compile({ attempts: 2 });
engine.schedule(0, 7, 0, 1);
const [first] = new Float64Array(output.slice(0, 8).buffer);
engine.start(0, 0, 7, -1, 0);
assert.equal(0, engine.failed(0, 0, 1, 503, 0, -1, -1, 0, 0, 0) & 15);
assert.equal(first, numbers[0]);
engine.start(0, 0, 7, -1, 0);
assert.equal(4, engine.failed(0, 5, 1, 12345, 0, -1, -1, 0, 0, 0) & 15);
console.log(`gives ${delays} delays as the vectors do`);

/** Puts a policy into use. */
function compile(policy) {
  const bytes = tape(policy);
  input.set(bytes);
  assert.equal(0, engine.compile(bytes.length, 0, 0), JSON.stringify(policy));
}

/** A value in pre-order: a tag, and for numbers and texts their length and UTF-8. */
function tape(value) {
  if (value === null) return tag("n");
  if (typeof value === "boolean") return tag(value ? "t" : "f");
  if (typeof value === "number") return counted("d", String(value));
  if (typeof value === "string") return counted("s", value);
  if (Array.isArray(value)) return [...tag("["), ...value.flatMap(tape), ...tag("]")];
  return [...tag("{"), ...Object.entries(value).flatMap(([key, item]) => [...tape(key), ...tape(item)]), ...tag("}")];
}

function tag(letter) {
  return [letter.charCodeAt(0)];
}

function counted(letter, text) {
  const bytes = new TextEncoder().encode(text);
  return [...tag(letter), ...new Uint8Array(new Uint32Array([bytes.length]).buffer), ...bytes];
}

function callSeed(seed, call) {
  engine.call_seed(...halves(seed), call);
  return [numbers[0], numbers[1]];
}

function halves(word) {
  return [Number(BigInt(word) >> 32n), Number(BigInt(word) & 0xffffffffn)];
}
