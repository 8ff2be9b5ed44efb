/** Made by the build: the glue of wasm-bindgen, and the wasm as hexadecimal text. */
declare module "engine-glue" {
  export function __wbg_set_wasm(exports: WebAssembly.Exports): void;
  export function area(which: number): number;
  export function area_size(which: number): number;
  export function attempt(now: number): number;
  export function call_seed(high: number, low: number, call: number): void;
  export function classify(
    domain: number, codeKind: number, code: number, flags: number, hint: number, nameLength: number, methodLength: number,
  ): number;
  export function compile(length: number, notation: number, onBase: number): number;
  export function dump(): number;
  export function failed(
    now: number, domain: number, codeKind: number, code: number, flags: number, wait: number, hint: number,
    nameLength: number, methodLength: number, bodyLength: number,
  ): number;
  export function header(index: number): number;
  export function problem(length: number, notation: number, onBase: number, index: number): void;
  export function read_hint(length: number, now: number): number;
  export function schedule(high: number, low: number, skip: number, count: number): void;
  export function settings(): void;
  export function start(startedAt: number, high: number, low: number, outerDeadline: number, mode: number): void;
}
declare module "engine-wasm" {
  export const WASM: string;
}
declare const VERSION: string;
