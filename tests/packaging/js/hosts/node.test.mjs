import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { retry } from "undaunted";

const turn = () => new Promise(setImmediate);

test("a retry waits by node:test's mock timers", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let calls = 0;
  const failsTwice = () => {
    if (++calls < 3) throw Object.assign(new Error("lost"), { code: "ECONNRESET" });
    return calls;
  };
  const call = retry(failsTwice, { initial: "1h", maxDelay: "1h", jitter: "none", timeout: null });
  for (const wanted of [2, 3]) {
    await turn();
    mock.timers.tick(3_599_999);
    await turn();
    assert.equal(calls, wanted - 1);
    mock.timers.tick(1);
    await turn();
    assert.equal(calls, wanted);
  }
  assert.equal(await call, 3);
});
