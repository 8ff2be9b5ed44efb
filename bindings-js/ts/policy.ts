// A policy as users hold it.
import { Attempts } from "./attempts.js";
import type { Attempted } from "./call.js";
import { compileTape, delays, type Settings, settingsOf } from "./compile.js";
import * as engine from "engine-glue";
import { type Compiled, output, usePolicy } from "./engine.js";
import { PolicyError } from "./errors.js";
import type { PolicyOptions, RunOptions, Seed } from "./options.js";
import { checkRunOptions, launch, perform } from "./perform.js";
import { callSeed, type Halves, halves, nextCallSeed } from "./seed.js";
import { describe, writeTape } from "./tape.js";

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

/** Handed to the constructor beside its arguments, so that users cannot. */
let ready: Compiled | undefined;

/** A retry policy: every option resolved, checked, and never changing. */
export class Policy {
  readonly #settings: Settings;
  #text: string | undefined = undefined;

  /** From an object; throws a `PolicyError` with every mistake in it. */
  constructor(options: PolicyOptions = {}) {
    const compiled = ready ?? compileTape(writeTape(options), JAVASCRIPT);
    ready = undefined;
    this.#settings = settingsOf(compiled);
  }

  /** From JSON: text, UTF-8 bytes, or what `JSON.parse` made of it. Durations are text with a unit there. */
  static parse(source: string | Uint8Array | object): Policy {
    return from(compileTape(writeTape(json(source)), JSON_NOTATION));
  }

  /** By name: `standard`, `interactive`, `stamina`, `none`. */
  static preset(name: NonNullable<PolicyOptions["preset"]>): Policy {
    return new Policy({ preset: name });
  }

  /** Calls `fn` until it succeeds or the policy gives up; then its last error is thrown as it came. */
  run<T>(fn: Attempted<T>, options?: RunOptions<T>): Promise<T> {
    const settings = this.#settings;
    if (options === undefined && typeof fn === "function") return launch(this, settings, fn);
    return perform(this, settings, fn, options);
  }

  /** A function like `fn`, retried: the same arguments and `this`. */
  wrap<This, A extends unknown[], R>(
    fn: (this: This, ...args: A) => R,
    options?: RunOptions<Awaited<R>>,
  ): (this: This, ...args: A) => Promise<Awaited<R>> {
    if (typeof fn !== "function") throw new TypeError(`${describe(fn)} is given to be wrapped, allowed a function`);
    if (options !== undefined) checkRunOptions(options);
    const policy = this;
    let call = options?.call ?? 1;
    const wrapped = function (this: This, ...args: A): Promise<Awaited<R>> {
      const own = options?.seed === undefined ? options : { ...options, call: call++ };
      const attempted = () => fn.apply(this, args) as Awaited<R>;
      return launch(policy, policy.#settings, attempted, own);
    };
    return Object.defineProperty(wrapped, "name", { value: fn.name, configurable: true });
  }

  /** `for await (const attempt of policy.attempts()) await attempt.run(async (signal) => …)`: blocks of code, retried. */
  attempts(options?: Omit<RunOptions, "retryIfResult">): Attempts {
    return new Attempts(this, this.#settings, options);
  }

  /**
   * The waits in milliseconds, each a whole number of microseconds, before the retries of a call whose attempts all fail
   * at once. `timeout` does not end it.
   */
  schedule(options: ScheduleOptions = {}): number[] {
    const { compiled, attempts: limit } = this.#settings;
    const attempts = options.attempts ?? (limit < 0 ? undefined : Math.min(limit, MOST_ATTEMPTS));
    if (!Number.isInteger(attempts) || attempts! < 1 || attempts! > MOST_ATTEMPTS) {
      throw new RangeError(`attempts is ${attempts}, allowed 1 to ${MOST_ATTEMPTS}; an unlimited policy needs it`);
    }
    const [high, low] = seedOf(options);
    return delays(compiled, high, low, attempts! - 1).map((us) => us / 1000);
  }

  /** A policy like this one but for the options given. */
  replace(options: PolicyOptions): Policy {
    return from(compileTape(writeTape(options), JAVASCRIPT, this.#settings.compiled));
  }

  /** Whether two policies decide the same. */
  equals(other: unknown): boolean {
    return other instanceof Policy && this.dump() === other.dump();
  }

  /** Canonical JSON, the same in every language. */
  dump(): string {
    if (this.#text === undefined) {
      usePolicy(this.#settings.compiled);
      this.#text = output(0, engine.dump());
    }
    return this.#text;
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
  }
}

/** A policy from bytes that the engine made. */
export function from(compiled: Compiled): Policy {
  ready = compiled;
  return new Policy();
}

function seedOf({ seed, call = 1, callSeed: given }: ScheduleOptions): Halves {
  if (given === undefined) return seed === undefined ? nextCallSeed() : callSeed(halves(seed), call);
  if (seed !== undefined) throw new TypeError("callSeed is given and seed too; keep the one that is meant");
  return halves(given, "callSeed");
}

function json(source: unknown): unknown {
  if (typeof source === "object" && !ArrayBuffer.isView(source)) return source;
  const text = typeof source === "object" ? new TextDecoder().decode(source as Uint8Array) : String(source).replace(/^\uFEFF/, "");
  try {
    return JSON.parse(text);
  } catch (cause) {
    const problem = { code: "not_json", pointer: "", text: `the policy is no JSON: ${(cause as Error).message}` };
    throw new PolicyError([problem], { cause });
  }
}

const JSON_NOTATION = 0;
const JAVASCRIPT = 2;
const MOST_ATTEMPTS = 100_000;
