// The program that every host runs: retries twice and succeeds, fetches from a server that fails twice, and draws waits as the oracle does.
import { backend, Policy, retry } from "undaunted";
import { retryingFetch } from "undaunted/fetch";
import { WANTED } from "./wanted.js";

export async function program() {
  let calls = 0;
  const failsTwice = () => {
    if (++calls < 3) throw Object.assign(new Error("lost"), { code: "ECONNRESET" });
    return calls;
  };
  const quick = { initial: "1ms", maxDelay: "1ms" };
  const attempts = await retry(failsTwice, quick);
  const answer = async () => new Response("fetched", { status: ++calls < 6 ? 503 : 200 });
  const text = await retryingFetch(quick, { fetch: answer }).text("https://service.test/");
  const waits = new Policy(WANTED.policy).schedule({ seed: BigInt(WANTED.seed), call: WANTED.call });
  const isRight = waits.length === WANTED.waits.length && waits.every((wait, index) => wait === WANTED.waits[index]);
  return `${backend()}: ${attempts} attempts, ${text} after ${calls}, ${isRight ? "waits as wanted" : `waits ${waits}`}`;
}
