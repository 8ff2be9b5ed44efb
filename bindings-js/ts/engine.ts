// The engine: made at the first policy or failure, synchronously.
import { BACKEND, make } from "./made-wasm.js";

/** A compiled policy: its bytes as the engine keeps them. */
export type Compiled = Uint8Array;

/** The state of a call, a budget or a guard while another uses the engine. */
export interface State {
  bytes?: string | undefined;
}

/** The engine's functions, as ABI.md describes them, and its memory, which never grows. */
export interface Made {
  readonly memory: { readonly buffer: ArrayBuffer };
  area(which: number): number;
  area_size(which: number): number;
  attempt(now: number): number;
  breaker_look(now: number): number;
  breaker_permit(now: number): number;
  breaker_reseed(high: number, low: number): void;
  breaker_settle(generation: number, probe: number, outcome: number, elapsed: number, now: number): void;
  bulkhead_cancel(): void;
  bulkhead_enter(): number;
  bulkhead_leave(): number;
  bulkhead_look(): void;
  call_seed(high: number, low: number, call: number): void;
  cancelled(now: number): void;
  classify(...failure: FailureArguments): number;
  compile(length: number, notation: number, onBase: number): number;
  compile_guard(kind: number, length: number, notation: number, high: number, low: number): number;
  dump(): number;
  failed(
    now: number, domain: number, codeKind: number, code: number, flags: number, wait: number, hint: number,
    nameLength: number, methodLength: number, bodyLength: number,
  ): number;
  guard_problem(kind: number, length: number, notation: number, index: number): void;
  header(index: number): number;
  hedge_end(): void;
  hedge_failed(now: number, pushback: number, shares: number): void;
  hedge_refused(shares: number): void;
  hedge_start(now: number, high: number, low: number): void;
  hedge_step(now: number, shares: number): number;
  hedge_succeeded(now: number, shares: number): void;
  problem(length: number, notation: number, onBase: number, index: number): void;
  read_hint(length: number, now: number): number;
  schedule(high: number, low: number, skip: number, count: number): void;
  settings(): void;
  share(which: number, isThere: number, high: number, low: number): number;
  shared_name(which: number): number;
  start(startedAt: number, high: number, low: number, outerDeadline: number, mode: number): void;
  succeeded(now: number): void;
  throttle_accepted(now: number): void;
  throttle_allow(now: number, high: number, low: number): number;
  throttle_ask(now: number): number;
  throttle_look(now: number): void;
  tokens(now: number): number;
}

/** An engine with views of its memory. */
export interface Engine extends Made {
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  readonly numbers: Float64Array;
  readonly policy: Uint8Array;
  readonly call: Uint8Array;
  readonly budget: Uint8Array;
  readonly guard: Uint8Array;
}

/** What the engine is told of a failure; its name and method stand in the input area. */
export type FailureArguments = [
  domain: number, codeKind: number, code: number, flags: number, hint: number, nameLength: number, methodLength: number,
];

let engine: Engine | undefined;
let policyInUse: Compiled | undefined;
const inUse: { call?: State | undefined; budget?: State | undefined; guard?: State | undefined } = {};

/** The engine, ready for use. */
export function load(): Engine {
  return (engine ??= withAreas(make()));
}

/** Makes a policy the one that the engine's functions mean. */
export function usePolicy(compiled: Compiled): void {
  if (policyInUse !== compiled) load().policy.set((policyInUse = compiled));
}

/** The policy in use, copied out. */
export function keepPolicy(): Compiled {
  return (policyInUse = load().policy.slice());
}

/** Makes a call, a budget or a guard the one that the engine's functions mean. */
export function use(what: "call" | "budget" | "guard", state: State): void {
  const before = inUse[what];
  if (before === state) return;
  const area = load()[what];
  if (before) before.bytes = textOf(area);
  const { bytes } = state;
  if (bytes !== undefined) {
    area.fill(0);
    for (let at = 0; at < bytes.length; ) area[bytes.charCodeAt(at++)] = bytes.charCodeAt(at++);
  }
  inUse[what] = state;
}

/**
 * A state copied out: place and value of each byte that is not 0. Calls wait by the thousand, and as a text such a state is a
 * quarter as heavy as an array.
 */
export function textOf(area: Uint8Array): string {
  const kept: number[] = [];
  area.forEach((byte, at) => byte && kept.push(at, byte));
  return String.fromCharCode(...kept);
}

/** Makes a guard the one that the engine's functions mean; answers the engine. */
export function useGuard(state: State): Engine {
  use("guard", state);
  return load();
}

/** A guard that is over needs no copy of its state. */
export function dropGuard(state: State): void {
  if (inUse.guard === state) inUse.guard = undefined;
}

/** A call that is over needs no copy of its state. */
export function dropCall(call: State): void {
  if (inUse.call === call) inUse.call = undefined;
}

/** Text from the output area. */
export function output(from: number, to: number): string {
  return new TextDecoder().decode(load().output.subarray(from, to));
}

/** Text in UTF-8: one character for each byte. */
export function utf8(text: string): string {
  let bytes = "";
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return bytes;
}

/** Such a text after a mark and its length in four bytes, the lowest first. */
export function counted(mark: string, text: string): string {
  const bytes = utf8(text);
  const { length } = bytes;
  return mark + String.fromCharCode(length & 255, (length >> 8) & 255, length >> 16, 0) + bytes;
}

/** Writes such a text into the input area; answers its length. What does not fit is left out. */
export function input(bytes: string): number {
  const area = load().input;
  for (let at = 0; at < bytes.length; at++) area[at] = bytes.charCodeAt(at);
  return bytes.length;
}

/** Which implementation of the engine is in use: WebAssembly, or the same as generated JavaScript. */
export function backend(): "wasm" | "js" {
  load();
  return BACKEND;
}

function withAreas(made: Made): Engine {
  const { buffer } = made.memory;
  const area = (which: number) => new Uint8Array(buffer, made.area(which), made.area_size(which));
  return {
    ...made,
    input: area(0),
    output: area(1),
    numbers: new Float64Array(buffer, made.area(2), 8),
    policy: area(3),
    call: area(4),
    budget: area(5),
    guard: area(6),
  };
}
