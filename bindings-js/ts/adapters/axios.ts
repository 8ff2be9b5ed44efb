// axios with a policy: an adapter, in axios' word for what sends a request.
import type { Request } from "../call.js";
import type { Context } from "../context.js";
import { facts, factsOf, join, read } from "../core.js";
import type { Facts } from "../failure.js";
import { DomainNumber } from "../names.js";
import { caller, type CallOptions, type GivenPolicy } from "./caller.js";
import { hasField, LONGEST_PIECE, MOST_DRAINED, onceBecauseOf } from "./http.js";

export type { CallOptions, GivenPolicy } from "./caller.js";

/** The options of `retryingAdapter`. */
export interface RetryingAdapterOptions extends CallOptions {
  /** What sends each attempt, as axios names it. Default axios' own choice. */
  readonly adapter?: unknown;
  /** Called before each retry with the copy of the request that is about to be sent: to renew a token in its headers, say. */
  readonly prepare?: ((request: AxiosRequest, context: Context) => void | PromiseLike<void>) | undefined;
}

/** A request as axios hands it to an adapter: transformed, and with all its headers. */
export interface AxiosRequest {
  method?: string | undefined;
  data?: unknown;
  headers: { set(name: string, value: string): unknown; concat(): AxiosRequest["headers"] };
  [option: string]: any;
}

/** What `axios` must have: version 1.5 or later. */
export interface AxiosLike {
  readonly defaults: { readonly adapter?: unknown };
  getAdapter(...args: never[]): unknown;
}

/**
 * `axios.create({ adapter: retryingAdapter(axios, policy) })`: the policy's decisions for every request of an instance, or
 * for one, with `axios.get(url, { adapter })`. Nothing is registered; interceptors and transforms run once, around all
 * attempts.
 *
 * Statuses from 400 on are failures, whatever `validateStatus` says of them, and errors too; a request that the server may
 * have acted on is repeated only with an idempotent method or an `Idempotency-Key`. An attempt covers the response's body,
 * but for `responseType: "stream"`. On giving up axios settles with the last response, or its own error, as ever. axios'
 * `timeout` is a limit of one attempt and retried; a signal or a cancel token ends the call at any moment with a
 * `CanceledError`. The policy's `attemptTimeout` rejects with this package's `TimeoutError`. A request whose body is a
 * stream is sent once.
 */
export function retryingAdapter<A extends AxiosLike>(axios: A, policy?: GivenPolicy, options: RetryingAdapterOptions = {}): ReturnType<A["getAdapter"]> {
  const { adapter = axios.defaults.adapter, prepare, ...run } = options;
  const call = caller(policy, run);
  const send = (request: AxiosRequest) =>
    (axios.getAdapter as (adapter: unknown, request: AxiosRequest) => Adapter)(adapter, request)(request);
  const retrying: Adapter = async (request) => {
    const exchange = new Exchange(request);
    let accepted: (Error & { readonly response: AxiosResponse }) | undefined;
    try {
      return await call(
        async (context, settings) => {
          exchange.needsBody = settings.needsBody;
          const copy: AxiosRequest = { ...request, headers: request.headers.concat() };
          if (settings.attemptTimeout >= 0) copy.signal = context.signal;
          if (context.attempt > 1) await prepare?.(copy, context);
          const response = await send(copy);
          if (!(response.status >= 400)) return response;
          // `validateStatus` lets it pass
          throw (accepted = Object.assign(new Error(`HTTP ${response.status}`), { response }));
        },
        { signal: exchange.signal },
        exchange,
      );
    } catch (error) {
      if (accepted && error === accepted) return accepted.response;
      throw error;
    } finally {
      exchange.close();
    }
  };
  return retrying as ReturnType<A["getAdapter"]>;
}

type Adapter = (request: AxiosRequest) => Promise<AxiosResponse>;

interface AxiosResponse {
  readonly status: number;
  readonly data: unknown;
}

interface CancelToken {
  readonly reason?: unknown;
  subscribe(listener: (reason: unknown) => void): void;
  unsubscribe(listener: (reason: unknown) => void): void;
}

/** What the call must know of a request. */
class Exchange implements Request {
  readonly method: string;
  readonly hasKey: boolean;
  readonly once: string | undefined;
  /** Aborts with axios' signal and its cancel token. */
  readonly signal: AbortSignal | undefined;
  needsBody = false;
  close: () => void = () => {};
  #response: AxiosResponse | undefined;

  constructor({ method = "get", headers, data, signal, cancelToken }: AxiosRequest) {
    this.method = method.toUpperCase();
    this.hasKey = hasField(headers, "idempotency-key");
    this.once = onceBecauseOf(data);
    this.signal = signal;
    if (cancelToken) this.signal = this.#joined(signal, cancelToken);
  }

  facts(error: unknown): Facts | undefined {
    const response = read(error, "response") as AxiosResponse | undefined;
    this.#response = response;
    const code = read(error, "code");
    const text = read(error, "message");
    if (code === "ECONNABORTED" && text !== "Request aborted") return facts(DomainNumber.Os, "ETIMEDOUT"); // axios' `timeout`
    if (code === "ERR_BAD_RESPONSE" && text === "stream has been aborted") return facts(DomainNumber.Os, "ECONNRESET"); // in a body
    const found = factsOf(error);
    if (code === "ERR_NETWORK" && found.domain === DomainNumber.User) return facts(DomainNumber.Os, "ECONNRESET"); // browsers say no more
    return this.needsBody && response ? { ...found, body: pieceOf(response.data) } : found;
  }

  release(): void {
    const data = this.#response?.data as (Partial<NodeStream> & Partial<ReadableStream>) | undefined;
    this.#response = undefined;
    if (data?.cancel) data.cancel().catch(() => {});
    if (!data?.on || !data.destroy) return;
    let length = 0;
    data.on("error", () => {});
    data.on("data", (chunk: Uint8Array) => {
      length += chunk.length;
      if (length > MOST_DRAINED) data.destroy!();
    });
  }

  #joined(signal: AbortSignal | undefined, token: CancelToken): AbortSignal {
    const controller = new AbortController();
    const cancel = (reason: unknown) => controller.abort(reason);
    token.subscribe(cancel);
    this.close = () => token.unsubscribe(cancel);
    return signal ? join(signal, controller.signal) : controller.signal;
  }
}

/** A body that is read from Node's. */
interface NodeStream {
  on(event: string, listener: (value: Uint8Array) => void): unknown;
  destroy(): unknown;
}

/** The beginning of a body that has been read. */
function pieceOf(data: unknown): Uint8Array | undefined {
  if (typeof data === "string") return new TextEncoder().encode(data.slice(0, LONGEST_PIECE)).subarray(0, LONGEST_PIECE);
  if (data instanceof ArrayBuffer) return new Uint8Array(data, 0, Math.min(data.byteLength, LONGEST_PIECE));
  return data instanceof Uint8Array ? data.subarray(0, LONGEST_PIECE) : undefined;
}
