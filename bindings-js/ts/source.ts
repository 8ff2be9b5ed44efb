// Policies that may change while a program runs: from a file that is watched, from feature flags, or from anywhere else.
import { builtin, clock, Policy, type PolicyOptions, retry, type RunOptions, versioned, warn } from "./core.js";
import type { Attempted } from "./call.js";
import type { Source } from "./options.js";

/** How a source is made. */
export interface SourceOptions {
  /** The policy until there is a good one. Default `standard`. */
  readonly fallback?: Policy | PolicyOptions | undefined;
  /** Told of an answer that is no policy, and of what reading it throws: once for the same trouble. Default a warning. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/**
 * Where policies come from: it stands wherever a policy does, and is asked at the start of each call. `read` answers the
 * policy of now: a `Policy`, its JSON text, or what `JSON.parse` made of that. The last good policy stays where it does not.
 */
export class PolicySource implements Source {
  readonly #read: () => unknown;
  readonly #onError: (error: unknown) => void;
  #policy: Policy;
  #answer: unknown;
  #version: number | string | undefined;
  #trouble: string | undefined;

  constructor(read: () => unknown, { fallback, onError = warnOf }: SourceOptions = {}) {
    this.#read = read;
    this.#onError = onError;
    this.#policy = fallback instanceof Policy ? fallback : new Policy(fallback);
  }

  /** The policy of now. Rejects with what `onError` throws. */
  async current(): Promise<Policy> {
    try {
      const found = await this.#read();
      const [answer, version] = found instanceof Versioned ? [found.answer, found.version] : [found];
      const known = answer instanceof Policy || typeof answer === "string" ? answer : JSON.stringify(answer);
      if (known !== this.#answer || version !== this.#version) {
        const policy = answer instanceof Policy ? answer : Policy.parse(answer as string | object);
        this.#policy = version === undefined ? policy : versioned(policy, version);
        this.#answer = known;
        this.#version = version;
      }
      this.#trouble = undefined;
    } catch (error) {
      const trouble = String(error);
      if (trouble !== this.#trouble) {
        this.#trouble = trouble;
        this.#onError(error);
      }
    }
    return this.#policy;
  }

  /** Calls `fn` until it succeeds or the policy of now gives up. */
  run<T>(fn: Attempted<T>, options?: RunOptions<T>): Promise<T> {
    return retry(fn, { ...options, policy: this });
  }

  /** A function like `fn`, retried by the policy of each call's beginning: the same arguments and `this`. */
  wrap<This, A extends unknown[], R>(
    fn: (this: This, ...args: A) => R, options?: RunOptions<Awaited<R>>,
  ): (this: This, ...args: A) => Promise<Awaited<R>> {
    const source = this;
    const wrapped = function (this: This, ...args: A): Promise<Awaited<R>> {
      return source.run(() => fn.apply(this, args) as Awaited<R>, options);
    };
    return Object.defineProperty(wrapped, "name", { value: fn.name, configurable: true });
  }
}

/** What a source with versions has: the policy is made anew, too, if the version alone is another. */
class Versioned {
  constructor(readonly answer: unknown, readonly version: number | string | undefined) {}
}

/** How a file is watched. */
export interface WatchOptions extends Pick<SourceOptions, "onError"> {
  /** How often the file may be looked at, in milliseconds. Default 1000. */
  readonly every?: number | undefined;
}

/**
 * The policy in a JSON file, read again when the file has changed: at the start of a call, at most once in `every`. Node and
 * its like only. Throws for a file that is missing or wrong now.
 */
export function watchFile(path: string | URL, { every = 1000, onError }: WatchOptions = {}): PolicySource {
  if (!(every >= 0)) throw new RangeError(`every is ${every}, allowed milliseconds from 0 on`);
  const fs = builtin("node:fs") as FileSystem | undefined;
  if (!fs) throw new Error("a file can be watched only where node:fs is; use PolicySource with a reader of your own");
  const look = () => {
    const { mtimeMs, size, ino } = fs.statSync(path);
    return `${mtimeMs} ${size} ${ino}`;
  };
  const load = () => Policy.parse(fs.readFileSync(path));
  let seen = look();
  let policy = load();
  let lookedAt = clock();
  const read = () => {
    const now = clock();
    if (now - lookedAt >= every) {
      const found = look();
      if (found !== seen) policy = load();
      seen = found;
      lookedAt = now;
    }
    return policy;
  };
  return new PolicySource(read, { fallback: policy, onError });
}

interface FileSystem {
  statSync(path: string | URL): { mtimeMs: number; size: number; ino: number };
  readFileSync(path: string | URL): Uint8Array;
}

/** What is needed of OpenFeature's client, for servers or for the web. */
export interface FlagClient<C> {
  getObjectDetails(key: string, fallback: never, context?: C): Flag | Promise<Flag>;
  getStringDetails(key: string, fallback: string, context?: C): Flag | Promise<Flag>;
}

interface Flag {
  readonly value: unknown;
  readonly variant?: string | undefined;
  readonly errorCode?: string | undefined;
  readonly errorMessage?: string | undefined;
}

/**
 * The policy that a flag of OpenFeature holds, as an object or as JSON text; evaluated at the start of each call. A flag that
 * is missing, or of another type, is told as an error like a wrong policy. The flag's variant is
 * `policy.version`, if it has one.
 */
export function flagSource<C>(client: FlagClient<C>, key: string, options: SourceOptions & { readonly context?: C | undefined } = {}): PolicySource {
  const { context } = options;
  const read = async () => {
    let flag = await client.getObjectDetails(key, {} as never, context);
    if (flag.errorCode === "TYPE_MISMATCH") flag = await client.getStringDetails(key, "", context);
    if (flag.errorCode) throw new Error(`flag ${key}: ${flag.errorCode}, ${flag.errorMessage ?? "no more is known"}`);
    return new Versioned(flag.value, flag.variant || undefined);
  };
  return new PolicySource(read, options);
}

function warnOf(error: unknown): void {
  warn(`the policy stays as it was, since its source has none: ${String(error)}`);
}
