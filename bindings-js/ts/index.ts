// The main entry: calls that are retried, and policies.
export { type Attempt, type Attempts } from "./attempts.js";
export { Budget } from "./budget.js";
export { type Attempted } from "./call.js";
export { type Classification, classify, type ClassifyCodeOptions, type ClassifyOptions } from "./classify.js";
export { type Context } from "./context.js";
export { backend } from "./engine.js";
export { BreakerOpen, GaveUp, HttpError, ok, PolicyError, type Problem, TimeoutError } from "./errors.js";
export { type Event, type FailedAttempt, onEvent } from "./events.js";
export { type HeaderSource, readHint } from "./headers.js";
export { history } from "./marks.js";
export { type BreakerSnapshot, type BreakerState, type NamedBreaker } from "./named-breaker.js";
export { type Condition, type Domain, type FailureClass, type Reason, type Sent } from "./names.js";
export {
  type BreakerSettings, type BudgetOptions, type BudgetSettings, type ClassOptions, type Duration, type DurationText, type ErrorClass, type On, type PolicyBreaker, type PolicyOptions, type RetryOptions, type Rule,
  type RunOptions, type Seed, type Source, type TemporalDuration,
} from "./options.js";
export { Policy, type PolicyJson, type ScheduleOptions } from "./policy.js";
export { retry } from "./retry.js";
export { again, stop } from "./verdict.js";

/** The version of the package, and of the engine in it. */
export const version: string = VERSION;
