// A worker whose jobs fail as they are told, and that notes what it is asked to wait: `node bullmq-worker.mjs PORT POLICY KEY`.
import { backoffStrategy } from "undaunted/adapters/bullmq";
import { driver } from "./drivers.mjs";

const { Worker } = driver("bullmq");
const { Redis } = driver("ioredis");
const [port, policy, key] = process.argv.slice(2);
const connection = { port: Number(port) };
const notes = new Redis(connection);
const strategy = backoffStrategy(JSON.parse(policy), { key });

/** The number of the attempt that runs, by the token in the job's data. */
function numberOf({ data }) {
  return data.undaunted ? JSON.parse(data.undaunted.slice(0, data.undaunted.lastIndexOf("."))).attempts + 1 : 1;
}

async function charge(job) {
  const { errors, waitsIn } = job.data;
  const number = numberOf(job);
  await notes.rpush(`attempts ${job.id}`, JSON.stringify([number, process.pid]));
  if (number === waitsIn) await new Redis(connection).blpop("go", 30);
  if (errors[number] === "reset") throw Object.assign(new Error("reset"), { code: "ECONNRESET" });
  if (errors[number]) throw new TypeError("a bug");
  return "charged";
}

const worker = new Worker("charges", charge, {
  connection,
  // What a worker that was killed had begun is begun again soon.
  lockDuration: 1000,
  stalledInterval: 500,
  maxStalledCount: 3,
  settings: {
    async backoffStrategy(attemptsMade, type, error, job) {
      const delay = await strategy(attemptsMade, type, error, job);
      await notes.rpush(`asked ${job.id}`, delay);
      return delay;
    },
  },
});
worker.on("error", (error) => console.error(error));
await worker.waitUntilReady();
console.log("ready");
