// convert of undaunted/lab: settings as people have them, and p-retry itself waiting what the policy says.
import assert from "node:assert/strict";
import { test } from "node:test";
import pRetry from "p-retry";
import { Policy, PolicyError } from "undaunted";
import { convert } from "undaunted/lab";

const codes = ({ findings }) => findings.map(({ code, pointer }) => `${code} ${pointer}`);

/** The delays in milliseconds that p-retry itself asks timers for, with every random number the same. */
async function delaysOf(options, random) {
  const [timer, chance, delays] = [globalThis.setTimeout, Math.random, []];
  globalThis.setTimeout = (callback, delay) => (delays.push(delay), queueMicrotask(callback), {});
  Math.random = () => random;
  try {
    await pRetry(() => Promise.reject(new Error("down")), options).catch(() => {});
  } finally {
    globalThis.setTimeout = timer;
    Math.random = chance;
  }
  return delays;
}

for (const options of [
  {}, { retries: 3, factor: 3, minTimeout: 200 }, { retries: 6, maxTimeout: 10_000 }, { retries: 8, minTimeout: 500, maxTimeout: 10_000, randomize: true },
  { retries: 4, randomize: true }, { retries: 3, factor: 1, minTimeout: 50 }, { retries: 2, factor: 0 },
  { retries: 3, minTimeout: 3000, maxTimeout: 1000 }, { retries: 3, factor: 0.5 }, { retries: 3, factor: 20, maxTimeout: 1e6 }, { retries: 0 },
]) {
  test(`p-retry waits what the policy says: ${JSON.stringify(options)}`, async () => {
    const { policy } = convert(options, "p-retry");
    const [shortest, longest] = [await delaysOf(options, 0), await delaysOf(options, 1 - Number.EPSILON)];
    const schedules = Array.from({ length: 400 }, (_, seed) => policy.schedule({ seed: BigInt(seed) }));
    assert.equal(schedules[0].length, longest.length);
    for (const [at, most] of longest.entries()) {
      const waits = schedules.map((schedule) => schedule[at]);
      // Below the cap both ends are the same; at the cap the policy begins lower, where p-retry has one value.
      assert.ok(Math.max(...waits) <= most + 0.5 && Math.max(...waits) >= most * 0.97 - 0.5, `retry ${at + 1}`);
      assert.ok(Math.min(...waits) <= shortest[at] * 1.03 + 0.5, `retry ${at + 1}`);
      if (most < (options.maxTimeout ?? Infinity)) assert.ok(Math.min(...waits) >= shortest[at] - 0.5, `retry ${at + 1}`);
    }
  });
}

test("p-retry that sets no timers comes to waits of nothing", async () => {
  const options = { retries: 3, minTimeout: 0, randomize: true };
  assert.deepEqual(await delaysOf(options, 0.5), []);
  assert.deepEqual(convert(options, "p-retry").policy.schedule(), [0, 0, 0]);
});

test("p-retry's options are taken as they are used, functions and signals too", () => {
  const conversion = convert({
    retries: Infinity, maxTimeout: Infinity, maxRetryTime: 60_000, minTimeout: 100, randomize: true, unref: true, signal: new AbortController().signal,
    onFailedAttempt: () => {}, shouldRetry: () => true, shouldConsumeRetry: () => true, factor: undefined,
  }, "p-retry");
  assert.deepEqual(codes(conversion), [
    "not-converted /unref", "not-converted /signal", "not-converted /onFailedAttempt", "not-converted /shouldRetry", "not-converted /shouldConsumeRetry",
    "timeout-overshoots /maxRetryTime",
  ]);
  const { attempts, timeout, initial, jitter } = conversion.policy.toJSON();
  assert.deepEqual({ attempts, timeout, initial, jitter }, { attempts: null, timeout: "1m", initial: "200ms", jitter: "equal" });
});

test("retries are one less than attempts", () => {
  assert.equal(convert({ retries: 5 }, "p-retry").policy.toJSON().attempts, 6);
  assert.equal(convert({ total: 5 }, "urllib3").policy.toJSON().attempts, 6);
  assert.equal(convert({ attempts: 5 }, "stamina").policy.toJSON().attempts, 5);
});

test("objects and JSON text are one, in the unit of their library", () => {
  const settings = { wait_initial: 0.5, wait_max: 8, attempts: 4 };
  const conversion = convert(settings, "stamina");
  assert.equal(conversion.source, "stamina");
  assert.ok(conversion.policy instanceof Policy && conversion.policy.dump().includes('"initial":"500ms"'));
  assert.equal(String(convert(JSON.stringify(settings), "stamina")), String(conversion));
  assert.deepEqual(conversion.toJSON().findings, conversion.findings);
});

test("process.env may be given as it is", () => {
  process.env.AWS_MAX_ATTEMPTS = "6";
  process.env.AWS_SECRET_ACCESS_KEY = "secret";
  try {
    const conversion = convert(process.env, "aws");
    assert.ok(conversion.policy.equals(new Policy({ preset: "aws", attempts: 6 })));
    assert.ok(!`${conversion}${conversion.json()}`.includes("secret"));
  } finally {
    delete process.env.AWS_MAX_ATTEMPTS;
    delete process.env.AWS_SECRET_ACCESS_KEY;
  }
});

test("every mistake is told at once, with its place in the original", () => {
  const problems = (settings, source) => {
    try {
      convert(settings, source);
    } catch (error) {
      assert.ok(error instanceof PolicyError);
      return error.problems.map(({ code, pointer }) => `${code} ${pointer}`);
    }
  };
  assert.deepEqual(problems({ retries: "3", minTimeout: -1, timeout: 5 }, "p-retry"), ["wrong_kind /retries", "out_of_range /minTimeout", "unknown_option /timeout"]);
  assert.deepEqual(problems("{", "grpc"), ["not_json "]);
  assert.deepEqual(problems([], "grpc"), ["wrong_kind "]);
  assert.deepEqual(problems(undefined, "stamina"), ["wrong_kind "]);
  assert.deepEqual(problems({ name: "x".repeat(300_000) }, "tenacity"), ["text_too_long "]);
});

test("whose they are must be said", () => {
  assert.throws(() => convert({}, "polly"), /source is a string, allowed stamina, tenacity, urllib3, grpc, p-retry or aws; pass the one whose settings they are/);
});
