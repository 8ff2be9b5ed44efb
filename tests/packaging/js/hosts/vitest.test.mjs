import { retry } from "undaunted";
import { expect, test, vi } from "vitest";

test("a retry waits by vitest's fake timers", async () => {
  vi.useFakeTimers();
  let calls = 0;
  const failsTwice = () => {
    if (++calls < 3) throw Object.assign(new Error("lost"), { code: "ECONNRESET" });
    return calls;
  };
  const call = retry(failsTwice, { initial: "1h", maxDelay: "1h", jitter: "none", timeout: null });
  await vi.advanceTimersByTimeAsync(3_599_999);
  expect(calls).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(calls).toBe(2);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(await call).toBe(3);
  expect(vi.getTimerCount()).toBe(0);
});
