// Workers of JavaScript's: `workers.mjs SERVER PORT POLICY WORKERS CONNECTIONS`, and what they should do on the standard input.
//
// A line of the input names a fault: the workers write rows until the next line, which is empty, finish what they have begun, and say so.
// They print a line for every attempt that failed and for every write that ended, as JSON. At the end of the input the program ends.
import { AsyncLocalStorage } from "node:async_hooks";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { connectionOptions, retrying } from "../../../bindings-js/dist/adapters/ioredis.js";
import { retryingPool as retryingMysqlPool } from "../../../bindings-js/dist/adapters/mysql2.js";
import { retryingPool as retryingPgPool } from "../../../bindings-js/dist/adapters/pg.js";
import { Policy } from "../../../bindings-js/dist/index.js";
import { driver } from "../../../bindings-js/test/servers/drivers.mjs";

/** More rows than this no worker writes under one fault. */
const MOST_ROWS = 2000;
const [server, port, path, workers, connections] = process.argv.slice(2);

/**
 * Each answers the two kinds of writes, and what ends the connections. `kept` may be repeated, and answers whether it had been carried out
 * before; `plain` must not be.
 */
const servers = {
  postgres(policy, options) {
    const pool = new (driver("pg").Pool)({ host: "127.0.0.1", port, user: "worker", database: "postgres", max: Number(connections) });
    pool.on("error", () => {});
    const db = retryingPgPool(pool, policy, options);
    const insert = "insert into kept values ($1) on conflict do nothing";
    return {
      kept: async (key) => (await db.query(insert, [key], { idempotent: true })).rowCount === 0,
      plain: (key) => db.query("insert into plain values ($1)", [key]),
      end: () => pool.end(),
    };
  },
  mariadb(policy, options) {
    const where = { host: "127.0.0.1", port: Number(port), user: "worker", database: "test", connectionLimit: Number(connections) };
    const pool = driver("mysql2/promise").createPool(where);
    const db = retryingMysqlPool(pool, policy, options);
    return {
      kept: async (key) => (await db.query("insert ignore into kept values (?)", [key], { idempotent: true }))[0].affectedRows === 0,
      plain: (key) => db.query("insert into plain values (?)", [key]),
      end: () => pool.end(),
    };
  },
  redis(policy, options) {
    const client = new (driver("ioredis").Redis)({ port: Number(port), ...connectionOptions(policy) });
    client.on("error", () => {});
    const redis = retrying(client, policy, { ...options, idempotent: (command) => command === "set" });
    return {
      kept: async (key) => (await redis.set(`kept:${key}`, 1, "NX")) === null,
      plain: (key) => redis.rpush("plain", key),
      end: () => client.disconnect(),
    };
  },
};

/** What is known of the write that runs here. */
const current = new AsyncLocalStorage();

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function onEvent(event) {
  const write = current.getStore();
  if (!write) return; // ioredis connects
  if (event.kind === "attempt") write.attempts = event.attempt;
  else if (event.kind !== "success") {
    write.failure = { class: event.class, sent: event.sent, code: event.code ?? null, reason: event.reason ?? null };
    say({ failed: write.key, worker: write.worker, kind: write.kind, fault: write.fault, ...write.failure });
  }
}

/** Writes, and says how it ended. */
function tell(fault, worker, kind, key) {
  const write = { key, worker, kind, fault, attempts: 0, absorbed: false, error: null };
  return current.run(write, async () => {
    try {
      write.absorbed = (await db[kind](key)) === true;
    } catch (error) {
      write.error = error?.constructor?.name ?? typeof error;
      write.text = String(error?.message);
    }
    say({ ended: true, ...write });
  });
}

/** Half of the rows, in an order of its own for each worker: in step, all could be at the same kind when a fault begins. */
function isPlain(worker, row) {
  return (Math.imul(worker * MOST_ROWS + row, 2654435761) >>> 16) & 1;
}

async function run(fault, over) {
  const work = async (worker) => {
    for (let row = 0; row < MOST_ROWS && !over.aborted; row++) {
      await tell(fault, worker, isPlain(worker, row) ? "plain" : "kept", `node/${fault}/${worker}/${row}`);
    }
  };
  await Promise.all(Array.from({ length: Number(workers) }, (_, worker) => work(worker)));
  say({ finished: fault });
}

const db = servers[server](Policy.parse(readFileSync(path, "utf8")), { onEvent });
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
for (let fault = await lines.next(); !fault.done; fault = await lines.next()) {
  const over = new AbortController();
  const running = run(fault.value, over.signal);
  await lines.next();
  over.abort();
  await running;
}
await db.end();
