// Standard decorators: compiled by esbuild, since Node does not know the syntax yet.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { rejection, virtual } from "./clock.mjs";

const { outputFiles: [{ text }] } = await build({
  entryPoints: [fileURLToPath(new URL("decorated.ts", import.meta.url))],
  bundle: true, format: "esm", target: "es2022", platform: "neutral", write: false,
});
const { Flaky, mistakes } = await import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);

test("a method keeps this, its arguments and its name", virtual(async (clock) => {
  const flaky = new Flaky(2);
  assert.equal(await flaky.method(1, "b"), "1 b 3");
  assert.equal(flaky.method.name, "method");
  assert.equal(clock.armed.length, 2);
}));

test("private and static methods are retried like any other", virtual(async () => {
  const flaky = new Flaky(2);
  assert.deepEqual([await flaky.hidden(7), flaky.calls], [7, 3]);
  assert.equal((await rejection(new Flaky(3).hidden(7))).error.code, "ECONNRESET");
  assert.deepEqual([await Flaky.shared(8), Flaky.calls], [8, 2]);
}));

test("a field's function, and whatever an accessor is set to", virtual(async () => {
  const flaky = new Flaky(2);
  assert.deepEqual([await flaky.field(7), flaky.calls], [7, 3]);
  const other = new Flaky(1);
  assert.deepEqual([await other.replaced(7), other.calls], [7, 2]);
  let calls = 0;
  other.replaced = async (a) => {
    if (++calls < 3) throw Object.assign(new Error("lost"), { code: "EPIPE" });
    return a + 1;
  };
  assert.deepEqual([await other.replaced(7), calls], [8, 3]);
}));

test("a source is asked at each call, and options are those of each call", virtual(async (clock) => {
  const flaky = new Flaky(2);
  assert.equal(await flaky.sourced(), 3);
  assert.equal((await rejection(new Flaky(3).sourced())).error.code, "ECONNRESET");
  clock.armed.length = 0;
  const told = new Flaky(0);
  assert.equal((await rejection(told.told())).error.message, "always");
  assert.deepEqual([told.calls, clock.armed], [2, [1000]]);
}));

test("two objects of a class share the policy and nothing else", virtual(async () => {
  const [one, other] = [new Flaky(2), new Flaky(0)];
  assert.deepEqual(await Promise.all([one.method(1, "a"), other.method(2, "b")]), ["1 a 3", "2 b 1"]);
}));

test("standing at anything else is refused, with what may be done", () => {
  assert.throws(mistakes.field, { name: "TypeError", message: /count is no function, allowed/ });
  assert.throws(mistakes.class, { name: "TypeError", message: /stands at a class, allowed a method/ });
  assert.throws(mistakes.getter, { name: "TypeError", message: /stands at a getter, allowed a method/ });
  assert.throws(mistakes.set, { name: "TypeError", message: /made is no function, allowed/ });
});
