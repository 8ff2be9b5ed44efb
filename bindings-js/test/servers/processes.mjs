// Servers of their own for tests: on free ports of loopback, with their data in a temporary folder; never the system's services.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chownSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { driver } from "./drivers.mjs";

const SECONDS = 60;

/** Waits for what another process does. An error counts as not yet. */
export async function until(condition) {
  const end = performance.now() + SECONDS * 1000;
  for (;;) {
    const found = await Promise.resolve().then(condition).catch(() => undefined);
    if (found) return found;
    assert.ok(performance.now() < end, `waited ${SECONDS} s in vain: ${condition}`);
    await new Promise((wake) => setTimeout(wake, 5));
  }
}

/** The path of a server's program. Debian keeps those of PostgreSQL and of MariaDB out of users' PATH. */
function program(name) {
  const versions = existsSync(POSTGRES) ? readdirSync(POSTGRES).sort((one, other) => Number(other) - Number(one)) : [];
  const folders = name === "postgres" ? versions.map((version) => join(POSTGRES, version, "bin")) : [];
  const found = [...folders, ...process.env.PATH.split(delimiter), "/usr/sbin"].map((folder) => join(folder, name)).find(existsSync);
  return found ?? assert.fail(`${name} is missing; run python3 tests/setup.py servers`);
}

const POSTGRES = "/usr/lib/postgresql";

/** A server that is started, stopped and started again over the same data. */
class Process {
  running;

  constructor(name, user) {
    this.user = user;
    this.program = program(name);
    this.folder = mkdtempSync(join(tmpdir(), "undaunted-"));
  }

  /** The words for a process that ends with the tests, even if they are killed, and is not root's where it refuses to be. */
  command(words) {
    const setpriv = ["setpriv", "--pdeathsig", "TERM"];
    if (this.user && process.getuid() === 0) {
      const [uid, gid] = ["-u", "-g"].map((flag) => execFileSync("id", [flag, this.user], { encoding: "utf8" }).trim());
      chownSync(this.folder, Number(uid), Number(gid));
      setpriv.push("--reuid", uid, "--regid", gid, "--clear-groups");
    }
    return [...setpriv, ...words.map(String)];
  }

  async start() {
    this.port ??= await freePort();
    const [command, ...words] = this.command(this.words());
    const log = openSync(join(this.folder, "log"), "a");
    const running = (this.running = spawn(command, words, { cwd: this.folder, stdio: ["ignore", log, log] }));
    this.ended = new Promise((ended) => running.once("exit", ended));
    closeSync(log);
    await until(() => (running.exitCode === null ? this.answers() : "ended"));
    assert.equal(running.exitCode, null, readFileSync(join(this.folder, "log"), "utf8").slice(-2000));
    return this;
  }

  async stop(signal = "SIGTERM") {
    this.running.kill(signal);
    await this.ended;
  }

  /** For `after`. */
  async end() {
    if (this.running?.exitCode === null && this.running.signalCode === null) await this.stop("SIGKILL");
    rmSync(this.folder, { recursive: true });
  }
}

function freePort() {
  return new Promise((found) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => found(port));
    });
  });
}

const flags = (settings) => Object.entries(settings).map(([name, value]) => `--${name}=${value}`);

export class Postgres extends Process {
  constructor() {
    super("postgres", "nobody");
    const options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"];
    const [command, ...words] = this.command([join(dirname(this.program), "initdb"), "--pgdata", join(this.folder, "data"), ...options]);
    execFileSync(command, words, { cwd: this.folder, stdio: "pipe" });
  }

  words() {
    const settings = {
      listen_addresses: "127.0.0.1", unix_socket_directories: "", max_connections: 12, superuser_reserved_connections: 0,
      shared_buffers: "4MB", fsync: "off", synchronous_commit: "off", full_page_writes: "off", autovacuum: "off", max_wal_senders: 0,
      wal_level: "minimal", deadlock_timeout: "10ms",
    };
    return [this.program, "-D", join(this.folder, "data"), "-p", this.port, ...flags(settings)];
  }

  get where() {
    return { host: "127.0.0.1", port: this.port, user: "postgres", database: "postgres" };
  }

  async connect() {
    const client = new (driver("pg").Client)(this.where);
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  /** The rows that a statement of somebody else's answers. */
  async execute(sql) {
    const client = await this.connect();
    try {
      const answer = await client.query({ text: sql, rowMode: "array" });
      return [answer].flat().at(-1).rows;
    } finally {
      await client.end();
    }
  }

  answers() {
    return this.execute("select 1");
  }

  /** SIGINT ends sessions and says so. */
  stop(signal = "SIGINT") {
    return super.stop(signal);
  }
}

export class MariaDB extends Process {
  constructor() {
    super("mariadbd");
    mkdirSync(join(this.folder, "data"));
  }

  words() {
    // Without tables of its own it has no users to ask for, and is there at once.
    const settings = {
      datadir: join(this.folder, "data"), "bind-address": "127.0.0.1", port: this.port, socket: join(this.folder, "socket"),
      "pid-file": join(this.folder, "pid"), tmpdir: this.folder, "max-connections": 12, "performance-schema": "OFF",
      "innodb-buffer-pool-size": "8M", "innodb-log-file-size": "4M", "innodb-flush-log-at-trx-commit": 0, "innodb-doublewrite": 0,
      "innodb-fast-shutdown": 2, "key-buffer-size": "1M", "aria-pagecache-buffer-size": "1M",
    };
    const user = process.getuid() === 0 ? ["--user=root"] : [];
    return [this.program, "--no-defaults", "--skip-grant-tables", ...user, ...flags(settings)];
  }

  get where() {
    return { host: "127.0.0.1", port: this.port, user: "root" };
  }

  connect(options) {
    return driver("mysql2/promise").createConnection({ ...this.where, ...options });
  }

  async execute(sql) {
    const connection = await this.connect();
    try {
      const [rows] = await connection.query({ sql, rowsAsArray: true });
      return rows;
    } finally {
      connection.destroy();
    }
  }

  async answers() {
    await this.execute("create database if not exists test");
    return true;
  }
}

export class Redis extends Process {
  constructor() {
    super("redis-server");
  }

  words() {
    const settings = {
      bind: "127.0.0.1", port: this.port, dir: this.folder, save: "", appendonly: "no", rdbcompression: "no",
      "enable-debug-command": "yes",
    };
    return [this.program, ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])];
  }

  /** A client that neither connects again nor repeats anything. */
  async client() {
    const client = new (driver("ioredis").Redis)({ port: this.port, lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0 });
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  async answers() {
    const client = await this.client();
    try {
      return await client.ping();
    } finally {
      client.disconnect();
    }
  }
}
