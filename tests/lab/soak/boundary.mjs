// Writes down everything that the npm package tells its engine, and what the engine decides, for `replay`. The package's own calls run;
// only the engine's functions are dressed, when it is made. Which call they mean stands in the engine's memory, by the call's seed.
import { writeSync } from "node:fs";

/** The seed of the breaker that policies share. */
export const BREAKER_SEED = "7";

const words = (text) => text.split(" ");
const DOMAINS = words("http os dns tls undici grpc postgres mysql sqlite redis mongodb kafka aws user");
const CLASSES = words("transient throttle timeout connect conflict permanent");
const SENT = words("not_sent rejected maybe");
const VERDICTS = words("tables named refused forced");
const REASONS = words(
  " cancelled inactive nested permanent not_idempotent class_attempts attempts hint_too_long timeout breaker_open budget",
);
const decoder = new TextDecoder();
/** So many calls are never under way at once. */
const MOST_AT_ONCE = 10_000;

/** And by how many microseconds the next wait that is written down is wrong, on purpose. */
export const counted = { retries: 0, gaveUp: {}, wrongBy: 0 };
/** The engine's memory. */
export let memory;

let lines = [];

/** Another line; they go out together. */
export function write(line) {
  lines.push(JSON.stringify(line));
  if (lines.length >= 1000) flush();
}

export function report(report) {
  write({ report });
  flush();
}

function flush() {
  if (!lines.length) return;
  const bytes = Buffer.from(`${lines.join("\n")}\n`);
  lines = [];
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}

/** From here on the engine is watched, when it is made. */
export function begin() {
  const { Instance } = WebAssembly;
  WebAssembly.Instance = function (...given) {
    const { exports } = new Instance(...given);
    return { exports: { ...exports, ...dressed(exports) } };
  };
}

function dressed(exports) {
  memory = exports.memory;
  const area = (which) => new Uint8Array(memory.buffer, exports.area(which), exports.area_size(which));
  const [input, output, , , call] = [0, 1, 2, 3, 4].map(area);
  const numbers = new Float64Array(memory.buffer, exports.area(2), 8);
  const view = new DataView(memory.buffer, call.byteOffset, call.length);
  let seedAt;
  let calls = 0;
  const known = new Map(); // numbers by seed
  const micros = (value) => Math.trunc(Math.max(0, value));
  const orNull = (value) => (value < 0 ? null : micros(value));

  /** The seed of the call in use. */
  const seed = () => view.getBigUint64(seedAt, true);
  const step = (rest) => write({ call: known.get(seed()), ...rest });
  const gaveUp = (reason) => {
    counted.gaveUp[reason] = (counted.gaveUp[reason] ?? 0) + 1;
    return { give_up: reason, hint: orNull(numbers[0]) };
  };

  return {
    start(startedAt, high, low, outer, mode) {
      exports.start(startedAt, high, low, outer, mode);
      const word = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
      seedAt ??= call.findIndex((_, at) => at + 8 <= call.length && view.getBigUint64(at, true) === word);
      if (known.size > MOST_AT_ONCE) known.delete(known.keys().next().value);
      known.set(word, ++calls);
      const policy = decoder.decode(output.subarray(0, exports.dump()));
      write({
        call: calls, policy, started_at: micros(startedAt), call_seed: String(word), outer_deadline: orNull(outer),
        mode: mode === 1 ? "inactive" : "normal", seed: BREAKER_SEED,
      });
    },
    attempt(now) {
      const refused = exports.attempt(now);
      const [number, limit, remaining] = numbers;
      const expect = refused ? gaveUp(REASONS[refused]) : { number, limit: orNull(limit), remaining: orNull(remaining) };
      step({ at: micros(now), attempt: true, expect });
      return refused;
    },
    failed(now, domain, kind, code, flags, wait, hint, nameLength, methodLength, bodyLength) {
      const text = (from, length) => decoder.decode(input.subarray(from, from + length));
      const fail = {
        domain: DOMAINS[domain],
        code: kind === 0 ? null : kind === 1 ? code : text(0, nameLength),
        phase: flags & 1 ? "connect" : "unknown",
        method: flags & 256 ? text(nameLength, methodLength) : null,
        idempotency_key: !!(flags & 2),
        verdict: VERDICTS[(flags >> 2) & 3],
        wait: orNull(wait),
        hint: orNull(hint),
        should_retry: flags & 16 ? !!(flags & 32) : null,
        body: text(nameLength + methodLength, bodyLength),
        cancelled: !!(flags & 64),
        nested: !!(flags & 128),
      };
      const packed = exports.failed(now, domain, kind, code, flags, wait, hint, nameLength, methodLength, bodyLength);
      const reason = REASONS[packed & 15];
      const retry = () => {
        const delay = numbers[0] + counted.wrongBy;
        counted.retries++;
        counted.wrongBy = 0;
        return { retry: delay, last: !!(packed & 512), nested_warning: !!(packed & 1024) };
      };
      const decision = reason ? gaveUp(reason) : retry();
      step({ at: micros(now), fail, expect: { ...decision, class: CLASSES[(packed >> 4) & 7], sent: SENT[(packed >> 7) & 3] } });
      return packed;
    },
    succeeded(now) {
      exports.succeeded(now);
      step({ at: micros(now), succeed: true });
    },
    cancelled(now) {
      exports.cancelled(now);
      step({ at: micros(now), cancel: true });
    },
  };
}

/** A hook for events: what users hear is written down, too. */
export function heard({ kind, callSeed, delay, reason, class: kindOfFailure, sent }) {
  if (kind === "scheduled") write({ told: callSeed, expect: { retry: Math.round(delay * 1000), class: kindOfFailure, sent } });
  if (kind === "gave_up" && callSeed !== undefined && reason !== "cancelled") write({ told: callSeed, expect: { give_up: reason } });
}
