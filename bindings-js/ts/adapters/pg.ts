// pg with a policy: transactions and queries of a pool.
import type { Context } from "../context.js";
import { facts, read, stop } from "../core.js";
import type { Facts } from "../failure.js";
import { DomainNumber } from "../names.js";
import { caller, type CallOptions, type GivenPolicy } from "./caller.js";
import { type Driver, work, type WorkOptions } from "./work.js";

export type { CallOptions, GivenPolicy } from "./caller.js";
export type { WorkOptions } from "./work.js";

/** How a transaction begins, and what may be said of it. */
export interface TransactionOptions extends WorkOptions {
  /** Default the server's. Conflicts of the two upper levels are what retries are for. */
  readonly isolation?: "read committed" | "repeatable read" | "serializable" | undefined;
  /** Default false. */
  readonly readOnly?: boolean | undefined;
  /** Of a serializable transaction that only reads: waits until it cannot conflict. Default false. */
  readonly deferrable?: boolean | undefined;
}

/** What a query answers, as pg has it. */
export interface QueryResult<Row> {
  readonly command: string;
  readonly rowCount: number | null;
  readonly rows: Row[];
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
}

/** A pool of pg 8 or later. */
export interface PgPool {
  connect: {
    (): Promise<PgClient>;
    (...args: never[]): unknown;
  };
}

/** What is used of a pool's client. */
export interface PgClient {
  query(...args: any[]): any;
  on(event: "error", listener: (error: Error) => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
  release(error?: Error | boolean): void;
}

/** The client that a pool gives. */
export type ClientOf<P> = P extends { connect: { (): Promise<infer C>; (...args: any[]): any } } ? C : PgClient;

/** A pool whose transactions and queries are retried. */
export interface RetryingPool<C> {
  /**
   * BEGIN, `fn`, COMMIT; what `fn` answers. All of it is repeated on a serialization failure, a deadlock, or a connection
   * that is lost before the COMMIT, of which nothing stays. If the connection is lost during the COMMIT nobody knows: that is
   * repeated only if `idempotent` says so. `fn` may run several times: what it does elsewhere is not undone.
   */
  transaction<T>(fn: (client: C, context: Context) => T | PromiseLike<T>, options?: TransactionOptions): Promise<T>;
  /**
   * One statement outside a transaction, as `pool.query`. What the server has refused is repeated; what it may have carried
   * out only if `idempotent` says so.
   */
  query<Row = any>(text: string | object, values?: readonly unknown[], options?: WorkOptions): Promise<QueryResult<Row>>;
}

/**
 * Transactions and queries of a pool of pg, with a policy. Connections that are broken, or busy when the call is aborted or
 * out of time, are closed instead of going back into the pool.
 */
export function retryingPool<P extends PgPool>(pool: P, policy?: GivenPolicy, options: CallOptions = {}): RetryingPool<ClientOf<P>> {
  const call = caller(policy, options);
  const driver = driverOf(pool);
  return {
    transaction: (fn, options = {}) => work(call, driver, (client, context) => fn(client as ClientOf<P>, context), options, [beginning(options)]),
    query: (text, values, options = {}) => work(call, driver, (client) => client.query(text, values), options),
  };
}

function driverOf(pool: PgPool): Driver<PgClient> {
  return {
    connect: () => new Promise((resolve, reject) => {
      // A callback hears of a client at once. A server that ends a session as it begins may say both in one packet: whoever awaits
      // the client would come too late for the second.
      const connect = pool.connect as (callback?: (error: unknown, client?: PgClient) => void) => unknown;
      const promise = connect.call(pool, (error, client) => (client ? resolve(listened(client)) : reject(error)));
      // Of a pool that knows no callbacks.
      if (promise) Promise.resolve(promise as Promise<PgClient>).then((client) => resolve(listened(client)), reject);
    }),
    giveBack(client) {
      client.off("error", heard);
      client.release();
    },
    // Its listener stays: what a closing connection says ends no process.
    destroy: (client, reason) => client.release(reason instanceof Error ? reason : true),
    async execute(client, sql) {
      const { command } = await client.query(sql);
      // An error in the transaction that `fn` did not let through.
      if (sql === "COMMIT" && command === "ROLLBACK") throw stop(new Error("the transaction was rolled back: a statement failed, and its error was kept back"));
    },
    facts: (error) => (read(error, "code") === undefined ? factsOfText(String(read(error, "message"))) : undefined),
  };
}

function listened(client: PgClient): PgClient {
  client.on("error", heard);
  return client;
}

/** A connection that is lost says so by rejecting its query, too; an event that nobody hears would end the process. */
function heard(): void {}

function beginning({ isolation, readOnly, deferrable }: TransactionOptions): string {
  if (isolation !== undefined && !/^(read committed|repeatable read|serializable)$/.test(isolation)) {
    throw new TypeError(`isolation is ${isolation}, allowed read committed, repeatable read, serializable`);
  }
  return ["BEGIN", isolation && `ISOLATION LEVEL ${isolation}`, readOnly && "READ ONLY", deferrable && "DEFERRABLE"].filter(Boolean).join(" ");
}

/** What pg and its pool say without a code. */
function factsOfText(text: string): Facts | undefined {
  if (LATE.test(text)) return facts(DomainNumber.Os, "ETIMEDOUT", 1);
  if (text === "Query read timeout") return facts(DomainNumber.Os, "ETIMEDOUT");
  return LOST.test(text) ? facts(DomainNumber.Os, "ECONNRESET") : undefined;
}

const LATE = /^(timeout exceeded when trying to connect|Connection terminated due to connection timeout)$/;
const LOST = /^(Connection terminated|Client has encountered a connection error|Client was closed and is not queryable)/;
