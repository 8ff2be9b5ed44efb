// What the tables say of a code or an error.
import { utf8 } from "./engine.js";
import { type Facts, facts, factsOf, fromUtf8, lookUp } from "./failure.js";
import { CLASSES, type Condition, CONDITIONS, type Domain, DOMAINS, type FailureClass, SENT, type Sent } from "./names.js";
import { refuse } from "./refuse.js";

/** What a code, or an error, means. */
export interface Classification {
  /** What the tables were asked. */
  readonly domain: Domain;
  /** The code as the table has it; undefined for an error without one. */
  readonly code: string | number | undefined;
  /** What kind of failure it is. */
  readonly class: FailureClass;
  /** Whether the server may have acted. */
  readonly sent: Sent;
  /** On what a retry depends. */
  readonly condition: Condition;
  /** Whether a table has the code. */
  readonly known: boolean;
  /** Whether a policy that names nothing would retry it. */
  readonly retried: boolean;
}

/** What `classify` may be told beside an error. */
export interface ClassifyOptions {
  /** The HTTP method; without it the call counts as safe to repeat. */
  readonly method?: string | undefined;
}

/** What it may be told beside a code. */
export interface ClassifyCodeOptions extends ClassifyOptions {
  /** How far the attempt had come. */
  readonly phase?: "unknown" | "connect" | undefined;
  /** Whether the server said how long to wait. */
  readonly hint?: boolean | undefined;
}

/** What the tables say of a code: `classify("http", 503, { method: "POST" })`. */
export function classify(domain: Domain, code: string | number, options?: ClassifyCodeOptions): Classification;
/** What the tables say of an error, read as `retry` reads it: `classify(error, { method: "POST" })`. */
export function classify(error: object, options?: ClassifyOptions): Classification;
export function classify(given: Domain | object, code?: unknown, options: ClassifyCodeOptions = {}): Classification {
  if (typeof given !== "string") return meaning(factsOf(given), (code as ClassifyOptions | undefined)?.method);
  const number = DOMAINS.indexOf(given);
  if (number < 0) refuse("domain", given, DOMAINS.join(", "));
  const name = typeof code === "string" ? utf8(code) : (code as number);
  return meaning(facts(number, name, options.phase === "connect" ? 1 : 0, options.hint ? 0 : -1), options.method);
}

function meaning(facts: Facts, method: string | undefined): Classification {
  const found = lookUp(facts, method);
  const { domain, code } = facts;
  return {
    domain: DOMAINS[domain]!,
    code: typeof code === "string" ? fromUtf8(code) : code,
    class: CLASSES[found & 7]!,
    sent: SENT[(found >> 3) & 3]!,
    condition: CONDITIONS[(found >> 5) & 7]!,
    known: !!(found & 256),
    retried: !!(found & 512),
  };
}
