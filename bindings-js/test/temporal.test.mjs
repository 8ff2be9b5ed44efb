import assert from "node:assert/strict";
import { test } from "node:test";
import { Policy } from "undaunted";
import { failureOptions, policyOf, resumed, retryPolicy } from "undaunted/adapters/temporal";

const policy = new Policy({ attempts: 6, timeout: "24h" });

for (const [options, wanted] of [
  [{}, { initialInterval: 1000, maximumInterval: 10_000, backoffCoefficient: 2, maximumAttempts: 10 }],
  [{ attempts: null }, { initialInterval: 1000, maximumInterval: 10_000, backoffCoefficient: 2 }],
  [{ attempts: 9, initial: 200, factor: 1.5, maxDelay: 3000 }, { initialInterval: 200, maximumInterval: 3000, backoffCoefficient: 1.5, maximumAttempts: 9 }],
  [{ attempts: 3, backoff: "constant", initial: 1.234 }, { initialInterval: 1.234, maximumInterval: 1.234, backoffCoefficient: 1, maximumAttempts: 3 }],
  [{ attempts: 1 }, { maximumAttempts: 1 }],
  [{ attempts: 2 ** 32 - 1, rules: [{ grpc: "UNAVAILABLE", class: "permanent" }] }, { initialInterval: 1000, maximumInterval: 10_000, backoffCoefficient: 2, maximumAttempts: 2 ** 31 - 1 }],
]) {
  test(`a policy as Temporal writes it: ${JSON.stringify(options)}`, () => assert.deepEqual(retryPolicy(options), wanted));
}

for (const given of [{}, { initialInterval: 200, backoffCoefficient: 1.5, maximumInterval: 3000, maximumAttempts: 9 }, { maximumAttempts: 4 }]) {
  test(`Temporal's policy has the same waits here: ${JSON.stringify(given)}`, () => {
    const { initialInterval = 1000, maximumInterval = initialInterval * 100, backoffCoefficient = 2 } = given;
    const found = policyOf(given);
    found.schedule({ attempts: 13 }).forEach((wait, n) => {
      assert.ok(Math.abs(wait - Math.min(maximumInterval, initialInterval * backoffCoefficient ** n)) < 0.01, `retry ${n + 1} after ${wait}`);
    });
    assert.equal(retryPolicy(found).maximumAttempts, given.maximumAttempts);
  });
}

test("both ways give the same", () => {
  const given = { initialInterval: 200, maximumInterval: 3000, backoffCoefficient: 1.5, maximumAttempts: 9 };
  assert.deepEqual(retryPolicy(policyOf(given)), given);
});

/** What Temporal is told of each attempt at an activity, one after the other. */
async function attempts(errors, options) {
  const told = [];
  const numbers = [];
  let heartbeatDetails;
  for (const error of errors) {
    const context = { info: { heartbeatDetails, activityType: "charge" }, heartbeat: (details) => (heartbeatDetails = details) };
    const call = await resumed(context, policy, options);
    numbers.push(call.attempt);
    told.push(await failureOptions(context, error, call));
    if (told.at(-1).nonRetryable) break;
  }
  return [numbers, told];
}

const down = Object.assign(new Error("down"), { code: "ECONNRESET" });

for (const options of [{ seed: 7 }, { seed: 7, key: "a secret" }]) {
  test(`each attempt is told the wait of the seed: ${Object.keys(options)}`, async () => {
    const [numbers, told] = await attempts([down, down, down], options);
    assert.deepEqual(numbers, [1, 2, 3]);
    assert.deepEqual(told.map(({ nextRetryDelay }) => nextRetryDelay), policy.schedule({ seed: 7 }).slice(0, 3));
  });
}

test("what the policy gives up is not retried", async () => {
  const [numbers, told] = await attempts(Array(9).fill(down));
  assert.deepEqual(numbers, [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(told.at(-1), { message: "down", type: "Error", nonRetryable: true, cause: down });
  const [[number], [bug]] = await attempts([new TypeError("a bug")]);
  assert.deepEqual([number, bug.type, bug.nonRetryable], [1, "TypeError", true]);
});
