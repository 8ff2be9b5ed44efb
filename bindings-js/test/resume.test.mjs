import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget, history, onEvent, Policy, PolicyError, retry } from "undaunted";
import { Breaker } from "undaunted/guards";
import { explain } from "undaunted/lab";
import { resume, Resumed, resumeToken } from "undaunted/resume";

const service = new Policy({ attempts: 3, initial: 1, maxDelay: 1 });
const queue = new Policy({ attempts: 9, timeout: "24h" });

/** The error of a call that is given up, and the seed of its waits. */
async function givenUp(policy = service, error = reset) {
  let callSeed;
  const thrown = await policy.run(() => { throw error(); }, { onEvent: (event) => (callSeed = event.callSeed ?? callSeed) }).then(assert.fail, (error) => error);
  return [thrown, callSeed];
}

function reset() {
  return Object.assign(new Error("down"), { code: "ECONNRESET" });
}

test("attempts, seed and times are handed over", async () => {
  const [error, callSeed] = await givenUp();
  const found = JSON.parse(await resumeToken(error));
  assert.deepEqual([found.version, found.attempts, found.reason, found.class, found.call_seed], [1, 3, "attempts", "transient", callSeed]);
  assert.ok(Math.abs(found.made_at_us / 1000 - Date.now()) < 60_000);
  assert.ok(found.elapsed_us / 1000 >= history(error).at(-1).elapsed - 1);
});

test("the next waits are those of the seed", async () => {
  const [error, callSeed] = await givenUp();
  const waits = queue.schedule({ callSeed });
  let call = await resume(queue, await resumeToken(error));
  assert.ok(call instanceof Resumed);
  assert.deepEqual([call.attempt, call.delay, call.reason], [4, waits[2], undefined]);
  for (let n = 3; n < 7; n++) {
    assert.equal(await call.failed(reset()), waits[n]);
    call = await resume(queue, await call.token());
    assert.deepEqual([call.attempt, call.delay], [n + 2, 0]); // it was waited for
  }
});

test("calls that go on between change nothing", async () => {
  const [error, callSeed] = await givenUp();
  const [other] = await givenUp();
  const token = await resumeToken(error);
  const call = await resume(queue, token);
  const beside = await resume(queue, await resumeToken(other));
  await beside.failed(reset());
  await givenUp();
  assert.equal(await call.failed(reset()), queue.schedule({ callSeed })[3]);
  assert.equal(JSON.parse(await call.token()).call_seed, callSeed);
});

test("it ends where the queue's policy ends it", async () => {
  const [error] = await givenUp();
  const call = await resume({ attempts: 4 }, await resumeToken(error));
  assert.equal(await call.failed(reset()), undefined);
  assert.deepEqual([call.delay, call.reason], [undefined, "attempts"]);
  assert.equal(JSON.parse(await call.token()).attempts, 4);
  const none = await resume(service, await resumeToken(error));
  assert.deepEqual([none.delay, none.reason], [undefined, "attempts"]);
});

test("what was permanent stays so", async () => {
  const [error] = await givenUp(service, () => new TypeError("a bug"));
  const call = await resume(queue, await resumeToken(error));
  assert.deepEqual([call.delay, call.reason], [undefined, "permanent"]);
});

test("errors are judged by on", async () => {
  const [error] = await givenUp();
  class Busy extends Error {}
  const call = await resume(queue, await resumeToken(error), { on: Busy });
  assert.notEqual(await call.failed(new Busy()), undefined);
  assert.equal(await call.failed(reset()), undefined);
});

test("without a token a call of its own begins", async () => {
  const call = await resume(queue, undefined, { seed: 5 });
  assert.deepEqual([call.attempt, call.delay], [1, 0]);
  await assert.rejects(call.token(), /before its first failure/);
  assert.equal(await call.failed(reset()), queue.schedule({ seed: 5 })[0]);
  assert.equal(call.attempt, 2);
  call.succeeded();
});

test("an attempt that was refused after its wait is due", async () => {
  const { performance } = globalThis;
  const { now } = performance;
  const late = new Policy({ timeout: "2s", backoff: ["1ms"], jitter: "none", attempts: 5 });
  try {
    const onRetry = () => (performance.now = () => now.call(performance) + 3000);
    const error = await late.run(() => { throw reset(); }, { onRetry }).then(assert.fail, (error) => error);
    const token = JSON.parse(await resumeToken(error));
    assert.deepEqual([history(error).at(-1).reason, token.attempts, token.reason], ["timeout", 1, null]);
    const call = await resume(queue, JSON.stringify(token));
    assert.deepEqual([call.attempt, call.delay], [2, 0]);
  } finally {
    performance.now = now;
  }
});

test("the server's hint goes with it", async () => {
  const [error] = await givenUp(new Policy({ timeout: "10s" }), () => Object.assign(new Error("busy"), { status: 503, headers: new Headers({ "retry-after": "100" }) }));
  assert.equal(JSON.parse(await resumeToken(error)).reason, "hint_too_long");
  assert.ok((await resume(queue, await resumeToken(error))).delay >= 100_000);
});

test("time between the processes counts", async () => {
  const [error] = await givenUp();
  const token = JSON.parse(await resumeToken(error));
  const anHourAgo = JSON.stringify({ ...token, made_at_us: token.made_at_us - 3_600_000_000 });
  const call = await resume({ attempts: 9, timeout: "1h" }, anHourAgo);
  assert.deepEqual([call.delay, call.reason], [undefined, "timeout"]);
  assert.ok(call.elapsed > 3_600_000);
});

test("hooks hear of it", async () => {
  const [error] = await givenUp();
  const events = [];
  const note = ({ kind, attempt, reason }) => events.push([kind, attempt, reason]);
  const off = onEvent(note);
  const call = await resume({ attempts: 5 }, await resumeToken(error), { onEvent: note });
  await call.failed(reset());
  await call.failed(reset());
  off();
  const own = [["scheduled", 4, undefined], ["gave_up", 5, "attempts"]];
  assert.deepEqual(events, own.flatMap((event) => [event, event]));
});

test("its events replay its waits", async () => {
  const [error, callSeed] = await givenUp();
  const events = [];
  const options = { onEvent: (event) => events.push(event) };
  const handedOn = await resume(queue, await resumeToken(error), options);
  const begun = await resume(queue, undefined, { ...options, seed: "18446744073709551615", call: 3 });
  for (const call of [handedOn, begun]) await call.failed(reset());
  assert.deepEqual(events.map((event) => [event.attempt, event.callSeed === callSeed]), [[4, true], [1, false]]);
  for (const { attempt, callSeed, delay } of events) {
    assert.equal(queue.schedule({ callSeed })[attempt - 1], delay);
    const explained = explain(queue, Array.from({ length: attempt }, reset), { callSeed });
    assert.equal([...explained][attempt - 1].delay, delay);
  }
  assert.equal(events[1].delay, queue.schedule({ seed: "18446744073709551615", call: 3 })[0]);
});

test("a budget pays for what the queue retries", async () => {
  const budget = new Budget("resume.test", { capacity: 2, cost: 1 });
  const policy = new Policy({ attempts: 9, budget: "resume.test" });
  const [error] = await givenUp();
  const call = await resume(policy, await resumeToken(error));
  assert.deepEqual([call.attempt, budget.tokens], [4, 1]);
  assert.notEqual(await call.failed(reset()), undefined);
  assert.equal(budget.tokens, 0);
  assert.equal(await call.failed(reset()), undefined);
  assert.equal(call.reason, "budget");
});

test("a breaker ends a schedule, and counts none of its attempts", async () => {
  const policy = new Policy({ attempts: 9, breaker: { name: "resume.test", windowCalls: 1, minCalls: 1, initial: "1h", maxDelay: "1h" } });
  const [error] = await givenUp();
  const call = await resume(policy, await resumeToken(error));
  assert.notEqual(await call.failed(reset()), undefined);
  call.succeeded();
  assert.equal(policy.breaker.snapshot().calls, 0);
  await assert.rejects(new Breaker(policy.breaker.toJSON()).run(() => { throw reset(); }), { code: "ECONNRESET" });
  assert.equal(await call.failed(reset()), undefined);
  assert.equal(call.reason, "breaker_open");
  assert.ok(call.hint > 1.7e6 && call.hint <= 3.6e6, String(call.hint));
});

test("an error on which no call gave up has no token", async () => {
  await assert.rejects(resumeToken(new Error("nobody")), { name: "TypeError", message: /allowed one on which a retried call gave up/ });
  await assert.rejects(resumeToken("text"), TypeError);
});

for (const key of ["secret", new TextEncoder().encode("secret"), "schlüssel"]) {
  test(`a signed token is read with its key: ${key}`, async () => {
    const [error] = await givenUp();
    const call = await resume(queue, await resumeToken(error, { key }), { key });
    await call.failed(reset());
    assert.equal((await resume(queue, await call.token(), { key })).attempt, 5);
  });
}

async function codes(token, key) {
  const error = await resume(queue, token, { key }).then(assert.fail, (error) => error);
  assert.ok(error instanceof PolicyError, String(error));
  assert.ok(key === undefined || !error.message.includes(key));
  return error.problems.map(({ code }) => code);
}

test("signatures that are wrong are refused", async () => {
  const [error] = await givenUp();
  const [plain, signed] = [await resumeToken(error), await resumeToken(error, { key: "secret" })];
  assert.deepEqual(await codes(plain, "secret"), ["missing_signature"]);
  assert.deepEqual(await codes(signed), ["unexpected_signature"]);
  assert.deepEqual(await codes(signed, "another"), ["wrong_signature"]);
  assert.deepEqual(await codes(signed.replace('"attempts":3', '"attempts":1'), "secret"), ["wrong_signature"]);
  assert.deepEqual(await codes(signed.slice(0, -1), "secret"), ["wrong_signature"]);
  assert.deepEqual(await codes(`${signed}ü`, "secret"), ["wrong_signature"]);
  for (let at = 0; at < signed.length; at++) {
    for (let bit = 1; bit < 256; bit <<= 1) {
      const flipped = signed.slice(0, at) + String.fromCharCode(signed.charCodeAt(at) ^ bit) + signed.slice(at + 1);
      const [code, ...rest] = await codes(flipped, "secret");
      assert.ok((code === "wrong_signature" || code === "missing_signature") && !rest.length, `${flipped}: ${code}`);
    }
  }
});

test("what is no token is refused", async () => {
  assert.deepEqual(await codes("{"), ["not_json"]);
  assert.deepEqual(await codes("[]"), ["wrong_kind"]);
  assert.equal((await codes('{"version": 2}'))[0], "unsupported_version");
  assert.deepEqual(await codes(" ".repeat(5000)), ["text_too_long"]);
  await assert.rejects(resume(queue, {}), { name: "TypeError", message: /allowed text/ });
});

test("what is no key is refused and not told", async () => {
  const [error] = await givenUp();
  await assert.rejects(resumeToken(error, { key: "" }), /the key is empty/);
  await assert.rejects(resume(queue, undefined, { key: 987654321 }), (error) => !error.message.includes("987654321") && /the key is/.test(error.message));
});

test("retry leaves a token, too", async () => {
  const error = await retry(() => { throw reset(); }, { attempts: 1 }).then(assert.fail, (error) => error);
  assert.equal(JSON.parse(await resumeToken(error)).attempts, 1);
});
