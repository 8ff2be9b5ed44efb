// A server on loopback that answers by script, one answer a request; the last repeats.
import { createServer } from "node:http";

/** Starts it for one test. Each answer is a status, an object, or a function of request and response. */
export async function serve(context, ...answers) {
  const seen = [];
  const sockets = new Set();
  const server = createServer(async (request, response) => {
    const answer = answers[Math.min(seen.length, answers.length - 1)];
    const entry = { method: request.method, headers: request.headers, body: "" };
    seen.push(entry);
    sockets.add(request.socket);
    if (typeof answer === "function") return answer(request, response);
    for await (const part of request) entry.body += part;
    const { status, headers = {}, body = "" } = typeof answer === "number" ? { status: answer } : answer;
    response.writeHead(status, headers).end(body);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  context.after(() => {
    server.closeAllConnections();
    return new Promise((closed) => server.close(closed));
  });
  return { url: `http://127.0.0.1:${server.address().port}/`, seen, sockets };
}

/** Waits of about nothing. */
export const quick = { initial: "1ms", maxDelay: "2ms", jitter: "none" };
