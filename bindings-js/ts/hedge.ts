// A hedge: another attempt beside one that takes long; the first that succeeds wins, the others are aborted.
import {
  arm, type Budget, checkIsObject, disarm, dropGuard, type Engine, factsOf, fleet, Policy, type State, stateOf, textOf, unwatch, use, useGuard,
  type Waiter, watch,
} from "./core.js";
import { begin, compileGuard, counting, type CountingOptions, type GuardedOptions, Kind, now, numbers, seedFor } from "./guard.js";
import type { BudgetOptions, Duration, Seed } from "./options.js";

/** The options of a hedge. `on` says after which errors other attempts go on; any other ends the call at once. */
export interface HedgeOptions extends CountingOptions {
  /** Between the starts of two attempts; 0 starts all at once. */
  readonly delay: Duration;
  /** How many, the first included, 1 to 100. Default 2. */
  readonly attempts?: number | undefined;
  /** Up to this much later, drawn. Default 0. */
  readonly jitter?: Duration | undefined;
  /**
   * Pays for every attempt after the first what a retry costs, before it starts; with too little left no other starts, and those that
   * run go on. A `Budget`, its options, or the name of one that is made elsewhere. Default none.
   */
  readonly budget?: Budget | BudgetOptions | string | null | undefined;
}

/** The options of one hedged call. */
export interface HedgedOptions extends GuardedOptions {
  /** Let the process end while the call waits. Default false. */
  readonly unref?: boolean | undefined;
}

/** What an attempt is given. */
export interface HedgedContext {
  /** The attempt's number, from 1. */
  readonly attempt: number;
  /** Aborts with the caller's, and when another attempt has won or the call has ended. */
  readonly signal: AbortSignal;
}

/** Hedged calls of what may be called twice. */
export class Hedge {
  readonly name: string | undefined;
  /** What pays for its attempts after the first. */
  readonly budget: Budget | undefined;
  readonly #compiled: string;
  readonly #seed: Seed | undefined;
  readonly #counts: (error: unknown) => boolean;

  /** Throws a `PolicyError` with every mistake in the options. */
  constructor(given: HedgeOptions) {
    checkIsObject(given);
    const { on, name, seed, budget, ...options } = given;
    if (seed !== undefined) seedFor(seed);
    this.name = name;
    this.#seed = seed;
    this.#counts = counting(on);
    this.budget = new Policy({ preset: "none", budget }).budget;
    const state = compileGuard(Kind.Hedge, options);
    this.#compiled = textOf(useGuard(state).guard);
    dropGuard(state);
  }

  /**
   * Calls `fn`, and again beside it while it takes long. A failure starts the next at once, unless the server asked for a wait or
   * not to come again. The first success is the result; when all have failed, the last error is thrown as it came.
   */
  async run<T>(fn: (context: HedgedContext) => T, options: HedgedOptions = {}): Promise<Awaited<T>> {
    const { signal } = begin(fn, options);
    const { budget } = this;
    const shares = budget ? 1 : 0;
    const race: State = { bytes: this.#compiled };
    const enter = (): Engine => {
      if (budget) use("budget", stateOf(budget));
      return useGuard(race);
    };
    enter().hedge_start(now(), ...seedFor(this.#seed));
    const running = new Set<AbortController>();
    const waiter: Waiter = { timer: undefined };
    let last: unknown;
    let isOver = false;
    return new Promise<Awaited<T>>((resolve, reject) => {
      const end = (reason: unknown) => {
        isOver = true;
        fleet?.notes({ settings: { budget, breaker: undefined } });
        disarm(waiter);
        dropGuard(race);
        if (signal) unwatch(signal, watcher);
        for (const controller of running) controller.abort(reason);
      };
      const watcher = {
        abort: () => {
          end(signal!.reason);
          reject(signal!.reason);
        },
      };
      const fail = (error: unknown) => {
        end(lost());
        reject(error);
      };
      const step = () => {
        disarm(waiter);
        while (!isOver) {
          const what = enter().hedge_step(now(), shares);
          const [value] = numbers(1) as [number];
          if (what === Step.Start) void start(value);
          else {
            if (what === Step.WaitUntil) arm(waiter, Math.max(0, value - now()), step, options.unref);
            if (what === Step.End) fail(last);
            return;
          }
        }
      };
      const start = async (attempt: number) => {
        const controller = new AbortController();
        running.add(controller);
        try {
          const result = await fn({ attempt, signal: controller.signal });
          running.delete(controller);
          if (isOver) return;
          enter().hedge_succeeded(now(), shares);
          end(lost());
          resolve(result);
        } catch (error) {
          running.delete(controller);
          if (isOver) return;
          last = error;
          try {
            if (!this.#counts(error)) return fail(error);
          } catch (broken) {
            return fail(broken);
          }
          const { hint, flags } = factsOf(error);
          const engine = enter();
          // The server's word is known, and it is no.
          if ((flags & 48) === 16) engine.hedge_refused(shares);
          else engine.hedge_failed(now(), hint, shares);
          step();
        }
      };
      if (signal) watch(signal, watcher);
      step();
    });
  }
}

/** The engine's numbers for what is to be done. */
const enum Step { End, Wait, WaitUntil, Start }

/** Why a loser is aborted. */
function lost(): DOMException {
  return new DOMException("another attempt has ended the call", "AbortError");
}
