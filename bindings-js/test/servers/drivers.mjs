// The packages that the adapters are for: `python3 tests/setup.py drivers` puts them beside everything else that is fetched.
import { createRequire } from "node:module";
import { join } from "node:path";

const { UNDAUNTED_DRIVERS } = process.env;
if (!UNDAUNTED_DRIVERS) throw new Error("UNDAUNTED_DRIVERS is not set; run python3 tests/run.py js-servers");

/** A package, as `require` gives it. */
export const driver = createRequire(join(UNDAUNTED_DRIVERS, "package.json"));

/** A policy's options under which a call goes on until what it needs is there; attempt after attempt, about nothing between them. */
export const patient = { attempts: null, timeout: "60s", backoff: "constant", initial: "5ms", maxDelay: "5ms", jitter: "none" };

/** Keeps what was decided: a line for each failure, its class and "retried" or the reason for giving up. `told` hears of it. */
export function witness(told = () => {}) {
  const seen = [];
  const onEvent = (event) => {
    if (event.kind !== "scheduled" && event.kind !== "gave_up") return;
    seen.push(`${event.class} ${event.reason ?? "retried"}`);
    told(event);
  };
  /** The lines without repetitions. */
  const lines = () => seen.filter((line, at) => line !== seen[at - 1]);
  return { seen, lines, onEvent };
}

/** What a promise was rejected with. */
export function rejected(promise) {
  return promise.then((value) => { throw new Error(`it was not rejected: ${value}`); }, (error) => error);
}

/** A promise to be settled from outside. */
export function signalled() {
  let come;
  const promise = new Promise((resolve) => (come = resolve));
  return { come, promise };
}
