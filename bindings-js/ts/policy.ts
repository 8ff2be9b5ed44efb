// A policy as users hold it.
import { type Attempts, walk } from "./attempts.js";
import type { Budget } from "./budget.js";
import { type Attempted, NONE, runBare } from "./call.js";
import { compile, delays, type Settings } from "./compile.js";
import { load, output, usePolicy } from "./engine.js";
import { PolicyError } from "./errors.js";
import { marks } from "./marks.js";
import type { NamedBreaker } from "./named-breaker.js";
import { Notation } from "./names.js";
import type { PolicyOptions, RunOptions, Seed } from "./options.js";
import { checkFunction, checkRunOptions, counting, perform } from "./perform.js";
import { refuse } from "./refuse.js";
import { halves, seedOf } from "./seed.js";
import { tapeOf } from "./tape.js";

/** A policy in its canonical JSON form, as `toJSON` gives it and `Policy.parse` takes it. */
export interface PolicyJson {
  readonly undaunted: 1;
  readonly [option: string]: unknown;
}

/** What `schedule` starts from. */
export interface ScheduleOptions {
  /** 0 to 2^64-1; without it, and without `callSeed`, the waits are drawn from the system's entropy. */
  readonly seed?: Seed | undefined;
  /** The number of the call under `seed`, from 1. Default 1. */
  readonly call?: number | undefined;
  /** Replays an event. */
  readonly callSeed?: Seed | undefined;
  /** How many attempts, 1 to 100000. Default the policy's; required when that is unlimited. */
  readonly attempts?: number | undefined;
}

/** Where Node looks for how to print an object. */
const INSPECT: unique symbol = /* @__PURE__ */ Symbol.for("nodejs.util.inspect.custom");

/** The settings of a policy. */
export let settingsFor: (policy: Policy) => Settings;

/** The same policy, as a source's of a version. */
export let versioned: (policy: Policy, version: number | string | undefined) => Policy;

/** Handed to the constructor beside its arguments, so that users cannot. */
let ready: Settings | undefined;

/** A retry policy: every option resolved, checked, and never changing. */
export class Policy {
  readonly #settings: Settings;
  #text: string | undefined;
  #version: number | string | undefined;

  /** From an object; throws a `PolicyError` with every mistake in it. */
  constructor(options: PolicyOptions = {}) {
    this.#settings = ready ?? compile(tapeOf(options));
    ready = undefined;
  }

  /** From JSON: text, UTF-8 bytes, or what `JSON.parse` made of it. Durations are text with a unit there. */
  static parse(source: string | Uint8Array | object): Policy {
    return from(compile(tapeOf(json(source)), Notation.Json));
  }

  /** By name: `standard`, `interactive`, `aws`, `grpc`, `stamina`, `urllib3`, `google`, `none`. */
  static preset(name: NonNullable<PolicyOptions["preset"]>): Policy {
    return new Policy({ preset: name });
  }

  /** The allowance of retries that its calls share with others. */
  get budget(): Budget | undefined {
    return this.#settings.budget;
  }

  /** What refuses its calls' attempts for a while once too many have failed or been slow. */
  get breaker(): NamedBreaker | undefined {
    return this.#settings.breaker;
  }

  /** Which version it is of what its source has, where that counts versions. No part of what makes policies equal. */
  get version(): number | string | undefined {
    return this.#version;
  }

  /** Calls `fn` until it succeeds or the policy gives up; then its last error is thrown as it came. */
  run<T>(fn: Attempted<T>, options?: RunOptions<T>): Promise<T> {
    return perform(this, this.#settings, fn, options);
  }

  /** A function like `fn`, retried: the same arguments and `this`. */
  wrap<This, A extends unknown[], R>(
    fn: (this: This, ...args: A) => R,
    options?: RunOptions<Awaited<R>>,
  ): (this: This, ...args: A) => Promise<Awaited<R>> {
    checkFunction(fn, "what is wrapped");
    const next = counting(options);
    const policy = this;
    const settings = this.#settings;
    const isBare = options === undefined && !settings.isWatched;
    const wrapped = function (this: This, ...args: A): Promise<Awaited<R>> {
      const attempted = () => fn.apply(this, args) as Awaited<R>;
      return isBare && !marks().hooks.size ? runBare(policy, settings, attempted, NONE, undefined) : perform(policy, settings, attempted, next());
    };
    return Object.defineProperty(wrapped, "name", { value: fn.name, configurable: true });
  }

  /** `for await (const attempt of policy.attempts()) await attempt.run(async (signal) => …)`: blocks of code, retried. */
  attempts(options: Omit<RunOptions, "retryIfResult"> = {}): Attempts {
    checkRunOptions(options);
    return walk(this, this.#settings, options);
  }

  /**
   * The waits in milliseconds, each a whole number of microseconds, before the retries of a call whose attempts all fail
   * at once. `timeout` does not end it.
   */
  schedule({ seed, call, callSeed, attempts }: ScheduleOptions = {}): number[] {
    const settings = this.#settings;
    const count = attempts ?? (settings.attempts < 0 ? undefined : Math.min(settings.attempts, MOST_ATTEMPTS));
    if (!Number.isInteger(count) || count! < 1 || count! > MOST_ATTEMPTS) {
      refuse("attempts", count, `1 to ${MOST_ATTEMPTS}; an unlimited policy needs it`, RangeError);
    }
    if (callSeed !== undefined && seed !== undefined) throw new TypeError("callSeed stands beside seed; keep one");
    const [high, low] = callSeed === undefined ? seedOf(seed, call) : halves(callSeed, "callSeed");
    return delays(settings, high, low, count! - 1).map((us) => us / 1000);
  }

  /** A policy like this one but for the options given. */
  replace(options: PolicyOptions): Policy {
    return from(compile(tapeOf(options), Notation.JavaScript, this.#settings));
  }

  /** Whether two policies decide the same. */
  equals(other: unknown): boolean {
    return other instanceof Policy && this.dump() === other.dump();
  }

  /** Canonical JSON, the same in every language. */
  dump(): string {
    usePolicy(this.#settings.compiled);
    return (this.#text ??= output(0, load().dump()));
  }

  /** The same as an object; `structuredClone` and `postMessage` take it. */
  toJSON(): PolicyJson {
    return JSON.parse(this.dump());
  }

  toString(): string {
    return `Policy ${this.dump()}`;
  }

  [INSPECT](): string {
    return this.toString();
  }

  /** For adapters of this package. */
  static {
    settingsFor = (policy) => policy.#settings;
    versioned = (policy, version) => {
      const same = from(policy.#settings);
      same.#version = version;
      return same;
    };
  }
}

/** A policy from what the engine made. */
export function from(settings: Settings): Policy {
  ready = settings;
  return new Policy();
}

/** What JSON says; an object is taken as it is. */
export function json(source: unknown): unknown {
  const isBytes = ArrayBuffer.isView(source);
  if (typeof source === "object" && !isBytes) return source;
  try {
    return JSON.parse(isBytes ? new TextDecoder().decode(source) : String(source).replace(/^\uFEFF/, ""));
  } catch (cause) {
    throw new PolicyError([{ code: "not_json", pointer: "", text: `the policy is no JSON: ${(cause as Error).message}` }], { cause });
  }
}

const MOST_ATTEMPTS = 100_000;
