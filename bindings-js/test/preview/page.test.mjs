import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { assets, audit, firstPicture, fits, LOOKS, looksLike, pageTest, picture } from "./harness.mjs";

/** KB of 1000 bytes, gzipped, of all that is in the page's folder. */
const MOST = 250;

test(`the page is no larger than ${MOST} KB`, () => {
  const sizes = Object.entries(assets).map(([name, content]) => [name, gzipSync(content, { level: 9 }).length / 1000]);
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  console.log(`preview: ${total.toFixed(1)} KB gzip of ${MOST}: ${sizes.map(([name, size]) => `${name} ${size.toFixed(1)}`).join(", ")}`);
  assert.ok(sizes.length > 3 && total <= MOST);
});

pageTest("there is a first picture", {}, async ({ page }) => {
  console.log(`preview: first picture after ${Math.round(await firstPicture(page))} ms`);
});

for (const [name, look] of Object.entries(LOOKS)) {
  pageTest(`the page as one opens it has nothing that axe finds, ${name}`, { look }, async ({ page, context }) => {
    await firstPicture(page);
    await looksLike(page, context, name);
    await audit(page);
    await fits(page);
    await picture(page, name);
  });
}
