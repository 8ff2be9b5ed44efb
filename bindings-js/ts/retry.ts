// The one function for most uses.
import type { Attempted } from "./call.js";
import { partsOf } from "./inline.js";
import type { RetryOptions } from "./options.js";
import { Policy } from "./policy.js";

/**
 * Calls `fn` until it succeeds or the policy gives up; then its last error is thrown as it came.
 *
 * The policy is one that you have, the options of one, or by default `standard`: 10 attempts in 45 s.
 */
export function retry<T>(fn: Attempted<T>, options: Policy | RetryOptions<T> = {}): Promise<T> {
  try {
    if (options instanceof Policy) return options.run(fn);
    const { policy, run } = partsOf<T>(options);
    return policy.run(fn, run);
  } catch (error) {
    return Promise.reject(error);
  }
}
