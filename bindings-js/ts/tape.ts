// A policy as the engine reads it: bytes in pre-order, written straight into the input area.
import { load } from "./engine.js";

/** Writes a value as a tape; answers its length, or Infinity if there is no room for it. */
export function writeTape(value: unknown): number {
  const area = load().input;
  let at = 0;
  const counted = (tag: string, text: string) => {
    const { read, written } = new TextEncoder().encodeInto(text, area.subarray(at + 5));
    if (read < text.length || at + 5 > area.length) at = Infinity;
    put(tag);
    for (let bits = 0; bits < 32; bits += 8) area[at++] = written >> bits;
    at += written;
  };
  const put = (tag: string) => {
    if (at >= area.length) at = Infinity;
    area[at++] = tag.charCodeAt(0);
  };
  const write = (value: unknown, depth: number): void => {
    if (value === null) put("n");
    else if (typeof value === "boolean") put(value ? "t" : "f");
    else if (typeof value === "number" || typeof value === "bigint") counted("d", String(value));
    else if (typeof value === "string") counted("s", value);
    else if (temporalMicros(value) !== undefined) counted("u", temporalMicros(value)!);
    else if (Array.isArray(value) && depth < DEEPEST) {
      put("[");
      for (const item of value) write(item, depth + 1);
      put("]");
    } else if (isPlain(value) && depth < DEEPEST) {
      put("{");
      for (const [key, item] of Object.entries(value)) {
        if (item === undefined) continue;
        counted("s", key);
        write(item, depth + 1);
      }
      put("}");
    } else counted("x", describe(value));
  };
  write(value, 0);
  return at;
}

/** A value that JSON has no kind for, in words. */
export function describe(value: unknown): string {
  if (value === undefined) return "undefined";
  const kind = typeof value === "object" ? Object.prototype.toString.call(value).slice(8, -1) : typeof value;
  return `${/^[aeiou]/i.test(kind) ? "an" : "a"} ${kind}`;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function temporalMicros(value: unknown): string | undefined {
  if (Object.prototype.toString.call(value) !== "[object Temporal.Duration]") return undefined;
  try {
    return String(Math.floor((value as { total(unit: string): number }).total("microseconds")));
  } catch {
    return undefined; // months and years have no length of their own
  }
}

/** Deeper than any option; also where a value that contains itself ends. */
const DEEPEST = 8;
