// exportAs of undaunted/lab: code that makes the policy it was made of, settings of others, findings.
import assert from "node:assert/strict";
import { test } from "node:test";
import { transformSync } from "esbuild";
import * as undaunted from "undaunted";
import { convert, exportAs } from "undaunted/lab";

const { Budget, Policy, PolicyError } = undaunted;
const PRESETS = ["standard", "interactive", "aws", "grpc", "stamina", "urllib3", "google", "none"];
const POLICIES = [
  ...PRESETS.map((preset) => ({ preset })),
  { forever: true, jitter: { proportional: 0.25 }, first: "immediate", factor: 1.5 },
  { onTimeout: { clip: { minAttempt: "1s" } }, attemptTimeout: "2500us", backoff: ["0s", "1s"], hint: { mode: "window", window: "5s" } },
  { classes: { throttle: { attempts: 3 } }, hint: { mode: "exact", resets: true }, idempotent: false, nested: "share" },
  { rules: [{ http: "500-503", class: "transient" }, { bodyContains: "\"'#\\ü\n{,}${`", class: "throttle" }], budget: null, timeout: null },
  { budget: { name: "exported", mode: "failures", reward: 0.5 }, breaker: { name: "exported", windowTime: "30s", slowAfter: "1s" } },
];

/** The module that a text in TypeScript is. */
function moduleOf(text) {
  const { code, warnings } = transformSync(text, { loader: "ts", format: "cjs" });
  assert.deepEqual(warnings, []);
  const module = { exports: {} };
  new Function("module", "require", code)(module, (name) => (assert.equal(name, "undaunted"), undaunted));
  return module.exports;
}

for (const options of POLICIES) {
  test(`code makes the policy: ${JSON.stringify(options)}`, async () => {
    const policy = new Policy(options);
    const { policy: made, get } = moduleOf(exportAs(policy, "typescript").text);
    assert.deepEqual(made.toJSON(), policy.toJSON());
    assert.equal(await (await get("data:,hello")).text(), "hello");
    const { text, findings } = exportAs(options, "json");
    assert.deepEqual(Policy.parse(text).toJSON(), policy.toJSON());
    assert.equal(text.replaceAll("\\u000a", "\\n"), `${JSON.stringify(JSON.parse(text), null, 2)}\n`);
    assert.deepEqual(findings, []);
  });
}

test("a text is exported as a policy is", () => {
  const text = '{"preset": "aws", "attempts": 5}';
  const found = exportAs(text, "aws");
  assert.equal(found.json(), exportAs(Policy.parse(text), "aws").json());
  assert.equal(String(found), "AWS_RETRY_MODE=standard\nAWS_MAX_ATTEMPTS=5\n");
  assert.deepEqual(found.toJSON(), { target: "aws", text: found.text, findings: [] });
});

test("what was made elsewhere is written out", () => {
  new Budget("exported-elsewhere", { mode: "failures", capacity: 20 });
  const { retryThrottling } = JSON.parse(exportAs(new Policy({ budget: "exported-elsewhere" }), "grpc").text);
  assert.deepEqual(retryThrottling, { maxTokens: 20, tokenRatio: 0.1 });
  const { findings } = exportAs('{"budget": "nobody-made-it"}', "typescript");
  assert.deepEqual(findings.map(({ code, pointer }) => [code, pointer]), [["made-elsewhere", "/budget"]]);
});

test("gRPC comes back", () => {
  const { text } = exportAs({ preset: "grpc" }, "grpc");
  assert.deepEqual(convert(text, "grpc").policy.toJSON(), new Policy({ preset: "grpc" }).toJSON());
});

test("findings say what others do", () => {
  const found = exportAs({}, "curl").findings.find(({ code }) => code === "jitter-none");
  assert.deepEqual([found.level, found.pointer], ["warning", "/jitter"]);
  assert.match(found.text, /^curl's waits are not random/);
});

test("mistakes", () => {
  assert.throws(() => exportAs('{"attempts": 0}', "json"), PolicyError);
  assert.throws(() => exportAs({}, "java"), /target is a string, allowed json, python, typescript, rust, curl, grpc, envoy or aws/);
});
