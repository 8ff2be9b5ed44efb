// What is known about an error without touching it. Shared by all copies of the package in a process.
import type { Event, FailedAttempt } from "./events.js";
import type { Verdict } from "./verdict.js";

/** Left on the error of a call that was given up. */
export interface Mark {
  /** Its number among all calls given up after several attempts in this process; 0 for one that made a single attempt. */
  readonly serial: number;
  /** Stands for the policy: the same object for the same policy. */
  readonly policy: object;
  readonly failures: readonly FailedAttempt[];
  /** What the engine knows of the call. */
  readonly state: string;
  /** Its next attempt was refused, not its last failure given up. */
  readonly isDue: boolean;
}

/** The user's word on an error. */
export interface Word {
  readonly verdict: Verdict;
  /** What was thrown; where that is no object, it cannot be marked itself. */
  readonly error: unknown;
}

interface Marks {
  serial: number;
  readonly given: WeakMap<object, Mark>;
  readonly words: WeakMap<object, Word>;
  /** Told of every event of every call. */
  readonly hooks: Set<(event: Event) => void>;
}

let shared: Marks | undefined;

/** The marks of this process. */
export function marks(): Marks {
  const home = globalThis as { [KEY]?: Marks };
  return (shared ??= home[KEY] ??= { serial: 0, given: new WeakMap(), words: new WeakMap(), hooks: new Set() });
}

/**
 * Asks about an error, then about what it was caused by, until there is an answer. Ends after eight steps, and so in
 * cycles.
 */
export function firstOf<A>(error: unknown, ask: (error: unknown) => A | undefined): A | undefined {
  for (let steps = 0; steps < 8 && error; steps++) {
    const answer = ask(error);
    if (answer) return answer;
    error = read(error, "cause");
  }
  return undefined;
}

/** The mark of the innermost give-up that an error, its causes, or its response carry. */
export function markOf(error: unknown): Mark | undefined {
  const { given } = marks();
  return firstOf(error, (error) => given.get(error as object) ?? given.get(read(error, "response") as object));
}

/** Every failed attempt, as far as kept: of a call given up, the last 64. Empty for anything else. */
export function history(error: unknown): readonly FailedAttempt[] {
  return markOf(error)?.failures ?? [];
}

/** A property of whatever it is; one that throws reads as undefined. */
export function read(from: unknown, key: string): unknown {
  try {
    return (from as Record<string, unknown> | undefined)?.[key];
  } catch {
    return undefined;
  }
}

/** Whether a value can be marked. */
export function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

const KEY = /* @__PURE__ */ Symbol.for("undaunted.marks.1");
