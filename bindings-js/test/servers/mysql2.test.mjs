import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { TimeoutError } from "undaunted";
import { retryingPool } from "undaunted/adapters/mysql2";
import { driver, patient, rejected, signalled, witness } from "./drivers.mjs";
import { MariaDB, until } from "./processes.mjs";

const server = new MariaDB();
before(() => server.start());
after(() => server.end());
beforeEach(async () => {
  for (const sql of [
    "create table if not exists test.t (id int primary key, n int) engine = innodb",
    "create table if not exists test.child (t int, foreign key (t) references t (id)) engine = innodb",
    "delete from test.child", "delete from test.t", "insert into test.t values (1, 0), (2, 0)",
  ]) await server.execute(sql);
});

/** A pool of mysql2 for one test, and one that retries over it. */
function pools(context, options = {}, policy = patient, given = {}) {
  const trial = witness(options.told);
  const pool = driver("mysql2/promise").createPool({ ...server.where, database: "test", connectionLimit: 4, ...given });
  context.after(() => pool.end());
  return { ...trial, pool, db: retryingPool(pool, policy, { onEvent: trial.onEvent }) };
}

/** Ends the session whose statement begins like this. */
async function terminate(beginning) {
  const [[id]] = await until(async () => ((found) => found.length && found)(await sessions(beginning)));
  await server.execute(`kill ${id}`);
}

function sessions(beginning) {
  return server.execute(`select id from information_schema.processlist where info like '${beginning}%'`);
}

test("a deadlock is retried as a whole transaction", async (context) => {
  const { db, seen } = pools(context);
  const both = [signalled(), signalled()];
  const add = (first, second) => db.transaction(async (connection) => {
    await connection.query("update t set n = n + 1 where id = ?", [first]);
    both[first - 1].come();
    await both[second - 1].promise;
    await connection.query("update t set n = n + 1 where id = ?", [second]);
  });
  await Promise.all([add(1, 2), add(2, 1)]);
  assert.deepEqual([...new Set(seen)], ["conflict retried"]);
  assert.deepEqual(await server.execute("select n from test.t order by id"), [[2], [2]]);
});

test("a lock that another holds for too long is waited for, and nothing is done twice", async (context) => {
  const other = await server.connect({ database: "test" });
  await other.query("start transaction");
  await other.query("select * from t where id = 2 for update");
  const { db, lines } = pools(context, { told: () => other.destroy() });
  await db.transaction(async (connection) => {
    await connection.query("set innodb_lock_wait_timeout = 0");
    await connection.query("update t set n = n + 1 where id = 1");
    await connection.query("update t set n = n + 1 where id = 2");
  });
  assert.deepEqual(lines(), ["conflict retried"]);
  assert.deepEqual(await server.execute("select n from test.t"), [[1], [1]]);
});

test("options say how a transaction begins", async (context) => {
  const { db } = pools(context);
  const error = await rejected(db.transaction((connection) => connection.query("update t set n = 1"), { readOnly: true }));
  assert.equal(error.code, "ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION");
  const reads = async (isolation) => db.transaction(async (connection) => {
    await connection.query("select n from t");
    await server.execute("update test.t set n = n + 1");
    const [[{ n }]] = await connection.query("select n from t");
    return n;
  }, { isolation });
  assert.deepEqual([await reads("repeatable read"), await reads("read committed")], [0, 2]);
  assert.throws(() => db.transaction(() => {}, { isolation: "none" }), TypeError);
});

test("a duplicate is not retried, thrown as it came, and undoes its transaction", async (context) => {
  const { db, seen } = pools(context);
  const error = await rejected(db.transaction(async (connection) => {
    await connection.execute("update t set n = 7");
    await connection.execute("insert into t values (?, 0)", [1]);
  }));
  assert.equal(error.code, "ER_DUP_ENTRY");
  assert.deepEqual(seen, ["permanent permanent"]);
  assert.deepEqual(await server.execute("select n from test.t"), [[0], [0]]);
});

test("a foreign-key race is retried when a rule asks for it", async (context) => {
  const told = ({ kind }) => kind === "scheduled" && server.execute("insert ignore into test.t values (3, 0)");
  const { db, lines } = pools(context, { told }, { ...patient, rules: [{ mysql: 1452, class: "conflict", sent: "rejected" }] });
  const [{ affectedRows }] = await db.execute("insert into child values (?)", [3]);
  assert.equal(affectedRows, 1);
  assert.deepEqual(lines(), ["conflict retried"]);
});

test("too many connections are waited for", async (context) => {
  const held = [];
  await rejected((async () => { for (;;) held.push(await server.connect()); })());
  const { db, lines } = pools(context, { told: () => { while (held.length) held.pop().destroy(); } });
  const [[{ one }]] = await db.query("select 1 as one");
  assert.equal(one, 1);
  assert.deepEqual(lines(), ["throttle retried"]);
});

test("a session that is ended before the COMMIT has left nothing behind: its transaction is repeated", async (context) => {
  const { db, seen } = pools(context);
  await db.transaction(async (connection, { attempt }) => {
    await connection.query("update t set n = n + 1");
    if (attempt === 1) await Promise.all([connection.query("select sleep(60)"), terminate("select sleep")]);
  });
  assert.deepEqual(seen, ["transient retried"]);
  assert.deepEqual(await server.execute("select n from test.t"), [[1], [1]]);
});

test("a session that is ended between two statements is told at the next one, and repeated", async (context) => {
  const { db, seen } = pools(context);
  await db.transaction(async (connection, { attempt }) => {
    if (attempt > 1) return;
    const gone = new Promise((end) => connection.connection.once("end", end).once("error", end));
    await server.execute(`kill ${connection.threadId}`);
    await gone;
    await connection.query("select 1");
  });
  assert.deepEqual(seen, ["transient retried"]);
});

for (const idempotent of [false, true]) {
  test(`a session that is ended in the middle of a statement: idempotent ${idempotent}`, async (context) => {
    const { db, seen } = pools(context);
    const slow = db.query("select sleep(if(n = 0, 60, 0)) from t where id = 1", [], { idempotent }).catch((error) => error);
    const [[id]] = await until(async () => ((found) => found.length && found)(await sessions("select sleep(if")));
    await server.execute("update test.t set n = 1");
    await server.execute(`kill ${id}`);
    const answer = await slow;
    assert.equal(answer instanceof Error, !idempotent);
    assert.deepEqual(seen, [idempotent ? "transient retried" : "transient not_idempotent"]);
  });
}

test("a server that is down is waited for, whatever is to be sent", async (context) => {
  const { db, lines } = pools(context, { told: () => up ??= server.start() });
  let up;
  await server.stop();
  await db.execute("update t set n = n + 1");
  await up;
  assert.equal(lines()[0], "connect retried");
  assert.deepEqual(await server.execute("select n from test.t"), [[1], [1]]);
});

test("an abort ends a statement at once, and its session", async (context) => {
  const { db } = pools(context);
  const controller = new AbortController();
  const running = rejected(db.transaction((connection) => connection.query("select sleep(61)"), { signal: controller.signal }));
  const [[id]] = await until(async () => ((found) => found.length && found)(await sessions("select sleep(61")));
  const reason = new Error("enough");
  controller.abort(reason);
  assert.equal(await running, reason);
  await until(async () => !(await sessions("select sleep(61")).some(([other]) => other === id));
});

test("an attempt that takes too long is ended and repeated", async (context) => {
  const { db, seen } = pools(context, {}, { ...patient, attempts: 2, attemptTimeout: "50ms" });
  assert.ok((await rejected(db.query("select sleep(60)", [], { idempotent: true }))) instanceof TimeoutError);
  assert.deepEqual(seen, ["timeout retried", "timeout attempts"]);
});
