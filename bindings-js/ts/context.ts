// What an attempt is told about itself.
import type { Settings } from "./compile.js";
import { TimeoutError } from "./errors.js";
import { join } from "./join.js";
import { marks } from "./marks.js";
import { arm, clock, disarm, type Waiter } from "./timer.js";

/** Handed to the function that is retried; a new one for each attempt. */
export interface Context {
  /** The attempt's number, from 1. */
  readonly attempt: number;
  /** Aborts with the caller's signal, at the end of `attemptTimeout`, and at the end of `timeout`. Made when first read. */
  readonly signal: AbortSignal;
  /** Milliseconds since the call began. */
  readonly elapsed: number;
  /** Milliseconds until `timeout` ends; undefined without one. */
  readonly remaining: number | undefined;
}

/** What a context needs of the call's options. */
interface Options {
  readonly signal?: AbortSignal | null | undefined;
  readonly unref?: boolean | undefined;
}

export class AttemptContext implements Context {
  /** Give-ups before this attempt: a mark with a higher number was left during it. */
  readonly serial = marks().serial;
  /** Of the timer that ends the attempt, or only its signal. */
  timer: Waiter["timer"];
  #isOver = false;
  #pending: Promise<unknown> | undefined;
  #controller: AbortController | undefined;
  #signal: AbortSignal | undefined;
  readonly #settings: Settings;
  readonly #options: Options;

  constructor(
    settings: Settings,
    options: Options,
    /** When the call began, in milliseconds of the clock. */
    readonly startedAt: number,
    /** The outer call's deadline in microseconds, -1 for none. */
    readonly outer: number,
    readonly attempt: number,
  ) {
    this.#settings = settings;
    this.#options = options;
  }

  get elapsed(): number {
    return Math.max(0, clock() - this.startedAt);
  }

  get remaining(): number | undefined {
    const { timeout } = this.#settings;
    const own = timeout < 0 ? Infinity : timeout / 1000 + this.startedAt;
    const end = Math.min(own, this.outer < 0 ? Infinity : this.outer / 1000);
    return end === Infinity ? undefined : Math.max(0, end - clock());
  }

  get signal(): AbortSignal {
    return (this.#signal ??= this.#join());
  }

  /** Aborts the attempt's signal, if anybody has one. */
  abort(reason: unknown): void {
    this.#controller?.abort(reason);
  }

  /** The attempt is over: its timer goes. */
  close(): void {
    this.#isOver = true;
    disarm(this);
  }

  /** Closes when the attempt is over, where nobody else does; only where a timer needs it. */
  closeAfter(promise: Promise<unknown> | undefined): void {
    this.#pending = promise;
    if (!this.timer) return;
    const close = () => this.close();
    promise?.then(close, close);
  }

  #join(): AbortSignal {
    const controller = (this.#controller = new AbortController());
    const { signal, unref } = this.#options;
    const { remaining } = this;
    if (!this.timer && remaining !== undefined && !this.#isOver) {
      arm(this, remaining * 1000, () => this.abort(new TimeoutError(remaining)), unref);
      this.closeAfter(this.#pending);
    }
    if (signal?.aborted) controller.abort(signal.reason);
    return signal && "any" in AbortSignal ? join(signal, controller.signal) : controller.signal;
  }
}
