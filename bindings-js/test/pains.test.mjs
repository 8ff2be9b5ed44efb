// What users of other retry libraries suffer from, with where it was told; a test of each is here, or where `ELSEWHERE` says.
// Those of the hosts, of the tests of others and of tracing (30, 32, 33) are with what they concern.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Policy, history, retry, TimeoutError } from "undaunted";
import { retryingFetch } from "undaunted/fetch";
import { lost, rejection, settle, throwing, virtual } from "./clock.mjs";
import { quick, serve } from "./server.mjs";

const STEADY = { jitter: "none", initial: "1s", maxDelay: "1s" };
const never = () => new Promise(() => {});

// https://github.com/jonbern/fetch-retry/issues/52: a timeout is to be retried, the user's abort is not.
test("pain 06: a timeout of ours is retried, the caller's abort ends the call", virtual(async () => {
  let calls = 0;
  const once = ({ signal }) => (++calls === 1 ? never() : signal);
  assert.equal((await retry(once, { attemptTimeout: "1s", ...STEADY })).aborted, false);
  const controller = new AbortController();
  const call = rejection(retry(() => (calls++, never()), { attemptTimeout: "1h", timeout: "2h", signal: controller.signal }));
  calls = 0;
  controller.abort("mine");
  assert.deepEqual([(await call).error, calls], ["mine", 0]);
}));

// https://github.com/softonic/axios-retry/issues/84: is a timeout that of one attempt or of all?
test("pain 09: one slow attempt and the whole call have limits of their own", virtual(async (clock) => {
  const { error } = await rejection(retry(never, { attemptTimeout: "2s", timeout: "6s", ...STEADY }));
  assert.ok(error instanceof TimeoutError);
  assert.deepEqual([clock.time - 1000, history(error).map(({ elapsed }) => elapsed)], [5000, [2000, 5000]]);
  assert.throws(() => new Policy({ attemptTimeout: "7s", timeout: "bad" }), /timeout/);
}));

// https://github.com/adobe/node-fetch-retry/issues/81: reaching the limit hides the real error.
test("pain 10: at the limit the last error is thrown itself, with the reason beside it", virtual(async () => {
  const errors = [lost(), lost("EPIPE"), lost("ETIMEDOUT")];
  const { error } = await rejection(retry(throwing(...errors), { timeout: "2500ms", ...STEADY }));
  assert.equal(error, errors[2]);
  assert.deepEqual(history(error).map((one) => [one.error, one.reason]), [[errors[0], undefined], [errors[1], undefined], [error, "timeout"]]);
}));

// https://github.com/sindresorhus/ky/issues/509: no jitter by default, so that everybody comes back at once.
test("pain 11: waits are spread unless somebody says otherwise, at the cap too", () => {
  const policy = new Policy({ attempts: 12, timeout: null });
  const tenth = new Set(Array.from({ length: 100 }, (_, i) => policy.schedule({ seed: 7n, call: i + 1 })[9]));
  assert.equal(tenth.size, 100);
  assert.ok(Math.max(...tenth) <= 10_000);
});

// https://github.com/connor4312/cockatiel/issues/86: NaN after many tries.
test("pain 14: waits stay finite and within the cap for a hundred thousand attempts", () => {
  for (const jitter of ["none", "full", "equal", "decorrelated", { proportional: 0.3 }, { additive: "1s" }]) {
    const waits = new Policy({ jitter, attempts: 100_000, timeout: null }).schedule({ seed: 3n });
    assert.equal(waits.length, 99_999);
    assert.ok(waits.every((wait) => wait >= 0 && wait <= 10_000), JSON.stringify(jitter));
  }
});

// https://github.com/sindresorhus/got/issues/2102: one's own function for the delay switches the limits off.
test("pain 15: a wait of one's own stays below attempts and timeout", virtual(async (clock) => {
  const fail = async () => Promise.reject(lost());
  const reason = async (options) => history((await rejection(retry(fail, options))).error).at(-1).reason;
  assert.equal(await reason({ attempts: 4, on: () => 100 }), "attempts");
  assert.deepEqual(clock.armed, [100, 100, 100]);
  assert.equal(await reason({ timeout: "1s", on: () => 400 }), "timeout");
  assert.equal(clock.armed.length, 5);
  assert.equal(await reason({ on: () => "10h" }), "timeout");
}));

// https://github.com/akash-network/console/pull/3057: maxAttempts 3 are 4 calls.
test("pain 16: attempts are calls, and the names of others are told what to say instead", virtual(async () => {
  const fn = throwing(...Array.from({ length: 9 }, () => lost()));
  await rejection(retry(fn, { attempts: 3 }));
  assert.equal(fn.contexts.length, 3);
  assert.throws(() => new Policy({ retries: 3 }), /use attempts, which is retries \+ 1/);
  assert.throws(() => new Policy({ maxRetries: 3 }), /use attempts, which is retries \+ 1/);
}));

// https://github.com/webpapaya/promise-frites/issues/17: only the last error is left.
test("pain 17: the last error is thrown, and the others are in its history", virtual(async () => {
  const errors = [lost("EPIPE"), lost("ETIMEDOUT"), lost()];
  const { error } = await rejection(retry(throwing(...errors), { attempts: 3 }));
  assert.deepEqual(history(error).map(({ error }) => error), errors);
}));

// https://github.com/Effect-TS/effect/issues/3999: timeouts do not count as transient.
test("pain 20: attempts that took too long are retried, and rules may say otherwise", virtual(async () => {
  const slow = (attempts) => ({ attempt }) => (attempt <= attempts ? never() : "done");
  assert.equal(await retry(slow(2), { attemptTimeout: "1s", ...STEADY }), "done");
  const { error } = await rejection(retry(slow(2), { attemptTimeout: "1s", classes: { timeout: { attempts: 1 } }, ...STEADY }));
  assert.deepEqual(history(error).map((one) => [one.class, one.reason]), [["timeout", "class_attempts"]]);
}));

// https://github.com/nodejs/undici/issues/3356: going on in the middle of a body corrupts it.
test("pain 25: a body that breaks off is asked for again from its beginning", async (context) => {
  const half = (_, response) => {
    response.writeHead(200, { "content-length": "6", "accept-ranges": "bytes", etag: '"1"' });
    response.write("abc", () => response.destroy());
  };
  const { url, seen } = await serve(context, half, { status: 200, body: "ABCDEF" });
  assert.equal(await retryingFetch(quick).text(url), "ABCDEF");
  assert.deepEqual(seen.map(({ headers }) => [headers.range, headers["if-match"]]), [[undefined, undefined], [undefined, undefined]]);
});

// https://github.com/softonic/axios-retry/issues/162: the second attempt still has the token of the first.
test("pain 26: each attempt may have headers of its own", async (context) => {
  const { url, seen } = await serve(context, 503, 503, 200);
  let token = 0;
  const authorized = (input, init) => fetch(input, { ...init, headers: { ...init?.headers, authorization: `Bearer ${++token}` } });
  await retryingFetch(quick, { fetch: authorized })(url, { headers: { "x-mine": "1" } });
  assert.deepEqual(seen.map(({ headers }) => [headers.authorization, headers["x-mine"]]), [["Bearer 1", "1"], ["Bearer 2", "1"], ["Bearer 3", "1"]]);
});

// https://github.com/sindresorhus/ky/issues/583: why was it not retried?
test("pain 27: every give-up has a reason, that of a POST too", async (context) => {
  const { url, seen } = await serve(context, 503);
  const reasons = [];
  const fetchR = retryingFetch({ ...quick, attempts: 2 }, { onGiveUp: ({ reason, class: kind }) => reasons.push([reason, kind]) });
  await fetchR(url, { method: "POST", body: "x" });
  await fetchR(url, { method: "POST", body: "x", headers: { "idempotency-key": "k" } });
  assert.deepEqual([reasons, seen.length], [[["not_idempotent", "transient"], ["attempts", "transient"]], 3]);
});

// https://github.com/softonic/axios-retry/issues/231: interceptors pile up.
test("pain 29: wrapping makes a new function and changes nothing else", async (context) => {
  const { url, seen } = await serve(context, 503);
  const before = globalThis.fetch;
  const policies = Array.from({ length: 5 }, () => retryingFetch({ ...quick, attempts: 3 }));
  await policies[4](url);
  assert.deepEqual([seen.length, globalThis.fetch], [3, before]);
  const fn = async () => 1;
  assert.notEqual(new Policy().wrap(fn), fn);
  await settle();
});

const ELSEWHERE = {
  // https://github.com/vercel/ai/issues/7656: an abort is not heard while it sleeps.
  1: { abort: ["the wait ends at once, its timer is gone, and the function is not called again"] },
  // https://github.com/sindresorhus/p-retry/issues/97: an abort in a callback waits the delay out.
  2: { abort: ["an abort inside each hook and predicate ends the call with the reason", "an abort inside on schedules nothing"] },
  // https://github.com/sindresorhus/p-retry/issues/71: MaxListenersExceededWarning.
  3: { abort: ["100 000 calls leave no listener on their signal", "calls that fail leave no listener either, and 50 at a time share one"] },
  // https://github.com/smithy-lang/smithy-typescript/issues/2268: an aborted call is retried with the signal that has fired.
  4: { abort: ["an AbortError of the function's own is not retried, whatever on names"] },
  // https://github.com/zirkelc/ai-retry/issues/46: one AbortSignal.timeout for all attempts ends every retry.
  5: { abort: ["each attempt has a signal of its own", "the user's AbortSignal.timeout is a timeout, which is retried"] },
  // https://github.com/connor4312/cockatiel/pull/104: the reason of the abort is lost.
  7: { abort: ["an attempt that ignores its signal does not hold the caller back", "the attempt's own signal is aborted with the caller's reason"] },
  // https://github.com/vercel/async-retry/issues/73: no limit of the whole.
  8: { time: ["no wait ends past the deadline, and none is begun only to give up", "elapsed and remaining are the call's, not the attempt's"] },
  // https://github.com/anomalyco/opencode/pull/4135: a Retry-After of hours hangs the program.
  12: { fetch: ["the server's wait is kept, and too long a one ends the call with its response"] },
  // https://github.com/elizaOS/eliza/pull/23807: a delay above 2^31-1 ms fires at once.
  13: { time: ["waits longer than a timer can are armed again"] },
  // https://github.com/heripo-lab/llm-newsletter-kit-core/pull/51: values that are no Error hang, or come back changed.
  18: { verdicts: ["whatever is thrown comes back the same"] },
  // https://github.com/sindresorhus/is-network-error/pull/3: lost connections are known by a text that differs in each browser.
  19: { fetch: ["a bare TypeError of a browser's fetch is a lost connection"], failures: ["the browsers' texts of a lost connection, to the letter"] },
  // https://github.com/jonbern/fetch-retry/issues/99: 18 000 requests with an empty body.
  21: { body: ["a function for a body that throws ends the call with what it threw", "a Request whose body is used already fails as with fetch, once"] },
  // https://github.com/sindresorhus/ky/issues/831: a copy of every Request keeps uploads in memory.
  22: { body: ["a Request is sent again, with its body, and the copy is made only while it may be needed", "a Request without a body is not copied"] },
  // https://github.com/Infisical/node-sdk-v2/pull/36: failed bodies are not read, so that connections leak.
  23: { fetch: ["failed bodies are gone before the next attempt: small ones keep their connection"], http: ["failed bodies of 2 MB do not take a socket for each request"] },
  // https://github.com/nodejs/undici/issues/4080: on giving up the response is lost.
  24: { fetch: ["on giving up the last response is untouched"] },
  // https://github.com/aws/aws-sdk-js-v3/issues/4754: one bucket for all starves those that have nothing to do with each other.
  28: { budget: ["each of several budgets keeps its own tokens", "the preset aws spends 35 retries in an outage"] },
  // https://github.com/sindresorhus/p-retry/issues/69: an ESM package breaks require.
  31: { package: ["and as CommonJS", "ESM and CommonJS side by side know each other's errors"] },
};

test("every pain is here or where it is said to be", () => {
  const here = [...readFileSync(new URL(import.meta.url), "utf8").matchAll(/^test\("pain (\d+)/gm)].map(([, number]) => Number(number));
  const told = [...here, ...Object.keys(ELSEWHERE).map(Number)].sort((a, b) => a - b);
  assert.deepEqual(told, Array.from({ length: 33 }, (_, i) => i + 1).filter((number) => ![30, 32, 33].includes(number)));
  for (const files of Object.values(ELSEWHERE)) {
    for (const [file, names] of Object.entries(files)) {
      const text = readFileSync(new URL(`${file}.test.mjs`, import.meta.url), "utf8");
      assert.deepEqual(names.filter((name) => !text.includes(`\ntest("${name}"`)), [], file);
    }
  }
});
