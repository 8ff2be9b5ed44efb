// The words for the engine's numbers, in their order.

/** Whose codes a failure speaks in. */
export type Domain =
  | "http" | "os" | "dns" | "tls" | "undici" | "grpc" | "postgres" | "mysql" | "sqlite" | "redis" | "mongodb" | "kafka" | "aws"
  | "user";
/** What kind of failure it was. */
export type FailureClass = "transient" | "throttle" | "timeout" | "connect" | "conflict" | "permanent";
/** Whether the server may have acted on the call. */
export type Sent = "not_sent" | "rejected" | "maybe";
/** When a table's row lets a failure be retried. */
export type Condition = "always" | "hint_only" | "opt_in" | "opt_in_once" | "immediate" | "transaction";
/** Why a call was given up, in the order in which the checks are made. */
export type Reason =
  | "cancelled" | "inactive" | "nested" | "permanent" | "not_idempotent"
  | "class_attempts" | "attempts" | "hint_too_long" | "timeout" | "breaker_open" | "budget";

export const DOMAINS: Domain[] = /* @__PURE__ */ words(
  "http os dns tls undici grpc postgres mysql sqlite redis mongodb kafka aws user",
);
export const CLASSES: FailureClass[] = /* @__PURE__ */ words("transient throttle timeout connect conflict permanent");
export const SENT: Sent[] = /* @__PURE__ */ words("not_sent rejected maybe");
export const CONDITIONS: Condition[] = /* @__PURE__ */ words("always hint_only opt_in opt_in_once immediate transaction");
/** The first stands for a retry. */
export const REASONS: Reason[] = /* @__PURE__ */ words(
  " cancelled inactive nested permanent not_idempotent class_attempts attempts hint_too_long timeout breaker_open budget",
);

export const enum DomainNumber {
  Http, Os, Dns, Tls, Undici, Grpc, Postgres, Mysql, Sqlite, Redis, Mongodb, Kafka, Aws, User,
}
export const enum VerdictNumber { Tables, Named, Refused, Forced }
export const enum Notation { Json, Python, JavaScript }
export const enum Nested { Warn, Once, Allow, Share }

function words<W extends string>(text: string): W[] {
  return text.split(" ") as W[];
}
