// BullMQ: jobs whose failures a policy judges, and calls that are handed over to them. It imports nothing of BullMQ's.
import { history, type Policy, PolicyError, type PolicyOptions, policyOf, read } from "../core.js";
import { resume, type Resumed, type ResumeOptions, resumeToken, type TokenOptions } from "../resume.js";

/** The type of backoff that jobs have, and the field of their data that carries the token. */
export const UNDAUNTED = "undaunted";

/** What is used of a job. */
export interface Job {
  // any: each queue says what its jobs carry.
  readonly data: any;
  updateData(data: any): Promise<void>;
  log(line: string): Promise<unknown>;
}

/** What is used of a queue. */
export interface Queue<J> {
  add(name: any, data: any, options?: any): Promise<J>;
}

/** `settings.backoffStrategy` of a worker. */
export type BackoffStrategy = (attemptsMade: number, type?: string, error?: Error, job?: Job) => Promise<number>;

/** Options of a job that leave retries to `backoffStrategy`. */
export interface JobOptions {
  readonly attempts: number;
  readonly backoff: { readonly type: string };
}

/**
 * `new Worker(name, processor, { settings: { backoffStrategy: backoffStrategy(policy) } })`: decides about every failure of
 * jobs that were added with `jobOptions()`. A job is delayed by the policy's wait, rounded up to milliseconds, or fails at
 * once, as by an `UnrecoverableError`, and with its own error. What is left of the call goes in the job's data, under `undaunted`, so the next
 * attempt goes on with the same schedule on whatever worker it starts; it is signed if there is a `key`.
 *
 * A policy with `timeout` counts the time in the queue, too. A job whose token is wrong, or not signed as it should be, fails for good, and its log says why.
 */
export function backoffStrategy(policy?: Policy | PolicyOptions, options: ResumeOptions = {}): BackoffStrategy {
  const own = policyOf(policy);
  return async (_attemptsMade, _type, error, job) => {
    let call: Resumed;
    try {
      call = await resume(own, tokenIn(job!.data), options);
    } catch (wrong) {
      if (!(wrong instanceof PolicyError)) throw wrong;
      await job!.log(`undaunted: ${wrong.message}`);
      return UNRECOVERABLE;
    }
    const delay = await call.failed(error);
    if (delay === undefined) return UNRECOVERABLE;
    await job!.updateData({ ...job!.data, [UNDAUNTED]: await call.token() });
    return Math.ceil(delay);
  };
}

/** `queue.add(name, data, { ...jobOptions() })`: a job whose failures `backoffStrategy` decides about, as often as that allows. */
export function jobOptions(): JobOptions {
  return { attempts: MOST, backoff: { type: UNDAUNTED } };
}

/**
 * Adds a job for a call that was given up with this error, in a web service say, and lets it go on with that call's schedule:
 * its `delay` is the wait before the next attempt by the policy of the queue. Throws the error itself if that policy gives up,
 * too; one on which no call gave up begins a schedule of the job's own. `data` must be an object, `options` are those of the job.
 */
export async function handOver<J>(
  queue: Queue<J>, name: string, data: object, error: unknown, policy?: Policy | PolicyOptions, { job, ...options }: TokenOptions & { readonly job?: object | undefined } = {},
): Promise<J> {
  if (!history(error).length) return queue.add(name, data, { ...job, ...jobOptions() });
  const call = await resume(policy, await resumeToken(error, options), options);
  if (call.delay === undefined) throw error;
  const delay = Math.ceil(call.delay);
  return queue.add(name, { ...data, [UNDAUNTED]: await call.token() }, { delay, ...job, ...jobOptions() });
}

function tokenIn(data: unknown): string | undefined {
  return read(data, UNDAUNTED) as string | undefined;
}

/** The most attempts that a policy may allow. */
const MOST = 2 ** 32 - 1;
/** What BullMQ takes for the end of a job. */
const UNRECOVERABLE = -1;
