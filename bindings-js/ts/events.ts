// What happens to a call, as records, and who is told.
import { marks } from "./marks.js";
import type { FailureClass, Reason, Sent } from "./names.js";
import type { Policy } from "./policy.js";
import { refuse } from "./refuse.js";

/** One moment of a call. */
export interface Event {
  /** An attempt begins, a retry is scheduled, an attempt succeeded, or the call is given up. */
  readonly kind: "attempt" | "scheduled" | "success" | "gave_up";
  /** The policy of the call. */
  readonly policy: Policy;
  /** The call's name, if it has one. */
  readonly name: string | undefined;
  /** The attempt that begins, failed or succeeded, from 1. */
  readonly attempt: number;
  /** Milliseconds since the call began. */
  readonly elapsed: number;
  /** With `scheduled`: the wait in milliseconds. */
  readonly delay: number | undefined;
  /** The failure, where there is one. */
  readonly error: unknown;
  /** With `gave_up`: why. */
  readonly reason: Reason | undefined;
  /** What kind of failure it was. */
  readonly class: FailureClass | undefined;
  /** Whether the server may have acted on it. */
  readonly sent: Sent | undefined;
  /** What it went by, as in `http 503`; undefined for a result that was not accepted, and for errors without a name. */
  readonly code: string | undefined;
  /** What an adapter adds to the reason: that a body can be sent only once. */
  readonly note: string | undefined;
  /** With `schedule({ callSeed })` it replays the call's waits; known from the first failure on. */
  readonly callSeed: string | undefined;
}

/** One failed attempt of a call that was given up. */
export interface FailedAttempt {
  /** Its number, from 1. */
  readonly attempt: number;
  /** What it threw. */
  readonly error: unknown;
  /** Milliseconds from the call's beginning to the failure. */
  readonly elapsed: number;
  /** What kind of failure it was. */
  readonly class: FailureClass;
  /** Whether the server may have acted on it. */
  readonly sent: Sent;
  /** The wait after it in milliseconds; the last attempt has none. */
  readonly delay: number | undefined;
  /** Why the call was given up after it: the last attempt only. */
  readonly reason?: Reason | undefined;
  /** The wait in milliseconds that the server asked for, if it did: the last attempt only. */
  readonly hint?: number | undefined;
  /** What an adapter adds to the reason: that a body can be sent only once. */
  readonly note?: string | undefined;
}

/**
 * Has a hook told of every event of every call in this process; what it throws changes no call. Answers the function that takes it back. While there is one,
 * even a call that succeeds at once makes its events.
 */
export function onEvent(hook: (event: Event) => void): () => void {
  if (typeof hook !== "function") refuse("hook", hook, "a function that takes an event");
  const { hooks } = marks();
  const own = (event: Event) => hook(event); // the same hook may be there twice
  hooks.add(own);
  return () => void hooks.delete(own);
}
