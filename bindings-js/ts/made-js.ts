// The engine as JavaScript that the build generated from the same wasm, for hosts that refuse it.
import { DATA, START, twin } from "engine-js";
import type { Made } from "./engine.js";
import { bytesOf } from "./printable.js";

export const BACKEND: "wasm" | "js" = "js";

/** A new engine. */
export function make(): Made {
  const made = twin() as Made;
  new Uint8Array(made.memory.buffer).set(bytesOf(DATA), START);
  return made;
}
