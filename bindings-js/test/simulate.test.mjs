import assert from "node:assert/strict";
import { test } from "node:test";
import { Breaker } from "undaunted/guards";
import { Budget, Policy, PolicyError } from "undaunted";
import { simulateHerd, simulateLayers, simulateLoss, simulateOutage } from "undaunted/lab";

const FULL = new Policy({ attempts: 7, initial: "1s", maxDelay: "40s", timeout: null });

test("a herd is spread as published", async () => {
  const herd = await simulateHerd(FULL, { seed: 7 });
  // A count of n has a standard deviation of the root of n; five of them.
  for (const [index, published] of [1035, 537, 286, 154, 87, 45].entries()) {
    const found = herd.peaks[index].arrivals;
    assert.ok(Math.abs(found - published) <= 5 * Math.sqrt(published), `${found}, published ${published}`);
  }
  assert.match(String(herd), /^retry 1 +1 0\d\d of 10 000 in the worst 100 ms/m);
  assert.equal(herd.attempts, 70_000);
  assert.equal(herd.arrivals.reduce((sum, count) => sum + count), 60_000);
  assert.deepEqual([herd.gaveUp.attempts, herd.succeeded, herd.unfinished], [10_000, 0, 0]);
});

test("without jitter all come back at once, for ever", async () => {
  const herd = await simulateHerd(FULL.replace({ jitter: "none" }));
  assert.deepEqual(herd.peaks[2], { retry: 3, at: 7000, arrivals: 10_000 });
  assert.deepEqual([herd.window, herd.lastAt, herd.peaks.length], [100, 63_000, 6]);
});

test("a budget stops a herd and is not used up by it, whether the policy describes or names it", async () => {
  const budget = new Budget("sim", { capacity: 70 });
  for (const policy of [new Policy({ budget: "sim" }), new Policy({ budget: { name: "sim", capacity: 70 } })]) {
    assert.equal((await simulateHerd(policy, { clients: 100 })).attempts, 105);
    assert.equal((await simulateHerd(policy, { clients: 100, processes: 2 })).attempts, 110);
  }
  assert.equal(budget.tokens, 70);
});

test("conditions are written as in policies, and every mistake is told", async () => {
  const texts = await Promise.all([2000, "2s"].map(async (outage) => String(await simulateHerd(FULL, { clients: 10, outage }))));
  assert.equal(texts[0], texts[1]);
  assert.match(texts[0], /fails for 2 s/);
  await assert.rejects(simulateHerd(FULL, { clients: 0, status: 200, capacity: "5" }), (error) => {
    assert.ok(error instanceof PolicyError);
    assert.deepEqual(error.problems.map(({ code, pointer }) => [code, pointer]), [
      ["out_of_range", "/clients"], ["out_of_range", "/status"], ["wrong_kind", "/capacity"],
    ]);
    return true;
  });
  await assert.rejects(simulateHerd(FULL, { seed: -1 }), RangeError);
});

test("several go on beside each other, and the host does other things between their slices", async () => {
  const seen = [];
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const run = (seed) => simulateHerd(FULL, { clients: 100_000, seed, progress: (done, all) => seen.push([seed, done, all]) });
  const [one, two, again] = await Promise.all([run(1), run(2), run(1)]);
  clearInterval(timer);
  assert.equal(one.json(), again.json());
  assert.notEqual(one.json(), two.json());
  assert.ok(new Set(seen.slice(0, 3).map(([seed]) => seed)).size > 1 && turns > 0);
  assert.deepEqual(seen.at(-1).slice(1), [100_000, 100_000]);
});

test("an aborted simulation ends with the signal's reason", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  let slices = 0;
  const progress = () => {
    slices++;
    controller.abort(reason);
  };
  await assert.rejects(simulateHerd(FULL, { clients: 1_000_000, progress, signal: controller.signal }), (error) => error === reason);
  assert.equal(slices, 1);
  await assert.rejects(simulateLoss({ signal: controller.signal }), (error) => error === reason);
});

const STORM = new Policy({ attempts: 10, initial: "100ms", maxDelay: "1s", timeout: null });

test("a storm outlives an outage, and a budget ends it", async () => {
  const storm = await simulateOutage(STORM, { capacity: 30 });
  assert.deepEqual([storm.calls, storm.seed, storm.window, storm.first.length, storm.first[0]], [6000, "1", 250, 240, 25]);
  const sum = (counts) => counts.reduce((sum, count) => sum + count);
  assert.deepEqual([storm.attempts, storm.totalRetries, storm.succeeded], [sum(storm.first) + sum(storm.retries), sum(storm.retries), sum(storm.served)]);
  assert.equal(storm.succeeded + sum(Object.values(storm.gaveUp)) + storm.unfinished, 6000);
  assert.equal(storm.peak.attempts, Math.max(...storm.first.map((count, place) => count + storm.retries[place])));
  assert.ok(storm.recoveredAt > 35_000 && storm.loadInOutage > 8 && storm.peak.at >= 10_000, String(storm));
  assert.match(String(storm), /^in the outage +\d\.\d+ attempts for each call$/m);
  const calm = await simulateOutage(STORM.replace({ budget: { name: "storm" } }), { capacity: 30 });
  assert.deepEqual([calm.recoveredAt, calm.totalRetries, calm.gaveUp.budget], [30_000, 35, 2000]);
  const never = await simulateOutage(STORM, { outage: "1h", outageAt: 0 });
  assert.deepEqual([never.recoveredAt, never.succeeded], [null, 0]);
  assert.equal((await simulateOutage(STORM, { outage: 0 })).loadInOutage, null);
});

test("a breaker stands in an outage and hears nothing of it, whether the policy describes, names or has it", async () => {
  const options = { minCalls: 50 };
  const breaker = new Breaker({ name: "outage", ...options });
  const texts = [];
  for (const given of [breaker, "outage", { name: "outage", ...options }]) {
    const outage = await simulateOutage(STORM.replace({ breaker: given }), { processes: 2 });
    assert.ok(outage.gaveUp.breaker_open > 1000 && outage.loadInOutage < 0.2, String(outage));
    texts.push(String(outage));
  }
  assert.equal(new Set(texts).size, 1);
  assert.equal(breaker.state, "closed");
});

test("traffic is bounded, and told of between slices", async () => {
  await assert.rejects(simulateOutage(STORM, { callsPerSecond: 1e6, window: 1 }), (error) => {
    assert.deepEqual(error.problems.map(({ code, pointer }) => [code, pointer]), [["out_of_range", "/duration"], ["out_of_range", "/duration"]]);
    return true;
  });
  const seen = [];
  await simulateOutage(STORM, { callsPerSecond: 10_000, progress: (done, all) => seen.push([done, all]) });
  assert.ok(seen.length > 5, `${seen.length} slices`);
  assert.deepEqual(seen.at(-1), [600_000, 600_000]);
  const reason = new Error("enough");
  await assert.rejects(simulateOutage(STORM, { signal: AbortSignal.abort(reason) }), (error) => error === reason);
});

test("a lossy network is set beside its formula", async () => {
  const loss = await simulateLoss({ trials: 20_000 });
  const chance = 5 * Math.sqrt((loss.byFormula * (1 - loss.byFormula)) / loss.trials);
  assert.ok(Math.abs(loss.succeeded / loss.trials - loss.byFormula) <= chance);
  assert.match(String(loss), /^by formula +97\.\d+ %$/m);
});

test("layers multiply", async () => {
  const layers = await simulateLayers({ attempts: 3, timeout: null }, { calls: 10, failureRate: 1 });
  assert.deepEqual([layers.amplification, layers.mostAtBottom, layers.attempts], [27, 27, [30, 90, 270]]);
  assert.equal(layers.gaveUp.attempts, 10);
});
