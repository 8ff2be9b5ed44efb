// Header fields, wherever they come from, to the engine's reader of hints.
import * as engine from "engine-glue";
import { input, load, output } from "./engine.js";
import { micros } from "./timer.js";

/** A `Headers` object, a map, pairs, or an object as Node and axios make them. */
export type HeaderSource =
  | { get(name: string): string | null | undefined }
  | Iterable<readonly [string, string]>
  | { readonly [name: string]: unknown };

/** What a response says about coming back. */
export interface Hint {
  /** In microseconds, -1 for none. */
  readonly wait: number;
  /** Its word on whether to come back at all. */
  readonly should: boolean | undefined;
}

let names: string[] | undefined;

/**
 * The wait in milliseconds that a response's header fields ask for, or undefined: `Retry-After`, `RateLimit` and the
 * vendors' own. A date counts from the response's own `Date`, else from `now` (milliseconds since 1970, default the
 * host's clock).
 */
export function readHint(headers: HeaderSource, options: { readonly now?: number | undefined } = {}): number | undefined {
  const { wait } = hintOf(headers, options.now);
  return wait < 0 ? undefined : wait / 1000;
}

export function hintOf(headers: HeaderSource, now = Date.now()): Hint {
  const flags = engine.read_hint(writeHeaders(headers), micros(now));
  return { wait: flags & 1 ? load().numbers[0]! : -1, should: flags & 2 ? (flags & 4) !== 0 : undefined };
}

function writeHeaders(headers: HeaderSource): number {
  load();
  let at = 0;
  const counted = (text: string) => {
    const end = input(at + 4, text);
    new DataView(load().input.buffer).setUint32(load().input.byteOffset + at, end - at - 4, true);
    at = end;
  };
  const field = (name: string, value: unknown): void => {
    if (Array.isArray(value)) value.forEach((item) => field(name, item));
    else if ((typeof value === "string" || typeof value === "number") && String(value).length < LONGEST) {
      counted(name);
      counted(String(value));
    }
  };
  names ??= namesOfHint();
  const pairs =
    Symbol.iterator in headers ? (headers as Iterable<readonly [string, unknown]>)
    : typeof headers.get === "function" ? names.map((name) => [name, (headers as Headers).get(name)] as const)
    : Object.entries(headers);
  for (const [name, value] of pairs) {
    if (at < ROOM && names.includes(String(name).toLowerCase())) field(name, value);
  }
  return at;
}

function namesOfHint(): string[] {
  const found: string[] = [];
  for (let length; (length = engine.header(found.length)) > 0; ) found.push(output(0, length));
  return found;
}

const LONGEST = 8192;
const ROOM = 32768;
