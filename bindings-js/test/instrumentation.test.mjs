import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, test } from "node:test";
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { onEvent, retry, version } from "../dist/index.js";
import { publishEvents } from "../dist/instrumentation/diagnostics-channel.js";
import { openTelemetryHook } from "../dist/instrumentation/opentelemetry.js";
import { testing } from "../dist/testing.js";
import { rejection } from "./clock.mjs";

const PLAIN = { jitter: "none", attempts: 3 };
const after = [];
afterEach(() => after.splice(0).forEach((end) => end()));

/** A call that meets these failures on a virtual clock. */
async function play(script, options) {
  const t = testing({ script, seed: 7n });
  try {
    return await rejection(retry(() => Promise.resolve("done"), { ...PLAIN, ...options }).then((value) => Promise.reject(value)));
  } finally {
    t.close();
  }
}

test("events are published to channels of node:diagnostics_channel, where somebody listens", async () => {
  const heard = [];
  const listen = (event, channel) => heard.push([channel, event.kind, event.attempt, event.code, event.reason]);
  for (const kind of ["scheduled", "gave_up"]) {
    subscribe(`undaunted:${kind}`, listen);
    after.push(() => unsubscribe(`undaunted:${kind}`, listen));
  }
  const end = publishEvents();
  await play([503, "ok"]);
  await play([404]);
  end();
  await play([404]);
  assert.deepEqual(heard, [["undaunted:scheduled", "scheduled", 1, "http 503", undefined], ["undaunted:gave_up", "gave_up", 1, "http 404", "permanent"]]);
});

test("OpenTelemetry's meter counts retries by what caused them, and times calls by how they ended", async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1_000_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  after.push(onEvent(openTelemetryHook({ meterProvider })), () => meterProvider.shutdown());
  await play([503, "reset", "ok"], { name: "page" });
  await play([503, 503, 503], { name: "page" });
  await play(["ok"]);
  await play([null], { retryIfResult: (value) => value === "done", attempts: 2 });
  await reader.forceFlush();
  const [{ resource, scopeMetrics: [{ scope, metrics }] }] = exporter.getMetrics();
  assert.ok(resource);
  assert.deepEqual([scope.name, scope.version], ["undaunted", version]);
  const points = (name) => metrics.find(({ descriptor }) => descriptor.name === name).dataPoints.map(({ attributes, value }) => [attributes, value.count ? [value.count, value.sum] : value]);
  assert.deepEqual(points("undaunted.retries"), [
    [{ "undaunted.name": "page", "undaunted.class": "transient", "undaunted.code": "http 503" }, 3],
    [{ "undaunted.name": "page", "undaunted.class": "transient", "undaunted.code": "os ECONNRESET" }, 1],
    [{ "undaunted.name": "<call>", "undaunted.class": "transient", "undaunted.code": "result" }, 1],
  ]);
  assert.deepEqual(points("undaunted.call.duration"), [
    [{ "undaunted.name": "page", "undaunted.outcome": "success" }, [1, 3]],
    [{ "undaunted.name": "page", "undaunted.outcome": "attempts" }, [1, 3]],
    [{ "undaunted.name": "<call>", "undaunted.outcome": "success" }, [1, 0]],
    [{ "undaunted.name": "<call>", "undaunted.outcome": "attempts" }, [1, 1]],
  ]);
});

test("the active span has an event for a retry and for giving up, with http.request.resend_count after a status", async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  after.push(() => context.disable(), onEvent(openTelemetryHook({ prefix: "app." })));
  const span = provider.getTracer("test").startSpan("request");
  await context.with(trace.setSpan(context.active(), span), () => play([503, "reset", "404 + body secret"], { name: "page" }));
  span.end();
  await play([503]); // no span is active
  const [{ events }] = exporter.getFinishedSpans();
  const callSeed = events[0].attributes["app.call_seed"];
  assert.match(callSeed, /^\d+$/);
  assert.deepEqual(events.map(({ name, attributes }) => [name, attributes]), [
    ["app.scheduled", {
      "app.name": "page", "app.attempt": 1, "app.elapsed": 0, "app.delay": 1, "app.class": "transient", "app.code": "http 503", "app.error": "HttpError: HTTP 503",
      "app.call_seed": callSeed, "http.request.resend_count": 1,
    }],
    ["app.scheduled", {
      "app.name": "page", "app.attempt": 2, "app.elapsed": 1, "app.delay": 2, "app.class": "transient", "app.code": "os ECONNRESET",
      "app.error": "Error: read ECONNRESET", "app.call_seed": callSeed,
    }],
    ["app.gave_up", {
      "app.name": "page", "app.attempt": 3, "app.elapsed": 3, "app.reason": "permanent", "app.class": "permanent", "app.code": "http 404",
      "app.error": "HttpError: HTTP 404", "app.call_seed": callSeed,
    }],
  ]);
});
