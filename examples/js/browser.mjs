// Serves browser.html, the package's folder dist and a service that fails twice for each page: `node browser.mjs`, then open what it prints.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { listening } from "./upstream.mjs";

const dist = new URL(".", import.meta.resolve("undaunted"));
let failures = [];

async function answer({ url }, response) {
  if (url === "/") {
    failures = [500, 503];
    return response.setHeader("content-type", "text/html").end(await readFile(new URL("browser.html", import.meta.url)));
  }
  if (url === "/users/ada") return response.writeHead(failures.shift() ?? 200).end('{"name":"Ada"}');
  const file = /^\/undaunted\/((?:js\/)?[\w-]+\.js)$/.exec(url)?.[1];
  if (!file) return response.writeHead(404).end();
  response.setHeader("content-type", "text/javascript").end(await readFile(new URL(file, dist)));
}

const server = await listening(createServer(answer));
console.log(server.url);
