import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { afterEach, mock, test } from "node:test";
import { Budget, BreakerOpen, classify, history, HttpError, onEvent, Policy, retry, TimeoutError } from "../dist/index.js";
import { retryingFetch } from "../dist/fetch.js";
import { Breaker, Hedge } from "../dist/guards.js";
import { DOMAINS } from "../dist/core.js";
import { scripted, testing } from "../dist/testing.js";
import { lost, rejection, throwing } from "./clock.mjs";

const OUTAGE = new URL("../../tests/scripts/outage.json", import.meta.url);
const PLAIN = { attempts: 8, jitter: "none" };

let open;
const begin = (options) => (open = testing(options));
afterEach(() => open?.close());

test("waits are computed, recorded, and pass on a virtual clock", async () => {
  const t = begin();
  const fn = throwing(lost(), lost());
  assert.equal(await retry(fn, PLAIN), "done");
  assert.deepEqual(t.waits, [1000, 2000]);
  assert.equal(t.now, 3000);
  assert.deepEqual(fn.contexts.map(({ elapsed }) => elapsed), [3000, 3000, 3000]); // read now, when the clock is there
  assert.deepEqual(t.events.map(({ kind }) => kind), ["attempt", "scheduled", "attempt", "scheduled", "attempt", "success"]);
});

test("a script takes the place of the code, from a list or from the file that Python takes, too", async () => {
  for (const script of [OUTAGE, OUTAGE.pathname, [503, "reset", "429 + hint 2s", { postgres: "40001" }, { http: 503, shouldRetry: true, body: "starting" }, "timeout + takes 5s", "ok"]]) {
    const t = begin({ script });
    assert.equal(await retry(() => "the real one", PLAIN), "the real one");
    assert.deepEqual(t.waits, [1000, 2000, 4000, 8000, 10_000, 10_000]);
    assert.equal(t.now, 40_000); // and 5 s that an attempt took
    const failed = t.events.filter(({ kind }) => kind === "scheduled");
    assert.deepEqual(failed.map(({ code }) => code), ["http 503", "os ECONNRESET", "http 429", "postgres 40001", "http 503", "os ETIMEDOUT"]);
    assert.deepEqual(failed.map(({ sent }) => sent), ["maybe", "maybe", "rejected", "rejected", "rejected", "maybe"]);
    t.close();
  }
});

test("what a failure means in a script it means to its error's readers, too", () => {
  const read = (item) => rejection(scripted([item], () => {})());
  const codes = [
    "http 503", "os ECONNRESET", "dns EAI_AGAIN", "tls CERT_HAS_EXPIRED", "undici UND_ERR_SOCKET", "grpc 14", "grpc UNAVAILABLE", "postgres 40001", "mysql 1213",
    "sqlite SQLITE_BUSY", "sqlite 5", "redis LOADING", "mongodb 11600", "mongodb RetryableWriteError", "kafka 7", "aws ThrottlingException", "user Odd",
  ];
  assert.deepEqual(new Set(codes.map((code) => code.split(" ")[0])), new Set(DOMAINS));
  return Promise.all(codes.map(async (words) => {
    const { error } = await read(words);
    const [domain, code] = words.split(" ");
    const asked = classify(domain, /^\d+$/.test(code) && domain !== "postgres" ? Number(code) : code);
    assert.deepEqual({ ...classify(error), code }, { ...asked, code }, words);
  }));
});

test("errors of a script look like those of clients", async () => {
  const { error: http } = await rejection(scripted(["429 + hint 2s + body slow down"], () => {})());
  assert.ok(http instanceof HttpError && http.status === 429 && http.hint === 2000);
  assert.equal(await http.response.text(), "slow down");
  const { error: refused } = await rejection(scripted(["ECONNREFUSED + connect"], () => {})());
  assert.deepEqual({ ...refused, message: refused.message }, { message: "connect ECONNREFUSED", code: "ECONNREFUSED", syscall: "connect" });
  const { error: grpc } = await rejection(scripted([{ grpc: 14, hint: "1.5s" }], () => {})());
  assert.deepEqual(grpc.metadata.get("grpc-retry-pushback-ms"), ["1500"]);
  class Own extends Error {}
  const own = new Own();
  assert.equal((await rejection(scripted([own], () => {})())).error, own);
  assert.ok((await rejection(scripted([Own], () => {})())).error instanceof Own);
  assert.equal((await rejection(scripted([{ error: own, duration: "1us" }], () => {})())).error, own);
  assert.equal(await scripted([null, undefined], (a, b) => a + b)(1, 2), 3);
});

test("with a seed the waits are those on paper", async () => {
  const t = begin({ seed: 7n });
  const policy = new Policy({ attempts: 3 });
  for (let call = 1; call <= 2; call++) await rejection(policy.run(throwing(lost(), lost(), lost())));
  assert.deepEqual(t.waits, [...policy.schedule({ seed: 7n }), ...policy.schedule({ seed: 7n, call: 2 })]);
  assert.deepEqual(policy.schedule({ callSeed: t.events.findLast((event) => event.callSeed).callSeed }), policy.schedule({ seed: 7n, call: 2 }));
});

test("attempts lowers limits and never raises one", async () => {
  begin({ attempts: 2 });
  for (const [attempts, expected] of [[5, 2], [1, 1], [null, 2]]) {
    const fn = throwing(...Array(9).fill(lost()));
    const { error } = await rejection(retry(fn, attempts ? { attempts } : { forever: true }));
    assert.equal(fn.contexts.length, expected);
    assert.equal(history(error).at(-1).reason, "attempts");
  }
});

test("advance is what a slow attempt takes, and ends one that takes too long", async () => {
  const t = begin();
  const slow = () => {
    t.advance(12_000);
    throw lost();
  };
  const { error } = await rejection(retry(slow, { attempts: 10, timeout: "30s", jitter: "none" }));
  assert.deepEqual(history(error).map(({ reason }) => reason), [undefined, undefined, "timeout"]); // at 12, 25 and 39 s
  const hanging = retry(() => new Promise(() => {}), { attempts: 1, attemptTimeout: "2s" });
  t.advance(1999.999);
  t.advance(0.001);
  const late = await rejection(hanging);
  assert.ok(late.error instanceof TimeoutError && late.error.limit === 2000);
});

test("a scripted attempt that takes too long ends by attemptTimeout, at its end", async () => {
  const t = begin({ script: ["reset + takes 5s"] });
  assert.equal(await retry(() => "late", { ...PLAIN, attemptTimeout: "2s" }), "late");
  assert.deepEqual(t.events.filter(({ kind }) => kind === "scheduled").map(({ elapsed, error }) => [elapsed, error.name]), [[2000, "TimeoutError"]]);
});

test("after hears of a moment within a wait: an abort there ends it there", async () => {
  const t = begin();
  const controller = new AbortController();
  t.after(400, () => controller.abort("enough"));
  const { error } = await rejection(retry(throwing(lost(), lost()), { ...PLAIN, signal: controller.signal }));
  assert.equal(error, "enough");
  assert.equal(t.now, 400);
});

test("calls side by side wait at the same time, the shortest first", async () => {
  const t = begin();
  const order = [];
  const call = (name, initial) => retry(throwing(lost()), { ...PLAIN, initial, name }).then(() => order.push(name));
  await Promise.all([call("slow", "3s"), call("fast", "1s")]);
  assert.deepEqual(order, ["fast", "slow"]);
  assert.equal(t.now, 3000);
});

test("blocks, wrapped functions, hedges and fetch are on the clock as well", async () => {
  const t = begin({ script: ["reset", null, "reset", null, 503, 503, "reset", 503] });
  for await (const attempt of new Policy(PLAIN).attempts()) await attempt.run(() => {});
  assert.equal(await new Policy(PLAIN).wrap((a) => a)(5), 5);
  assert.deepEqual(t.waits, [1000, 1000]);
  const fetchR = retryingFetch({ ...PLAIN, attempts: 2 }, { fetch: () => assert.fail("the script is in its place") });
  const response = await fetchR("http://localhost/");
  assert.equal(response.status, 503);
  assert.equal(history(response).at(-1).reason, "attempts");
  assert.equal((await rejection(fetchR.json("http://localhost/"))).error.status, 503);
  const hedged = new Hedge({ delay: "20ms" }).run(({ attempt }) => (attempt === 1 ? new Promise(() => {}) : "hedged"));
  t.advance(20);
  assert.equal(await hedged, "hedged");
});

test("budgets are full ones of the test's own, breakers closed ones", async () => {
  const budget = new Budget("testing-api", { capacity: 28 });
  const breaker = new Breaker({ name: "testing-api", minCalls: 1 });
  breaker.record?.(false);
  const policies = [new Policy({ ...PLAIN, budget }), new Policy({ ...PLAIN, attempts: 7, budget })];
  const ends = async () => {
    const ended = [];
    for (const policy of policies) {
      const { error } = await rejection(policy.run(throwing(...Array(9).fill(lost()))));
      ended.push(history(error).length, history(error).at(-1).reason);
    }
    return ended;
  };
  for (let n = 0; n < 2; n++) {
    begin();
    assert.deepEqual(await ends(), [3, "budget", 1, "budget"]); // both share the one of this test
    open.close();
  }
  assert.equal(budget.tokens, 28);
  const guarded = new Policy({ attempts: 1, breaker: { name: "testing-down", minCalls: 1 } });
  begin();
  await rejection(guarded.run(throwing(lost())));
  assert.ok((await rejection(guarded.run(() => "through"))).error instanceof BreakerOpen);
  open.advance(5000);
  assert.equal(await guarded.run(() => "through"), "through");
  open.close();
  assert.equal(guarded.breaker.state, "closed");
});

test("a policy that has nothing but the name of a budget or of a breaker goes by what is outside under that name", async () => {
  const budget = new Budget("testing-named", { capacity: 28, cost: 14 });
  const breaker = new Breaker({ name: "testing-named", minCalls: 3, initial: "60s", jitter: "none" });
  for (const attempts of [undefined, 6]) {
    begin({ attempts });
    const ends = async (options) => {
      const { error } = await rejection(new Policy({ ...PLAIN, ...options }).run(() => { throw lost(); }));
      return [history(error).length, history(error).at(-1).reason];
    };
    assert.deepEqual(await ends({ budget: "testing-named" }), [3, "budget"]);
    assert.deepEqual(await ends({ breaker: "testing-named" }), [3, "breaker_open"]);
    open.close();
  }
  assert.equal(budget.tokens, 28);
  assert.equal(breaker.state, "closed");
});

test("it ends when it is closed, there is one at a time, and using closes it", async () => {
  begin({ script: [503] });
  assert.throws(() => testing(), /another test is not closed yet/);
  open.close();
  open.close();
  const again = testing({ script: [404] });
  open.close(); // the old one: the new one goes on
  assert.equal((await rejection(retry(() => "real", PLAIN))).error.status, 404);
  again[Symbol.dispose]();
  assert.equal(await retry(() => "real", PLAIN), "real");
  assert.deepEqual(again.events.map(({ kind }) => kind), ["attempt", "gave_up"]);
});

test("a wrong script is refused with every mistake, and nothing begins", async () => {
  const script = ["nonsense", 503, { http: 503, method: "GET" }, { os: "EPIPE", hint: "soon" }, 5n, { error: new Error(), hint: 3 }, { verdict: "named", http: 1 }];
  const { problems } = (() => {
    try {
      testing({ script });
    } catch (error) {
      return error;
    }
  })();
  assert.deepEqual(problems.map(({ code, pointer }) => `${code} ${pointer}`), [
    "unknown_failure /fail/0", "meaningless_option /fail/2/method", "bad_duration /fail/3/hint", "wrong_kind /fail/4", "meaningless_option /fail/5/error",
    "out_of_range /fail/6/http", "meaningless_option /fail/6/verdict",
  ]);
  assert.match(problems[0].text, /^script\.0: the failure is "nonsense", allowed a status, /);
  assert.equal(problems[1].text, "script.2.method is given, allowed what a failure itself says; it belongs to the call that runs, remove it");
  const text = 'the script is no list, nor one under "fail", allowed nothing else; write {"fail": [503, "reset", "ok"]}';
  for (const wrong of [{ fial: [] }, { fail: 503 }, 503]) assert.throws(() => testing({ script: wrong }), { problems: [{ code: "wrong_kind", pointer: "", text }] });
  assert.throws(() => testing({ script: new URL("testing.test.mjs", import.meta.url) }), /the script is no JSON: /);
  assert.throws(() => testing({ script: "missing.json" }), { code: "ENOENT" });
  assert.throws(() => testing({ attempts: 0 }), /^RangeError: attempts is 0, allowed a whole number from 1/);
  assert.throws(() => testing({ seed: -1 }), /seed is -1/);
  begin().close();
  for (const wrong of [-1, NaN, "1s"]) assert.throws(() => open.advance(wrong), /ms is .*, allowed milliseconds from 0 on/);
});

test("scripted is for tests with fake timers of their own", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const seen = [];
    const fn = scripted(["reset + takes 3s", 503, "ok"], function (value) {
      return [this, value];
    });
    const call = retry(() => fn.call("this", 1), { ...PLAIN, onRetry: ({ delay }) => seen.push(delay) });
    for (const ms of [2999, 1, 1000, 2000]) {
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      mock.timers.tick(ms);
    }
    assert.deepEqual(await call, ["this", 1]);
    assert.deepEqual(seen, [1000, 2000]);
  } finally {
    mock.timers.reset();
  }
});

test("the clock needs no timers, so fake ones of others do not matter", async () => {
  mock.timers.enable();
  try {
    const t = begin({ script: [503, 503] });
    assert.equal(await retry(() => "done", PLAIN), "done");
    assert.equal(t.now, 3000);
  } finally {
    mock.timers.reset();
  }
});

test("onEvent hears of every call in the process, of both copies, until it is taken back", async () => {
  const required = createRequire(import.meta.url)("../dist/index.cjs");
  const heard = [];
  const stop = onEvent((event) => {
    heard.push(`${event.name} ${event.kind} ${event.code}`);
    throw new Error("a hook's trouble is no call's");
  });
  const warnings = mock.method(process, "emitWarning", () => {});
  const wrapped = new Policy({ initial: "1us" }).wrap(() => 1);
  await retry(() => 1, { name: "one" });
  await required.retry(throwing(lost()), { name: "two", initial: "1us" });
  await wrapped();
  stop();
  stop();
  await retry(() => 1, { name: "unheard" });
  warnings.mock.restore();
  assert.deepEqual(heard, [
    "one attempt undefined", "one success undefined", "two attempt undefined", "two scheduled os ECONNRESET", "two attempt undefined",
    "two success undefined", "undefined attempt undefined", "undefined success undefined",
  ]);
  assert.equal(warnings.mock.callCount(), heard.length);
  assert.throws(() => onEvent("log"), /hook is a string, allowed a function that takes an event/);
});
