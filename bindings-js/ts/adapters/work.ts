// What is done with a connection from a pool, under a policy: transactions and single statements.
import type { Request } from "../call.js";
import type { Context } from "../context.js";
import type { Facts } from "../failure.js";
import type { Caller } from "./caller.js";
import { unlessAborted } from "./unless.js";

/** What a driver is asked for. */
export interface Driver<C> {
  connect(): Promise<C>;
  /** The connection may be used by others. */
  giveBack(connection: C): void;
  /** The connection is closed at once, whatever it does. */
  destroy(connection: C, reason: unknown): void;
  execute(connection: C, sql: string): Promise<unknown>;
  /** The facts about errors that say nothing but a sentence. */
  facts(error: unknown): Facts | undefined;
}

/** What may be said of one transaction or statement. */
export interface WorkOptions {
  /** Ends the call at any moment; its connection is closed. */
  readonly signal?: AbortSignal | null | undefined;
  /**
   * Whether it may be repeated though the server may have carried it out: after a connection that was lost before the answer
   * came. Default false; the policy's `idempotent` goes before it. Of a transaction it concerns the COMMIT alone.
   */
  readonly idempotent?: boolean | undefined;
}

/** Runs statements of `use` with a connection, `begin` before and COMMIT after them if they are a transaction. */
export function work<C, T>(
  call: Caller, driver: Driver<C>, use: (connection: C, context: Context) => T | PromiseLike<T>, options: WorkOptions, begin?: readonly string[],
): Promise<T> {
  const state = new State(driver);
  const last = options.idempotent ? HARMLESS : CARRIED_OUT;
  const attempt = async (context: Context) => {
    const { signal } = context;
    state.method = HARMLESS;
    const connection = await connected(driver, signal);
    let isOpen = true;
    const destroy = (reason: unknown) => {
      if (isOpen) driver.destroy(connection, reason);
      isOpen = false;
    };
    const abort = () => destroy(signal.reason);
    signal.addEventListener("abort", abort);
    try {
      for (const sql of begin ?? []) await driver.execute(connection, sql);
      if (!begin) state.method = last;
      const result = await use(connection, context);
      signal.throwIfAborted();
      if (begin) {
        state.method = last;
        await driver.execute(connection, "COMMIT");
      }
      return result;
    } catch (error) {
      if (begin && isOpen) await driver.execute(connection, "ROLLBACK").catch(destroy);
      else if (driver.facts(error)) destroy(error); // lost, or still at work
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener("abort", abort);
      if (isOpen) driver.giveBack(connection);
    }
  };
  return call(attempt, { signal: options.signal }, state);
}

/** What the call must know: whether the server may have carried something out that stays. */
class State<C> implements Request {
  method = HARMLESS;
  readonly hasKey = false;
  readonly once = undefined;

  constructor(readonly driver: Driver<C>) {}

  facts(error: unknown): Facts | undefined {
    return this.driver.facts(error);
  }

  release(): void {}
}

/** In the words of HTTP, which the engine's rule goes by. */
const HARMLESS = "GET";
const CARRIED_OUT = "POST";

/** A connection; one that comes after the signal has aborted goes back. */
async function connected<C>(driver: Driver<C>, signal: AbortSignal): Promise<C> {
  signal.throwIfAborted();
  const connecting = driver.connect();
  try {
    return await unlessAborted(signal, connecting);
  } catch (error) {
    if (signal.aborted) connecting.then(driver.giveBack, () => {});
    throw error;
  }
}
