// The options of a policy as the schema has them: the form is made of it, so that a number is written once.
import schema from "undaunted/policy.schema.json" with { type: "json" };
import type { Json } from "./policy.js";

/** What can be written at one place of a policy. */
export interface Option {
  readonly path: readonly string[];
  readonly name: string;
  readonly about: string;
  /** Words that may be written. */
  readonly words: readonly string[];
  readonly isBoolean: boolean;
  readonly isNumber: boolean;
  readonly isTime: boolean;
  readonly isNullable: boolean;
  /** Anything but words, numbers and times: lists. */
  readonly isList: boolean;
  /** What a map in its place may have. */
  readonly parts: readonly Option[];
  readonly default: Json | undefined;
}

function optionOf(path: readonly string[], node: any): Option {
  const forms: any[] = (node.oneOf ?? [node]).flatMap((form: any) => (Array.isArray(form.type) ? form.type.map((type: string) => ({ ...form, type })) : [form]));
  const map = forms.find(({ type, properties }) => type === "object" && properties);
  return {
    path,
    name: path.at(-1)!,
    about: node.description ?? "",
    words: forms.flatMap((form) => form.enum ?? []),
    isBoolean: forms.some(({ type }) => type === "boolean"),
    isNumber: forms.some(({ type }) => type === "integer" || type === "number"),
    isTime: forms.some(({ $ref }) => $ref === "#/$defs/duration"),
    isNullable: forms.some(({ type }) => type === "null"),
    isList: forms.some(({ type }) => type === "array"),
    parts: Object.entries(map?.properties ?? {}).map(([name, inner]) => optionOf([...path, name], inner)),
    default: node.default,
  };
}

export const OPTIONS: Readonly<Record<string, Option>> = Object.fromEntries(
  Object.entries(schema.properties).map(([name, node]) => [name, optionOf([name], node)]),
);

/** In the form, by what one asks. */
export const GROUPS: readonly (readonly [title: string, names: readonly string[]])[] = [
  ["How often", ["attempts", "timeout", "attempt_timeout", "on_timeout", "forever"]],
  ["How long it waits", ["backoff", "initial", "factor", "max_delay", "jitter", "first"]],
  ["What the server says", ["hint"]],
  ["Protection of the server", ["budget", "breaker"]],
  ["What is repeated", ["idempotent", "nested", "classes", "rules"]],
];

export const PRESETS: readonly string[] = OPTIONS.preset!.words;
