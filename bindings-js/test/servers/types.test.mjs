import { execFileSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const home = fileURLToPath(new URL("../..", import.meta.url));
const { UNDAUNTED_DRIVERS } = process.env;

test("the adapters take the clients as their packages declare them", () => {
  const compilerOptions = {
    module: "nodenext", target: "es2022", lib: ["es2024", "dom", "dom.iterable", "dom.asynciterable"], types: ["node"], strict: true,
    exactOptionalPropertyTypes: true, skipLibCheck: true, noEmit: true,
    paths: { undaunted: [join(home, "dist/index.d.ts")], "undaunted/*": [join(home, "dist/*.d.ts")] },
  };
  copyFileSync(join(home, "test/servers/types.ts"), join(UNDAUNTED_DRIVERS, "types.mts"));
  writeFileSync(join(UNDAUNTED_DRIVERS, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["types.mts"] }));
  execFileSync(join(home, "node_modules/.bin/tsc"), ["-p", UNDAUNTED_DRIVERS], { stdio: ["ignore", "inherit", "inherit"] });
});
