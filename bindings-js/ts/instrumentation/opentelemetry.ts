// Events as metrics of OpenTelemetry, and on the span that is active.
import { type Attributes, type MeterProvider, metrics, trace } from "@opentelemetry/api";
import { type Event, version } from "../core.js";

/** How the hook is made. */
export interface OpenTelemetryOptions {
  /** Begins all names but `http.request.resend_count`. Default `"undaunted."`. */
  readonly prefix?: string | undefined;
  /** Default the global one. */
  readonly meterProvider?: MeterProvider | undefined;
}

/**
 * A hook that counts retries and times calls: `onEvent(openTelemetryHook())` for all calls in the process, or as the `onEvent` of one. The names are those of
 * Python's.
 *
 * A counter `undaunted.retries` has the attributes `undaunted.name` (whose call it is), `undaunted.class` and `undaunted.code` of the failure that causes one; a
 * histogram `undaunted.call.duration`, in seconds with the waits, `undaunted.name` and `undaunted.outcome`: `success`, or the reason of giving up.
 *
 * The active span gets an event `undaunted.scheduled` for a retry and `undaunted.gave_up`, with what is known of name, attempt, elapsed and delay (in seconds),
 * reason, class, code, error (as text), policy_version and call_seed; after an HTTP status also `http.request.resend_count`, which is the number of the retry. Arguments and
 * results of the call are no part of it.
 */
export function openTelemetryHook({ prefix = "undaunted.", meterProvider = metrics.getMeterProvider() }: OpenTelemetryOptions = {}): (event: Event) => void {
  const meter = meterProvider.getMeter("undaunted", version);
  const retries = meter.createCounter(`${prefix}retries`, { unit: "{retry}", description: "Retries, by the failure that causes one." });
  const told = { unit: "s", description: "Time that calls took, waits included, by how they ended." };
  const calls = meter.createHistogram(`${prefix}call.duration`, told);
  const named = (facts: Attributes) => Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined).map(([name, value]) => [prefix + name, value]));
  return (event) => {
    const { kind, elapsed, reason } = event;
    if (kind === "attempt") return;
    const name = event.name ?? UNNAMED;
    if (kind === "scheduled") retries.add(1, named({ name, class: event.class, code: event.code ?? RESULT }));
    else calls.record(elapsed / 1000, named({ name, outcome: reason ?? "success" }));
    const span = trace.getActiveSpan();
    if (kind === "success" || !span?.isRecording()) return;
    const isResent = kind === "scheduled" && event.code?.startsWith("http ");
    span.addEvent(prefix + kind, { ...named(factsOf(event, name)), ...(isResent && { "http.request.resend_count": event.attempt }) });
  };
}

function factsOf({ attempt, elapsed, delay, reason, class: kind, code, error, callSeed, policy }: Event, name: string): Attributes {
  return {
    name, attempt, reason, code,
    elapsed: elapsed / 1000,
    delay: delay === undefined ? undefined : delay / 1000,
    class: kind,
    error: error === undefined ? undefined : String(error),
    policy_version: policy.version,
    call_seed: callSeed,
  };
}

/** A call without a name. */
const UNNAMED = "<call>";
/** A result that was not accepted has no code. */
const RESULT = "result";
