// Both forms of the package in one process.
const assert = require("node:assert/strict");
const required = require("undaunted");

async function main() {
  const imported = await import("undaunted");
  const { retryingFetch } = await import("undaunted/fetch");
  const { analyse, lint } = await import("undaunted/lab");
  assert.equal(0.875, analyse(new required.Policy({ preset: "interactive" }), { failureRate: 0.5 }).success.value);
  assert.equal("jitter-none", [...require("undaunted/lab").lint(new imported.Policy({ attempts: 3, maxDelay: "2s", jitter: "none" }))][0].code);
  assert.equal(String(lint({})), String(require("undaunted/lab").lint({})));
  const schema = require("undaunted/policy.schema.json");
  assert.equal(process.argv[2], required.version);
  assert.equal(process.argv[2], imported.version);
  assert.deepEqual(Object.keys(imported).sort(), Object.keys(required).sort());
  assert.ok("attempts" in schema.properties);
  const policy = required.Policy.parse('{ "attempts": 3, "initial": "1ms", "jitter": "none" }');
  assert.deepEqual([1, 2], policy.schedule({ seed: 1 }));
  assert.ok(imported.Policy.parse(policy.dump()).dump() === policy.dump());
  let calls = 0;
  const lost = Object.assign(new Error("lost"), { code: "ECONNRESET" });
  const failsTwice = async () => {
    if (++calls < 3) throw lost;
    return calls;
  };
  assert.equal(3, await imported.retry(failsTwice, { policy: JSON.parse(policy.dump()) }));
  calls = 0;
  assert.equal(3, await required.retry(failsTwice, new imported.Policy({ attempts: 3, initial: "1ms" })));
  calls = -10;
  await assert.rejects(required.retry(failsTwice, policy), (error) => error === lost);
  assert.equal(3, imported.history(lost).length);
  const answer = async () => new Response("", { status: ++calls < 0 ? 503 : 200 });
  calls = -2;
  assert.equal(200, (await retryingFetch({ attempts: 5, initial: "1ms" }, { fetch: answer })("https://example.org")).status);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
