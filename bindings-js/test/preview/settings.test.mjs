// What people paste from their code, against the same settings as `convert` takes them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { convert } from "../../dist/lab.js";

const source = fileURLToPath(new URL("../../preview/settings.ts", import.meta.url));
const { outputFiles } = await build({ entryPoints: [source], format: "esm", write: false });
const { EXAMPLES, settingsIn } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);

/** Texts as they stand in code, and the settings that they are. */
const PASTED = {
  stamina: [
    ["@stamina.retry(on=httpx.HTTPError, attempts=5, wait_max=10)", { on: "httpx.HTTPError", attempts: 5, wait_max: 10 }],
    ["for attempt in stamina.retry_context(on=(ValueError, KeyError), attempts=None, timeout=45.0):", undefined],
    ["stamina.retry_context(on=(ValueError, KeyError), attempts=None, timeout=45.0)", { on: "ValueError", attempts: null, timeout: 45 }],
    ["stamina.retry(on=Exception, timeout=dt.timedelta(minutes=1, seconds=5), wait_initial=0.1)", { on: "Exception", timeout: 65, wait_initial: 0.1 }],
    ["@stamina.retry(\n    on=lambda exc: exc.status in (502, 503),  # ours\n    attempts=3,\n)", { on: "lambda exc: exc.status in (502, 503)", attempts: 3 }],
    ['{"attempts": 3}', { attempts: 3 }],
  ],
  tenacity: [
    ["@retry(stop=stop_after_attempt(5) | stop_after_delay(30), wait=wait_fixed(3))", { stop: { stop_any: [{ stop_after_attempt: 5 }, { stop_after_delay: 30 }] }, wait: { wait_fixed: 3 } }],
    ["Retrying(stop=tenacity.stop_after_attempt(2 * 3), wait=tenacity.wait_exponential(1, max=10) + wait_random(0, 2), reraise=True)",
      { stop: { stop_after_attempt: 6 }, wait: { wait_combine: [{ wait_exponential: { multiplier: 1, max: 10 } }, { wait_random: { min: 0, max: 2 } }] }, reraise: true }],
    ["@retry(stop=stop_never, wait=wait_chain(wait_fixed(1), wait_none()), retry=retry_if_exception_type(IOError))",
      { stop: { stop_never: {} }, wait: { wait_chain: [{ wait_fixed: 1 }, { wait_none: {} }] }, retry: "retry_if_exception_type(IOError)" }],
    ["@retry(stop=(stop_after_attempt(3) & stop_after_delay(timedelta(seconds=4))))", { stop: { stop_all: [{ stop_after_attempt: 3 }, { stop_after_delay: 4 }] } }],
  ],
  urllib3: [
    ["Retry(total=5, backoff_factor=0.5, status_forcelist=[502, 503, 504])", { total: 5, backoff_factor: 0.5, status_forcelist: [502, 503, 504] }],
    ["retries = urllib3.util.Retry(3, allowed_methods=None, status_forcelist={429, 503})", { total: 3, allowed_methods: null, status_forcelist: [429, 503] }],
    ["Retry(\n  connect=1_0,\n  respect_retry_after_header=False)", { connect: 10, respect_retry_after_header: false }],
  ],
  "p-retry": [
    ["pRetry(() => fetch(url), { retries: 5, factor: 2, minTimeout: 1_000, randomize: true })", { retries: 5, factor: 2, minTimeout: 1000, randomize: true }],
    ["await pRetry(run, {'retries': Infinity, maxTimeout: 60 * 1000, unref, onFailedAttempt: error => { log(error, {a: 1}); },});",
      { retries: "Infinity", maxTimeout: 60000, unref: "unref", onFailedAttempt: "error => { log(error, {a: 1}); }" }],
    ["const options = {retries: 2 /* for now */};", { retries: 2 }],
  ],
  aws: [
    ["export AWS_MAX_ATTEMPTS=5\nAWS_RETRY_MODE='standard'\n", { AWS_MAX_ATTEMPTS: "5", AWS_RETRY_MODE: "standard" }],
    ["[profile x]\nmax_attempts = 4\nretry_mode=adaptive", { AWS_MAX_ATTEMPTS: "4", AWS_RETRY_MODE: "adaptive" }],
  ],
};

for (const [library, pasted] of Object.entries(PASTED)) {
  test(`what is pasted of ${library}`, () => {
    for (const [text, settings] of pasted) {
      if (settings) assert.deepEqual(settingsIn(text, library), settings, text);
      else assert.throws(() => settingsIn(text, library), SyntaxError, text);
    }
  });
}

test("every example is a policy", () => {
  for (const [library, text] of Object.entries(EXAMPLES)) assert.ok(convert(settingsIn(text, library), library).policy.dump(), library);
});

test("what is none is refused in a sentence", () => {
  for (const library of Object.keys(EXAMPLES)) {
    for (const text of ["hello", "Retry(", "@retry", "42", "[1, 2]", "'text'", "{", "(", "f(a, b"]) {
      try {
        const settings = settingsIn(text, library);
        assert.ok(settings && typeof settings === "object", `${library}: ${text}`);
      } catch (error) {
        assert.ok(error instanceof SyntaxError, `${library}: ${text}: ${error.stack}`);
        assert.match(error.message, /paste/);
      }
    }
  }
});

test("no text makes the reader hang or throw anything else", () => {
  let state = 1;
  const roll = (most) => (state = (state * 48271) % 2147483647) % most;
  const pieces = ["retry", "(", ")", "[", "]", "{", "}", ",", "=", "|", "+", "*", "'", '"', "5", "0.5", " ", "\n", "#", "//", "/*", "*/", ":", "stop_after_attempt", "None", "-", "é", "\\"];
  for (let n = 0; n < 20_000; n++) {
    const text = Array.from({ length: 1 + roll(14) }, () => pieces[roll(pieces.length)]).join("");
    try {
      settingsIn(text, "tenacity");
    } catch (error) {
      assert.ok(error instanceof SyntaxError, `${JSON.stringify(text)}: ${error.stack}`);
    }
  }
});
