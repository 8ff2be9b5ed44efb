// Policies from options written at the call: made once per distinct value, and no more kept than a program writes.
import { compile } from "./compile.js";
import { isObject, read } from "./marks.js";
import { type PolicyOptions, type RunOptions, type Source } from "./options.js";
import { checkIsObject, isRunOption } from "./perform.js";
import { from, Policy } from "./policy.js";
import { tapeOf } from "./tape.js";

/** A policy with what it was made from: names and values as they were written, and its tape. */
interface Known {
  readonly written: readonly unknown[];
  readonly tape: string;
  readonly policy: Policy;
}

/** What is written at a call, taken apart. */
export interface Parts<T> {
  readonly policy: Policy;
  readonly run: RunOptions<T> | undefined;
}

/** The last one used comes first. */
const known: Known[] = [];

/** Takes the options of `retry` apart. */
export function partsOf<T>(options: RunOptions<T> & PolicyOptions & { readonly policy?: Policy | PolicyOptions | Source | undefined }): Parts<T> {
  checkIsObject(options);
  if (isPolicy(options)) return { policy: policyOf(options), run: undefined };
  let run: Record<string, unknown> | undefined;
  const written: unknown[] = [];
  for (const name in options) {
    const value = (options as Record<string, unknown>)[name];
    if (value === undefined || name === "policy") continue;
    if (isRunOption(name)) (run ??= {})[name] = value;
    else written.push(name, value);
  }
  const { policy } = options;
  if (policy === undefined) return { policy: inline(written), run };
  if (written.length) throw new TypeError(`${written[0]} stands beside policy; give it to policy.replace`);
  return { policy: policyOf(policy as Policy | PolicyOptions), run };
}

/** A policy, or the options of one; those of a policy of another copy of this package: the one for `require`. */
export function policyOf(policy: Policy | PolicyOptions = {}): Policy {
  if (policy instanceof Policy) return policy;
  const options: unknown = isPolicy(policy) ? policy.toJSON() : policy;
  return typeof options === "object" && options ? inline(Object.entries(options).flat()) : new Policy(options as PolicyOptions);
}

function isPolicy(policy: unknown): policy is Policy {
  return typeof read(policy, "dump") === "function";
}

function inline(written: readonly unknown[]): Policy {
  let at = known.findIndex((one) => isSame(one.written, written));
  if (at === 0) return known[0]!.policy;
  const options: Record<string, unknown> = {};
  for (let i = 0; i < written.length; i += 2) options[written[i] as string] = written[i + 1];
  const tape = tapeOf(options);
  if (at < 0) at = known.findIndex((one) => one.tape === tape);
  const [one] = at < 0 ? [{ written, tape, policy: from(compile(tape)) }] : known.splice(at, 1);
  known.unshift(one!);
  known.length = Math.min(known.length, MOST_KNOWN);
  return one!.policy;
}

/** Objects may change between two calls, so only plain values are compared as they stand. */
function isSame(these: readonly unknown[], those: readonly unknown[]): boolean {
  return these.length === those.length && these.every((value, at) => value === those[at] && !isObject(value));
}

const MOST_KNOWN = 64;
