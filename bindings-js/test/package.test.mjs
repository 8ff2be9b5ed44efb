import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const home = fileURLToPath(new URL("..", import.meta.url));
const stranger = mkdtempSync(join(tmpdir(), "undaunted-"));
const run = (command, args, cwd = stranger) => execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

before(() => {
  const [{ filename }] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", stranger], home));
  writeFileSync(join(stranger, "package.json"), '{ "private": true }');
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./${filename}`]);
});
after(() => rmSync(stranger, { recursive: true }));

const OUTPUT = "done after 3 attempts\nhello 2\n[ 1 ]\na bug permanent\n";
const example = /```js\n([\s\S]*?)```/.exec(readFileSync(join(home, "README.md"), "utf8"))[1];

test("the README's example runs in an empty folder as ESM", () => {
  writeFileSync(join(stranger, "example.mjs"), example);
  assert.equal(run("node", ["example.mjs"]), OUTPUT);
});

test("and as CommonJS", () => {
  const required = example.replace(/import (\{.*\}) from ("[^"]+");/g, "const $1 = require($2);");
  writeFileSync(join(stranger, "example.cjs"), `(async () => {\n${required}\n})();`);
  assert.equal(run("node", ["example.cjs"]), OUTPUT);
});

test("and with the schema and the manifest to be had", () => {
  const require = createRequire(join(stranger, "x.js"));
  assert.equal(require("undaunted/package.json").name, "undaunted");
  assert.ok("maxDelay" in require("undaunted/policy.schema.json").properties || "max_delay" in require("undaunted/policy.schema.json").properties);
  assert.throws(() => require("undaunted/core"), { code: "ERR_PACKAGE_PATH_NOT_EXPORTED" });
  const { dependencies } = require("undaunted/package.json");
  assert.equal(dependencies, undefined);
});

test("the package holds what it needs and no sources or tests", () => {
  const files = readdirSync(join(stranger, "node_modules", "undaunted"), { recursive: true }).filter((name) => name !== "dist");
  assert.ok(["README.md", "LICENSE", "package.json"].every((name) => files.includes(name)), files.join());
  assert.deepEqual(files.filter((name) => !/^(bin|bin.(undaunted|preview)\.mjs|dist.preview(.[\w-]+\.(html|js|css|svg|png|ico|txt))?|dist(.js)?(.adapters|.instrumentation)?|dist.(js.)?((adapters|instrumentation).)?[\w.-]+\.(js|cjs|d\.ts|d\.cts)|[A-Z]+(\.md)?|package\.json|policy\.schema\.json)$/.test(name)), []);
});

test("its program runs, and shows its progress on a terminal only", () => {
  const program = ["--no", "undaunted"];
  assert.match(run("npx", [...program, "simulate", "preset:interactive", "--clients", "1000"]), /^1 000 clients fail together/);
  assert.throws(() => run("npx", [...program, "lint", "preset:nosuch"]), ({ status, stderr }) => status === 2 && /^preset:nosuch: .* \[unknown_value\]\n$/.test(stderr));
});

test("ESM and CommonJS side by side know each other's errors", () => {
  const both = `
    import { createRequire } from "node:module";
    import { history, retry } from "undaunted";
    import { retryingFetch } from "undaunted/fetch";
    const cjs = createRequire(import.meta.url)("undaunted");
    const error = await retry(() => { throw cjs.stop(new Error("x")); }, { on: "any" }).catch((error) => error);
    console.log(cjs.history(error).length, history(error)[0].reason);
    console.log(await retry(() => { throw cjs.stop("text"); }, { on: "any" }).catch((error) => error));
    let calls = 0;
    const fails = () => { calls++; throw Object.assign(new Error("lost"), { code: "ECONNRESET" }); };
    const policy = new cjs.Policy({ attempts: 3, initial: "1ms", maxDelay: "1ms" });
    for (const form of [policy, { policy }]) await retry(fails, form).catch(() => {});
    await retryingFetch(policy, { fetch: fails })("http://127.0.0.1/").catch(() => {});
    console.log(calls);`;
  writeFileSync(join(stranger, "both.mjs"), both);
  assert.equal(run("node", ["both.mjs"]), "1 permanent\ntext\n9\n");
});

test("undaunted.wasm imports nothing", () => {
  const bytes = readFileSync(join(home, "generated", "undaunted.wasm"));
  const module = new WebAssembly.Module(bytes);
  assert.deepEqual(WebAssembly.Module.imports(module), []);
  const documented = [...readFileSync(join(home, "ABI.md"), "utf8").matchAll(/`([a-z_]+)\(/g)].map(([, name]) => name);
  const exported = WebAssembly.Module.exports(module).filter(({ kind }) => kind === "function").map(({ name }) => name);
  assert.deepEqual(exported.sort(), [...new Set(documented)].sort());
});

test("importing it makes no engine and touches no global", () => {
  const probe = `
    const before = Object.getOwnPropertySymbols(globalThis).length;
    let made = 0;
    const { Module } = WebAssembly;
    WebAssembly.Module = class extends Module { constructor(...all) { super(...all); made++; } };
    const { retry, backend } = await import("undaunted");
    await import("undaunted/fetch");
    await import("undaunted/lab");
    console.log(made, Object.getOwnPropertySymbols(globalThis).length - before);
    console.log(backend(), made);`;
  writeFileSync(join(stranger, "probe.mjs"), probe);
  assert.equal(run("node", ["probe.mjs"]), "0 0\nwasm 1\n");
});

test("a host that refuses WebAssembly says what to do", () => {
  const probe = `
    WebAssembly.Module = function () { throw new Error("no code from bytes here"); };
    const { Policy } = await import("undaunted");
    try { new Policy(); } catch (error) { console.log(error.message, "|", error.cause.message); }`;
  writeFileSync(join(stranger, "refused.mjs"), probe);
  assert.match(run("node", ["refused.mjs"]), /import undaunted\/js .*'wasm-unsafe-eval'.*\| no code from bytes here/);
});

test("a process ends during a wait that is unref'd, and not during any other", () => {
  const script = (unref) => `
    import { retry } from "undaunted";
    const lost = Object.assign(new Error("lost"), { code: "ECONNRESET" });
    retry(() => { throw lost; }, { attempts: 2, initial: "40ms", jitter: "none", unref: ${unref} }).catch(() => console.log("gave up"));`;
  writeFileSync(join(stranger, "unref.mjs"), script(true));
  assert.equal(run("node", ["unref.mjs"]), "");
  writeFileSync(join(stranger, "unref.mjs"), script(false));
  assert.equal(run("node", ["unref.mjs"]), "gave up\n");
});
