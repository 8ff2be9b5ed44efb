import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Budget, Policy, PolicyError, stop } from "undaunted";
import { analyse, diff, explain, ladder, lint, lintHedge } from "undaunted/lab";

const AWS = new Policy({ attempts: 3, initial: "50ms", maxDelay: "20s", timeout: null });

test("an analysis has the published figures", () => {
  const analysis = analyse(AWS, { failureRate: 0.1 });
  assert.deepEqual([analysis.success, analysis.attempts.value, analysis.wait.mean], [{ value: 0.999, error: 0 }, 1.11, { value: 3, error: 0 }]);
  assert.deepEqual([analysis.wait.worst, analysis.worstAmplification, analysis.gaveUp.attempts.value], [150, 27, 0.001]);
});

test("more shares of calls, if asked", () => {
  assert.equal(analyse(AWS, { failureRate: 0.5 }).wait.quantiles, undefined);
  const { wait } = analyse(AWS, { failureRate: 0.5, quantiles: true });
  assert.deepEqual([wait.quantiles[0], wait.quantiles.at(-1).share], [{ share: 0.1, time: { value: 0, error: 0 } }, 0.9999]);
  assert.deepEqual(wait.quantiles.find(({ share }) => share === 0.99).time, wait.p99);
});

test("the text of a policy file stands for itself", () => {
  const mine = new Policy({ budget: { name: "text", capacity: 100 } });
  const text = '{"budget": {"name": "text", "capacity": 28}}';
  assert.throws(() => lint({ budget: { name: "text", capacity: 28 } }), PolicyError); // calls share a budget by its name
  assert.equal(analyse(text).outageBurst, 2);
  assert.equal(analyse(mine).outageBurst, 7);
  assert.deepEqual([...lint(text)].map(({ code }) => code).filter((code) => code.startsWith("budget")), ["budget-too-small"]);
  assert.equal(String(ladder('{"attempts": 3}')), String(ladder({ attempts: 3 })));
  assert.throws(() => lint('{"max_dealy": "1s"'), (error) => error instanceof PolicyError && error.problems[0].code === "not_json");
  assert.throws(() => lint('{"max_dealy": "1s", "attempts": 0}'), (error) => error instanceof PolicyError && error.problems.length === 2);
});

test("attempts that last show what timeout does", () => {
  const policy = { timeout: "10s" };
  const harmless = analyse(policy, { failureRate: 0.5 }).gaveUp.timeout.value;
  const real = analyse(policy, { failureRate: 0.5, attemptDuration: "2s" });
  assert.ok(harmless < 0.05 && real.gaveUp.timeout.value > 0.05);
  assert.ok(real.addedLatency.mean.value > real.wait.mean.value);
  assert.equal(real.worstTime, 12_000);
});

test("milliseconds and text with a unit are one condition", () => {
  assert.equal(String(analyse(AWS, { attemptDuration: 250 })), String(analyse(AWS, { attemptDuration: "250ms" })));
  assert.match(String(analyse(AWS, { attemptDuration: 250 })), /each takes 250 ms/);
});

test("every mistake in the conditions is told at once", () => {
  assert.throws(() => analyse(AWS, { failureRate: 2, layers: 11, repeats: "3" }), (error) => {
    assert.ok(error instanceof PolicyError);
    assert.deepEqual(error.problems.map(({ code, pointer }) => [code, pointer]), [
      ["out_of_range", "/failure_rate"], ["out_of_range", "/layers"], ["wrong_kind", "/repeats"],
    ]);
    return true;
  });
});

test("a policy without limits has no worst case", () => {
  const analysis = analyse({ forever: true }, { failureRate: 0.5 });
  assert.deepEqual([analysis.worstTime, analysis.mostAttempts, analysis.amplification, analysis.wait.worst], [null, null, null, null]);
  assert.ok(analysis.wait.p99.value > 0);
});

test("a budget allows a burst, and a share in the long run", () => {
  const aws = new Policy({ preset: "aws" });
  const analysis = analyse(aws, { failureRate: 0.5 });
  assert.deepEqual([analysis.outageBurst, analysis.sustainedLoad.value, analysis.outageLoad.value], [35, 1.071428, 1]);
  const throttled = analyse(aws, { failureRate: 0.5, class: "throttle" });
  assert.deepEqual([throttled.class, throttled.outageBurst, throttled.sustainedLoad.value], ["throttle", 100, 1.2]);
  const without = analyse(AWS, { failureRate: 0.5 });
  assert.deepEqual([without.outageBurst, without.sustainedLoad, without.outageLoad.value], [null, without.load, 3]);
});

test("a budget that a policy only names counts with its own options", () => {
  const budget = new Budget("lab", { mode: "window", ratio: 0.25, minPerSecond: 5 });
  const policy = new Policy({ attempts: 5, budget: "lab" });
  const analysis = analyse(policy, { failureRate: 0.9, callsPerSecond: 10 });
  assert.deepEqual([analysis.outageBurst, analysis.sustainedLoad.value, analysis.callsPerSecond], [50, 1.75, 10]);
  const change = diff(policy, { attempts: 5 }, { failureRate: 0.9 });
  const figures = Object.fromEntries(change.figures.map(({ figure, before, after }) => [figure, [before?.value, after?.value]]));
  assert.deepEqual(figures.outageBurst, [50, undefined]);
  assert.deepEqual([figures.sustainedLoad[0], budget.tokens], [1.25, 50]);
});

test("text, JSON and values say the same", () => {
  const analysis = analyse(AWS, { failureRate: 0.5, calls: 20, repeats: 2 });
  assert.equal(JSON.stringify(analysis), JSON.stringify(JSON.parse(analysis.json())));
  assert.equal(analysis.toJSON().chain.value, analysis.chain.value);
  assert.match(String(analysis), /^success {15}87\.5 %$/m);
});

test("findings are iterable, with code, level, pointer and sentence", () => {
  const findings = lint({ attempts: 3, maxDelay: "2s", jitter: "none", budget: { name: "findings" } });
  const [finding] = findings;
  assert.equal(findings.length, 1);
  assert.deepEqual({ ...finding, text: undefined }, { code: "jitter-none", level: "warning", pointer: "/jitter", text: undefined });
  assert.ok(finding.text.endsWith("write full") && String(findings).includes(finding.text));
  assert.equal(String(lint({ attempts: 3, maxDelay: "2s", budget: { name: "quiet" } })), "errors: 0, warnings: 0, infos: 0\n");
});

test("a difference has options, figures and findings", () => {
  const [before, after] = [{ attempts: 3, maxDelay: "2s" }, { attempts: 5, maxDelay: "2s", jitter: "none" }];
  const difference = diff(before, after, { failureRate: 0.5 });
  assert.deepEqual(difference.options, [{ option: "attempts", before: 3, after: 5 }, { option: "jitter", before: "full", after: "none" }]);
  const figures = Object.fromEntries(difference.figures.map(({ figure, before, after }) => [figure, [before.value, after.value]]));
  assert.deepEqual([figures.success, figures.waitWorst], [[0.875, 0.96875], [3000, 7000]]);
  assert.deepEqual([difference.new.map(({ code }) => code), difference.gone], [["amplification", "jitter-none"], []]);
  assert.equal(String(diff({}, new Policy({ preset: "standard" }))), "no difference\n");
});

test("errors are explained as retry reads them", () => {
  const lost = new TypeError("fetch failed", { cause: Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" }) });
  const response = { status: 429, headers: new Headers({ "retry-after": "3" }) };
  const failures = [lost, Object.assign(new Error("refused"), { code: "ECONNREFUSED", syscall: "connect" }), { error: response }];
  const explanation = explain({ jitter: "none" }, failures);
  assert.deepEqual([...explanation].map(({ domain, code, class: kind, delay }) => [domain, code, kind, delay]), [
    ["undici", "UND_ERR_SOCKET", "transient", 1000], ["os", "ECONNREFUSED", "connect", 2000], ["http", 429, "throttle", 4000],
  ]);
  assert.deepEqual([explanation.gaveUp, explanation.attempts, explanation.elapsed, explanation.length], [null, 4, 7000, 3]);
});

test("a failure may be an error with what it does not say", () => {
  const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });
  const [failure] = explain({}, [{ error: reset, method: "POST", duration: 250 }]);
  assert.deepEqual([failure.reason, failure.at, failure.sentFrom, failure.delay], ["not_idempotent", 250, "table", undefined]);
  assert.match(failure.text, /POST without an idempotency key is not idempotent$/);
});

test("on and marks judge errors", () => {
  const on = (error) => (error.message ? "1.5s" : false);
  const [asked, refused] = explain({}, [new RangeError("x"), new RangeError()], { on });
  assert.deepEqual([asked.classFrom, asked.delay, refused.reason], ["on", 1500, "permanent"]);
  const [stopped] = explain({}, [stop(Object.assign(new Error("reset"), { code: "ECONNRESET" }))]);
  assert.equal(stopped.terms.why, "on refuses it");
  const [name] = explain({}, [Object.assign(new Error("é"), { name: "Größe" })]);
  assert.equal(name.code, "Größe");
});

test("explanations use the seeds of schedules", () => {
  const policy = new Policy({ timeout: null, attempts: 5 });
  const failures = Array(4).fill({ http: 503 });
  const explanation = explain(policy, failures, { seed: 8n, call: 3 });
  assert.deepEqual([...explanation].map(({ delay }) => delay), policy.schedule({ seed: 8, call: 3 }));
  assert.equal(String(explain(policy, failures, { callSeed: explanation.callSeed })), String(explanation));
  assert.deepEqual(explanation.toJSON().decisions, [...explanation].map(({ terms }) => terms));
});

test("mistakes of a script are told at once", () => {
  assert.throws(() => explain({}, [{ http: "503" }, { status: 503 }, null], { seed: 1, callSeed: 2 }), (error) => {
    assert.ok(error instanceof PolicyError);
    assert.deepEqual(error.problems.map(({ code, pointer }) => [code, pointer]), [
      ["wrong_kind", "/failures/0/http"], ["unknown_option", "/failures/1/status"], ["wrong_kind", "/failures/2"], ["duplicate_option", "/call_seed"],
    ]);
    return true;
  });
  assert.throws(() => explain({}, [{ http: 503, body: "x".repeat(2 ** 21) }]), RangeError);
});

test("failures may be a few words", () => {
  const words = explain({ attempts: 5 }, [503, "reset", "429 + hint 2s", "postgres 40001 + takes 1s", "ok"]);
  const facts = [{ http: 503 }, { os: "ECONNRESET" }, { http: 429, hint: "2s" }, { postgres: "40001", duration: "1s" }];
  assert.equal(words.json(), explain({ attempts: 5 }, facts).json());
  assert.equal(words.length, 4);
  assert.throws(() => explain({}, ["wat"]), (error) => {
    assert.equal(error.problems[0].code, "unknown_failure");
    return /the failure is "wat", allowed a status, ok, reset/.test(error.message);
  });
});

test("a hundred failures with long names are explained whole", () => {
  const failures = Array(100).fill({ user: "x".repeat(1000), verdict: "named", method: "GET", hint: "1ms" });
  const explanation = explain({ attempts: 1000, timeout: null, classes: { transient: { attempts: 500 } }, budget: { name: "api", capacity: 10_000 } }, failures);
  assert.equal(explanation.length, 100);
  assert.ok([...explanation].every(({ text }) => text.includes("budget 14 taken")));
});

test("ESM and CommonJS take each other's policies", () => {
  const required = createRequire(import.meta.url)("undaunted/lab");
  assert.equal(String(required.lint(AWS)), String(lint(AWS)));
});

test("a ladder has each wait and the schedule", () => {
  const policy = new Policy({ timeout: "5s", jitter: "equal" });
  const found = ladder(policy, { attempts: 6, seed: 7n });
  assert.deepEqual([...found].map((rung) => rung.drawn), policy.schedule({ attempts: 6, seed: 7n }));
  const [first, second] = found;
  assert.deepEqual([first.least, first.p50, first.most, first.inTime], [500, { value: 750, error: 0 }, 1000, true]);
  assert.deepEqual([second.p50.value, found.length, found.timeout, [...found].at(-1).inTime], [1500, 5, 5000, false]);
  assert.equal(ladder(policy, { attempts: 6, callSeed: found.callSeed }).json(), found.json());
  assert.throws(() => ladder(policy, { attempts: 0, call: 2, callSeed: "1" }), (error) => {
    assert.deepEqual(error.problems.map(({ code, pointer }) => [code, pointer]), [["out_of_range", "/attempts"], ["duplicate_option", "/call"]]);
    return true;
  });
});

test("hedges are reviewed beside what is known of their calls", () => {
  assert.equal(lintHedge({ delay: 200, p50: "50ms", idempotent: true }).length, 0);
  const findings = [...lintHedge({ delay: "50ms", attempts: 3, p50: 200, idempotent: false })];
  assert.deepEqual(findings.map(({ code, level }) => [code, level]), [["hedge-below-p50", "warning"], ["hedge-not-idempotent", "error"]]);
  assert.throws(() => lintHedge({ delay: "1s", attempts: 0 }), /attempts is 0/);
});
