// A flaky upstream for the other examples: it fails twice, then knows Ada; for anybody else it is in maintenance.
import { once } from "node:events";
import { createServer } from "node:http";

/** Listens on a port of its own; `server.url` says where. */
export async function upstream() {
  const failures = [500, 503];
  return await listening(createServer((request, response) => {
    if (request.url !== "/users/ada") return response.writeHead(503, { "retry-after": "60" }).end();
    if (failures.length) return response.writeHead(failures.shift()).end();
    response.setHeader("content-type", "application/json").end('{"name":"Ada"}');
  }));
}

export async function listening(server) {
  await once(server.listen(0, "127.0.0.1"), "listening");
  return Object.assign(server, { url: `http://127.0.0.1:${server.address().port}` });
}
