// Scripts of failures: each item becomes the error that a client would throw.
import {
  builtin, type Domain, DOMAINS, type Facts, facts, HttpError, isClass, isPlain, microsOf, Notation, PolicyError, type Problem, tapeOf, utf8,
} from "./core.js";
import type { FailureFacts } from "./explain.js";
import { scriptProblems, step } from "./lab-engine.js";

/** One attempt of a script: what fails it, or null, undefined or `"ok"` for one that runs the code. */
export type ScriptItem = number | string | Partial<FailureFacts> | object | null | undefined;

/** The attempts in their order, perhaps under `fail`; or the path of a JSON file with them, where there are files. */
export type Script = readonly ScriptItem[] | { readonly fail: readonly ScriptItem[] } | string | URL;

/** One attempt of a script, read. */
export interface Step {
  /** Makes the error; undefined where the code is to run. */
  readonly make: (() => unknown) | undefined;
  /** What the error means, where the script says it in full. */
  readonly facts: Facts | undefined;
  /** How long the attempt takes to fail, in microseconds. */
  readonly duration: number;
}

/** What a script says, in order. Throws a `PolicyError` with every mistake at once. */
export function stepsOf(script: Script): Step[] {
  const isPath = typeof script === "string" || script instanceof URL;
  const items = itemsOf(isPath ? fileOf(script) : script);
  const problems: Problem[] = [];
  const steps = items.map((item, place): Step => {
    try {
      return stepOf(item, place, isPath ? Notation.Json : Notation.JavaScript);
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      problems.push(...error.problems);
      return RUN;
    }
  });
  if (problems.length) throw new PolicyError(problems);
  return steps;
}

function fileOf(path: string | URL): Script {
  const fs = builtin("node:fs") as { readFileSync(path: string | URL, encoding: string): string } | undefined;
  if (!fs) throw new Error("script is a path, and this host has no node:fs; give the list itself");
  const text = fs.readFileSync(path, "utf8");
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PolicyError([{ code: "not_json", pointer: "", text: `the script is no JSON: ${(cause as Error).message}` }], { cause });
  }
}

function itemsOf(script: unknown): readonly unknown[] {
  const isUnder = isPlain(script) && Object.keys(script).join() === "fail";
  const items = isUnder ? (script as { fail: unknown }).fail : script;
  if (Array.isArray(items)) return items;
  const text = 'the script is no list, nor one under "fail", allowed nothing else; write {"fail": [503, "reset", "ok"]}';
  throw new PolicyError([{ code: "wrong_kind", pointer: "", text }]);
}

function stepOf(item: unknown, place: number, notation: Notation): Step {
  if (item === null || item === undefined) return RUN;
  if (isClass(item)) return { make: () => new (item as new () => unknown)(), facts: undefined, duration: 0 };
  if (typeof item === "number" || typeof item === "string") {
    const told = words(item, place);
    return told === "ok" ? RUN : checked(told, place, Notation.Json);
  }
  if (isPlain(item)) return checked(item as Record<string, unknown>, place, notation);
  if (typeof item === "object") return { make: () => item, facts: undefined, duration: 0 };
  const allowed = "a status, words, an object with facts, an error or null; use one of these";
  throw refused(place, [{ code: "wrong_kind", pointer: "", text: `script.${place} is a ${typeof item}, allowed ${allowed}` }]);
}

function words(item: number | string, place: number): "ok" | Record<string, unknown> {
  try {
    return step(String(item));
  } catch (error) {
    throw refused(place, (error as PolicyError).problems.map((problem) => ({ ...problem, text: `script.${place}: ${problem.text}` })));
  }
}

/** The step that facts make, once the core has found them right. */
function checked(told: Readonly<Record<string, unknown>>, place: number, notation: Notation): Step {
  const { error, ...own } = told;
  const problems = Object.keys(own)
    .filter((name) => Object.hasOwn(NOT_A_FAILURE, name))
    .map((name) => ({
      code: "meaningless_option", pointer: `/${name}`,
      text: `script.${place}.${name} is given, allowed what a failure itself says; ${NOT_A_FAILURE[name]}`,
    }));
  const failure = Object.fromEntries(Object.entries(own).filter(([name]) => !Object.hasOwn(NOT_A_FAILURE, name)));
  const wrong = scriptProblems(tapeOf({ failures: [failure] }), notation).map(({ code, pointer, text }) => ({
    code, pointer: pointer.replace("/failures/0", ""), text: text.replace("failures.0", `script.${place}`),
  }));
  if (error !== undefined && Object.keys(failure).some((name) => name !== "duration")) {
    const text = `script.${place}.error has more than duration beside it, allowed an error that speaks for itself; remove what else is there`;
    problems.push({ code: "meaningless_option", pointer: "/error", text });
  }
  if (problems.length || wrong.length) throw refused(place, [...wrong, ...problems]);
  const duration = failure.duration == null ? 0 : microsOf(failure.duration);
  if (error !== undefined) return { make: () => error, facts: undefined, duration };
  const meant = meaning(failure);
  return { make: () => errorOf(meant), facts: factsOf(meant), duration };
}

function refused(place: number, problems: readonly Problem[]): PolicyError {
  return new PolicyError(problems.map((problem) => ({ ...problem, pointer: `/fail/${place}${problem.pointer}` })));
}

/** A failure in full. */
interface Meaning {
  readonly domain: Domain;
  readonly code: number | string | undefined;
  readonly isConnect: boolean;
  /** In microseconds. */
  readonly hint: number | undefined;
  readonly shouldRetry: boolean | undefined;
  readonly body: string | undefined;
}

function meaning(failure: Readonly<Record<string, unknown>>): Meaning {
  const domain = DOMAINS.find((name) => failure[name] != null) ?? "user";
  return {
    domain,
    code: (failure[domain] ?? undefined) as number | string | undefined,
    isConnect: failure.phase === "connect",
    hint: failure.hint == null ? undefined : microsOf(failure.hint),
    shouldRetry: (failure.shouldRetry ?? failure.should_retry ?? undefined) as boolean | undefined,
    body: (failure.body ?? undefined) as string | undefined,
  };
}

function factsOf({ domain, code, isConnect, hint, shouldRetry, body }: Meaning): Facts {
  const flags = (isConnect ? 1 : 0) | (shouldRetry === undefined ? 0 : shouldRetry ? 48 : 16);
  const bytes = body === undefined ? undefined : new TextEncoder().encode(body);
  return facts(DOMAINS.indexOf(domain), typeof code === "string" ? utf8(code) : code, flags, hint, bytes);
}

/** An error with the fields that clients give theirs. */
function errorOf(meant: Meaning): unknown {
  const { domain, code } = meant;
  if (domain === "http" && (code as number) >= 200) return httpError(meant);
  const fields = domain === "user" ? (typeof code === "string" ? { name: code } : { code }) : FIELDS[domain](code as never, meant);
  const { message = `${domain} ${code}, by script`, ...rest } = fields as { message?: string };
  return Object.assign(new Error(message), rest);
}

function httpError({ code, hint, shouldRetry, body }: Meaning): HttpError {
  const status = code as number;
  const headers = headersOf("retry-after-ms", hint, shouldRetry);
  const isBodiless = status === 204 || status === 205 || status === 304;
  const response = new Response(isBodiless ? null : (body ?? ""), { status, headers });
  return new HttpError(response, { body: body === undefined ? undefined : new TextEncoder().encode(body) });
}

function headersOf(name: string, hint: number | undefined, shouldRetry: boolean | undefined): Record<string, string> {
  return {
    ...(hint === undefined ? {} : { [name]: String(hint / 1000) }),
    ...(shouldRetry === undefined ? {} : { "x-should-retry": String(shouldRetry) }),
  };
}

/** An error of Node's. */
function ofSystem(syscall: string): (code: string | number, meant: Meaning) => object {
  return (code, { isConnect }) => {
    const call = isConnect ? "connect" : syscall;
    return { message: `${call} ${code}`, ...(typeof code === "string" ? { code } : { errno: code }), syscall: call };
  };
}

/** What the errors of each kind of client have, as ts/failure.ts reads them. */
const FIELDS: { readonly [D in Exclude<Domain, "user">]: (code: never, meant: Meaning) => object } = {
  http: (status: number) => ({ status }),
  os: ofSystem("read"),
  dns: ofSystem("getaddrinfo"),
  tls: ofSystem("connect"),
  undici: (code: string) => ({ code }),
  grpc: (code: number | string, { hint, shouldRetry }) => {
    const number = typeof code === "number" ? code : GRPC.indexOf(code);
    const values = headersOf("grpc-retry-pushback-ms", hint, shouldRetry);
    const metadata = { get: (name: string) => (name in values ? [values[name]] : []) };
    return { message: `${number} ${GRPC[number]}: by script`, code: number, details: "by script", metadata };
  },
  postgres: (code: string) => ({ name: "error", severity: "ERROR", code }),
  mysql: (code: number | string) => ({ ...(typeof code === "number" ? { errno: code } : { code }), sqlState: "HY000" }),
  sqlite: (code: number | string) => (typeof code === "number" ? { code: "ERR_SQLITE_ERROR", errcode: code } : { code }),
  redis: (code: string) => ({ name: "ReplyError", message: `${code} by script` }),
  mongodb: (code: number | string) => ({ name: "MongoServerError", ...(typeof code === "number" ? { code, errorLabels: [] } : { errorLabels: [code] }) }),
  kafka: (code: number | string) => ({ name: "KafkaJSProtocolError", code }),
  aws: (code: string) => ({ name: code, $metadata: {} }),
};

const GRPC =
  "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"
    .split(" ");
const OF_THE_CALL = "it belongs to the call that runs, remove it";
const OF_ON = "mark an error with again or stop in its place";
/** What `explain` takes of a failure, and a script does not. */
const NOT_A_FAILURE: Readonly<Record<string, string>> = {
  method: OF_THE_CALL, idempotencyKey: OF_THE_CALL, idempotency_key: OF_THE_CALL, cancelled: OF_THE_CALL, nested: OF_THE_CALL,
  verdict: OF_ON, wait: OF_ON,
};
/** The code runs. */
export const RUN: Step = { make: undefined, facts: undefined, duration: 0 };
