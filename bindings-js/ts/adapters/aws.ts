// The AWS SDK for JavaScript 3 with a policy: a retry strategy for its clients.
import { type Caller, caller, type CallOptions, type GivenPolicy } from "./caller.js";

export type { CallOptions, GivenPolicy } from "./caller.js";

/** What a client's option `retryStrategy` takes: `RetryStrategyV2` of `@smithy/types`. */
export interface RetryStrategy {
  acquireInitialRetryToken(scope: string): Promise<RetryToken>;
  refreshRetryTokenForRetry(token: RetryToken, info: { readonly error?: unknown }): Promise<RetryToken>;
  recordSuccess(token: RetryToken): void;
}

/** Where a call stands. */
export interface RetryToken {
  /** Retries so far. */
  getRetryCount(): number;
  /** The wait before the next attempt in milliseconds. */
  getRetryDelay(): number;
}

/**
 * `new S3Client({ retryStrategy: retryStrategy(policy) })`: the policy's decisions instead of the SDK's, with the preset `"aws"`
 * its own numbers. Any number of clients may share one.
 *
 * Errors are read by their AWS code, else by status; `Retry-After` and `x-amz-retry-after` are heard. The client's
 * `maxAttempts` is not looked at. The SDK waits itself, and ends a wait when the request's `abortSignal` does. It offers no
 * way to end an attempt: `attemptTimeout` has no effect; set `requestTimeout` of the client's request handler. Requests with
 * a stream as their body are sent once, as ever.
 */
export function retryStrategy(policy?: GivenPolicy, options: CallOptions = {}): RetryStrategy {
  const call = caller(policy, options, (policy) => policy.replace({ attemptTimeout: null }));
  return {
    acquireInitialRetryToken: () => new Token(call, options).begin(),
    refreshRetryTokenForRetry: (token, { error }) => (token as Token).failed(error),
    recordSuccess: (token) => (token as Token).succeeded(),
  };
}

/** One call, whose attempts the SDK makes. */
class Token implements RetryToken {
  #retries = 0;
  #delay = 0;
  #begun = deferred<void>();
  #scheduled = deferred<void>();
  #attempt = deferred<void>();
  readonly #call: Promise<void>;

  constructor(call: Caller, options: CallOptions) {
    const attempt = () => {
      this.#attempt = deferred();
      this.#begun.resolve();
      return this.#attempt.promise;
    };
    const onRetry: CallOptions["onRetry"] = (event) => {
      this.#delay = event.delay!;
      this.#begun = deferred();
      this.#scheduled.resolve();
      options.onRetry?.(event);
    };
    this.#call = call(attempt, { onRetry, unref: true }); // what waits is the SDK's timer
    this.#call.catch(() => {});
  }

  /** This, once the first attempt may be made. */
  async begin(): Promise<this> {
    await Promise.race([this.#begun.promise, this.#call]);
    return this;
  }

  /** This, if there is to be another attempt; else throws. */
  async failed(error: unknown): Promise<this> {
    // The SDK's timer may be earlier by a moment; ours alone would not keep the process.
    const stay = setInterval(() => {}, 1000);
    await Promise.race([this.#begun.promise, this.#call]).finally(() => clearInterval(stay));
    this.#scheduled = deferred();
    this.#attempt.reject(error);
    await Promise.race([this.#scheduled.promise, this.#call]);
    this.#retries++;
    return this;
  }

  succeeded(): void {
    this.#attempt.resolve();
  }

  getRetryCount(): number {
    return this.#retries;
  }

  getRetryDelay(): number {
    return this.#delay;
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((...both) => ([resolve, reject] = both));
  return { promise, resolve, reject };
}
