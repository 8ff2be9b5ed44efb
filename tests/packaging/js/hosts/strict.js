// A page whose policy refuses WebAssembly: the main entry names undaunted/js, and that does what page.js shows of the main entry.
import { Policy as Refused } from "undaunted";
import { backend, Policy, retry } from "undaunted/js";
import { retryingFetch } from "undaunted/js/fetch";

let calls = 0;
const failsTwice = () => {
  if (++calls < 3) throw new Error("not yet");
  return `done after ${calls} attempts`;
};
const answer = async () => new Response("here", { status: ++calls < 6 ? 503 : 200 });

try {
  let refusal = "none";
  try {
    new Refused();
  } catch (error) {
    refusal = error.message;
  }
  if (!refusal.includes("import undaunted/js") || backend() !== "js") throw new Error(`${backend()}, refusal: ${refusal}`);
  const done = await retry(failsTwice, { attempts: 5, initial: "1ms", on: Error });
  const fetched = await retryingFetch({ attempts: 5, initial: "1ms" }, { fetch: answer }).text("/");
  const waits = Policy.preset("stamina").replace({ jitter: "none" }).schedule({ attempts: 3 });
  window.outcome = { done, fetched, calls, waits };
} catch (error) {
  window.outcome = { error: String(error) };
}
