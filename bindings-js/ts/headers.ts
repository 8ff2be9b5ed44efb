// Header fields, wherever they come from, to the engine's reader of hints.
import { counted, input, load, output } from "./engine.js";

/** A `Headers` object, a map, pairs, or an object as Node and axios make them. */
export type HeaderSource =
  | { get(name: string): string | null | undefined }
  | Iterable<readonly [string, string]>
  | { readonly [name: string]: unknown };

/** What a response says about coming back. */
export interface Hint {
  /** In microseconds, -1 for none. */
  readonly wait: number;
  /** Its word on whether to come back at all, as the engine's flags. */
  readonly flags: number;
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
  const engine = load();
  names ??= namesOfHint();
  const pairs =
    Symbol.iterator in headers ? (headers as Iterable<readonly [string, unknown]>)
    : typeof headers.get === "function" ? names.map((name) => [name, (headers as Headers).get(name)] as const)
    : Object.entries(headers);
  let fields = "";
  for (const [name, values] of pairs) {
    if (!names.includes(String(name).toLowerCase())) continue;
    for (const value of [values].flat()) {
      const isText = typeof value === "string" || typeof value === "number";
      if (isText && String(value).length < LONGEST && fields.length < ROOM) fields += counted("", name) + counted("", String(value));
    }
  }
  const found = engine.read_hint(input(fields), now * 1000);
  return { wait: engine.numbers[0]!, flags: (found & 6) << 3 };
}

function namesOfHint(): string[] {
  const found: string[] = [];
  for (let length; (length = load().header(found.length)); ) found.push(output(0, length));
  return found;
}

const LONGEST = 8192;
const ROOM = 32768;
