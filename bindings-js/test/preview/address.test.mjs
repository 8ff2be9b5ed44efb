import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { PolicyError } from "../../dist/index.js";
import { lint } from "../../dist/lab.js";
import { anyPolicy, anyText, dice, pick } from "./dice.mjs";
import { agreement, pageTest } from "./harness.mjs";

const source = fileURLToPath(new URL("../../preview/state.ts", import.meta.url));
const { outputFiles } = await build({ entryPoints: [source], format: "esm", write: false });
const { FIRST, read, written } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
const NAMES = Object.keys(FIRST);

/** A state with some fields changed to any text. */
function anyState(roll) {
  const share = roll();
  return Object.fromEntries(NAMES.map((name) => [name, roll() < share ? anyText(roll) : FIRST[name]]));
}

test("every state is what its fragment says, and has one fragment", () => {
  for (let seed = 1; seed <= 5000; seed++) {
    const state = anyState(dice(seed));
    const fragment = written(state);
    assert.deepEqual(read(`#${fragment}`), state, `seed ${seed}`);
    assert.equal(written(read(fragment)), fragment, `seed ${seed}`);
    // As the address of a page has it.
    assert.equal(new URL(`http://127.0.0.1/#${fragment}`).hash.slice(1), fragment, `seed ${seed}`);
  }
});

test("a fragment that is none, or of another version, is read as far as it goes", () => {
  assert.deepEqual(read(""), FIRST);
  assert.deepEqual(read("#%&&==&nosuch=1&clients=7&clients=8&%E0%A4%A"), { ...FIRST, clients: "7" });
});

/** What stands in the page's fields and panels. */
function standing() {
  const fields = [...document.querySelectorAll("main input, main select, main textarea")].map((field) => [field.closest("label, .row")?.textContent, field.value]);
  const texts = [...document.querySelectorAll("main .words, main .remarks, main .problems, main pre")].map((one) => one.textContent);
  return [...fields, ...texts, location.hash];
}

/** A policy that is right: under another the pictures of the last one stay. */
function rightPolicy(roll) {
  for (;;) {
    const text = anyPolicy(roll);
    try {
      lint(text);
      return text;
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
    }
  }
}

pageTest("the page that a link opens is the page that it was copied from", {}, async ({ page, open }) => {
  for (let seed = 1; seed <= 8; seed++) {
    const roll = dice(seed);
    const state = {
      ...FIRST,
      a: rightPolicy(roll),
      b: roll() < 0.5 ? rightPolicy(roll) : "",
      view: pick(roll, ["form", "json"]),
      seed: String(Math.floor(roll() * 2 ** 32)),
      clients: pick(roll, ["100", "1000", " 1 000"]),
      outage: pick(roll, ["", "5s", "20s"]),
      chain: String(1 + Math.floor(roll() * 20)),
      failures: pick(roll, ["503", "429 + hint 2s, reset", "postgres 40001", "500 + body \"a & b\" = 100%"]),
      target: pick(roll, ["json", "python", "rust"]),
    };
    const link = `#${written(state)}`;
    await page.evaluate((hash) => void (location.hash = hash), link);
    const copy = await open(link);
    const [mine, theirs] = await agreement(() => page.evaluate(standing), () => copy.evaluate(standing));
    assert.deepEqual(mine, theirs, `seed ${seed}`);
    assert.equal(mine.at(-1), link, `seed ${seed}`);
    await copy.close();
  }
});
