// Guards that the processes of a fleet share over Redis or Valkey.
import { Budget as LocalBudget, checkIsObject, type Policy, rehearsal, type Rehearsal, refuse, stateOf, useGuard } from "./core.js";
import { begin, compileGuard, type GuardedContext, type GuardedOptions, Kind, numbers, orAbort } from "./guard.js";
import {
  Breaker as LocalBreaker, type BreakerOptions as LocalBreakerOptions, type BreakerSnapshot, Bulkhead as LocalBulkhead, BulkheadFull, type Permit,
  Throttle as LocalThrottle, type ThrottleOptions as LocalThrottleOptions,
} from "./guards.js";
import { BreakerLink, BudgetLink, BulkheadLink, only, ThrottleLink } from "./links.js";
import type { BudgetSettings, Duration } from "./options.js";
import { duration, hubOf, type Store } from "./store.js";

export { policySource, type PublishedOptions, type PublishedPolicy, publishPolicy, type PublishOptions, VersionConflict } from "./published.js";
export { type IoredisClient, type NodeRedisClient, Store, type StoreEvent, type StoreOptions } from "./store.js";

/** The options of a breaker that a fleet shares. */
export type BreakerOptions = Omit<LocalBreakerOptions, "name">;
/** The options of a throttle that a fleet shares. */
export type ThrottleOptions = Omit<LocalThrottleOptions, "name">;

/** The options of a bulkhead that a fleet shares. */
export interface BulkheadOptions {
  /** Calls of the whole fleet at once, 1 to 1000000. */
  readonly limit: number;
  /**
   * After how long without a sign of life a process's calls count no more; while they run it gives one every third of that, every 20 s at
   * least. Default 60 s.
   */
  readonly lease?: Duration | undefined;
}

/**
 * The process's budget of that name, its tokens in the store: every policy that names it shares it with the fleet. A retry is asked for before
 * its wait, and the time until the answer is part of the wait. Successes are told with the next failure, or after `every`.
 *
 * Under `undaunted/testing` policies count in a budget of their own, and nothing is sent.
 */
export class Budget extends LocalBudget {
  /** Throws a `PolicyError` as the local one does, and an `Error` if it is in another store already. */
  constructor(name: string, store: Store, options: BudgetSettings = {}) {
    const hub = hubOf(store);
    super(name, options);
    BudgetLink.of(hub, stateOf(this), this.name, this);
  }
}

/**
 * Shares the budget and the breaker that a policy names, with its options: those of a policy file, say. An extra call is harmless. Throws an
 * `Error` for a policy that has neither, and if one of them is in another store already.
 */
export function share(policy: Policy, store: Store): void {
  const { budget, breaker } = policy;
  if (!budget && !breaker) throw new Error("the policy has neither a budget nor a breaker, allowed one that names either; name them in the policy");
  if (budget) new Budget(budget.name, store, budget.toJSON());
  if (breaker) new Breaker(breaker.name!, store, breaker.toJSON());
}

/**
 * The process's breaker of that name, its results in the store: it opens for the whole fleet. The store is told of each failure, of successes
 * with the next failure or after `every`, and is asked for each probe; calls do not wait for it otherwise.
 *
 * Under `undaunted/testing` nothing is sent: policies, and `run`, go by closed breakers of the test's own.
 */
export class Breaker extends LocalBreaker {
  readonly #alone: Alone<LocalBreaker>;

  /** Throws a `PolicyError` with every mistake in the options, and an `Error` if it is in another store already. */
  constructor(name: string, store: Store, options: BreakerOptions = {}) {
    const hub = hubOf(store);
    super({ ...options, name });
    BreakerLink.of(hub, stateOf(this), name, this);
    this.#alone = alone(() => new LocalBreaker(options));
  }

  override async run<T>(fn: (context: GuardedContext) => T, options: GuardedOptions = {}): Promise<Awaited<T>> {
    return this.#alone()?.run(fn, options) ?? super.run(fn, options);
  }

  override permit(): Permit {
    return this.#alone()?.permit() ?? super.permit();
  }

  override snapshot(): BreakerSnapshot {
    return this.#alone()?.snapshot() ?? super.snapshot();
  }
}

/**
 * At most `limit` calls of the whole fleet at once; the store is asked before each call and told after it. Those of a process that has died come
 * back once its `lease` is over. There is no queue. Without the store each process lets in its share, and at least one: `limit` divided by
 * the processes that had asked within the minute before, by its own last call. If the store forgot what runs, each process brings its calls in
 * again, with its next call or sign of life.
 *
 * Under `undaunted/testing` nothing is sent: `limit` calls of the process at once.
 */
export class Bulkhead {
  readonly name: string;
  readonly #limit: number;
  readonly #link: BulkheadLink;
  readonly #alone: Alone<LocalBulkhead>;

  /** Throws a `PolicyError` with every mistake in the options. */
  constructor(name: string, store: Store, options: BulkheadOptions) {
    const hub = hubOf(store);
    checkIsObject(options);
    const { lease = 60_000, ...rest } = options;
    const state = compileGuard(Kind.Bulkhead, { ...rest, queue: undefined });
    this.name = named(name);
    this.#limit = rest.limit;
    const us = duration(lease, "lease");
    this.#link = only(hub, "bulkhead", name, { limit: rest.limit, us }, () => new BulkheadLink(hub, state, name, rest.limit, us));
    this.#alone = alone(() => new LocalBulkhead({ limit: rest.limit, name }));
  }

  /** How many calls of this process run; none waits. */
  snapshot(): { readonly running: number; readonly waiting: number } {
    const own = this.#alone();
    if (own) return own.snapshot();
    useGuard(this.#link.state).bulkhead_look();
    const [running, waiting] = numbers(2) as [number, number];
    return { running, waiting };
  }

  /** Calls `fn`, or throws `BulkheadFull` at once. An abort while the store is asked throws the signal's reason. */
  async run<T>(fn: (context: GuardedContext) => T, options: GuardedOptions = {}): Promise<Awaited<T>> {
    const own = this.#alone();
    if (own) return own.run(fn, options);
    const context = begin(fn, options);
    const leave = await this.#enter(context.signal);
    try {
      context.signal?.throwIfAborted();
      return await fn(context);
    } finally {
      leave();
    }
  }

  async #enter(signal: AbortSignal | undefined): Promise<() => void> {
    const link = this.#link;
    const full = () => new BulkheadFull(this.#limit, 0, this.name);
    const entering = link.hub.isUp ? link.enter().catch(() => null) : null;
    let isAdmitted: boolean | null;
    try {
      isAdmitted = await orAbort(entering, signal);
    } catch (error) {
      void entering?.then((isAdmitted) => isAdmitted && link.end());
      throw error;
    }
    if (!(isAdmitted ?? link.enterAlone())) throw full();
    return () => link.end();
  }
}

/**
 * A throttle that counts the requests of the whole fleet. What it counts is sent every `every`, and calls never wait for the store.
 *
 * Under `undaunted/testing` nothing is sent: the process's own calls count.
 */
export class Throttle extends LocalThrottle {
  readonly #link: ThrottleLink;
  readonly #alone: Alone<LocalThrottle>;

  /** Throws a `PolicyError` with every mistake in the options. */
  constructor(name: string, store: Store, options: ThrottleOptions = {}) {
    const hub = hubOf(store);
    const { k, window } = options;
    super({ ...options, name: named(name) });
    this.#link = only(hub, "throttle", name, { k, window }, () => new ThrottleLink(hub, this.guard, name));
    this.guard = this.#link.state;
    this.#alone = alone(() => new LocalThrottle({ ...options, name }));
  }

  override async run<T>(fn: (context: GuardedContext) => T, options: GuardedOptions = {}): Promise<Awaited<T>> {
    const own = this.#alone();
    if (own) return own.run(fn, options);
    try {
      return await super.run(fn, options);
    } finally {
      this.#link.note();
    }
  }

  override snapshot(): { readonly requests: number; readonly accepts: number } {
    return this.#alone()?.snapshot() ?? super.snapshot();
  }
}

type Alone<G> = () => G | undefined;

/** What stands for a guard in a test of `undaunted/testing`, one for each test; undefined outside of them. */
function alone<G>(make: () => G): Alone<G> {
  const known = new WeakMap<Rehearsal, G>();
  return () => {
    if (!rehearsal) return undefined;
    let found = known.get(rehearsal);
    if (!found) known.set(rehearsal, (found = make()));
    return found;
  };
}

/** Of a guard that has no name in the process. */
function named(name: unknown): string {
  return typeof name === "string" && name ? name : refuse("name", name, "text, and not empty");
}
