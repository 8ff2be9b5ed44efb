// A breaker: refuses calls for a while once too many have failed or been slow.
import { checkIsObject, type State, useGuard } from "./core.js";
import {
  begin, called, compileGuard, counting, type CountingOptions, type GuardedContext, type GuardedOptions, isAbort, Kind, now, numbers, seedFor,
} from "./guard.js";
import type { Duration } from "./options.js";

/** What a breaker does with a call that comes. */
export type BreakerState = "closed" | "open" | "half_open";

/** How a call ended; `ignored` says nothing about what was called, `dropped` was stopped. */
export type Outcome = "ok" | "failed" | "ignored" | "dropped";

/** The options of a breaker. `on` says which errors are failures; others are ignored. */
export interface BreakerOptions extends CountingOptions {
  /** The last 1 to 1024 results count. Default 100. */
  readonly windowCalls?: number | undefined;
  /** Instead of `windowCalls`: the results of this time count, a tenth forgotten at a time. */
  readonly windowTime?: Duration | undefined;
  /** With fewer results in the window it does not open: 1 to 1000000, up to `windowCalls`. Default 20. */
  readonly minCalls?: number | undefined;
  /** The share of failures that opens it, above 0 and up to 1. Default 0.5. */
  readonly failureRate?: number | undefined;
  /** A call that takes longer is slow. Without it none is. */
  readonly slowAfter?: Duration | undefined;
  /** The share of slow calls that opens it, above 0 and up to 1. Default 1. */
  readonly slowRate?: number | undefined;
  /** How long it stays open the first time, before jitter. Default `"5s"`. */
  readonly initial?: Duration | undefined;
  /** Growth of that each time it opens again without having closed, 1 to 10. Default 2. */
  readonly factor?: number | undefined;
  /** The longest it stays open. Default `"60s"`. */
  readonly maxDelay?: Duration | undefined;
  /** How that time is drawn. Default `"equal"`: between half and all of it. */
  readonly jitter?: "none" | "full" | "equal" | undefined;
  /** How many calls a half-open breaker lets through and judges by, 1 to 16. Default 3. */
  readonly probes?: number | undefined;
  /** A probe that is not settled by then is taken back. Default `"60s"`. */
  readonly probeTimeout?: Duration | undefined;
}

/** What a breaker has counted. */
export interface BreakerSnapshot {
  readonly state: BreakerState;
  /** Results in the window, or of probes; 0 while it is open. */
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
  /** How often it has opened since it was last closed. */
  readonly trips: number;
  /** Probes that are not settled yet. */
  readonly probing: number;
  /** Milliseconds for which it refuses calls yet; 0 if it lets one through. */
  readonly retryIn: number;
}

/** A breaker refused the call, on this side: nothing was sent. */
export class BreakerOpen extends Error {
  override readonly name = "BreakerOpen";
  /** How long it goes on refusing, in milliseconds. */
  readonly retryIn: number;

  constructor(retryIn: number, breaker?: string) {
    super(`${called("breaker", breaker)} is open and refuses calls for another ${retryIn} ms; nothing was sent`);
    this.retryIn = retryIn;
  }
}

/** Leave for one call. */
export interface Permit {
  /** How the call ended; a second time is harmless. */
  settle(outcome: Outcome): void;
}

/** One breaker for one thing that is called. What was started before a change of state does not count after it. */
export class Breaker {
  readonly name: string | undefined;
  readonly #guard: State;
  readonly #counts: (error: unknown) => boolean;

  /** Throws a `PolicyError` with every mistake in the options. */
  constructor(given: BreakerOptions = {}) {
    checkIsObject(given);
    const { on, name, seed, ...options } = given;
    this.name = name;
    this.#counts = counting(on);
    this.#guard = compileGuard(Kind.Breaker, options, seedFor(seed));
  }

  /** Calls `fn`, or throws `BreakerOpen`; its result or error settles the permit, and an abort drops it. */
  async run<T>(fn: (context: GuardedContext) => T, options: GuardedOptions = {}): Promise<Awaited<T>> {
    const context = begin(fn, options);
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

  /** Leave for one call that does not fit into a function. Throws `BreakerOpen`. */
  permit(): Permit {
    const started = now();
    const isGranted = useGuard(this.#guard).breaker_permit(started);
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
        useGuard(this.#guard).breaker_settle(first, number, which, Math.max(0, ended - started), ended);
      },
    };
  }

  /** What it does with a call that comes now. */
  get state(): BreakerState {
    return STATES[useGuard(this.#guard).breaker_look(now())]!;
  }

  /** What it has counted. */
  snapshot(): BreakerSnapshot {
    const { state } = this;
    const [calls, failures, slow, trips, probing, retryIn] = numbers(6) as [number, number, number, number, number, number];
    return { state, calls, failures, slow, trips, probing, retryIn: retryIn / 1000 };
  }
}

const STATES: BreakerState[] = ["closed", "open", "half_open"];
const OUTCOMES: Outcome[] = ["ok", "failed", "ignored", "dropped"];
