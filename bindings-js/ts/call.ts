// One call: attempts, waits and the ways out. The engine decides; this runs the function, waits and reports.
import type { Settings } from "./compile.js";
import { AttemptContext, type Context } from "./context.js";
import { dropCall, type Engine, load, textOf, use, usePolicy } from "./engine.js";
import { BreakerOpen, GaveUp, TimeoutError } from "./errors.js";
import type { Event, FailedAttempt } from "./events.js";
import { argumentsOf, codeOf, type Facts, facts, factsOf } from "./failure.js";
import { fleet } from "./fleet-calls.js";
import { isObject, markOf, marks } from "./marks.js";
import { CLASSES, DomainNumber, REASONS, type Reason, SENT, VerdictNumber } from "./names.js";
import type { RunOptions } from "./options.js";
import type { Policy } from "./policy.js";
import { rehearsal } from "./rehearsal.js";
import { decimal, seedOf } from "./seed.js";
import { stateOf } from "./shared.js";
import { arm, clock, disarm, type Waiter } from "./timer.js";
import { answerOf, judge, REFUSED, type Verdict, wordOn } from "./verdict.js";
import { deadlines, warn, warnNested } from "./warn.js";
import { unwatch, watch } from "./watch.js";

/** The function that is retried. */
export type Attempted<T> = (context: Context) => T | PromiseLike<T>;

/** What an adapter knows of a call: a server may have acted on its failures. */
export interface Request {
  readonly method: string;
  /** Whether it carries an idempotency key. */
  readonly hasKey: boolean;
  /** Why it can be made only once, if so. */
  readonly once: string | undefined;
  /** The facts about an error that only the adapter can know. */
  facts(error: unknown): Facts | undefined;
  /** Another attempt will follow. */
  release(): void;
}

/** No options: one object for all calls, so that none holds its own. */
export const NONE = {};

/** The first attempt with nothing around it, for calls of which nothing has to be watched. */
export function runBare<T>(
  policy: Policy, settings: Settings, fn: Attempted<T>, options: RunOptions<T>, request: Request | undefined,
): Promise<T> {
  const context = new AttemptContext(settings, options, clock(), -1, 1);
  const slow = (error: unknown) => new Call(policy, settings, fn, options, request, context.startedAt).goOn(context, error);
  let promise: Promise<T>;
  try {
    promise = Promise.resolve(fn(context));
  } catch (error) {
    return slow(error);
  }
  context.closeAfter(promise);
  return promise.then(undefined, slow);
}

export class Call<T> {
  /** What the engine knows of it, while another call uses the engine. */
  bytes: string | undefined = undefined;
  /** Called when a wait begins, after which the call's outcome is that of the wait. */
  pause: (() => void) | undefined;
  /** Nothing more happens. */
  isOver = false;
  /** Of its wait, or what ends a trip to the store of a fleet. */
  timer: Waiter["timer"];
  /** It cannot wait for a store. */
  isSync?: boolean;
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;
  #number = 1;
  #context: AttemptContext | undefined;
  // The seed's halves: apart they weigh a third of what they do as a list.
  #high = 0;
  #low = 0;
  #outer = -1;
  /** Of the last failure. */
  #facts: Facts | undefined;
  /** The last attempt's, where it was a result that failed. */
  #result: { readonly value: T } | undefined;
  #last: Failure | undefined;
  /** Those before the last, as far as kept. */
  #earlier: readonly Failure[] = [];

  readonly settings: Settings;

  constructor(
    readonly policy: Policy,
    settings: Settings,
    readonly fn: Attempted<T>,
    readonly options: RunOptions<T>,
    readonly request?: Request,
    readonly startedAt = clock(),
  ) {
    this.settings = rehearsal?.settings(policy, settings) ?? settings;
  }

  /** What the call comes to after `start`: its end, or what the block form makes of it. */
  outcome(start: () => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      start();
    });
  }

  /** Begins with everything watched. */
  begin(): Promise<T> {
    return this.outcome(() => this.open() && this.attempt());
  }

  /** Goes on where `runBare` failed. */
  goOn(context: AttemptContext, error: unknown): Promise<T> {
    this.#context = context;
    return this.outcome(() => this.#failed(context, error));
  }

  /** Listens to the caller's signal; false if it has aborted already. */
  open(): boolean {
    const { signal } = this.options;
    if (this.settings.isShared) this.#outer = deadlines().getStore() ?? -1;
    if (signal) watch(signal, this);
    return !this.#isCancelled();
  }

  /** Runs the next attempt; first a fleet may have something to ask. */
  attempt(hasAsked = false): void {
    const { settings, options, fn } = this;
    const { isShared } = settings;
    const now = clock() * 1000;
    let limit = -1;
    let remaining = -1;
    this.timer = undefined;
    if (!hasAsked && fleet?.asks(this)) return;
    if (this.bytes !== undefined || settings.isWatched) {
      const { attempt, numbers } = this.enter();
      const refused = attempt(now);
      if (refused) return this.#giveUp(REASONS[refused]!, hintOf(numbers[0]!));
      limit = numbers[1]!;
      remaining = numbers[2]!;
    }
    const context = (this.#context = new AttemptContext(settings, options, this.startedAt, this.#outer, this.#number));
    this.#emit("attempt", undefined, this.#last?.error);
    if (this.#isCancelled()) return;
    if (limit >= 0) {
      arm(context, limit, () => {
        const error = new TimeoutError(limit / 1000);
        context.abort(error);
        this.#failed(context, error);
      }, options.unref);
    }
    let result: T | PromiseLike<T>;
    try {
      rehearsal?.begin(limit);
      result = isShared ? deadlines().run(remaining < 0 ? -1 : now + remaining, fn, context) : fn(context);
    } catch (error) {
      return this.#failed(context, error);
    }
    Promise.resolve(result).then(
      (value) => this.#succeeded(context, value),
      (error) => this.#failed(context, error),
    );
  }

  /** The caller's signal aborted. In an attempt, a success that has arrived already is let through first. */
  abort(): void {
    this.#context?.abort(this.options.signal!.reason);
    if (this.timer) this.#isCancelled();
    else if (this.#context) Promise.resolve().then(() => this.isOver || this.#isCancelled());
  }

  /** Nothing of the call is left behind. An extra call is harmless. */
  close(): void {
    const { signal } = this.options;
    disarm(this);
    if (this.settings.isTold && this.bytes !== undefined && !this.isOver) {
      this.enter().cancelled(clock() * 1000);
      fleet?.notes(this);
    }
    this.isOver = true;
    this.#context?.close();
    this.#context = undefined;
    if (signal) unwatch(signal, this);
    dropCall(this);
  }

  #succeeded(context: AttemptContext, value: T): void {
    if (context !== this.#context) return;
    const { retryIfResult, onSuccess } = this.options;
    try {
      const verdict = retryIfResult ? answerOf(retryIfResult(value), "retryIfResult") : REFUSED;
      if (verdict[0] === VerdictNumber.Forced) {
        this.#result = { value };
        return this.#decide(context, undefined, facts(DomainNumber.User), verdict);
      }
    } catch (error) {
      return this.#end(error);
    }
    if (this.settings.isTold) this.enter().succeeded(clock() * 1000);
    this.close();
    this.#emit("success", onSuccess);
    this.resolve(value);
  }

  #failed(context: AttemptContext, thrown: unknown): void {
    if (context !== this.#context) return;
    const { options, request } = this;
    const word = wordOn(thrown);
    const error = word ? word.error : thrown;
    context.close();
    this.#result = undefined;
    if (this.#isCancelled()) return;
    try {
      const facts = rehearsal?.facts(error) ?? request?.facts(error) ?? factsOf(error);
      const verdict = request?.once ? REFUSED : (word?.verdict ?? judge(options.on, error, facts));
      this.#decide(context, error, facts, verdict);
    } catch (error) {
      this.#end(error);
    }
  }

  #decide(context: AttemptContext, error: unknown, facts: Facts, [verdict, wait]: Verdict): void {
    context.close();
    if (this.#isCancelled()) return;
    const { settings, request } = this;
    const { failed, input, numbers } = this.enter();
    const now = clock();
    // Whoever gave up during this attempt has left a higher number; without one there is no need to look.
    const mark = marks().serial > context.serial ? markOf(error) : undefined;
    const isNested = mark && mark.serial > context.serial;
    this.#facts = facts;
    const [domain, kind, code, flags, hint, nameLength, methodLength] = argumentsOf(facts, request?.method);
    const piece = settings.needsBody ? facts.body?.subarray(0, LONGEST_BODY) : undefined;
    if (piece) input.set(piece, nameLength + methodLength);
    const packed = failed(
      now * 1000, domain, kind, code, flags | (request?.hasKey ? 2 : 0) | (verdict << 2) | (isNested ? 128 : 0),
      wait, hint, nameLength, methodLength, piece?.length ?? 0,
    );
    const value = numbers[0]!;
    const reason = REASONS[packed & 15]!;
    const failure: Failure = {
      attempt: this.#number,
      error,
      elapsed: this.#elapsed(now),
      class: CLASSES[(packed >> 4) & 7]!,
      sent: SENT[(packed >> 7) & 3]!,
      delay: value / 1000,
    };
    this.#context = undefined;
    if (this.#last) this.#earlier = this.#earlier.slice(2 - KEPT).concat(this.#last); // push would make room for 17
    this.#last = failure;
    const nested = packed & 1024 ? mark?.policy : undefined;
    const go = (late: number) => (late < 0 ? this.#giveUp("budget", hintOf(hint)) : this.#wait(failure, Math.max(0, value - late), nested));
    if (fleet?.hears(this, reason ? undefined : go)) return;
    if (reason) this.#giveUp(reason, hintOf(value));
    else go(0);
  }

  /** Until the next attempt, so many microseconds. */
  #wait(failure: Failure, us: number, nested: object | undefined): void {
    const { options, request } = this;
    this.#number++;
    const resume = () => (this.pause ? this.resolve(undefined as T) : this.attempt());
    if (rehearsal) this.timer = rehearsal.wait(us, resume);
    else arm(this, us, resume, options.unref);
    request?.release();
    this.#emit("scheduled", options.onRetry, failure.error, failure);
    if (nested) warnNested(this.policy, nested);
    this.pause?.();
  }

  #giveUp(reason: Reason, hint?: number): void {
    const result = this.#result;
    const last = this.#last;
    const attempts = last?.attempt ?? 0;
    const error = result
      ? new GaveUp(result.value, `no result was accepted in ${attempts} attempts: ${reason}`)
      : last ? last.error : new BreakerOpen(hint!, this.settings.breaker?.name);
    if (last) Object.assign(last, { delay: undefined, reason, hint, note: this.request?.once });
    if (isObject(error)) {
      const serial = attempts > 1 ? ++marks().serial : (markOf(error)?.serial ?? 0); // a single attempt multiplies nothing
      marks().given.set(error, {
        serial, policy: this.policy, failures: this.#earlier.concat(last ?? []), state: textOf(load().call), isDue: attempts < this.#number,
      });
    }
    this.#end(error, reason, last);
  }

  /** Gives up as cancelled if the caller's signal has aborted. */
  #isCancelled(): boolean {
    const { signal } = this.options;
    if (!signal?.aborted) return false;
    this.#end(signal.reason, "cancelled");
    return true;
  }

  /** Without a reason, a word of the user's went wrong: that is what the caller must see. */
  #end(error: unknown, reason?: Reason, last?: Failure): void {
    this.close();
    if (reason) this.#emit("gave_up", this.options.onGiveUp, error, last, reason);
    this.reject(error);
  }

  #elapsed(now: number): number {
    return Math.max(0, now - this.startedAt);
  }

  /** The engine with this call in use; the first time, starts it. */
  enter(): Engine {
    const engine = load();
    const { options: { seed, call }, settings: { compiled, budget, breaker } } = this;
    usePolicy(compiled);
    use("call", this);
    if (budget) use("budget", stateOf(budget));
    if (breaker) use("guard", stateOf(breaker));
    if (this.bytes === undefined) {
      this.bytes = "";
      [this.#high, this.#low] = (seed === undefined && rehearsal?.nextSeed()) || seedOf(seed, call);
      engine.start(this.startedAt * 1000, this.#high, this.#low, this.#outer, 0);
    }
    return engine;
  }

  /** Tells the hooks for every event, then the hook for this kind. */
  #emit(kind: Event["kind"], own?: RunOptions["onEvent"], error?: unknown, failure?: Failure, reason?: Reason): void {
    const { onEvent, name } = this.options;
    const { hooks } = marks();
    if (!onEvent && !own && !hooks.size) return;
    const event: Event = {
      kind,
      policy: this.policy,
      name,
      attempt: failure?.attempt ?? this.#number,
      elapsed: this.#elapsed(clock()),
      delay: failure?.delay,
      error,
      reason,
      class: failure?.class,
      sent: failure?.sent,
      code: failure && codeOf(this.#facts!),
      note: failure?.note,
      callSeed: this.bytes === undefined ? undefined : decimal([this.#high, this.#low]),
    };
    for (const hook of [...hooks, onEvent, own]) {
      try {
        hook?.(event);
      } catch (error) {
        warn(`a hook told of "${kind}" threw: ${String(error)}`);
      }
    }
  }
}

/** The engine's hint in milliseconds, if there is one. */
function hintOf(micros: number): number | undefined {
  return micros < 0 ? undefined : micros / 1000;
}

type Failure = { -readonly [K in keyof FailedAttempt]: FailedAttempt[K] };

/** How many failures a call keeps. */
const KEPT = 64;
/** How much of a body rules may look at. */
const LONGEST_BODY = 4096;
