// Where a call's random words come from: the system's entropy, once per process; or the user's seed.
import * as engine from "engine-glue";
import { load } from "./engine.js";
import type { Seed } from "./options.js";

/** The high and the low half of 64 bits. */
export type Halves = readonly [high: number, low: number];

let entropy: Uint32Array | undefined;
let calls = 0;

/**
 * The seed of the next call that fails. The clock is mixed in, so that processes restored from one snapshot, which share
 * their entropy, do not wait alike.
 */
export function nextCallSeed(): Halves {
  entropy ??= globalThis.crypto.getRandomValues(new Uint32Array(2));
  const now = Date.now();
  return callSeed([entropy[0]! ^ (now / 2 ** 32), entropy[1]! ^ now], ++calls);
}

/** The seed of call number `call` (from 1) under a seed. */
export function callSeed([high, low]: Halves, call: number): Halves {
  const { numbers } = load();
  if (!Number.isSafeInteger(call) || call < 1) throw new RangeError(`call is ${call}, allowed 1 to 2^53-1`);
  engine.call_seed(high, low, call);
  return [numbers[0]!, numbers[1]!];
}

/** The user's seed in halves. */
export function halves(seed: Seed, name = "seed"): Halves {
  const isRight = typeof seed === "bigint" || (typeof seed === "string" ? /^\d{1,20}$/.test(seed) : Number.isSafeInteger(seed));
  const word = isRight ? BigInt(seed) : -1n;
  if (word < 0n || word >> 64n > 0n) {
    throw new RangeError(`${name} is ${String(seed)}, allowed 0 to 2^64-1 as a BigInt, as decimal text or as a safe integer`);
  }
  return [Number(word >> 32n), Number(word & 0xffffffffn)];
}

/** Halves as decimal text. */
export function decimal([high, low]: Halves): string {
  return String((BigInt(high) << 32n) | BigInt(low));
}
