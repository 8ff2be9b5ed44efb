/// <reference lib="esnext.disposable" preserve="true" />
// Retries without waiting, for the tests of a program: a virtual clock, failures by script, waits that can be told beforehand.
import {
  arm, type Budget, type Disarm, type Event, type Facts, type Halves, type NamedBreaker, onEvent, Policy, refuse, rehearsal, type Rehearsal, rehearse, renewed,
  seedOf, type Seed, type Settings, settingsFor,
} from "./core.js";
import { RUN, type Script, type ScriptItem, stepsOf } from "./script.js";
import { turn } from "./turn.js";

export { type Script, type ScriptItem };

/** What a test starts from. */
export interface TestingOptions {
  /**
   * Failures that take the place of the code, one for each attempt in the order in which they start: a status (`503`), a failure in a few words
   * (`"reset"`, `"429 + hint 2s"`, `"postgres 40001"`, `"timeout + takes 5s"`), facts as `explain` takes them (`{ http: 429, hint: "2s" }`), a class of errors,
   * anything that is thrown as it is; null or `"ok"` to let the code run, as it does when the script is at its end. Words and facts become the error that a client
   * would throw: an `HttpError`, one with Node's `code` and `syscall`, or with a driver's fields. The list may stand under `fail`, or in a JSON file whose path
   * is given: the same that Python takes.
   */
  readonly script?: Script | undefined;
  /** The n-th call that draws waits has those of `policy.schedule({ seed, call: n })`. Without it they come from the system's entropy. */
  readonly seed?: Seed | undefined;
  /** Lowers the policies' limits of attempts, and never raises them. */
  readonly attempts?: number | undefined;
}

/**
 * Begins a test in which retries never sleep, until it is closed; there is one at a time in a process. Waits are computed as ever, recorded, and pass on
 * a virtual clock, which needs no fake timers and gets along with those of jest, vitest and node:test. Budgets are full ones of its own, breakers closed ones.
 *
 * Throws a `PolicyError` with every mistake of the script, and an `Error` if another test is not closed yet.
 */
export function testing(options: TestingOptions = {}): Testing {
  return new Testing(options);
}

/** A test that goes on, as `testing` begins it; with `using` it is closed at the end of the block. */
export class Testing {
  /** The waits of all calls so far, in milliseconds, in the order in which they began. */
  readonly waits: number[] = [];
  /** What happened to all calls so far. */
  readonly events: Event[] = [];
  readonly #clock = new VirtualClock();
  readonly #unhook: () => void;
  readonly #world: Rehearsal;

  /** @internal */
  constructor({ script = [], seed, attempts }: TestingOptions) {
    if (attempts !== undefined && (!Number.isSafeInteger(attempts) || attempts < 1)) refuse("attempts", attempts, "a whole number from 1", RangeError);
    if (seed !== undefined) seedOf(seed);
    if (rehearsal) throw new Error("another test is not closed yet, and there is one at a time; close it first");
    const clock = this.#clock;
    const steps = stepsOf(script);
    const meant = new WeakMap<object, Facts>();
    const sharing = new Sharing(attempts);
    let calls = 0;
    this.#world = {
      clock: () => clock.now / 1000,
      arm: (us, callback) => clock.arm(us, callback),
      wait: (us, callback) => {
        this.waits.push(us / 1000);
        return clock.wait(us, callback);
      },
      nextSeed: (): Halves | undefined => (seed === undefined ? undefined : seedOf(seed, ++calls)),
      settings: (policy, settings) => sharing.settings(policy, settings),
      begin(limit) {
        const { make, facts, duration } = steps.shift() ?? RUN;
        if (!make) return;
        const error = make();
        if (facts) meant.set(error as object, facts);
        clock.advance(limit < 0 ? duration : Math.min(duration, limit)); // its end by the limit is its end
        throw error;
      },
      facts: (error) => meant.get(error as object),
    };
    this.#unhook = onEvent((event) => void this.events.push(event));
    rehearse(this.#world);
  }

  /** Milliseconds on the virtual clock since the test began. It stands still but for waits, `advance`, and attempts that a script makes long. */
  get now(): number {
    return this.#clock.now / 1000;
  }

  /** Lets time pass: what a slow attempt would take. Limits of attempts that end meanwhile end them. */
  advance(ms: number): void {
    this.#clock.advance(microseconds(ms, "ms"));
  }

  /** Calls back once so many milliseconds have passed: during a wait, or by `advance`. To abort a signal in the midst of a wait, say. */
  after(ms: number, callback: () => void): void {
    this.#clock.arm(microseconds(ms, "ms"), callback);
  }

  /** Ends the test: time is the host's again. An extra call is harmless. */
  close(): void {
    this.#unhook();
    if (rehearsal === this.#world) rehearse(undefined);
  }

  static {
    // Older hosts have no such symbol.
    if (Symbol.dispose) Object.defineProperty(Testing.prototype, Symbol.dispose, { value: Testing.prototype.close, configurable: true, writable: true });
  }
}

export interface Testing extends Disposable {}

/**
 * A function that fails as a script says, an item for each call of it, and then does what `fn` does. For tests that have fake timers of their own: what an
 * attempt `takes` is waited for by the global `setTimeout`.
 */
export function scripted<This, A extends unknown[], R>(script: Script, fn: (this: This, ...args: A) => R): (this: This, ...args: A) => Promise<Awaited<R>> {
  const steps = stepsOf(script);
  return async function (this: This, ...args: A): Promise<Awaited<R>> {
    const { make, duration } = steps.shift() ?? RUN;
    if (!make) return await fn.apply(this, args);
    if (duration) await new Promise<void>((resolve) => arm({ timer: undefined }, duration, resolve, false));
    throw make();
  };
}

/** The settings that calls go by in a test: their limits lowered, and what they share not shared with what is outside. */
class Sharing {
  readonly #known = new WeakMap<Settings, Settings>();
  readonly #budgets = new Map<string, Budget>();
  readonly #breakers = new Map<string, NamedBreaker>();

  constructor(readonly attempts: number | undefined) {}

  settings(policy: Policy, given: Settings): Settings {
    let found = this.#known.get(given);
    if (!found) this.#known.set(given, (found = this.#make(policy, given)));
    return found;
  }

  #make(policy: Policy, given: Settings): Settings {
    const { attempts } = this;
    const isLower = attempts !== undefined && (given.attempts < 0 || given.attempts > attempts);
    const own = isLower ? settingsFor(policy.replace({ attempts, forever: false })) : given;
    // By their options, since the policy may have nothing but a name.
    const { budget, breaker } = renewed(settingsFor(new Policy({ preset: "none", budget: own.budget?.toJSON(), breaker: own.breaker?.toJSON() })));
    return { ...own, budget: one(this.#budgets, budget), breaker: one(this.#breakers, breaker) };
  }
}

/** The first that came under a name. */
function one<S extends { readonly name: string | undefined }>(known: Map<string, S>, made: S | undefined): S | undefined {
  if (made?.name === undefined) return made;
  if (!known.has(made.name)) known.set(made.name, made);
  return known.get(made.name);
}

/** A clock that stands still until it is moved, or until a wait is all that is left to do. */
class VirtualClock {
  /** In microseconds. */
  now = 0;
  readonly #timers = new Set<Timer>();

  arm(us: number, callback: () => void): Disarm {
    const timer = this.#add(us, callback);
    return () => void this.#timers.delete(timer);
  }

  /** A timer that time passes for by itself, once nothing else is left to do. */
  wait(us: number, callback: () => void): Disarm {
    const timer = this.#add(us, callback);
    void this.#pass(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Fires what is due by then; what is armed meanwhile comes later, as on a host that was busy all the time. */
  advance(us: number): void {
    const end = this.now + us;
    const due = this.#inOrder().filter(({ at }) => at <= end);
    for (const timer of due) if (this.#timers.has(timer)) this.#fire(timer);
    this.now = Math.max(this.now, end);
  }

  async #pass(timer: Timer): Promise<void> {
    for (;;) {
      await turn();
      if (!this.#timers.has(timer)) return;
      this.#fire(this.#inOrder()[0]!);
    }
  }

  #add(us: number, callback: () => void): Timer {
    const timer = { at: this.now + us, callback };
    this.#timers.add(timer);
    return timer;
  }

  #inOrder(): Timer[] {
    return [...this.#timers].sort((one, other) => one.at - other.at);
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer);
    this.now = Math.max(this.now, timer.at);
    timer.callback();
  }
}

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

function microseconds(ms: number, name: string): number {
  if (!(ms >= 0 && ms < Infinity)) refuse(name, ms, "milliseconds from 0 on; time does not go back", RangeError);
  return Math.round(ms * 1000);
}
