// What a person who chooses a policy asks.
import { tapeOf } from "./core.js";
import type { Duration } from "./options.js";
import { Report } from "./report.js";
import { type Answer, type AnyPolicy, analyse as analyseTape, diff as diffTape, lint as lintTape, lintHedge as lintHedgeTape, tapeOfPolicy, tapeWrittenOut } from "./lab-engine.js";

export type { AnyPolicy } from "./lab-engine.js";
export { Conversion, convert, type ConversionSource } from "./conversion.js";
/** @internal */
export { command } from "./command.js";
export { ladder, Ladder, type LadderOptions, type Rung } from "./ladder.js";
export { Export, exportAs, type ExportTarget } from "./export.js";
export { explain, type ExplainOptions, type ExplainedFailure, Explanation, type FailureFacts } from "./explain.js";

export {
  Herd, type HerdOptions, Layers, type LayersOptions, Loss, type LossOptions, Outage, type OutageOptions, type Peak, simulateHerd,
  simulateLayers, simulateLoss, simulateOutage, type SimulationOptions,
} from "./simulate.js";

/** A number with a bound of its error: the truth is within `error` of it; 0 is exact up to rounding. */
export interface Estimate {
  /** The number. */
  readonly value: number;
  /** How far it is from the truth at most. */
  readonly error: number;
}

/** How long calls take, over all of them, in milliseconds; null where calls do not end within 1000 attempts. */
export interface Distribution {
  readonly mean: Estimate | null;
  readonly p50: Estimate | null;
  readonly p90: Estimate | null;
  readonly p99: Estimate | null;
  /** No call takes longer; null without a limit. */
  readonly worst: number | null;
  /** What more shares of the calls do not exceed, from 0.1 to 0.9999; absent if the options do not ask for it. */
  readonly quantiles?: readonly Quantile[];
}

/** What a share of the calls does not exceed. */
export interface Quantile {
  /** The share: 0 to 1. */
  readonly share: number;
  /** The time in milliseconds; null if no end is known. */
  readonly time: Estimate | null;
}

/** The conditions of an analysis. */
export interface AnalysisOptions {
  /** The share of attempts that fail, each by itself: 0 to 1, six decimals. Default 0.1. */
  readonly failureRate?: number | undefined;
  /** How long each attempt lasts; without it `timeout` looks harmless. Default 0. */
  readonly attemptDuration?: Duration | undefined;
  /** Layers of services that retry each other with this policy: 1 to 10. Default 3. */
  readonly layers?: number | undefined;
  /** Calls in a chain that must all succeed: 1 to 1000000. Default 1. */
  readonly calls?: number | undefined;
  /** How often the chain is tried until it succeeds: 1 to 1000000. Default 1. */
  readonly repeats?: number | undefined;
  /** What kind of failures they are; classes may have attempts, first delays and costs of their own. Default `transient`. */
  readonly class?: "transient" | "throttle" | "timeout" | "connect" | "conflict" | undefined;
  /**
   * How many calls share the budget: 0.000001 to 1000000. Null, the default, is so many that a window's `minPerSecond` counts for nothing
   * beside them.
   */
  readonly callsPerSecond?: number | null | undefined;
  /** Whether the times have their `quantiles` as well. Default false. */
  readonly quantiles?: boolean | undefined;
}

/** What a reviewer would say. */
export interface Finding {
  /** The same in every language and version. */
  readonly code: string;
  /** How bad it is. */
  readonly level: "info" | "warning" | "error";
  /** Where it is: a JSON pointer (RFC 6901). */
  readonly pointer: string;
  /** What it is, why it matters, what to do. */
  readonly text: string;
}

/** What `analyse` finds. Times are in milliseconds. All but `outageBurst`, `sustainedLoad` and `outageLoad` is without a budget. */
export class Analysis extends Report {
  /** The conditions, as they were given or by default: the share of attempts that fail. */
  readonly failureRate: number;
  /** How long each attempt lasts. */
  readonly attemptDuration: number;
  /** Layers of services. */
  readonly layers: number;
  /** Calls in a chain. */
  readonly calls: number;
  /** How often a chain is tried. */
  readonly repeats: number;
  /** What kind of failures they are. */
  readonly class: string;
  /** How many calls share the budget; null for very many. */
  readonly callsPerSecond: number | null;
  /** The policy's limit of the whole call; null for none. */
  readonly timeout: number | null;
  /** The share of calls that succeed in the end. */
  readonly success: Estimate;
  /** The shares given up, by reason. */
  readonly gaveUp: { readonly attempts: Estimate; readonly classAttempts: Estimate; readonly timeout: Estimate };
  /** The share still retried after 1000 attempts. */
  readonly unfinished: Estimate;
  /** Attempts of a call on average. */
  readonly attempts: Estimate;
  /** Attempts of a call at most; null without a limit. */
  readonly mostAttempts: number | null;
  /** What retries multiply the load with. */
  readonly load: Estimate;
  /** Retries that a full budget allows, at most, while no attempt succeeds; a window's reserve, to which calls add. Null is no limit. */
  readonly outageBurst: number | null;
  /**
   * Attempts of a call that the budget sustains in the long run, where successes give what retries take; a budget of a few retries wavers
   * about it. Null if the budget was made elsewhere.
   */
  readonly sustainedLoad: Estimate | null;
  /** The same if every attempt fails, at most. Null is no limit. */
  readonly outageLoad: Estimate | null;
  /** The waits of a call together. */
  readonly wait: Distribution;
  /** The waits and the attempts after the first. */
  readonly addedLatency: Distribution;
  /** The longest call; null without a limit. */
  readonly worstTime: number | null;
  /** What the stack of layers makes of one call, timeouts left out; null without a limit. */
  readonly amplification: Estimate | null;
  /** The same in an outage. */
  readonly worstAmplification: number | null;
  /** The share of chains that succeed within their repeats, and that without retries. */
  readonly chain: Estimate;
  readonly chainWithout: Estimate;

  /** @internal */
  constructor(answer: Answer) {
    super(answer);
    const found = this.toJSON() as any;
    this.failureRate = found.failure_rate;
    this.attemptDuration = found.attempt_duration_us / 1000;
    this.layers = found.layers;
    this.calls = found.calls;
    this.repeats = found.repeats;
    this.class = found.class;
    this.callsPerSecond = found.calls_per_second;
    this.timeout = milliseconds(found.timeout_us);
    this.success = found.success;
    const { attempts, class_attempts: classAttempts, timeout } = found.gave_up;
    this.gaveUp = { attempts, classAttempts, timeout };
    this.unfinished = found.unfinished;
    this.attempts = found.attempts;
    this.mostAttempts = found.most_attempts;
    this.load = found.load;
    this.outageBurst = found.outage_burst;
    this.sustainedLoad = found.sustained_load;
    this.outageLoad = found.outage_load;
    this.wait = distribution(found.wait_us);
    this.addedLatency = distribution(found.added_latency_us);
    this.worstTime = milliseconds(found.worst_time_us);
    this.amplification = found.amplification;
    this.worstAmplification = found.worst_amplification;
    this.chain = found.chain;
    this.chainWithout = found.chain_without;
  }
}

/** What `lint` finds, in the order of the options. */
export class Findings extends Report implements Iterable<Finding> {
  readonly #findings: readonly Finding[];

  /** @internal */
  constructor(answer: Answer) {
    super(answer);
    this.#findings = this.toJSON() as Finding[];
  }

  get length(): number {
    return this.#findings.length;
  }

  [Symbol.iterator](): Iterator<Finding> {
    return this.#findings[Symbol.iterator]();
  }
}

/** An option that changed, with its values as JSON has them. */
export interface OptionChange {
  readonly option: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** A figure that changed; times are in milliseconds, null where there is no limit. */
export interface FigureChange {
  readonly figure: string;
  readonly before: Estimate | null;
  readonly after: Estimate | null;
}

/** What `diff` finds. */
export class Difference extends Report {
  readonly options: readonly OptionChange[];
  readonly failureRate: number;
  readonly attemptDuration: number;
  readonly figures: readonly FigureChange[];
  /** Findings that only the second policy has, and only the first. */
  readonly new: readonly Finding[];
  readonly gone: readonly Finding[];

  /** @internal */
  constructor(answer: Answer) {
    super(answer);
    const found = this.toJSON() as any;
    this.options = found.options;
    this.failureRate = found.failure_rate;
    this.attemptDuration = found.attempt_duration_us / 1000;
    this.figures = found.figures.map(({ figure, before, after }: FigureChange) => {
      const isTime = figure.endsWith("_us");
      const value = (one: Estimate | null) => (isTime ? inMilliseconds(one) : one);
      const name = figure.replace(/_us$/, "").replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
      return { figure: name, before: value(before), after: value(after) };
    });
    this.new = found.new;
    this.gone = found.gone;
  }
}

/** What changes from one policy to another: options, what becomes of calls under the same conditions, findings that come and go. */
export function diff(
  before: AnyPolicy,
  after: AnyPolicy,
  options: Pick<AnalysisOptions, "failureRate" | "attemptDuration"> = {},
): Difference {
  return new Difference(diffTape(tapeWrittenOut(before), tapeWrittenOut(after), tapeOf(options), JAVASCRIPT_NOTATION));
}

/**
 * What becomes of calls whose attempts fail now and then: computed, with a bound of the error of each figure. Throws a
 * `PolicyError` with every mistake in the conditions.
 */
export function analyse(policy: AnyPolicy, options: AnalysisOptions = {}): Analysis {
  return new Analysis(analyseTape(tapeWrittenOut(policy), tapeOf(options), JAVASCRIPT_NOTATION));
}

/** What a reviewer would say of a policy. Presets have nothing above info. */
export function lint(policy: AnyPolicy): Findings {
  return new Findings(lintTape(tapeOfPolicy(policy)));
}

/** A hedge, and what is known of the calls that it is for. */
export interface HedgeLintOptions {
  /** As of `Hedge`. */
  readonly delay: Duration;
  readonly attempts?: number | undefined;
  readonly jitter?: Duration | undefined;
  /** Half of the attempts take no longer. Null, the default, is not known. */
  readonly p50?: Duration | null | undefined;
  /** Whether the calls may be repeated. Null, the default, is not known. */
  readonly idempotent?: boolean | null | undefined;
}

/** What a reviewer would say of a hedge. Throws a `PolicyError` with every mistake. */
export function lintHedge(options: HedgeLintOptions): Findings {
  return new Findings(lintHedgeTape(tapeOf(options), JAVASCRIPT_NOTATION));
}

function inMilliseconds(time: Estimate | null): Estimate | null {
  return time && { value: time.value / 1000, error: time.error / 1000 };
}

function distribution(times: any): Distribution {
  return {
    mean: inMilliseconds(times.mean),
    p50: inMilliseconds(times.p50),
    p90: inMilliseconds(times.p90),
    p99: inMilliseconds(times.p99),
    worst: milliseconds(times.worst),
    ...(times.quantiles && { quantiles: Object.entries(times.quantiles).map(([share, time]: any) => ({ share: Number(share), time: inMilliseconds(time) })) }),
  };
}

function milliseconds(micros: number | null): number | null {
  return micros && micros / 1000;
}

const JAVASCRIPT_NOTATION = 2;
