// What somebody does who must choose a policy this afternoon.
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { Policy } from "../../dist/index.js";
import { agreement, audit, comesToSay, fits, LOOKS, pageTest, picture } from "./harness.mjs";

const row = (page, name) => page.locator(".editor .row").filter({ has: page.getByLabel(name, { exact: true }) }).first();
const option = (page, name) => page.locator(".editor").getByLabel(name, { exact: true }).first();
const words = (page, panel) => page.locator(`#${panel} .words`);
const json = (page) => page.getByLabel("the policy file");

async function show(page, view) {
  await page.getByRole("group", { name: "as" }).getByRole("button", { name: view }).click();
}

pageTest("a number that is changed redraws ladder and herd", {}, async ({ page }) => {
  await comesToSay(words(page, "ladder"), /^9 retries/);
  await comesToSay(words(page, "herd"), /of 10\s000 in the worst 100\sms/);
  const before = await words(page, "herd").textContent();
  await option(page, "attempts").fill("4");
  await comesToSay(words(page, "ladder"), /^3 retries/);
  await option(page, "initial").fill("5s");
  const [after] = await agreement(async () => (await words(page, "herd").textContent()) !== before, () => true);
  assert.ok(after, "the herd is as it was");
});

pageTest("what is wrong stands at its option, and the last picture stays", {}, async ({ page }) => {
  await comesToSay(words(page, "ladder"), /^9 retries/);
  await option(page, "attempts").fill("0");
  await comesToSay(row(page, "attempts").locator(".error"), /attempts is 0, allowed 1 to 4294967295/);
  await comesToSay(words(page, "ladder"), /^9 retries/);
  await audit(page);
  await option(page, "attempts").fill("");
  await comesToSay(row(page, "attempts"), /attempts/);
  assert.equal(await page.locator(".editor .error").count(), 0);
});

pageTest("a remark is settled by its button", {}, async ({ page }) => {
  await option(page, "jitter").selectOption("none");
  const remark = row(page, "jitter").locator(".warning");
  await comesToSay(remark, /jitter/);
  await remark.getByRole("button", { name: /^Fix: jitter full/ }).click();
  await remark.waitFor({ state: "detached" });
  await show(page, "JSON");
  assert.equal(JSON.parse(await json(page).inputValue()).jitter, "full");
});

pageTest("form and JSON are one", {}, async ({ page }) => {
  await option(page, "timeout").fill("20s");
  await show(page, "JSON");
  assert.deepEqual(JSON.parse(await json(page).inputValue()), { preset: "standard", timeout: "20s" });
  await json(page).fill('{"attempts": 3, "budget": {"name": "api", "capacity": 50}}');
  await show(page, "Form");
  assert.equal(await option(page, "attempts").inputValue(), "3");
  assert.equal(await option(page, "capacity").inputValue(), "50");
  await show(page, "JSON");
  await json(page).fill('{"attempts": 3');
  await comesToSay(page.locator(".editor .error"), /JSON/);
});

pageTest("two policies stand side by side", {}, async ({ page }) => {
  await page.getByRole("button", { name: "Compare with another" }).click();
  await option(page, "attempts").fill("3");
  await comesToSay(page.locator("#diff pre"), /attempts\s+10 → 3/);
  await comesToSay(words(page, "ladder"), /A: 9 retries.*B: 2 retries/s);
  await comesToSay(words(page, "herd"), /A: .* in the worst .*B: .* in the worst/s);
  await audit(page);
  await page.getByRole("button", { name: "Swap" }).click();
  await comesToSay(page.locator("#diff pre"), /attempts\s+3 → 10/);
  await page.getByRole("button", { name: "Remove B" }).click();
  await comesToSay(words(page, "ladder"), /^2 retries/);
});

pageTest("settings of another library become a policy", {}, async ({ page }) => {
  await page.getByRole("button", { name: "Import…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("whose").selectOption("tenacity");
  await dialog.getByLabel("settings", { exact: true }).fill("@retry(stop=stop_after_attempt(4), wait=wait_exponential(multiplier=1, max=10))");
  await comesToSay(dialog.locator(".remarks"), /random/);
  await audit(page);
  await dialog.getByRole("button", { name: "Use this policy" }).click();
  assert.equal(await option(page, "attempts").inputValue(), "4");
  await comesToSay(words(page, "ladder"), /^3 retries/);
});

pageTest("a million clients can be stopped while the page goes on", {}, async ({ page }) => {
  // So many retries of each that it takes long enough to be stopped by a hand, on any machine.
  await option(page, "attempts").fill("1000");
  await option(page, "max_delay").fill("1s");
  await option(page, "timeout").fill("1h");
  await page.locator("#herd").getByLabel("outage").fill("5m");
  await page.locator("#herd").getByLabel("capacity").fill("1");
  await page.locator("#herd").getByLabel("clients").fill("1000000");
  await page.locator("#herd").getByRole("button", { name: "Stop" }).click();
  await comesToSay(page.locator("#herd"), /Stopped; change a number to go on/);
  await page.locator("#herd").getByLabel("clients").fill("100");
  await comesToSay(words(page, "herd"), /of 100 in the worst/);
});

pageTest("a log line's seed takes the call apart", {}, async ({ page }) => {
  await page.locator("#explain").getByLabel("call_seed, or a log line with it").fill("retrying in 1.5s call_seed=1234567890123456789 attempt=2");
  await comesToSay(page.locator("#explain pre"), /1\/10.*http 503.*retry in/s);
});

pageTest("the keyboard reaches the pictures and reads them", {}, async ({ page }) => {
  const picture = page.locator("#ladder .picture");
  const isThere = () => picture.evaluate((element) => document.activeElement === element);
  let presses = 0;
  while (!(await isThere()) && presses++ < 200) await page.keyboard.press("Tab");
  assert.ok(await isThere(), "200 presses of Tab do not reach the ladder");
  await page.keyboard.press("ArrowDown");
  await comesToSay(page.locator("#ladder .reading"), /^retry 1: /);
  await page.keyboard.press("End");
  await comesToSay(page.locator("#ladder .reading"), /^retry 9: /);
});

pageTest("each picture has its table and its files", {}, async ({ page }) => {
  await comesToSay(words(page, "ladder"), /^9 retries/);
  await page.locator("#ladder summary").first().click();
  await page.locator("#ladder tbody tr").first().waitFor(); // the table is made when it is opened
  assert.equal(await page.locator("#ladder tbody tr").count(), 9);
  const starts = { SVG: "<svg", PNG: "\x89PNG", CSV: "retry,least,median" };
  for (const [kind, start] of Object.entries(starts)) {
    const download = page.waitForEvent("download");
    await page.locator("#ladder").getByRole("button", { name: kind }).click();
    const content = readFileSync(await (await download).path(), "latin1");
    assert.ok(content.startsWith(start), `${kind}: ${content.slice(0, 40)}`);
  }
});

const FILE = '{\n  "preset": "standard",\n  "attempts": 4\n}\n';

pageTest("a file is read, and written by a click alone", { file: FILE }, async ({ page, path }) => {
  assert.equal(await option(page, "attempts").inputValue(), "4");
  await option(page, "attempts").fill("6");
  await comesToSay(words(page, "ladder"), /^5 retries/);
  assert.equal(readFileSync(path, "utf8"), FILE);
  await page.getByRole("button", { name: "Save to the file" }).click();
  await page.getByRole("button", { name: "Saved" }).waitFor();
  assert.equal(Policy.parse(readFileSync(path)).toJSON().attempts, 6);
});

pageTest("an edit that the page has not seen is not overwritten unasked", { file: FILE, allowed: [/412/] }, async ({ page, path }) => {
  await option(page, "attempts").fill("6");
  writeFileSync(path, '{"attempts": 7}');
  await page.getByRole("button", { name: "Save to the file" }).click();
  await comesToSay(page.locator(".file"), /has changed meanwhile/);
  assert.equal(readFileSync(path, "utf8"), '{"attempts": 7}');
  await page.getByRole("button", { name: "Back to the file" }).click();
  assert.equal(await option(page, "attempts").inputValue(), "7");
});

pageTest("what is no policy is not saved", { file: FILE, allowed: [/422/] }, async ({ page, path }) => {
  await option(page, "attempts").fill("0");
  await page.getByRole("button", { name: "Save to the file" }).click();
  await comesToSay(page.locator(".file"), /attempts is 0, allowed 1 to 4294967295/);
  assert.equal(readFileSync(path, "utf8"), FILE);
});

pageTest("an edit of a watched file shows", { file: FILE, watch: true }, async ({ page, path }) => {
  await comesToSay(words(page, "ladder"), /^3 retries/);
  // Until the page watches, too.
  const texts = ['{"attempts": 7}', '{"attempts": 8}'];
  let turn = 0;
  const [now] = await agreement(async () => {
    writeFileSync(path, texts[turn++ % 2]);
    return /^[67] retries/.test(await words(page, "ladder").textContent());
  }, () => true);
  assert.ok(now);
  writeFileSync(path, "no policy");
  await comesToSay(page.locator(".editor .error"), /JSON/);
  rmSync(path);
  await comesToSay(page.locator(".file"), /gone/);
});

pageTest("a file that is not there yet is made by the first save", { file: null }, async ({ page, path }) => {
  await option(page, "attempts").fill("3");
  await page.getByRole("button", { name: "Save to the file" }).click();
  await page.getByRole("button", { name: "Saved" }).waitFor();
  assert.equal(Policy.parse(readFileSync(path)).toJSON().attempts, 3);
});

for (const [name, look] of Object.entries(LOOKS)) {
  pageTest(`two policies, of which one is wrong, have nothing that axe finds, ${name}`, { look, hash: "b=%7B%22attempts%22%3A0%7D&edited=b" }, async ({ page }) => {
    await comesToSay(row(page, "attempts").locator(".error"), /attempts is 0/);
    await audit(page);
    await fits(page);
    await picture(page, `wrong-${name}`);
  });
}

pageTest("on a narrow screen the pictures come first, and a wide one has the options beside them", { look: LOOKS.narrow }, async ({ page }) => {
  await comesToSay(words(page, "ladder"), /^9 retries/);
  assert.equal(await option(page, "attempts").isVisible(), false);
  await page.getByText("The options", { exact: true }).click();
  assert.equal(await option(page, "attempts").isVisible(), true);
  await page.getByText("The options", { exact: true }).click();
  await page.setViewportSize({ width: 1280, height: 900 });
  await option(page, "attempts").waitFor();
});

pageTest("the way back undoes what a button has replaced", {}, async ({ page }) => {
  await option(page, "attempts").fill("4");
  await page.locator(".sides > .field select").selectOption("aws");
  await comesToSay(words(page, "ladder"), /^3 retries/); // its own number stays
  await page.getByRole("button", { name: "Only the preset" }).click();
  await comesToSay(words(page, "ladder"), /^2 retries/);
  await page.goBack();
  await comesToSay(words(page, "ladder"), /^3 retries/);
  assert.equal(await option(page, "attempts").inputValue(), "4");
});

pageTest("an edit of a watched file leaves alone what has been edited in the page", { file: FILE, watch: true }, async ({ page, path }) => {
  await comesToSay(words(page, "ladder"), /^3 retries/);
  await option(page, "attempts").fill("6");
  let turn = 0;
  const [now] = await agreement(async () => {
    writeFileSync(path, `{"attempts": ${7 + (turn++ % 2)}}`);
    return /still here/.test(await page.locator(".file").textContent());
  }, () => true);
  assert.ok(now);
  assert.equal(await option(page, "attempts").inputValue(), "6");
  await page.getByRole("button", { name: "Back to the file" }).click();
  assert.match(await option(page, "attempts").inputValue(), /^[78]$/);
});

pageTest("code for every target is there to be taken", {}, async ({ page }) => {
  await option(page, "attempts").fill("4");
  const code = page.locator("#take-away pre");
  const wanted = { JSON: /"attempts": 4/, Python: /import undaunted/, TypeScript: /from "undaunted"/, Rust: /undaunted::/, curl: /--retry 3/, gRPC: /"maxAttempts": 4/, Envoy: /num_retries: 3/, AWS: /AWS_MAX_ATTEMPTS=4/ };
  for (const [name, text] of Object.entries(wanted)) {
    await page.getByRole("tab", { name, exact: true }).click();
    await comesToSay(code, text);
  }
  await page.keyboard.press("ArrowLeft");
  await comesToSay(code, wanted.Envoy);
});
