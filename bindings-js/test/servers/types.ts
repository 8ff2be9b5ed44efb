// What a user of the adapters writes, checked against the packages' own declarations; an error that must be one is marked.
import { STSClient } from "@aws-sdk/client-sts";
import { Client as GrpcClient, credentials, type Interceptor } from "@grpc/grpc-js";
import axios, { type AxiosAdapter } from "axios";
import { Queue, Worker } from "bullmq";
import { Cluster, Redis } from "ioredis";
import { Redis as Redis5 } from "ioredis5";
import { createPool, type PoolConnection, type RowDataPacket } from "mysql2/promise";
import { Pool, type PoolClient } from "pg";
import { createClient, createCluster, createSentinel } from "redis";
import { createClient as createClient4 } from "redis4";
import { createClient as createClient5, createSentinel as createSentinel5 } from "redis5";
import { Agent, type Dispatcher, setGlobalDispatcher } from "undici";
import { Policy } from "undaunted";
import { retryStrategy } from "undaunted/adapters/aws";
import { retryingAdapter } from "undaunted/adapters/axios";
import { backoffStrategy, handOver, jobOptions } from "undaunted/adapters/bullmq";
import { retryInterceptor as grpcInterceptor } from "undaunted/adapters/grpc-js";
import { connectionOptions, retrying, retryStrategy as reconnecting } from "undaunted/adapters/ioredis";
import { retryingPool as retryingMysql } from "undaunted/adapters/mysql2";
import { retryingPool } from "undaunted/adapters/pg";
import { retryInterceptor } from "undaunted/adapters/undici";
import { Breaker, Budget, Bulkhead, Store, Throttle } from "undaunted/fleet";

const policy = new Policy({ attempts: 3 });

const dispatcher: Dispatcher = new Agent().compose(retryInterceptor(policy, { name: "users" }));
setGlobalDispatcher(dispatcher);

const adapter: AxiosAdapter = retryingAdapter(axios, policy, { adapter: "fetch", prepare: ({ headers }) => void headers.set("a", "b") });
axios.create({ adapter });
retryingAdapter(axios.create() as unknown as typeof axios, { attempts: 2 });

const pg = retryingPool(new Pool(), policy);
const moved: Promise<string> = pg.transaction(async (client: PoolClient, { attempt, signal }) => {
  const { rows } = await client.query<{ name: string }>("select name from t where n = $1", [attempt]);
  signal.throwIfAborted();
  return rows[0]!.name;
}, { isolation: "serializable", signal: null });
const rows: Promise<{ rows: { n: number }[] }> = pg.query<{ n: number }>("select 1 as n", [1], { idempotent: true });
// @ts-expect-error no level of PostgreSQL's
pg.transaction(() => 1, { isolation: "read uncommitted" });

const mysql = retryingMysql(createPool("mysql://127.0.0.1"), policy);
const found: Promise<RowDataPacket[]> = mysql.transaction(async (connection: PoolConnection) => (await connection.query<RowDataPacket[]>("select 1"))[0]);
mysql.execute<RowDataPacket[]>("select ?", [1]).then(([rows]) => rows.length);

const redis: Redis = retrying(new Redis({ ...connectionOptions({ forever: true }), host: "127.0.0.1" }), policy);
const value: Promise<string | null> = redis.get("key");
new Redis({ retryStrategy: reconnecting(policy) });

const interceptor: Interceptor = grpcInterceptor(policy, { idempotent: (path) => path.endsWith("/Get") });
new GrpcClient("127.0.0.1:1", credentials.createInsecure(), { interceptors: [interceptor] });

new STSClient({ retryStrategy: retryStrategy({ preset: "aws" }) });

const queue = new Queue<{ order: number }>("charges", { connection: { port: 6379 } });
new Worker("charges", async (job) => void job.data, { connection: { port: 6379 }, settings: { backoffStrategy: backoffStrategy(policy, { key: "k" }) } });
queue.add("charge", { order: 5 }, jobOptions());
handOver(queue, "charge", { order: 5 }, new Error("down"), policy, { key: "k" }).then((job) => job.id);
// @ts-expect-error no option of a call
retryStrategy(policy, { attempts: 3 });
void [moved, rows, found, value];

const sentinels = { name: "fleet", sentinelRootNodes: [] };
for (const client of [
  new Redis(), new Cluster([]), new Redis5(), createClient(), createCluster({ rootNodes: [] }), createSentinel(sentinels), createClient4(), createClient5(),
  createSentinel5(sentinels),
]) {
  const store = new Store(client, { timeout: "50ms", every: 500, onEvent: (event) => void (event.kind === "lost" && event.error) });
  new Policy({ budget: new Budget("a", store, { capacity: 5 }), breaker: new Breaker("a", store, { probes: 2 }) });
  const answer: Promise<number> = new Bulkhead("a", store, { limit: 2, lease: "1m" }).run(({ signal }) => (signal ? 1 : 2));
  new Throttle("a", store, { k: 3 }).run(() => answer);
}
// @ts-expect-error a client of neither kind
new Store({ get() {} });
// @ts-expect-error there is no queue
new Bulkhead("a", new Store(new Redis()), { limit: 2, queue: 1 });
