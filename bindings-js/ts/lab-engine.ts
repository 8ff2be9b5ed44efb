// The lab: a second build of the same engine, with analysis, lint and their texts; instantiated when it is first asked.
import {
  type Engine, json, load as loadEngine, type Policy, PolicyError, policyOf, type PolicyOptions, type Problem, type Settings, type State,
  stateOf, tapeOf, use as useState, usePolicy, utf8,
} from "./core.js";
import { bytesOf } from "./printable.js";
import { glue, WASM } from "lab-wasm";

/** The lab's functions, as src/lab.rs, src/resume.rs and src/simulate.rs have them, beside those of the engine that it needs. */
export interface Lab {
  __wbindgen_start(): void;
  analyse(length: number, notation: number): number;
  analysis_problem(length: number, notation: number, index: number): void;
  area(which: number): number;
  area_size(which: number): number;
  compile(length: number, notation: number, onBase: number): number;
  convert(source: number, length: number): number;
  conversion_problem(source: number, length: number, index: number): void;
  diff(length: number, notation: number): number;
  explain(length: number, notation: number): number;
  export_as(target: number): void;
  hedge_problem(length: number, notation: number, index: number): void;
  invoke(length: number): number;
  keep_before(): void;
  ladder(length: number, notation: number): number;
  ladder_problem(length: number, notation: number, index: number): void;
  lint(): void;
  lint_hedge(length: number, notation: number): number;
  outcome(): void;
  problem(length: number, notation: number, onBase: number, index: number): void;
  progress(done: number, all: number): void;
  proceed(most: number, progress: (done: number, all: number) => void, turn: () => Promise<void>): Promise<void>;
  resume(length: number, notation: number, now: number, since1970: number, mode: number): number;
  script_problem(length: number, notation: number, index: number): void;
  simulate(kind: number, length: number, notation: number, seedHigh: number, seedLow: number): number;
  simulation_problem(kind: number, length: number, notation: number, index: number): void;
  read_step(length: number): number;
  token(now: number, carried: number, madeAt: number, packed: number, hint: number, isRefused: number): number;
  token_problem(length: number, notation: number, index: number): void;
  /** Unlike the engine's it grows, which makes views of it useless. */
  readonly memory: WebAssembly.Memory;
}

/** An answer for a reader, and for a program. */
export type Answer = readonly [text: string, json: string];

/** One for all instances: what the host has made fast in one simulation is fast in the next. */
let module: WebAssembly.Module | undefined;
let lab: Lab | undefined;

function load(): Lab {
  return (lab ??= instance());
}

function instance(): Lab {
  const host = glue();
  const lab = made(host);
  host.__wbg_set_wasm(lab);
  lab.__wbindgen_start();
  return lab;
}

function made(host: ReturnType<typeof glue>): Lab {
  try {
    module ??= new WebAssembly.Module(bytesOf(WASM));
    return new WebAssembly.Instance(module, { "./engine_bg.js": host }).exports as unknown as Lab;
  } catch (cause) {
    throw new Error("undaunted/lab needs WebAssembly and this host refuses it; in a page, add 'wasm-unsafe-eval' to script-src", { cause });
  }
}

/**
 * What is asked about: a policy, its options, or the text of a policy file. A text stands for itself: its budget and its breaker may have
 * the names of others, with other options.
 */
export type AnyPolicy = Policy | PolicyOptions | string;

/** A policy's canonical form as a tape: the lab is another build, and takes no bytes of the engine's. */
export function tapeOfPolicy(policy: AnyPolicy): string {
  return tapeOf(typeof policy === "string" ? json(policy) : policyOf(policy).toJSON());
}

/** The same, with what its budget and its breaker are made of written out. */
export function tapeWrittenOut(given: AnyPolicy): string {
  if (typeof given === "string") return tapeOfPolicy(given);
  const policy = policyOf(given);
  const { budget, breaker } = policy;
  return tapeOf({ ...policy.toJSON(), ...(budget && { budget: budget.toJSON() }), ...(breaker && { breaker: breaker.toJSON() }) });
}

/** What becomes of calls under the conditions on a tape; throws a `PolicyError` with every mistake in them. */
export function analyse(policy: string, conditions: string, notation: number): Answer {
  return under(conditions, notation, use(policy), "analyse");
}

/** What changes from one policy to another; throws as `analyse` does. */
export function diff(before: string, after: string, conditions: string, notation: number): Answer {
  use(before).keep_before();
  return under(conditions, notation, use(after), "diff");
}

function under(conditions: string, notation: number, lab: Lab, what: "analyse" | "diff"): Answer {
  const length = write(lab, conditions);
  const problems = lab[what](length, notation);
  if (!problems) return answer(lab);
  throw refusal(lab, problems, (index) => lab.analysis_problem(length, notation, index));
}

/** Every decision of the call on a tape; throws as `analyse` does. */
export function explain(policy: string, script: string, notation: number): Answer {
  const lab = use(policy);
  const length = write(lab, script);
  const problems = lab.explain(length, notation);
  if (!problems) return answer(lab);
  throw refusal(lab, problems, (index) => lab.script_problem(length, notation, index));
}

/** The waits before each retry; throws as `analyse` does. */
export function ladder(policy: string, options: string, notation: number): Answer {
  const lab = use(policy);
  const length = write(lab, options);
  const problems = lab.ladder(length, notation);
  if (!problems) return answer(lab);
  throw refusal(lab, problems, (index) => lab.ladder_problem(length, notation, index));
}

/** The policy as others write it, by the number of the target. */
export function exportAs(policy: string, target: number): Answer {
  const lab = use(policy);
  lab.export_as(target);
  return answer(lab);
}

/** What a reviewer would say. */
export function lint(policy: string): Answer {
  const lab = use(policy);
  lab.lint();
  return answer(lab);
}

/** What a reviewer would say of a hedge; throws as `analyse` does. */
export function lintHedge(options: string, notation: number): Answer {
  const lab = load();
  const length = write(lab, options);
  const problems = lab.lint_hedge(length, notation);
  if (!problems) return answer(lab);
  throw refusal(lab, problems, (index) => lab.hedge_problem(length, notation, index));
}

/** What settings of another library, by its number, come to; throws a `PolicyError` with every mistake in them. */
export function convert(source: number, settings: string): Answer {
  const lab = load();
  const most = area(lab, INPUT).length;
  if (settings.length > most) {
    throw new PolicyError([{ code: "text_too_long", pointer: "", text: `the settings are longer than ${most} bytes; leave out what is not about retries` }]);
  }
  const length = write(lab, settings);
  const problems = lab.convert(source, length);
  if (!problems) return answer(lab);
  throw refusal(lab, problems, (index) => lab.conversion_problem(source, length, index));
}

/**
 * Simulates in an instance of its own, so that several may go on beside each other; throws as `analyse` does. After each slice of so many
 * attempts `progress` is told how many clients, chains or calls have come to an end, of how many, and `turn` waited for.
 */
export async function simulate(
  kind: number, policy: string, conditions: string, notation: number, [high, low]: readonly [number, number],
  slice: number, progress: (done: number, all: number) => void, turn: () => Promise<void>,
): Promise<Answer> {
  const lab = use(policy, instance());
  const length = write(lab, conditions);
  const problems = lab.simulate(kind, length, notation, high, low);
  if (problems) throw refusal(lab, problems, (index) => lab.simulation_problem(kind, length, notation, index));
  await lab.proceed(slice, progress, turn);
  lab.outcome();
  return answer(lab);
}

/** What the arguments of a command line ask for: 0 a text to say, 1 a sentence that refuses them, 2 JSON. */
export function invoke(given: readonly string[]): readonly [kind: number, text: string] {
  const lab = load();
  const kind = lab.invoke(write(lab, utf8(given.map((argument) => `${argument}\0`).join(""))));
  return [kind, said(lab)];
}

/** How far a long work has come, for one line of a terminal. */
export function progressBar(done: number, all: number): string {
  const lab = load();
  lab.progress(done, all);
  return said(lab);
}

/** Every mistake in the script of a call that is on a tape. */
export function scriptProblems(script: string, notation: number): readonly Problem[] {
  try {
    explain(tapeOf({}), script, notation);
    return [];
  } catch (error) {
    if (error instanceof PolicyError) return error.problems;
    throw error;
  }
}

/** The failure that a few words stand for, as `explain` takes it; throws a `PolicyError` for words that are none. */
export function step(words: string): any {
  const lab = load();
  const isRight = lab.read_step(write(lab, utf8(words)));
  if (!isRight) throw new PolicyError([{ code: "unknown_failure", pointer: "", text: said(lab) }]);
  return JSON.parse(said(lab));
}

/** The call of a token made again. */
export interface ResumedCall {
  /** What comes of its last failure, as `failed` of the engine packs it. */
  readonly packed: number;
  /** The delay in microseconds, or the hint of a give-up; -1 for none. */
  readonly value: number;
  /** Since the first attempt, in microseconds. */
  readonly elapsed: number;
  /** The next attempt is due, after `value` if that is not -1. */
  readonly isDue: boolean;
  readonly failures: number;
}

/** Makes the call of a token on a tape that of a state; throws a `PolicyError` with every mistake in the token. */
export function resumeCall({ compiled, budget, breaker }: Settings, state: State, tape: string, now: number, since1970: number, mode = 0): ResumedCall {
  const engine = loadEngine();
  const lab = load();
  usePolicy(compiled);
  useState("call", state);
  if (budget) useState("budget", stateOf(budget));
  if (breaker) useState("guard", stateOf(breaker));
  for (const which of AREAS) area(lab, which[0]).set(same(engine[which[1]], lab, which[0]));
  const length = write(lab, tape);
  const problems = lab.resume(length, JSON_NOTATION, now, since1970, mode);
  if (problems) throw refusal(lab, problems, (index) => lab.token_problem(length, JSON_NOTATION, index));
  for (const which of AREAS) engine[which[1]].set(area(lab, which[0]));
  const [value, packed, elapsed, isDue, failures] = new Float64Array(lab.memory.buffer, lab.area(NUMBERS), 5) as unknown as [number, number, number, number, number];
  return { value, packed, elapsed, isDue: isDue === 1, failures };
}

/** The token of a call, whose last failure was decided as `packed` says; times in microseconds, a hint of -1 is none. */
export function tokenOf(state: State, now: number, carried: number, madeAt: number, packed: number, hint: number, isRefused: boolean): string {
  const lab = load();
  useState("call", state);
  area(lab, CALL).set(same(loadEngine().call, lab, CALL));
  lab.token(now, carried, madeAt, packed, hint, isRefused ? 1 : 0);
  return said(lab);
}

/** An area of the engine, whose bytes mean the same to the lab: both are of one source and one compiler. */
function same(bytes: Uint8Array, lab: Lab, which: number): Uint8Array {
  if (bytes.length !== lab.area_size(which)) throw new Error("the lab is of another release than the engine; install undaunted again");
  return bytes;
}

function said(lab: Lab): string {
  return pieces(lab, 1)[0]!;
}

/** Every problem of what was refused; `tell` writes one into the areas. */
function refusal(lab: Lab, problems: number, tell: (index: number) => void): PolicyError {
  return new PolicyError(Array.from({ length: problems }, (_, index) => {
    tell(index);
    const [code, pointer, text] = pieces(lab, 3) as [string, string, string];
    return { code, pointer, text };
  }));
}

function use(policy: string, lab = load()): Lab {
  const length = write(lab, policy);
  const problems = lab.compile(length, JSON_NOTATION, 0);
  if (problems) throw refusal(lab, problems, (index) => lab.problem(length, JSON_NOTATION, 0, index));
  return lab;
}

function write(lab: Lab, tape: string): number {
  const input = area(lab, INPUT);
  if (tape.length > input.length) throw new RangeError(`the options are ${tape.length} bytes, allowed ${input.length}; shorten their texts`);
  for (let at = 0; at < tape.length; at++) input[at] = tape.charCodeAt(at);
  return tape.length;
}

function answer(lab: Lab): Answer {
  return pieces(lab, 2) as unknown as Answer;
}

/** Texts one after the other in the output area, their lengths in the numbers. */
function pieces(lab: Lab, count: number): string[] {
  const output = area(lab, OUTPUT);
  let start = 0;
  return Array.from(new Float64Array(lab.memory.buffer, lab.area(NUMBERS), count), (length) =>
    new TextDecoder().decode(output.subarray(start, (start += length))),
  );
}

function area(lab: Lab, which: number): Uint8Array {
  return new Uint8Array(lab.memory.buffer, lab.area(which), lab.area_size(which));
}

const JSON_NOTATION = 0;
/** Areas. */
const INPUT = 0;
const OUTPUT = 1;
const NUMBERS = 2;
const CALL = 4;
/** Those in which a decision looks, with the engine's names. */
const AREAS = [[3, "policy"], [CALL, "call"], [5, "budget"], [6, "guard"]] as const satisfies readonly (readonly [number, keyof Engine])[];
/** Kinds of simulations. */
export const HERD = 0;
export const LOSS = 1;
export const LAYERS = 2;
export const OUTAGE = 3;
