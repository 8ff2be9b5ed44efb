const { retry } = require("undaunted");
const { testing } = require("undaunted/testing");

test("a retry waits by jest's fake timers", async () => {
  jest.useFakeTimers();
  let calls = 0;
  const failsTwice = () => {
    if (++calls < 3) throw Object.assign(new Error("lost"), { code: "ECONNRESET" });
    return calls;
  };
  const call = retry(failsTwice, { initial: "1h", maxDelay: "1h", jitter: "none", timeout: null });
  await jest.advanceTimersByTimeAsync(3_599_999);
  expect(calls).toBe(1);
  await jest.advanceTimersByTimeAsync(1);
  expect(calls).toBe(2);
  await jest.advanceTimersByTimeAsync(3_600_000);
  expect(await call).toBe(3);
  expect(jest.getTimerCount()).toBe(0);
});

test("undaunted/testing gets along with them", async () => {
  const t = testing({ script: [503, "reset"] });
  expect(await retry(() => "done", { initial: "1h", maxDelay: "1h", jitter: "none", timeout: null })).toBe("done");
  expect(t.waits).toEqual([3_600_000, 3_600_000]);
  t.close();
});
