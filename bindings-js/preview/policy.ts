// A policy that is being written: its text, what the core says of it, and changes of single options.
import { Policy } from "undaunted";
import { type Finding, lint } from "undaunted/lab";
import type { Problem } from "./ask.js";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Fields = { [name: string]: Json };

/** What is known of a text. */
export interface Draft {
  readonly text: string;
  /** The map that the text says; undefined while it is none. */
  readonly fields: Fields | undefined;
  readonly problems: readonly Problem[];
  readonly findings: readonly Finding[];
  /** All options with their values, if the policy is right. */
  readonly effective: Fields;
}

/** What the core says of a text. */
export function draft(text: string): Draft {
  const fields = fieldsOf(text);
  try {
    const findings = [...lint(text)];
    return { text, fields, problems: [], findings, effective: effectiveOf(fields!) };
  } catch (error: any) {
    return { text, fields, problems: error.problems ?? [{ pointer: "", text: error.message }], findings: [], effective: {} };
  }
}

function fieldsOf(text: string): Fields | undefined {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Policies share a budget and a breaker by its name, and refuse another with other options: here each has a name of its own. */
let named = 0;

function effectiveOf(fields: Fields): Fields {
  const shared = (value: Json | undefined): Json | undefined =>
    isMap(value) ? { ...value, name: `${++named}` } : typeof value === "string" ? { name: `${++named}` } : value;
  const parts = (["budget", "breaker"] as const).filter((name) => name in fields).map((name) => [name, shared(fields[name])]);
  const policy = Policy.parse({ ...fields, ...Object.fromEntries(parts) });
  const nameOf = (value: Json | undefined, ofPreset: string | undefined) => (isMap(value) ? value.name! : (value ?? ofPreset ?? null));
  const whole = (name: "budget" | "breaker") => policy[name] && { ...(policy[name].toJSON() as unknown as Fields), name: nameOf(fields[name], policy[name].name) };
  return { ...(policy.toJSON() as unknown as Fields), budget: whole("budget") ?? null, breaker: whole("breaker") ?? null };
}

export function textOf(fields: Fields): string {
  return JSON.stringify(fields, null, 2);
}

/** The value at a place, by the names that lead there. */
export function at(fields: Json | undefined, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((value, name) => (isMap(value) ? value[name] : undefined), fields);
}

/** The fields with another value at a place, or without one; a short form on the way there becomes the map that says the same. */
export function put(fields: Fields, path: readonly string[], value: Json | undefined): Fields {
  const [name, ...rest] = path as [string, ...string[]];
  const { [name]: old, ...others } = fields;
  let next = value;
  if (rest.length) {
    const inner = put(isMap(old) ? old : writtenOut(name, old), rest, value);
    next = Object.keys(inner).length ? inner : undefined;
  }
  if (next === undefined) return others;
  // In its place, so that the text moves as little as it can.
  return name in fields ? Object.fromEntries(Object.entries(fields).map(([key, was]) => [key, key === name ? next : was])) : { ...fields, [name]: next };
}

function writtenOut(name: string, old: Json | undefined): Fields {
  if (typeof old === "string") return { [name === "hint" ? "mode" : "name"]: old };
  return name === "budget" || name === "breaker" ? { name: "upstream" } : {};
}

export function isMap(value: Json | undefined): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
