// Temporal: activities whose failures a policy judges, and its RetryPolicy made of a policy. It imports nothing of Temporal's.
import { Policy, type PolicyOptions, policyOf as compiled } from "../core.js";
import { convert } from "../conversion.js";
import { exportAs } from "../export.js";
import { resume, type Resumed, type ResumeOptions } from "../resume.js";

/** `RetryPolicy` of `@temporalio/common`; durations are milliseconds. */
export interface RetryPolicy {
  readonly initialInterval?: number | undefined;
  readonly maximumInterval?: number | undefined;
  readonly backoffCoefficient?: number | undefined;
  /** Without a limit where it is not there. */
  readonly maximumAttempts?: number | undefined;
}

/** What `ApplicationFailure.create` takes. */
export interface FailureOptions {
  readonly message: string;
  readonly type: string;
  readonly nonRetryable: boolean;
  /** In milliseconds. */
  readonly nextRetryDelay?: number;
  readonly cause: Error;
}

/** What is used of an activity's `Context.current()`. */
export interface ActivityContext {
  readonly info: { readonly heartbeatDetails?: unknown; readonly activityType?: string };
  heartbeat(details?: unknown): void;
}

/**
 * The delays and attempts of a policy, for activities that do not use `failureOptions`, and as the frame for those that do. What it cannot
 * say: jitter (Temporal has none), hints of servers, classes and rules (name the types of errors that are final in `nonRetryableErrorTypes`),
 * budgets, breakers, `first`. `timeout` is an activity's `scheduleToCloseTimeout`, `attemptTimeout` its `startToCloseTimeout`; both
 * stand beside a RetryPolicy.
 */
export function retryPolicy(policy?: Policy | PolicyOptions): RetryPolicy {
  const options = compiled(policy).toJSON() as any;
  const { attempts } = options;
  if (attempts === 1) return { maximumAttempts: 1 };
  // A code to retry, so that there is a retry policy whatever the rules say.
  const { text } = exportAs(Policy.parse({ ...options, rules: [] }), "grpc");
  const found = JSON.parse(text).methodConfig[0].retryPolicy;
  return {
    initialInterval: milliseconds(found.initialBackoff),
    maximumInterval: milliseconds(found.maxBackoff),
    backoffCoefficient: found.backoffMultiplier,
    ...(attempts ? { maximumAttempts: Math.min(attempts, MOST_ATTEMPTS) } : {}),
  };
}

/**
 * What a RetryPolicy does, as a policy: without jitter and without a limit of time, which `replace` adds. Durations are numbers of
 * milliseconds. Throws a `PolicyError` for one that no policy can do.
 */
export function policyOf({ initialInterval = 1000, maximumInterval = initialInterval * 100, backoffCoefficient = 2, maximumAttempts }: RetryPolicy): Policy {
  const retries = maximumAttempts ? maximumAttempts - 1 : null;
  return convert({ retries, minTimeout: initialInterval, maxTimeout: maximumInterval, factor: backoffCoefficient }, "p-retry").policy;
}

/**
 * In an activity: the call that this attempt belongs to, by the token that the attempt before has left in a heartbeat; else a new one.
 * A token that comes in the activity's arguments goes to `resume` instead, in the first attempt.
 */
export function resumed(context: ActivityContext, policy?: Policy | PolicyOptions, options: ResumeOptions = {}): Promise<Resumed> {
  const { heartbeatDetails, activityType } = context.info;
  const token = (heartbeatDetails as { [HEADER]?: string } | undefined)?.[HEADER];
  return resume(policy, token, { name: activityType, ...options });
}

/**
 * In an activity, `throw ApplicationFailure.create(await failureOptions(context, error, call))`: what Temporal is to make of a failure
 * by the call's policy. It is not retried where the policy gives up; else `nextRetryDelay` is the policy's wait, and the token goes in
 * a heartbeat, from which the next attempt goes on. The activity's RetryPolicy must allow as many attempts.
 */
export async function failureOptions(context: ActivityContext, error: Error, call: Resumed): Promise<FailureOptions> {
  const delay = await call.failed(error);
  const failure = { message: error.message, type: error.name, nonRetryable: delay === undefined, cause: error };
  if (delay === undefined) return failure;
  context.heartbeat({ [HEADER]: await call.token() });
  return { ...failure, nextRetryDelay: delay };
}

function milliseconds(text: string): number {
  return Number((Number(text.slice(0, -1)) * 1000).toFixed(3));
}

/** The key of the token in a heartbeat's details. */
const HEADER = "undaunted";
/** What Temporal's number holds. */
const MOST_ATTEMPTS = 2 ** 31 - 1;
