// What users write: the options of a policy, and those of a call.
import type { Budget } from "./budget.js";
import type { NamedBreaker } from "./named-breaker.js";
import type { Policy } from "./policy.js";
import type { Event } from "./events.js";

type Unit = "us" | "ms" | "s" | "m" | "h";
/** A duration with its unit: `"250ms"`, `"1.5s"`. */
export type DurationText = `${number}${Unit}`;
/** Temporal's, where the host has it. */
export interface TemporalDuration {
  readonly [Symbol.toStringTag]: "Temporal.Duration";
  total(unit: never): number;
}
/** Text with a unit, milliseconds, or a `Temporal.Duration`. */
export type Duration = DurationText | number | TemporalDuration;

type Code = number | (string & {});
type RuleMatch =
  | { readonly http: number | `${number}-${number}` | (string & {}); readonly bodyContains?: string | undefined }
  | { readonly os: Code; readonly bodyContains?: string | undefined }
  | { readonly dns: Code; readonly bodyContains?: string | undefined }
  | { readonly tls: Code; readonly bodyContains?: string | undefined }
  | { readonly undici: Code; readonly bodyContains?: string | undefined }
  | { readonly grpc: Code; readonly bodyContains?: string | undefined }
  | { readonly postgres: string; readonly bodyContains?: string | undefined }
  | { readonly mysql: Code; readonly bodyContains?: string | undefined }
  | { readonly sqlite: Code; readonly bodyContains?: string | undefined }
  | { readonly redis: string; readonly bodyContains?: string | undefined }
  | { readonly mongodb: Code; readonly bodyContains?: string | undefined }
  | { readonly kafka: Code; readonly bodyContains?: string | undefined }
  | { readonly aws: string; readonly bodyContains?: string | undefined }
  | { readonly user: Code; readonly bodyContains?: string | undefined }
  | { readonly bodyContains: string };
type RuleEffect =
  | { readonly class: ClassName | "permanent"; readonly sent?: "not_sent" | "rejected" | "maybe" | undefined }
  | { readonly sent: "not_sent" | "rejected" | "maybe" };
/** What some codes mean for one policy. */
export type Rule = RuleMatch & RuleEffect;

type ClassName = "transient" | "throttle" | "timeout" | "connect" | "conflict";
type HintMode = "floor" | "exact" | "window" | "ignore";

/** Settings for one class of failures. */
export interface ClassOptions {
  /** Attempts that may end in this class. At most `attempts`. */
  readonly attempts?: number | undefined;
  /** The first delay after a failure of this class. */
  readonly initial?: Duration | undefined;
  /** What a retry takes from the budget after a failure of this class. */
  readonly cost?: number | undefined;
}

/** The options of a budget beside its name. */
export interface BudgetSettings {
  /**
   * `bucket` (AWS SDKs): a retry takes its cost, a success gives back. `failures` (gRPC): a failure takes its cost, retries while
   * more than half is left. `window` (Finagle): retries are a share of the calls of the last seconds. Default `"bucket"`.
   */
  readonly mode?: "bucket" | "failures" | "window" | undefined;
  /** The most tokens, and the first. Default 500, 10 with `failures`. */
  readonly capacity?: number | undefined;
  /** What a retry, or a failure, takes. Default 14, 1 with `failures`. */
  readonly cost?: number | undefined;
  /** What a success gives. Default 1, 0.1 with `failures`. */
  readonly reward?: number | undefined;
  /** Whether a success after a retry gives back what the last retry took, in place of `reward`. Default true. */
  readonly refund?: boolean | undefined;
  /** With `window`: retries for each call of the last `ttl`. Default 0.2. */
  readonly ratio?: number | undefined;
  /** With `window`: retries that are allowed beside the ratio. Default 10. */
  readonly minPerSecond?: number | undefined;
  /** With `window`: how long it is, 1 s to 60 s. Default `"10s"`. */
  readonly ttl?: Duration | undefined;
}

/** An allowance of retries that policies share by its name. */
export interface BudgetOptions extends BudgetSettings {
  /** What is called: one budget for one upstream. */
  readonly name: string;
}

/** The options of a breaker beside its name. */
export interface BreakerSettings {
  /** The last 1 to 1024 results count. Default 100. */
  readonly windowCalls?: number | undefined;
  /** Instead of `windowCalls`: the results of this time count, a tenth forgotten at a time. */
  readonly windowTime?: Duration | undefined;
  /** With fewer results in the window it does not open: 1 to 1000000, up to `windowCalls`. Default 20. */
  readonly minCalls?: number | undefined;
  /** The share of failures that opens it, above 0 and up to 1. Default 0.5. */
  readonly failureRate?: number | undefined;
  /** A call that takes longer is slow. Without it none is. */
  readonly slowAfter?: Duration | undefined;
  /** The share of slow calls that opens it, above 0 and up to 1. Default 1. */
  readonly slowRate?: number | undefined;
  /** How long it stays open the first time, before jitter. Default `"5s"`. */
  readonly initial?: Duration | undefined;
  /** Growth of that each time it opens again without having closed, 1 to 10. Default 2. */
  readonly factor?: number | undefined;
  /** The longest it stays open. Default `"60s"`. */
  readonly maxDelay?: Duration | undefined;
  /** How that time is drawn. Default `"equal"`: between half and all of it. */
  readonly jitter?: "none" | "full" | "equal" | undefined;
  /** How many calls a half-open breaker lets through and judges by, 1 to 16. Default 3. */
  readonly probes?: number | undefined;
  /** A probe that is not settled by then is taken back. Default `"60s"`. */
  readonly probeTimeout?: Duration | undefined;
}

/** A breaker that policies share by its name. */
export interface PolicyBreaker extends BreakerSettings {
  /** What is called: one breaker for one upstream. */
  readonly name: string;
}

/** The options of a policy. What is not written comes from `preset`, by default `"standard"`. */
export interface PolicyOptions {
  /** Version of the format. */
  readonly undaunted?: 1 | undefined;
  /** The policy that everything not written is taken from. Default `"standard"`. */
  readonly preset?: "standard" | "interactive" | "aws" | "grpc" | "stamina" | "urllib3" | "google" | "none" | undefined;
  /** Total calls, the first included; 1 never retries, null is unlimited. Default 10. */
  readonly attempts?: number | null | undefined;
  /** Limit of the whole call, waits included; null for none. Default `"45s"`. */
  readonly timeout?: Duration | null | undefined;
  /** No limit at all: `attempts` and `timeout` are both null. Default false. */
  readonly forever?: boolean | undefined;
  /** What to do when the next wait does not fit. Default `"give_up"`. */
  readonly onTimeout?: "give_up" | { readonly clip: { readonly minAttempt: Duration } } | undefined;
  /** Limit of one attempt; null for none. Default null. */
  readonly attemptTimeout?: Duration | null | undefined;
  /** How delays grow, before jitter; or the delays themselves. Default `"exponential"`. */
  readonly backoff?: "exponential" | "linear" | "constant" | readonly Duration[] | undefined;
  /** The first delay, before jitter. Default `"1s"`. */
  readonly initial?: Duration | undefined;
  /** Growth per retry, above 1 to 10. Default 2. */
  readonly factor?: number | undefined;
  /** The longest delay; jitter never crosses it. Default `"10s"`. */
  readonly maxDelay?: Duration | undefined;
  /** Whether the first retry waits. Default `"delayed"`. */
  readonly first?: "delayed" | "immediate" | undefined;
  /** How a delay is drawn from its ceiling. Default `"full"`. */
  readonly jitter?:
    | "none" | "full" | "equal" | "decorrelated"
    | { readonly proportional: number }
    | { readonly additive: Duration }
    | undefined;
  /** What to do with a wait that the server asked for. Default `{ mode: "floor", max: "120s" }`. */
  readonly hint?:
    | Exclude<HintMode, "window">
    | {
        readonly mode?: HintMode | undefined;
        readonly max?: Duration | undefined;
        readonly window?: Duration | undefined;
        readonly resets?: boolean | undefined;
      }
    | undefined;
  /** Settings for one class of failures. */
  readonly classes?:
    | { readonly [C in ClassName]?: ClassOptions | undefined }
    | undefined;
  /** What codes mean for this policy; the first that matches comes before the tables. */
  readonly rules?: readonly Rule[] | undefined;
  /** An allowance of retries that calls share: a `Budget`, its options, or the name of one that is made elsewhere. Default none. */
  readonly budget?: Budget | BudgetOptions | string | null | undefined;
  /**
   * What refuses attempts for a while once too many have failed or been slow: a `Breaker` with a name, its options, or the name of
   * one that is made elsewhere. Default none.
   */
  readonly breaker?: NamedBreaker | PolicyBreaker | string | null | undefined;
  /** Whether a call that the server may have acted on may be repeated. Default `"auto"`. */
  readonly idempotent?: "auto" | boolean | undefined;
  /** What to do with an error whose retries an inner call has exhausted. Default `"warn"`. */
  readonly nested?: "warn" | "once" | "allow" | "share" | undefined;
}

/** A class of errors, abstract ones included. */
export type ErrorClass = abstract new (...args: never[]) => unknown;

/**
 * Which errors are retried. A predicate answers yes, no, or how long to wait; classes make unknown errors retried, and
 * leave what the tables call permanent; `"any"` is everything but aborts. Without it the tables decide alone, and what
 * they do not know is not retried.
 */
export type On = "any" | ErrorClass | readonly ErrorClass[] | ((error: unknown) => boolean | Duration);

/** The options of one call. */
export interface RunOptions<T = unknown> {
  /** Stops the call at any moment; its `reason` is thrown. */
  readonly signal?: AbortSignal | null | undefined;
  /** Which errors are retried. */
  readonly on?: On | undefined;
  /** Whether a result counts as a failure, and perhaps how long to wait. */
  readonly retryIfResult?: ((result: T) => boolean | Duration) | undefined;
  /** Told of every event. */
  readonly onEvent?: ((event: Event) => void) | undefined;
  /** Told when a retry is scheduled; its timer is armed already. */
  readonly onRetry?: ((event: Event) => void) | undefined;
  /** Told when the call is given up. */
  readonly onGiveUp?: ((event: Event) => void) | undefined;
  /** Told when an attempt succeeds. */
  readonly onSuccess?: ((event: Event) => void) | undefined;
  /** The call's name in events. */
  readonly name?: string | undefined;
  /** Let the process end while the call waits. Default false. */
  readonly unref?: boolean | undefined;
  /** Makes the waits repeatable: 0 to 2^64-1. Without it they come from the system's entropy. */
  readonly seed?: Seed | undefined;
  /** The number of the call under `seed`, from 1. Default 1; functions made by `wrap` count their calls. */
  readonly call?: number | undefined;
}

/** 64 bits: a BigInt, decimal text, or a safe integer. */
export type Seed = bigint | `${number}` | number;

/** Where policies come from: asked at the start of each call. `undaunted/source` has some. */
export interface Source {
  /** The policy of now. */
  current(): Policy | PromiseLike<Policy>;
}

/** The options of `retry`: a policy's and a call's together, or a policy beside a call's. */
export type RetryOptions<T = unknown> =
  | (RunOptions<T> & PolicyOptions & { readonly policy?: undefined })
  | (RunOptions<T> & { readonly policy: Policy | PolicyOptions | Source } & { readonly [K in keyof PolicyOptions]?: undefined });
