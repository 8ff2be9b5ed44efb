// The engine below the package's surface, for the shared vectors: bundled for the tests, never shipped.
//
// Two forms of it are driven: the one inlined in the package, and undaunted.wasm, a plain C ABI. Both read policies from the tape
// that the package's own writer makes.
import { load } from "../../bindings-js/ts/engine.ts";
import { CLASSES, CONDITIONS, DOMAINS, REASONS, SENT } from "../../bindings-js/ts/names.ts";
import { tapeOf } from "../../bindings-js/ts/tape.ts";

const VERDICTS = ["tables", "named", "refused", "forced"];

/** The engine in the package. */
export function inlined() {
  return new Engine(load(), load());
}

/** undaunted.wasm from its bytes. */
export function plain(bytes) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {});
  const area = (which) => new Uint8Array(exports.memory.buffer, exports.area(which) >>> 0, exports.area_size(which));
  const numbers = new Float64Array(exports.memory.buffer, exports.area(2) >>> 0, 8);
  return new Engine(exports, { input: area(0), output: area(1), numbers, call: area(4) });
}

export class Engine {
  constructor(functions, areas) {
    this.functions = functions;
    this.areas = areas;
  }

  /** Compiles a policy as read from JSON; answers its problems. */
  compile(policy) {
    const length = this.hand(policy);
    return this.problems(this.functions.compile(length, 0, 0), (index) => this.functions.problem(length, 0, 0, index));
  }

  /** The same with the options of a guard. */
  compileGuard(kind, options, seed = 0) {
    const length = this.hand(options);
    const number = GUARDS.indexOf(kind);
    const count = this.functions.compile_guard(number, length, 0, ...halves(seed));
    return this.problems(count, (index) => this.functions.guard_problem(number, length, 0, index));
  }

  hand(value) {
    const tape = tapeOf(value);
    this.areas.input.set(Array.from(tape, (byte) => byte.charCodeAt(0)));
    return tape.length;
  }

  problems(count, tell) {
    return Array.from({ length: count }, (_, index) => {
      tell(index);
      const [code, pointer, text] = this.areas.numbers;
      return {
        code: this.text(0, code),
        pointer: this.text(code, code + pointer),
        text: this.text(code + pointer, code + pointer + text),
      };
    });
  }

  dump() {
    return this.text(0, this.functions.dump());
  }

  schedule(seed, count) {
    this.functions.schedule(...halves(seed), 0, count);
    return [...new Float64Array(this.areas.output.slice(0, count * 8).buffer)];
  }

  callSeed(seed, call) {
    this.functions.call_seed(...halves(seed), call);
    return this.word();
  }

  /** Only undaunted.wasm exports single draws. */
  draw({ call_seed, lane, n, word, x }) {
    if (x === undefined) this.functions.word(...halves(call_seed), lane, n);
    else this.functions.uniform(...halves(word), ...halves(x));
    return this.word();
  }

  start({ started_at, call_seed, outer_deadline, mode }) {
    this.functions.start(started_at, ...halves(call_seed), outer_deadline ?? -1, mode === "inactive" ? 1 : 0);
  }

  /** Makes the policy's own budget and breaker, if it has them. */
  makeShared(seed = "0") {
    this.functions.share(0, 0, 0, 0);
    this.hasBreaker = this.functions.shared_name(1) > 0 && this.functions.share(1, 0, ...halves(seed)) === 0;
  }

  /** Goes on with call `number` of `calls`, which begins now if it is new. */
  useCall(calls, number, at, wanted) {
    const kept = calls.get(number);
    if (kept) this.areas.call.set(kept);
    else this.start({ ...wanted, started_at: at, call_seed: String(number) });
  }

  keepCall(calls, number) {
    calls.set(number, this.areas.call.slice());
  }

  tokens(at) {
    return orNull(this.functions.tokens(at));
  }

  /** Makes the budget of a hedge, as a policy describes it; answers whether there is one. */
  makeBudget(budget) {
    if (budget == null) return false;
    this.compile({ preset: "none", budget });
    return this.functions.share(0, 0, 0, 0) === 0;
  }

  /** What the breaker does; null without one. */
  state(at) {
    return this.hasBreaker ? STATES[this.functions.breaker_look(at)] : null;
  }

  succeeded(at) {
    this.functions.succeeded(at);
  }

  cancelled(at) {
    this.functions.cancelled(at);
  }

  attempt(at) {
    const reason = this.functions.attempt(at) >>> 0;
    const [number, limit, remaining] = this.areas.numbers;
    return reason ? { give_up: REASONS[reason], hint: orNull(number) } : { number, limit: orNull(limit), remaining: orNull(remaining) };
  }

  failed(at, fail) {
    const { domain = "user", code = null, phase, verdict = "tables", wait, hint, should_retry, method } = fail;
    const [name, methodBytes, body] = [typeof code === "string" ? code : "", method ?? "", fail.body ?? ""].map(bytes);
    const flags =
      (phase === "connect" ? 1 : 0) | (fail.idempotency_key ? 2 : 0) | (VERDICTS.indexOf(verdict) << 2) |
      (should_retry == null ? 0 : should_retry ? 48 : 16) | (fail.cancelled ? 64 : 0) | (fail.nested ? 128 : 0) |
      (method == null ? 0 : 256);
    this.areas.input.set([...name, ...methodBytes, ...body]);
    const packed = this.functions.failed(
      at, DOMAINS.indexOf(domain), kindOf(code), typeof code === "number" ? code : 0, flags, wait ?? -1, hint ?? -1,
      name.length, methodBytes.length, body.length,
    ) >>> 0;
    this.packed = packed;
    return this.decided(packed, this.areas.numbers[0]);
  }

  /** What `failed` answered, with its first number. */
  decided(packed, value) {
    const seen = { class: CLASSES[(packed >> 4) & 7], sent: SENT[(packed >> 7) & 3] };
    if (packed & 15) return { give_up: REASONS[packed & 15], hint: orNull(value), ...seen };
    return { retry: value, ...seen, last: (packed & 512) !== 0, nested_warning: (packed & 1024) !== 0 };
  }

  classify({ domain, code = null, phase, method, hint }) {
    const [name, methodBytes] = [typeof code === "string" ? code : "", method ?? ""].map(bytes);
    const flags = (phase === "connect" ? 1 : 0) | (method == null ? 0 : 256);
    this.areas.input.set([...name, ...methodBytes]);
    const number = typeof code === "number" ? code : 0;
    const found = this.functions.classify(
      DOMAINS.indexOf(domain), kindOf(code), number, flags, hint ? 0 : -1, name.length, methodBytes.length,
    );
    return {
      class: CLASSES[found & 7],
      sent: SENT[(found >> 3) & 3],
      condition: CONDITIONS[(found >> 5) & 7],
      known: (found & 256) !== 0,
      retried: (found & 512) !== 0,
    };
  }

  hint({ headers, now }) {
    let at = 0;
    for (const field of headers.flat()) {
      const text = bytes(field);
      this.areas.input.set([text.length & 255, text.length >> 8, 0, 0, ...text], at);
      at += 4 + text.length;
    }
    const flags = this.functions.read_hint(at, now ?? -1);
    return {
      delay: flags & 1 ? this.areas.numbers[0] : null,
      should_retry: flags & 2 ? (flags & 4) !== 0 : null,
      suspicious: (flags & 8) !== 0,
    };
  }

  /** Runs the steps of the guard in use; what each came to, its fields in the order of the result line. */
  guard(kind, wanted) {
    return LIVES[kind](this.functions, this.areas.numbers, wanted.steps, wanted.seed, this.makeBudget(wanted.budget));
  }

  text(from, to) {
    return new TextDecoder().decode(this.areas.output.slice(from, to));
  }

  word() {
    const [high, low] = this.areas.numbers;
    return String((BigInt(high) << 32n) | BigInt(low));
  }
}

const LIVES = {
  breaker(engine, numbers, steps) {
    const permits = new Map();
    const look = (at) => {
      const state = STATES[engine.breaker_look(at)];
      const [calls, failures, slow, trips, probing, retry_in] = numbers;
      return { state, calls, failures, slow, trips, probing, retry_in };
    };
    return steps.map(({ at, permit, settle, outcome, elapsed }) => {
      if (permit !== undefined) {
        const granted = engine.breaker_permit(at) === 1;
        const [first, number] = numbers;
        permits.set(permit, granted ? [first, number] : undefined);
        return { granted, retry_in: granted ? 0 : first };
      }
      if (settle === undefined) return look(at);
      const issued = permits.get(settle);
      if (issued) engine.breaker_settle(...issued, OUTCOMES.indexOf(outcome), elapsed, at);
      return { state: look(at).state };
    });
  },
  throttle(engine, numbers, steps) {
    return steps.map(({ at, word, ask, accepted }) => {
      if (word !== undefined) return { allowed: engine.throttle_allow(at, ...halves(word)) === 1 };
      if (ask) return { allowed: engine.throttle_ask(at) === 1 };
      if (accepted) engine.throttle_accepted(at);
      engine.throttle_look(at);
      return { requests: numbers[0], accepts: numbers[1] };
    });
  },
  bulkhead(engine, numbers, steps) {
    const inside = new Set();
    const line = new Map();
    const counts = () => {
      engine.bulkhead_look();
      return { running: numbers[0], waiting: numbers[1] };
    };
    return steps.map(({ enter, end }) => {
      if (enter !== undefined) {
        const ticket = engine.bulkhead_enter();
        if (ticket === 0) inside.add(enter);
        if (ticket > 0) line.set(enter, ticket);
        const entry = ticket > 0 ? "waiting" : ticket ? "refused" : "admitted";
        return { entry, ticket: Math.max(0, ticket), ...counts() };
      }
      let next = null;
      if (line.delete(end)) engine.bulkhead_cancel();
      else if (inside.delete(end) && engine.bulkhead_leave()) {
        [next] = [...line].reduce((one, other) => (other[1] < one[1] ? other : one));
        line.delete(next);
        inside.add(next);
      }
      return { next, ...counts() };
    });
  },
  hedge(engine, numbers, steps, seed, hasBudget) {
    const shares = hasBudget ? 1 : 0;
    engine.hedge_start(steps[0].at, ...halves(seed));
    return steps.map(({ at, step, failed, pushback, succeed }) => {
      let found = {};
      if (step) {
        const what = ["end", "wait", "wait_until", "start"][engine.hedge_step(at, shares)];
        found = { do: what, value: numbers[0] };
      } else if (succeed) engine.hedge_succeeded(at, shares);
      else if (!failed) engine.hedge_end();
      else if (pushback < 0) engine.hedge_refused(shares);
      else engine.hedge_failed(at, pushback ?? -1, shares);
      return hasBudget ? { ...found, tokens: engine.tokens(at) } : found;
    });
  },
};
export const GUARDS = Object.keys(LIVES);
const STATES = ["closed", "open", "half_open"];
const OUTCOMES = ["ok", "failed", "ignored", "dropped"];

function halves(word) {
  const value = BigInt(word);
  return [Number(value >> 32n), Number(value & 0xffffffffn)];
}

function bytes(text) {
  return new TextEncoder().encode(text);
}

function kindOf(code) {
  return code === null ? 0 : typeof code === "number" ? 1 : 2;
}

function orNull(value) {
  return value < 0 ? null : value;
}
