// The breaker of a policy: what the main entry needs of one. `undaunted/guards` makes more of it.
import { useGuard } from "./engine.js";
import type { PolicyBreaker } from "./options.js";
import { Shared, stateOf } from "./shared.js";
import { clock } from "./timer.js";

/** What a breaker does with a call that comes. */
export type BreakerState = "closed" | "open" | "half_open";

/** What a breaker has counted. */
export interface BreakerSnapshot {
  /** What it does with a call that comes now. */
  readonly state: BreakerState;
  /** Results in the window, or of probes; 0 while it is open. */
  readonly calls: number;
  /** How many of them count as failures. */
  readonly failures: number;
  /** How many of them took longer than `slowAfter`. */
  readonly slow: number;
  /** How often it has opened since it was last closed. */
  readonly trips: number;
  /** Probes that are not settled yet. */
  readonly probing: number;
  /** Milliseconds for which it refuses calls yet; 0 if it lets one through. */
  readonly retryIn: number;
}

/** A breaker as a policy has it. `new Breaker(policy.breaker.toJSON())` of `undaunted/guards` is the same one, to call through. */
export class NamedBreaker extends Shared<PolicyBreaker> {
  /** What it is called. */
  get name(): string | undefined {
    return this.toJSON().name;
  }

  /** What it does with a call that comes now. */
  get state(): BreakerState {
    return this.snapshot().state;
  }

  /** What it has counted. */
  snapshot(): BreakerSnapshot {
    const engine = useGuard(stateOf(this));
    const state = STATES[engine.breaker_look(Math.round(clock() * 1000))]!;
    const [calls, failures, slow, trips, probing, retryIn] = engine.numbers as unknown as [number, number, number, number, number, number];
    return { state, calls, failures, slow, trips, probing, retryIn: retryIn / 1000 };
  }
}

const STATES: BreakerState[] = ["closed", "open", "half_open"];
