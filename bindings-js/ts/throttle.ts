// A throttle: refuses some calls on this side, the more of them the fewer were accepted.
import { checkIsObject, type State, useGuard } from "./core.js";
import {
  begin, called, compileGuard, counting, type CountingOptions, type GuardedContext, type GuardedOptions, isAbort, Kind, now, numbers, seedFor,
} from "./guard.js";
import type { Duration } from "./options.js";

/** The options of a throttle. `on` says which errors mean that the backend did not accept the call; others count as accepted. */
export interface ThrottleOptions extends CountingOptions {
  /** How many calls are let through for each accepted one, 1 to 100. Default 2. */
  readonly k?: number | undefined;
  /** How long calls count, a tenth forgotten at a time. Default `"120s"`. */
  readonly window?: Duration | undefined;
}

/** A throttle refused the call, on this side: nothing was sent. */
export class Throttled extends Error {
  override readonly name = "Throttled";

  constructor(throttle?: string) {
    super(`${called("throttle", throttle)} refused the call, since too few of the last ones were accepted; nothing was sent`);
  }
}

/**
 * One client-side throttle for one backend: refuses with probability max(0, (requests - k * accepts) / (requests + 1)).
 * Source: "Handling Overload", Site Reliability Engineering.
 */
export class Throttle {
  readonly name: string | undefined;
  /** @internal */
  guard: State;
  readonly #counts: (error: unknown) => boolean;

  /** Throws a `PolicyError` with every mistake in the options. */
  constructor(given: ThrottleOptions = {}) {
    checkIsObject(given);
    const { on, name, seed, ...options } = given;
    this.name = name;
    this.#counts = counting(on);
    this.guard = compileGuard(Kind.Throttle, options, seedFor(seed));
  }

  /** Calls `fn`, or throws `Throttled`. An aborted call counts as accepted. */
  async run<T>(fn: (context: GuardedContext) => T, options: GuardedOptions = {}): Promise<Awaited<T>> {
    const context = begin(fn, options);
    if (!useGuard(this.guard).throttle_ask(now())) throw new Throttled(this.name);
    let isAccepted = true;
    try {
      return await fn(context);
    } catch (error) {
      isAccepted = isAbort(error, options.signal) || !this.#counts(error);
      throw error;
    } finally {
      if (isAccepted) useGuard(this.guard).throttle_accepted(now());
    }
  }

  /** Calls in the window, refused ones included, and how many of them were accepted. */
  snapshot(): { readonly requests: number; readonly accepts: number } {
    useGuard(this.guard).throttle_look(now());
    const [requests, accepts] = numbers(2) as [number, number];
    return { requests, accepts };
  }
}
