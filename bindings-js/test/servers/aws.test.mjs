import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget, Policy } from "undaunted";
import { retryStrategy } from "undaunted/adapters/aws";
import { quick, serve } from "../server.mjs";
import { driver, rejected, witness } from "./drivers.mjs";

const { GetCallerIdentityCommand, STSClient } = driver("@aws-sdk/client-sts");

const IDENTITY = {
  status: 200,
  headers: { "content-type": "text/xml" },
  body: `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>123</Account>
    </GetCallerIdentityResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>`,
};
const refused = (status, code, headers = {}) => ({
  status,
  headers: { "content-type": "text/xml", ...headers },
  body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error>
    <RequestId>1</RequestId></ErrorResponse>`,
});

/** A client of a server that answers by script. */
async function client(context, answers, policy = {}, told = undefined) {
  const { url, seen: requests } = await serve(context, ...answers);
  const trial = witness(told);
  const sts = new STSClient({
    endpoint: url, region: "us-east-1", credentials: { accessKeyId: "a", secretAccessKey: "b" },
    retryStrategy: retryStrategy({ ...quick, ...policy }, { onEvent: trial.onEvent }),
  });
  context.after(() => sts.destroy());
  return { ...trial, requests, ask: (options) => sts.send(new GetCallerIdentityCommand({}), options) };
}

test("throttling, statuses and lost connections are retried", async (context) => {
  const { ask, requests, seen } = await client(context, [
    refused(400, "ThrottlingException"), { status: 503, body: "" }, (request) => request.resume().socket.destroy(), IDENTITY,
  ]);
  const { Account, $metadata } = await ask();
  assert.equal(Account, "123");
  assert.deepEqual(seen, ["throttle retried", "transient retried", "transient retried"]);
  assert.deepEqual([$metadata.attempts, requests.length], [4, 4]);
  assert.ok($metadata.totalRetryDelay >= 3, `${$metadata.totalRetryDelay}`);
  assert.deepEqual(requests.map(({ headers }) => headers["amz-sdk-request"].split(";")[0]), [1, 2, 3, 4].map((n) => `attempt=${n}`));
});

test("an error of the request is not, and thrown as it came", async (context) => {
  const { ask, requests, seen } = await client(context, [refused(400, "ValidationError")]);
  const error = await rejected(ask());
  assert.deepEqual([error.name, error.$metadata.attempts, requests.length], ["ValidationError", 1, 1]);
  assert.deepEqual(seen, ["permanent permanent"]);
});

test("the policy's limits hold, and not the SDK's", async (context) => {
  const { ask, requests, seen } = await client(context, [refused(400, "Throttling")], { attempts: 6 });
  const error = await rejected(ask());
  assert.deepEqual([error.name, error.$metadata.attempts, requests.length], ["Throttling", 6, 6]);
  assert.equal(seen.at(-1), "throttle attempts");
});

test("a wait that the server asks for is kept, or ends the call", async (context) => {
  const delays = [];
  const { ask, seen } = await client(context, [
    refused(429, "TooManyRequestsException", { "x-amz-retry-after": "30" }), refused(503, "ServiceUnavailable", { "retry-after": "86400" }),
  ], {}, ({ delay }) => delays.push(delay));
  assert.equal((await rejected(ask())).name, "ServiceUnavailable");
  assert.ok(delays[0] >= 30, `${delays}`);
  assert.deepEqual(seen, ["throttle retried", "throttle hint_too_long"]);
});

test("a budget is shared by all calls of a strategy", async (context) => {
  const budget = new Budget("aws adapter", { capacity: 1 });
  const { ask, requests, seen } = await client(context, [{ status: 503, body: "" }], { budget, classes: { transient: { cost: 1 } } });
  await rejected(ask());
  await rejected(ask());
  assert.deepEqual([requests.length, seen], [3, ["transient retried", "transient budget", "transient budget"]]);
});

test("a source of policies is asked at the start of each call", async () => {
  let attempts = 1;
  const strategy = retryStrategy({ current: () => new Policy({ ...quick, attempts: attempts++ }) });
  const counts = [];
  for (const _ of [1, 2]) {
    let token = await strategy.acquireInitialRetryToken("");
    await assert.rejects(async () => {
      for (;;) token = await strategy.refreshRetryTokenForRetry(token, { error: Object.assign(new Error("lost"), { code: "ECONNRESET" }) });
    });
    counts.push(token.getRetryCount());
  }
  assert.deepEqual(counts, [0, 1]);
});

test("a process goes on while a failure that came early waits for its turn", async () => {
  const strategy = retryStrategy({ ...quick, maxDelay: "20ms", initial: "20ms", attempts: 3 });
  const token = await strategy.acquireInitialRetryToken("");
  const info = { error: Object.assign(new Error("lost"), { code: "ECONNRESET" }) };
  // Nothing else is there that would keep it: no client, no server.
  for (const _ of [1, 2]) await strategy.refreshRetryTokenForRetry(token, info);
  assert.equal(token.getRetryCount(), 2);
});

test("the request's abortSignal ends a wait", async (context) => {
  const controller = new AbortController();
  const { ask } = await client(context, [{ status: 503, body: "" }], { initial: "60s", maxDelay: "60s", timeout: null }, () => setImmediate(() => controller.abort()));
  assert.equal((await rejected(ask({ abortSignal: controller.signal }))).name, "AbortError");
});
