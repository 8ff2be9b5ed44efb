// What happens to a call, as records.
import type { FailureClass, Reason, Sent } from "./names.js";
import type { Policy } from "./policy.js";

/** One moment of a call. */
export interface Event {
  /** An attempt begins, a retry is scheduled, an attempt succeeded, or the call is given up. */
  readonly kind: "attempt" | "scheduled" | "success" | "gave_up";
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
