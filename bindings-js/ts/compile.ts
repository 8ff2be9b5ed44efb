// From a tape to a policy, and what a host must know of one.
import { type Budget, budgetOf } from "./budget.js";
import { type Compiled, type Engine, input, keepPolicy, load, output, type State, use, usePolicy } from "./engine.js";
import { PolicyError, type Problem } from "./errors.js";
import { NamedBreaker } from "./named-breaker.js";
import { Nested, Notation } from "./names.js";
import type { PolicyBreaker } from "./options.js";
import { seedOf } from "./seed.js";
import { findOrMake, Kind, type Shared, stateOf } from "./shared.js";

/** The settings that the host acts on; times in microseconds, -1 for null. */
export interface Settings {
  readonly compiled: Compiled;
  readonly attempts: number;
  readonly timeout: number;
  readonly attemptTimeout: number;
  readonly isShared: boolean;
  readonly needsBody: boolean;
  readonly budget: Budget | undefined;
  readonly breaker: NamedBreaker | undefined;
  /** A budget or a breaker must hear how its calls end. */
  readonly isTold: boolean;
  /** Even its first attempt needs a timer, the outer call's deadline, or to be told to a budget or a breaker. */
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
  const { budget, breaker } = sharedOf(engine);
  const isTold = !!(budget ?? breaker);
  return {
    compiled: keepPolicy(),
    attempts, timeout, attemptTimeout, isShared, budget, breaker, isTold,
    needsBody: !!needsBody,
    isWatched: attemptTimeout >= 0 || isShared || isTold,
  };
}

/** The same settings, with a budget and a breaker that nobody else has. */
export function renewed(settings: Settings): Settings {
  const engine = load();
  usePolicy(settings.compiled);
  return { ...settings, ...sharedOf(engine, true) };
}

/** What the policy in use shares by names, in use too. */
function sharedOf(engine: Engine, isNew = false): Pick<Settings, "budget" | "breaker"> {
  return {
    budget: named(engine, Kind.Budget, "budget", budgetOf, isNew),
    breaker: named(engine, Kind.Breaker, "breaker", (options: PolicyBreaker, state) => new NamedBreaker(options, state), isNew),
  };
}

function named<S extends Shared<object>, O>(
  engine: Engine, kind: Kind, key: "budget" | "breaker", make: (options: O, state: State) => S, isNew: boolean,
): S | undefined {
  const name = output(0, engine.shared_name(kind));
  if (!name) return undefined;
  const state: State = {};
  const check = (there: S | undefined) => {
    use(kind ? "guard" : "budget", there ? stateOf(there) : state);
    const [high, low] = kind && !there ? seedOf(undefined) : NO_SEED;
    if (engine.share(kind, there ? 1 : 0, high, low)) throw new PolicyError([told(engine)]);
  };
  const found = () => make(JSON.parse(output(0, engine.dump()))[key], state);
  if (!isNew) return findOrMake(kind, name, check, found);
  check(undefined);
  return found();
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

const NO_SEED = [0, 0] as const;
/** How many delays the output area has room for. */
const PIECE = 8192;
