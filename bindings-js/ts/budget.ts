// Budgets: an allowance of retries that every call to one upstream shares.
import { compile } from "./compile.js";
import { load, type State, use } from "./engine.js";
import type { BudgetOptions, BudgetSettings } from "./options.js";
import { Shared, stateOf } from "./shared.js";
import { tapeOf } from "./tape.js";
import { clock } from "./timer.js";

/** Handed to the constructor beside its arguments, so that users cannot. */
let ready: [options: BudgetOptions, state: State] | undefined;

/**
 * An allowance of retries under a name: there is one of a name in a process, for as long as a policy or a program holds it.
 * With nothing left a call is given up with its own error and the reason `budget`.
 */
export class Budget extends Shared<BudgetOptions> {
  /** Throws a `PolicyError` with every mistake, and for a name that a budget with other options has. */
  constructor(name: string, options: BudgetSettings = {}) {
    if (!ready) return compile(tapeOf({ preset: "none", budget: { ...options, name } })).budget!;
    super(...ready);
    ready = undefined;
  }

  /** What it is called. */
  get name(): string {
    return this.toJSON().name;
  }

  /** What is left now: tokens, or retries with a window. */
  get tokens(): number {
    use("budget", stateOf(this));
    return load().tokens(clock() * 1000) / 1e6;
  }
}

/** A budget from what the engine made. */
export function budgetOf(options: BudgetOptions, state: State): Budget {
  ready = [options, state];
  return new Budget("");
}
