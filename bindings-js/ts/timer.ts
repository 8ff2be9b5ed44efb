// Clocks and timers, looked up in the globals at each use, so that a test's own take effect.

/** A timer that was armed. */
export interface Timer {
  id: unknown;
}

/** Milliseconds of a clock that does not jump. */
export function clock(): number {
  const { performance } = globalThis;
  return performance ? performance.now() : Date.now();
}

/** Whole microseconds from milliseconds; what is no number is 0. */
export function micros(ms: number): number {
  return Math.max(0, Math.floor(ms * 1000)) || 0;
}

/** Calls back after so many microseconds, rounded up to the timer's milliseconds; longer than a timer can is no matter. */
export function arm(us: number, callback: () => void, unref: boolean | undefined): Timer {
  let left = Math.ceil(us / 1000);
  const timer: Timer = { id: undefined };
  const step = () => {
    const part = Math.min(left, LONGEST);
    left -= part;
    const id = globalThis.setTimeout(left > 0 ? step : callback, part);
    if (unref) (id as { unref?: () => void }).unref?.();
    timer.id = id;
  };
  step();
  return timer;
}

/** Takes a timer back. */
export function disarm(timer: Timer | undefined): void {
  if (timer) globalThis.clearTimeout(timer.id as number);
}

const LONGEST = 2 ** 31 - 1;
