// A policy as others write it.
import { refuse } from "./core.js";
import type { Finding } from "./lab.js";
import { type Answer, type AnyPolicy, exportAs as exportTape, tapeWrittenOut } from "./lab-engine.js";
import { Report } from "./report.js";

/** What a policy is written for: a policy file, a program, or another system. */
export type ExportTarget = "json" | "python" | "typescript" | "rust" | "curl" | "grpc" | "envoy" | "aws";

/** What `exportAs` writes; its `toString()` is the code alone. */
export class Export extends Report {
  readonly target: ExportTarget;
  /** The code, to be pasted or saved; it ends with a line. */
  readonly text: string;
  /** What the target cannot say or says otherwise, with pointers into the policy. */
  readonly findings: readonly Finding[];

  /** @internal */
  constructor(answer: Answer) {
    super(answer);
    const found = this.toJSON() as any;
    this.target = found.target;
    this.text = found.text;
    this.findings = found.findings;
  }
}

/**
 * A policy as others write it: `json`, a policy file with the options that differ from its preset or default; `python`, `typescript` and
 * `rust`, code that makes it and uses it once (in Rust: parses it, by the feature `serde`); `curl`, a command line; `grpc`, a service config;
 * `envoy`, what a route has, in YAML; `aws`, environment variables of AWS' SDKs. What a target cannot say or says otherwise is a finding.
 * Throws a `PolicyError` for a policy that is not right, a `TypeError` for a target that is none.
 */
export function exportAs(policy: AnyPolicy, target: ExportTarget): Export {
  return new Export(exportTape(tapeWrittenOut(policy), targetNumber(target)));
}

function targetNumber(target: ExportTarget): number {
  const number = TARGETS.indexOf(target);
  if (number < 0) refuse("target", target, `${TARGETS.slice(0, -1).join(", ")} or ${TARGETS.at(-1)}; pass the one that it is for`);
  return number;
}

/** By number. */
export const TARGETS: readonly ExportTarget[] = ["json", "python", "typescript", "rust", "curl", "grpc", "envoy", "aws"];
