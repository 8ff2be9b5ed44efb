// A clock that stands still until nothing else is left to do, then jumps to the next timer.
const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout, performance: globalThis.performance };

/** Puts the clock in place for one test: `test("…", virtual(async (clock) => { … }))`. */
export function virtual(test) {
  return async (context) => {
    const clock = new Clock();
    Object.assign(globalThis, {
      setTimeout: (callback, ms) => clock.arm(callback, ms),
      clearTimeout: (id) => clock.timers.delete(id),
    });
    define(clock);
    try {
      await test(clock, context);
    } finally {
      Object.assign(globalThis, { setTimeout: real.setTimeout, clearTimeout: real.clearTimeout });
      define(real.performance);
    }
  };
}

class Clock {
  time = 1000;
  timers = new Map();
  /** Milliseconds of every timer armed. */
  armed = [];
  unrefs = 0;
  #last = 0;

  now() {
    return this.time;
  }

  arm(callback, ms) {
    const id = { unref: () => void this.unrefs++, number: ++this.#last };
    this.armed.push(ms);
    this.timers.set(id, { at: this.time + ms, callback, id });
    setImmediate(() => this.#fire());
    return id;
  }

  #fire() {
    const [next] = [...this.timers.values()].sort((a, b) => a.at - b.at || a.id.number - b.id.number);
    if (!next) return;
    this.timers.delete(next.id);
    this.time = Math.max(this.time, next.at);
    next.callback();
    if (this.timers.size) setImmediate(() => this.#fire());
  }
}

function define(performance) {
  Object.defineProperty(globalThis, "performance", { value: performance, configurable: true, writable: true });
}

/** Lets everything that is not a timer happen. */
export function settle() {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** An error as Node makes it for a lost connection. */
export function lost(code = "ECONNRESET", more = {}) {
  return Object.assign(new Error(`lost: ${code}`), { code, ...more });
}

/** A function that throws each of the values in turn, then returns `"done"`. */
export function throwing(...errors) {
  const fn = async (context) => {
    fn.contexts.push(context);
    if (fn.contexts.length <= errors.length) throw errors[fn.contexts.length - 1];
    return "done";
  };
  fn.contexts = [];
  return fn;
}

/** What a promise was rejected with. */
export async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return { error };
  }
  throw new Error("it was not rejected");
}
