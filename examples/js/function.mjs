// Functions that are retried, and what is known of an error that is given up.
import { history, Policy, retry } from "undaunted";

let attempts = 0;

/** Fails twice, then answers. */
async function readSensor() {
  if (++attempts < 3) throw Object.assign(new Error("the sensor is asleep"), { code: "ECONNRESET" });
  return 21.5;
}

const value = await retry(readSensor, { attempts: 5, timeout: "30s", initial: "50ms" });
console.log("read", value); // read 21.5

/** Always fails, with an error that no table knows: so `on` has to name it. */
class Locked extends Error {}

async function save(value) {
  throw new Locked(`the row is locked, ${value} is not saved`);
}

const policy = new Policy({ attempts: 3, initial: "50ms" });
const savePatiently = policy.wrap(save, { on: Locked });

try {
  await savePatiently(value);
} catch (error) {
  const failures = history(error);
  console.log(`given up for ${failures.at(-1).reason}: ${error.message}`); // given up for attempts: the row is locked, 21.5 is not saved
  for (const { attempt, class: kind, delay } of failures) {
    console.log(`  attempt ${attempt}, ${kind}${delay === undefined ? "" : `, then ${delay} ms`}`);
  }
}
