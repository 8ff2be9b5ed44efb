// `fetch` that retries: `node fetch.mjs [URL]`. Without a URL it asks a server of its own, which fails twice first.
import { once } from "node:events";
import { createServer } from "node:http";
import { Policy } from "undaunted";
import { retryingFetch } from "undaunted/fetch";

const policy = new Policy({ attempts: 5, timeout: "30s", attemptTimeout: "5s", initial: "100ms" });
const fetch = retryingFetch(policy, {
  onRetry: ({ attempt, delay, error }) => console.log(`attempt ${attempt}: ${error.message}; the next one starts in ${delay} ms`),
});

async function main(url) {
  // As with fetch: retried until the headers have come.
  const response = await fetch(url);
  console.log(response.status, await response.text()); // 200 {"requests":3}
  // Retried until the whole body has come; throws for a status of 400 or more.
  console.log(await fetch.json(url)); // { requests: 4 }
}

if (process.argv[2]) {
  await main(process.argv[2]);
} else {
  let requests = 0;
  const server = createServer((request, response) => {
    response.writeHead(++requests < 3 ? 503 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify({ requests }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  await main(`http://127.0.0.1:${server.address().port}/`);
  server.close();
}
