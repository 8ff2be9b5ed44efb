// An AbortSignal ends a call at any moment, in an attempt or in a wait, and its reason is what is thrown.
import { setTimeout as sleep } from "node:timers/promises";
import { retry } from "undaunted";

const user = new AbortController();

/** Never succeeds. It hands `signal` on, so that an attempt under way ends too. */
async function poll({ attempt, signal }) {
  console.log("attempt", attempt);
  await sleep(20, undefined, { signal });
  throw Object.assign(new Error("not there yet"), { code: "ECONNREFUSED" });
}

const polling = retry(poll, {
  backoff: "constant",
  initial: "1s",
  jitter: "equal",
  forever: true,
  signal: user.signal,
  onRetry: ({ delay }) => console.log(`waits ${delay} ms`),
});

setTimeout(() => user.abort(new Error("the user has left the page")), 100);

try {
  await polling;
} catch (error) {
  console.log("ended:", error.message, error === user.signal.reason); // ended: the user has left the page true
}
