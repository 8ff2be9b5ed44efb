/** Made by the build: the wasm as printable text, see `printable` in scripts/engine.mjs. */
declare module "engine-wasm" {
  export const WASM: string;
}
/** The same, of the lab. */
declare module "lab-wasm" {
  export const WASM: string;
}
declare const VERSION: string;
