// Sources of policies: asked at the start of each call, never without a good one.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { InMemoryProvider, OpenFeature } from "@openfeature/server-sdk";
import { Policy, PolicyError, retry } from "undaunted";
import { retryingFetch } from "undaunted/fetch";
import { flagSource, PolicySource, watchFile } from "undaunted/source";
import { lost, virtual } from "./clock.mjs";

const folder = mkdtempSync(join(tmpdir(), "undaunted-"));
after(() => rmSync(folder, { recursive: true }));

async function attemptsOf(retrying) {
  let calls = 0;
  await retrying(() => {
    calls++;
    throw lost();
  }).catch(() => {});
  return calls;
}

test("a call goes by the policy of its beginning", virtual(async () => {
  const answers = ['{"attempts": 2}', { attempts: 3 }, new Policy({ attempts: 4 })];
  const source = new PolicySource(() => answers[0]);
  for (const wanted of [2, 3, 4]) {
    assert.equal(await attemptsOf((fn) => source.run(fn)), wanted);
    assert.equal(await attemptsOf((fn) => source.wrap(fn)()), wanted);
    assert.equal(await attemptsOf((fn) => retry(fn, source)), wanted);
    assert.equal(await attemptsOf((fn) => retry(fn, { policy: source, name: "x" })), wanted);
    answers.shift();
  }
}));

test("fetch takes a source", virtual(async () => {
  const source = new PolicySource(async () => '{"attempts": 2}');
  assert.equal(await attemptsOf((fn) => retryingFetch(source, { fetch: async () => fn() })("http://127.0.0.1/")), 2);
}));

test("a wrapped function keeps its name, its arguments and this", async () => {
  const client = { base: "b", fetch: new PolicySource(() => ({ attempts: 1 })).wrap(function fetch(path) { return this.base + path; }) };
  assert.equal(await client.fetch("/x"), "b/x");
  assert.equal(client.fetch.name, "fetch");
});

test("a policy is made once for one answer", async () => {
  const source = new PolicySource(() => ({ attempts: 3 }));
  assert.equal(await source.current(), await source.current());
});

test("a bad answer leaves the last good policy and is told once", async () => {
  const told = [];
  let answer = '{"attempts": 3}';
  const source = new PolicySource(() => answer, { onError: (error) => told.push(error) });
  const good = await source.current();
  for (answer of ['{"attempts": 0}', '{"attempts": 0}', "no json", undefined]) assert.equal(await source.current(), good);
  assert.deepEqual(told.map(({ constructor }) => constructor), [PolicyError, PolicyError, PolicyError]);
  answer = '{"attempts": 3}';
  assert.equal(await source.current(), good);
});

test("before the first good policy there is the fallback", async () => {
  const told = [];
  const fails = () => {
    throw new Error("down");
  };
  const source = new PolicySource(fails, { fallback: { attempts: 2 }, onError: (error) => told.push(error.message) });
  assert.equal((await source.current()).toJSON().attempts, 2);
  assert.equal((await new PolicySource(fails, { onError() {} }).current()).dump(), new Policy().dump());
  assert.deepEqual(told, ["down"]);
});

test("a watched file is read again when it has changed", virtual(async (clock) => {
  const path = join(folder, "retry.json");
  const told = [];
  const write = (text, at) => {
    writeFileSync(path, text);
    utimesSync(path, at, at);
  };
  const attempts = async (source) => (await source.current()).toJSON().attempts;
  write('{"attempts": 2}', 1);
  const source = watchFile(path, { every: 5000, onError: (error) => told.push(error.code ?? error.name) });
  write('{"attempts": 3}', 2);
  assert.equal(await attempts(source), 2);
  clock.time += 5000;
  assert.equal(await attempts(source), 3);
  write("trailing", 3);
  clock.time += 5000;
  assert.equal(await attempts(source), 3);
  rmSync(path);
  clock.time += 5000;
  assert.equal(await attempts(source), 3);
  write('{"attempts": 4}', 4);
  clock.time += 5000;
  assert.equal(await attempts(source), 4);
  assert.deepEqual(told, ["PolicyError", "ENOENT"]);
}));

test("a watched file holds no handle, timer or listener, so that there is nothing to dispose of", async () => {
  const path = join(folder, "held.json");
  writeFileSync(path, '{"attempts": 2}');
  const before = process.getActiveResourcesInfo();
  const source = watchFile(path, { every: 0 });
  for (const attempts of [3, 4]) {
    writeFileSync(path, JSON.stringify({ attempts }).padEnd(20 + attempts));
    assert.equal((await source.current()).toJSON().attempts, attempts);
  }
  assert.deepEqual(process.getActiveResourcesInfo(), before);
});

test("a watched file must be right at first", () => {
  assert.throws(() => watchFile(join(folder, "none.json")), { code: "ENOENT" });
  writeFileSync(join(folder, "bad.json"), '{"attempts": 0}');
  assert.throws(() => watchFile(join(folder, "bad.json")), PolicyError);
  assert.throws(() => watchFile(join(folder, "bad.json"), { every: NaN }), /every is NaN, allowed/);
});

test("flags of OpenFeature are policies", async () => {
  const provide = (now) => OpenFeature.setProviderAndWait(new InMemoryProvider(
    now === undefined ? {} : { retry: { variants: { now }, defaultVariant: "now", disabled: false } },
  ));
  const told = [];
  const source = flagSource(OpenFeature.getClient(), "retry", { onError: (error) => told.push(error) });
  const attempts = async () => (await source.current()).toJSON().attempts;
  await provide({ attempts: 2, timeout: "5s" });
  assert.equal(await attempts(), 2);
  assert.equal((await source.current()).version, "now");
  await provide('{"attempts": 3}');
  assert.equal(await attempts(), 3);
  await provide({ attempts: 0 });
  assert.equal(await attempts(), 3);
  assert.ok(told[0] instanceof PolicyError);
  await provide(undefined);
  assert.equal(await attempts(), 3);
  assert.match(told[1].message, /FLAG_NOT_FOUND/);
  await provide({ attempts: 4 });
  assert.equal(await attempts(), 4);
});
