// From a tape to a policy, and what a host must know of one.
import { type Budget, shared } from "./budget.js";
import { type Compiled, type Engine, input, keepPolicy, load, output, usePolicy } from "./engine.js";
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
  readonly budget: Budget | undefined;
  /** Even its first attempt needs a timer, the outer call's deadline, or to be told to a budget. */
  readonly isWatched: boolean;
}

/** Compiles a tape, over the policy `base` if given; throws a `PolicyError` with every problem in it. */
export function compile(tape: string, notation: Notation = Notation.JavaScript, base?: Settings): Settings {
  const engine = load();
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
  const [attempts, timeout, attemptTimeout, nested, needsBody] = engine.numbers as unknown as [number, number, number, number, number];
  const isShared = nested === Nested.Share;
  const budget = budgetInUse(engine);
  return {
    compiled: keepPolicy(),
    attempts, timeout, attemptTimeout, isShared, budget,
    needsBody: !!needsBody,
    isWatched: attemptTimeout >= 0 || isShared || !!budget,
  };
}

/** The budget that the policy in use names, in use too. */
function budgetInUse(engine: Engine): Budget | undefined {
  const name = output(0, engine.budget_name());
  const share = (isThere: boolean) => {
    if (engine.share(isThere ? 1 : 0)) throw new PolicyError([told(engine)]);
  };
  return name ? shared(name, share, () => JSON.parse(output(0, engine.dump())).budget) : undefined;
}

/** The problem that the engine has told last. */
function told({ numbers }: Engine): Problem {
  const [code, pointer, text] = numbers as unknown as [number, number, number];
  return {
    code: output(0, code),
    pointer: output(code, code + pointer),
    text: output(code + pointer, code + pointer + text),
  };
}

/** So many problems; `tell` has the engine tell of one. */
export function problemsOf(count: number, tell: (index: number) => void): Problem[] {
  return Array.from({ length: count }, (_, index) => {
    tell(index);
    return told(load());
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
