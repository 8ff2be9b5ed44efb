// Everything that the entries share: one copy of the engine, the marks and the classes, whichever is imported first.
export { counting, perform } from "./perform.js";
export { type Engine, instantiate } from "./engine.js";
export { facts } from "./failure.js";
export { markOf, marks } from "./marks.js";
export { policyOf } from "./inline.js";
export { settingsFor } from "./policy.js";
export { halves } from "./seed.js";
export { tapeOf } from "./tape.js";
export * from "./index.js";
