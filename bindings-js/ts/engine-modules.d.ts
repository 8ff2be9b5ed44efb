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
/** The same of what a fleet needs of it. */
declare module "fleet-wasm" {
  export const WASM: string;
}
declare module "fleet-js" {
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
/** The scripts of core/src/fleet/, and what a server calls them. */
declare module "fleet-scripts" {
  export interface Script {
    readonly text: string;
    readonly sha: string;
  }
  export const BUDGET: Script;
  export const BREAKER: Script;
  export const BULKHEAD: Script;
  export const POLICY: Script;
  export const THROTTLE: Script;
}
declare const VERSION: string;
