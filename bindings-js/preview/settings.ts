// Settings of other libraries as they stand in people's code: calls with arguments, object literals, lines of variables. What they mean
// is `convert`'s to say; here they only become the map that it takes.
import type { ConversionSource } from "undaunted/lab";

type Value = unknown;

/** The map that a text stands for. Throws a SyntaxError for one that says none. */
export function settingsIn(text: string, source: ConversionSource): object {
  try {
    const value = JSON.parse(text);
    if (isMap(value)) return value;
  } catch {
    // Then it is code.
  }
  if (source === "aws") return variablesIn(text);
  const found = new Reader(text.trim().replace(/^(@|await |return |(const |let |var )?\w+\s*(:\s*\w+\s*)?=(?![=>]))+\s*/, "")).whole();
  const map = found instanceof Call ? found.map() : found;
  const last = found instanceof Call ? found.positional.findLast(isMap) : undefined;
  if (last) return last; // pRetry(fn, {…})
  if (isMap(map)) return map;
  throw new SyntaxError(`this is no call with arguments, no map and no JSON; paste one, as ${EXAMPLES[source]}`);
}

/** What one would paste. */
export const EXAMPLES: Readonly<Record<ConversionSource, string>> = {
  stamina: "@stamina.retry(on=httpx.HTTPError, attempts=5, wait_max=10)",
  tenacity: "@retry(stop=stop_after_attempt(5) | stop_after_delay(30), wait=wait_random_exponential(multiplier=1, max=60))",
  urllib3: "Retry(total=5, backoff_factor=0.5, status_forcelist=[502, 503, 504])",
  grpc: '{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}}]}',
  "p-retry": "pRetry(fetchUser, { retries: 5, factor: 2, minTimeout: 1000, randomize: true })",
  aws: "AWS_RETRY_MODE=standard\nAWS_MAX_ATTEMPTS=5",
};

/** Lines as an environment or a profile has them. */
function variablesIn(text: string): object {
  const lines = [...text.matchAll(/^\s*(?:export\s+|set\s+)?(\w+)\s*[=:]\s*["']?([^"'\r\n]*?)["']?\s*$/gm)];
  if (!lines.length) throw new SyntaxError(`this has no lines of NAME=VALUE; paste some, as ${EXAMPLES.aws.replace("\n", " and ")}`);
  return Object.fromEntries(lines.map(([, name, value]) => [name!.startsWith("AWS_") ? name : `AWS_${name!.toUpperCase()}`, value]));
}

/** Arguments without names get those that the function gives them. */
const PLACES: Readonly<Record<string, readonly string[]>> = {
  Retry: ["total", "connect", "read", "redirect", "status", "other", "allowed_methods", "status_forcelist", "backoff_factor"],
  wait_random: ["min", "max"],
  wait_exponential: ["multiplier", "max", "exp_base", "min"],
  wait_random_exponential: ["multiplier", "max", "exp_base", "min"],
  wait_full_jitter: ["multiplier", "max", "exp_base", "min"],
  wait_exponential_jitter: ["initial", "max", "exp_base", "jitter"],
  wait_incrementing: ["start", "increment", "max"],
  retry: ["stop", "wait"],
  timedelta: ["days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"],
};
/** Functions of one argument, and of a list of them. */
const OF_ONE = ["stop_after_attempt", "stop_after_delay", "stop_before_delay", "wait_fixed"];
const OF_MANY = ["stop_any", "stop_all", "wait_chain", "wait_combine"];
const SECONDS: Readonly<Record<string, number>> = { weeks: 604_800, days: 86_400, hours: 3600, minutes: 60, seconds: 1, milliseconds: 0.001, microseconds: 0.000001 };

class Call {
  readonly positional: Value[] = [];
  readonly named: Record<string, Value> = {};
  constructor(readonly name: string) {}

  map(): Record<string, Value> {
    const places = PLACES[this.name] ?? [];
    return { ...Object.fromEntries(this.positional.map((value, index) => [places[index] ?? `argument ${index + 1}`, value])), ...this.named };
  }

  /** As a value within another call. */
  value(text: string): Value {
    const { name, positional } = this;
    if (name === "timedelta") return Object.entries(this.map()).reduce((sum, [unit, value]) => sum + Number(value) * (SECONDS[unit] ?? NaN), 0);
    if (OF_ONE.includes(name)) return { [name]: positional[0] ?? Object.values(this.named)[0] };
    if (OF_MANY.includes(name)) return { [name]: positional };
    return /^(stop|wait)_/.test(name) ? { [name]: this.map() } : text;
  }
}

const WORDS: Readonly<Record<string, Value>> = { True: true, False: false, None: null, true: true, false: false, null: null, undefined: null, Infinity: "Infinity" };
/** What `a | b` is short for. */
const JOINED: Readonly<Record<string, string>> = { "|": "stop_any", "&": "stop_all", "+": "wait_combine" };
const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

class Reader {
  #at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Value {
    return this.#term(true);
  }

  /** Up to what ends an argument; what is not understood is its own text. */
  #value(): Value {
    this.#space();
    const start = this.#at;
    let value = this.#term(false);
    for (let sign = this.#next(); sign in JOINED || sign === "*"; sign = this.#next()) {
      this.#at++;
      const other = this.#term(false);
      if (sign === "*") value = Number(value) * Number(other);
      else if (typeof value === "number") value = value + Number(other);
      else value = { [JOINED[sign]!]: [value, other] };
    }
    if (",)]}".includes(this.#next())) return value;
    for (let depth = 0; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at]!;
      if ("([{".includes(character)) depth++;
      if (depth === 0 && ",)]}".includes(character)) break;
      if (")]}".includes(character)) depth--;
    }
    return this.#text.slice(start, this.#at).trim();
  }

  #term(isWhole: boolean): Value {
    this.#space();
    const start = this.#at;
    const rest = this.#text.slice(start);
    const [number] = /^[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:e[-+]?\d+)?/i.exec(rest) ?? [];
    if (number) return (this.#at += number.length), Number(number.replaceAll("_", ""));
    const [quoted, , text] = /^(["'`])((?:\\.|(?!\1).)*)\1/s.exec(rest) ?? [];
    if (quoted !== undefined) return (this.#at += quoted.length), text;
    if (rest[0] === "(") return this.#list(")")[0];
    if (rest[0] === "[") return this.#list("]");
    if (rest[0] === "{") return this.#map();
    const [name] = /^[A-Za-z_$][\w$.]*/.exec(rest) ?? [];
    if (!name) return undefined;
    this.#at += name.length;
    if (name in WORDS) return WORDS[name];
    if (this.#next() !== "(") return /^(stop_never|wait_none)$/.test(name.split(".").at(-1)!) ? { [name.split(".").at(-1)!]: {} } : name;
    const call = this.#call(name.split(".").at(-1)!);
    return isWhole ? call : call.value(this.#text.slice(start, this.#at));
  }

  #call(name: string): Call {
    const call = new Call(name);
    this.#each("(", () => {
      const [named, key] = /^([A-Za-z_]\w*)\s*=(?![=>])/.exec(this.#text.slice(this.#at)) ?? [];
      if (named) this.#at += named.length;
      const value = this.#value();
      if (key) call.named[key] = value;
      else call.positional.push(value);
    });
    return call;
  }

  #list(end: string): Value[] {
    const values: Value[] = [];
    this.#each(end === ")" ? "(" : "[", () => values.push(this.#value()));
    return values;
  }

  #map(): Value {
    const map: Record<string, Value> = {};
    const set: Value[] = [];
    this.#each("{", () => {
      const [key, , quoted, bare] = /^(?:(["'])(.*?)\1|([\w$]+))\s*/.exec(this.#text.slice(this.#at)) ?? [];
      const isLong = key !== undefined && /^\s*:/.test(this.#text.slice(this.#at + key.length));
      if (!isLong && !/^[A-Za-z_$]/.test(bare ?? "")) return void set.push(this.#value());
      this.#at += key!.length;
      if (isLong) this.#next(), this.#at++;
      map[quoted ?? bare!] = isLong ? this.#value() : bare;
    });
    return set.length ? set : map;
  }

  #each(open: string, one: () => void): void {
    this.#at++;
    for (;;) {
      const next = this.#next();
      const before = this.#at;
      if (next === CLOSING[open]) return void this.#at++;
      if (next === "") throw new SyntaxError(`a ${CLOSING[open]} is missing at the end; paste the whole call`);
      one();
      if (this.#next() === ",") this.#at++;
      else if (this.#at === before) this.#at++;
    }
  }

  #next(): string {
    this.#space();
    return this.#text[this.#at] ?? "";
  }

  /** Comments, too. */
  #space(): void {
    this.#at += /^(?:\s|#[^\n]*|\/\/[^\n]*|\/\*[^]*?\*\/)*/.exec(this.#text.slice(this.#at))![0].length;
  }
}

function isMap(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Call);
}
