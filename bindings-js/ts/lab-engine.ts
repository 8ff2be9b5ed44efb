// The lab: a second build of the same engine, with analysis, lint and their texts; instantiated when it is first asked.
import { type Engine, instantiate, type Policy, PolicyError, tapeOf } from "./core.js";
import { WASM } from "lab-wasm";

/** The lab's functions, as src/lab.rs has them, beside those of the engine that it needs. */
export interface Lab extends Pick<Engine, "input" | "output" | "numbers"> {
  analyse(length: number, notation: number): number;
  analysis_problem(length: number, notation: number, index: number): void;
  area(which: number): number;
  area_size(which: number): number;
  compile(length: number, notation: number, onBase: number): number;
  diff(length: number, notation: number): number;
  keep_before(): void;
  lint(): void;
  outcome(): void;
  simulate(kind: number, length: number, notation: number, seedHigh: number, seedLow: number): number;
  simulation_problem(kind: number, length: number, notation: number, index: number): void;
  step(most: number): number;
}

/** An answer for a reader, and for a program. */
export type Answer = readonly [text: string, json: string];

let lab: Lab | undefined;

function load(): Lab {
  return (lab ??= instantiate(WASM) as unknown as Lab);
}

/** A policy's canonical form as a tape: the lab is another build, and takes no bytes of the engine's. */
export function tapeOfPolicy(policy: Policy): string {
  return tapeOf(policy.toJSON());
}

/** The same, with what its budget is made of written out. */
export function tapeWithBudget(policy: Policy): string {
  return policy.budget ? tapeOf({ ...policy.toJSON(), budget: policy.budget.toJSON() }) : tapeOfPolicy(policy);
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

/** What a reviewer would say. */
export function lint(policy: string): Answer {
  const lab = use(policy);
  lab.lint();
  return answer(lab);
}

/** A simulation as far as it has come. */
export interface Simulation {
  /** Goes on by about so many attempts; true at the end. */
  step(most: number): boolean;
  /** How many clients, chains or calls have come to an end, of how many. */
  progress(): [done: number, all: number];
  outcome(): Answer;
}

/** Begins a simulation in an instance of its own, so that several may go on beside each other; throws as `analyse` does. */
export function beginSimulation(kind: number, policy: string, conditions: string, notation: number, [high, low]: readonly [number, number]): Simulation {
  const lab = use(policy, instantiate(WASM) as unknown as Lab);
  const length = write(lab, conditions);
  const problems = lab.simulate(kind, length, notation, high, low);
  if (problems) throw refusal(lab, problems, (index) => lab.simulation_problem(kind, length, notation, index));
  return {
    step: (most) => lab.step(most) === 1,
    progress: () => [lab.numbers[0]!, lab.numbers[1]!],
    outcome: () => (lab.outcome(), answer(lab)),
  };
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
  if (lab.compile(write(lab, policy), JSON_NOTATION, 0)) throw new Error("the lab and the engine are of different versions");
  return lab;
}

function write(lab: Lab, tape: string): number {
  for (let at = 0; at < tape.length; at++) lab.input[at] = tape.charCodeAt(at);
  return tape.length;
}

function answer(lab: Lab): Answer {
  return pieces(lab, 2) as unknown as Answer;
}

/** Texts one after the other in the output area, their lengths in the numbers. */
function pieces({ numbers, output }: Lab, count: number): string[] {
  let start = 0;
  return Array.from(numbers.slice(0, count), (length) => new TextDecoder().decode(output.subarray(start, (start += length))));
}

const JSON_NOTATION = 0;
/** Kinds of simulations. */
export const HERD = 0;
export const LOSS = 1;
export const LAYERS = 2;
