// The store of a fleet: one Redis or Valkey, through a client that the user made; not asked while it is known to be lost.
import {
  arm, checkIsObject, disarm, microsOf, refuse, rehearsal, type State, useGuard, type Waiter, warn,
} from "./core.js";
import { compileGuard, Kind, now, numbers, seedFor } from "./guard.js";
import type { Duration } from "./options.js";
import type { Script } from "fleet-scripts";

/** A client of ioredis, or a cluster of them. */
export interface IoredisClient {
  evalsha(...words: never[]): unknown;
  eval(...words: never[]): unknown;
}

/** A client of node-redis, or a cluster of them. */
export interface NodeRedisClient {
  evalSha(...words: never[]): unknown;
  eval(...words: never[]): unknown;
}

/** What happens to a store: it does not answer as it should, from now on; or it does so again. */
export type StoreEvent = { readonly kind: "lost"; readonly error: unknown } | { readonly kind: "back" };

/** The options of a store. */
export interface StoreOptions {
  /** How long a call waits for an answer at most; twice that where the process was too busy to look. Default 50 ms. */
  readonly timeout?: Duration | undefined;
  /** How long what successes add may wait until it is sent. Default 500 ms. */
  readonly every?: Duration | undefined;
  /** What its keys begin with. Default `"undaunted"`. */
  readonly prefix?: string | undefined;
  /** Told once when the store is lost and once when it is back. Default a warning of the process. */
  readonly onEvent?: ((event: StoreEvent) => void) | undefined;
}

/** What its guards see of a store. */
export let hubOf: (store: Store) => Hub;

/**
 * One Redis (6 or newer) or Valkey in which the processes of a fleet share guards by their names. The client is yours: it is neither
 * connected nor closed here, and each guard takes one key of it, a budget or a bulkhead two.
 *
 * Nothing that the store does reaches your calls. If it does not answer within `timeout`, or with an error, or with anything but what was
 * asked for, its guards go on in this process alone, a budget with this process's share of what was left; calls do not wait for it
 * until it answers again, which is tried after a second, then after longer waits up to ten.
 */
export class Store {
  readonly #hub: Hub;

  /** Throws a `TypeError` for a client of another kind, and for options that are none. */
  constructor(client: IoredisClient | NodeRedisClient, options: StoreOptions = {}) {
    this.#hub = new Hub(client, options);
  }

  /** Whether it is known not to answer; its guards count in this process alone then. */
  get isLost(): boolean {
    return !this.#hub.isUp;
  }

  /** Whether it was closed. */
  get isClosed(): boolean {
    return this.#hub.isClosed;
  }

  /** Sends once what has not been sent yet. From then on its guards count in this process alone. */
  close(): Promise<void> {
    return this.#hub.close();
  }

  static {
    hubOf = (store) => (store instanceof Store ? store.#hub : refuse("store", store, "a Store of undaunted/fleet"));
  }
}

/** A guard of this process whose counts are in a store. */
export abstract class Link {
  constructor(
    readonly hub: Hub,
    readonly state: State,
    readonly name: string,
    /** Its kind, as in its key. */
    readonly kind: string,
    readonly script: Script,
  ) {}

  /** Holds the guard, too, for as long as the store is there. */
  owner: object | undefined;
  /** What it was made of, where the store alone knows its name. */
  options: string | undefined;
  #isTelling = false;

  key(kind = this.kind): string {
    return `${this.hub.prefix}:{${this.name}}:${kind}`;
  }

  get keys(): string[] {
    return [this.key()];
  }

  /** The store keeps it from now on. */
  abstract leave(): void;
  /** It goes on alone. */
  abstract return(): void;
  /** Whether there is anything to tell. */
  abstract get hasNews(): boolean;
  /** Tells what there is to tell, if only by asking; rejects as `trip` does. */
  abstract tell(pass?: Pass): Promise<unknown>;

  /** Tells without waiting for the answer. */
  send(): void {
    this.tell().catch(() => {});
  }

  /** Tells if there is something to tell, or finds out whether the store is back. */
  report(): void {
    if (!this.hub.isUp) this.hub.revive();
    else if (this.hasNews) this.send();
  }

  /** The same, of all that happens in this turn of the event loop together. */
  reportSoon(): void {
    if (!this.hub.isUp) this.hub.revive();
    else if (!this.#isTelling && this.hasNews) {
      this.#isTelling = true;
      soon(() => {
        this.#isTelling = false;
        if (this.hub.isUp && this.hasNews) this.send();
      });
    }
  }

  /** The same, within a while. */
  note(): void {
    if (!this.hub.isUp) this.hub.revive();
    else if (this.hasNews) this.hub.later();
  }
}

/** Leave of a store's breaker for one trip. */
export type Pass = readonly [generation: number, number: number];

/** The trips of a store, and what becomes of its guards. */
export class Hub {
  /** This process, among those that share a guard. */
  readonly member = globalThis.crypto.randomUUID();
  readonly prefix: string;
  /** How many share its guards, as far as known. */
  members = 1;
  isUp = true;
  isClosed = false;
  /** Whose trip failed: its own tells that the store is back. */
  #suspect: Link | undefined;
  /** Its breaker. */
  readonly #gate: State;
  #refusedUntil = 0;
  /** Runs a script for whoever waits for it himself, whatever became of the guards. */
  readonly run: Run;
  readonly timeout: number;
  readonly #every: number;
  readonly #onEvent: (event: StoreEvent) => void;
  readonly #links = new Map<string, Link>();
  readonly #waiter: Waiter = { timer: undefined };
  #isWaiting = false;
  /** What `close` waits for. */
  readonly #trips = new Set<Promise<unknown>>();

  constructor(client: unknown, options: StoreOptions) {
    this.run = runOf(client);
    checkIsObject(options);
    for (const name in options) {
      if (!OPTIONS.includes(name)) throw new TypeError(`${name} is no option of a store, allowed ${OPTIONS.join(", ")}`);
    }
    const { timeout = 50, every = 500, prefix = "undaunted", onEvent = warnOf } = options;
    this.timeout = duration(timeout, "timeout");
    this.#every = duration(every, "every");
    if (typeof prefix !== "string") refuse("prefix", prefix, "text");
    if (typeof onEvent !== "function") refuse("onEvent", onEvent, "a function");
    this.prefix = prefix;
    this.#onEvent = onEvent;
    this.#gate = compileGuard(Kind.Breaker, GATE, seedFor(undefined));
  }

  /** The link of a kind and a name. */
  find(kind: string, name: string): Link | undefined {
    return this.#links.get(`${kind} ${name}`);
  }

  /** Takes a guard in. */
  add<L extends Link>(link: L): L {
    if (this.isClosed) throw new Error("the store is closed; make another");
    this.#links.set(`${link.kind} ${link.name}`, link);
    if (this.isUp) link.leave();
    return link;
  }

  /**
   * Runs a guard's script; answers so many whole numbers at least. Rejects, and its guards are home, if the store does not answer in
   * time or with anything else; `late` hears of an answer that came after that.
   */
  trip(link: Link, words: readonly unknown[], count: number, pass = this.#pass(), late?: (answer: number[]) => void): Promise<number[]> {
    if (!pass) return Promise.reject(new Error("the store is not asked"));
    const trip = this.#trip(link, words, count, pass, late);
    this.#trips.add(trip);
    const done = () => void this.#trips.delete(trip);
    trip.then(done, done);
    return trip;
  }

  /** Finds out whether a lost store is back, if it is time to. */
  revive(): void {
    if (this.isUp || this.isClosed || rehearsal) return;
    const pass = this.#pass();
    if (pass) this.#suspect!.tell(pass).catch(() => {});
  }

  /** Sends within a while what there is to tell. */
  later(): void {
    if (this.#isWaiting || this.isClosed) return;
    this.#isWaiting = true;
    arm(this.#waiter, this.#every, () => {
      this.#isWaiting = false;
      this.#flush();
    }, true);
  }

  async close(): Promise<void> {
    if (!this.isClosed) {
      disarm(this.#waiter);
      this.#flush();
      this.isClosed = true;
    }
    while (this.#trips.size) await Promise.allSettled(this.#trips);
    this.isUp = false;
    for (const link of this.#links.values()) link.return();
    this.#links.clear();
  }

  #flush(): void {
    if (this.isUp) for (const link of this.#links.values()) if (link.hasNews) link.send();
  }

  async #trip(link: Link, words: readonly unknown[], count: number, pass: Pass, late?: (answer: number[]) => void): Promise<number[]> {
    const waiter: Waiter = { timer: undefined };
    let isLate = false;
    try {
      const asked = this.run(link.script, link.keys, words.map(String)).then((answer) => numbersOf(answer, count));
      const found = await Promise.race([asked, new Promise<never>((_, reject) => {
        // A busy process may find the answer and the end of its time at once: the answer is what counts.
        const end = () => soon(() => soon(() => reject(new Error(`no answer within ${this.timeout / 1000} ms`))));
        const due = now() + this.timeout;
        arm(waiter, this.timeout, () => {
          // It may even have had no time to send: how long it was busy does not count, once.
          const late = Math.min(now() - due, this.timeout);
          if (late < 1000) end();
          else arm(waiter, late, end, false);
        }, false);
        asked.then((answer) => isLate && late?.(answer), () => {});
      })]);
      this.#settle(pass, true);
      if (!this.isUp && pass[1]) this.#found();
      return found;
    } catch (error) {
      isLate = true;
      this.#settle(pass, false);
      this.#lose(error, link);
      throw error;
    } finally {
      disarm(waiter);
    }
  }

  #pass(): Pass | undefined {
    const at = now();
    if (this.isClosed || at < this.#refusedUntil) return undefined;
    const isGranted = useGuard(this.#gate).breaker_permit(at);
    const [first, number] = numbers(2) as [number, number];
    if (isGranted) return [first, number];
    this.#refusedUntil = at + first;
    return undefined;
  }

  #settle([generation, number]: Pass, isOk: boolean): void {
    this.#refusedUntil = 0;
    useGuard(this.#gate).breaker_settle(generation, number, isOk ? 0 : 1, 0, now());
  }

  #lose(error: unknown, link: Link): void {
    if (!this.isUp || this.isClosed) return;
    this.isUp = false;
    this.#suspect = link;
    for (const each of this.#links.values()) each.return();
    this.#say({ kind: "lost", error });
  }

  #found(): void {
    if (this.isClosed) return;
    this.isUp = true;
    for (const link of this.#links.values()) {
      link.leave();
      if (link !== this.#suspect || link.hasNews) link.send();
    }
    this.#say({ kind: "back" });
  }

  #say(event: StoreEvent): void {
    try {
      this.#onEvent(event);
    } catch (error) {
      warn(`onEvent of a store threw when told of "${event.kind}": ${String(error)}`);
    }
  }
}

/** Calls back once the host has done what waits now. */
export const { setImmediate: soon = setTimeout } = globalThis as { setImmediate?: (callback: () => void) => unknown };

type Run = (script: Script, keys: string[], words: string[]) => Promise<unknown>;

/** Runs scripts by a client of either kind; what it throws is rejected. */
function runOf(client: unknown): Run {
  type Ask = (...words: unknown[]) => unknown;
  const { evalSha, evalsha, eval: whole } = Object(client) as { evalSha?: Ask; evalsha?: Ask; eval?: Ask };
  const known = evalSha ?? evalsha;
  if (typeof known !== "function" || typeof whole !== "function") {
    return refuse("client", client, "a client of ioredis or node-redis, or a cluster of them");
  }
  const rest = (keys: string[], words: string[]) => (evalSha ? [{ keys, arguments: words }] : [keys.length, ...keys, ...words]);
  return async ({ sha, text }, keys, words) => {
    try {
      return await known.call(client, sha, ...rest(keys, words));
    } catch (error) {
      if (!/^NOSCRIPT/.test(String((error as Error | undefined)?.message))) throw error;
      return whole.call(client, text, ...rest(keys, words)); // the server keeps it from then on
    }
  };
}

/** An answer as whole numbers. */
function numbersOf(answer: unknown, count: number): number[] {
  const texts = Array.isArray(answer) ? answer.map(String) : [];
  if (texts.length < count || !texts.every((text) => /^\d{1,20}$/.test(text))) {
    throw new Error(`the store answered with something else than ${count} whole numbers`);
  }
  return texts.map(Number);
}

/** A time in microseconds. */
export function duration(value: Duration, name: string): number {
  let found = 0;
  try {
    found = microsOf(value);
  } catch {
    // Refused below.
  }
  return found > 0 ? found : refuse(name, value, 'a time above 0: milliseconds, or text with a unit ("50ms")', RangeError);
}

function warnOf(event: StoreEvent): void {
  warn(
    event.kind === "back"
      ? "the store of a fleet answers again; budgets and breakers are shared again"
      : `the store of a fleet was lost (${String(event.error)}); until it answers again budgets and breakers count in this process alone`,
  );
}

const OPTIONS = ["timeout", "every", "prefix", "onEvent"];
/** Of the breaker in front of a store. */
const GATE = { windowCalls: 1, minCalls: 1, failureRate: 1, initial: "1s", factor: 2, maxDelay: "10s", probes: 1 };
