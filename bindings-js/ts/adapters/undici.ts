// undici with a policy: an interceptor for `dispatcher.compose`.
import type { Request } from "../call.js";
import type { Context } from "../context.js";
import type { Settings } from "../compile.js";
import { HttpError } from "../core.js";
import { type Caller, caller, type CallOptions, type GivenPolicy } from "./caller.js";
import { hasField, LONGEST_PIECE, MOST_DRAINED, onceBecauseOf } from "./http.js";

export type { CallOptions, GivenPolicy } from "./caller.js";

/**
 * `new Agent().compose(retryInterceptor(policy))`: the policy's decisions for every request of a dispatcher of undici 7 or
 * later. It belongs where undici's own `interceptors.retry()` stood; only one of both may be there.
 *
 * Statuses and errors are retried as the policy says; a request that the server may have acted on only with an idempotent
 * method or an `Idempotency-Key`. An attempt ends with the response's headers: a body that breaks off afterwards is the
 * reader's error, and no part of it is asked for again. On giving up the last response is passed on untouched, with its
 * body, or the last error as it came. Bodies that can be sent again are text, bytes, `Blob` and `FormData`; a request with
 * a stream or an iterator is sent once. That is what `fetch` makes of every body before it comes here: use
 * `retryingFetch` there.
 */
export function retryInterceptor(policy?: GivenPolicy, options: CallOptions = {}): Interceptor {
  const call = caller(policy, options);
  return <D extends AnyDispatch>(dispatch: D) =>
    ((request: RequestOptions, handler: Handler) => new Exchange(dispatch as unknown as Dispatch, request, handler).begin(call)) as unknown as D;
}

/** What `compose` takes: it makes one `dispatch` of another. */
export type Interceptor = <D extends AnyDispatch>(dispatch: D) => D;
/** Any dispatcher's. */
export type AnyDispatch = (options: never, handler: never) => boolean;

type Dispatch = (options: RequestOptions, handler: Handler) => boolean;
type Fields = Readonly<Record<string, string | string[] | undefined>>;

interface RequestOptions {
  readonly method: string;
  readonly headers?: unknown;
  readonly body?: unknown;
}

interface Controller {
  readonly aborted: boolean;
  readonly paused: boolean;
  readonly reason: unknown;
  readonly rawHeaders?: unknown;
  readonly rawTrailers?: unknown;
  abort(reason: unknown): void;
  pause(): void;
  resume(): void;
}

interface Handler {
  onRequestStart?(controller: Controller, context: unknown): void;
  onRequestUpgrade?(controller: Controller, status: number, headers: Fields, socket: unknown): void;
  onResponseStart?(controller: Controller, status: number, headers: Fields, message?: string): void;
  onResponseData?(controller: Controller, chunk: Uint8Array): void;
  onResponseEnd?(controller: Controller, trailers: Fields): void;
  onResponseError?(controller: Controller, error: unknown): void;
}

/** One request through all its attempts, and the controller that its handler gets. */
class Exchange implements Request, Controller {
  readonly method: string;
  readonly hasKey: boolean;
  readonly once: string | undefined;
  paused = false;
  readonly #stop = new AbortController();
  #attempt: Attempt | undefined;

  constructor(
    readonly dispatch: Dispatch,
    readonly options: RequestOptions,
    readonly handler: Handler,
  ) {
    this.method = options.method;
    this.hasKey = hasField(options.headers, "idempotency-key");
    this.once = onceBecauseOf(options.body);
  }

  /** Answers what the first attempt's `dispatch` does: whether more requests may come at once. */
  begin(call: Caller): boolean {
    let answer = true;
    // Before the first attempt, so that a wait can be aborted whether or not that one got a connection.
    this.handler.onRequestStart?.(this, null);
    const attempted = (context: Context, settings: Settings) =>
      new Promise<void>((resolve, reject) => {
        this.#attempt?.drop(new Error("its response is not wanted any more"));
        const attempt = (this.#attempt = new Attempt(this, resolve, reject, settings.needsBody));
        if (settings.attemptTimeout >= 0) {
          const { signal } = context;
          signal.addEventListener("abort", () => attempt.drop(signal.reason), { once: true });
        }
        answer = this.dispatch(this.options, attempt);
      });
    call(attempted, { signal: this.#stop.signal }, this).catch((error) => this.#giveUp(error));
    return answer;
  }

  facts(): undefined {}

  release(): void {
    this.#attempt?.drain();
  }

  get aborted(): boolean {
    return this.#stop.signal.aborted;
  }

  get reason(): unknown {
    return this.aborted ? this.#stop.signal.reason : null;
  }

  get rawHeaders(): unknown {
    return this.#attempt?.controller?.rawHeaders;
  }

  get rawTrailers(): unknown {
    return this.#attempt?.controller?.rawTrailers;
  }

  abort(reason: unknown): void {
    this.#stop.abort(reason);
    if (this.#attempt?.isPassing) this.#attempt.controller?.abort(reason);
  }

  pause(): void {
    this.paused = true;
    this.#attempt?.controller?.pause();
  }

  resume(): void {
    this.paused = false;
    this.#attempt?.controller?.resume();
  }

  #giveUp(error: unknown): void {
    const attempt = this.#attempt;
    if (attempt?.error === error && attempt?.answer) return attempt.pass();
    attempt?.drop(error);
    this.handler.onResponseError?.(this, error);
  }
}

/** A response that failed, with as much of it as had to be looked at. */
interface Answer {
  readonly status: number;
  readonly headers: Fields;
  readonly message: string | undefined;
  readonly pieces: Uint8Array[];
  /** What came after the pieces, if it is known. */
  end?: { readonly trailers: Fields } | { readonly error: unknown };
}

class Attempt implements Handler {
  controller: Controller | undefined;
  /** The handler gets what comes. */
  isPassing = false;
  answer: Answer | undefined;
  /** What it failed with. */
  error: unknown;
  #dropped: { readonly reason: unknown } | undefined;
  #drained = -1;
  #isOver = false;

  constructor(
    readonly exchange: Exchange,
    readonly resolve: () => void,
    readonly reject: (error: unknown) => void,
    readonly needsBody: boolean,
  ) {}

  onRequestStart(controller: Controller): void {
    this.controller = controller;
    if (this.#dropped) controller.abort(this.#dropped.reason);
  }

  onRequestUpgrade(_: Controller, status: number, headers: Fields, socket: unknown): void {
    if (this.#dropped) return;
    this.#accept();
    this.exchange.handler.onRequestUpgrade?.(this.exchange, status, headers, socket);
  }

  onResponseStart(controller: Controller, status: number, headers: Fields, message?: string): void {
    if (this.#dropped) return;
    if (status < 400 || status > 599) {
      if (status >= 200) this.#accept(); // what is below is followed by the response
      return this.exchange.handler.onResponseStart?.(this.exchange, status, headers, message);
    }
    this.answer = { status, headers, message, pieces: [] };
    if (this.needsBody) return;
    controller.pause();
    this.#refuse();
  }

  onResponseData(controller: Controller, chunk: Uint8Array): void {
    if (this.isPassing) return this.exchange.handler.onResponseData?.(this.exchange, chunk);
    if (this.#drained >= 0) {
      this.#drained += chunk.length;
      if (this.#drained > MOST_DRAINED) this.drop(new Error("its response is too long to be read"));
      return;
    }
    if (!this.answer || this.#dropped) return;
    this.answer.pieces.push(chunk);
    if (lengthOf(this.answer.pieces) < LONGEST_PIECE) return;
    controller.pause();
    this.#refuse();
  }

  onResponseEnd(_: Controller, trailers: Fields): void {
    this.#isOver = true;
    if (this.isPassing) return this.exchange.handler.onResponseEnd?.(this.exchange, trailers);
    if (!this.answer) return;
    this.answer.end = { trailers };
    this.#refuse();
  }

  onResponseError(_: Controller, error: unknown): void {
    this.#isOver = true;
    if (this.isPassing) return this.exchange.handler.onResponseError?.(this.exchange, error);
    if (this.answer) {
      this.answer.end = { error };
      return this.#refuse();
    }
    this.error = error;
    this.reject(error);
  }

  /** Hands the failed response over, as if nobody had looked. */
  pass(): void {
    const { exchange, controller } = this;
    const { handler } = exchange;
    const { status, headers, message, pieces, end } = this.answer!;
    this.isPassing = true;
    handler.onResponseStart?.(exchange, status, headers, message);
    for (const piece of pieces) handler.onResponseData?.(exchange, piece);
    if (end && "trailers" in end) handler.onResponseEnd?.(exchange, end.trailers);
    else if (end) handler.onResponseError?.(exchange, end.error);
    else if (!exchange.paused) controller?.resume();
  }

  /** Lets the rest of the failed response come and go, for the sake of its connection. */
  drain(): void {
    if (!this.answer || this.#isOver) return;
    this.#drained = 0;
    if (Number(this.answer.headers["content-length"]) > MOST_DRAINED) this.drop(new Error("its response is too long to be read"));
    else this.controller?.resume();
  }

  /** Nothing is wanted of it any more. */
  drop(reason: unknown): void {
    this.#dropped ??= { reason };
    if (!this.#isOver) this.controller?.abort(reason);
  }

  #accept(): void {
    this.isPassing = true;
    this.resolve();
  }

  #refuse(): void {
    if (this.error !== undefined) return;
    const { status, headers, pieces } = this.answer!;
    const body = this.needsBody ? joined(pieces).subarray(0, LONGEST_PIECE) : undefined;
    this.error = new HttpError(new Response(null, { status, headers: fieldsOf(headers) }), { method: this.exchange.method, body });
    this.reject(this.error);
  }
}

function fieldsOf(headers: Fields): Headers {
  const fields = new Headers();
  for (const [name, values] of Object.entries(headers)) {
    for (const value of [values].flat()) {
      try {
        fields.append(name, value!);
      } catch {
        // a value that `Headers` does not take is passed on as it is, and says nothing about waits
      }
    }
  }
  return fields;
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(lengthOf(pieces));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
