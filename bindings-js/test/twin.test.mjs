import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as js from "undaunted/js";
import * as adapted from "undaunted";

const require = createRequire(import.meta.url);
const MAIN = process.execArgv.includes("--conditions=workerd") ? "js" : "wasm";

test("undaunted/js has the twin, and the main entry has it where the host's condition says so", () => {
  assert.equal(js.backend(), "js");
  assert.equal(require("undaunted/js").backend(), "js");
  assert.equal(adapted.backend(), MAIN);
  assert.equal(require("undaunted").backend(), MAIN);
  assert.deepEqual(Object.keys(js), Object.keys(adapted));
});

test("both engines draw the same waits and refuse with the same words", () => {
  const told = ({ Policy }) => {
    try {
      return new Policy({ attempts: 0, jitter: "half", maxDelay: "x" });
    } catch (error) {
      return error.message;
    }
  };
  assert.equal(typeof told(js), "string");
  assert.equal(told(js), told(require("undaunted")));
  const waits = ({ Policy }) => new Policy({ attempts: 60, timeout: null }).schedule({ seed: 2n ** 63n + 7n, call: 3 });
  assert.deepEqual(waits(js), waits(require("undaunted")));
});

test("the two know each other's policies and errors", async () => {
  const wasm = require("undaunted");
  const lost = Object.assign(new Error("lost"), { code: "ECONNRESET" });
  const fails = () => { throw lost; };
  for (const [one, other] of [[js, wasm], [wasm, js]]) {
    const error = await one.retry(fails, new other.Policy({ attempts: 3, initial: "1ms", jitter: "none" })).catch((error) => error);
    assert.equal(error, lost);
    assert.deepEqual(other.history(error).map(({ delay }) => delay), [1, 2, undefined]);
  }
});
