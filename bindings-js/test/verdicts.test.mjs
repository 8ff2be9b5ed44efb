import assert from "node:assert/strict";
import { test } from "node:test";
import { again, GaveUp, history, HttpError, ok, Policy, PolicyError, retry, stop } from "undaunted";
import { lost, rejection, throwing, virtual } from "./clock.mjs";

class Ours extends Error {}
class OursToo extends TypeError {}

async function calls(error, options) {
  const fn = throwing(error);
  await retry(fn, { attempts: 2, ...options }).catch(() => {});
  return fn.contexts.length;
}

test("without on the tables decide, and what they do not know is not retried", virtual(async () => {
  assert.equal(await calls(lost()), 2);
  assert.equal(await calls(new Ours()), 1);
  assert.equal(await calls("a text"), 1);
}));

test("classes make unknown errors retried, and refuse what they do not name", virtual(async () => {
  assert.equal(await calls(new Ours(), { on: Ours }), 2);
  assert.equal(await calls(new Ours(), { on: [TypeError, Ours] }), 2);
  assert.equal(await calls(new Ours(), { on: [] }), 1);
  assert.equal(await calls(lost(), { on: Ours }), 1);
  assert.equal(await calls("a text", { on: Ours }), 1);
}));

test("any is everything but aborts, and what a table calls permanent stays so", virtual(async () => {
  for (const error of [new Ours(), new TypeError("x"), "a text", undefined, null, 0]) assert.equal(await calls(error, { on: "any" }), 2);
  assert.equal(await calls(Object.assign(new Error("gone"), { status: 404 }), { on: "any" }), 1);
  assert.equal(await calls(lost("CERT_HAS_EXPIRED"), { on: "any" }), 1);
}));

test("a predicate decides alone: even for what a table calls permanent", virtual(async () => {
  const gone = Object.assign(new Error("gone"), { status: 404 });
  assert.equal(await calls(gone, { on: (error) => error === gone }), 2);
  assert.equal(await calls(lost(), { on: () => false }), 1);
}));

test("a predicate may answer with the wait itself, exact and above max_delay", virtual(async (clock) => {
  for (const [answer, ms] of [[1500, 1500], ["20s", 20_000], ["0s", 0], [0.5, 1]]) {
    clock.armed.length = 0;
    assert.equal(await retry(throwing(new Ours()), { on: () => answer }), "done");
    assert.deepEqual(clock.armed, [ms]);
  }
}));

test("timeout and attempts hold for a predicate's waits", virtual(async () => {
  const { error } = await rejection(retry(throwing(lost()), { on: () => "46s" }));
  assert.equal(history(error)[0].reason, "timeout");
  assert.equal(await calls(new Ours(), { on: () => true, attempts: 1 }), 1);
}));

test("a predicate that answers nonsense is told so, with the error it was asked about as cause", async () => {
  for (const answer of [undefined, null, {}, Promise.resolve(true), NaN, -1, Infinity, 1e300, "soon", "5"]) {
    const asked = lost();
    const { error } = await rejection(retry(throwing(asked), { on: () => answer }));
    assert.ok(error instanceof TypeError || error instanceof RangeError, String(answer));
    assert.notEqual(error, asked);
    assert.match(error.message, /^on /);
  }
});

test("a predicate that throws ends the call with what it threw", async () => {
  const mine = new Ours();
  const on = () => {
    throw mine;
  };
  assert.equal((await rejection(retry(throwing(lost()), { on }))).error, mine);
});

test("mistakes in the program are not retried unless named", virtual(async () => {
  for (const Kind of [TypeError, SyntaxError, RangeError, ReferenceError, EvalError, URIError]) {
    assert.equal(await calls(new Kind("bug")), 1);
    assert.equal(await calls(new Kind("bug"), { on: Error }), 1);
    assert.equal(await calls(new Kind("bug"), { on: Kind }), 2);
  }
  assert.equal(await calls(new OursToo(), { on: OursToo }), 2);
  assert.equal(await calls(new TypeError("fetch failed", { cause: lost() }), { on: Error }), 2);
}));

test("stop ends the call with the error as it came, also where on would repeat it", async () => {
  for (const error of [lost(), "a text", undefined, 7, null]) {
    const fn = async () => {
      throw stop(error);
    };
    assert.equal((await rejection(retry(fn, { on: () => true }))).error, error);
  }
});

test("again repeats what no table knows, after the wait given", virtual(async (clock) => {
  assert.equal(await retry(throwing(again(new Ours(), { after: "90ms" }))), "done");
  assert.deepEqual(clock.armed, [90]);
  assert.equal(await retry(throwing(again("text", { after: 5 })), { on: Ours }), "done");
  assert.throws(() => again(new Ours(), { after: -1 }), RangeError);
  assert.throws(() => again(new Ours(), { after: "1 fortnight" }), /after is no wait/);
}));

test("again keeps the class of a known failure, so its own limit holds", virtual(async () => {
  assert.equal(await calls(again(lost("ETIMEDOUT")), { attempts: 5, classes: { timeout: { attempts: 1 } } }), 1);
}));

test("retryIfResult repeats results; the last one is in GaveUp", virtual(async (clock) => {
  let n = 0;
  assert.equal(await retry(() => ++n, { retryIfResult: (value) => value < 3 }), 3);
  const { error } = await rejection(retry(async () => ({ state: "pending" }), { attempts: 3, retryIfResult: ({ state }) => state !== "done" }));
  assert.ok(error instanceof GaveUp);
  assert.deepEqual(error.result, { state: "pending" });
  assert.deepEqual(history(error).map(({ reason }) => reason), [undefined, undefined, "attempts"]);
  clock.armed.length = 0;
  await rejection(retry(() => 1, { attempts: 2, retryIfResult: () => "70ms" }));
  assert.deepEqual(clock.armed, [70]);
}));

test("a retryIfResult that throws or answers nonsense ends the call", async () => {
  const mine = new Ours();
  const throws = () => {
    throw mine;
  };
  assert.equal((await rejection(retry(() => 1, { retryIfResult: throws }))).error, mine);
  assert.ok((await rejection(retry(() => 1, { retryIfResult: () => "x" }))).error instanceof RangeError);
});

test("functions that return or throw at once work like the others", virtual(async () => {
  assert.equal(await retry(() => 5), 5);
  assert.equal(await retry(() => undefined), undefined);
  let n = 0;
  const fails = () => {
    if (++n < 3) throw lost();
    return n;
  };
  assert.equal(await retry(fails), 3);
  assert.equal(await retry(() => ({ then: (resolve) => resolve("thenable") })), "thenable");
  const bad = { get then() { throw new Ours(); } };
  assert.ok((await rejection(retry(() => bad))).error instanceof Ours);
}));

test("whatever is thrown comes back the same", virtual(async () => {
  const frozen = Object.freeze(new Error("frozen"));
  for (const value of [undefined, null, 0, NaN, "", "text", Symbol("s"), 10n, {}, () => {}, frozen, new Proxy({}, {})]) {
    const fn = async () => {
      throw value;
    };
    assert.ok(Object.is((await rejection(retry(fn, { on: "any", attempts: 2 }))).error, value));
  }
}));

test("an error whose every property throws is unknown, and comes back", async () => {
  const nasty = new Proxy({}, { get() { throw new Error("hands off"); } });
  const fn = async () => {
    throw nasty;
  };
  assert.equal((await rejection(retry(fn))).error, nasty);
});

test("arguments of the wrong kind reject, and say what is allowed", async () => {
  const f = () => 1;
  for (const [fn, options, text] of [
    [undefined, undefined, /a function/],
    [f, { on: "all" }, /^on is a string/],
    [f, { on: ["x"] }, /^on is/],
    [f, { onRetry: 5 }, /^onRetry is 5, allowed a function/],
    [f, { signal: {} }, /^signal is/],
    [f, { seed: -1n }, /^seed is -1/],
    [f, { seed: 2n ** 64n }, /^seed is/],
    [f, { seed: 1.5 }, /^seed is/],
    [f, { call: 0 }, /^call is 0/],
    [f, { policy: new Policy(), attempts: 3 }, /attempts stands beside policy/],
    [f, { retries: 3 }, /retries is not an option/],
    [f, 5, /^options is 5, allowed an object/],
    [f, null, /^options is null/],
  ]) {
    const { error } = await rejection(retry(fn, options));
    assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
    assert.match(error.message, text);
  }
  const { error } = await rejection(new Policy().run(f, { attempts: 3 }));
  assert.match(error.message, /^attempts is no option of a call/);
});

test("a wrong inline policy rejects with every mistake", async () => {
  const { error } = await rejection(retry(() => 1, { attempts: 0, initial: "x" }));
  assert.ok(error instanceof PolicyError);
  assert.equal(error.problems.length, 2);
});

test("ok lets a good response through and throws an HttpError for any other", async () => {
  const good = new Response("fine");
  assert.equal(ok(good), good);
  const bad = new Response("busy", { status: 503, statusText: "Busy", headers: { "retry-after": "7" } });
  assert.throws(() => ok(bad, { method: "POST" }), (error) => {
    assert.ok(error instanceof HttpError);
    assert.deepEqual([error.message, error.status, error.hint, error.method, error.response], ["HTTP 503 Busy", 503, 7000, "POST", bad]);
    return true;
  });
});

test("the hint of an HttpError is a floor under the wait", virtual(async (clock) => {
  const busy = () => ok(new Response(null, { status: 429, headers: { "retry-after": "7" } }));
  let n = 0;
  await retry(() => (++n === 1 ? busy() : n), { jitter: "none" });
  assert.deepEqual(clock.armed, [7000]);
  const far = () => ok(new Response(null, { status: 429, headers: { "retry-after": "3000" } }));
  const { error } = await rejection(retry(far));
  assert.deepEqual(history(error).map(({ reason, hint }) => [reason, hint]), [["hint_too_long", 3_000_000]]);
}));
