// Budgets: an allowance of retries that every call to one upstream shares.
import { compile } from "./compile.js";
import { load, type State, use } from "./engine.js";
import type { BudgetOptions, BudgetSettings } from "./options.js";
import { tapeOf } from "./tape.js";
import { clock } from "./timer.js";

/** Handed to the constructor beside its arguments, so that users cannot. */
let ready: { readonly options: BudgetOptions; readonly state: State } | undefined;

/** Makes a budget the one that the engine's functions mean. */
export let useBudget: (budget: Budget) => void;

/**
 * An allowance of retries under a name: there is one of a name in a process, for as long as a policy or a program holds it.
 * With nothing left a call is given up with its own error and the reason `budget`.
 */
export class Budget {
  /** What it is called. */
  readonly name!: string;
  readonly #options!: BudgetOptions;
  readonly #state!: State;

  /** Throws a `PolicyError` with every mistake, and for a name that a budget with other options has. */
  constructor(name: string, options: BudgetSettings = {}) {
    if (!ready) return compile(tapeOf({ preset: "none", budget: { ...options, name } })).budget!;
    this.#options = ready.options;
    this.#state = ready.state;
    this.name = this.#options.name;
    ready = undefined;
  }

  /** What is left now: tokens, or retries with a window. */
  get tokens(): number {
    useBudget(this);
    return load().tokens(clock() * 1000) / 1e6;
  }

  /** What it was made of, defaults included. */
  toJSON(): BudgetOptions {
    return this.#options;
  }

  static {
    useBudget = (budget) => use("budget", budget.#state);
  }
}

const known = /* @__PURE__ */ new Map<string, WeakRef<Budget>>();
const gone = /* @__PURE__ */ new FinalizationRegistry<string>((name) => {
  if (!known.get(name)?.deref()) known.delete(name);
});

/**
 * The budget of a name, made if it is not there. `share` puts the one of the policy in use into use, or refuses; `describe`
 * tells the options of that policy's.
 */
export function shared(name: string, share: (isThere: boolean) => void, describe: () => BudgetOptions): Budget {
  const there = known.get(name)?.deref();
  if (there) {
    useBudget(there);
    share(true);
    return there;
  }
  const state: State = {};
  use("budget", state);
  share(false);
  ready = { options: describe(), state };
  const budget = new Budget(name);
  known.set(name, new WeakRef(budget));
  gone.register(budget, name);
  return budget;
}
