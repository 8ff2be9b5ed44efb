/** Made by the build: the wasm as printable text, see `printable` in scripts/engine.mjs. */
declare module "engine-wasm" {
  export const WASM: string;
}
/** Made by the build: the same engine as JavaScript, and as printable text what stands in its memory from an address on. */
declare module "engine-js" {
  export function twin(): object;
  export const DATA: string;
  export const START: number;
}
/** As engine-wasm, of the lab, and what it imports. */
declare module "lab-wasm" {
  export const WASM: string;
  /** For one instance, whose exports it is told. */
  export function glue(): Record<string, Function> & { __wbg_set_wasm(exports: object): void };
}
declare const VERSION: string;
