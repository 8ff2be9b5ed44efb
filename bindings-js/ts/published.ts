// Policies that a fleet reads from its store, each with a version.
import { POLICY } from "fleet-scripts";
import { arm, disarm, Policy, type PolicyOptions, refuse, rehearsal, versioned, type Waiter } from "./core.js";
import type { Duration } from "./options.js";
import { PolicySource, type SourceOptions } from "./source.js";
import { duration, type Hub, hubOf, type Store } from "./store.js";

/** How a published policy is read. */
export interface PublishedOptions extends SourceOptions {
  /** How often it is read. Default 500 ms. */
  readonly every?: Duration | undefined;
}

/** How a policy is published. */
export interface PublishOptions {
  /** The version that it is to follow, 0 for the first. Default whatever is there. */
  readonly expected?: number | undefined;
}

/** Somebody else published meanwhile; nothing was written. */
export class VersionConflict extends Error {
  static {
    this.prototype.name = "VersionConflict";
  }

  constructor(
    /** The version that was to be followed. */
    readonly expected: number,
    /** The version that is there, 0 if none. */
    readonly version: number,
  ) {
    super(`the version is ${version}, expected ${expected}; look at what was published, and expect its version`);
  }
}

/**
 * The policy that was published under a name in a store: `publishPolicy` changes it for all processes of the fleet at once. It is read `every` so
 * often by a timer that keeps no process alive; a call takes what is known and never waits. `policy.version` of these policies is the version,
 * which events have in `event.policy.version`. Until the first is read calls go by `fallback`; `await source.ready()` waits for it.
 *
 * What is there and no good policy is refused, and `onError` told of it, once for the same trouble. The last good policy stays with its
 * version; so while the store does not answer, and if it has forgotten it. It is read until the store is closed, or nobody has the source any
 * more. Throws a `TypeError` or `RangeError` for options that are none.
 */
export function policySource(store: Store, name: string, { every = 500, ...options }: PublishedOptions = {}): PublishedPolicy {
  const hub = openHub(store);
  const reader = new Reader(hub, keyOf(hub, name));
  const source = new PublishedPolicy(reader, options);
  keepReading(hub, new WeakRef(source), reader, duration(every, "every"));
  return source;
}

/**
 * Publishes a policy, its options or its JSON text as the next version under a name; answers the version, from 1. The sources of all processes
 * go by it within their `every`; it does not expire. With `expected` it rejects with `VersionConflict` instead if somebody else published
 * meanwhile. Rejects with a `PolicyError` with every mistake before anything is written, and with the client's errors as they come: then it may or may not
 * have been published.
 */
export async function publishPolicy(
  store: Store, name: string, policy: Policy | PolicyOptions | string | Uint8Array, { expected }: PublishOptions = {},
): Promise<number> {
  const hub = openHub(store);
  if (expected !== undefined && !(Number.isSafeInteger(expected) && expected >= 0)) refuse("expected", expected, "a whole number from 0", RangeError);
  const isText = typeof policy === "string" || ArrayBuffer.isView(policy);
  const good = policy instanceof Policy ? policy : isText ? Policy.parse(policy) : new Policy(policy);
  const [isWritten, version, , trouble] = textsOf(await hub.run(POLICY, [keyOf(hub, name)], [good.dump(), String(expected ?? "")]));
  if (trouble) throw new Error(`the store refuses the policy's key: ${trouble}`);
  if (isWritten !== "1") throw new VersionConflict(expected!, /^\d+$/.test(version) ? Number(version) : 0);
  return Number(version);
}

/** The policy that was published under a name: `policySource` gives it. */
export class PublishedPolicy extends PolicySource {
  readonly #reader: Reader;

  /** @internal */
  constructor(reader: Reader, options: SourceOptions) {
    super(() => reader.policy(), options);
    this.#reader = reader;
  }

  /**
   * Waits until the first policy is read, for `timeout` (10 s) at most; answers whether one is. Calls need not wait for it. Rejects with a
   * `RangeError` for a time that is none.
   */
  async ready(timeout: Duration = "10s"): Promise<boolean> {
    const waiter: Waiter = { timer: undefined };
    const longest = duration(timeout, "timeout");
    const isOver = new Promise<boolean>((resolve) => arm(waiter, longest, () => resolve(false), false));
    const isReady = await Promise.race([this.#reader.first.then(() => true), isOver]);
    disarm(waiter);
    return isReady;
  }
}

/** What a store has at a key, as last read. */
class Reader {
  #isFirst!: () => void;
  /** Once there was a policy. */
  readonly first = new Promise<void>((resolve) => (this.#isFirst = resolve));
  #policy: Policy | undefined;
  #trouble: unknown;
  #text = "";

  constructor(readonly hub: Hub, readonly key: string) {}

  /** The policy that was read. Throws what is wrong with it. */
  policy(): Policy {
    if (this.#trouble) throw this.#trouble;
    return this.#policy!;
  }

  /** Reads it; answers when the store has, and calls back then or when it is too late. */
  async read(judge: () => void): Promise<void> {
    const waiter: Waiter = { timer: undefined };
    const lose = (cause?: unknown) => (this.#trouble = new Error("the store does not answer as it should", { cause }));
    arm(waiter, this.hub.timeout, () => {
      lose();
      judge();
    }, true);
    try {
      this.#take(textsOf(await this.hub.run(POLICY, [this.key], ["", ""])));
    } catch (error) {
      lose(error);
    }
    disarm(waiter);
    judge();
  }

  #take(answer: Answer): void {
    const text = answer.join(" ");
    try {
      if (text !== this.#text) this.#policy = this.#made(answer);
      this.#isFirst();
      this.#text = text;
      this.#trouble = undefined;
    } catch (error) {
      this.#trouble = error;
    }
  }

  #made([, version, text, trouble]: Answer): Policy {
    if (trouble) throw new Error(`the store has something else at ${this.key}, or may not be asked for it: ${trouble}`);
    if (!text) throw new Error(`the store has no policy at ${this.key}; publish one`);
    if (!/^\d{1,15}$/.test(version) || !Number(version)) {
      throw new Error(`the version of the policy at ${this.key} is ${version.slice(0, 100)}, allowed a whole number from 1; use publishPolicy`);
    }
    return versioned(Policy.parse(text), Number(version));
  }
}

/** Reads now and then again, one time after the other, as long as somebody has the source. */
function keepReading(hub: Hub, held: WeakRef<PolicySource>, reader: Reader, every: number): void {
  const again = async () => {
    if (hub.isClosed || !held.deref()) return;
    // What `onError` throws reaches nobody here.
    if (!rehearsal) await reader.read(() => void (!hub.isClosed && held.deref()?.current().catch(() => {})));
    const timer: ReturnType<typeof setTimeout> & { unref?: () => void } = globalThis.setTimeout(again, every / 1000);
    timer.unref?.();
  };
  void again();
}

function openHub(store: Store): Hub {
  const hub = hubOf(store);
  if (hub.isClosed) throw new Error("the store is closed; make another");
  return hub;
}

function keyOf(hub: Hub, name: unknown): string {
  if (typeof name !== "string" || !name || /[{}]/.test(name)) refuse("name", name, "text without braces, and not empty");
  return `${hub.prefix}:{${name}}:policy`;
}

type Answer = [isWritten: string, version: string, text: string, trouble: string];

/** A store's answer. */
function textsOf(answer: unknown): Answer {
  if (!Array.isArray(answer) || answer.length !== 4) throw new Error("the store answered with something else than four texts");
  return answer.map(String) as Answer;
}
