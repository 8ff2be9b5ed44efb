/** Made by the build: the wasm as printable text, see `printable` in scripts/engine.mjs. */
declare module "engine-wasm" {
  export const WASM: string;
}
/** The same, of the lab, and what it imports. */
declare module "lab-wasm" {
  export const WASM: string;
  /** For one instance, whose exports it is told. */
  export function glue(): Record<string, Function> & { __wbg_set_wasm(exports: object): void };
}
declare const VERSION: string;
