// ioredis with a policy: commands of a client, and the client's own connecting.
import { Call, facts, type Policy, type PolicyOptions, policyOf, read, refuse, settingsFor, TimeoutError } from "../core.js";
import type { Request } from "../call.js";
import type { Facts } from "../failure.js";
import { DomainNumber } from "../names.js";
import { caller, type CallOptions, type GivenPolicy } from "./caller.js";
import { unlessAborted } from "./unless.js";

export type { CallOptions, GivenPolicy } from "./caller.js";

/** The options of `retrying`. */
export interface RetryingOptions extends CallOptions {
  /**
   * Whether a command may be repeated though the server may have carried it out: after a connection that was lost before the
   * answer came. Default: commands that only read. The policy's `idempotent` goes before it.
   */
  readonly idempotent?: ((command: string, args: readonly unknown[]) => boolean) | undefined;
}

/** What is used of a client. */
export interface RedisClient {
  readonly status: string;
  getBuiltinCommands(): string[];
  connect(): Promise<unknown>;
  once(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
}

/** Options of ioredis that leave retries to a policy. */
export interface ConnectionOptions {
  readonly retryStrategy: (times: number) => number | null;
  readonly reconnectOnError: (error: Error) => boolean;
  readonly maxRetriesPerRequest: 0;
  readonly autoResendUnfulfilledCommands: false;
  readonly enableOfflineQueue: false;
}

/**
 * `new Redis({ ...connectionOptions(policy), host })`: a client that connects again after the policy's waits until its limits
 * end it, and repeats no command by itself. Otherwise ioredis sends what was under way again, increments included, and
 * commands wait for up to 20 connections: under a policy that makes 20 times as many attempts. Without the queue for times
 * without a connection a plain command fails at once then; those of `retrying` wait for it.
 */
export function connectionOptions(policy?: Policy | PolicyOptions, options: CallOptions = {}): ConnectionOptions {
  const strategy = retryStrategy(policy, options);
  // Commands that are under way are refused together, and one of them is enough: ioredis adds a listener for each.
  let isLeft = false;
  return {
    retryStrategy(times) {
      isLeft = false;
      return strategy(times);
    },
    reconnectOnError: (error) => !isLeft && (isLeft = reconnectOnError(error)),
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
  };
}

/**
 * For ioredis' option `retryStrategy`: the policy's waits before connecting again. They begin anew with each connection that
 * was lost; `attempts` and `timeout` end them, and then the client says so by its event `end`. Servers and
 * workers want neither: `{ forever: true }`. Of a budget that a fleet shares they take what is known to be left, without asking its store.
 */
export function retryStrategy(policy?: Policy | PolicyOptions, options: CallOptions = {}): (times: number) => number | null {
  const chosen = policyOf(policy);
  let call: Call<never> | undefined;
  let wait: number | null = null;
  const onRetry: CallOptions["onRetry"] = (event) => {
    wait = event.delay!;
    options.onRetry?.(event);
  };
  const fails = () => {
    throw Object.assign(new Error("there is no connection to the server"), { code: "ECONNREFUSED", syscall: "connect" });
  };
  return (times) => {
    if (times === 1 || !call) {
      call?.close();
      call = new Call<never>(chosen, settingsFor(chosen), fails, { ...options, onRetry, unref: true });
      call.pause = () => {}; // ioredis waits itself
      call.isSync = true;
      call.outcome(() => {}).catch(() => {});
    }
    wait = null;
    call.attempt();
    return wait;
  };
}

/**
 * For ioredis' option `reconnectOnError`: yes where the server has become a replica. After a failover its name may lead to the
 * new primary; the command that was refused is not sent again, which is the policy's.
 */
export function reconnectOnError(error: Error): boolean {
  return error.message.startsWith("READONLY");
}

/**
 * A client like the one given, whose commands are retried: the same object but for them. Each waits for a connection, until
 * the policy's `timeout` at most. Pipelines, MULTI, scripts by `defineCommand`, blocking and subscribing commands stay as they
 * are: `policy.run(() => redis.multi()….exec())` repeats one as a whole.
 */
export function retrying<R extends RedisClient>(client: R, policy?: GivenPolicy, options: RetryingOptions = {}): R {
  const { idempotent = isRead, ...run } = options;
  if (typeof idempotent !== "function") refuse("idempotent", idempotent, "a function");
  const call = caller(policy, run);
  const ready = connectionOf(client);
  const wrapped = new Map<unknown, unknown>();
  for (const name of client.getBuiltinCommands()) {
    if (LEFT_ALONE.test(name)) continue;
    for (const form of [name, `${name}Buffer`]) {
      const command = read(client, form) as ((...args: unknown[]) => Promise<unknown>) | undefined;
      if (typeof command !== "function") continue;
      wrapped.set(form, (...args: unknown[]) => {
        const callback = typeof args.at(-1) === "function" ? (args.pop() as (error: unknown, result?: unknown) => void) : undefined;
        const request = new Command(client, idempotent(name, args));
        const run = () => {
          request.isWaiting = false;
          return command.apply(client, args);
        };
        const result = call((context) => {
          const waiting = ready();
          if (!waiting) return run();
          request.isWaiting = true;
          return unlessAborted(context.signal, waiting).then(run);
        }, undefined, request);
        if (callback) result.then((value) => callback(null, value), callback);
        return result;
      });
    }
  }
  return new Proxy(client, {
    get(target, key) {
      if (wrapped.has(key)) return wrapped.get(key);
      const value = Reflect.get(target, key, target) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Answers what waits until the client has a connection; the calls that wait share one pair of listeners. */
function connectionOf(client: RedisClient): () => Promise<void> | undefined {
  let waiting: Promise<void> | undefined;
  return () => {
    if (client.status === "ready" || client.status === "end") return undefined;
    if (client.status === "wait") client.connect().catch(() => {});
    return (waiting ??= new Promise<void>((resolve, reject) => {
      const settle = (isReady: boolean) => () => {
        client.off("ready", onReady);
        client.off("close", onClose);
        waiting = undefined;
        if (isReady) resolve();
        else reject(Object.assign(new Error("there is no connection to the server"), { code: "ECONNREFUSED", syscall: "connect" }));
      };
      const onReady = settle(true);
      const onClose = settle(false);
      client.once("ready", onReady);
      client.once("close", onClose);
    }));
  };
}

/** What the call must know of a command. */
class Command implements Request {
  readonly method: string;
  readonly hasKey = false;
  readonly once = undefined;
  /** For a connection: nothing has been sent. */
  isWaiting = false;

  constructor(
    readonly client: RedisClient,
    isHarmless: boolean,
  ) {
    this.method = isHarmless ? "GET" : "POST"; // in the words of HTTP, which the engine's rule goes by
  }

  /** The facts about what ioredis says in words of its own. */
  facts(error: unknown): Facts | undefined {
    if (this.isWaiting && error instanceof TimeoutError) return facts(DomainNumber.Os, "ETIMEDOUT", 1);
    const text = String(read(error, "message"));
    if (text === CLOSED || read(error, "name") === "MaxRetriesPerRequestError") {
      // Who has closed the client, or let it give up connecting, will have no other connection.
      return this.client.status === "end" ? facts(DomainNumber.User, "end") : facts(DomainNumber.Os, "ECONNRESET");
    }
    if (text === NOT_SENT) return facts(DomainNumber.Os, "ECONNREFUSED", 1);
    return text === "Command timed out" ? facts(DomainNumber.Os, "ETIMEDOUT") : undefined;
  }

  release(): void {}
}

function isRead(command: string): boolean {
  return READS.test(command);
}

const CLOSED = "Connection is closed.";
const NOT_SENT = "Stream isn't writeable and enableOfflineQueue options is false";

/** Commands that wait, that change the connection, or that belong to several others. */
const LEFT_ALONE = /^(multi|exec|discard|watch|unwatch|[ps]?(un)?subscribe|monitor|sync|psync|quit|reset|shutdown|select|auth|hello|client|asking|readonly|readwrite|wait|waitaof|b(l|r|z)\w+)$/;

/** Commands that change nothing. Source: the flag `readonly` of Redis' table of commands, and its commands without keys. */
const READS =
  /^(bitcount|bitfield_ro|bitpos|dbsize|dump|echo|eval_ro|evalsha_ro|exists|expiretime|fcall_ro|geodist|geohash|geopos|georadius_ro|georadiusbymember_ro|geosearch|get|getbit|getrange|hexists|hexpiretime|hget|hgetall|hkeys|hlen|hmget|hpexpiretime|hpttl|hrandfield|hscan|hstrlen|httl|hvals|info|keys|lcs|lindex|llen|lolwut|lpos|lrange|mget|pexpiretime|ping|pttl|randomkey|scan|scard|sdiff|sinter|sintercard|sismember|smembers|smismember|sort_ro|srandmember|sscan|strlen|substr|sunion|time|touch|ttl|type|xinfo|xlen|xpending|xrange|xread|xrevrange|zcard|zcount|zdiff|zinter|zintercard|zlexcount|zmscore|zrandmember|zrange|zrangebylex|zrangebyscore|zrank|zrevrange|zrevrangebylex|zrevrangebyscore|zrevrank|zscan|zscore|zunion)$/;
