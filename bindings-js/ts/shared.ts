// What policies share by its name: there is one of a name in a process, for as long as somebody holds it.
import { type State } from "./engine.js";

/** Which of them, as the engine counts them. */
export const enum Kind { Budget, Breaker }

/** The state of one that is shared, or of a breaker that stands alone. */
export let stateOf: (shared: Shared<object>) => State;

/** A budget or a breaker. */
export abstract class Shared<Options extends object> {
  readonly #options: Options;
  readonly #state: State;

  constructor(options: Options, state: State) {
    this.#options = options;
    this.#state = state;
  }

  /** What it was made of, defaults included. */
  toJSON(): Options {
    return this.#options;
  }

  static {
    stateOf = (shared) => shared.#state;
  }
}

const known = /* @__PURE__ */ new Map<string, WeakRef<Shared<object>>>();
const gone = /* @__PURE__ */ new FinalizationRegistry<string>((key) => {
  if (!known.get(key)?.deref()) known.delete(key);
});

/** The one of a kind and a name, made if it is not there; `check` refuses one that is there, or the name. */
export function findOrMake<S extends Shared<object>>(kind: Kind, name: string, check: (there: S | undefined) => void, make: () => S): S {
  const key = kind + name;
  const there = known.get(key)?.deref() as S | undefined;
  check(there);
  if (there) return there;
  const made = make();
  known.set(key, new WeakRef(made));
  gone.register(made, key);
  return made;
}
