// A dispatcher of undici's that retries: `node undici_dispatcher.mjs` asks a flaky server.
//
// Look at `compose`: the interceptor stands where undici's own `interceptors.retry()` would, and only one of both may be there. It covers an attempt up
// to the headers; a request whose body has to arrive as well is a function that is retried, without the interceptor.
import { Agent, request } from "undici";
import { history, ok, Policy } from "undaunted";
import { retryInterceptor } from "undaunted/adapters/undici";
import { upstream } from "./upstream.mjs";

const policy = new Policy({ attempts: 4, timeout: "3s", initial: "20ms" });
const users = await upstream();
const onRetry = ({ attempt, code }) => console.log("attempt", attempt, "failed with", code);
const agent = new Agent();
const dispatcher = agent.compose(retryInterceptor(policy, { name: "users", onRetry }));

const ada = await request(`${users.url}/users/ada`, { dispatcher });
console.log(ada.statusCode, await ada.body.json()); // 200 { name: 'Ada' }

// Given up at once, since the server asks for more time than there is; the last response comes as it was.
const bob = await request(`${users.url}/users/bob`, { dispatcher });
console.log(bob.statusCode, bob.headers["retry-after"], await bob.body.text() === ""); // 503 60 true

const whole = policy.wrap(async (name) => {
  const { statusCode: status, headers, body } = await request(`${users.url}/users/${name}`, { dispatcher: agent });
  if (status < 400) return await body.json();
  await body.dump();
  return ok(new Response("", { status, headers })); // throws
});
console.log(await whole("ada")); // { name: 'Ada' }
const error = await whole("bob").catch((error) => error);
console.log(error.status, history(error)[0].reason); // 503 hint_too_long
await agent.close();
users.close();
