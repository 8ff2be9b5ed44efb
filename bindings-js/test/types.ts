// Compiled, never run: what must compile does, and what must not is marked.
import {
  again, type Attempt, Budget, classify, type Context, type Domain, type Event, GaveUp, history, HttpError, ok, Policy, PolicyError,
  onEvent, type PolicyOptions, type Reason, readHint, retry, type RunOptions, stop, TimeoutError, version,
} from "undaunted";
import { type RetryingFetch, retryingFetch } from "undaunted/fetch";
import { scripted, testing } from "undaunted/testing";
import { openTelemetryHook } from "undaunted/instrumentation/opentelemetry";
import { publishEvents } from "undaunted/instrumentation/diagnostics-channel";
import { backend, Policy as PolicyOfTwin } from "undaunted/js";
import { type FlagClient, flagSource, PolicySource, watchFile } from "undaunted/source";
import { Breaker, type BreakerState, Bulkhead, Hedge, Throttle } from "undaunted/guards";
import {
  analyse, type Conversion, convert, diff, type Estimate, explain, type FailureFacts, type Finding, type Herd, lint, type Outage, type Peak, simulateHerd,
  simulateLayers, simulateLoss, simulateOutage,
} from "undaunted/lab";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const check = <T extends true>(): T => true as T;
declare const signal: AbortSignal;

// the engine as JavaScript has the same declarations
check<Same<typeof PolicyOfTwin, typeof Policy>>();
check<Same<ReturnType<typeof backend>, "wasm" | "js">>();

// results keep their type, awaited
const number = retry(async () => 5);
check<Same<typeof number, Promise<number>>>();
const plain = retry(() => "text");
check<Same<typeof plain, Promise<string>>>();
const run = new Policy().run(async ({ attempt, signal, elapsed, remaining }: Context) => ({ attempt, signal, elapsed, remaining }));
check<Same<Awaited<typeof run>["remaining"], number | undefined>>();

// wrap keeps arguments and `this`
const wrapped = new Policy().wrap(function (this: Date, a: number, b?: string) {
  return Promise.resolve([this.getTime(), a, b] as const);
});
check<Same<typeof wrapped, (this: Date, a: number, b?: string) => Promise<readonly [number, number, string | undefined]>>>();
// @ts-expect-error an argument of the wrong type
wrapped.call(new Date(), "1");

// budgets and sources stand where a policy's options and policies do
const budget = new Budget("api", { capacity: 20, cost: 1, ttl: undefined });
check<Same<typeof budget.tokens, number>>();
retry(() => 1, { budget, classes: { throttle: { cost: 5 } } });
retry(() => 1, { budget: "api" });
retry(() => 1, { breaker: { name: "api", windowTime: "30s", probes: 1 } });
retry(() => 1, { breaker: new Breaker({ name: "api" }) });
check<Same<NonNullable<Policy["breaker"]>["state"], BreakerState>>();
// @ts-expect-error a breaker without a name
retry(() => 1, { breaker: { probes: 1 } });
// @ts-expect-error a budget without a name
retry(() => 1, { budget: { capacity: 5 } });
const source = new PolicySource(() => "{}", { fallback: { attempts: 2 }, onError: console.error });
check<Same<Awaited<ReturnType<typeof source.current>>, Policy>>();
check<Same<Policy["version"], number | string | undefined>>();
const sourced = retry(async () => 5, { policy: source, signal });
check<Same<typeof sourced, Promise<number>>>();
retry(() => 1, source);
retryingFetch(watchFile("retry.json", { every: 500 }));
declare const client: FlagClient<{ readonly targetingKey: string }>;
retryingFetch(flagSource(client, "retry", { context: { targetingKey: "a" } }));
// @ts-expect-error options beside a source
retry(() => 1, { policy: source, attempts: 3 });

// the lab
const analysis = analyse({ attempts: 3 }, { failureRate: 0.5, attemptDuration: "250ms" });
check<Same<typeof analysis.success, Estimate>>();
check<Same<typeof analysis.wait.worst, number | null>>();
check<Same<typeof analysis.outageBurst, number | null>>();
analyse({}, { class: "throttle", callsPerSecond: 0.5 });
// @ts-expect-error no such class
analyse({}, { class: "permanent" });
const herd = await simulateHerd("standard" as unknown as Policy, { clients: 5, outage: "2s", hint: null, seed: 7n, progress: (done, all) => void (done + all) });
check<Same<typeof herd, Herd>>();
check<Same<typeof herd.peaks, readonly Peak[]>>();
check<Same<Awaited<ReturnType<typeof simulateLoss>>["byFormula"], number>>();
check<Same<Awaited<ReturnType<typeof simulateLayers>>["amplification"], number>>();
// @ts-expect-error
simulateHerd({}, { client: 5 });
const outage = await simulateOutage({}, { callsPerSecond: 0.5, outageAt: "1s", capacity: null, progress: (done, all) => void (done + all) });
check<Same<typeof outage, Outage>>();
check<Same<typeof outage.recoveredAt, number | null>>();
check<Same<typeof outage.retries, readonly number[]>>();
// @ts-expect-error
simulateOutage({}, { clients: 5 });
for (const failure of explain({}, [new Error("x"), { http: 503, hint: "2s" } satisfies FailureFacts], { attemptDuration: 100 })) {
  check<Same<typeof failure.decision, "retry" | "give_up">>();
}
for (const finding of lint(new Policy())) check<Same<typeof finding.level, "info" | "warning" | "error">>();
check<Same<ReturnType<typeof diff>["new"], readonly Finding[]>>();
const conversion = convert({ retries: 3 }, "p-retry");
check<Same<typeof conversion, Conversion>>();
check<Same<typeof conversion.policy, Policy>>();
check<Same<typeof conversion.findings, readonly Finding[]>>();
convert({ AWS_MAX_ATTEMPTS: "5" }, "aws");
// @ts-expect-error no such library
convert({}, "polly");
// @ts-expect-error whose they are
convert({});
// @ts-expect-error no such condition
analyse({}, { failure: 0.5 });

// durations are text with a unit, or milliseconds
retry(() => 1, { timeout: "10s", initial: 100, maxDelay: "1.5m", backoff: ["10ms", 5, "1h"] });
// @ts-expect-error no such unit
retry(() => 1, { timeout: "10 seconds" });
// @ts-expect-error a number in text has no unit
retry(() => 1, { timeout: "10" });
// @ts-expect-error not a duration
retry(() => 1, { timeout: true });

// options
const options: PolicyOptions = {
  undaunted: 1, preset: "stamina", attempts: null, timeout: null, forever: false, onTimeout: { clip: { minAttempt: "1s" } },
  attemptTimeout: "5s", factor: 2, first: "immediate", jitter: { proportional: 0.2 }, hint: { mode: "window", window: "5s", resets: true },
  classes: { connect: { attempts: 3, initial: "1s" } }, idempotent: "auto", nested: "share",
  rules: [{ http: "500-599", class: "permanent" }, { os: "EPIPE", sent: "not_sent" }, { bodyContains: "x", class: "throttle", sent: "rejected" }],
};
// @ts-expect-error a rule that changes nothing
const idle: PolicyOptions = { rules: [{ http: 500 }] };
// @ts-expect-error a rule that matches nothing
const blind: PolicyOptions = { rules: [{ class: "permanent" }] };
// @ts-expect-error what another library calls it
retry(() => 1, { retries: 3 });
// @ts-expect-error written as in JSON
new Policy({ max_delay: "1s" });
// @ts-expect-error a closed list
new Policy({ jitter: "some" });
// @ts-expect-error a window has a length, so it is written as an object
new Policy({ hint: "window" });
// @ts-expect-error a closed list
Policy.preset("none at all");
// @ts-expect-error options are readonly
options.attempts = 4;
// under exactOptionalPropertyTypes undefined is as good as not written
const maybe: { attempts?: number | undefined; signal: AbortSignal | undefined } = { signal: undefined };
retry(() => 1, { attempts: maybe.attempts, signal: maybe.signal });

// a policy beside a call's options, or its options, not both
retry(() => 1, new Policy());
retry(() => 1, { policy: new Policy(), signal, seed: 5n });
retry(() => 1, { policy: { attempts: 3 }, seed: "5" });
// @ts-expect-error both
retry(() => 1, { policy: new Policy(), attempts: 3 });
// @ts-expect-error a policy's option at a call
new Policy().run(() => 1, { attempts: 3 });

// on
class Ours extends Error {}
abstract class Base extends Error {}
retry(() => 1, { on: "any" });
retry(() => 1, { on: Ours });
retry(() => 1, { on: [Ours, TypeError, Base] as const });
retry(() => 1, { on: (error: unknown) => error instanceof Ours && "5s" });
// @ts-expect-error neither yes, no nor a wait
retry(() => 1, { on: () => undefined });
// @ts-expect-error a promise is no answer
retry(() => 1, { on: async () => true });
// @ts-expect-error no such word
retry(() => 1, { on: "all" });

// results
retry(async () => ({ state: "done" }), { retryIfResult: (value) => value.state !== "done" });
// @ts-expect-error the result has no such field
retry(async () => ({ state: "done" }), { retryIfResult: (value) => value.status });

// events and history
const hooks: RunOptions = { onEvent: (event: Event) => void (event.kind === "gave_up" && (event.reason satisfies Reason | undefined)) };
const reason: Reason | undefined = history(new Error())[0]?.reason;
// @ts-expect-error records are readonly
history(new Error())[0]!.attempt = 5;

// errors
declare const caught: unknown;
if (caught instanceof HttpError) caught.status satisfies number;
if (caught instanceof PolicyError) caught.problems[0]?.pointer satisfies string | undefined;
if (caught instanceof TimeoutError) caught.limit satisfies number;
if (caught instanceof GaveUp) caught.result satisfies unknown;
check<Same<ReturnType<typeof stop<Ours>>, Ours>>();
throw again(new Ours(), { after: "5s" });

// blocks
async function block(): Promise<void> {
  for await (const attempt of new Policy().attempts({ signal })) {
    attempt satisfies Attempt;
    const value = await attempt.run(async (signal, { remaining }) => [signal.aborted, remaining] as const);
    check<Same<typeof value, readonly [boolean, number | undefined] | undefined>>();
  }
}

// small functions
classify("http", 503, { method: "POST", phase: "connect", hint: true }).class satisfies string;
retry(() => 1, { rules: [{ postgres: "40001", class: "conflict" }, { grpc: 14, sent: "maybe" }, { redis: "LOADING", class: "permanent" }] });
// @ts-expect-error a SQLSTATE is text
retry(() => 1, { rules: [{ postgres: 40001, class: "conflict" }] });
classify("postgres", "40001").domain satisfies Domain;
classify(new Error(), { method: "POST" }).code satisfies string | number | undefined;
// @ts-expect-error no such domain
classify("smtp", 1);
// @ts-expect-error a domain has codes
classify("http");
// @ts-expect-error an error has its own phase
classify(new Error(), { phase: "connect" });
check<Same<ReturnType<typeof readHint>, number | undefined>>();
readHint(new Headers(), { now: Date.now() });
readHint({ "retry-after": "1" });
readHint([["retry-after", "1"]]);
const response: Response = ok(await fetch("x"));
version satisfies string;
Policy.parse("{}").toJSON().undaunted satisfies 1;
Policy.parse({ attempts: 3 }).replace({ attempts: 4 }).equals(5) satisfies boolean;
new Policy().schedule({ seed: 1n, call: 2, attempts: 3 }) satisfies number[];
// @ts-expect-error text that is no number
new Policy().schedule({ seed: "abc" });

// fetch
const fetchR: RetryingFetch = retryingFetch(new Policy(), { onRetry: () => {}, fetch });
retryingFetch({}, { seed: 7n, call: 2 });
const sameAsFetch: typeof fetch = retryingFetch({ attempts: 3 });
fetchR("x", { method: "PUT", body: () => "again" });
fetchR(new Request("x"), { signal }) satisfies Promise<Response>;
const json = fetchR.json<{ a: number }>(new URL("http://x/"));
check<Same<typeof json, Promise<{ a: number }>>>();
fetchR.bytes("x") satisfies Promise<Uint8Array>;
// @ts-expect-error a policy's option among the adapter's
retryingFetch(new Policy(), { attempts: 3 });

// tests
const t = testing({ script: [503, "429 + hint 2s", { postgres: "40001" }, TypeError, new Error(), null, "ok"], seed: 7n, attempts: 2 });
t.waits satisfies number[];
t.events satisfies Event[];
t.after(5, () => t.advance(5));
t[Symbol.dispose]() satisfies void;
const failing = scripted({ fail: ["reset"] }, (n: number) => `${n}`);
check<Same<ReturnType<typeof failing>, Promise<string>>>();
onEvent(({ code }) => void (code satisfies string | undefined))() satisfies void;
onEvent(openTelemetryHook({ prefix: "app." }));
publishEvents() satisfies () => void;
// @ts-expect-error no such option
testing({ scripts: [] });

// guards keep the type of results
const breaker = new Breaker({ windowTime: "30s", failureRate: 0.3, on: [TypeError] });
const guarded = breaker.run(async ({ signal }) => signal?.aborted);
check<Same<typeof guarded, Promise<boolean | undefined>>>();
check<Same<typeof breaker.state, BreakerState>>();
const winner = new Hedge({ delay: "200ms" }).run(({ attempt, signal }) => fetch("x", { signal }).then(() => attempt));
check<Same<typeof winner, Promise<number>>>();
new Hedge({ delay: 0, budget: "api" }).budget satisfies Budget | undefined;
new Hedge({ delay: 0, budget });
new Throttle({ k: 1.5, on: (error) => error instanceof Error }).run(() => 1, { signal });
new Bulkhead({ limit: 3, queue: 5 }).run(() => 1);
// @ts-expect-error it has no limit by default
new Bulkhead({ queue: 5 });
// @ts-expect-error no such option
new Breaker({ windowCall: 5 });
// @ts-expect-error no such outcome
breaker.permit().settle("good");
