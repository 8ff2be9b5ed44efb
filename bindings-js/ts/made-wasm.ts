// The engine as WebAssembly, from text inside this file's bundle. For dist/js the build takes made-js.ts in its place.
import { WASM } from "engine-wasm";
import type { Made } from "./engine.js";
import { instantiate } from "./instantiate.js";

export const BACKEND: "wasm" | "js" = "wasm";

/** A new engine. */
export function make(): Made {
  try {
    return instantiate(WASM) as unknown as Made;
  } catch (cause) {
    const text = "this host refuses WebAssembly; import undaunted/js instead or, in a page, add 'wasm-unsafe-eval' to script-src";
    throw new Error(text, { cause });
  }
}
