// Blocks of code, retried: `for await (const attempt of policy.attempts()) await attempt.run(async (signal) => …)`.
import { Call } from "./call.js";
import type { Settings } from "./compile.js";
import type { Context } from "./context.js";
import type { RunOptions } from "./options.js";
import { checkRunOptions } from "./perform.js";
import type { Policy } from "./policy.js";
import { clock } from "./timer.js";

/** One attempt of a block. */
export interface Attempt {
  /** Its number, from 1. */
  readonly number: number;
  /**
   * Runs the block. A failure that will be retried resolves to undefined, and the loop goes on after the wait; any other is
   * thrown.
   */
  run<T>(block: (signal: AbortSignal, context: Context) => T | PromiseLike<T>): Promise<T | undefined>;
}

/** The attempts of one block, to be walked once with `for await`. */
export class Attempts implements AsyncIterable<Attempt> {
  readonly #walk: AsyncGenerator<Attempt, void, undefined>;

  constructor(policy: Policy, settings: Settings, options: RunOptions = {}) {
    checkRunOptions(options);
    this.#walk = walk(policy, settings, options);
  }

  [Symbol.asyncIterator](): AsyncIterator<Attempt, void, undefined> {
    return this.#walk;
  }
}

async function* walk(policy: Policy, settings: Settings, options: RunOptions): AsyncGenerator<Attempt, void, undefined> {
  let block: (context: Context) => unknown;
  let woken = Promise.resolve();
  let state = FRESH;
  const call = new Call<unknown>(policy, settings, (context) => block(context), options, undefined, clock());
  try {
    await new Promise<void>((resolve, reject) => {
      call.reject = reject;
      if (call.open()) resolve();
    });
    for (let number = 1; ; number++) {
      await woken;
      state = FRESH;
      yield {
        number,
        run: <T>(given: (signal: AbortSignal, context: Context) => T | PromiseLike<T>) =>
          new Promise<T | undefined>((resolve, reject) => {
            if (state !== FRESH) throw new TypeError("attempt.run was called twice; the loop hands out an attempt for each");
            state = RUNNING;
            block = (context) => given(context.signal, context);
            call.resolve = (value) => {
              state = DONE;
              resolve(value as T);
            };
            call.reject = reject;
            call.pause = () => {
              state = WAITING;
              woken = new Promise((wake, refuse) => {
                call.resume = wake;
                call.reject = refuse;
              });
              woken.catch(() => {});
              resolve(undefined);
            };
            call.attempt();
          }),
      };
      if (state === DONE) return;
      if (state === FRESH) throw new TypeError("the attempt was not run; call `await attempt.run(...)` in the loop");
      if (state === RUNNING) throw new TypeError("the attempt still runs; write `await attempt.run(...)`");
    }
  } finally {
    call.close();
  }
}

const FRESH = 0;
const RUNNING = 1;
const WAITING = 2;
const DONE = 3;
