// What a test puts in the place of the world: the clock, the entropy, budgets, and failures by script. `undaunted/testing` does it.
import type { Settings } from "./compile.js";
import type { Facts } from "./failure.js";
import type { Policy } from "./policy.js";
import type { Halves } from "./seed.js";
import type { Disarm } from "./timer.js";

export interface Rehearsal {
  /** Milliseconds, instead of the host's. */
  clock(): number;
  /** Calls back once so many microseconds have passed. */
  arm(us: number, callback: () => void): Disarm;
  /** The same of a wait, which passes by itself. */
  wait(us: number, callback: () => void): Disarm;
  /** The seed of the next call that fails and has none of its own; undefined for the system's entropy. */
  nextSeed(): Halves | undefined;
  /** What a call goes by, instead of its policy's own. */
  settings(policy: Policy, settings: Settings): Settings;
  /** Told before each attempt, with its limit in microseconds or -1; throws the failure that takes its place. */
  begin(limit: number): void;
  /** What `begin` meant by an error that it threw. */
  facts(error: unknown): Facts | undefined;
}

/** The one that goes on, if any. */
export let rehearsal: Rehearsal | undefined;

export function rehearse(next: Rehearsal | undefined): void {
  rehearsal = next;
}
