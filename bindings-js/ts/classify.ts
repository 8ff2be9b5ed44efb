// What the tables say of a code.
import { utf8 } from "./engine.js";
import { facts, lookUp } from "./failure.js";
import { CLASSES, type Condition, CONDITIONS, type Domain, DOMAINS, type FailureClass, SENT, type Sent } from "./names.js";
import { refuse } from "./refuse.js";

/** What a code means. */
export interface Classification {
  readonly class: FailureClass;
  readonly sent: Sent;
  readonly condition: Condition;
  /** Whether a table has the code. */
  readonly known: boolean;
  /** Whether a policy that names nothing would retry it. */
  readonly retried: boolean;
}

/** What the tables say of a code: `classify("http", 503, { method: "POST" })`. */
export function classify(
  domain: Domain,
  code: string | number,
  options: {
    /** The HTTP method; without it the call counts as safe to repeat. */
    readonly method?: string | undefined;
    /** How far the attempt had come. */
    readonly phase?: "unknown" | "connect" | undefined;
    /** Whether the server said how long to wait. */
    readonly hint?: boolean | undefined;
  } = {},
): Classification {
  const number = DOMAINS.indexOf(domain);
  if (number < 0) refuse("domain", domain, DOMAINS.join(", "));
  const name = typeof code === "string" ? utf8(code) : code;
  const found = lookUp(facts(number, name, options.phase === "connect" ? 1 : 0, options.hint ? 0 : -1), options.method);
  return {
    class: CLASSES[found & 7]!,
    sent: SENT[(found >> 3) & 3]!,
    condition: CONDITIONS[(found >> 5) & 7]!,
    known: !!(found & 256),
    retried: !!(found & 512),
  };
}
