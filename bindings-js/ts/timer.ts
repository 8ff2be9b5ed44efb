// Clocks and timers, looked up in the globals at each use, so that a test's own take effect.

import { rehearsal } from "./rehearsal.js";

/** Takes a timer back. */
export type Disarm = () => void;

/** Milliseconds of a clock that does not jump. */
export function clock(): number {
  return rehearsal ? rehearsal.clock() : (globalThis.performance ?? Date).now();
}

/** Calls back after so many microseconds, rounded up to the timer's milliseconds; longer than a timer can is no matter. */
export function arm(us: number, callback: () => void, unref: boolean | undefined): Disarm {
  if (rehearsal) return rehearsal.arm(us, callback);
  const ms = Math.ceil(us / 1000);
  if (ms > LONGEST) {
    const goOn = () => (disarm = arm(us - LONGEST * 1000, callback, unref));
    let disarm = arm(LONGEST * 1000, goOn, unref);
    return () => disarm();
  }
  const id: ReturnType<typeof setTimeout> & { unref?: () => void } = globalThis.setTimeout(callback, ms);
  if (unref) id.unref?.();
  return () => globalThis.clearTimeout(id);
}

const LONGEST = 2 ** 31 - 1;
