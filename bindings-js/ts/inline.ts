// Policies from options written at the call: made once per distinct value, and no more kept than a program writes.
import { compileTape } from "./compile.js";
import { load } from "./engine.js";
import { type PolicyOptions, RUN_OPTIONS, type RunOptions } from "./options.js";
import { checkIsObject } from "./perform.js";
import { from, Policy } from "./policy.js";
import { writeTape } from "./tape.js";

/** A policy with the plain values it was made from. */
interface Known {
  readonly names: readonly string[];
  readonly values: readonly unknown[];
  readonly policy: Policy;
}

/** What is written at a call, taken apart. */
export interface Parts<T> {
  readonly policy: Policy;
  readonly run: RunOptions<T> | undefined;
}

let standard: Policy | undefined;
const recent: Known[] = [];
const byTape = /* @__PURE__ */ new Map<string, Policy>();

const ours = /* @__PURE__ */ new WeakMap<object, Policy>();

/** The default policy. */
export function standardPolicy(): Policy {
  return (standard ??= new Policy());
}

/** Takes the options of `retry` apart. */
export function partsOf<T>(options: RunOptions<T> & PolicyOptions & { readonly policy?: Policy | PolicyOptions | undefined }): Parts<T> {
  checkIsObject(options);
  if (isForeign(options)) return { policy: policyOf(options), run: undefined };
  let run: Record<string, unknown> | undefined;
  const names: string[] = [];
  const values: unknown[] = [];
  for (const name in options) {
    const value = (options as Record<string, unknown>)[name];
    if (value === undefined || name === "policy") continue;
    if (RUN_OPTIONS.has(name)) (run ??= {})[name] = value;
    else {
      names.push(name);
      values.push(value);
    }
  }
  const { policy } = options;
  if (policy === undefined) return { policy: names.length ? inline(names, values) : standardPolicy(), run };
  if (names.length) throw new TypeError(`${names[0]} stands beside policy; write policy.replace({ ${names.join(", ")} })`);
  return { policy: policyOf(policy), run };
}

/** A policy, or the options of one. */
export function policyOf(policy: Policy | PolicyOptions): Policy {
  if (policy instanceof Policy) return policy;
  if (isForeign(policy)) {
    let own = ours.get(policy);
    if (!own) ours.set(policy, (own = Policy.parse(policy.dump())));
    return own;
  }
  return typeof policy === "object" && policy !== null
    ? inline(Object.keys(policy), Object.values(policy))
    : new Policy(policy);
}

/** Whether it is a policy of another copy of this package: the one for `require` beside the one for `import`. */
function isForeign(policy: unknown): policy is Policy {
  return typeof policy === "object" && policy !== null && typeof (policy as Policy).dump === "function";
}

function inline(names: readonly string[], values: readonly unknown[]): Policy {
  const known = recent.find((known) => isSame(known.names, names) && isSame(known.values, values));
  if (known) return known.policy;
  const length = writeTape(Object.fromEntries(names.map((name, at) => [name, values[at]])));
  const tape = length < LONGEST_KEPT ? String.fromCharCode(...load().input.subarray(0, length)) : undefined;
  let policy = tape === undefined ? undefined : byTape.get(tape);
  policy ??= from(compileTape(length, JAVASCRIPT));
  if (tape !== undefined) {
    byTape.delete(tape);
    byTape.set(tape, policy);
    if (byTape.size > MOST_BY_TAPE) byTape.delete(byTape.keys().next().value!);
  }
  if (values.every(isPlain)) {
    recent.unshift({ names, values, policy });
    recent.length = Math.min(recent.length, MOST_RECENT);
  }
  return policy;
}

function isSame(these: readonly unknown[], those: readonly unknown[]): boolean {
  return these.length === those.length && these.every((value, at) => Object.is(value, those[at]));
}

/** Objects may change between two calls, so only plain values are compared as they stand. */
function isPlain(value: unknown): boolean {
  return typeof value !== "object" && typeof value !== "function";
}

const JAVASCRIPT = 2;
const MOST_RECENT = 8;
const MOST_BY_TAPE = 64;
const LONGEST_KEPT = 4096;
