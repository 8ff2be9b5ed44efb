// Where `undaunted/fleet` takes hold of calls whose budget or breaker other processes share.
import type { Call } from "./call.js";
import type { Settings } from "./compile.js";
import type { Engine } from "./engine.js";
import type { Shared } from "./shared.js";
import type { Waiter } from "./timer.js";

/** Who asks for a retry: a call, or one that goes on elsewhere. */
export interface Asking {
  readonly settings: Settings;
  /** Whether it cannot wait for an answer. */
  readonly isSync?: boolean;
  /** The engine with it in use. */
  enter(): Engine;
  /** While it waits for one, what ends that. */
  timer?: Waiter["timer"];
}

export interface FleetCalls {
  /** Whether the call waits for a store before its attempt, which `attempt(true)` goes on with. */
  asks(call: Call<any>): boolean;
  /**
   * Told of a failure. Whether a store is asked for the retry that was decided: then `then` is called, with how many microseconds late,
   * or -1 if it must not be made.
   */
  hears(call: Asking, then?: (late: number) => void): boolean;
  /** Told of a call that has ended, of whatever kind. */
  notes(call: { readonly settings: Pick<Settings, "budget" | "breaker"> }): void;
  /** Asks for a probe of a breaker that is called through, if there is a store to ask; done once it has answered. */
  probe(breaker: Shared<object>): Promise<void> | undefined;
  /** Told of the end of a call through one. */
  settled(breaker: Shared<object>, hasFailed: boolean): void;
}

/** Undefined where there is no fleet. */
export let fleet: FleetCalls | undefined;

export function joinFleet(next: FleetCalls): void {
  fleet = next;
}
