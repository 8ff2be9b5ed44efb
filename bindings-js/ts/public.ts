// The entry as it is shipped: the public part of core.
export {
  again, backend, BreakerOpen, Budget, classify, GaveUp, history, HttpError, ok, onEvent, Policy, PolicyError, readHint, retry, stop, TimeoutError, version,
} from "./core.js";
