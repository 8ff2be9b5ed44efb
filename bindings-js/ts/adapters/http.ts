// What the adapters of HTTP clients share.
import { isOneShot } from "../body.js";

/** Why a request with this body can be sent only once, if so. */
export function onceBecauseOf(body: unknown): string | undefined {
  return isOneShot(body) || isIterator(body) ? "the body is a stream, which can be sent only once; give text, bytes or a form" : undefined;
}

/** Whether header fields have a name: an object, pairs, a map, or names and values in turn. */
export function hasField(headers: unknown, wanted: string): boolean {
  if (typeof headers !== "object" || !headers) return false;
  const isFlat = Array.isArray(headers) && !Array.isArray(headers[0]);
  const names =
    isFlat ? headers.filter((_, at) => at % 2 === 0)
    : Symbol.iterator in headers ? Array.from(headers as Iterable<[unknown]>, ([name]) => name)
    : Object.keys(headers);
  return names.some((name) => String(name).toLowerCase() === wanted);
}

/** Of a body that is not wanted, so much is read that its connection may be used again; it is cut off where there is more. */
export const MOST_DRAINED = 65_536;

/** How much of a failed response's body rules look at. */
export const LONGEST_PIECE = 4096;

/** Each use of it goes on where the last one ended. */
function isIterator(body: unknown): boolean {
  return typeof body === "object" && body !== null && typeof (body as Iterator<unknown>).next === "function";
}
