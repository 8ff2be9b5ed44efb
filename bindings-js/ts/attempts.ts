// Blocks of code, retried: `for await (const attempt of policy.attempts()) await attempt.run(async (signal) => …)`.
import { Call } from "./call.js";
import type { Settings } from "./compile.js";
import type { Context } from "./context.js";
import type { RunOptions } from "./options.js";
import type { Policy } from "./policy.js";

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
export interface Attempts extends AsyncIterable<Attempt> {
  [Symbol.asyncIterator](): AsyncIterator<Attempt, void, undefined>;
}

export async function* walk(policy: Policy, settings: Settings, options: RunOptions): AsyncGenerator<Attempt, void, undefined> {
  let block: (context: Context) => unknown;
  let state = State.Waiting as State;
  const call = new Call<unknown>(policy, settings, (context) => block(context), options);
  let woken = call.outcome(() => call.open() && call.resolve(undefined));
  call.pause = () => {
    const { resolve } = call;
    state = State.Waiting;
    woken = call.outcome(() => {});
    woken.catch(() => {});
    resolve(undefined);
  };
  try {
    for (let number = 1; ; number++) {
      await woken;
      state = State.Fresh as State;
      yield {
        number,
        run: <T>(given: (signal: AbortSignal, context: Context) => T | PromiseLike<T>) => {
          if (state !== State.Fresh) return Promise.reject(misuse("run twice"));
          state = State.Running;
          block = (context) => given(context.signal, context);
          return call.outcome(() => call.attempt()) as Promise<T | undefined>;
        },
      };
      if (state === State.Waiting) continue;
      if (call.isOver) return;
      throw misuse(state === State.Fresh ? "not run" : "left running");
    }
  } finally {
    call.close();
  }
}

function misuse(what: string): Error {
  return new TypeError(`the attempt was ${what}; await attempt.run(...) once in the loop`);
}

const enum State { Fresh, Running, Waiting }
