// Clocks and timers, looked up in the globals at each use, so that a test's own take effect.

import { rehearsal } from "./rehearsal.js";

/** Takes a timer back. */
export type Disarm = () => void;

/** What waits for a timer. */
export interface Waiter {
  timer: ReturnType<typeof setTimeout> | Disarm | undefined;
}

/** Milliseconds of a clock that does not jump. */
export function clock(): number {
  return rehearsal?.clock() ?? (globalThis.performance ?? Date).now();
}

/** Calls back after so many microseconds, rounded up to the timer's milliseconds; longer than a timer can is no matter. */
export function arm(waiter: Waiter, us: number, callback: () => void, unref: boolean | undefined): void {
  if (rehearsal) return void (waiter.timer = rehearsal.arm(us, callback));
  const ms = Math.ceil(us / 1000);
  const then = ms > LONGEST ? () => arm(waiter, us - LONGEST * 1000, callback, unref) : callback;
  const id: ReturnType<typeof setTimeout> & { unref?: () => void } = globalThis.setTimeout(then, Math.min(ms, LONGEST));
  if (unref) id.unref?.();
  waiter.timer = id;
}

/** Takes the timer back, if there is one. */
export function disarm({ timer }: Waiter): void {
  if (typeof timer === "function") timer();
  else globalThis.clearTimeout(timer);
}

const LONGEST = 2 ** 31 - 1;
