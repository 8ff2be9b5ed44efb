// Simulations in slices: the page draws and hears its user between them.
import { halves, tapeOf } from "./core.js";
import { type Answer, type AnyPolicy, HERD, LAYERS, LOSS, OUTAGE, simulate, tapeWrittenOut } from "./lab-engine.js";
import type { Duration, Seed } from "./options.js";
import { Report } from "./report.js";
import { turn } from "./turn.js";

/** What every simulation takes. */
export interface SimulationOptions {
  /** 0 to 2^64-1; a seed gives the same in every language. Default 1. */
  readonly seed?: Seed | undefined;
  /** Called between slices: how many clients, chains or calls have come to an end, of how many. */
  readonly progress?: ((done: number, all: number) => void) | undefined;
  /** Ends the simulation between two slices; its `reason` is thrown. */
  readonly signal?: AbortSignal | null | undefined;
}

/** What happens to a herd: clients that fail together at one instant. */
export interface HerdOptions extends SimulationOptions {
  /** How many: 1 to 1000000. Default 10000. */
  readonly clients?: number | undefined;
  /** The width of a window of the histogram: 1 µs to 10 s. Default 100 ms. */
  readonly window?: Duration | undefined;
  /** How many windows the herd is followed: 1 to 6000. Default 1200. */
  readonly windows?: number | undefined;
  /** How long the server fails; null is for ever, the default. */
  readonly outage?: Duration | null | undefined;
  /** How many requests the server answers well in each window after that; null is all, the default. */
  readonly capacity?: number | null | undefined;
  /** Over how many processes the clients are spread, each with a full budget of its own: 1 to 1000. Default 1. */
  readonly processes?: number | undefined;
  /** The HTTP status of a failure: 400 to 599. Default 503. */
  readonly status?: number | undefined;
  /** The wait that a failure asks for; null, the default, without. */
  readonly hint?: Duration | null | undefined;
}

/** Steady traffic, and what happens to it: a server that fails for a while. */
export interface OutageOptions extends SimulationOptions {
  /** How many calls begin in a second, evenly spaced: 0.000001 to 1000000. Default 100. At most 1000000 calls begin in all. */
  readonly callsPerSecond?: number | undefined;
  /** For how long calls begin, and how long they are followed: 1 µs to 60000 s, at most 6000 windows. Default 60 s. */
  readonly duration?: Duration | undefined;
  /** When the server begins to fail. Default 10 s. */
  readonly outageAt?: Duration | undefined;
  /** For how long it fails. Default 20 s. */
  readonly outage?: Duration | undefined;
  /** How many requests the server answers well in each window at other times; more fail as in the outage. Null is all, the default. */
  readonly capacity?: number | null | undefined;
  /** The width of a window of the histogram: 1 µs to 10 s. Default 250 ms. */
  readonly window?: Duration | undefined;
  /** Over how many processes the calls are spread, each with a full budget and a closed breaker of its own: 1 to 1000. Default 1. */
  readonly processes?: number | undefined;
  /** The HTTP status of a failure: 400 to 599. Default 503. */
  readonly status?: number | undefined;
  /** The wait that a failure asks for; null, the default, without. */
  readonly hint?: Duration | null | undefined;
}

/** A lossy network and what goes over it: a channel that is good at first (Gilbert and Elliott). Probabilities have six decimals. */
export interface LossOptions extends SimulationOptions {
  /** That a good channel is bad at the next request. Default 0.01. */
  readonly p?: number | undefined;
  /** That a bad channel is good at the next request. Default 0.1. */
  readonly r?: number | undefined;
  /** That a request gets through while the channel is bad. Default 0.5. */
  readonly h?: number | undefined;
  /** That a request gets through while the channel is good. Default 1. */
  readonly k?: number | undefined;
  /** Requests in a chain that must all get through: 1 to 10000. Default 10. */
  readonly calls?: number | undefined;
  /** How often a chain is tried, from its first request: 1 to 1000. Default 1. */
  readonly repeats?: number | undefined;
  /** How often a request is made until it gets through: 1 to 100. Default 3. */
  readonly attempts?: number | undefined;
  /** How many chains are followed: 1 to 1000000. Default 10000. */
  readonly trials?: number | undefined;
}

/** What layers of services that retry each other meet. */
export interface LayersOptions extends SimulationOptions {
  /** How many layers: 1 to 10. Default 3. */
  readonly layers?: number | undefined;
  /** Calls to the first of them, one after the other: 1 to 1000000. Default 1000. */
  readonly calls?: number | undefined;
  /** The share of requests at the bottom that fail: 0 to 1, six decimals. Default 1. */
  readonly failureRate?: number | undefined;
  /** The HTTP status of a failure, and of a service that has given up: 400 to 599. Default 503. */
  readonly status?: number | undefined;
  /** The wait that a failure asks for; null, the default, without. */
  readonly hint?: Duration | null | undefined;
}

/** The fullest window: so many retries arrived in it; it begins `at` milliseconds after the herd failed. */
export interface Peak {
  /** Which retry, from 1; absent where all are meant. */
  readonly retry?: number;
  /** When the window begins, in milliseconds. */
  readonly at: number;
  /** How many retries arrived in it. */
  readonly arrivals: number;
}

/** What `simulateHerd` finds. Times are in milliseconds. */
export class Herd extends Report {
  readonly clients: number;
  /** As decimal text. */
  readonly seed: string;
  readonly window: number;
  /** Retries in each window, up to the last that is not empty. */
  readonly arrivals: readonly number[];
  readonly peak: Peak;
  /** Of the first, the second, … retry; the sixteenth has the later ones as well. */
  readonly peaks: readonly Peak[];
  /** Of all clients, the first included. */
  readonly attempts: number;
  readonly succeeded: number;
  /** By reason. */
  readonly gaveUp: Readonly<Record<string, number>>;
  /** Clients that were followed no further. */
  readonly unfinished: number;
  /** When the last attempt was made. */
  readonly lastAt: number;

  /** @internal */
  constructor(answer: Answer) {
    super(answer);
    const found = this.toJSON() as any;
    this.clients = found.clients;
    this.seed = found.seed;
    this.window = found.window_us / 1000;
    this.arrivals = found.arrivals;
    this.peak = peakOf(found.peak);
    this.peaks = found.peaks.map(peakOf);
    this.attempts = found.attempts;
    this.succeeded = found.succeeded;
    this.gaveUp = found.gave_up;
    this.unfinished = found.unfinished;
    this.lastAt = found.last_at_us / 1000;
  }
}

/** What `simulateOutage` finds. Times are in milliseconds. */
export class Outage extends Report {
  /** How many calls began. */
  readonly calls: number;
  /** As decimal text. */
  readonly seed: string;
  readonly window: number;
  /** First attempts that reached the server, in each window. */
  readonly first: readonly number[];
  /** Later attempts that reached it, in each window. */
  readonly retries: readonly number[];
  /** Requests that it answered well, in each window. */
  readonly served: readonly number[];
  /** All that reached the server. */
  readonly attempts: number;
  /** Of these, all but the first of each call. */
  readonly totalRetries: number;
  readonly succeeded: number;
  /** By reason. */
  readonly gaveUp: Readonly<Record<string, number>>;
  /** Calls that had not ended when `duration` was over. */
  readonly unfinished: number;
  /** The fullest window: when it begins, and how many attempts reached the server in it. */
  readonly peak: { readonly at: number; readonly attempts: number };
  /** Attempts that reached the server during the outage, for each call that began then; null if none did. */
  readonly loadInOutage: number | null;
  /** When the first window begins, not before the end of the outage, from which on every request is answered well; null if never. */
  readonly recoveredAt: number | null;

  /** @internal */
  constructor(answer: Answer) {
    super(answer);
    const found = this.toJSON() as any;
    this.calls = found.calls;
    this.seed = found.seed;
    this.window = found.window_us / 1000;
    this.first = found.first;
    this.retries = found.retries;
    this.served = found.served;
    this.attempts = found.attempts;
    this.totalRetries = found.total_retries;
    this.succeeded = found.succeeded;
    this.gaveUp = found.gave_up;
    this.unfinished = found.unfinished;
    this.peak = { at: found.peak.at_us / 1000, attempts: found.peak.attempts };
    this.loadInOutage = found.load_in_outage;
    this.recoveredAt = found.recovered_at_us === null ? null : found.recovered_at_us / 1000;
  }
}

/** What `simulateLoss` finds. */
export class Loss extends Report {
  readonly trials: number;
  readonly seed: string;
  readonly succeeded: number;
  /** The probability that a chain succeeds, computed. */
  readonly byFormula: number;
  readonly requests: number;
  /** Of the requests. */
  readonly lost: number;

  /** @internal */
  constructor(answer: Answer) {
    super(answer);
    const found = this.toJSON() as any;
    this.trials = found.trials;
    this.seed = found.seed;
    this.succeeded = found.succeeded;
    this.byFormula = found.by_formula;
    this.requests = found.requests;
    this.lost = found.lost;
  }
}

/** What `simulateLayers` finds. Times are in milliseconds. */
export class Layers extends Report {
  readonly calls: number;
  readonly seed: string;
  /** Of each layer; the last's are the requests at the bottom. */
  readonly attempts: readonly number[];
  readonly atBottom: number;
  /** The most that one call has caused. */
  readonly mostAtBottom: number;
  /** Requests at the bottom for each call. */
  readonly amplification: number;
  readonly succeeded: number;
  /** By reason, of the first layer. */
  readonly gaveUp: Readonly<Record<string, number>>;
  readonly unfinished: number;
  /** How long the calls took, one after the other. */
  readonly elapsed: number;

  /** @internal */
  constructor(answer: Answer) {
    super(answer);
    const found = this.toJSON() as any;
    this.calls = found.calls;
    this.seed = found.seed;
    this.attempts = found.attempts;
    this.atBottom = found.at_bottom;
    this.mostAtBottom = found.most_at_bottom;
    this.amplification = found.amplification;
    this.succeeded = found.succeeded;
    this.gaveUp = found.gave_up;
    this.unfinished = found.unfinished;
    this.elapsed = found.elapsed_us / 1000;
  }
}

/**
 * What becomes of clients that fail together, and come back as the policy says. Rejects with a `PolicyError` with every mistake
 * in the conditions. Attempts take no time.
 */
export async function simulateHerd(policy: AnyPolicy, options: HerdOptions = {}): Promise<Herd> {
  return new Herd(await run(HERD, policy, options));
}

/**
 * What becomes of steady traffic over an outage and after it, with the policy's budget and breaker. Attempts take no time; of those at
 * the same instant calls that begin come first. Rejects as `simulateHerd` does.
 */
export async function simulateOutage(policy: AnyPolicy, options: OutageOptions = {}): Promise<Outage> {
  return new Outage(await run(OUTAGE, policy, options));
}

/** What becomes of chains of requests over a lossy network, set beside the formula. Rejects as `simulateHerd` does. */
export async function simulateLoss(options: LossOptions = {}): Promise<Loss> {
  return new Loss(await run(LOSS, {}, options));
}

/** What layers of services that retry each other under one policy make of calls. Rejects as `simulateHerd` does. */
export async function simulateLayers(policy: AnyPolicy, options: LayersOptions = {}): Promise<Layers> {
  return new Layers(await run(LAYERS, policy, options));
}

async function run(kind: number, policy: AnyPolicy, { seed, progress, signal, ...conditions }: SimulationOptions): Promise<Answer> {
  signal?.throwIfAborted();
  const next = () => turn().then(() => signal?.throwIfAborted());
  const told = (done: number, all: number) => progress?.(done, all);
  const tape = tapeWrittenOut(policy);
  return simulate(kind, tape, tapeOf(conditions), JAVASCRIPT_NOTATION, halves(seed ?? 1, "seed"), SLICE, told, next);
}

function peakOf({ at_us, ...rest }: any): Peak {
  return { ...rest, at: at_us / 1000 };
}

/** Attempts in a slice: some hundredths of a second. */
export const SLICE = 100_000;
const JAVASCRIPT_NOTATION = 2;
