// A service that calls a flaky upstream: `node fetch_service.mjs` starts both and asks the service twice.
//
// Look at `hello`: the policy is a file that may change while the service runs, with a `timeout` shorter than the callers'; and a caller is told,
// when the upstream stays down, 503 with the upstream's own Retry-After instead of a second round of waiting.
import { createServer } from "node:http";
import { history, HttpError } from "undaunted";
import { retryingFetch } from "undaunted/fetch";
import { watchFile } from "undaunted/source";
import { listening, upstream } from "./upstream.mjs";

const users = await upstream();
const fetchR = retryingFetch(watchFile(new URL("users-api.json", import.meta.url)), { name: "users" });

async function hello(request, response) {
  const left = new AbortController(); // a caller who goes away ends the call
  response.on("close", () => left.abort());
  try {
    const found = await fetchR.json(users.url + request.url, { signal: left.signal }); // the body, too, is read within the attempt
    response.end(`hello ${found.name}`);
  } catch (error) {
    const status = error instanceof HttpError && error.status === 404 ? 404 : 503;
    const hint = history(error).at(-1)?.hint;
    response.writeHead(status, hint === undefined ? {} : { "retry-after": Math.ceil(hint / 1000) });
    response.end(status === 404 ? "no such user" : "please come back later");
  }
}

const service = await listening(createServer(hello));
const ada = await fetch(`${service.url}/users/ada`);
console.log(ada.status, await ada.text()); // 200 hello Ada
const bob = await fetch(`${service.url}/users/bob`);
console.log(bob.status, bob.headers.get("retry-after"), await bob.text()); // 503 60 please come back later
service.close();
users.close();
