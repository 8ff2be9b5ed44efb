// The command line `undaunted`: files and screens around what the core asks for and answers.
import { halves, PolicyError, type Problem, tapeOf } from "./core.js";
import {
  type Answer, analyse, convert, diff, explain, exportAs, HERD, invoke, ladder, LAYERS, lint, LOSS, OUTAGE, progressBar, simulate, tapeOfPolicy,
} from "./lab-engine.js";
import { SOURCES } from "./conversion.js";
import { TARGETS } from "./export.js";
import { SLICE } from "./simulate.js";
import { turn } from "./turn.js";

/** What a command line needs of its host. */
export interface Host {
  /** A file's bytes, or those of standard input for "-"; throws an error with a `code`. */
  read(file: string): Uint8Array;
  readonly out: { write(text: string): unknown };
  readonly err: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Serves the page until it is interrupted; `told` hears the address. Rejects as `read` does if the page or the port cannot be had. */
  preview(served: Served, told: (address: string) => void): Promise<void>;
}

/** What a preview serves beside the page. */
interface Served {
  /** The file, or what stands for one. */
  readonly name: string | undefined;
  /** The policy, if it is no file. */
  readonly content: string | Uint8Array | undefined;
  readonly port: number;
  readonly watch: boolean;
  readonly opens: boolean;
  /** What is wrong with the text of a policy. */
  mistakes(text: string): readonly Problem[];
}

interface Asked {
  readonly command: string;
  readonly files: readonly string[];
  readonly steps: readonly unknown[];
  readonly options: Record<string, any>;
}

/** Something could not be read: a line for each mistake. */
class Failed extends Error {}

/** Runs a command; answers its exit code: 0, 1 if it found what it was to find, 2 if something could not be read. @internal */
export async function command(given: readonly string[], host: Host): Promise<number> {
  const [kind, said] = invoke(given);
  if (kind !== RUN) {
    (kind ? host.err : host.out).write(said);
    return kind ? 2 : 0;
  }
  try {
    return await run(JSON.parse(said), host);
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    host.err.write(`${error.message}\n`);
    return 2;
  }
}

async function run(asked: Asked, host: Host): Promise<number> {
  if (asked.command === "preview") return preview(asked, host);
  const { json: asJson, fail_on: failOn = "error", exit_code: exitCode, ...options } = asked.options;
  const [text, json] = await report({ ...asked, options }, host);
  host.out.write(`${asJson ? json : text.replace(/\n$/, "")}\n`);
  if (asked.command === "export" && !asJson) {
    for (const { level, code, text } of JSON.parse(json).findings) host.err.write(`${level}: ${text} [${code}]\n`);
  }
  if (asked.command === "lint") return codeOf(JSON.parse(json), failOn);
  if (asked.command === "convert") return codeOf(JSON.parse(json).findings, failOn);
  return Number(!!exitCode && JSON.parse(json).options.length > 0);
}

async function report({ command, files, steps, options }: Asked, host: Host): Promise<Answer> {
  if (command === "convert") return converted(files[0], options.from, host);
  if (command === "export" && !options.to) {
    throw new Failed("undaunted: --to is missing, allowed one of the targets; run undaunted export --help");
  }
  const policies = files.map((file) => policyOf(file, host));
  const [policy = tapeOf({}), after = policy] = policies;
  return told("undaunted", () => {
    const { seed, ...conditions } = options;
    switch (command) {
      case "lint": return lint(policy);
      case "schedule": return ladder(policy, tapeOf(options), JSON_NOTATION);
      case "analyse": return analyse(policy, tapeOf(options), JSON_NOTATION);
      case "explain": return explain(policy, tapeOf({ failures: steps, ...options }), JSON_NOTATION);
      case "export": return exportAs(policy, TARGETS.indexOf(options.to));
      case "diff": return diff(policy, after, tapeOf(options), JSON_NOTATION);
      default: return simulated(KINDS[command]!, policy, tapeOf(conditions), seed ?? "1", host);
    }
  });
}

async function simulated(kind: number, policy: string, conditions: string, seed: string, { err }: Host): Promise<Answer> {
  const show = (done: number, all: number) => err.isTTY && err.write(`\r${progressBar(done, all)}`);
  const answer = await simulate(kind, policy, conditions, JSON_NOTATION, halves(BigInt(seed), "seed"), SLICE, show, turn);
  if (err.isTTY) err.write("\r\x1b[K");
  return answer;
}

async function converted(file: string | undefined, source: string | undefined, host: Host): Promise<Answer> {
  if (!source) throw new Failed("undaunted: --from is missing, allowed one of the sources; run undaunted convert --help");
  if (!file && source !== "aws") throw new Failed("undaunted: SETTINGS is missing; run undaunted convert --help");
  const settings = file ? jsonOf(file, "the settings are", host) : { ...host.environment };
  return told(file ?? "the environment", () => convert(SOURCES.indexOf(source as (typeof SOURCES)[number]), tapeOf(settings)));
}

async function preview({ files: [name], options }: Asked, host: Host): Promise<number> {
  const { port = "0", watch = false, no_open: isQuiet = false, json: asJson } = options;
  const isPreset = name?.startsWith(PRESET);
  const isFile = name !== undefined && name !== "-" && !isPreset;
  if (watch && !isFile) throw new Failed("undaunted: --watch needs a policy file; run undaunted preview --help");
  if (isPreset) policyOf(name!, host);
  const content = isPreset ? `{"preset": "${name!.slice(PRESET.length)}"}\n` : name === "-" ? bytesOf(name, host) : undefined;
  if (isFile) bytesOf(name, host, "ENOENT");
  const opens = !isQuiet && host.environment.CI !== "true";
  try {
    await host.preview({ name, content, port: Number(port), watch, opens, mistakes }, (address) =>
      host.out.write(asJson ? `${JSON.stringify({ address })}\n` : `The preview is at ${address}; Ctrl-C ends it.\n`));
  } catch (error) {
    const { code, syscall } = error as { code?: string; syscall?: string };
    if (syscall === "listen") throw new Failed(`undaunted: port ${port}: ${REASONS[code!] ?? code}; choose another, or none for any that is free`);
    if (code === "ENOENT") throw new Failed("undaunted: the page is missing; install the package anew");
    throw error;
  }
  return 0;
}

function mistakes(text: string): readonly Problem[] {
  try {
    lint(tapeOfPolicy(text));
    return [];
  } catch (error) {
    if (error instanceof PolicyError) return error.problems;
    throw error;
  }
}

/** The tape of a policy that is right. */
function policyOf(file: string, host: Host): string {
  const tape = tapeOf(file.startsWith(PRESET) ? { preset: file.slice(PRESET.length) } : jsonOf(file, "the policy is", host));
  try {
    lint(tape);
  } catch (error) {
    throw failed(file, error);
  }
  return tape;
}

function bytesOf(file: string, host: Host, allowed?: string): Uint8Array {
  try {
    return host.read(file);
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    if (code === allowed) return new Uint8Array();
    throw new Failed(`${file}: ${REASONS[code] ?? message}; name a file that can be read`);
  }
}

function jsonOf(file: string, what: string, host: Host): unknown {
  const bytes = bytesOf(file, host);
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new Failed(`${file}: ${what} no JSON, ${(error as Error).message}; correct the text [not_json]`);
  }
}

async function told(place: string, ask: () => Answer | Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    throw failed(place, error);
  }
}

function failed(place: string, error: unknown): unknown {
  return error instanceof PolicyError ? new Failed(error.problems.map(({ code, text }) => `${place}: ${text} [${code}]`).join("\n")) : error;
}

function codeOf(findings: readonly { readonly level: string }[], failOn: string): number {
  const least = LEVELS.indexOf(failOn);
  return Number(least >= 0 && findings.some(({ level }) => LEVELS.indexOf(level) >= least));
}

/** As other programs say it. */
const REASONS: Record<string, string> = {
  ENOENT: "No such file or directory",
  EACCES: "Permission denied",
  EISDIR: "Is a directory",
  EADDRINUSE: "Address already in use",
};
const LEVELS = ["info", "warning", "error"];
const KINDS: Record<string, number> = { simulate: HERD, "simulate-loss": LOSS, "simulate-layers": LAYERS, "simulate-outage": OUTAGE };
const PRESET = "preset:";
const JSON_NOTATION = 0;
/** What `invoke` answers for JSON. */
const RUN = 2;
