// The waits before each retry: how they are distributed, and as they are drawn for one call.
import { type Seed, tapeOf } from "./core.js";
import type { Estimate } from "./lab.js";
import { type Answer, type AnyPolicy, ladder as ladderTape, tapeOfPolicy } from "./lab-engine.js";
import { Report } from "./report.js";

/** What a ladder is asked. */
export interface LadderOptions {
  /** How far to look: 1 to 1000. Default the policy's own, 10 where it has no limit. */
  readonly attempts?: number | undefined;
  /** What the waits are drawn from, as of `schedule`: 0 to 2^64-1. Default 1. */
  readonly seed?: Seed | undefined;
  /** The number of the call under `seed`, from 1. Default 1. */
  readonly call?: number | undefined;
  /** The seed of the call itself, as events have it, in place of these two. */
  readonly callSeed?: Seed | undefined;
}

/** The wait before one retry, in milliseconds. */
export interface Rung {
  /** Which retry, from 1. */
  readonly retry: number;
  /** It is never shorter. */
  readonly least: number;
  /** The median. */
  readonly p50: Estimate;
  /** What 99 of 100 waits are below. */
  readonly p99: Estimate;
  /** It is never longer. */
  readonly most: number;
  /** The wait of one call. */
  readonly drawn: number;
  /** What this call has waited with it. */
  readonly at: number;
  /** Whether that is below the policy's `timeout`. */
  readonly inTime: boolean;
}

/** What `ladder` finds: each retry, in order. */
export class Ladder extends Report implements Iterable<Rung> {
  /** What the waits were drawn from, as decimal text. */
  readonly callSeed: string;
  /** The policy's limit of the whole call; null for none. */
  readonly timeout: number | null;
  readonly #rungs: readonly Rung[];

  /** @internal */
  constructor(answer: Answer) {
    super(answer);
    const found = this.toJSON() as any;
    const estimate = ({ value, error }: Estimate) => ({ value: value / 1000, error: error / 1000 });
    this.callSeed = found.call_seed;
    this.timeout = found.timeout_us && found.timeout_us / 1000;
    this.#rungs = found.retries.map((rung: any): Rung => ({
      retry: rung.retry,
      least: rung.least_us / 1000,
      p50: estimate(rung.p50_us),
      p99: estimate(rung.p99_us),
      most: rung.most_us / 1000,
      drawn: rung.drawn_us / 1000,
      at: rung.at_us / 1000,
      inTime: rung.in_time,
    }));
  }

  get length(): number {
    return this.#rungs.length;
  }

  [Symbol.iterator](): Iterator<Rung> {
    return this.#rungs[Symbol.iterator]();
  }
}

/**
 * The waits before each retry of a call whose attempts fail at once, class transient, without a hint. `timeout` ends nothing here, but the
 * answer says which retries it would. Throws a `PolicyError` with every mistake.
 */
export function ladder(policy: AnyPolicy, options: LadderOptions = {}): Ladder {
  return new Ladder(ladderTape(tapeOfPolicy(policy), tapeOf(options), JAVASCRIPT_NOTATION));
}

const JAVASCRIPT_NOTATION = 2;
