// Clocks and timers, looked up in the globals at each use, so that a test's own take effect.

/** Takes a timer back. */
export type Disarm = () => void;

/** Milliseconds of a clock that does not jump. */
export function clock(): number {
  return (globalThis.performance ?? Date).now();
}

/** Calls back after so many microseconds, rounded up to the timer's milliseconds; longer than a timer can is no matter. */
export function arm(us: number, callback: () => void, unref: boolean | undefined): Disarm {
  let left = Math.ceil(us / 1000);
  let id: ReturnType<typeof setTimeout> & { unref?: () => void };
  const step = () => {
    const part = Math.min(left, LONGEST);
    left -= part;
    id = globalThis.setTimeout(left > 0 ? step : callback, part);
    if (unref) id.unref?.();
  };
  step();
  return () => globalThis.clearTimeout(id);
}

const LONGEST = 2 ** 31 - 1;
