// What `undaunted preview` serves on loopback: the page, and the policy beside it. tests/README.md says what is answered to what.
import { isUtf8 } from "node:buffer";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  accessSync, chmodSync, closeSync, constants, fsyncSync, openSync, readdirSync, readFileSync, readlinkSync, realpathSync,
  renameSync, rmSync, statSync, writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { basename, dirname, extname, join, resolve, sep } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Serves until Ctrl-C; `told` hears the address. Rejects if the page is not there or the port cannot be had. */
export async function preview({ name, content, port, watch, opens, mistakes }, told) {
  const policy = name === undefined ? undefined : content === undefined ? new PolicyFile(name) : new GivenPolicy(name, content);
  const server = createServer({ requireHostHeader: false });
  server.on("request", answering({ policy, watch, mistakes, server, headers: headersOf(PAGE) }));
  await new Promise((listening, refused) => server.once("error", refused).listen(port, "127.0.0.1", listening));
  const interrupted = new Promise((end) => process.once("SIGINT", end));
  const address = `http://127.0.0.1:${server.address().port}/${policy ? "?file" : ""}`;
  told(address);
  if (opens) openBrowser(address);
  await interrupted;
  server.close();
  server.closeAllConnections();
}

/** A policy that is no file. */
class GivenPolicy {
  isWritable = false;

  constructor(name, content) {
    this.name = name;
    this.bytes = Buffer.from(content);
  }

  read() {
    return this.bytes;
  }
}

class PolicyFile {
  constructor(name) {
    this.name = name;
  }

  /** Nothing while it is not there, or cannot be read. */
  read() {
    try {
      return readFileSync(this.name);
    } catch {
      return undefined;
    }
  }

  get isWritable() {
    const path = resolved(this.name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found && !(found.isFile() && can(path, constants.R_OK | constants.W_OK))) return false;
    return can(dirname(path), constants.W_OK | constants.X_OK);
  }

  /** At once or not at all, whoever reads meanwhile. */
  write(bytes) {
    const path = resolved(this.name);
    const found = statSync(path, { throwIfNoEntry: false });
    const mode = found && found.mode & PERMISSIONS;
    const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
    try {
      const file = openSync(temporary, "wx", mode ?? NEW_FILE);
      try {
        writeFileSync(file, bytes);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      if (mode !== undefined) chmodSync(temporary, mode);
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }
}

function answering(site) {
  return async (request, response) => {
    try {
      await answer(request, response, site);
    } catch (error) {
      // The one who asked has gone, or a file of the page.
      if (!error.code) throw error;
      response.destroy();
    }
  };
}

async function answer(request, response, site) {
  const body = await bodyOf(request);
  const [path] = request.url.split("?");
  const host = request.headers.host ?? "";
  const origins = ["127.0.0.1", "localhost"].map((name) => `${name}:${site.server.address().port}`);
  const send = (status, type, content, headers = {}) => {
    response.writeHead(status, { ...site.headers, ...headers, "Content-Type": type, "Content-Length": content.length });
    response.end(request.method === "HEAD" ? undefined : content);
  };
  const json = (status, value, headers) => send(status, JSON_TYPE, Buffer.from(JSON.stringify(value)), headers);
  const say = (status, error, headers) => json(status, { error }, headers);
  if (!origins.includes(host)) return say(403, `only http://${origins.join(" and http://")} are served`);
  const { policy } = site;
  const isPolicy = path === "/policy" && policy;
  const isChanges = path === "/policy/changes" && site.watch;
  const file = isPolicy || isChanges ? undefined : fileOf(path);
  if (!isPolicy && !isChanges && !file) return say(404, "nothing is here");
  const allowed = isPolicy ? ["GET", "HEAD", "PUT"] : ["GET", "HEAD"];
  if (!allowed.includes(request.method)) return say(405, `allowed ${allowed.join(", ")}`, { Allow: allowed.join(", ") });
  if (file) return send(200, TYPES[extname(file)] ?? "application/octet-stream", readFileSync(file));
  if (isChanges) return changes(request, response, site);
  if (request.method === "PUT") return put(request.headers, body, site, json, say);
  return json(200, stateOf(site));
}

function put(headers, body, site, json, say) {
  const { policy } = site;
  const type = (headers["content-type"] ?? "").split(";")[0].trim().toLowerCase();
  if (headers.origin !== `http://${headers.host}` || type !== "application/json") return say(403, "the policy is written by its page alone, as application/json");
  if (headers["content-length"] === undefined) return say(411, "Content-Length is missing");
  if (!policy.isWritable) return say(409, `${policy.name} cannot be written; save the policy as another file`);
  if (body === undefined) return say(413, "the policy has more than 1 MB; shorten it");
  const [wanted, unwanted] = [headers["if-match"], headers["if-none-match"]];
  if (wanted === undefined && unwanted === undefined) return say(428, "If-Match and If-None-Match are missing; say what is to be replaced");
  const before = stateOf(site);
  const isMet = before.revision === null ? wanted === undefined && unwanted === "*" : wanted === `"${before.revision}"`;
  if (!isMet) return json(412, before);
  const errors = errorsOf(body, site.mistakes);
  if (errors.length > 0) return json(422, { errors });
  try {
    policy.write(body);
  } catch (error) {
    return say(500, `${policy.name}: ${error.message}`);
  }
  return json(200, { revision: revisionOf(body) });
}

function stateOf({ policy, watch }) {
  const bytes = policy.read();
  const text = bytes ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes) : null;
  return { name: policy.name, text, revision: bytes ? revisionOf(bytes) : null, writable: policy.isWritable, watch };
}

function revisionOf(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

function errorsOf(bytes, mistakes) {
  if (!isUtf8(bytes)) return [{ code: "not_json", pointer: "", text: "the policy is no JSON, since it is not UTF-8; correct the text" }];
  return mistakes(bytes.toString());
}

/** The policy as it is after each change, until the one who asked has gone. */
function changes(request, response, site) {
  response.useChunkedEncodingByDefault = false;
  response.writeHead(200, { ...site.headers, "Content-Type": "text/event-stream", Connection: "close" });
  if (request.method === "HEAD") return response.end();
  let before = site.policy.read();
  let turns = 0;
  response.write(": watching\n\n");
  const look = () => {
    const now = site.policy.read();
    const isChange = before && now ? !before.equals(now) : before !== now;
    before = now;
    turns++;
    if (isChange) response.write(`event: change\ndata: ${JSON.stringify(stateOf(site))}\n\n`);
    else if (turns % QUIET_TURNS === 0) response.write(": watching\n\n");
  };
  const timer = setInterval(look, POLL);
  response.on("close", () => clearInterval(timer));
}

/** Nothing if it is too long. */
async function bodyOf(request) {
  const pieces = [];
  let length = 0;
  for await (const piece of request) {
    length += piece.length;
    if (length <= LONGEST) pieces.push(piece);
  }
  return length > LONGEST ? undefined : Buffer.concat(pieces);
}

/** A file of the page; only what its folder lists can be had. */
function fileOf(path) {
  const name = path === "/" ? "index.html" : path.slice(1);
  const listed = readdirSync(PAGE, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const found = listed.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  return found.find((file) => file.slice(PAGE.length).split(sep).join("/") === name);
}

/** What each answer has: what the page says of itself in its <meta>, and what only a header can say. */
function headersOf(folder) {
  const page = readFileSync(join(folder, "index.html"), "utf8");
  const said = /http-equiv="Content-Security-Policy" content="([^"]*)"/i.exec(page)?.[1] ?? "default-src 'none'";
  return {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": `${said.replace(/;?\s*$/, "")}; frame-ancestors 'none'`,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  };
}

/** Through links, the last of which may lead to a file that is not there yet. */
function resolved(path) {
  try {
    return realpathSync(path);
  } catch {
    try {
      return resolved(resolve(dirname(path), readlinkSync(path)));
    } catch {
      return resolve(path);
    }
  }
}

function can(path, mode) {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** Where there is a screen, or the variable BROWSER. Nothing that fails here matters: the address is printed. */
function openBrowser(address) {
  const { BROWSER, DISPLAY, WAYLAND_DISPLAY } = process.env;
  const [program, ...words] =
    process.platform === "win32" ? ["cmd", "/c", "start", '""', address]
    : process.platform === "darwin" ? ["open", address]
    : BROWSER ? [BROWSER, address]
    : DISPLAY || WAYLAND_DISPLAY ? ["xdg-open", address]
    : [];
  if (program) spawn(program, words, { stdio: "ignore", detached: true }).on("error", () => {}).unref();
}

const PAGE = fileURLToPath(new URL("../dist/preview/", import.meta.url));
const JSON_TYPE = "application/json";
const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": JSON_TYPE,
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};
const LONGEST = 1_000_000;
const NEW_FILE = 0o666;
const PERMISSIONS = 0o7777;
/** Milliseconds between two looks at the file. */
const POLL = 100;
/** Looks without a change after which one who may have gone is written to. */
const QUIET_TURNS = 150;
