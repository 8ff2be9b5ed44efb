// Everything that the entries share: one copy of the engine, the marks and the classes, whichever is imported first.
export { checkFunction, checkIsObject, checkSignal, counting, perform } from "./perform.js";
export { problemsOf } from "./compile.js";
export { dropGuard, type Engine, input, instantiate, load, type State, useGuard } from "./engine.js";
export { facts, factsOf } from "./failure.js";
export { markOf, marks } from "./marks.js";
export { policyOf } from "./inline.js";
export { DOMAINS, Notation } from "./names.js";
export { settingsFor } from "./policy.js";
export { refuse } from "./refuse.js";
export { isSource } from "./retry.js";
export { type Halves, halves, seedOf } from "./seed.js";
export { tapeOf } from "./tape.js";
export { arm, clock, type Disarm } from "./timer.js";
export { isClass, judge, wordOn } from "./verdict.js";
export { builtin, warn } from "./warn.js";
export { unwatch, watch } from "./watch.js";
export * from "./index.js";
