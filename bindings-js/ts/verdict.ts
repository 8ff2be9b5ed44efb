// What the user's own word makes of an error: `on`, `stop`, `again`.
import { compileTape, firstDelay } from "./compile.js";
import { type Facts, isAbort, isBug } from "./failure.js";
import { isObject, marks, type Word } from "./marks.js";
import { USER } from "./names.js";
import type { Duration, On } from "./options.js";
import { describe, writeTape } from "./tape.js";

export const TABLES = 0;
export const NAMED = 1;
export const REFUSED = 2;
export const FORCED = 3;

/** A verdict and the wait in microseconds that goes with it, -1 for none. */
export type Verdict = readonly [verdict: number, wait: number];

/** Marks an error so that the call that throws it is not repeated: `throw stop(error)`. Answers the error. */
export function stop<E>(error: E): E {
  return mark(error, false, undefined);
}

/**
 * Marks an error so that the call that throws it is repeated, whatever the tables say, after exactly `after` if given;
 * the policy's limits hold. Answers the error.
 */
export function again<E>(error: E, options: { readonly after?: Duration | undefined } = {}): E {
  return mark(error, true, options.after === undefined ? undefined : waitMicros(options.after, "after"));
}

/** A thrown value without what `stop` or `again` wrapped around it. */
export function unwrap(thrown: unknown): unknown {
  const carried = wordOn(thrown)?.carried ?? [];
  return carried.length ? carried[0] : thrown;
}

/** Judges a thrown value by the user's word. */
export function judge(on: On | undefined, thrown: unknown, facts: Facts): Verdict {
  const word = wordOn(thrown);
  if (word) return word.again ? [FORCED, word.wait ?? -1] : [REFUSED, -1];
  const error = unwrap(thrown);
  if (typeof on === "function" && !isClass(on)) return answerOf((on as (error: unknown) => unknown)(error), "on", error);
  if (isAbort(error)) return [REFUSED, -1];
  if (on === undefined) return [TABLES, -1];
  const bug = facts.domain === USER && isBug(error);
  const names = (kind: unknown) =>
    on === "any" || (error instanceof (kind as new () => unknown) && !(bug && (kind === Error || kind === Object)));
  return [(Array.isArray(on) ? on : [on]).some(names) ? NAMED : REFUSED, -1];
}

/** What a predicate of the user's answered. */
export function answerOf(answer: unknown, asked: string, cause: unknown): Verdict {
  if (answer === true) return [FORCED, -1];
  if (answer === false) return [REFUSED, -1];
  const isWait = typeof answer === "number" || typeof answer === "string" || Object.prototype.toString.call(answer) === TEMPORAL;
  if (isWait) return [FORCED, waitMicros(answer as Duration, asked)];
  throw new TypeError(`${asked} returned ${describe(answer)}, allowed true, false or a duration; answer at once, with one of these`, { cause });
}

/** Refuses an `on` that is none of its forms. */
export function checkOn(on: unknown): void {
  const isRight = on === undefined || on === "any" || typeof on === "function" || (Array.isArray(on) && on.every(isClass));
  if (!isRight) {
    throw new TypeError(`on is ${describe(on)}, allowed a predicate, a class of errors, a list of classes or "any"`);
  }
}

function mark<E>(error: E, again: boolean, wait: number | undefined): E {
  const target = isObject(error) ? error : {};
  marks().words.set(target, { again, wait, carried: target === error ? [] : [error] });
  return target as E;
}

function wordOn(thrown: unknown): Word | undefined {
  return isObject(thrown) ? marks().words.get(thrown) : undefined;
}

/** Classes have a fixed prototype, or come from Error in the old way; predicates have neither. */
function isClass(value: unknown): boolean {
  if (typeof value !== "function") return false;
  const prototype = Object.getOwnPropertyDescriptor(value, "prototype");
  return prototype !== undefined && (prototype.writable === false || prototype.value instanceof Error);
}

function waitMicros(wait: Duration, asked: string): number {
  try {
    return firstDelay(compileTape(writeTape({ preset: "none", backoff: [wait], jitter: "none" }), JAVASCRIPT));
  } catch (error) {
    throw new RangeError(`${asked} is no wait: ${(error as Error).message}`, { cause: error });
  }
}

const JAVASCRIPT = 2;
const TEMPORAL = "[object Temporal.Duration]";
