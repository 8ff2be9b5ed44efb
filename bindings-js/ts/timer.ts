// Clocks and timers, looked up in the globals at each use, so that a test's own take effect.

/** What waits for a timer. */
export interface Waiter {
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** Milliseconds of a clock that does not jump. */
export function clock(): number {
  return (globalThis.performance ?? Date).now();
}

/** Calls back after so many microseconds, rounded up to the timer's milliseconds; longer than a timer can is no matter. */
export function arm(waiter: Waiter, us: number, callback: () => void, unref: boolean | undefined): void {
  const ms = Math.ceil(us / 1000);
  const then = ms > LONGEST ? () => arm(waiter, us - LONGEST * 1000, callback, unref) : callback;
  waiter.timer = globalThis.setTimeout(then, Math.min(ms, LONGEST));
  if (unref) (waiter.timer as { unref?: () => void }).unref?.();
}

/** Takes the timer back, if there is one. */
export function disarm({ timer }: Waiter): void {
  globalThis.clearTimeout(timer);
}

const LONGEST = 2 ** 31 - 1;
