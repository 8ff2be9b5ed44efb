// How wrong arguments are refused: what was given, what is allowed.

/** Throws; what is allowed may end with what to do. */
export function refuse(name: string, value: unknown, allowed: string, Kind: new (text: string) => Error = TypeError): never {
  throw new Kind(`${name} is ${describe(value)}, allowed ${allowed}`);
}

/** A value in words: numbers as they are, of anything else only the kind. */
export function describe(value: unknown): string {
  const type = typeof value;
  if (value == null || type === "number" || type === "bigint") return String(value);
  const kind = type === "object" ? kindOf(value) : type;
  return `${/^[aeiou]/i.test(kind) ? "an" : "a"} ${kind}`;
}

/** What kind of object the language takes it for. */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}
