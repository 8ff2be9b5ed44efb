// What would settle a finding: candidates, of which those are offered that the core then has nothing to say against.
import { type Finding, ladder, lint } from "undaunted/lab";
import { at, type Draft, type Fields, type Json, put, textOf } from "./policy.js";

export interface Fix {
  readonly title: string;
  readonly text: string;
}

type Candidate = readonly [title: string, path: readonly string[], value: Json | undefined];

/** The changes that end a finding without a new one that is as bad: the first of each way. */
export function fixesFor(finding: Finding, { fields, effective, findings }: Draft): Fix[] {
  if (!fields) return [];
  return (WAYS[finding.code]?.(effective, fields) ?? []).flatMap((candidates): Fix[] => {
    for (const [title, path, value] of candidates) {
      const text = textOf(put(fields, path, value));
      if (settles(text, finding, findings)) return [{ title, text }];
    }
    return [];
  });
}

const LEVELS = ["info", "warning", "error"];

function settles(text: string, { code, pointer, level }: Finding, before: readonly Finding[]): boolean {
  try {
    const after = [...lint(text)];
    const isNew = (one: Finding) => !before.some((old) => old.code === one.code);
    return !after.some((one) => one.code === code && one.pointer === pointer) && !after.some((one) => isNew(one) && LEVELS.indexOf(one.level) >= LEVELS.indexOf(level));
  } catch {
    return false;
  }
}

/** Ways out of each finding, and of each way the candidates in the order of preference. */
const WAYS: Record<string, (effective: Fields, fields: Fields) => readonly Iterable<Candidate>[]> = {
  "jitter-none": () => [[["jitter full", ["jitter"], "full"]]],
  "jitter-collapses-at-cap": () => [[["jitter full", ["jitter"], "full"]]],
  "budget-missing": () => [[["add a budget", ["budget"], { name: "upstream" }]]],
  "budget-too-small": (_, fields) => [[["its default size", ["budget", "capacity"], undefined]], raised(fields, ["budget", "capacity"]), raised(fields, ["budget", "min_per_second"])],
  "budget-never-refills": () => [[["its default reward", ["budget", "reward"], undefined], ["its default ratio", ["budget", "ratio"], undefined]]],
  "deadline-missing": () => [[["at most 10 attempts", ["forever"], undefined]], [["timeout 45s", ["timeout"], "45s"]]],
  "deadline-unreachable": ({ attempts, initial }, fields) => [fewer(Number(attempts)), shorter(String(initial)), longer(fields)],
  "cap-unreachable": (_, fields) => [[longest(fields)]],
  "attempt-timeout-exceeds-deadline": ({ timeout }) => [[[`attempt_timeout ${timeout}`, ["attempt_timeout"], timeout!]], [["no attempt_timeout", ["attempt_timeout"], null]]],
  "hint-cap-above-deadline": ({ timeout }) => [[[`hint.max ${timeout}`, ["hint", "max"], timeout!]]],
  "sleep-longer-than-attempt-timeout": ({ attempt_timeout: limit }) => [[[`max_delay ${limit}`, ["max_delay"], limit!]]],
  "throttle-shares-base": () => [[["throttle from 5s", ["classes", "throttle", "initial"], "5s"], ["throttle from 2s", ["classes", "throttle", "initial"], "2s"]]],
  "retries-non-idempotent": () => [[["idempotent auto", ["idempotent"], "auto"]]],
  "nested-retries": () => [[["nested warn", ["nested"], "warn"]]],
  "herd-window": () => [[["first delayed", ["first"], "delayed"], ["initial 1s", ["initial"], "1s"], ["jitter full", ["jitter"], "full"]]],
  "breaker-window-shorter-than-attempt": ({ attempt_timeout: limit }) => [[[`window_time ${limit}`, ["breaker", "window_time"], limit!]]],
  "amplification": () => [[["attempts 3", ["attempts"], 3], ["attempts 2", ["attempts"], 2]]],
};

function* fewer(attempts: number): Iterable<Candidate> {
  for (let count = attempts - 1; count > 0 && count > attempts - 200; count--) yield [`attempts ${count}`, ["attempts"], count];
}

function* shorter(initial: string): Iterable<Candidate> {
  for (const time of ["500ms", "200ms", "100ms", "50ms", "20ms", "10ms"]) if (time !== initial) yield [`initial ${time}`, ["initial"], time];
}

function* longer(fields: Fields): Iterable<Candidate> {
  for (const time of ["5s", "10s", "20s", "30s", "45s", "60s", "2m", "5m", "10m", "30m", "1h", "3h"]) {
    if (at(fields, ["timeout"]) !== time) yield [`timeout ${time}`, ["timeout"], time];
  }
}

function* raised(fields: Fields, path: readonly string[]): Iterable<Candidate> {
  if (at(fields, path) === undefined) return;
  for (const value of [10, 50, 100, 500]) yield [`${path.join(".")} ${value}`, path, value];
}

function longest(fields: Fields): Candidate {
  const most = duration(Math.max(...[...ladder(textOf(fields))].map((rung) => rung.most)));
  return [`max_delay ${most}`, ["max_delay"], most];
}

/** As policies write it: whole microseconds. */
function duration(ms: number): string {
  if (ms % 100 === 0) return `${ms / 1000}s`;
  return Number.isInteger(ms) ? `${ms}ms` : `${Math.ceil(ms * 1000)}us`;
}
