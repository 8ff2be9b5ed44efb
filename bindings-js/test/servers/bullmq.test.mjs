import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Policy } from "undaunted";
import { backoffStrategy, handOver, jobOptions } from "undaunted/adapters/bullmq";
import { resumeToken } from "undaunted/resume";
import { driver, rejected } from "./drivers.mjs";
import { Redis, until } from "./processes.mjs";

const { Queue } = driver("bullmq");
const KEY = "a key of the tests";
const POLICY = { attempts: 6, timeout: "1h", initial: 20, maxDelay: 100 };
const server = new Redis();
let admin;
before(async () => {
  await server.start();
  admin = await server.client();
});
after(async () => {
  admin.disconnect();
  await server.end();
});
beforeEach(() => admin.flushall());

/** A worker in a process of its own, and a queue. */
async function worker(context) {
  const queue = new Queue("charges", { connection: { port: server.port } });
  const script = fileURLToPath(new URL("bullmq-worker.mjs", import.meta.url));
  let running;
  const start = async () => {
    running = spawn(process.execPath, [script, server.port, JSON.stringify(POLICY), KEY], { stdio: ["ignore", "pipe", "inherit"] });
    await once(running.stdout, "data");
  };
  const kill = async () => {
    if (running.exitCode !== null || running.signalCode) return;
    running.kill("SIGKILL");
    await once(running, "exit");
  };
  context.after(async () => {
    await kill();
    await queue.close();
  });
  await start();
  return { queue, kill, start };
}

/** The error of a call that a web service gives up after two attempts, and the waits of its seed by the queue's policy. */
async function givenUp() {
  let callSeed;
  const service = new Policy({ attempts: 2, initial: 1, maxDelay: 1 });
  const onGiveUp = (event) => (callSeed = event.callSeed);
  const error = await rejected(service.run(() => { throw Object.assign(new Error("down"), { code: "ECONNRESET" }); }, { onGiveUp }));
  return [error, new Policy(POLICY).schedule({ callSeed })];
}

/** The connection is reset in these attempts. */
function resets(...numbers) {
  return Object.fromEntries(numbers.map((number) => [number, "reset"]));
}

async function noted(what, { id }) {
  return (await admin.lrange(`${what} ${id}`, 0, -1)).map((text) => JSON.parse(text));
}

async function endOf(queue, job) {
  return until(async () => {
    const state = await (await queue.getJob(job.id)).getState();
    return (state === "completed" || state === "failed") && state;
  });
}

const numbers = async (job) => (await noted("attempts", job)).map(([number]) => number);

test("a call that a service gave up goes on with its schedule", async (context) => {
  const { queue } = await worker(context);
  const [error, waits] = await givenUp();
  const job = await handOver(queue, "charge", { errors: resets(3, 4) }, error, POLICY, { key: KEY });
  assert.equal(job.opts.delay, Math.ceil(waits[1]));
  assert.equal(await endOf(queue, job), "completed");
  assert.deepEqual(await numbers(job), [3, 4, 5]);
  assert.deepEqual(await noted("asked", job), [Math.ceil(waits[2]), Math.ceil(waits[3])]);
});

test("and ends where the policy of the queue gives up, with the job's own error", async (context) => {
  const { queue } = await worker(context);
  const [error, waits] = await givenUp();
  const job = await handOver(queue, "charge", { errors: resets(3, 4, 5, 6, 7) }, error, POLICY, { key: KEY });
  assert.equal(await endOf(queue, job), "failed");
  assert.deepEqual(await numbers(job), [3, 4, 5, 6]);
  assert.deepEqual(await noted("asked", job), [...waits.slice(2, 5).map(Math.ceil), -1]);
  assert.equal((await queue.getJob(job.id)).failedReason, "reset");
});

test("a job that nobody handed over has a schedule of its own", async (context) => {
  const { queue } = await worker(context);
  const job = await queue.add("charge", { errors: { ...resets(1, 2), 3: "bug" } }, jobOptions());
  assert.equal(await endOf(queue, job), "failed"); // a bug is not retried
  assert.deepEqual(await numbers(job), [1, 2, 3]);
  const asked = await noted("asked", job);
  assert.deepEqual([asked.length, asked.at(-1)], [3, -1]);
});

test("an error on which no call gave up begins one, too", async (context) => {
  const { queue } = await worker(context);
  const job = await handOver(queue, "charge", { errors: {} }, new Error("something else"), POLICY, { key: KEY });
  assert.equal(await endOf(queue, job), "completed");
  assert.deepEqual(await numbers(job), [1]);
});

test("what the queue's policy gives up is not added", async () => {
  const [error] = await givenUp();
  assert.equal(await rejected(handOver({ add: assert.fail }, "charge", {}, error, { attempts: 2 })), error);
});

test("a token of somebody else's ends the job, and its log says why", async (context) => {
  const { queue } = await worker(context);
  const [error] = await givenUp();
  const data = { errors: resets(3), undaunted: await resumeToken(error, { key: "another" }) };
  const job = await queue.add("charge", data, jobOptions());
  assert.equal(await endOf(queue, job), "failed");
  const { logs } = await queue.getJobLogs(job.id);
  assert.match(logs.join("\n"), /^undaunted: the token's signature is not that of its text and the key/);
});

test("the schedule goes on when a worker is killed between two attempts", async (context) => {
  const { queue, kill, start } = await worker(context);
  const [error, waits] = await givenUp();
  const job = await handOver(queue, "charge", { errors: resets(3, 4, 5), waitsIn: 6 }, error, POLICY, { key: KEY });
  await until(async () => (await noted("asked", job)).length);
  await kill();
  await start();
  await admin.rpush("go", 1, 2, 3);
  assert.equal(await endOf(queue, job), "completed");
  const made = await noted("attempts", job);
  // Killed within an attempt, it is made again under the number of the next: its failure was counted, or it is unknown.
  assert.equal(new Set(made.map(([, process]) => process)).size, 2);
  assert.deepEqual([...new Set(made.map(([number]) => number))], [3, 4, 5, 6]);
  assert.deepEqual([...new Set(await noted("asked", job))], waits.slice(2, 5).map(Math.ceil));
});
