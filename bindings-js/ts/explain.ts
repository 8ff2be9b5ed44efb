// Why a call was retried or given up: thrown values and facts to the script that the core explains.
import {
  type Domain, DOMAINS, type FailureClass, factsOf, fromUtf8, isPlain, judge, type On, type Reason, type Seed, type Sent, tapeOf,
  wordOn,
} from "./core.js";
import type { Duration } from "./options.js";
import { type Answer, type AnyPolicy, explain as explainTape, step, tapeWrittenOut } from "./lab-engine.js";
import { Report } from "./report.js";

/**
 * A failed attempt: its code under its domain, as in `{ http: 503 }`, or an error as in `{ error }`; without either it is an
 * error of the user's. What stands beside an error comes before what the error says.
 */
export interface FailureFacts extends Readonly<Partial<Record<Domain, number | string | null>>> {
  /** What was thrown, read as `retry` reads it, in place of a code. */
  readonly error?: unknown;
  /** The HTTP method; without it the call counts as safe to repeat. */
  readonly method?: string | undefined;
  /** Whether the request had an `Idempotency-Key`. */
  readonly idempotencyKey?: boolean | undefined;
  /** How far the attempt had come. Default "unknown". */
  readonly phase?: "unknown" | "connect" | undefined;
  /** The wait that the server asked for. */
  readonly hint?: Duration | undefined;
  /** The server's word on coming back. */
  readonly shouldRetry?: boolean | undefined;
  /** For rules with `body_contains`. */
  readonly body?: string | undefined;
  /** How long the attempt lasted. Default `attemptDuration`. */
  readonly duration?: Duration | undefined;
  /** What `on`, `stop` or `again` say. Default "tables": nothing. */
  readonly verdict?: "tables" | "named" | "refused" | "forced" | undefined;
  /** The wait that `on` or `again` asks for. */
  readonly wait?: Duration | undefined;
  readonly cancelled?: boolean | undefined;
  /** An inner call gave up on the error. */
  readonly nested?: boolean | undefined;
}

/** The conditions of an explanation. */
export interface ExplainOptions {
  /** How long attempts last that do not say so themselves. Default 0. */
  readonly attemptDuration?: Duration | undefined;
  /** What the waits are drawn from, as of `schedule`: 0 to 2^64-1. Default 1. */
  readonly seed?: Seed | undefined;
  /** The number of the call under `seed`, from 1. Default 1. */
  readonly call?: number | undefined;
  /** The seed of the call itself, as events have it, in place of these two. */
  readonly callSeed?: Seed | undefined;
  /** Whether retrying is switched on. Default true. */
  readonly active?: boolean | undefined;
  /** Judges errors, as the option of a call does. */
  readonly on?: On | undefined;
}

/** One failed attempt, and what was decided. Times are in milliseconds. */
export interface ExplainedFailure {
  /** Its number, from 1. */
  readonly attempt: number;
  /** When it failed, from the call's beginning. */
  readonly at: number;
  /** The table that was asked. */
  readonly domain: Domain;
  /** The code that it was asked for. */
  readonly code: number | string | undefined;
  /** What kind of failure it is. */
  readonly class: FailureClass;
  /** Who says so: `table`, `rules.0`, `on`, `server` or `unknown`. */
  readonly classFrom: string;
  /** Whether the server may have acted. */
  readonly sent: Sent;
  /** Who says that. */
  readonly sentFrom: string;
  /** What comes of it. */
  readonly decision: "retry" | "give_up";
  /** The wait after it; undefined if the call was given up. */
  readonly delay: number | undefined;
  /** Why it was given up. */
  readonly reason: Reason | undefined;
  /** All the terms, by the names of the JSON: times in whole microseconds, words as decimal text. */
  readonly terms: Readonly<Record<string, number | string | boolean>>;
  /** The line for a reader. */
  readonly text: string;
}

/** What `explain` finds: each decision, in order. */
export class Explanation extends Report implements Iterable<ExplainedFailure> {
  /** What the waits were drawn from, as decimal text. */
  readonly callSeed: string;
  /** How many attempts were made. */
  readonly attempts: number;
  /** How long the call took, in milliseconds. */
  readonly elapsed: number;
  /** Why the call was given up; null if it succeeded. */
  readonly gaveUp: Reason | null;
  readonly #failures: readonly ExplainedFailure[];

  /** @internal */
  constructor(answer: Answer) {
    super(answer);
    const found = this.toJSON() as any;
    this.callSeed = found.call_seed;
    this.attempts = found.attempts;
    this.elapsed = found.elapsed_us / 1000;
    this.gaveUp = found.gave_up;
    const lines = answer[0].split("\n").slice(2); // after the head and a blank line
    this.#failures = found.decisions.map((terms: any, index: number): ExplainedFailure => ({
      attempt: terms.attempt,
      at: terms.at_us / 1000,
      domain: terms.domain,
      code: terms.code,
      class: terms.class,
      classFrom: terms.class_from,
      sent: terms.sent,
      sentFrom: terms.sent_from,
      decision: terms.decision,
      delay: terms.delay_us === undefined ? undefined : terms.delay_us / 1000,
      reason: terms.reason,
      terms,
      text: lines[index]!,
    }));
  }

  get length(): number {
    return this.#failures.length;
  }

  [Symbol.iterator](): Iterator<ExplainedFailure> {
    return this.#failures[Symbol.iterator]();
  }
}

/**
 * Why one call whose attempts fail so is retried or given up: every decision with every term that counted. Failures are facts
 * or whatever was thrown, read as `retry` reads it, or a few words: `503`, `"429 + hint 2s"`, `"reset"`, `"postgres 40001"`; up to 100, and the attempt after the last succeeds. The budget is
 * full at first, the breaker closed. Throws a `PolicyError` with every mistake.
 */
export function explain(policy: AnyPolicy, failures: Iterable<unknown>, { on, ...options }: ExplainOptions = {}): Explanation {
  const told = Array.from(failures, (failure) => scripted(failure, on));
  if (told.at(-1) === "ok") told.pop(); // the attempt after the last failure succeeds anyway
  const script = { failures: told, ...options };
  return new Explanation(explainTape(tapeWrittenOut(policy), tapeOf(script), JAVASCRIPT_NOTATION));
}

function scripted(failure: unknown, on: On | undefined): unknown {
  if (typeof failure === "string" || typeof failure === "number") return step(String(failure));
  if (!isPlain(failure)) return typeof failure === "object" && failure ? told(failure, on) : failure;
  const { error, ...facts } = failure as FailureFacts;
  return error === undefined ? facts : { ...told(error, on), ...facts };
}

/** What a call would tell the engine of what was thrown. */
function told(error: unknown, on: On | undefined): object {
  const facts = factsOf(error);
  const { domain, code, flags, hint, body } = facts;
  const [verdict, wait] = wordOn(error)?.verdict ?? judge(on, error, facts);
  return {
    ...(code === undefined ? {} : { [DOMAINS[domain]!]: typeof code === "string" ? fromUtf8(code) : code }),
    ...(flags & 1 ? { phase: "connect" } : {}),
    ...(flags & HAS_WORD ? { shouldRetry: !!(flags & WORD) } : {}),
    ...(hint < 0 ? {} : { hint: hint / 1000 }),
    ...(body ? { body: new TextDecoder().decode(body) } : {}),
    ...(verdict ? { verdict: VERDICTS[verdict] } : {}),
    ...(wait < 0 ? {} : { wait: wait / 1000 }),
  };
}

const VERDICTS = ["tables", "named", "refused", "forced"];
/** The flags of facts for the server's word on coming back. */
const HAS_WORD = 16;
const WORD = 32;
const JAVASCRIPT_NOTATION = 2;
