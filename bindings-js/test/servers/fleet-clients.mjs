// Clients of both kinds as a program makes them, on the server of a test.
import { driver } from "./drivers.mjs";

export async function connect(kind, port) {
  if (kind === "ioredis") {
    const client = new (driver("ioredis").Redis)({ port, retryStrategy: () => 20 });
    client.on("error", () => {});
    await client.ping();
    return client;
  }
  const client = driver("redis").createClient({ socket: { host: "127.0.0.1", port, reconnectStrategy: () => 20 } });
  client.on("error", () => {});
  return client.connect();
}

export const disconnect = (client) => (client.disconnect ?? client.destroy).call(client);
