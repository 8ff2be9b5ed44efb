#!/usr/bin/env node
// The program `undaunted`.
import { readFileSync } from "node:fs";
import process from "node:process";
import { command } from "../dist/lab.js";

process.stdout.on("error", (error) => {
  // The reader has seen enough.
  if (error.code !== "EPIPE") throw error;
});
process.exitCode = await command(process.argv.slice(2), {
  read: (file) => readFileSync(file === "-" ? process.stdin.fd : file),
  out: process.stdout,
  err: process.stderr,
  environment: process.env,
  preview: async (...asked) => (await import("./preview.mjs")).preview(...asked),
});
