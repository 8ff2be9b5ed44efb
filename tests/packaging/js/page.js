// Runs in a page; says what came out in `window.outcome`.
import { Policy, retry } from "undaunted";
import { retryingFetch } from "undaunted/fetch";

let calls = 0;
const failsTwice = () => {
  if (++calls < 3) throw new Error("not yet");
  return `done after ${calls} attempts`;
};
const answer = async () => new Response("here", { status: ++calls < 6 ? 503 : 200 });

try {
  const done = await retry(failsTwice, { attempts: 5, initial: "1ms", on: Error });
  const fetched = await retryingFetch({ attempts: 5, initial: "1ms" }, { fetch: answer }).text("/");
  const waits = Policy.preset("stamina").replace({ jitter: "none" }).schedule({ attempts: 3 });
  window.outcome = { done, fetched, calls, waits };
} catch (error) {
  window.outcome = { error: String(error) };
}
