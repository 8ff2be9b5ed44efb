// Everything that the two entries share: one copy of the engine, the marks and the classes, whichever is imported first.
export { counting, perform } from "./perform.js";
export { facts } from "./failure.js";
export { markOf, marks } from "./marks.js";
export { policyOf } from "./inline.js";
export { settingsFor } from "./policy.js";
export { isSource } from "./retry.js";
export { clock } from "./timer.js";
export { builtin, warn } from "./warn.js";
export * from "./index.js";
