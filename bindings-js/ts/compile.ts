// From a tape to a policy, and what a host must know of one.
import * as engine from "engine-glue";
import { type Compiled, forgetPolicy, keepPolicy, load, output, usePolicy } from "./engine.js";
import { PolicyError, type Problem } from "./errors.js";

/** The settings that the host acts on; times in microseconds, -1 for null. */
export interface Settings {
  readonly compiled: Compiled;
  readonly attempts: number;
  readonly timeout: number;
  readonly attemptTimeout: number;
  readonly nested: number;
  readonly needsBody: boolean;
  /** Even its first attempt needs a timer, or the outer call's deadline. */
  readonly isWatched: boolean;
}

/** `nested: "share"` by its number. */
export const SHARE = 3;

/** Compiles the tape in the input area; throws a `PolicyError` with every problem in it. */
export function compileTape(length: number, notation: number, base?: Compiled): Compiled {
  if (length === Infinity) {
    const text = "the policy takes more than 65536 bytes, allowed up to 65536; remove what it does not need";
    throw new PolicyError([{ code: "text_too_long", pointer: "", text }]);
  }
  if (base) usePolicy(base);
  const count = engine.compile(length, notation, base ? 1 : 0);
  if (count > 0) throw new PolicyError(Array.from({ length: count }, (_, index) => problem(length, notation, base, index)));
  forgetPolicy();
  return keepPolicy();
}

export function settingsOf(compiled: Compiled): Settings {
  usePolicy(compiled);
  engine.settings();
  const [attempts, timeout, attemptTimeout, nested, needsBody] = load().numbers as unknown as number[];
  return {
    compiled,
    attempts: attempts!,
    timeout: timeout!,
    attemptTimeout: attemptTimeout!,
    nested: nested!,
    needsBody: needsBody === 1,
    isWatched: attemptTimeout! >= 0 || nested === SHARE,
  };
}

/** The first delay of a policy in microseconds. */
export function firstDelay(compiled: Compiled): number {
  return delays(compiled, 0, 0, 1)[0]!;
}

/** The waits before retries 1 to `count` in microseconds. */
export function delays(compiled: Compiled, high: number, low: number, count: number): number[] {
  const found: number[] = [];
  usePolicy(compiled);
  const area = load().output;
  while (found.length < count) {
    const part = Math.min(count - found.length, area.length / 8);
    engine.schedule(high, low, found.length, part);
    found.push(...new Float64Array(area.slice(0, part * 8).buffer));
  }
  return found;
}

function problem(length: number, notation: number, base: Compiled | undefined, index: number): Problem {
  engine.problem(length, notation, base ? 1 : 0, index);
  const [code, pointer, text] = load().numbers as unknown as number[];
  return {
    code: output(0, code!),
    pointer: output(code!, code! + pointer!),
    text: output(code! + pointer!, code! + pointer! + text!),
  };
}
