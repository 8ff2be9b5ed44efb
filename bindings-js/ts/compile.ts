// From a tape to a policy, and what a host must know of one.
import { type Compiled, input, keepPolicy, load, output, usePolicy } from "./engine.js";
import { PolicyError, type Problem } from "./errors.js";
import { Nested, Notation } from "./names.js";

/** The settings that the host acts on; times in microseconds, -1 for null. */
export interface Settings {
  readonly compiled: Compiled;
  readonly attempts: number;
  readonly timeout: number;
  readonly attemptTimeout: number;
  readonly isShared: boolean;
  readonly needsBody: boolean;
  /** Even its first attempt needs a timer, or the outer call's deadline. */
  readonly isWatched: boolean;
}

/** Compiles a tape, over the policy `base` if given; throws a `PolicyError` with every problem in it. */
export function compile(tape: string, notation: Notation = Notation.JavaScript, base?: Settings): Settings {
  const engine = load();
  const { numbers } = engine;
  const length = input(tape);
  if (length > engine.input.length) {
    throw new PolicyError([{ code: "text_too_long", pointer: "", text: "the policy is longer than 65536 bytes; shorten it" }]);
  }
  if (base) usePolicy(base.compiled);
  const onBase = base ? 1 : 0;
  const count = engine.compile(length, notation, onBase);
  if (count) {
    throw new PolicyError(problemsOf(count, (index) => engine.problem(length, notation, onBase, index)));
  }
  engine.settings();
  const [attempts, timeout, attemptTimeout, nested, needsBody] = numbers as unknown as [number, number, number, number, number];
  const isShared = nested === Nested.Share;
  return {
    compiled: keepPolicy(),
    attempts, timeout, attemptTimeout, isShared,
    needsBody: !!needsBody,
    isWatched: attemptTimeout >= 0 || isShared,
  };
}

/** So many problems; `tell` has the engine tell of one. */
export function problemsOf(count: number, tell: (index: number) => void): Problem[] {
  return Array.from({ length: count }, (_, index) => {
    tell(index);
    const [code, pointer, text] = load().numbers as unknown as [number, number, number];
    return {
      code: output(0, code),
      pointer: output(code, code + pointer),
      text: output(code + pointer, code + pointer + text),
    };
  });
}

/** The waits before retries 1 to `count` in microseconds. */
export function delays({ compiled }: Settings, high: number, low: number, count: number): number[] {
  const found: number[] = [];
  const engine = load();
  usePolicy(compiled);
  while (found.length < count) {
    const part = Math.min(count - found.length, PIECE);
    engine.schedule(high, low, found.length, part);
    found.push(...new Float64Array(engine.output.slice(0, part * 8).buffer));
  }
  return found;
}

/** How many delays the output area has room for. */
const PIECE = 8192;
