// The errors that are ours.
import { type HeaderSource, readHint } from "./headers.js";

/** One mistake in a policy. */
export interface Problem {
  /** The same in every language and version. */
  readonly code: string;
  /** Where it is: a JSON pointer (RFC 6901). */
  readonly pointer: string;
  /** What was given, what is allowed, what to do. */
  readonly text: string;
}

/** A policy that is wrong, with every mistake in it. */
export class PolicyError extends TypeError {
  override readonly name = "PolicyError";
  /** All of them, in the order of the options. */
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], options?: ErrorOptions) {
    super(problems.map((problem) => problem.text).join("\n"), options);
    this.problems = problems;
  }
}

/** An attempt took longer than `attemptTimeout`, or than was left of `timeout`. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
  /** How long the attempt was given, in milliseconds. */
  readonly limit: number;

  constructor(limit: number) {
    super(`the attempt took longer than ${limit} ms`);
    this.limit = limit;
  }
}

/** A breaker refused the call, on this side: nothing was sent. */
export class BreakerOpen extends Error {
  override readonly name = "BreakerOpen";
  /** How long it goes on refusing, in milliseconds. */
  readonly retryIn: number;

  constructor(retryIn: number, breaker?: string) {
    super(`the breaker${breaker === undefined ? "" : ` ${breaker}`} is open and refuses calls for another ${retryIn} ms; nothing was sent`);
    this.retryIn = retryIn;
  }
}

/** No attempt gave a result that `retryIfResult` accepts. */
export class GaveUp<T = unknown> extends Error {
  override readonly name = "GaveUp";
  /** The last result. */
  readonly result: T;

  constructor(result: T, text: string) {
    super(text);
    this.result = result;
  }
}

/** A response whose status says that the call failed. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly headers: Headers;
  /** As it came; its body is unread unless you read it. */
  readonly response: Response;
  /** The request's method, where it is known. */
  readonly method: string | undefined;
  /** The first piece of the body, where a rule of the policy asked for it. */
  readonly body: Uint8Array | undefined;

  constructor(response: Response, details: { readonly method?: string | undefined; readonly body?: Uint8Array | undefined } = {}) {
    super(`HTTP ${response.status}${response.statusText && " "}${response.statusText}`);
    this.status = response.status;
    this.headers = response.headers;
    this.response = response;
    this.method = details.method;
    this.body = details.body;
  }

  /** The wait in milliseconds that the server asked for. */
  get hint(): number | undefined {
    return readHint(this.headers satisfies HeaderSource);
  }
}

/** The response if its status is 200 to 299; throws an `HttpError` for any other. */
export function ok<R extends Response>(response: R, details?: { readonly method?: string | undefined }): R {
  if (response.ok) return response;
  throw new HttpError(response, details);
}
