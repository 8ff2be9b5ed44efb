// The words for the engine's numbers, in their order.

/** Whose codes a failure speaks in. */
export type Domain = "http" | "os" | "dns" | "tls" | "undici" | "user";
/** What kind of failure it was. */
export type FailureClass = "transient" | "throttle" | "timeout" | "connect" | "conflict" | "permanent";
/** Whether the server may have acted on the call. */
export type Sent = "not_sent" | "rejected" | "maybe";
/** When a table's row lets a failure be retried. */
export type Condition = "always" | "hint_only" | "opt_in" | "opt_in_once" | "immediate";
/** Why a call was given up, in the order in which the checks are made. */
export type Reason =
  | "cancelled" | "inactive" | "nested" | "permanent" | "not_idempotent"
  | "class_attempts" | "attempts" | "hint_too_long" | "timeout";

export const DOMAINS: readonly string[] = ["http", "os", "dns", "tls", "undici", "user"];
export const CLASSES = ["transient", "throttle", "timeout", "connect", "conflict", "permanent"] as FailureClass[];
export const SENT = ["not_sent", "rejected", "maybe"] as Sent[];
export const CONDITIONS = ["always", "hint_only", "opt_in", "opt_in_once", "immediate"] as Condition[];
export const REASONS = [
  undefined, "cancelled", "inactive", "nested", "permanent", "not_idempotent",
  "class_attempts", "attempts", "hint_too_long", "timeout",
] as Reason[];

export const HTTP = 0;
export const OS = 1;
export const DNS = 2;
export const TLS = 3;
export const UNDICI = 4;
export const USER = 5;
