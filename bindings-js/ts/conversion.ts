// Settings of other libraries as policies.
import { Policy, PolicyError, refuse, tapeOf } from "./core.js";
import type { Finding } from "./lab.js";
import { type Answer, convert as convertTape } from "./lab-engine.js";
import { Report } from "./report.js";

/** Whose settings they are. */
export type ConversionSource = "stamina" | "tenacity" | "urllib3" | "grpc" | "p-retry" | "aws";

/** What `convert` finds. */
export class Conversion extends Report {
  readonly source: ConversionSource;
  #policy: Policy | undefined;
  /** About the original, with pointers into it. */
  readonly findings: readonly Finding[];

  /** @internal */
  constructor(answer: Answer) {
    super(answer);
    const found = this.toJSON() as any;
    this.source = found.source;
    this.findings = found.findings;
  }

  /** What they come to. Throws a `PolicyError` if there is a budget of its name already, with other options. */
  get policy(): Policy {
    return (this.#policy ??= Policy.parse((this.toJSON() as { policy: object }).policy));
  }
}

/**
 * The policy that settings of another library come to, and what a reviewer would say of the original. They are an object as the
 * library takes it, or JSON: keyword arguments of stamina, stops and waits of tenacity by their classes' names
 * (`{ stop: { stop_after_attempt: 5 }, wait: { wait_fixed: 3 } }`), arguments of `urllib3.Retry`, a gRPC service config, p-retry's
 * options, or environment variables of AWS' SDKs, such as `process.env`. Times are in the library's own unit.
 *
 * Attempts are counted our way, and the longest wait of each retry is the library's, where a policy can express it; what is not
 * converted is a finding. Throws a `PolicyError` with every mistake in the settings.
 */
export function convert(settings: object | string, source: ConversionSource): Conversion {
  const number = SOURCES.indexOf(source);
  if (number < 0) refuse("source", source, `${SOURCES.slice(0, -1).join(", ")} or ${SOURCES.at(-1)}; pass the one whose settings they are`);
  return new Conversion(convertTape(number, tapeOf(typeof settings === "string" ? parsed(settings) : plain(settings))));
}

/** Whatever class it is of: `process.env` has one of its own. */
function plain(settings: object): object {
  return settings && !Array.isArray(settings) ? { ...settings } : settings;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PolicyError([{ code: "not_json", pointer: "", text: `the settings are no JSON: ${(cause as Error).message}` }], { cause });
  }
}

/** By number. */
export const SOURCES: readonly ConversionSource[] = ["stamina", "tenacity", "urllib3", "grpc", "p-retry", "aws"];
