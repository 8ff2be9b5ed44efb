// One call: attempts, waits and the ways out. The engine decides; this runs the function, waits and reports.
import * as engine from "engine-glue";
import { SHARE, type Settings } from "./compile.js";
import { AttemptContext, type Context } from "./context.js";
import { dropCall, input, load, type State, useCall, usePolicy } from "./engine.js";
import { GaveUp, TimeoutError } from "./errors.js";
import type { Event, FailedAttempt } from "./events.js";
import { type Facts, factsOf } from "./failure.js";
import { isObject, markOf, marks } from "./marks.js";
import { CLASSES, REASONS, type Reason, SENT, USER } from "./names.js";
import type { RunOptions } from "./options.js";
import type { Policy } from "./policy.js";
import { callSeed, decimal, type Halves, halves, nextCallSeed } from "./seed.js";
import { arm, clock, disarm, micros, type Timer } from "./timer.js";
import { answerOf, FORCED, judge, REFUSED, unwrap, type Verdict } from "./verdict.js";
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
  if (context.timer) context.closeAfter(promise);
  return (context.pending = promise).then(undefined, slow);
}

export class Call<T> {
  error: unknown = undefined;
  /** Called when a wait is over. */
  resume: () => void = this.attempt;
  /** Called when a wait begins. */
  pause: (() => void) | undefined = undefined;
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;
  #number = 1;
  #result: { readonly value: unknown } | undefined = undefined;
  #context: AttemptContext | undefined = undefined;
  #wait: Timer | undefined = undefined;
  #state: State | undefined = undefined;
  #seed: Halves | undefined = undefined;
  #outer = -1;
  #isDone = false;
  #failures: FailedAttempt[] | undefined = undefined;

  constructor(
    readonly policy: Policy,
    readonly settings: Settings,
    readonly fn: Attempted<T>,
    readonly options: RunOptions<T>,
    readonly request: Request | undefined,
    readonly startedAt: number,
  ) {}

  /** Begins with everything watched. */
  begin(): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      if (this.open()) this.attempt();
    });
  }

  /** Goes on where `runBare` failed. */
  goOn(context: AttemptContext, error: unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      this.#context = context;
      this.#failed(context, error);
    });
  }

  /** Listens to the caller's signal; false if it has aborted already. */
  open(): boolean {
    const { signal } = this.options;
    if (this.settings.nested === SHARE) this.#outer = deadlines().getStore() ?? -1;
    if (signal?.aborted) {
      this.#cancel();
      return false;
    }
    if (signal) watch(signal, this);
    return true;
  }

  /** Runs the next attempt. */
  attempt(): void {
    this.#wait = undefined;
    const { settings, options } = this;
    const isShared = settings.nested === SHARE;
    const now = micros(clock());
    let limit = -1;
    let remaining = -1;
    if (this.#state || isShared || settings.attemptTimeout >= 0) {
      this.#enter();
      const refused = engine.attempt(now);
      if (refused) return this.#giveUp(REASONS[refused]!, undefined);
      const { numbers } = load();
      limit = numbers[1]!;
      remaining = numbers[2]!;
    }
    const context = (this.#context = new AttemptContext(settings, options, this.startedAt, this.#outer, this.#number));
    this.#emit("attempt");
    if (options.signal?.aborted) return this.#cancel();
    if (limit >= 0) context.timer = arm(limit, () => this.#expire(context, limit / 1000), options.unref);
    let result: T | PromiseLike<T>;
    try {
      const { fn } = this;
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
    if (this.#wait) this.#cancel();
    else if (this.#context) Promise.resolve().then(() => this.#isDone || this.#cancel());
  }

  /** Nothing of the call is left behind. An extra call is harmless. */
  close(): void {
    const { signal } = this.options;
    this.#isDone = true;
    this.#context?.close();
    this.#context = undefined;
    disarm(this.#wait);
    this.#wait = undefined;
    if (signal) unwatch(signal, this);
    if (this.#state) dropCall(this.#state);
  }

  #expire(context: AttemptContext, limit: number): void {
    const error = new TimeoutError(limit);
    context.abort(error);
    this.#failed(context, error);
  }

  #succeeded(context: AttemptContext, value: T): void {
    if (context !== this.#context) return;
    const { retryIfResult, signal } = this.options;
    if (retryIfResult) {
      try {
        const verdict = answerOf(retryIfResult(value), "retryIfResult", undefined);
        if (verdict[0] === FORCED) {
          this.error = undefined;
          this.#result = { value };
          context.close();
          return signal?.aborted ? this.#cancel() : this.#decide(context, UNKNOWN, verdict);
        }
      } catch (error) {
        return this.#end(error);
      }
    }
    this.close();
    this.#emit("success");
    this.resolve(value);
  }

  #failed(context: AttemptContext, thrown: unknown): void {
    if (context !== this.#context) return;
    context.close();
    const { signal, on } = this.options;
    if (signal?.aborted) return this.#cancel();
    this.error = unwrap(thrown);
    this.#result = undefined;
    try {
      const facts = this.request?.facts(this.error) ?? factsOf(this.error);
      const verdict: Verdict = this.request?.once ? [REFUSED, -1] : judge(on, thrown, facts);
      if (signal?.aborted) return this.#cancel();
      this.#decide(context, facts, verdict);
    } catch (error) {
      this.#end(error);
    }
  }

  #decide(context: AttemptContext, facts: Facts, [verdict, wait]: Verdict): void {
    const { settings, request, error, options } = this;
    this.#context = undefined;
    this.#enter();
    const now = clock();
    const mark = markOf(error);
    const isNested = mark !== undefined && mark.serial > context.serial;
    const { code, should, body } = facts;
    const isName = typeof code === "string";
    const nameEnd = isName ? input(0, code) : 0;
    const methodEnd = request ? input(nameEnd, request.method) : nameEnd;
    const piece = settings.needsBody ? body?.subarray(0, LONGEST_BODY) : undefined;
    if (piece) load().input.set(piece, methodEnd);
    const flags =
      (facts.connecting ? 1 : 0) | (request?.hasKey ? 2 : 0) | (verdict << 2) | (should === undefined ? 0 : should ? 48 : 16) |
      (isNested ? 128 : 0) | (request ? 256 : 0);
    const packed = engine.failed(
      micros(now), facts.domain, isName ? 2 : code === undefined ? 0 : 1, isName ? 0 : (code ?? 0), flags, wait, facts.hint,
      nameEnd, methodEnd - nameEnd, piece?.length ?? 0,
    );
    const value = load().numbers[0]!;
    const reason = REASONS[packed & 15];
    const record: Record = {
      attempt: this.#number,
      error,
      elapsed: this.#elapsed(now),
      class: CLASSES[(packed >> 4) & 7]!,
      sent: SENT[(packed >> 7) & 3]!,
      delay: reason ? undefined : value / 1000,
      reason: undefined,
      hint: undefined,
      note: undefined,
    };
    this.#failures ??= [];
    this.#failures.push(record);
    if (this.#failures.length > KEPT) this.#failures.shift();
    if (reason) return this.#giveUp(reason, value < 0 ? undefined : value / 1000);
    this.#number++;
    this.#wait = arm(value, () => this.resume(), options.unref);
    request?.release();
    this.#emit("scheduled", record);
    if (packed & 1024 && mark) warnNested(this.policy, mark.policy);
    this.pause?.();
  }

  #giveUp(reason: Reason, hint: number | undefined): void {
    const failures = this.#failures ?? [];
    const last = failures.at(-1) as Record | undefined;
    if (last) Object.assign(last, { delay: undefined, reason, hint, note: this.request?.once });
    const result = this.#result;
    const text = `no result was accepted, given up after ${last?.attempt} attempts: ${reason}`;
    if (result) this.error = new GaveUp(result.value, text);
    const { error, policy } = this;
    if (isObject(error)) marks().given.set(error, { serial: ++marks().serial, policy, failures });
    this.close();
    this.#emit("gave_up", last, reason);
    this.reject(error);
  }

  #cancel(): void {
    this.close();
    this.error = this.options.signal!.reason;
    this.#emit("gave_up", undefined, "cancelled");
    this.reject(this.error);
  }

  /** A word of the user's went wrong: that is what the caller must see. */
  #end(error: unknown): void {
    this.close();
    this.reject(error);
  }

  #elapsed(now: number): number {
    return Math.max(0, now - this.startedAt);
  }

  /** Makes this the engine's call; the first time, starts it. */
  #enter(): void {
    const { settings, options } = this;
    usePolicy(settings.compiled);
    const isNew = !this.#state;
    useCall((this.#state ??= {}));
    if (!isNew) return;
    const { seed, call = 1 } = options;
    const [high, low] = (this.#seed = seed === undefined ? nextCallSeed() : callSeed(halves(seed), call));
    engine.start(micros(this.startedAt), high, low, this.#outer, 0);
  }

  #emit(kind: Event["kind"], failure?: Record, reason?: Reason): void {
    const { onEvent, onRetry, onGiveUp, onSuccess, name } = this.options;
    const own = kind === "scheduled" ? onRetry : kind === "gave_up" ? onGiveUp : kind === "success" ? onSuccess : undefined;
    if (!onEvent && !own) return;
    const event: Event = {
      kind,
      policy: this.policy,
      name,
      attempt: failure?.attempt ?? this.#number,
      elapsed: this.#elapsed(clock()),
      delay: failure?.delay,
      error: this.error,
      reason,
      class: failure?.class,
      note: failure?.note,
      callSeed: this.#seed && decimal(this.#seed),
    };
    for (const hook of [onEvent, own]) {
      try {
        hook?.(event);
      } catch (error) {
        warn(`a hook told of "${kind}" threw, which changes nothing for the call: ${String(error)}`);
      }
    }
  }
}

type Record = { -readonly [K in keyof FailedAttempt]: FailedAttempt[K] };

/** How many failures a call keeps. */
const KEPT = 64;
/** How much of a body rules may look at. */
const LONGEST_BODY = 4096;
const UNKNOWN: Facts = {
  domain: USER, code: undefined, connecting: false, hint: -1, should: undefined, body: undefined,
};
