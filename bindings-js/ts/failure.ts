// Digging the facts out of whatever was thrown. No decision is made here.
import * as engine from "engine-glue";
import { input } from "./engine.js";
import { type HeaderSource, hintOf } from "./headers.js";
import { firstOf, isObject, read } from "./marks.js";
import { DNS, HTTP, OS, TLS, UNDICI, USER } from "./names.js";

/** What the engine wants to know about an error. */
export interface Facts {
  readonly domain: number;
  readonly code: string | number | undefined;
  /** It failed while connecting: the server cannot have acted. */
  readonly connecting: boolean;
  /** In microseconds, -1 for none. */
  readonly hint: number;
  readonly should: boolean | undefined;
  readonly body: Uint8Array | undefined;
}

/** The facts about an error: its own, else those of what caused it. */
export function factsOf(error: unknown): Facts {
  return firstOf(error, ownFacts) ?? facts(USER, userCode(error));
}

/** Whether an error is the kind that a mistake in the program makes. */
export function isBug(error: unknown): boolean {
  return BUGS.some((kind) => error instanceof kind);
}

/** Whether an error says that somebody aborted. */
export function isAbort(error: unknown): boolean {
  return isObject(error) && read(error, "name") === "AbortError";
}

/** What the tables say of a code, packed as the engine packs it. */
export function lookUp(
  domain: number, code: string | number | undefined, connecting: boolean, hint: number, method: string | undefined,
): number {
  const isName = typeof code === "string";
  const nameEnd = isName ? input(0, code) : 0;
  const methodEnd = method === undefined ? nameEnd : input(nameEnd, method);
  const kind = isName ? 2 : code === undefined ? 0 : 1;
  const flags = (connecting ? 1 : 0) + (method === undefined ? 0 : 256);
  return engine.classify(domain, kind, isName ? 0 : (code ?? 0), flags, hint, nameEnd, methodEnd - nameEnd);
}

function ownFacts(error: object): Facts | undefined {
  const response = read(error, "response");
  const status = statusOf(error) ?? (isObject(response) ? statusOf(response) : undefined);
  if (status !== undefined) {
    const headers = read(error, "headers") ?? (isObject(response) ? read(response, "headers") : undefined);
    const hint = isObject(headers) ? hintOf(headers as HeaderSource) : undefined;
    const body = read(error, "body");
    return facts(HTTP, status, false, hint?.wait, hint?.should, body instanceof Uint8Array ? body : undefined);
  }
  const inner = read(error, "errors");
  if (Array.isArray(inner) && inner.length > 0) return worst(inner);
  const code = read(error, "code");
  if (typeof code === "string") {
    const found = byCode(code, read(error, "syscall") === "connect");
    if (found) return found;
  }
  if (read(error, "name") === "TimeoutError") return facts(OS, "ETIMEDOUT");
  const isNetwork = error instanceof TypeError && read(error, "cause") === undefined && NETWORK.test(error.message);
  return isNetwork ? facts(OS, "ECONNRESET") : undefined;
}

function statusOf(from: object): number | undefined {
  const status = read(from, "status") ?? read(from, "statusCode");
  return Number.isInteger(status) && (status as number) >= 100 && (status as number) < 600 ? (status as number) : undefined;
}

/** One failure made of several: retried only if each of them is, so the one that weighs most speaks for all. */
function worst(errors: readonly unknown[]): Facts {
  const weigh = ({ domain, code, connecting, hint }: Facts) => {
    const found = lookUp(domain, code, connecting, hint, undefined);
    return found & 512 ? (found >> 3) & 3 : 3; // not retried, then `maybe`, then the rest
  };
  return errors.slice(0, 16).map(leafFacts).reduce((worst, next) => (weigh(next) > weigh(worst) ? next : worst));
}

/** An aggregate within an aggregate is not opened again: its code speaks. */
function leafFacts(error: unknown): Facts {
  const isNested = isObject(error) && Array.isArray(read(error, "errors"));
  const code = isNested ? read(error, "code") : undefined;
  return isNested ? ((typeof code === "string" && byCode(code, false)) || facts(USER, userCode(error))) : factsOf(error);
}

const known = /* @__PURE__ */ new Map<string, Facts | undefined>();

/** The facts of a code that a table has; there are few codes, and looking one up costs more than the wait's decision. */
function byCode(given: string, isConnect: boolean): Facts | undefined {
  const key = isConnect ? `${given} connect` : given;
  if (!known.has(key)) {
    if (known.size >= 256) known.clear();
    known.set(key, lookUpCode(given, isConnect));
  }
  return known.get(key);
}

function lookUpCode(given: string, isConnect: boolean): Facts | undefined {
  const code = ALIASES[given] ?? given;
  const connecting = isConnect || (code !== given && code !== "EOF");
  const domain =
    code.startsWith("UND_ERR_") ? UNDICI
    : /^(EAI_|ENOTFOUND$)/.test(code) ? DNS
    : /^E[A-Z0-9]+$/.test(code) ? OS
    : TLS_CODE.test(code) ? TLS
    : USER;
  return lookUp(domain, code, connecting, -1, undefined) & 256 ? facts(domain, code, connecting) : undefined;
}

function userCode(error: unknown): string | number | undefined {
  if (!isObject(error)) return typeof error;
  const name = read(error, "name");
  const code = read(error, "code");
  const hasCode = typeof code === "string" || Number.isSafeInteger(code);
  if (hasCode && (typeof name !== "string" || name === "Error")) return code as string | number;
  return typeof name === "string" ? name.slice(0, 256) : undefined;
}

export function facts(
  domain: number, code: string | number | undefined, connecting = false, hint = -1, should?: boolean, body?: Uint8Array,
): Facts {
  return { domain, code, connecting, hint, should, body };
}

const BUGS = [TypeError, RangeError, ReferenceError, SyntaxError, EvalError, URIError];

/** Errors of Node that have no errno of their own; all but the last happen before anything is sent. */
const ALIASES: { readonly [code: string]: string | undefined } = {
  ERR_SOCKET_CONNECTION_TIMEOUT: "ETIMEDOUT",
  ERR_TLS_HANDSHAKE_TIMEOUT: "ETIMEDOUT",
  ETIMEOUT: "ETIMEDOUT",
  ERR_STREAM_PREMATURE_CLOSE: "EOF",
};

const TLS_CODE =
  /^(CERT_|CRL_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH)/;

/** What `fetch` says of a lost connection in Chromium, Firefox, Safari and Node, where it says nothing else. */
const NETWORK =
  /^(Failed to fetch|NetworkError when attempting to fetch resource\.|Load failed|fetch failed|network error|terminated)$/;
