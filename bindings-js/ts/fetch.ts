// `fetch` with a policy.
import { isRequest, type RetryingInit, type Source, sourceOf } from "./body.js";
import {
  counting, facts, HttpError, isSource, markOf, marks, perform, Policy, type PolicyOptions, policyOf, rehearsal, type RunOptions, settingsFor,
  type Source as PolicySource,
} from "./core.js";
import type { Context } from "./context.js";
import { DomainNumber } from "./names.js";
import { discard, firstPiece } from "./response.js";

export type { Body, RetryingInit } from "./body.js";

/** The options of `retryingFetch`. */
export interface RetryingFetchOptions
  extends Pick<RunOptions<Response>, "on" | "onEvent" | "onRetry" | "onGiveUp" | "onSuccess" | "name" | "unref" | "seed" | "call"> {
  /** What is retried. Default the global `fetch`, looked up at each attempt. */
  readonly fetch?: ((input: RequestInfo | URL, init?: RequestInit) => Promise<Response>) | undefined;
}

/** The arguments of `fetch`. */
export type FetchArguments = [input: RequestInfo | URL, init?: RetryingInit];

/**
 * `fetch`, retried: by status, by lost connections, by method and `Idempotency-Key`, after the wait that the server asks
 * for. On giving up, the last response is handed over untouched, or the last error thrown as it came.
 *
 * Called by itself it covers an attempt up to the response's headers. `json`, `text` and `bytes` cover the body too: one
 * that breaks off is a failed attempt. They throw an `HttpError` where `fetch` would answer with a status above 399.
 */
export interface RetryingFetch {
  (...args: FetchArguments): Promise<Response>;
  /** The body, parsed as JSON. */
  json<T = unknown>(...args: FetchArguments): Promise<T>;
  /** The body as text. */
  text(...args: FetchArguments): Promise<string>;
  /** The body as it came. */
  bytes(...args: FetchArguments): Promise<Uint8Array>;
}

/** `fetch` with a policy: one that you have, the options of one, a source of them, or by default `standard`. */
export function retryingFetch(policy?: Policy | PolicyOptions | PolicySource, options: RetryingFetchOptions = {}): RetryingFetch {
  const { fetch, ...run } = options;
  const next = counting<never>(run);
  const chosen = isSource(policy) ? policy : policyOf(policy);
  const sender = <T>(read: (response: Response) => T | PromiseLike<T>, keepsResponse: boolean) =>
    async (...[input, init]: FetchArguments) =>
      send(isSource(chosen) ? await chosen.current() : chosen, next(), fetch, input, init, read, keepsResponse);
  return Object.assign(sender((response) => response, true), {
    json: sender((response) => response.text().then(JSON.parse), false) as RetryingFetch["json"],
    text: sender((response) => response.text(), false),
    bytes: sender((response) => response.arrayBuffer().then((buffer) => new Uint8Array(buffer)), false),
  });
}

async function send<T>(
  policy: Policy, run: RunOptions<never> | undefined, fetch: RetryingFetchOptions["fetch"], input: RequestInfo | URL,
  init: RetryingInit | undefined, read: (response: Response) => T | PromiseLike<T>, keepsResponse: boolean,
): Promise<T> {
  const settings = settingsFor(policy);
  const source = sourceOf(input, init);
  const request = new Exchange(input, init, source);
  const attempted = async (context: Context): Promise<T> => {
    request.begin();
    const [target, details] = await source.next(context.attempt === settings.attempts);
    const own = settings.attemptTimeout < 0 ? details : { ...details, signal: context.signal };
    try {
      const response = await (fetch ?? globalThis.fetch)(target, own);
      if (response.status < 400) return await read(response);
      request.answer = response;
    } catch (error) {
      request.thrown = error;
      throw error;
    }
    const body = settings.needsBody ? await firstPiece(request.answer, LONGEST_PIECE) : undefined;
    throw new HttpError(request.answer, { method: request.method, body });
  };
  try {
    const signal = init?.signal === undefined && isRequest(input) ? input.signal : init?.signal;
    return await perform(policy, settings, attempted, { ...run, signal } as RunOptions<T>, request);
  } catch (error) {
    const isAnswer = error instanceof HttpError && (error.response === request.answer || rehearsal?.facts(error));
    if (!keepsResponse || !isAnswer) throw error;
    const mark = markOf(error);
    if (mark) marks().given.set(error.response, mark);
    return error.response as T;
  } finally {
    source.close();
  }
}

/** What the call must know of an HTTP exchange. */
class Exchange {
  readonly method: string;
  readonly once: string | undefined;
  /** The last response that was a failure. */
  answer: Response | undefined = undefined;
  /** What `fetch`, or reading its response, threw last. */
  thrown: unknown = undefined;
  #stop: (() => void) | undefined = undefined;

  constructor(
    readonly input: RequestInfo | URL,
    readonly init: RetryingInit | undefined,
    source: Source,
  ) {
    this.method = init?.method ?? (isRequest(input) ? input.method : "GET");
    this.once = source.once;
  }

  get hasKey(): boolean {
    try {
      const headers = this.init?.headers ?? (isRequest(this.input) ? this.input.headers : undefined);
      return new Headers(headers).has("idempotency-key");
    } catch {
      return false;
    }
  }

  /**
   * Browsers say of every lost connection that a TypeError happened and no more. Where the arguments are right and
   * nothing else is known, that is what it was.
   */
  facts(error: unknown): ReturnType<typeof facts> | undefined {
    const isBare = error === this.thrown && error instanceof TypeError && (error as { cause?: unknown }).cause === undefined;
    return isBare && this.#isValid() ? facts(DomainNumber.Os, "ECONNRESET") : undefined;
  }

  begin(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.answer = undefined;
    this.thrown = undefined;
  }

  release(): void {
    if (this.answer) this.#stop = discard(this.answer);
  }

  #isValid(): boolean {
    try {
      if (!isRequest(this.input)) new Request(this.input, { ...this.init, body: null, signal: null } as RequestInit);
      return true;
    } catch {
      return false;
    }
  }
}

const LONGEST_PIECE = 4096;
