// What breakers, throttles, bulkheads and hedges share: their options, their clock, and which errors count.
import {
  checkFunction, checkSignal, clock, type Halves, halves, input, isClass, load, Notation, PolicyError,
  problemsOf, refuse, seedOf, type State, tapeOf, unwatch, useGuard, watch,
} from "./core.js";
import type { ErrorClass, Seed } from "./options.js";

/** Which errors count: classes, or a predicate. */
export type Counted = ErrorClass | readonly ErrorClass[] | ((error: unknown) => boolean);

/** What every guard takes beside its own options. */
export interface GuardOptions {
  /** What its errors call it. */
  readonly name?: string | undefined;
}

/** What a guard with chances takes. */
export interface CountingOptions extends GuardOptions {
  /** Which errors count. Default all. */
  readonly on?: Counted | undefined;
  /** Makes what is drawn repeatable: 0 to 2^64-1. Without it, it comes from the system's entropy. */
  readonly seed?: Seed | undefined;
}

/** The options of one guarded call. */
export interface GuardedOptions {
  /** Stops the call; its `reason` is thrown if the call had not begun. */
  readonly signal?: AbortSignal | null | undefined;
}

/** What a guarded function is given. */
export interface GuardedContext {
  /** The caller's, if there is one. */
  readonly signal: AbortSignal | undefined;
}

/** The engine's numbers for the kinds. */
export const enum Kind { Breaker, Throttle, Bulkhead, Hedge }

/** Compiles options and puts the guard into use; throws a `PolicyError` with every mistake in them. */
export function compileGuard(kind: Kind, options: object, [high, low]: Halves = [0, 0]): State {
  const state: State = {};
  const engine = useGuard(state);
  const tape = tapeOf(options);
  const length = Math.min(input(tape), engine.input.length);
  const count = engine.compile_guard(kind, length, Notation.JavaScript, high, low);
  if (count) {
    throw new PolicyError(problemsOf(count, (index) => engine.guard_problem(kind, length, Notation.JavaScript, index)));
  }
  return state;
}

/** The user's seed as it is, or one of the system's entropy. */
export function seedFor(seed: Seed | undefined): Halves {
  return seed === undefined ? seedOf(undefined) : halves(seed, "seed");
}

/** Whole microseconds of a clock that does not jump. */
export function now(): number {
  return Math.round(clock() * 1000);
}

/** Whether an error counts, as `on` says. */
export function counting(on: Counted | undefined): (error: unknown) => boolean {
  if (on === undefined) return () => true;
  if (isClass(on) || Array.isArray(on)) {
    const classes = (Array.isArray(on) ? on : [on]) as (new () => unknown)[];
    if (classes.every(isClass)) return (error) => classes.some((kind) => error instanceof kind);
  } else if (typeof on === "function") {
    return on as (error: unknown) => boolean;
  }
  return refuse("on", on, "a predicate, a class of errors or a list of classes");
}

/** Whether the call was stopped rather than failed. */
export function isAbort(error: unknown, signal: AbortSignal | null | undefined): boolean {
  return !!signal?.aborted || (error as { name?: unknown } | null | undefined)?.name === "AbortError";
}

/** Refuses wrong arguments; throws the signal's reason if it has aborted. */
export function begin(fn: unknown, { signal }: GuardedOptions): GuardedContext {
  checkFunction(fn, "what is called");
  if (signal) {
    checkSignal(signal, "signal");
    signal.throwIfAborted();
  }
  return { signal: signal ?? undefined };
}

/** A promise, unless the signal aborts first. */
export function orAbort<T>(promise: T | PromiseLike<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return Promise.resolve(promise);
  return new Promise((resolve, reject) => {
    const watcher = { abort: () => reject(signal.reason) };
    watch(signal, watcher);
    Promise.resolve(promise).then(resolve, reject).finally(() => unwatch(signal, watcher));
  });
}

/** A guard's name before what its errors say. */
export function called(kind: string, name: string | undefined): string {
  return `the ${kind}${name === undefined ? "" : ` ${name}`}`;
}

/** The first numbers of the engine's last answer. */
export function numbers(count: number): number[] {
  return [...load().numbers.subarray(0, count)];
}
