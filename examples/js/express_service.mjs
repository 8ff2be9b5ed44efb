// Express in front of a flaky upstream: `node express_service.mjs` starts both and asks twice.
//
// Look at the last handler: one place turns errors of all routes into answers, and it goes by what the policy knew of them.
import { createServer } from "node:http";
import express from "express";
import { history, HttpError, Policy } from "undaunted";
import { retryingFetch } from "undaunted/fetch";
import { listening, upstream } from "./upstream.mjs";

const users = await upstream();
const policy = new Policy({ attempts: 4, timeout: "3s", attemptTimeout: "1s", initial: "20ms", budget: { name: "users-api" } });
const fetchR = retryingFetch(policy, { name: "users" });

const app = express();

app.get("/hello/:id", async (request, response) => {
  const { name } = await fetchR.json(`${users.url}/users/${encodeURIComponent(request.params.id)}`, { signal: leaving(response) });
  response.json({ hello: name });
});

app.use((error, request, response, next) => {
  const last = history(error).at(-1);
  if (response.headersSent || !last) return next(error);
  if (error instanceof HttpError && error.status === 404) return response.status(404).json({ error: "no such user" });
  if (last.hint !== undefined) response.set("retry-after", String(Math.ceil(last.hint / 1000)));
  response.status(503).json({ error: "please come back later", reason: last.reason });
});

/** Aborts when the caller has gone. */
function leaving(response) {
  const controller = new AbortController();
  response.on("close", () => controller.abort());
  return controller.signal;
}

const service = await listening(createServer(app));
const ada = await fetch(`${service.url}/hello/ada`);
console.log(ada.status, await ada.text()); // 200 {"hello":"Ada"}
const bob = await fetch(`${service.url}/hello/bob`);
console.log(bob.status, bob.headers.get("retry-after"), await bob.text()); // 503 60 {"error":"please come back later","reason":"hint_too_long"}
service.close();
users.close();
