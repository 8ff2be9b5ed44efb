// Everything that the two entries share: one copy of the engine, the marks and the classes, whichever is imported first.
export { perform } from "./perform.js";
export { facts } from "./failure.js";
export { markOf, marks } from "./marks.js";
export { OS } from "./names.js";
export { policyOf, standardPolicy } from "./inline.js";
export { settingsFor } from "./policy.js";
export { checkRunOptions } from "./perform.js";
export * from "./index.js";
