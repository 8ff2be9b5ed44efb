// mysql2 with a policy: transactions and statements of a pool.
import type { Context } from "../context.js";
import { facts, read } from "../core.js";
import type { Facts } from "../failure.js";
import { DomainNumber } from "../names.js";
import { caller, type CallOptions, type GivenPolicy } from "./caller.js";
import { type Driver, work, type WorkOptions } from "./work.js";

export type { CallOptions, GivenPolicy } from "./caller.js";
export type { WorkOptions } from "./work.js";

/** How a transaction begins, and what may be said of it. */
export interface TransactionOptions extends WorkOptions {
  /** Default the server's. */
  readonly isolation?: "read uncommitted" | "read committed" | "repeatable read" | "serializable" | undefined;
  /** Default false. */
  readonly readOnly?: boolean | undefined;
}

/** A pool of `mysql2/promise`, version 3 or later. */
export interface MysqlPool<C extends MysqlConnection> {
  getConnection(): Promise<C>;
}

/** What is used of a pool's connection. */
export interface MysqlConnection {
  query(...args: any[]): Promise<any>;
  execute(...args: any[]): Promise<any>;
  release(): void;
  destroy(): void;
}

/** A pool whose transactions and statements are retried. */
export interface RetryingPool<C> {
  /**
   * START TRANSACTION, `fn`, COMMIT; what `fn` answers. All of it is repeated on a deadlock, a lock that was waited for in
   * vain, or a connection that is lost before the COMMIT, of which nothing stays. If the connection is lost during the COMMIT
   * nobody knows: that is repeated only if `idempotent` says so. `fn` may run several times: what it does elsewhere is not
   * undone, nor are statements that commit by themselves, as those that change tables do.
   */
  transaction<T>(fn: (connection: C, context: Context) => T | PromiseLike<T>, options?: TransactionOptions): Promise<T>;
  /**
   * One statement outside a transaction, as `pool.query`. What the server has refused is repeated; what it may have carried
   * out only if `idempotent` says so.
   */
  query<Rows = any>(sql: string | object, values?: unknown, options?: WorkOptions): Promise<[rows: Rows, fields: any]>;
  /** As `query`, prepared on the server. */
  execute<Rows = any>(sql: string | object, values?: unknown, options?: WorkOptions): Promise<[rows: Rows, fields: any]>;
}

/**
 * Transactions and statements of a pool of `mysql2/promise`, with a policy. Connections that are broken, or busy when the call
 * is aborted or out of time, are closed instead of going back into the pool.
 */
export function retryingPool<C extends MysqlConnection>(pool: MysqlPool<C>, policy?: GivenPolicy, options: CallOptions = {}): RetryingPool<C> {
  const call = caller(policy, options);
  const driver: Driver<C> = {
    connect: () => pool.getConnection(),
    giveBack: (connection) => connection.release(),
    destroy: (connection) => connection.destroy(),
    execute: (connection, sql) => connection.query(sql),
    facts: factsOfError,
  };
  return {
    transaction: (fn, options = {}) => work(call, driver, fn, options, beginning(options)),
    query: (sql, values, options = {}) => work(call, driver, (connection) => connection.query(sql, values), options),
    execute: (sql, values, options = {}) => work(call, driver, (connection) => connection.execute(sql, values), options),
  };
}

function beginning({ isolation, readOnly }: TransactionOptions): string[] {
  if (isolation !== undefined && !/^(read (un)?committed|repeatable read|serializable)$/.test(isolation)) {
    throw new TypeError(`isolation is ${isolation}, allowed read uncommitted, read committed, repeatable read, serializable`);
  }
  const level = isolation ? [`SET TRANSACTION ISOLATION LEVEL ${isolation}`] : [];
  return [...level, `START TRANSACTION${readOnly ? " READ ONLY" : ""}`];
}

/** What mysql2 says in words of its own. */
function factsOfError(error: unknown): Facts | undefined {
  if (read(error, "code") === "PROTOCOL_SEQUENCE_TIMEOUT") return facts(DomainNumber.Os, "ETIMEDOUT");
  return CLOSED.test(String(read(error, "message"))) ? facts(DomainNumber.Os, "ECONNRESET") : undefined;
}

/** A connection that was lost while nobody asked it anything. */
const CLOSED = /^Can't add new command when connection is in closed state/;
