// A Worker in front of a flaky service: deploy it with a service binding USERS; `node worker.mjs` calls its handler with a binding that fails twice.
//
// Look at `policy`: Workers get the engine as JavaScript, by themselves. It is made once and holds the budget, which protects the service from
// this isolate. Look at `signal`: a client that has gone ends the call.
import { Policy } from "undaunted";
import { retryingFetch } from "undaunted/fetch";

const policy = new Policy({ preset: "interactive", timeout: "3s", initial: "20ms", budget: { name: "users" } });

const worker = {
  async fetch(request, env) {
    const fetchR = retryingFetch(policy, { fetch: (input, init) => env.USERS.fetch(input, init), name: "users" });
    const { pathname } = new URL(request.url);
    const response = await fetchR(`https://users.internal${pathname}`, { signal: request.signal });
    if (response.status < 500) return response;
    return new Response("please come back later", { status: 503, headers: { "retry-after": response.headers.get("retry-after") ?? "5" } });
  },
};

export default worker;

if (globalThis.process?.argv?.[1]?.endsWith("worker.mjs")) {
  const statuses = [502, 503, 200];
  const env = { USERS: { fetch: async () => new Response("Ada", { status: statuses.shift() ?? 500 }) } };
  const ada = await worker.fetch(new Request("https://hello.test/users/ada"), env);
  console.log(ada.status, await ada.text()); // 200 Ada
  const bob = await worker.fetch(new Request("https://hello.test/users/bob"), env);
  console.log(bob.status, bob.headers.get("retry-after"), await bob.text()); // 503 5 please come back later
}
