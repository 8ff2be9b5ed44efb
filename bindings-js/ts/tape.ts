// A policy as the engine reads it: bytes in pre-order.
import { counted } from "./engine.js";
import { describe, kindOf } from "./refuse.js";
import { Shared } from "./shared.js";

/** A value as a tape: one character for each byte. */
export function tapeOf(value: unknown, depth = 0): string {
  if (value === null) return "n";
  const type = typeof value;
  if (type === "boolean") return value ? "t" : "f";
  if (type === "number" || type === "bigint") return counted("d", String(value));
  if (type === "string") return counted("s", value as string);
  if (value instanceof Shared) return tapeOf(value.toJSON());
  const micros = temporalMicros(value);
  if (micros) return counted("u", micros);
  if (depth < DEEPEST) {
    if (Array.isArray(value)) return `[${Array.from(value, (item) => tapeOf(item, depth + 1)).join("")}]`;
    if (isPlain(value)) return `{${Object.entries(value).map(([key, item]) => fieldOf(key, item, depth)).join("")}}`;
  }
  return counted("x", describe(value));
}

function fieldOf(key: string, value: unknown, depth: number): string {
  return value === undefined ? "" : counted("s", key) + tapeOf(value, depth + 1);
}

/** Whether a value is an object of no class. */
export function isPlain(value: unknown): value is object {
  if (!value || typeof value !== "object") return false;
  const prototype = Object.getPrototypeOf(value);
  return !prototype || !Object.getPrototypeOf(prototype);
}

function temporalMicros(value: unknown): string | undefined {
  try {
    if (kindOf(value) === "Temporal.Duration") return String(Math.floor((value as { total(unit: string): number }).total("microseconds")));
  } catch {
    // months and years have no length of their own
  }
  return undefined;
}

/** Deeper than any option; also where a value that contains itself ends. */
const DEEPEST = 8;
