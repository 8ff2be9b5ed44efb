// The page's numbers beside those of calls that are thrown here by hand: full jitter from 1 s to 10 s, ten attempts, 45 s. Nothing here is ours but
// the page that is read.
import assert from "node:assert/strict";
import { dice } from "./dice.mjs";
import { agreement, pageTest } from "./harness.mjs";

const roll = dice(20_251_126);
const [ATTEMPTS, TIMEOUT] = [10, 45];
const wait = (retry) => roll() * Math.min(10, 2 ** (retry - 1));

/** The numbers in what a panel says, its thousands together. */
async function said(page, panel, isThere) {
  const all = async () => (await page.locator(`${panel} .words`).allTextContents()).join(" ");
  const [, words] = await agreement(async () => isThere.test(await all()) && all(), all);
  return words.replace(/(\d)\u202f(?=\d)/g, "$1");
}

function number(words, pattern) {
  const [, found] = pattern.exec(words) ?? [];
  assert.ok(found, `${pattern} is not in ${words}`);
  return Number(found);
}

function isNear(found, thrown, share, what) {
  assert.ok(Math.abs(found - thrown) <= share * thrown, `${what}: the page says ${found}, thrown by hand ${thrown}`);
}

pageTest("a herd", {}, async ({ page }) => {
  const clients = 10_000;
  const windows = new Array(451).fill(0);
  let retries = 0;
  for (let client = 0; client < clients; client++) {
    for (let retry = 1, at = 0; retry < ATTEMPTS; retry++) {
      at += wait(retry);
      if (at >= TIMEOUT) break;
      windows[Math.floor(at * 10)]++;
      retries++;
    }
  }
  const words = await said(page, "#herd", /worst/);
  isNear(number(words, /^(\d+) of 10000 in the worst 100/), Math.max(...windows), 0.1, "the worst window");
  isNear(number(words, /; (\d+) retries in all/), retries, 0.005, "retries");
});

/** [how many succeeded, attempts, sorted times beyond the first attempt] of calls whose attempts take a tenth of a second. */
function calls(count, rate) {
  let [succeeded, attempts] = [0, 0];
  const added = [];
  for (let call = 0; call < count; call++) {
    let [at, attempt] = [0.1, 1];
    let isGood = roll() >= rate;
    while (!isGood && attempt < ATTEMPTS) {
      const delay = wait(attempt);
      if (at + delay >= TIMEOUT) break;
      at += delay + 0.1;
      attempt++;
      isGood = roll() >= rate;
    }
    succeeded += Number(isGood);
    attempts += attempt;
    added.push(at - 0.1);
  }
  return [succeeded, attempts, added.sort((one, other) => one - other)];
}

pageTest("success, attempts and the slowest call of a hundred", { hash: "failureRate=0.6" }, async ({ page }) => {
  const [succeeded, attempts, added] = calls(200_000, 0.6);
  const words = await said(page, "#total", /succeed/);
  isNear(number(words, /, ([\d.]+)\s%\sof calls succeed/u) / 100, succeeded / 200_000, 0.002, "success");
  isNear(number(words, /after ([\d.]+) attempts on average/), attempts / 200_000, 0.01, "attempts");
  isNear(number(words, /and ([\d.]+)\ss to the 99th of 100/u), added[198_000], 0.02, "the 99th");
  const load = await said(page, "#rates", /attempts of each call/);
  isNear(number(load, /gets ([\d.]+) attempts of each call/), attempts / 200_000, 0.01, "load");
  isNear(number(load, /succeeds in ([\d.]+)\s%/u) / 100, (succeeded / 200_000) ** 10, 0.03, "a chain of ten");
});

pageTest("an outage, with a budget and without", {}, async ({ page }) => {
  const words = await said(page, "#outage", /This policy.*With a budget/s);
  const [without, budgeted] = words.split("With a budget");
  for (const [text, hasBudget] of [[without, false], [budgeted, true]]) {
    const thrown = outage(hasBudget);
    isNear(number(text, /with (\d+) attempts/), thrown.attempts, 0.02, "attempts");
    isNear(number(text, /, (\d+) of 9000 calls succeed/), thrown.succeeded, 0.02, "calls that succeed");
    isNear(number(text, /: ([\d.]+) attempts of each call in the outage/), thrown.load, 0.03, "load in the outage");
    isNear(number(text, /at most (\d+) in a second/), thrown.peak, 0.08, "the fullest second");
  }
});

/** 100 calls a second for 90 s, of which the server fails 30 and else serves 130 a second; a budget of 500 tokens, 14 for a retry. */
function outage(hasBudget) {
  const seconds = Array.from({ length: 90 }, () => []);
  // Every attempt comes after the one that asks for it, so that seconds can be gone through in turn, each sorted as it grows.
  const add = (one) => one.at < 90 && seconds[Math.floor(one.at)].push(one);
  for (let call = 0; call < 9000; call++) add({ at: call / 100, begun: call / 100, attempt: 1 });
  let [attempts, succeeded, inOutage, peak, tokens] = [0, 0, 0, 0, 500];
  for (const due of seconds) {
    let served = 0;
    let here = 0;
    while (due.length) {
      due.sort((one, other) => other.at - one.at);
      const { at, begun, attempt } = due.pop();
      attempts++;
      here++;
      const isDown = at >= 10 && at < 40;
      if (isDown) inOutage++;
      if (!isDown && ++served <= 130) {
        succeeded++;
        tokens = Math.min(500, tokens + (attempt > 1 ? 14 : 1));
      } else if (attempt < ATTEMPTS) {
        const next = at + wait(attempt);
        if (next - begun >= TIMEOUT || (hasBudget && tokens < 14)) continue;
        tokens -= 14;
        add({ at: next, begun, attempt: attempt + 1 });
      }
    }
    peak = Math.max(peak, here);
  }
  return { attempts, succeeded, load: inOutage / 3000, peak };
}

pageTest("a lossy network", {}, async ({ page }) => {
  const chains = (attempts, count = 100_000) => {
    let good = 0;
    for (let chain = 0; chain < count; chain++) {
      let [isBad, isFirst, isThrough] = [false, true, true];
      for (let call = 0; call < 10 && isThrough; call++) {
        isThrough = false;
        for (let attempt = 0; attempt < attempts && !isThrough; attempt++) {
          if (!isFirst) isBad = isBad ? roll() >= 0.2 : roll() < 0.05;
          isFirst = false;
          isThrough = !isBad;
        }
      }
      good += Number(isThrough);
    }
    return good / count;
  };
  const words = await said(page, "#loss", /gets through/);
  isNear(number(words, /gets through in ([\d.]+)\s%/u) / 100, chains(1), 0.02, "one attempt");
  isNear(number(words, /and in ([\d.]+)\s%/u) / 100, chains(10), 0.02, "ten attempts");
});
