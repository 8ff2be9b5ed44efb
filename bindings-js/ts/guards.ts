// What stands before a call instead of repeating it.
export { Breaker, type BreakerOptions, type Outcome, type Permit } from "./breaker.js";
export { Bulkhead, BulkheadFull, type BulkheadOptions } from "./bulkhead.js";
export { type Counted, type CountingOptions, type GuardedContext, type GuardedOptions, type GuardOptions } from "./guard.js";
export { BreakerOpen, type BreakerSnapshot, type BreakerState } from "./core.js";
export { Hedge, type HedgedContext, type HedgedOptions, type HedgeOptions } from "./hedge.js";
export { Throttle, Throttled, type ThrottleOptions } from "./throttle.js";
