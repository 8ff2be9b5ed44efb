// Digging the facts out of whatever was thrown. No decision is made here.
import { type FailureArguments, input, load, utf8 } from "./engine.js";
import { type HeaderSource, hintOf } from "./headers.js";
import { firstOf, isObject, read } from "./marks.js";
import { DomainNumber, DOMAINS } from "./names.js";

/** What the engine wants to know about an error. */
export interface Facts {
  readonly domain: DomainNumber;
  /** A name has one character for each byte of its UTF-8. */
  readonly code: string | number | undefined;
  /** The engine's: 1 while connecting, 16 and 32 for the server's word on whether to come back. */
  readonly flags: number;
  /** In microseconds, -1 for none. */
  readonly hint: number;
  readonly body: Uint8Array | undefined;
}

export function facts(domain: DomainNumber, code?: string | number, flags = 0, hint = -1, body?: Uint8Array): Facts {
  return { domain, code, flags, hint, body };
}

/** The facts about an error: its own, else those of what caused it. An aggregate within an aggregate is not opened. */
export function factsOf(error: unknown, isInner = false): Facts {
  return firstOf(error, (error) => ownFacts(error, isInner)) ?? facts(DomainNumber.User, userCode(error));
}

/** What a failure goes by, for readers: `http 503`. */
export function codeOf({ domain, code }: Facts): string | undefined {
  return code === undefined ? undefined : `${DOMAINS[domain]} ${typeof code === "string" ? fromUtf8(code) : code}`;
}

/** The text whose UTF-8 has these bytes, one a character. */
export function fromUtf8(bytes: string): string {
  return new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
}

/** Writes the texts of a failure into the input area, a piece of a body after them; answers what goes beside them. */
export function argumentsOf({ domain, code, flags, hint }: Facts, method: string | undefined): FailureArguments {
  const isName = typeof code === "string";
  const nameLength = isName ? code.length : 0;
  const length = input((isName ? code : "") + (method ? utf8(method) : ""));
  const kind = isName ? 2 : code === undefined ? 0 : 1;
  const methodFlag = method === undefined ? 0 : 256;
  return [domain, kind, isName ? 0 : (code ?? 0), flags | methodFlag, hint, nameLength, length - nameLength];
}

/** What the tables say of a failure, packed as the engine packs it. */
export function lookUp(facts: Facts, method?: string): number {
  return load().classify(...argumentsOf(facts, method));
}

function ownFacts(error: unknown, isInner: boolean): Facts | undefined {
  const system = systemFacts(error);
  if (system) return system;
  const driver = driverFacts(error);
  if (driver) return driver;
  // Ours: nothing was sent, and it may be tried again once the breaker lets calls through.
  const retryIn = read(error, "retryIn") as number;
  if (read(error, "name") === "BreakerOpen" && retryIn >= 0) return facts(DomainNumber.User, "BreakerOpen", 0, retryIn * 1000);
  const response = read(error, "response");
  const status = statusOf(error) ?? statusOf(response);
  if (status) {
    const headers = read(error, "headers") ?? read(response, "headers");
    const hint = isObject(headers) ? hintOf(headers as HeaderSource) : undefined;
    const body = read(error, "body");
    return facts(DomainNumber.Http, status, hint?.flags, hint?.wait, body instanceof Uint8Array ? body : undefined);
  }
  const errors = read(error, "errors");
  if (!isInner && Array.isArray(errors) && errors.length) return worst(errors);
  const code = read(error, "code");
  const known = typeof code === "string" ? byCode(code, read(error, "syscall") === "connect") : undefined;
  if (known) return known;
  const name = read(error, "name") as string;
  if (LATE_NAME.test(name)) return facts(DomainNumber.Os, "ETIMEDOUT");
  if (LOST_NAME.test(name) && !read(error, "cause")) return facts(DomainNumber.Os, "ECONNRESET");
  const isNetwork = error instanceof TypeError && !read(error, "cause") && NETWORK.test(error.message);
  return isNetwork ? facts(DomainNumber.Os, "ECONNRESET") : undefined;
}

/** The facts of a plain system error: it has no field that the readers of clients' errors look for, so they are not asked. */
function systemFacts(error: unknown): Facts | undefined {
  try {
    if (Object.getPrototypeOf(error) !== Error.prototype) return undefined;
    for (const field in error as object) if (!isOfSystem(field)) return undefined;
    const { code, syscall } = error as { code?: unknown; syscall?: unknown };
    return typeof code === "string" ? byCode(code, syscall === "connect") : undefined;
  } catch {
    return undefined; // a proxy may refuse
  }
}

function isOfSystem(field: string): boolean {
  switch (field) {
    case "errno": case "code": case "syscall": case "address": case "port": case "hostname":
      return true;
    default:
      return false;
  }
}

/** The facts of an error that a client of another server than HTTP's made, by the fields that it alone has. */
function driverFacts(error: unknown): Facts | undefined {
  const text = (key: string) => {
    const value = read(error, key);
    return typeof value === "string" ? value : "";
  };
  const whole = (key: string) => {
    const value = read(error, key) as number;
    return Number.isInteger(value) ? value : undefined;
  };
  const [code, number] = [text("code"), whole("code")];
  const [name, details] = [text("name"), text("details")];
  // pg 8 and postgres 3
  if (text("severity") && /^\w{5}$/.test(code)) return facts(DomainNumber.Postgres, code);
  // mysql2 3 and mariadb 3
  if (text("sqlState") && whole("errno")) return facts(DomainNumber.Mysql, whole("errno"));
  // better-sqlite3 12 and sqlite3 5; node:sqlite
  if (/^SQLITE_\w+$/.test(code)) return facts(DomainNumber.Sqlite, code);
  if (code === "ERR_SQLITE_ERROR") return facts(DomainNumber.Sqlite, whole("errcode"));
  // node-redis 6 gives its errors no names
  const type = name === "Error" ? read(error, "constructor") : undefined;
  const kind = read(type, "name");
  const isReply = name === "ReplyError" || read(read(type, "__proto__"), "name") === "ErrorReply"; // ioredis 6, by redis-errors 1; node-redis
  if (isReply) return facts(DomainNumber.Redis, utf8(TOO_MANY.exec(text("message"))![0]));
  if (kind === "SocketClosedUnexpectedlyError") return facts(DomainNumber.Os, "ECONNRESET");
  if (kind === "SocketTimeoutError") return facts(DomainNumber.Os, "ETIMEDOUT");
  if (kind === "ConnectionTimeoutError") return facts(DomainNumber.Os, "ETIMEDOUT", 1);
  // mongodb 7: a label says more than a number
  if (name === "MongoPoolClearedError") return facts(DomainNumber.Mongodb, "PoolClearedError");
  const labels = read(error, "errorLabels");
  if (Array.isArray(labels)) {
    const label = LABELS.find((label) => labels.includes(label));
    if (label || number) return facts(DomainNumber.Mongodb, label ?? number);
  }
  // kafkajs 2
  if (name.startsWith("KafkaJS") && number) return facts(DomainNumber.Kafka, number);
  // @grpc/grpc-js 1
  const metadata = read(error, "metadata");
  if (number && text("message").endsWith(`: ${details}`) && isObject(metadata)) {
    const { flags, wait } = hintOf(metadata as HeaderSource);
    return facts(DomainNumber.Grpc, number, flags | (NOT_CONNECTED.test(details) ? 1 : 0), wait < 0 ? retryInfo(metadata) : wait);
  }
  return isObject(read(error, "$metadata")) ? awsFacts(error, name) : undefined;
}

/** The wait of a `google.rpc.RetryInfo` within a gRPC status, in microseconds; -1 if there is none that makes sense. */
function retryInfo(metadata: { get?: (name: string) => unknown }): number {
  const status = read(metadata.get?.("grpc-status-details-bin"), "0");
  const found = status instanceof Uint8Array && RETRY_INFO.exec(String.fromCharCode(...status.subarray(0, 8192)));
  if (!found) return -1;
  const [seconds, nanos] = [found[1], found[2]].map((digits = "") =>
    [...digits].reduce((sum, digit, at) => sum + (digit.charCodeAt(0) & 127) * 128 ** at, 0),
  );
  const wait = seconds! * 1e6 + Math.ceil(nanos! / 1e3);
  return Number.isSafeInteger(wait) ? wait : -1;
}

/** The AWS SDK 3, by smithy-client: the code, or the status where no table has the code. A socket's error it only marks. */
function awsFacts(error: unknown, name: string): Facts | undefined {
  const status = read(read(error, "$metadata"), "httpStatusCode");
  if (status === undefined && typeof read(error, "code") === "string") return undefined;
  const headers = read(read(error, "$response"), "headers");
  const { flags, wait } = isObject(headers) ? hintOf(headers as HeaderSource) : { flags: 0, wait: -1 };
  // What the service's model says of the error: retryable, and perhaps an overload.
  const trait = read(error, "$retryable");
  const code = facts(DomainNumber.Aws, utf8(name), flags | (trait ? 48 : 0), wait);
  if (lookUp(code) & 256) return code;
  if (read(trait, "throttling")) return { ...code, code: "ThrottlingException" };
  return Number.isInteger(status) ? { ...code, domain: DomainNumber.Http, code: status as number } : code;
}

function statusOf(from: unknown): number | undefined {
  const status = (read(from, "status") ?? read(from, "statusCode")) as number;
  return Number.isInteger(status) && status >= 100 && status < 600 ? status : undefined;
}

/** One failure made of several: retried only if each of them is, so the one that weighs most speaks for all. */
function worst(errors: readonly unknown[]): Facts {
  const weigh = (facts: Facts) => {
    const found = lookUp(facts);
    return found & 512 ? (found >> 3) & 3 : 3; // not retried, then `maybe`, then the rest
  };
  return errors
    .slice(0, 16)
    .map((error) => factsOf(error, true))
    .sort((one, other) => weigh(other) - weigh(one))[0]!;
}

const known = /* @__PURE__ */ new Map<string, Facts | undefined>();

/** The facts of a code that a table has; there are few codes, and looking one up costs more than the wait's decision. */
function byCode(given: string, isConnect: boolean): Facts | undefined {
  const key = isConnect ? `${given} connect` : given; // the code itself where possible: hashing a new text costs 100 ns
  if (!known.has(key)) {
    if (known.size > 255) known.clear();
    const isLate = LATE.test(given);
    const code = isLate ? "ETIMEDOUT" : ENDED.test(given) ? "EOF" : given;
    const flags = isConnect || isLate ? 1 : 0;
    const domains = [DomainNumber.Os, DomainNumber.Dns, DomainNumber.Undici];
    if (TLS_CODE.test(code)) domains.push(DomainNumber.Tls);
    known.set(key, domains.map((domain) => facts(domain, utf8(code), flags)).find((facts) => lookUp(facts) & 256));
  }
  return known.get(key);
}

function userCode(error: unknown): string | number | undefined {
  if (!isObject(error)) return typeof error;
  const name = read(error, "name");
  const code = read(error, "code") as string | number;
  const isNamed = typeof name === "string";
  if (!isNamed || name === "Error") {
    if (typeof code === "string") return utf8(code);
    if (Number.isSafeInteger(code)) return code;
  }
  return isNamed ? utf8(name.slice(0, 256)) : undefined;
}

/** The one that says most first: an overload with RetryableError was refused before anything was done. */
const LABELS = [
  "TransientTransactionError", "UnknownTransactionCommitResult", "RetryableError", "SystemOverloadedError", "RetryableWriteError",
];

/** A reply of Redis by its first word, except for the one that says nothing by it. */
const TOO_MANY = /^ERR max number of clients reached$|^\S*/;

/** What grpc-js says where no connection carried the call. */
const NOT_CONNECTED = /No connection established|^Name resolution failed/;

/** Its type's name, then its value: a duration with seconds and nanoseconds, each a varint that is left out where it is 0. */
const RETRY_INFO = /google\.rpc\.RetryInfo\x12.\n.(?:\x08([\x80-\xff]*[\0-\x7f]))?(?:\x10([\x80-\xff]*[\0-\x7f]))?/s;

/** A time limit of the host's, of mongodb's or of kafkajs's. */
const LATE_NAME = /^(MongoNetwork|KafkaJSRequest|)TimeoutError$/;

/** A connection that was lost, where the error has no cause that says more. */
const LOST_NAME = /^(MongoNetwork|KafkaJSConnectionClosed)Error$/;

/** Node's own names of a time limit; each of them means that nothing was sent. */
const LATE = /^E(RR_(SOCKET_CONNECTION|TLS_HANDSHAKE)_)?TIMEOUT$/;

/** Names of an end that came too early: Node's, and mysql2's. */
const ENDED = /^(ERR_STREAM_PREMATURE_CLOSE|PROTOCOL_CONNECTION_LOST)$/;

const TLS_CODE =
  /^(CERT_|CRL_|ERR_(TLS|SSL)_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH)/;

/** What `fetch` says of a lost connection in Chromium, Firefox, Safari and Node, where it says nothing else. */
const NETWORK =
  /^(Failed to fetch|NetworkError when attempting to fetch resource\.|Load failed|fetch failed|network error|terminated)$/;
