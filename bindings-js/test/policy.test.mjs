import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { Policy, PolicyError, readHint, version } from "undaunted";

function problems(make) {
  try {
    make();
  } catch (error) {
    assert.ok(error instanceof PolicyError && error instanceof TypeError);
    return error.problems;
  }
  throw new Error("it was accepted");
}

const codes = (make) => problems(make).map(({ code, pointer }) => `${code}@${pointer}`);

test("a policy from an object and the same one from JSON are equal", () => {
  const written = new Policy({ attempts: 3, attemptTimeout: 1500, maxDelay: "5s", onTimeout: { clip: { minAttempt: 20 } } });
  const parsed = Policy.parse('{"attempts": 3, "attempt_timeout": "1.5s", "max_delay": "5s", "on_timeout": {"clip": {"min_attempt": "20ms"}}}');
  assert.equal(written.equals(parsed), true);
  assert.equal(written.dump(), parsed.dump());
  assert.equal(written.equals(new Policy()), false);
  assert.equal(written.equals("text"), false);
});

test("a dump reads back as itself: from text, bytes, an object, a structured clone", () => {
  const policy = new Policy({ jitter: { proportional: 0.2 }, rules: [{ http: "500-599", bodyContains: "né", class: "permanent" }] });
  for (const source of [policy.dump(), `\uFEFF${policy.dump()}`, new TextEncoder().encode(policy.dump()), policy.toJSON(), structuredClone(policy.toJSON())]) {
    assert.equal(Policy.parse(source).dump(), policy.dump());
  }
  assert.equal(JSON.stringify(policy), policy.dump());
});

test("a policy prints itself", () => {
  const policy = Policy.preset("none");
  assert.equal(String(policy), `Policy ${policy.dump()}`);
  assert.equal(inspect(policy), `Policy ${policy.dump()}`);
});

test("presets by name", () => {
  assert.equal(Policy.preset("standard").equals(new Policy()), true);
  assert.equal(Policy.preset("interactive").toJSON().attempts, 3);
  assert.deepEqual(codes(() => Policy.preset("aws1")), ["unknown_value@/preset"]);
});

test("replace changes what is given and nothing else", () => {
  const policy = new Policy({ preset: "stamina", timeout: "10s" });
  const changed = policy.replace({ attempts: 2 });
  assert.deepEqual({ ...policy.toJSON(), attempts: 2 }, changed.toJSON());
  assert.equal(policy.toJSON().attempts, 10);
  assert.deepEqual(codes(() => policy.replace({ attempts: 0 })), ["out_of_range@/attempts"]);
});

test("undefined is as good as not written", () => {
  assert.equal(new Policy({ attempts: undefined, classes: { timeout: { attempts: undefined } } }).equals(new Policy()), true);
});

test("durations: numbers are milliseconds, text has its unit, Temporal's own count", () => {
  const timeout = (timeout) => new Policy({ timeout }).toJSON().timeout;
  assert.equal(timeout(1500), "1500ms");
  assert.equal(timeout(1.001), "1001us");
  assert.equal(timeout("2m"), "2m");
  assert.equal(timeout(2000n), "2s");
  const temporal = { [Symbol.toStringTag]: "Temporal.Duration", total: (unit) => (unit === "microseconds" ? 1_500_000.7 : NaN) };
  assert.equal(timeout(temporal), "1500ms");
  assert.equal(timeout({ ...temporal, total: () => 1e6 }), "1s");
  assert.deepEqual(codes(() => Policy.parse({ timeout: 5 })), ["bare_number@/timeout"]);
});

test("numbers that no option takes are refused, never bent", () => {
  for (const value of [NaN, Infinity, -Infinity, -1, 1e300, -0.5]) {
    assert.equal(codes(() => new Policy({ attempts: value })).length, 1, String(value));
    assert.equal(codes(() => new Policy({ timeout: value })).length, 1, String(value));
    assert.equal(codes(() => new Policy({ factor: value })).length, 1, String(value));
    assert.equal(codes(() => new Policy({ jitter: { proportional: value } })).length, 1, String(value));
  }
});

test("kinds that JSON has not are named in the refusal", () => {
  const text = (value) => problems(() => new Policy({ attempts: value }))[0].text;
  assert.match(text(() => {}), /a function/i);
  assert.match(text(Symbol("x")), /a symbol/);
  assert.match(text(new Date(0)), /a Date/);
  assert.match(text(new Map()), /a Map/);
  assert.match(problems(() => new Policy("standard"))[0].text, /standard/);
});

test("fifty mistakes are fifty problems, one a line", () => {
  const options = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`wrong${i}`, i]));
  const found = problems(() => new Policy(options));
  assert.deepEqual(found.map(({ pointer }) => pointer), Object.keys(options).map((name) => `/${name}`));
  assert.equal(new PolicyError(found).message.split("\n").length, 50);
});

test("ten thousand mistakes too; a policy beyond all bounds says so", () => {
  const many = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`w${i}`, i]));
  assert.equal(problems(() => new Policy(many)).length, 3000);
  assert.deepEqual(codes(() => new Policy({ preset: "x".repeat(70_000) })), ["text_too_long@"]);
  assert.deepEqual(codes(() => new Policy(Object.fromEntries(Array.from({ length: 30_000 }, (_, i) => [`w${i}`, i])))), ["text_too_long@"]);
});

test("an object that contains itself ends", () => {
  const circle = { classes: {} };
  circle.classes.timeout = circle;
  assert.ok(problems(() => new Policy(circle)).length > 0);
  assert.ok(problems(() => Policy.parse(JSON.parse("[".repeat(5000) + "]".repeat(5000)))).length > 0);
});

test("both spellings of one option are one option twice", () => {
  assert.deepEqual(codes(() => new Policy({ maxDelay: "5s", max_delay: "6s" })), ["duplicate_option@/max_delay"]);
});

test("what peers call an option is named in the refusal", () => {
  assert.match(problems(() => new Policy({ retries: 3 }))[0].text, /attempts.* is retries \+ 1/);
});

test("JSON that is none is a PolicyError", () => {
  assert.deepEqual(codes(() => Policy.parse("{")), ["not_json@"]);
  assert.deepEqual(codes(() => Policy.parse("")), ["not_json@"]);
  assert.equal(problems(() => Policy.parse("[]")).length, 1);
});

test("schedule repeats itself, by seed and call, and by call seed", () => {
  const policy = new Policy();
  assert.deepEqual(policy.schedule({ seed: 42n }), policy.schedule({ seed: "42", call: 1 }));
  assert.deepEqual(policy.schedule({ seed: 42 }), policy.schedule({ seed: 42n }));
  assert.notDeepEqual(policy.schedule({ seed: 42n, call: 2 }), policy.schedule({ seed: 42n }));
  assert.notDeepEqual(policy.schedule(), policy.schedule());
  assert.equal(policy.schedule().length, 9);
  for (const ms of policy.schedule({ seed: 1n })) assert.equal(Math.round(ms * 1000) / 1000, ms);
});

test("schedule of as many attempts as asked for, at most 100 000", () => {
  const policy = new Policy({ jitter: "decorrelated", attempts: null });
  assert.equal(policy.schedule({ seed: 1n, attempts: 100_000 }).length, 99_999);
  assert.deepEqual(policy.schedule({ seed: 1n, attempts: 20_000 }).slice(0, 50), policy.schedule({ seed: 1n, attempts: 51 }));
  assert.deepEqual(policy.schedule({ attempts: 1 }), []);
  for (const attempts of [undefined, 0, 1.5, NaN, 100_001]) assert.throws(() => policy.schedule({ attempts }), RangeError);
  assert.throws(() => policy.schedule({ attempts: 2, seed: 1n, callSeed: 1n }), TypeError);
  assert.throws(() => policy.schedule({ attempts: 2, callSeed: "-1" }), /^RangeError: callSeed/);
});

test("readHint counts dates from the response's own clock, else from now", () => {
  assert.equal(readHint({ "retry-after": "2" }), 2000);
  assert.equal(readHint({ "retry-after": "0.0000015" }), 0.002);
  assert.equal(readHint({}), undefined);
  assert.equal(readHint({ "retry-after": "-1" }), undefined);
  const at = (text) => new Date(text).toUTCString();
  assert.equal(readHint({ "retry-after": at("2030-01-01T00:00:10Z"), date: at("2030-01-01T00:00:00Z") }), 10_000);
  assert.equal(readHint({ "retry-after": at("2030-01-01T00:00:10Z") }, { now: Date.parse("2030-01-01T00:00:07Z") }), 3000);
  assert.equal(readHint({ "retry-after": "x".repeat(1e6), "retry-after-ms": "5" }), 5);
  assert.equal(readHint(Object.fromEntries(Array.from({ length: 1e4 }, (_, i) => [`x-${i}`, "y".repeat(99)]).concat([["retry-after", "1"]]))), 1000);
});

test("the version is the package's", async () => {
  const { default: manifest } = await import("undaunted/package.json", { with: { type: "json" } });
  assert.equal(version, manifest.version);
});
