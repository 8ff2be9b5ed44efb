// How a call begins: bare where nothing has to be watched, so that a success costs a clock and a promise.
import { type Attempted, Call, type Request, runBare } from "./call.js";
import { type Settings } from "./compile.js";
import { RUN_OPTIONS, type RunOptions } from "./options.js";
import type { Policy } from "./policy.js";
import { callSeed, halves } from "./seed.js";
import { describe } from "./tape.js";
import { clock } from "./timer.js";
import { checkOn } from "./verdict.js";

/** Runs `fn` under a policy. Whatever is wrong with the arguments rejects. */
export function perform<T>(
  policy: Policy, settings: Settings, fn: Attempted<T>, options: RunOptions<T> | undefined, request?: Request,
): Promise<T> {
  try {
    if (typeof fn !== "function") throw new TypeError(`${describe(fn)} is given to be retried, allowed a function`);
    if (options !== undefined) checkRunOptions(options);
    return launch(policy, settings, fn, options, request);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** The same for arguments that were checked before. */
export function launch<T>(
  policy: Policy, settings: Settings, fn: Attempted<T>, options: RunOptions<T> = NONE, request?: Request,
): Promise<T> {
  return options !== NONE && isWatched(options) || settings.isWatched
    ? new Call(policy, settings, fn, options, request, clock()).begin()
    : runBare(policy, settings, fn, options, request);
}

export function checkIsObject(options: unknown): void {
  if (typeof options !== "object" || options === null) throw new TypeError(`the options are ${describe(options)}, allowed an object`);
}

/** Refuses options of a call that are none, or of the wrong kind. */
export function checkRunOptions(options: RunOptions<never>): void {
  checkIsObject(options);
  for (const name in options) {
    if (!RUN_OPTIONS.has(name)) {
      throw new TypeError(`${name} is no option of a call, allowed ${[...RUN_OPTIONS].join(", ")}; put a policy's options into the policy`);
    }
    const value = (options as Record<string, unknown>)[name];
    if (value === undefined) continue;
    if ((name.startsWith("on") && name !== "on") || name === "retryIfResult") {
      if (typeof value !== "function") throw new TypeError(`${name} is ${describe(value)}, allowed a function`);
    } else if (name === "signal") {
      if (value !== null && typeof (value as AbortSignal).addEventListener !== "function") {
        throw new TypeError(`signal is ${describe(value)}, allowed an AbortSignal`);
      }
    } else if (name === "on") checkOn(value);
    else if (name === "seed") halves(options.seed!);
    else if (name === "call") callSeed([0, 0], options.call!);
  }
}

function isWatched(options: RunOptions<never>): boolean {
  return !!(options.signal ?? options.retryIfResult ?? options.onEvent ?? options.onSuccess);
}

const NONE = {};
