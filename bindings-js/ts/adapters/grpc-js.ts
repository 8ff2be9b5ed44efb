// grpc-js with a policy: a client interceptor.
import type { Request } from "../call.js";
import type { Context } from "../context.js";
import type { Settings } from "../compile.js";
import { arm, BreakerOpen, disarm, refuse, TimeoutError, type Waiter } from "../core.js";
import { type Caller, caller, type CallOptions, type GivenPolicy } from "./caller.js";

export type { CallOptions, GivenPolicy } from "./caller.js";

/** The options of `retryInterceptor`. */
export interface RetryInterceptorOptions extends CallOptions {
  /**
   * Whether a method, `"/package.Service/Method"`, may be repeated though the server may have acted on it. Default: every
   * method, as with gRPC's own retries. The policy's `idempotent` goes before it.
   */
  readonly idempotent?: ((path: string) => boolean) | undefined;
}

/** What an interceptor is told of a call. */
export interface GrpcOptions {
  deadline?: Date | number | undefined;
  readonly method_definition: { readonly path: string; readonly requestStream: boolean; readonly responseStream: boolean };
}

/**
 * `new Client(address, credentials, { interceptors: [retryInterceptor(policy)], "grpc.enable_retries": 0 })`: the policy's
 * decisions for unary calls, and for those that answer with a stream until its first message. Calls that send a stream are
 * made once. gRPC's own retries are turned off, so that one place retries.
 *
 * `grpc-retry-pushback-ms` and `google.rpc.RetryInfo` are heard. Each retry carries `grpc-previous-rpc-attempts`. The call's
 * own deadline ends all attempts; what is left of the policy's `timeout` is the deadline of each unary attempt. On giving up
 * the call fails with the last attempt's status and metadata.
 */
export function retryInterceptor(policy?: GivenPolicy, options: RetryInterceptorOptions = {}): Interceptor {
  const { idempotent = () => true, ...run } = options;
  if (typeof idempotent !== "function") refuse("idempotent", idempotent, "a function");
  const call = caller(policy, run);
  return (given, next) => {
    const { requestStream, path } = given.method_definition;
    return requestStream ? next(given) : new RetryingCall(call, given, next, idempotent(path));
  };
}

/** What a client's option `interceptors` takes. It answers `any` since grpc-js' own type has private parts. */
export type Interceptor = <O extends GrpcOptions>(options: O, next: (options: O) => any) => any;

interface Metadata {
  clone(): Metadata;
  set(name: string, value: string): void;
}

interface Status {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

interface Listener {
  onReceiveMetadata?(metadata: Metadata): void;
  onReceiveMessage?(message: unknown): void;
  onReceiveStatus?(status: Status): void;
}

interface Inner {
  start(metadata: Metadata, listener: Listener): void;
  sendMessageWithContext(context: MessageContext, message: unknown): void;
  startRead(): void;
  halfClose(): void;
  cancelWithStatus(code: number, details: string): void;
  getPeer(): string;
  getAuthContext?(): unknown;
}

interface MessageContext {
  readonly callback?: unknown;
  readonly flags?: number;
}

/** One call through all its attempts. */
class RetryingCall implements Request {
  readonly method: string;
  readonly hasKey = false;
  readonly #call: Caller;
  readonly #options: GrpcOptions;
  readonly #next: (options: any) => Inner;
  readonly #stop = new AbortController();
  #metadata!: Metadata;
  #listener!: Listener;
  #message: unknown;
  #messageContext: MessageContext = {};
  #inner: Inner | undefined;
  /** The reader waits for a message. */
  #isReading = false;
  #isPassing = false;
  /** The last attempt's end, and the metadata that came before. */
  #failed: { readonly error: unknown; readonly status: Status; readonly head: Metadata | undefined } | undefined;
  readonly #wait: Waiter = { timer: undefined };

  constructor(call: Caller, options: GrpcOptions, next: (options: any) => Inner, isHarmless: boolean) {
    this.#call = call;
    this.#options = options;
    this.#next = next;
    this.method = isHarmless ? "GET" : "POST"; // in the words of HTTP, which the engine's rule goes by
  }

  start(metadata: Metadata, listener: Listener = {}): void {
    this.#metadata = metadata;
    this.#listener = listener;
  }

  sendMessage(message: unknown): void {
    this.sendMessageWithContext({}, message);
  }

  sendMessageWithContext(context: MessageContext, message: unknown): void {
    this.#messageContext = context;
    this.#message = message;
  }

  /** All that is to be sent is there. */
  halfClose(): void {
    const attempt = (context: Context, settings: Settings) =>
      new Promise<void>((resolve, reject) => this.#attempt(context, settings, resolve, reject));
    this.#call(attempt, { signal: this.#stop.signal }, this).catch((error) => this.#giveUp(error));
  }

  startRead(): void {
    this.#isReading = true;
    this.#inner?.startRead();
  }

  cancelWithStatus(code: number, details: string): void {
    if (this.#isPassing) return this.#inner?.cancelWithStatus(code, details);
    this.#stop.abort(new Ended(code, details));
  }

  getPeer(): string {
    return this.#inner?.getPeer() ?? "unknown";
  }

  getAuthContext(): unknown {
    return this.#inner?.getAuthContext?.() ?? null;
  }

  get once(): string | undefined {
    return this.#deadline <= Date.now() ? "the call's own deadline is over" : undefined;
  }

  facts(): undefined {}

  /** A wait begins, which the call's own deadline ends. */
  release(): void {
    const left = this.#deadline - Date.now();
    const end = () => this.#stop.abort(new Ended(DEADLINE_EXCEEDED, "the deadline ended the wait before a retry"));
    if (left < Infinity) arm(this.#wait, left * 1000, end, true);
  }

  get #deadline(): number {
    return Number(this.#options.deadline ?? Infinity);
  }

  #attempt(context: Context, settings: Settings, resolve: () => void, reject: (error: unknown) => void): void {
    disarm(this.#wait);
    const inner = (this.#inner = this.#next(this.#optionsWithin(context)));
    const listener = this.#listener;
    let head: Metadata | undefined;
    const pass = () => {
      if (this.#isPassing) return;
      this.#isPassing = true;
      if (head) listener.onReceiveMetadata?.(head);
      resolve();
    };
    const isOver = () => this.#inner !== inner;
    if (settings.attemptTimeout >= 0) {
      const late = () => {
        this.#inner = undefined;
        inner.cancelWithStatus(CANCELLED, "the attempt took too long");
      };
      context.signal.addEventListener("abort", late, { once: true });
    }
    const metadata = this.#metadata.clone();
    if (context.attempt > 1) metadata.set("grpc-previous-rpc-attempts", String(context.attempt - 1));
    inner.start(metadata, {
      onReceiveMetadata: (metadata) => {
        if (this.#isPassing) listener.onReceiveMetadata?.(metadata);
        else head = metadata;
      },
      onReceiveMessage: (message) => {
        if (isOver() || (message === null && !this.#isPassing)) return; // grpc-js' word for an answer without a message
        pass();
        this.#isReading = false;
        listener.onReceiveMessage?.(message);
      },
      onReceiveStatus: (status) => {
        if (isOver()) return;
        if (this.#isPassing || status.code === OK) {
          pass();
          return listener.onReceiveStatus?.(status);
        }
        const error = Object.assign(new Ended(status.code, status.details), { metadata: status.metadata });
        this.#failed = { error, status, head };
        reject(error);
      },
    });
    inner.sendMessageWithContext(context.attempt > 1 ? { ...this.#messageContext, callback: undefined } : this.#messageContext, this.#message);
    inner.halfClose();
    if (this.#isReading) inner.startRead();
  }

  /** What is left of the policy's `timeout` is the deadline of an answer, though not of a stream, which is as long as it is. */
  #optionsWithin({ remaining }: Context): GrpcOptions {
    const options = this.#options;
    if (remaining === undefined || options.method_definition.responseStream) return { ...options };
    return { ...options, deadline: Math.min(this.#deadline, Date.now() + remaining) };
  }

  #giveUp(error: unknown): void {
    disarm(this.#wait);
    const inner = this.#inner;
    const failed = this.#failed;
    const listener = this.#listener;
    this.#inner = undefined;
    if (failed && failed.error === error) {
      if (failed.head) listener.onReceiveMetadata?.(failed.head);
      return listener.onReceiveStatus?.(failed.status);
    }
    inner?.cancelWithStatus(CANCELLED, "the call is over");
    const { code, details } = endOf(error);
    const metadata: Metadata = new (this.#metadata.constructor as new () => Metadata)();
    listener.onReceiveStatus?.({ code, details, metadata });
  }
}

/** The end of a call or an attempt, as grpc-js' own errors say it. */
class Ended extends Error {
  constructor(
    readonly code: number,
    readonly details: string,
  ) {
    super(`${code}: ${details}`);
  }
}

function endOf(error: unknown): { readonly code: number; readonly details: string } {
  if (error instanceof Ended) return error;
  const code = error instanceof TimeoutError ? DEADLINE_EXCEEDED : error instanceof BreakerOpen ? UNAVAILABLE : UNKNOWN;
  return { code, details: error instanceof Error ? error.message : String(error) };
}

const OK = 0;
const CANCELLED = 1;
const UNKNOWN = 2;
const DEADLINE_EXCEEDED = 4;
const UNAVAILABLE = 14;
