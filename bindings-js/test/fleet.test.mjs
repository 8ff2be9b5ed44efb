// Guards that a fleet shares, over a store that answers by script.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BreakerOpen, history, Policy } from "undaunted";
import { Breaker, Budget, Bulkhead, share, Store, Throttle } from "undaunted/fleet";
import { Breaker as LocalBreaker, BulkheadFull, Hedge } from "undaunted/guards";
import { retryStrategy } from "undaunted/adapters/ioredis";
import { testing } from "undaunted/testing";
import { lost, virtual } from "./clock.mjs";

const STEADY = { jitter: "none", initial: "1s", maxDelay: "1s", timeout: null };
const never = new Promise(() => {});
let serial = 0;

/** A client of ioredis that answers as `answers` say, one after the other, and then as the last one; and what it was asked. */
function client(...answers) {
  const asked = [];
  const evalsha = (sha, count, ...rest) => {
    asked.push({ sha, keys: rest.slice(0, count), words: rest.slice(count) });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return typeof answer === "function" ? answer(rest.slice(count)) : answer;
  };
  return { asked, evalsha, eval: evalsha };
}

/** A bucket as budget.lua keeps one, of so many tokens. */
function bucket(capacity) {
  const store = { tokens: capacity * 1e6, taken: 0 };
  store.answer = (words) => {
    const [added, owed, price, asks] = words.slice(6).map(Number);
    store.tokens = Math.max(0, Math.min(capacity * 1e6, store.tokens + added) - owed);
    const granted = price > 0 ? Math.min(asks, Math.floor(store.tokens / price)) : asks;
    store.tokens -= granted * price;
    store.taken += granted;
    return Promise.resolve([granted, store.tokens, 2]);
  };
  return store;
}

/** A store over a client, with what it told. */
function shared(redis, options = {}) {
  const told = [];
  const store = new Store(redis, { onEvent: ({ kind, error }) => told.push(error ? `${kind}: ${error.message}` : kind), ...options });
  return { store, told };
}

/** Lets what has been answered come in. */
const settled = () => new Promise((wake) => setImmediate(() => setImmediate(() => setImmediate(wake))));
/** The same, with the clock standing still. */
const turns = async () => { for (let turn = 0; turn < 50; turn++) await null; };
const unique = (name) => `${name} ${++serial}`;
/** A budget without refunds, so that sums say how many retries there were. */
const plain = (store, capacity, options) => new Budget(unique("budget"), store, { capacity, cost: 1, reward: 0, refund: false, ...options });
const fails = () => { throw lost(); };
const reasonOf = (promise) => promise.then(() => "done", (error) => history(error).at(-1).reason);

test("what a policy names is shared with its options", async () => {
  const name = unique("file");
  const policy = Policy.parse({ attempts: 2, initial: "1ms", budget: { name, capacity: 28 }, breaker: { name, min_calls: 3, initial: "7s" } });
  const redis = client(Promise.resolve([1, 28e6, 1, 0, 0, 0, 0, 0, 0, 0]));
  const { store } = shared(redis);
  share(policy, store);
  share(policy, store);
  assert.equal(await policy.run(({ attempt }) => (attempt === 1 ? fails() : "done")), "done");
  const keys = new Set(redis.asked.map(({ keys: [key] }) => key));
  assert.deepEqual(keys, new Set([`undaunted:{${name}}:breaker`, `undaunted:{${name}}:budget`]));
  assert.throws(() => share(policy, shared(client()).store), { message: /is in another store/ });
  assert.throws(() => share(new Policy(), store), { message: /^the policy has neither a budget nor a breaker, allowed one that names either/ });
  await store.close();
});

test("a client of neither kind is refused, and so are wrong options", () => {
  for (const wrong of [undefined, null, 1, {}, { get() {} }, { evalsha() {} }]) {
    assert.throws(() => new Store(wrong), { name: "TypeError", message: /^client is .*, allowed a client of ioredis or node-redis, or a cluster of them$/ });
  }
  assert.throws(() => new Store(client(), { tiemout: 1 }), /^TypeError: tiemout is no option of a store, allowed timeout, every, prefix, onEvent$/);
  assert.throws(() => new Store(client(), { timeout: 0 }), { name: "RangeError", message: /^timeout is 0, allowed a time above 0/ });
  assert.throws(() => new Store(client(), { every: "soon" }), RangeError);
  assert.throws(() => new Store(client(), { onEvent: 1 }), /onEvent is 1, allowed a function/);
  assert.throws(() => new Store(client(), { prefix: 1 }), /prefix is 1, allowed text/);
  assert.throws(() => new Budget("x", {}), /store is an Object, allowed a Store of undaunted\/fleet/);
});

test("each kind of client is asked in its own way, by the script's digest, and by its text where the server does not know that", async () => {
  const calls = [];
  const refuse = () => Promise.reject(new Error("NOSCRIPT No matching script. Please use EVAL."));
  const answer = [1, 9e6, 1];
  const ask = (name, result) => (...words) => (calls.push([name, ...words]), result());
  for (const redis of [
    { evalsha: ask("evalsha", refuse), eval: ask("eval", () => answer) },
    { evalSha: ask("evalSha", refuse), eval: ask("eval", () => answer.map(String)) },
  ]) {
    const { store, told } = shared(redis, { prefix: "mine" });
    const budget = new Budget("name" + calls.length, store);
    assert.equal(await new Policy({ ...STEADY, initial: "1ms", attempts: 2, budget }).run(fails).catch(({ code }) => code), "ECONNRESET");
    assert.deepEqual(told, []);
  }
  const [known, whole, object, wholeObject] = calls;
  assert.match(known[1], /^[0-9a-f]{40}$/);
  assert.deepEqual(known.slice(2, 5), [2, "mine:{name0}:budget", "mine:{name0}:members"]);
  assert.match(whole[1], /redis\.call/);
  assert.deepEqual(whole.slice(2), known.slice(2));
  assert.deepEqual([object[1], wholeObject[1]], [known[1], whole[1]]);
  assert.deepEqual(object[2].keys, ["mine:{name2}:budget", "mine:{name2}:members"]);
  assert.deepEqual(object[2].arguments.slice(0, 4), known.slice(5, 9));
  assert.ok([...known.slice(3), ...object[2].arguments].every((word) => typeof word === "string"));
});

test("a retry is asked for before its wait, and what the answer took is part of the wait", virtual(async (clock) => {
  const redis = client(() => new Promise((wake) => setTimeout(() => wake([1, 4e6, 3]), 30)));
  const { store } = shared(redis);
  const budget = plain(store, 5);
  const seen = [];
  const policy = new Policy({ ...STEADY, budget });
  let count = 0;
  const done = policy.run(() => (count++ ? "done" : fails()), { onEvent: ({ kind, delay }) => seen.push([kind, clock.time, delay]) });
  assert.equal(await done, "done");
  assert.deepEqual(seen, [["attempt", 1000, undefined], ["scheduled", 1030, 1000], ["attempt", 2000, undefined], ["success", 2000, undefined]]);
  assert.equal(budget.tokens, 4);
  assert.deepEqual(redis.asked[0].words.slice(0, 2), ["0", "5"]);
  assert.deepEqual(redis.asked[0].words.slice(5), ["", "0", "0", "1000000", "1"]);
}));

test("calls that fail in the same turn ask together, and the first are granted", async () => {
  const redis = client(([, , , , , , , , price, asks]) => Promise.resolve([Math.min(asks, 3), 0, 1]));
  const { store } = shared(redis);
  const policy = new Policy({ attempts: 2, backoff: [0], jitter: "none", timeout: null, budget: plain(store, 5) });
  const reasons = await Promise.all(Array.from({ length: 5 }, () => reasonOf(policy.run(fails))));
  assert.deepEqual(reasons, ["attempts", "attempts", "attempts", "budget", "budget"]);
  assert.deepEqual(redis.asked.map(({ words }) => words.slice(8)), [["1000000", "5"]]);
});

test("what was granted to calls that were aborted meanwhile is given back", async () => {
  let answer;
  const redis = client(() => new Promise((wake) => (answer = wake)), [0, 0, 1]);
  const { store } = shared(redis, { timeout: "10s" });
  const policy = new Policy({ attempts: 2, backoff: [0], jitter: "none", timeout: null, budget: plain(store, 5) });
  const controller = new AbortController();
  const aborted = [1, 2].map(() => policy.run(fails, { signal: controller.signal }).catch(({ name }) => name));
  const other = reasonOf(policy.run(fails));
  while (!answer) await new Promise(setImmediate);
  controller.abort();
  answer([2, 3e6, 1]);
  assert.deepEqual(await Promise.all([...aborted, other]), ["AbortError", "AbortError", "attempts"]);
  await store.close();
  assert.deepEqual(redis.asked.map(({ words }) => words.slice(6)), [["0", "0", "1000000", "3"], ["1000000", "0", "0", "0"]]);
});

test("what the store refuses ends the call as an empty budget does", virtual(async () => {
  const { store, told } = shared(client(Promise.resolve([0, 0, 1])));
  const seen = [];
  const policy = new Policy({ ...STEADY, budget: plain(store, 5) });
  const error = await policy.run(fails, { onEvent: ({ kind, reason }) => seen.push(reason ?? kind) }).catch((error) => error);
  assert.equal(error.code, "ECONNRESET");
  assert.deepEqual([seen, history(error).at(-1).reason, told], [["attempt", "budget"], "budget", []]);
}));

for (const [what, answer, said] of [
  ["rejects", () => Promise.reject(new Error("READONLY no")), "READONLY no"],
  ["throws", () => { throw new Error("Connection is closed."); }, "Connection is closed."],
  ["says nothing", () => never, "no answer within 50 ms"],
  ["answers with nothing", () => null, "the store answered with something else than 3 whole numbers"],
  ["answers with too little", () => [1], "the store answered with something else than 3 whole numbers"],
  ["answers with words", () => ["yes", "no", {}], "the store answered with something else than 3 whole numbers"],
]) {
  test(`a store that ${what} costs no call, and adds no retry`, virtual(async () => {
    const redis = client(answer);
    const { store, told } = shared(redis);
    const budget = plain(store, 4);
    const policy = new Policy({ ...STEADY, attempts: 2, budget });
    let retries = 0;
    const reasons = await Promise.all(Array.from({ length: 9 }, () => reasonOf(policy.run(fails, { onRetry: () => retries++ }))));
    assert.deepEqual([retries, reasons.filter((reason) => reason === "budget").length, told], [4, 5, [`lost: ${said}`]]);
    await reasonOf(policy.run(fails));
    assert.ok(redis.asked.length <= 10, "calls do not ask a store that is lost");
    assert.equal(budget.tokens, 0);
  }));
}

test("a process that is busy after it asked waits as long again for the answer", async () => {
  const busy = () => {
    for (const end = performance.now() + 1000; performance.now() < end;);
  };
  // The client has no time to send before; the answer takes a while then.
  const redis = client(() => new Promise((wake) => queueMicrotask(() => {
    busy();
    setTimeout(wake, 5, [1, 4e6, 1]);
  })));
  const { store, told } = shared(redis, { timeout: 500 });
  assert.equal(await new Policy({ ...STEADY, initial: "1ms", attempts: 2, budget: plain(store, 5) }).run(fails).catch(({ code }) => code), "ECONNRESET");
  assert.deepEqual(told, []);
  await store.close();
});

test("a store that comes back is told what was taken meanwhile", virtual(async (clock) => {
  const model = bucket(10);
  let isDown = false;
  const { store, told } = shared(client((words) => (isDown ? Promise.reject(new Error("down")) : model.answer(words))));
  const policy = new Policy({ ...STEADY, attempts: 2, budget: plain(store, 10) });
  const many = (count) => Promise.all(Array.from({ length: count }, () => reasonOf(policy.run(fails))));
  await many(2);
  isDown = true;
  const reasons = await many(9);
  assert.equal(reasons.filter((reason) => reason === "budget").length, 5, "8 were left, which two processes share");
  assert.deepEqual([store.isLost, store.isClosed], [true, false]);
  isDown = false;
  clock.time += 20_000;
  await many(1); // finds it
  await settled();
  assert.deepEqual(told, ["lost: down", "back"]);
  assert.ok(!store.isLost);
  const last = await many(9);
  assert.equal(last.filter((reason) => reason === "attempts").length, 4);
  assert.equal(model.tokens, 0);
}));

test("of a trip of which nobody knows what became, what is owed is kept, and what was added is not", virtual(async (clock) => {
  const answers = [[0, 50e6, 1], never, [0, 10e6, 1]];
  const redis = client(() => (answers.length > 1 ? answers.shift() : answers[0]));
  const { store, told } = shared(redis);
  const budget = new Budget(unique("budget"), store, { mode: "failures", capacity: 100, reward: 0.5 });
  const policy = new Policy({ ...STEADY, attempts: 1, budget });
  await reasonOf(policy.run(fails));
  await settled();
  await policy.run(() => 1);
  await reasonOf(policy.run(fails));
  while (!told.length) await new Promise(setImmediate);
  assert.deepEqual(redis.asked.map(({ words }) => words.slice(6)), [["0", "1000000", "0", "0"], ["500000", "1000000", "0", "0"]]);
  clock.time += 20_000;
  await reasonOf(policy.run(fails));
  await settled();
  await store.close();
  assert.deepEqual(redis.asked.slice(2).map(({ words }) => words.slice(6)), [["0", "0", "0", "0"], ["0", "2000000", "0", "0"]]);
}));

test("a store that is back is not asked for a retry before it has heard what was taken meanwhile", virtual(async (clock) => {
  const model = bucket(20);
  let isDown = false, answer, isHeld = false;
  const keyOf = ({ keys: [key] }) => key;
  const redis = client((words) => {
    if (isDown) return Promise.reject(new Error("down"));
    return isHeld && keyOf(redis.asked.at(-1)).includes(budget.name) ? new Promise((wake) => (answer = () => wake(model.answer(words)))) : model.answer(words);
  });
  const { store, told } = shared(redis, { timeout: "1h" });
  const [budget, other] = [plain(store, 20), plain(store, 20)];
  const [policy, finder] = [budget, other].map((budget) => new Policy({ ...STEADY, attempts: 2, budget }));
  const asked = () => redis.asked.filter((each) => keyOf(each).includes(budget.name)).map(({ words }) => words.slice(6).join(" "));
  for (const each of [policy, finder]) await reasonOf(each.run(fails));
  isDown = true;
  await reasonOf(finder.run(fails));
  for (const _ of [1, 2]) assert.equal(await reasonOf(policy.run(fails)), "attempts", "of its share");
  assert.deepEqual(asked(), ["0 0 1000000 1"]);
  await turns();
  [isDown, isHeld] = [false, true];
  clock.time += 20_000;
  await reasonOf(finder.run(fails));
  assert.deepEqual([told, asked().slice(1)], [["lost: down", "back"], ["0 0 0 0"]]);
  assert.equal(await reasonOf(policy.run(fails)), "attempts", "of its share, yet");
  assert.equal(asked().length, 2);
  isHeld = false;
  answer();
  await turns();
  assert.equal(await reasonOf(policy.run(fails)), "attempts");
  assert.deepEqual(asked().slice(2), ["0 3000000 0 0", "0 0 1000000 1"]);
}));

test("what was taken meanwhile is told once, however often the store was searched for", virtual(async (clock) => {
  const model = bucket(20);
  let isDown = false;
  // A client that keeps what it cannot send, and sends all of it in the end.
  const kept = [];
  const redis = client((words) => (isDown ? new Promise((wake) => kept.push(() => wake(model.answer(words)))) : model.answer(words)));
  const { store, told } = shared(redis);
  const policy = new Policy({ ...STEADY, attempts: 2, budget: plain(store, 20) });
  const retry = async () => assert.equal(await reasonOf(policy.run(fails)), "attempts");
  await retry();
  isDown = true;
  for (const _ of [1, 2, 3, 4]) {
    await retry();
    await settled();
    clock.time += 20_000;
  }
  assert.ok(told.length === 1 && kept.length > 3, `${told}, ${kept.length}`);
  isDown = false;
  for (const send of kept) send();
  await retry();
  await settled();
  assert.equal(told[1], "back");
  await store.close();
  // Six retries. What the first of those that were kept was granted, for the second retry, is given back.
  assert.equal(model.tokens, 14e6);
}));

test("an answer that a newer one overtook says nothing of a budget", virtual(async () => {
  const answers = [];
  const { store } = shared(client(() => new Promise((wake) => answers.push(wake))), { timeout: "1h" });
  const budget = plain(store, 9);
  const policy = new Policy({ ...STEADY, attempts: 2, budget });
  const calls = [];
  for (const number of [1, 2]) {
    calls.push(reasonOf(policy.run(fails)));
    while (answers.length < number) await new Promise(setImmediate);
  }
  answers[1]([1, 3e6, 2]);
  await turns();
  answers[0]([1, 8e6, 1]);
  await turns();
  assert.equal(budget.tokens, 3);
  assert.deepEqual(await Promise.all(calls), ["attempts", "attempts"], "what it granted stays");
}));

for (const [isGranted, back] of [[1, "1000000"], [0, undefined]]) {
  test(`an abort while the store is asked ends the call at once, and ${isGranted ? "what it took goes back" : "nothing goes back"}`, virtual(async () => {
    let answer;
    const redis = client(() => new Promise((resolve) => (answer ??= resolve)), [0, 5e6, 1]);
    const { store, told } = shared(redis);
    const controller = new AbortController();
    const seen = [];
    const policy = new Policy({ ...STEADY, budget: plain(store, 5) });
    const done = policy.run(fails, { signal: controller.signal, onEvent: ({ kind, reason }) => seen.push(reason ?? kind) }).catch((error) => error);
    while (!answer) await new Promise(setImmediate);
    controller.abort("enough");
    assert.equal(await done, "enough");
    answer([isGranted, 4e6, 1]);
    await new Promise(setImmediate);
    await store.close();
    assert.deepEqual([seen, told], [["attempt", "cancelled"], []]);
    assert.equal(redis.asked[1]?.words[6], back);
  }));
}

test("calls that wait for their stores do not disturb each other", virtual(async () => {
  const pending = [];
  const trial = (name, isGranted) => {
    const redis = client(() => new Promise((resolve) => pending.push(() => resolve([isGranted, 7e6, 1]))));
    const { store } = shared(redis, { timeout: "1h" });
    return reasonOf(new Policy({ ...STEADY, attempts: 2, budget: plain(store, 9) }).run(fails, { name }));
  };
  const all = [trial("a", 1), trial("b", 0), trial("c", 1)];
  while (pending.length < 3) await new Promise(setImmediate);
  for (const answer of pending.reverse()) answer();
  assert.deepEqual(await Promise.all(all), ["attempts", "budget", "attempts"]);
}));

test("successes are told where they count, together, and by a timer that holds no process", virtual(async (clock) => {
  const redis = client([0, 9e6, 1]);
  const { store } = shared(redis, { every: "200ms" });
  const silent = new Policy({ ...STEADY, budget: plain(store, 9) });
  for (let call = 0; call < 5; call++) await silent.run(() => 1);
  assert.deepEqual([clock.armed, redis.asked], [[], []]);
  const counted = new Policy({ ...STEADY, budget: plain(store, 9, { reward: 0.5 }) });
  for (let call = 0; call < 5; call++) await counted.run(() => 1);
  assert.deepEqual([clock.armed, clock.unrefs], [[200], 1]);
  while (!redis.asked.length) await new Promise(setImmediate);
  assert.deepEqual([clock.time, redis.asked[0].words.slice(6)], [1200, ["2500000", "0", "0", "0"]]);
  await counted.run(() => 1);
  await store.close();
  assert.deepEqual(redis.asked.slice(1).map(({ words }) => words[6]), ["500000"]);
}));

test("after close its guards count in this process alone, and may go into another store", virtual(async () => {
  const redis = client([1, 2e6, 1]);
  const { store, told } = shared(redis);
  const budget = plain(store, 4);
  const policy = new Policy({ ...STEADY, attempts: 2, budget });
  await reasonOf(policy.run(fails));
  await store.close();
  const reasons = await Promise.all([1, 2, 3].map(() => reasonOf(policy.run(fails))));
  assert.deepEqual([reasons, redis.asked.length, told], [["attempts", "attempts", "budget"], 1, []]);
  assert.ok(store.isClosed);
  assert.throws(() => new Budget("new", store), /^Error: the store is closed; make another$/);
  assert.equal(new Budget(budget.name, shared(client([1, 0, 1])).store, budget.toJSON()), budget);
  assert.throws(() => new Budget(budget.name, shared(client()).store, budget.toJSON()), /budget ".*" is in another store; close that one first/);
}));

test("blocks of code ask, too", virtual(async () => {
  const model = bucket(1);
  const { store } = shared(client(model.answer));
  let count = 0;
  const walk = async () => {
    for await (const attempt of new Policy({ ...STEADY, budget }).attempts()) await attempt.run(() => (count++, fails()));
  };
  const budget = plain(store, 1);
  assert.equal(await reasonOf(walk()), "budget");
  assert.deepEqual([count, model.taken], [2, 1]);
}));

test("a call that cannot wait goes by what is known, and owes what it takes", async () => {
  const redis = client([0, 0, 1]);
  const { store } = shared(redis);
  const strategy = retryStrategy({ jitter: "none", initial: "1s", forever: true, budget: plain(store, 2) });
  assert.equal(strategy(1), 1000);
  await store.close();
  assert.deepEqual(redis.asked[0].words.slice(6), ["0", "1000000", "0", "0"]);
});

test("a hedge pays by what is known, and owes it", async () => {
  const redis = client([0, 0, 1]);
  const { store } = shared(redis);
  const budget = new Budget(unique("budget"), store, { capacity: 2, cost: 1, reward: 0 });
  const hedge = new Hedge({ delay: 0, attempts: 4, budget });
  let started = 0;
  await assert.rejects(hedge.run(() => (started++, fails())));
  assert.equal(started, 3);
  await store.close();
  assert.deepEqual(redis.asked.map(({ words }) => words.slice(6)), [["0", "2000000", "0", "0"]]);
});

test("a warning says when a store is lost, and a mistake in onEvent harms nobody", async () => {
  const warnings = [];
  const hear = ({ name, message }) => name === "UndauntedWarning" && warnings.push(message);
  process.on("warning", hear);
  const policy = (options) => new Policy({ ...STEADY, initial: "1ms", attempts: 2, budget: plain(new Store(client(() => Promise.reject(new Error("gone"))), options), 3) });
  assert.equal(await reasonOf(policy({}).run(fails)), "attempts");
  assert.equal(await reasonOf(policy({ onEvent: () => { throw new Error("oops"); } }).run(fails)), "attempts");
  await new Promise(setImmediate);
  process.off("warning", hear);
  assert.match(warnings[0], /^the store of a fleet was lost \(Error: gone\); until it answers again/);
  assert.match(warnings[1], /^onEvent of a store threw when told of "lost": Error: oops$/);
});

const CLOSED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

test("a failure is told to the breaker's store in its turn, and what it says holds for all", virtual(async (clock) => {
  const told = [];
  const redis = client((words) => {
    const [op, generation, , , ...rest] = words.slice(12);
    told.push([op, generation, ...rest].join(" "));
    if (op === "permit") return [2, 2, 1, 0, 0, 0, 0, 1, 1, 1];
    return told.length < 2 ? CLOSED : told.length < 3 ? [1, 1, 0, 5e6, 0, 0, 0, 1, 0, 1] : [0, 3, 0, 0, 0, 0, 0, 0, 0, 1];
  });
  const { store } = shared(redis);
  const breaker = new Breaker(unique("breaker"), store, { windowCalls: 10 });
  const policy = new Policy({ ...STEADY, attempts: 1, breaker: breaker.name });
  await policy.run(() => 1);
  assert.deepEqual(told, []);
  await reasonOf(policy.run(fails));
  await settled();
  for (const _ of [1, 2]) await reasonOf(policy.run(fails)); // in one turn
  await settled();
  assert.deepEqual(told, ["report  1 0 1 0", "report 0 0 0 2 0"], "at first it has not heard of a generation");
  assert.equal(breaker.state, "open");
  await assert.rejects(policy.run(() => 1), BreakerOpen);
  await assert.rejects(breaker.run(() => 1), BreakerOpen);
  clock.time += 5000;
  assert.equal(await policy.run(() => 1), 1);
  await store.close();
  assert.deepEqual(told.slice(2), ["permit 2", "report 2 0 0 0 0 1 0 0"]);
  assert.equal(breaker.state, "closed");
}));

test("an answer that a newer one overtook closes no breaker, and brings a probe of the state that it is in", virtual(async (clock) => {
  const answers = [];
  const redis = client(() => new Promise((wake) => answers.push(wake)));
  const { store } = shared(redis, { timeout: "1h" });
  const breaker = new Breaker(unique("breaker"), store);
  for (const number of [1, 2]) {
    await assert.rejects(breaker.run(fails), /lost|reset/i);
    while (answers.length < number) await new Promise(setImmediate);
  }
  answers[1]([1, 7, 0, 5e6, 0, 0, 0, 1, 0, 4]);
  await turns();
  answers[0]([0, 6, 0, 0, 0, 0, 0, 0, 0, 3]);
  await turns();
  assert.equal(breaker.state, "open");
  clock.time += 5000;
  const calls = [1, 2].map(() => breaker.run(() => 1).catch(({ name }) => name));
  while (answers.length < 4) await new Promise(setImmediate);
  answers[3]([2, 8, 0, 60e6, 0, 0, 0, 1, 3, 4]);
  await turns();
  answers[2]([2, 8, 5, 60e6, 0, 0, 0, 1, 3, 4]);
  assert.deepEqual(await Promise.all(calls), [1, "BreakerOpen"]);
  assert.deepEqual(redis.asked.slice(2).map(({ words }) => words.slice(12, 14).join(" ")), ["permit 8", "permit 8"]);
}));

test("without a probe a half-open breaker refuses, whoever asks; an abort while the store is asked ends the call", virtual(async (clock) => {
  const answers = [[1, 1, 0, 5e6, 0, 0, 0, 1, 0, 1], [2, 2, 0, 60e6, 0, 0, 0, 1, 3, 1], never];
  const redis = client(() => (answers.length > 1 ? answers.shift() : answers[0]));
  const { store, told } = shared(redis);
  const breaker = new Breaker(unique("breaker"), store);
  await assert.rejects(breaker.run(fails), /lost|reset/i);
  await settled();
  clock.time += 5000;
  await assert.rejects(breaker.run(() => 1), ({ name, retryIn }) => name === "BreakerOpen" && retryIn <= 60_000);
  await assert.rejects(new Policy({ ...STEADY, breaker: breaker.name }).run(() => 1), BreakerOpen);
  assert.equal(redis.asked.length, 2);
  clock.time += 60_000;
  for (const ask of [(signal) => new LocalBreaker({ name: breaker.name }).run(() => 1, { signal }), (signal) => breaker.run(() => 1, { signal }), (signal) => new Policy({ ...STEADY, breaker: breaker.name }).run(() => 1, { signal })]) {
    const controller = new AbortController();
    const done = ask(controller.signal).catch((error) => error);
    controller.abort("enough");
    assert.equal(await done, "enough");
  }
  assert.deepEqual(told, []);
}));

test("a bulkhead asks before each call, says when it has ended, and refuses at once", virtual(async () => {
  const told = [];
  let isFull = false;
  const redis = client(([limit, lease, member, held, op, ...ids]) => {
    told.push(`${op} ${ids.length}`);
    assert.deepEqual([limit, lease, held], ["2", "60000000", "0"]);
    assert.ok(ids.every((id) => id.startsWith(`${member}:`)));
    return op === "enter" && isFull ? [0, 2, 1000, 0, 1, 0] : [1, 1, 0, ids.length, 1, 0];
  });
  const { store } = shared(redis);
  const bulkhead = new Bulkhead("both", store, { limit: 2 });
  assert.equal(await bulkhead.run(() => "done"), "done");
  await assert.rejects(bulkhead.run(fails));
  assert.deepEqual(told, ["enter 1", "leave 1", "enter 1", "leave 1"]);
  assert.deepEqual(redis.asked[0].keys, ["undaunted:{both}:bulkhead", "undaunted:{both}:bulkhead-members"]);
  isFull = true;
  await assert.rejects(bulkhead.run(() => 1), (error) => error instanceof BulkheadFull && /^the bulkhead both is full, with 2 calls that run/.test(error.message));
  assert.throws(() => new Bulkhead("other", store, { limit: 0 }), { name: "PolicyError" });
  assert.throws(() => new Bulkhead("both", store, { limit: 3 }), /bulkhead "both" is in this store with other options; give the same/);
  assert.throws(() => new Bulkhead("", store, { limit: 3 }), /name is a string, allowed text, and not empty/);
}));

test("a bulkhead renews what runs, and without its store lets in as many itself", virtual(async (clock) => {
  const told = [];
  let isDown = false;
  const { store } = shared(client(([, , , , op, ...ids]) => {
    told.push(op);
    if (isDown) throw new Error("down");
    return [1, 1, 0, ids.length, 1, 0];
  }));
  const bulkhead = new Bulkhead("renewed", store, { limit: 2, lease: "30s" });
  let end;
  const long = bulkhead.run(() => new Promise((resolve) => (end = resolve)));
  while (told.filter((op) => op === "renew").length < 2) await new Promise(setImmediate);
  assert.equal(clock.time, 1000 + 10_000 * told.filter((op) => op === "renew").length);
  isDown = true;
  let count = 0;
  const others = [1, 2, 3].map(() => bulkhead.run(() => new Promise((resolve) => (count++, setTimeout(resolve, 10)))).then(() => "ran", ({ name }) => name));
  assert.deepEqual((await Promise.all(others)).sort(), ["BulkheadFull", "BulkheadFull", "ran"]);
  assert.equal(count, 1);
  end();
  await long;
}));

/** A call that runs until `end`, once it is in. */
function held(bulkhead) {
  const call = {};
  call.isIn = new Promise((isIn) => {
    call.done = bulkhead.run(() => (isIn(), new Promise((end) => (call.end = end))));
  });
  return call;
}

test("a bulkhead brings its places to a store that knows nothing of them, and forgets those that are gone", virtual(async () => {
  const told = [];
  let isUnknown = 0;
  let gone = [];
  const { store } = shared(client(([, , , held, op, ...ids]) => {
    told.push(`${op} ${ids.map((id) => id.split(":")[1])}, has ${held}`);
    return [1, 1, 0, ids.length, 1, op === "renew" ? 0 : isUnknown, ...(op === "renew" ? gone : [])];
  }));
  // A day's lease is renewed every 20 s all the same.
  const bulkhead = new Bulkhead("lost", store, { limit: 9, lease: "24h" });
  const first = held(bulkhead);
  await first.isIn;
  isUnknown = 1;
  gone = [1];
  const others = [held(bulkhead), held(bulkhead)];
  await Promise.all(others.map((call) => call.isIn));
  isUnknown = 0;
  assert.deepEqual(told, ["enter 1, has 0", "enter 2, has 1", "enter 3, has 1", "renew 1, has 1"]);
  // Three run, of which the store knows two: those leave last.
  for (const call of [first, ...others]) {
    call.end();
    await call.done;
  }
  assert.deepEqual(told.slice(4), ["leave 2, has 1", "leave 3, has 0"]);
}));

test("a bulkhead of its own knows how many share it, and brings what it let in alone when the store is back", virtual(async (clock) => {
  const told = [];
  let isDown = false;
  const { store, told: events } = shared(client(([, , , , op, ...ids]) => {
    told.push(`${op} ${ids.length}`);
    if (isDown) throw new Error("down");
    return [1, 1, 0, ids.length, 3, 0];
  }));
  const bulkhead = new Bulkhead("alone", store, { limit: 7, lease: "24h" });
  await bulkhead.run(() => 1);
  isDown = true;
  const calls = [1, 2].map(() => held(bulkhead));
  await Promise.all(calls.map((call) => call.isIn));
  await assert.rejects(bulkhead.run(() => 1), BulkheadFull); // the third of seven
  isDown = false;
  clock.time += 2_000;
  told.length = 0;
  await assert.rejects(bulkhead.run(() => 1), BulkheadFull);
  while (events.length < 2) await new Promise(setImmediate);
  assert.deepEqual([told, events], [["bring 2"], ["lost: down", "back"]]);
  const before = clock.time;
  while (told.length < 2) await new Promise(setImmediate);
  const renewed = told.slice(1);
  assert.deepEqual([new Set(renewed), clock.time - before], [new Set(["renew 2"]), 20_000 * renewed.length]);
  told.length = 0;
  calls.forEach((call) => call.end());
  await Promise.all(calls.map((call) => call.done));
  assert.deepEqual(told.filter((what) => what !== "renew 2"), ["leave 1", "leave 1"]);
}));

test("a throttle counts for all, and no call waits for its store", virtual(async () => {
  const redis = client([1000, 1, 0]);
  const { store } = shared(redis, { every: "1s" });
  const throttle = new Throttle("all", store, { k: 1, seed: 1 });
  assert.equal(await throttle.run(() => 1), 1);
  assert.equal(redis.asked.length, 0);
  while (!redis.asked.length) await new Promise(setImmediate);
  assert.deepEqual([redis.asked[0].keys, redis.asked[0].words], [["undaunted:{all}:throttle"], ["120000000", "1", "1"]]);
  await new Promise(setImmediate);
  assert.deepEqual(throttle.snapshot(), { requests: 1000, accepts: 1 });
  const refused = await Promise.all(Array.from({ length: 50 }, () => throttle.run(() => 1).then(() => 0, () => 1)));
  assert.ok(refused.filter(Boolean).length > 40);
}));

test("under undaunted/testing nothing is sent", async () => {
  const redis = client([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  const { store } = shared(redis);
  const budget = plain(store, 2);
  const breaker = new Breaker(unique("breaker"), store, { minCalls: 1 });
  const bulkhead = new Bulkhead(unique("bulkhead"), store, { limit: 1 });
  const throttle = new Throttle(unique("throttle"), store);
  const run = testing();
  try {
    assert.equal(await reasonOf(new Policy({ ...STEADY, attempts: 9, budget, breaker }).run(fails)), "breaker_open");
    assert.equal(await reasonOf(new Policy({ ...STEADY, attempts: 9, budget }).run(fails)), "budget");
    await assert.rejects(breaker.run(fails));
    await assert.rejects(breaker.run(() => 1), BreakerOpen);
    assert.equal(breaker.state, "open");
    await assert.rejects(bulkhead.run(() => {
      assert.deepEqual(bulkhead.snapshot(), { running: 1, waiting: 0 });
      return bulkhead.run(() => 1);
    }), BulkheadFull);
    assert.equal(await throttle.run(() => 1), 1);
    assert.deepEqual(throttle.snapshot(), { requests: 1, accepts: 1 });
  } finally {
    run.close();
  }
  assert.equal(breaker.state, "closed");
  assert.deepEqual([bulkhead.snapshot().running, throttle.snapshot().requests], [0, 0]);
  await store.close();
  assert.deepEqual(redis.asked, []);
});
