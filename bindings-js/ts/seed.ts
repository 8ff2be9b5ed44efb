// Where a call's random words come from: the system's entropy, once per process; or the user's seed.
import { load } from "./engine.js";
import type { Seed } from "./options.js";
import { refuse } from "./refuse.js";

/** The high and the low half of 64 bits. */
export type Halves = readonly [high: number, low: number];

let entropy: Uint32Array | undefined;
let calls = 0;

/**
 * The seed of a call: the user's for call number `call`; without one, that of the next call that fails. There the clock is
 * mixed in, so that processes restored from one snapshot, which share their entropy, do not wait alike.
 */
export function seedOf(seed: Seed | undefined, call = 1): Halves {
  if (seed !== undefined) return callSeed(halves(seed, "seed"), call);
  entropy ??= globalThis.crypto.getRandomValues(new Uint32Array(2));
  const now = Date.now();
  return callSeed([entropy[0]! ^ (now / 2 ** 32), entropy[1]! ^ now], ++calls);
}

/** Refuses what is no number of a call. */
export function checkCall(call: number, name: string): void {
  if (!Number.isSafeInteger(call) || call < 1) refuse(name, call, "1 to 2^53-1", RangeError);
}

/** The user's 64 bits in halves. */
export function halves(seed: Seed, name: string): Halves {
  const isRight = typeof seed === "number" ? Number.isSafeInteger(seed) : /^\d{1,20}$/.test(String(seed));
  const word = isRight ? BigInt(seed) : -1n;
  if (word !== BigInt.asUintN(64, word)) refuse(name, seed, "0 to 2^64-1 as BigInt, decimal text or safe integer", RangeError);
  return [Number(word >> 32n), Number(word & 0xffffffffn)];
}

/** Halves as decimal text. */
export function decimal([high, low]: Halves): string {
  return String((BigInt(high) << 32n) | BigInt(low));
}

function callSeed([high, low]: Halves, call: number): Halves {
  const { call_seed, numbers } = load();
  checkCall(call, "call");
  call_seed(high, low, call);
  return [numbers[0]!, numbers[1]!];
}
