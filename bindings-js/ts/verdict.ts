// What the user's own word makes of an error: `on`, `stop`, `again`.
import { compile, delays } from "./compile.js";
import { type Facts } from "./failure.js";
import { isObject, marks, read, type Word } from "./marks.js";
import { DomainNumber, VerdictNumber } from "./names.js";
import type { Duration, On } from "./options.js";
import { refuse } from "./refuse.js";
import { tapeOf } from "./tape.js";

/** A verdict and the wait in microseconds that goes with it, -1 for none. */
export type Verdict = readonly [verdict: VerdictNumber, wait: number];

export const REFUSED: Verdict = [VerdictNumber.Refused, -1];

/** Marks an error so that the call that throws it is not repeated: `throw stop(error)`. Answers the error. */
export function stop<E>(error: E): E {
  return mark(error, REFUSED);
}

/**
 * Marks an error so that the call that throws it is repeated, whatever the tables say, after exactly `after` if given;
 * the policy's limits hold. Answers the error.
 */
export function again<E>(error: E, options: { readonly after?: Duration | undefined } = {}): E {
  return mark(error, options.after === undefined ? FORCED : waitOf(options.after, "after is no wait"));
}

/** The user's word on a thrown value, if there is one. */
export function wordOn(thrown: unknown): Word | undefined {
  return marks().words.get(thrown as object);
}

/** Judges an error by what the call's options say. */
export function judge(on: On | undefined, error: unknown, facts: Facts): Verdict {
  if (typeof on === "function" && !isClass(on)) return answerOf((on as (error: unknown) => unknown)(error), "on", error);
  if (read(error, "name") === "AbortError") return REFUSED;
  if (on === undefined) return [VerdictNumber.Tables, -1];
  const isBug = facts.domain === DomainNumber.User && BUGS.some((kind) => error instanceof kind);
  const names = (kind: unknown) =>
    on === "any" || (error instanceof (kind as new () => unknown) && !(isBug && (kind === Error || kind === Object)));
  return (Array.isArray(on) ? on : [on]).some(names) ? [VerdictNumber.Named, -1] : REFUSED;
}

/** What a predicate of the user's answered. */
export function answerOf(answer: unknown, asked: string, cause?: unknown): Verdict {
  if (answer === true) return FORCED;
  return answer === false ? REFUSED : waitOf(answer, `${asked} answered neither true, false nor a wait`, cause);
}

/** Refuses an `on` that is none of its forms. */
export function checkOn(on: unknown): void {
  const isRight = on === "any" || typeof on === "function" || (Array.isArray(on) && on.every(isClass));
  if (!isRight) refuse("on", on, 'a predicate, a class of errors, a list of classes or "any"');
}

function mark<E>(error: E, verdict: Verdict): E {
  const target = isObject(error) ? error : {};
  marks().words.set(target, { verdict, error });
  return target as E;
}

/** Classes have a fixed prototype, or come from Error in the old way; predicates have neither. */
export function isClass(value: unknown): boolean {
  const prototype = typeof value === "function" ? Object.getOwnPropertyDescriptor(value, "prototype") : undefined;
  return !!prototype && (!prototype.writable || prototype.value instanceof Error);
}

/** A duration in microseconds: the engine reads it as it does a policy's. */
export function microsOf(duration: unknown): number {
  return delays(compile(tapeOf({ preset: "none", backoff: [duration], jitter: "none" })), 0, 0, 1)[0]!;
}

function waitOf(wait: unknown, otherwise: string, cause?: unknown): Verdict {
  try {
    return [VerdictNumber.Forced, microsOf(wait)];
  } catch (error) {
    throw new RangeError(`${otherwise}: ${(error as Error).message}`, { cause: cause ?? error });
  }
}

const FORCED: Verdict = [VerdictNumber.Forced, -1];

/** The errors that a mistake in the program makes. */
const BUGS = [TypeError, RangeError, ReferenceError, SyntaxError, EvalError, URIError];
