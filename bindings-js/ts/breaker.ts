// A breaker: refuses calls for a while once too many have failed or been slow.
import { BreakerOpen, checkIsObject, fleet, NamedBreaker, Policy, stateOf, useGuard } from "./core.js";
import {
  begin, compileGuard, counting, type CountingOptions, type GuardedContext, type GuardedOptions, isAbort, Kind, now, numbers, orAbort, seedFor,
} from "./guard.js";
import type { BreakerSettings, PolicyBreaker } from "./options.js";

/** How a call ended; `ignored` says nothing about what was called, `dropped` was stopped. */
export type Outcome = "ok" | "failed" | "ignored" | "dropped";

/**
 * The options of a breaker. `on` says which errors are failures; others are ignored. With a `name` there is one in a process, for as
 * long as a policy or a program holds it: breakers and policies of the same name, and the same options, count together, each `on` for
 * its own calls.
 */
export interface BreakerOptions extends CountingOptions, BreakerSettings {}

/** Leave for one call. */
export interface Permit {
  /** How the call ended; a second time is harmless. */
  settle(outcome: Outcome): void;
}

/** One breaker for one thing that is called. What was started before a change of state does not count after it. */
export class Breaker extends NamedBreaker {
  readonly #counts: (error: unknown) => boolean;
  /** Holds the one of its name. */
  readonly #shared: NamedBreaker | undefined;

  /** Throws a `PolicyError` with every mistake in the options. */
  constructor(given: BreakerOptions = {}) {
    checkIsObject(given);
    const { on, name, seed, ...options } = given;
    const counts = counting(on);
    const halves = seedFor(seed);
    const shared = name === undefined ? undefined : new Policy({ preset: "none", breaker: { ...options, name } }).breaker!;
    super({} as PolicyBreaker, shared ? stateOf(shared) : compileGuard(Kind.Breaker, options, halves));
    this.#counts = counts;
    this.#shared = shared;
    if (shared && seed !== undefined) useGuard(stateOf(this)).breaker_reseed(...halves);
  }

  override toJSON(): PolicyBreaker {
    return this.#shared?.toJSON() ?? super.toJSON();
  }

  /** Calls `fn`, or throws `BreakerOpen`; its result or error settles the permit, and an abort drops it. */
  async run<T>(fn: (context: GuardedContext) => T, options: GuardedOptions = {}): Promise<Awaited<T>> {
    const context = begin(fn, options);
    const asked = fleet?.probe(this);
    if (asked) await orAbort(asked, context.signal);
    const permit = this.permit();
    let outcome: Outcome = "ok";
    try {
      return await fn(context);
    } catch (error) {
      outcome = "failed"; // should the predicate throw
      outcome = isAbort(error, options.signal) ? "dropped" : this.#counts(error) ? "failed" : "ignored";
      throw error;
    } finally {
      permit.settle(outcome);
    }
  }

  /**
   * Leave for one call that does not fit into a function. Throws `BreakerOpen`; of one that a fleet shares, half-open, also until its store
   * has answered.
   */
  permit(): Permit {
    void fleet?.probe(this);
    const started = now();
    const isGranted = useGuard(stateOf(this)).breaker_permit(started);
    const [first, number] = numbers(2) as [number, number];
    if (!isGranted) throw new BreakerOpen(first / 1000, this.name);
    let isSettled = false;
    return {
      settle: (outcome) => {
        const which = OUTCOMES.indexOf(outcome);
        if (which < 0) throw new TypeError(`outcome is ${String(outcome)}, allowed ${OUTCOMES.join(", ")}`);
        if (isSettled) return;
        isSettled = true;
        const ended = now();
        useGuard(stateOf(this)).breaker_settle(first, number, which, Math.max(0, ended - started), ended);
        fleet?.settled(this, outcome === "failed");
      },
    };
  }
}

const OUTCOMES: Outcome[] = ["ok", "failed", "ignored", "dropped"];
