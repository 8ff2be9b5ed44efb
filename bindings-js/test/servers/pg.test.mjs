import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, beforeEach, test } from "node:test";
import { TimeoutError } from "undaunted";
import { retryingPool } from "undaunted/adapters/pg";
import { driver, patient, rejected, signalled, witness } from "./drivers.mjs";
import { Postgres, until } from "./processes.mjs";

const server = new Postgres();
before(() => server.start());
after(() => server.end());
beforeEach(() => server.execute(`
  drop table if exists child, late, t; create table t (id int primary key, n int); insert into t values (1, 0), (2, 0);
  create table child (t int references t); create table late (n int);
  create or replace function sleep() returns trigger language plpgsql as 'begin perform pg_sleep(60); return null; end';
  create constraint trigger sleep after insert on late deferrable initially deferred for each row execute function sleep()`));

/** A pool of pg for one test, and one that retries over it. */
function pools(context, options = {}, policy = patient, given = {}) {
  const trial = witness(options.told);
  const pool = new (driver("pg").Pool)({ ...server.where, max: 4, ...given });
  pool.on("error", () => {});
  context.after(() => pool.end());
  return { ...trial, pool, db: retryingPool(pool, policy, { onEvent: trial.onEvent }) };
}

/** Ends the session whose statement begins like this. */
async function terminate(beginning) {
  const found = () => server.execute(`select pg_terminate_backend(pid) from pg_stat_activity where query ilike '${beginning}%' and state <> 'idle'`);
  await until(async () => (await found()).length);
}

test("a deadlock is retried as a whole transaction", async (context) => {
  const { db, seen, pool } = pools(context);
  const both = [signalled(), signalled()];
  const add = (first, second) => db.transaction(async (client) => {
    await client.query("update t set n = n + 1 where id = $1", [first]);
    both[first - 1].come();
    await both[second - 1].promise;
    await client.query("update t set n = n + 1 where id = $1", [second]);
  });
  await Promise.all([add(1, 2), add(2, 1)]);
  assert.deepEqual([...new Set(seen)], ["conflict retried"]);
  assert.deepEqual(await server.execute("select n from t order by id"), [[2], [2]]);
  assert.equal(pool.idleCount, pool.totalCount);
});

test("a serialization failure is retried from the beginning, with what others have committed", async (context) => {
  const { db, seen } = pools(context);
  const answer = await db.transaction(async (client, { attempt }) => {
    const { rows } = await client.query("select n from t where id = 1");
    if (attempt === 1) await server.execute("update t set n = 5 where id = 1");
    await client.query("update t set n = $1 where id = 1", [rows[0].n + 1]);
    return attempt;
  }, { isolation: "serializable" });
  assert.equal(answer, 2);
  assert.deepEqual(seen, ["conflict retried"]);
  assert.deepEqual(await server.execute("select n from t where id = 1"), [[6]]);
});

test("options say how a transaction begins", async (context) => {
  const { db } = pools(context);
  const shown = (options) => db.transaction(async (client) => {
    const show = async (name) => (await client.query(`show ${name}`)).rows[0][name];
    return [await show("transaction_isolation"), await show("transaction_read_only"), await show("transaction_deferrable")];
  }, options);
  assert.deepEqual(await shown(), ["read committed", "off", "off"]);
  assert.deepEqual(await shown({ isolation: "serializable", readOnly: true, deferrable: true }), ["serializable", "on", "on"]);
  assert.throws(() => db.transaction(() => {}, { isolation: "serializable; drop table t" }), TypeError);
});

test("a unique violation is not retried, thrown as it came, and leaves a pool that works", async (context) => {
  const { db, seen, pool } = pools(context);
  const insert = (client) => client.query("insert into t values (1, 0)");
  const error = await rejected(db.transaction(insert));
  assert.ok(error instanceof driver("pg").DatabaseError && error.code === "23505");
  assert.equal((await rejected(db.query("insert into t values (1, 0)"))).code, "23505");
  assert.deepEqual(seen, ["permanent permanent", "permanent permanent"]);
  assert.deepEqual([pool.totalCount, pool.idleCount], [1, 1]);
});

test("what a function throws ends and undoes its transaction", async (context) => {
  const { db } = pools(context);
  const mine = new Error("mine");
  assert.equal(await rejected(db.transaction(async (client) => {
    await client.query("update t set n = 7");
    throw mine;
  })), mine);
  assert.deepEqual(await server.execute("select n from t"), [[0], [0]]);
});

test("a transaction that swallowed an error is not said to be committed", async (context) => {
  const { db, seen } = pools(context);
  const error = await rejected(db.transaction(async (client) => {
    await client.query("update t set n = 7");
    await client.query("select nonsense").catch(() => {});
  }));
  assert.match(error.message, /^the transaction was rolled back/);
  assert.deepEqual(seen, ["permanent permanent"]);
});

test("a foreign-key race is retried when a rule asks for it", async (context) => {
  const told = ({ kind }) => kind === "scheduled" && server.execute("insert into t values (3, 0) on conflict do nothing");
  const rules = [{ postgres: "23503", class: "conflict", sent: "rejected" }];
  const { db, lines } = pools(context, { told }, { ...patient, rules });
  await db.query("insert into child values ($1)", [3]);
  assert.deepEqual(lines(), ["conflict retried"]);
  const without = pools(context);
  assert.equal((await rejected(without.db.query("insert into child values (4)"))).code, "23503");
});

test("too many connections are waited for", async (context) => {
  const held = [];
  await rejected((async () => { for (;;) held.push(await server.connect()); })());
  const { db, lines } = pools(context, { told: () => { while (held.length) held.pop().end(); } });
  assert.equal((await db.query("select 1 as one")).rows[0].one, 1);
  assert.deepEqual(lines(), ["throttle retried"]);
});

test("a pool that is busy for too long is waited for", async (context) => {
  const { db, pool, lines } = pools(context, { told: () => held?.release(held = undefined) }, patient, { max: 1, connectionTimeoutMillis: 5 });
  let held;
  // Of a slow server, connecting takes longer than that.
  await until(async () => (held = await pool.connect()));
  assert.equal((await db.query("select 1 as one")).rows[0].one, 1);
  assert.deepEqual(lines(), ["connect retried"]);
});

test("a session that is ended before the COMMIT has left nothing behind: its transaction is repeated", async (context) => {
  const { db, seen, pool } = pools(context);
  await db.transaction(async (client, { attempt }) => {
    await client.query("update t set n = n + 1");
    if (attempt === 1) await Promise.all([client.query("select pg_sleep(60)"), terminate("select pg_sleep")]);
  });
  assert.deepEqual(seen, ["transient retried"]);
  assert.deepEqual(await server.execute("select n from t"), [[1], [1]]);
  assert.deepEqual([pool.totalCount, pool.idleCount], [1, 1]);
});

test("a session that is ended between two statements ends no process", async (context) => {
  const { db, seen } = pools(context);
  await db.transaction(async (client, { attempt }) => {
    const { rows } = await client.query("select pg_backend_pid() as pid");
    if (attempt > 1) return;
    const gone = new Promise((end) => client.once("end", end));
    await server.execute(`select pg_terminate_backend(${rows[0].pid})`);
    await gone;
    await client.query("select 1");
  });
  assert.deepEqual(seen, ["transient retried"]);
});

test("a session that is ended in the packet in which it begins ends no process", async (context) => {
  const message = (letter, body) => Buffer.from([...Buffer.from(letter), 0, 0, 0, 4 + body.length, ...Buffer.from(body)]);
  const begun = Buffer.concat([message("R", "\0\0\0\0"), message("Z", "I")]);
  const ended = message("E", "SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0");
  let sessions = 0;
  const fake = createServer((socket) => {
    const isFirst = ++sessions === 1;
    socket.once("data", () => {
      socket.write(isFirst ? Buffer.concat([begun, ended]) : begun);
      socket.once("data", () => socket.write(Buffer.concat([message("C", "SELECT 0\0"), message("Z", "I")])));
    });
  });
  await new Promise((listening) => fake.listen(0, "127.0.0.1", listening));
  context.after(() => fake.close());
  const { db, seen } = pools(context, {}, patient, { port: fake.address().port });
  assert.equal((await db.query("select", undefined, { idempotent: true })).command, "SELECT");
  assert.deepEqual(seen, ["transient retried"]);
});

for (const idempotent of [false, true]) {
  test(`a session that is ended during the COMMIT: idempotent ${idempotent}`, async (context) => {
    const { db, seen } = pools(context);
    const insert = db.transaction(async (client, { attempt }) => {
      if (attempt === 1) await client.query("insert into late values (1)");
    }, { idempotent }).catch((error) => error);
    await terminate("commit");
    assert.equal((await insert)?.code, idempotent ? undefined : "57P01");
    assert.deepEqual(seen, [idempotent ? "transient retried" : "transient not_idempotent"]);
  });

  test(`a restart in the middle of a query: idempotent ${idempotent}`, async (context) => {
    const { db, lines } = pools(context);
    const running = db.query("select pg_sleep((select 60 where n = 0)) from t where id = 1", [], { idempotent }).catch((error) => error);
    await until(async () => (await server.execute("select 1 from pg_stat_activity where query like 'select pg_sleep((%' and state = 'active'")).length);
    await server.stop();
    await server.start();
    await server.execute("update t set n = 1");
    if (idempotent) {
      // The second attempt may have begun before the update.
      await server.execute("select pg_cancel_backend(pid) from pg_stat_activity where query like 'select pg_sleep((%' and state = 'active'");
      await running;
      assert.equal(lines()[0], "transient retried");
    } else {
      assert.ok((await running) instanceof Error);
      assert.deepEqual(lines(), ["transient not_idempotent"]);
    }
  });
}

test("a server that is down is waited for, whatever is to be sent", async (context) => {
  const { db, lines } = pools(context, { told: () => up ??= server.start() });
  let up;
  await server.stop();
  await db.query("update t set n = n + 1");
  await up;
  assert.equal(lines()[0], "connect retried");
  assert.deepEqual(await server.execute("select n from t"), [[1], [1]]);
});

test("an abort ends a query at once, and its session", async (context) => {
  const { db, pool } = pools(context);
  const controller = new AbortController();
  const running = rejected(db.transaction((client) => client.query("select pg_sleep(61)"), { signal: controller.signal }));
  const sleeping = () => server.execute("select pid from pg_stat_activity where query like 'select pg_sleep(61%' and state = 'active'");
  const [[pid]] = await until(async () => ((found) => found.length && found)(await sleeping()));
  const reason = new Error("enough");
  controller.abort(reason);
  assert.equal(await running, reason);
  assert.equal(pool.totalCount, 0);
  await server.execute(`select pg_cancel_backend(${pid})`); // the server notices a lost client when it has something to say
});

test("an attempt that takes too long is ended and repeated", async (context) => {
  const { db, seen, pool } = pools(context, {}, { ...patient, attempts: 2, attemptTimeout: "50ms" });
  const error = await rejected(db.query("select pg_sleep(60)", [], { idempotent: true }));
  assert.ok(error instanceof TimeoutError);
  assert.deepEqual(seen, ["timeout retried", "timeout attempts"]);
  await until(() => pool.totalCount === pool.idleCount);
});

test("a call that is out of time ends its query", async (context) => {
  const { db, pool } = pools(context, {}, { ...patient, timeout: "50ms" });
  const error = await rejected(db.transaction((client) => client.query("select pg_sleep(60)")));
  assert.ok(error instanceof TimeoutError, String(error));
  await until(() => pool.totalCount === pool.idleCount);
});
