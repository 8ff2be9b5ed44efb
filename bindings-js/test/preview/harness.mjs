// The page of `undaunted preview` in headless Chromium. Whatever it says on the console or asks others for fails the test.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { after, test } from "node:test";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { chromiumPath, launch } from "../../../tests/js/host.mjs";

const home = fileURLToPath(new URL("../../", import.meta.url));
const folder = join(home, "dist", "preview");
const skip = chromiumPath() ? false : "no chromium on PATH; name one in CHROMIUM";
const { source: AXE } = createRequire(import.meta.url)("axe-core");

/** Files of the page, by their names. */
export const assets = Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));

/** Sizes and schemes that each look at the page has to do with. */
export const LOOKS = {
  light: { width: 1280, height: 900 },
  dark: { width: 1280, height: 900, dark: true },
  narrow: { width: 375, height: 812 },
  "narrow-dark": { width: 375, height: 812, dark: true },
};

/** For what never comes, in milliseconds. */
const PATIENCE = 60_000;

/** A plain host, as any may be: without our headers, and not at the root. */
const BELOW = "/some/folder/";
const TYPES = { ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".json": "application/json", ".png": "image/png", ".svg": "image/svg+xml" };
let started;
after(async () => {
  const { browser, host } = (await started) ?? {};
  await browser?.close();
  host?.close();
});

async function start() {
  const host = createServer((request, response) => {
    const [path] = request.url.split("?");
    const name = path.startsWith(BELOW) ? path.slice(BELOW.length) || "index.html" : "";
    const content = assets[name];
    response.writeHead(content ? 200 : 404, { "content-type": TYPES[extname(name)] ?? "text/plain" }).end(content);
  });
  await new Promise((listening) => host.listen(0, "127.0.0.1", listening));
  return { browser: await launch(), host };
}

/**
 * A test of the page. `look` is one of LOOKS or its own size, scheme and `reducedMotion`. With `file`, a policy's text or null for a file
 * that is not there yet, the page comes from the command `preview`, with `watch` if asked. `allowed` are patterns of what is heard on
 * purpose; each must be heard. `body` gets the page, `open` for another one in the same profile, and the file's path.
 */
export function pageTest(name, { look = LOOKS.light, hash = "", file, watch = false, allowed = [] }, body) {
  test(name, { skip }, async () => {
    started ??= start();
    const { browser, host } = await started;
    const served = file === undefined ? undefined : await serveFile(file, watch);
    const address = served?.address ?? `http://127.0.0.1:${host.address().port}${BELOW}`;
    const { width, height, dark = false, reducedMotion = false } = look;
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: dark ? "dark" : "light",
      reducedMotion: reducedMotion ? "reduce" : "no-preference",
      acceptDownloads: true,
    });
    const heard = listen(context, new URL(address).origin);
    const open = async (at = hash) => {
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE);
      await page.goto(`${address}${at && `#${at.replace(/^#/, "")}`}`);
      await page.waitForSelector("main");
      return page;
    };
    try {
      await body({ page: await open(), open, context, address, path: served?.path });
      const unexpected = heard.filter((line) => !allowed.some((pattern) => pattern.test(line)));
      const unheard = allowed.filter((pattern) => !heard.some((line) => pattern.test(line)));
      assert.deepEqual({ unexpected, unheard }, { unexpected: [], unheard: [] });
    } catch (error) {
      // Often why.
      for (const line of heard) console.log(line);
      throw error;
    } finally {
      await context.close();
      await served?.end();
    }
  });
}

/** Console, errors, requests that fail or go elsewhere, violations of the page's own policy: a line for each, in a list that grows. */
function listen(context, origin) {
  const heard = [];
  context.on("console", (message) => heard.push(`console ${message.type()}: ${message.text()}`));
  context.on("weberror", (error) => heard.push(`error: ${error.error().stack}`));
  context.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith("data:") && new URL(url).origin !== origin) heard.push(`asks elsewhere: ${url}`);
  });
  context.on("requestfailed", (request) => heard.push(`failed: ${request.method()} ${request.url()}: ${request.failure()?.errorText}`));
  context.on("response", (response) => {
    if (response.status() >= 400) heard.push(`status ${response.status()}: ${response.request().method()} ${response.url()}`);
  });
  void context.addInitScript(() => {
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => console.error(`forbidden: ${violatedDirective} ${blockedURI}`));
  });
  return heard;
}

/** The command `preview` on a file in a folder of its own. */
async function serveFile(text, watch) {
  const own = mkdtempSync(join(tmpdir(), "undaunted-preview-"));
  const path = join(own, "policy.json");
  if (text !== null) writeFileSync(path, text);
  const words = [join(home, "bin", "undaunted.mjs"), "preview", "policy.json", "--json", "--no-open", ...(watch ? ["--watch"] : [])];
  const running = spawn(process.execPath, words, { cwd: own, stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await createInterface(running.stdout)[Symbol.asyncIterator]().next().then(({ value }) => [value]);
  const end = async () => {
    const ended = new Promise((exit) => running.once("exit", exit));
    running.kill("SIGINT");
    await ended;
    rmSync(own, { recursive: true });
  };
  return { address: JSON.parse(line).address, path, end };
}

/** Asks both until they say the same, or for so long that they never will; answers what they said last. */
export async function agreement(one, other) {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const said = [await one(), await other()];
    if (isDeepStrictEqual(...said) || performance.now() > end) return said;
  }
}

/** Waits for what a page is about to say; fails with what it says instead. */
export async function comesToSay(locator, pattern) {
  const [said] = await agreement(async () => pattern.test((await locator.allTextContents()).join("\n")) || (await locator.allTextContents()), () => true);
  assert.equal(said, true, `${pattern} is not in ${JSON.stringify(said)}`);
}

/** When the page says that the first picture is there, in milliseconds after it was asked for. */
export async function firstPicture(page) {
  await page.waitForFunction(() => performance.getEntriesByName("first-picture").length > 0);
  return page.evaluate(() => performance.getEntriesByName("first-picture")[0].startTime);
}

/** Fails with what axe finds wrong, a line for each place. */
export async function audit(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  assert.ok(found.passes.length > 0);
  const lines = found.violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`));
  assert.deepEqual(lines, []);
}

/** Fails if a reader must scroll sideways. */
export async function fits(page) {
  const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(wide <= room, `${wide} px of page in ${room} px of window`);
}

const REFERENCES = fileURLToPath(new URL("references/", import.meta.url));
/** How far pictures may be apart on average, of the 255 steps of a colour: fonts differ, panels that are missing are more. */
const APART = 6;

/**
 * Fails if the first screen does not look like references/NAME.png, both seen from so far that a letter is a dot. With UPDATE_REFERENCES=1 it
 * becomes the reference: look at it before you commit it.
 */
export async function looksLike(page, context, name) {
  const path = join(REFERENCES, `${name}.png`);
  const now = await page.screenshot({ animations: "disabled" });
  if (process.env.UPDATE_REFERENCES) return writeFileSync(path, now);
  const blank = await context.newPage();
  const apart = await blank.evaluate(async (pictures) => {
    const dots = await Promise.all(pictures.map(async (picture) => {
      const image = new Image();
      image.src = `data:image/png;base64,${picture}`;
      await image.decode();
      const canvas = new OffscreenCanvas(Math.round(image.width / 12), Math.round(image.height / 12));
      const drawing = canvas.getContext("2d");
      drawing.drawImage(image, 0, 0, canvas.width, canvas.height);
      return drawing.getImageData(0, 0, canvas.width, canvas.height).data;
    }));
    if (dots[0].length !== dots[1].length) return 255;
    return dots[0].reduce((sum, value, index) => sum + Math.abs(value - dots[1][index]), 0) / dots[0].length;
  }, [now, readFileSync(path)].map((bytes) => bytes.toString("base64")));
  await blank.close();
  console.log(`preview: ${name} is ${apart.toFixed(2)} of 255 from its reference`);
  assert.ok(apart <= APART, `${name}: ${apart} of 255 apart; look at it, and if it is right, UPDATE_REFERENCES=1 npm run test:preview`);
}

/** The whole page as NAME.png in the folder UNDAUNTED_SCREENS; without it there are no pictures. */
export async function picture(page, name) {
  const screens = process.env.UNDAUNTED_SCREENS;
  if (!screens) return;
  mkdirSync(screens, { recursive: true });
  await page.screenshot({ path: join(screens, `${name}.png`), fullPage: true, animations: "disabled" });
}
