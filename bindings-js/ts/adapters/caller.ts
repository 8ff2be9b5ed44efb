// What the adapters share: calls one after the other, under the policy that holds when they begin.
import type { Attempted, Request } from "../call.js";
import type { Settings } from "../compile.js";
import type { Context } from "../context.js";
import {
  counting, isSource, perform, type Policy, type PolicyOptions, policyOf, type RunOptions, settingsFor, type Source,
} from "../core.js";

/** A policy that you have, the options of one, or a source of them. */
export type GivenPolicy = Policy | PolicyOptions | Source;

/** What an adapter may be told of its calls, beside the policy. */
export type CallOptions = Pick<
  RunOptions<never>, "on" | "onEvent" | "onRetry" | "onGiveUp" | "onSuccess" | "name" | "unref" | "seed" | "call"
>;

/** One call: the function that makes an attempt, and what belongs to this call alone. */
export type Caller = <T>(
  attempt: (context: Context, settings: Settings) => T | PromiseLike<T>,
  own?: Pick<RunOptions<never>, "signal" | "onRetry" | "unref">,
  request?: Request,
) => Promise<T>;

/** Answers what makes calls. `adapt` makes of a policy the one that is followed. */
export function caller(given: GivenPolicy | undefined, options: CallOptions, adapt = (policy: Policy): Policy => policy): Caller {
  const next = counting<never>(options);
  const chosen = isSource(given) ? given : adapt(policyOf(given));
  return (attempt, own, request) => {
    const begin = <T>(policy: Policy, attempt: (context: Context, settings: Settings) => T | PromiseLike<T>) => {
      const settings = settingsFor(policy);
      const attempted: Attempted<T> = (context) => attempt(context, settings);
      return perform(policy, settings, attempted, { ...next(), ...own } as RunOptions<T>, request);
    };
    return isSource(chosen) ? Promise.resolve(chosen.current()).then((policy) => begin(adapt(policy), attempt)) : begin(chosen, attempt);
  };
}
