// node --expose-gc tests/bench/waiting.mjs SUBJECT COUNT [folder with the peers]: bytes of each of so many calls that have failed
// once and wait, by the memory of this process.
import { functions } from "./subjects.mjs";

const [, , name, count, folder] = process.argv;
/** Calls that wait before the memory is counted: what a library makes once is not what a call costs. */
const WARM = 1000;

const lost = Object.assign(new Error("lost"), { code: "ECONNRESET" });
let failed = 0;
const fail = async () => {
  failed++;
  throw lost;
};
const call = (await functions(folder, { initial: 1_000_000, maxDelay: 1_000_000, timeout: 5_000_000 }))[name](fail);
const calls = Array.from({ length: WARM + Number(count) });
for (let at = 0; at < WARM; at++) calls[at] = call();
const before = await used();
for (let at = WARM; at < calls.length; at++) calls[at] = call();
const grown = (await used()) - before;
// Jitter lets a few go on meanwhile.
if (!(failed >= calls.length && failed < calls.length * 1.1)) throw new Error(`${failed} attempts of ${calls.length} calls`);
console.log(Math.round(grown / Number(count)));
process.exit();

/** Once everything but timers has happened and the collector, which frees buffers beside the program, has come to rest. */
async function used() {
  for (let i = 0; i < 6; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
