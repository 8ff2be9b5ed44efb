// Request bodies that can be sent again, and those that cannot.

/** A body, or what makes one for each attempt. */
export type Body = BodyInit | null | (() => BodyInit | null | PromiseLike<BodyInit | null>);

/** `fetch`'s own options, with a body that may be made anew for each attempt. */
export interface RetryingInit extends Omit<RequestInit, "body"> {
  /** What is sent; a function is called for each attempt. */
  readonly body?: Body | undefined;
}

/** The arguments of `fetch`, attempt after attempt. */
export interface Source {
  /** Why they can be used only once, if so. */
  readonly once: string | undefined;
  /** The arguments of the next attempt. */
  next(isLast: boolean): Promise<readonly [input: RequestInfo | URL, init: RequestInit | undefined]>;
  /** Nothing is kept for another attempt. */
  close(): void;
}

export function sourceOf(input: RequestInfo | URL, init: RetryingInit | undefined): Source {
  const body = init?.body;
  if (typeof body === "function") return made(input, init!, body);
  if (body !== undefined && body !== null) return fixed(input, init as RequestInit, isOneShot(body) ? STREAM : undefined);
  if (!isRequest(input) || !hasBody(input)) return fixed(input, init as RequestInit | undefined, undefined);
  return input.bodyUsed ? fixed(input, init as RequestInit | undefined, USED) : cloned(input, init as RequestInit | undefined);
}

export function isRequest(input: unknown): input is Request {
  return typeof Request === "function" && input instanceof Request;
}

function fixed(input: RequestInfo | URL, init: RequestInit | undefined, once: string | undefined): Source {
  return { once, next: async () => [input, init], close() {} };
}

function made(input: RequestInfo | URL, init: RetryingInit, make: () => unknown): Source {
  return {
    once: undefined,
    close() {},
    async next() {
      const body = (await make()) as BodyInit | null;
      const duplex = isOneShot(body) ? { duplex: "half" } : undefined; // fetch wants it said for streams
      return [input, { ...duplex, ...init, body }];
    },
  };
}

/** The copy that waits for another attempt buffers what the first one sends, so the last attempt makes none. */
function cloned(input: Request, init: RequestInit | undefined): Source {
  let spare: Request | undefined = input;
  return {
    once: undefined,
    async next(isLast) {
      const request = spare!;
      spare = isLast ? undefined : request.clone();
      return [request, init];
    },
    close() {
      if (spare !== input) spare?.body?.cancel().catch(() => {});
      spare = undefined;
    },
  };
}

/** Some hosts do not show a request's body: there every method that may have one counts as having one. */
function hasBody(request: Request): boolean {
  return request.body === undefined ? !/^(GET|HEAD)$/i.test(request.method) : request.body !== null;
}

/** Streams are gone once sent; everything else that `fetch` takes can be sent again. */
export function isOneShot(body: unknown): boolean {
  return typeof body === "object" && body !== null && (Symbol.asyncIterator in body || "getReader" in body || "pipe" in body);
}

const STREAM = "the body is a stream, which can be sent only once; give a function that makes it";
const USED = "the Request's body is used already";
