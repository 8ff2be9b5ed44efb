// A bulkhead: at most so many calls at once, and a bounded queue, first come, first served.
import { checkIsObject, type State, unwatch, useGuard, watch } from "./core.js";
import { begin, called, compileGuard, type GuardedContext, type GuardedOptions, type GuardOptions, Kind, numbers } from "./guard.js";

/** The options of a bulkhead. */
export interface BulkheadOptions extends GuardOptions {
  /** Calls at once, 1 to 1000000. */
  readonly limit: number;
  /** Calls that wait, 0 to 1000000. Default 0. */
  readonly queue?: number | undefined;
}

/** A bulkhead refused the call, on this side: as many run and wait as may. Nothing was sent. */
export class BulkheadFull extends Error {
  override readonly name = "BulkheadFull";
  /** Calls that ran. */
  readonly limit: number;
  /** Calls that waited. */
  readonly queue: number;

  constructor(limit: number, queue: number, bulkhead?: string) {
    super(`${called("bulkhead", bulkhead)} is full, with ${limit} calls that run and ${queue} that wait; nothing was sent`);
    this.limit = limit;
    this.queue = queue;
  }
}

/** At most `limit` calls at once; up to `queue` more wait their turn. */
export class Bulkhead {
  readonly name: string | undefined;
  readonly #limit: number;
  readonly #queue: number;
  readonly #guard: State;
  /** Who waits, by ticket: tickets rise, so the first is the lowest. */
  readonly #line = new Map<number, () => void>();

  /** Throws a `PolicyError` with every mistake in the options. */
  constructor(given: BulkheadOptions) {
    checkIsObject(given);
    const { name, ...options } = given;
    this.name = name;
    this.#guard = compileGuard(Kind.Bulkhead, options);
    this.#limit = options.limit;
    this.#queue = options.queue ?? 0;
  }

  /** Calls `fn` in its turn, or throws `BulkheadFull`. An abort while it waits leaves the queue and throws the signal's reason. */
  async run<T>(fn: (context: GuardedContext) => T, options: GuardedOptions = {}): Promise<Awaited<T>> {
    const context = begin(fn, options);
    const { signal } = context;
    const ticket = useGuard(this.#guard).bulkhead_enter();
    if (ticket < 0) throw new BulkheadFull(this.#limit, this.#queue, this.name);
    if (ticket) await this.#turn(ticket, signal);
    try {
      // Its turn may have come at the moment of the abort.
      signal?.throwIfAborted();
      return await fn(context);
    } finally {
      this.#leave();
    }
  }

  /** How many calls run, and how many wait. */
  snapshot(): { readonly running: number; readonly waiting: number } {
    useGuard(this.#guard).bulkhead_look();
    const [running, waiting] = numbers(2) as [number, number];
    return { running, waiting };
  }

  #turn(ticket: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const watcher = {
        abort: () => {
          if (!this.#line.delete(ticket)) return;
          unwatch(signal!, watcher);
          useGuard(this.#guard).bulkhead_cancel();
          reject(signal!.reason);
        },
      };
      this.#line.set(ticket, () => {
        if (signal) unwatch(signal, watcher);
        resolve();
      });
      if (signal) watch(signal, watcher);
    });
  }

  #leave(): void {
    if (!useGuard(this.#guard).bulkhead_leave()) return;
    const [[ticket, admit]] = this.#line as unknown as [[number, () => void]];
    this.#line.delete(ticket);
    admit();
  }
}
