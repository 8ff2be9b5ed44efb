// How a call begins: bare where nothing has to be watched, so that a success costs a clock and a promise.
import { type Attempted, Call, NONE, type Request, runBare } from "./call.js";
import { type Settings } from "./compile.js";
import { marks } from "./marks.js";
import type { RunOptions } from "./options.js";
import type { Policy } from "./policy.js";
import { refuse } from "./refuse.js";
import { checkCall, halves } from "./seed.js";
import { checkOn } from "./verdict.js";

/** Runs `fn` under a policy. Whatever is wrong with the arguments rejects. */
export function perform<T>(
  policy: Policy, settings: Settings, fn: Attempted<T>, options: RunOptions<T> = NONE, request?: Request,
): Promise<T> {
  try {
    checkFunction(fn, "what is retried");
    let isWatched = settings.isWatched || marks().hooks.size > 0;
    if (options !== NONE) {
      checkRunOptions(options);
      isWatched ||= !!(options.signal ?? options.retryIfResult ?? options.onEvent ?? options.onSuccess);
    }
    return isWatched
      ? new Call(policy, settings, fn, options, request).begin()
      : runBare(policy, settings, fn, options, request);
  } catch (error) {
    return Promise.reject(error);
  }
}

export function checkFunction(value: unknown, name: string): void {
  if (typeof value !== "function") refuse(name, value, "a function");
}

export function checkIsObject(options: unknown): void {
  if (typeof options !== "object" || !options) refuse("options", options, "an object");
}

/** Whether a name is an option of a call. */
export function isRunOption(name: string): boolean {
  return Object.hasOwn(CHECKS, name);
}

/** Refuses options of a call that are none, or of the wrong kind. */
export function checkRunOptions(options: object): void {
  checkIsObject(options);
  for (const name in options) {
    if (!isRunOption(name)) {
      const allowed = Object.keys(CHECKS).join(", ");
      throw new TypeError(`${name} is no option of a call, allowed ${allowed}; put a policy's options into the policy`);
    }
    const value = (options as Record<string, unknown>)[name];
    if (value !== undefined) CHECKS[name]?.(value as never, name);
  }
}

/** Answers the options of one call after another: under a seed, each has its number. */
export function counting<T>(options: RunOptions<T> | undefined): () => RunOptions<T> | undefined {
  if (options !== undefined) checkRunOptions(options);
  let call = options?.call ?? 1;
  return () => (options?.seed === undefined ? options : { ...options, call: call++ });
}

export function checkSignal(signal: AbortSignal | null, name: string): void {
  if (signal && !signal.addEventListener) refuse(name, signal, "an AbortSignal");
}

/** The options of a call, and what refuses a wrong value. */
const CHECKS: { readonly [name: string]: ((value: never, name: string) => void) | undefined } = {
  signal: checkSignal,
  on: checkOn,
  retryIfResult: checkFunction,
  onEvent: checkFunction,
  onRetry: checkFunction,
  onGiveUp: checkFunction,
  onSuccess: checkFunction,
  name: undefined,
  unref: undefined,
  seed: halves,
  call: checkCall,
};
