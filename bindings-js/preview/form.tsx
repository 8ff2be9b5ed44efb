// A policy as a form: one control for each option, and beside it what the core says of that option.
import type { Finding } from "undaunted/lab";
import { useId, useState } from "preact/hooks";
import { fixesFor } from "./fixes.js";
import { GROUPS, type Option, OPTIONS } from "./options.js";
import { at, type Draft, isMap, type Json, put, textOf } from "./policy.js";

export interface FormProps {
  readonly draft: Draft;
  readonly set: (text: string) => void;
  /** For texts that buttons make. */
  readonly fix: (text: string) => void;
}

export function Form({ draft, set, fix }: FormProps) {
  if (!draft.fields) return <p class="lesson">The JSON is no policy yet; correct it there.</p>;
  return (
    <div class="form">
      {GROUPS.map(([title, names]) => (
        <fieldset key={title}>
          <legend>{title}</legend>
          {names.map((name) => <Row key={name} option={OPTIONS[name]!} draft={draft} set={set} fix={fix} />)}
        </fieldset>
      ))}
    </div>
  );
}

/** Remarks that belong to no option of the form. */
export function Remarks({ draft, set, place }: Omit<FormProps, "fix"> & { readonly place: string }) {
  const problems = draft.problems.filter(({ pointer }) => belongs(pointer, place));
  const findings = draft.findings.filter(({ pointer }) => belongs(pointer, place));
  if (!problems.length && !findings.length) return null;
  return (
    <ul class="remarks">
      {problems.map(({ text }) => <li key={text} class="error"><span class="level">error</span> {text}</li>)}
      {findings.map((finding) => <Remark key={finding.code + finding.pointer} finding={finding} draft={draft} set={set} />)}
    </ul>
  );
}

/** Whether a pointer leads to an option or into it; the empty place takes what leads to none. */
function belongs(pointer: string, place: string): boolean {
  const [, first = ""] = pointer.split("/");
  return place ? first === place : !(first in OPTIONS) || first === "preset" || first === "undaunted";
}

function Remark({ finding, draft, set }: Omit<FormProps, "fix"> & { readonly finding: Finding }) {
  return (
    <li class={finding.level}>
      <span class="level">{finding.level}</span> {finding.text}{" "}
      {fixesFor(finding, draft).map(({ title, text }) => <button key={title} type="button" class="fix" onClick={() => set(text)}>Fix: {title}</button>)}
    </li>
  );
}

function Row({ option, draft, set, fix }: FormProps & { readonly option: Option }) {
  const id = useId();
  const { fields, problems } = draft;
  const isWrong = problems.some(({ pointer }) => belongs(pointer, option.name));
  const change = (path: readonly string[], value: Json | undefined) => set(textOf(put(fields!, path, value)));
  return (
    <div class={isWrong ? "row wrong" : "row"}>
      <label for={id} title={option.about}>{option.name}</label>
      <Control option={option} draft={draft} change={change} id={id} about={`${id}-about`} />
      <Parts option={option} draft={draft} change={change} />
      <Remarks draft={draft} set={fix} place={option.name} />
      <p class="about" id={`${id}-about`}>{option.about}</p>
    </div>
  );
}

interface ControlProps {
  readonly option: Option;
  readonly draft: Draft;
  readonly change: (path: readonly string[], value: Json | undefined) => void;
  readonly id: string;
  readonly about: string;
}

function Control({ option, draft, change, id, about }: ControlProps) {
  const { path, parts, isBoolean, isNumber, isTime, isList, isNullable } = option;
  const value = at(draft.fields, path);
  const effective = at(draft.effective, path) ?? option.default;
  const set = (text: string) => change(path, read(text, option));
  const shared = { id, "aria-describedby": about };
  const words = [...option.words, ...(isBoolean ? ["true", "false"] : [])];
  if (parts.length && !isText(option)) {
    const own = option.name === "jitter" ? parts.map(({ name }) => name) : option.words.length ? [] : ["on"];
    const now = isMap(value) ? (option.name === "jitter" ? Object.keys(value)[0] : (value.mode ?? "on")) : typeof value === "string" && !option.words.length ? "on" : value === undefined ? "" : said(value);
    const pick = (word: string) => change(path, word === "" ? undefined : word === "null" ? null : word === "on" ? { name: "upstream" } : FIRST_PART[word] ?? word);
    return (
      <select {...shared} value={String(now)} onChange={(event) => pick(event.currentTarget.value)}>
        <option value="">{`default: ${short(effective)}`}</option>
        {[...option.words, ...own].map((word) => <option key={word} value={word}>{word}</option>)}
        {isNullable && <option value="null">none</option>}
      </select>
    );
  }
  if (words.length && !isNumber && !isTime && !isList) {
    return (
      <select {...shared} value={value === undefined ? "" : said(value)} onChange={(event) => set(event.currentTarget.value)}>
        <option value="">{`default: ${short(effective)}`}</option>
        {words.map((word) => <option key={word} value={word}>{word}</option>)}
      </select>
    );
  }
  return <Text option={option} value={value} effective={effective} set={set} id={id} about={about} />;
}

interface TextProps {
  readonly option: Option;
  readonly value: Json | undefined;
  readonly effective: Json | undefined;
  readonly set: (text: string) => void;
  readonly id: string;
  readonly about: string;
}

/** A field keeps its text as it was typed for as long as that says the value: `1.` is on its way to `1.5`. */
function Text({ option, value, effective, set, id, about }: TextProps) {
  const [typed, keep] = useState("");
  const text = JSON.stringify(read(typed, option)) === JSON.stringify(value) ? typed : value === undefined ? "" : said(value);
  const shared = { id, "aria-describedby": about, spellcheck: false, value: text, placeholder: short(effective) };
  const onInput = ({ currentTarget }: { readonly currentTarget: HTMLInputElement | HTMLTextAreaElement }) => {
    keep(currentTarget.value);
    set(currentTarget.value);
  };
  if (isText(option)) return <textarea {...shared} rows={text ? 4 : 1} onInput={onInput} />;
  return <input {...shared} autocomplete="off" onInput={onInput} />;
}

/** Options that are written as JSON. */
function isText({ path }: Option): boolean {
  return path.length === 1 && (path[0] === "classes" || path[0] === "rules");
}

/** What a jitter with a number of its own begins with. */
const FIRST_PART: Readonly<Record<string, Json>> = { proportional: { proportional: 0.2 }, additive: { additive: "1s" } };

/** What a map in the option's place may have. */
function Parts({ option, draft, change }: Omit<ControlProps, "id" | "about">) {
  const value = at(draft.fields, option.path);
  const base = useId();
  if (!option.parts.length || isText(option)) return null;
  const isThere = isMap(value) || (typeof value === "string" && !option.words.includes(value)) || (option.name === "hint" && value !== "ignore");
  if (!isThere) return null;
  const parts = option.name === "jitter" ? option.parts.filter(({ name }) => isMap(value) && name in value) : option.parts.filter(({ name }) => !(option.name === "hint" && name === "mode"));
  return (
    <details class="parts" open={option.name !== "hint" || isMap(value)}>
      <summary>its {option.name === "jitter" ? "size" : "numbers"}</summary>
      {parts.map((part) => {
        const id = base + part.name;
        return (
          <div class="row part" key={part.name}>
            <label for={id} title={part.about}>{part.name}</label>
            <Control option={part} draft={draft} change={change} id={id} about={`${id}-about`} />
            <p class="about" id={`${id}-about`}>{part.about}</p>
          </div>
        );
      })}
    </details>
  );
}

/** What a control says, as JSON has it. */
function read(text: string, option: Option): Json | undefined {
  const { isNumber, isNullable, isBoolean, isList, words } = option;
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (isNullable && (trimmed === "null" || trimmed === "none")) return null;
  if (isBoolean && (trimmed === "true" || trimmed === "false")) return trimmed === "true";
  if (isNumber && Number.isFinite(Number(trimmed))) return Number(trimmed);
  if (words.includes(trimmed)) return trimmed;
  if (isText(option)) {
    try {
      return JSON.parse(trimmed);
    } catch {
      return text;
    }
  }
  return isList && /[,\s]/.test(trimmed) ? trimmed.split(/[,\s]+/).filter(Boolean) : isList ? [trimmed] : text;
}

function said(value: Json): string {
  if (typeof value === "object" && value && !(Array.isArray(value) && value.every((one) => typeof one !== "object"))) return JSON.stringify(value, null, 1);
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/** A value for a place that has little room. */
function short(value: Json | undefined): string {
  if (value === undefined || value === null) return "none";
  if (isMap(value)) return String(value.mode ?? value.name ?? Object.entries(value).map(([name, inner]) => `${name} ${typeof inner === "object" ? "…" : inner}`)[0] ?? "none");
  return Array.isArray(value) ? (value.length ? value.map((one) => (typeof one === "object" ? "…" : one)).join(", ") : "none") : String(value);
}
