import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Budget, Policy, PolicyError } from "undaunted";
import { analyse, diff, lint } from "undaunted/lab";

const AWS = new Policy({ attempts: 3, initial: "50ms", maxDelay: "20s", timeout: null });

test("an analysis has the published figures", () => {
  const analysis = analyse(AWS, { failureRate: 0.1 });
  assert.deepEqual([analysis.success, analysis.attempts.value, analysis.wait.mean], [{ value: 0.999, error: 0 }, 1.11, { value: 3, error: 0 }]);
  assert.deepEqual([analysis.wait.worst, analysis.worstAmplification, analysis.gaveUp.attempts.value], [150, 27, 0.001]);
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

test("ESM and CommonJS take each other's policies", () => {
  const required = createRequire(import.meta.url)("undaunted/lab");
  assert.equal(String(required.lint(AWS)), String(lint(AWS)));
});
