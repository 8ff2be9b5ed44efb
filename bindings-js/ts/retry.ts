// The one function for most uses.
import type { Attempted } from "./call.js";
import { partsOf } from "./inline.js";
import type { RetryOptions, Source } from "./options.js";
import { Policy } from "./policy.js";

/**
 * Calls `fn` until it succeeds or the policy gives up; then its last error is thrown as it came.
 *
 * The policy is one that you have, the options of one, a source of them, or by default `standard`: 10 attempts in 45 s.
 */
export function retry<T>(fn: Attempted<T>, options: Policy | Source | RetryOptions<T> = {}): Promise<T> {
  try {
    if (options instanceof Policy) return options.run(fn);
    const source = isSource(options) ? options : options?.policy;
    if (isSource(source)) {
      return Promise.resolve(source.current()).then((policy) => retry(fn, { ...(source === options ? undefined : options), policy } as RetryOptions<T>));
    }
    const { policy, run } = partsOf<T>(options as RetryOptions<T>);
    return policy.run(fn, run);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Whether it is asked for a policy at the start of each call. */
export function isSource(value: unknown): value is Source {
  return typeof (value as Source | undefined)?.current === "function";
}
