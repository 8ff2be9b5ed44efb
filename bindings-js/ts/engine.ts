// The engine: instantiated at the first policy or failure, synchronously, from text inside this file's bundle.
import * as glue from "engine-glue";
import { WASM } from "engine-wasm";

/** A compiled policy: its bytes as the engine keeps them. */
export type Compiled = Uint8Array;

/** A call's state while another call uses the engine. */
export interface State {
  bytes?: Uint8Array;
}

/** Views of the engine's memory, which never grows. */
export interface Areas {
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  readonly numbers: Float64Array;
  readonly policy: Uint8Array;
  readonly call: Uint8Array;
}

let areas: Areas | undefined;
let policyInUse: Compiled | undefined;
let callInUse: State | undefined;

/** The engine, ready for use. */
export function load(): Areas {
  return (areas ??= instantiate());
}

/** Makes a policy the one that the engine's functions mean. */
export function usePolicy(compiled: Compiled): void {
  if (policyInUse !== compiled) {
    load().policy.set(compiled);
    policyInUse = compiled;
  }
}

/** The policy in use, copied out. */
export function keepPolicy(): Compiled {
  return (policyInUse = load().policy.slice());
}

/** The engine's policy is no longer the one last used. */
export function forgetPolicy(): void {
  policyInUse = undefined;
}

/** Makes a call the one that the engine's functions mean. */
export function useCall(state: State): void {
  if (callInUse === state) return;
  const { call } = load();
  if (callInUse) callInUse.bytes = call.slice();
  if (state.bytes) call.set(state.bytes);
  callInUse = state;
}

/** A call that is over needs no copy of its state. */
export function dropCall(state: State): void {
  if (callInUse === state) callInUse = undefined;
}

/** Text from the output area. */
export function output(from: number, to: number): string {
  return new TextDecoder().decode(load().output.subarray(from, to));
}

/** Writes text into the input area; answers its end. What does not fit is left out. */
export function input(at: number, text: string): number {
  const area = load().input;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127 || at + i >= area.length) return at + new TextEncoder().encodeInto(text, area.subarray(at)).written;
    area[at + i] = unit;
  }
  return at + text.length;
}

/** Which implementation of the engine is in use. */
export function backend(): "wasm" {
  load();
  return "wasm";
}

function instantiate(): Areas {
  try {
    const bytes = new Uint8Array(WASM.length / 2);
    for (let i = 0; i < bytes.length; i++) bytes[i] = digit(2 * i) * 16 + digit(2 * i + 1);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { "./engine_bg.js": glue });
    glue.__wbg_set_wasm(exports);
    (exports.__wbindgen_start as () => void)();
    const { buffer } = exports.memory as WebAssembly.Memory;
    const area = (which: number) => new Uint8Array(buffer, glue.area(which), glue.area_size(which));
    return {
      input: area(0),
      output: area(1),
      numbers: new Float64Array(buffer, glue.area(2), glue.area_size(2) / 8),
      policy: area(3),
      call: area(4),
    };
  } catch (cause) {
    throw new Error(
      "undaunted needs WebAssembly and this host refuses it; in a page, add 'wasm-unsafe-eval' to script-src",
      { cause },
    );
  }
}

function digit(at: number): number {
  const unit = WASM.charCodeAt(at);
  return unit - (unit > 57 ? 87 : 48);
}
