import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Policy, PolicyError } from "undaunted";
import { analyse, lint } from "undaunted/lab";

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

test("text, JSON and values say the same", () => {
  const analysis = analyse(AWS, { failureRate: 0.5, calls: 20, repeats: 2 });
  assert.equal(JSON.stringify(analysis), JSON.stringify(JSON.parse(analysis.json())));
  assert.equal(analysis.toJSON().chain.value, analysis.chain.value);
  assert.match(String(analysis), /^success {15}87\.5 %$/m);
});

test("findings are iterable, with code, level, pointer and sentence", () => {
  const findings = lint({ attempts: 3, maxDelay: "2s", jitter: "none" });
  const [finding] = findings;
  assert.equal(findings.length, 1);
  assert.deepEqual({ ...finding, text: undefined }, { code: "jitter-none", level: "warning", pointer: "/jitter", text: undefined });
  assert.ok(finding.text.endsWith("write full") && String(findings).includes(finding.text));
  assert.equal(String(lint({ attempts: 3, maxDelay: "2s" })), "errors: 0, warnings: 0, infos: 0\n");
});

test("ESM and CommonJS take each other's policies", () => {
  const required = createRequire(import.meta.url)("undaunted/lab");
  assert.equal(String(required.lint(AWS)), String(lint(AWS)));
});
