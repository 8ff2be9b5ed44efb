// Warnings: to the process where there is one, else to the console.

interface Process {
  emitWarning?(text: string, name: string): void;
  getBuiltinModule?(name: string): unknown;
}

export function warn(text: string): void {
  const process = hostProcess();
  if (process?.emitWarning) process.emitWarning(text, "UndauntedWarning");
  else console.warn(`undaunted: ${text}`);
}

const warned = /* @__PURE__ */ new WeakMap<object, WeakSet<object>>();

/** Says once per pair of policies that one retries what the other has given up. */
export function warnNested(outer: object, inner: object): void {
  const inners = warned.get(outer) ?? new WeakSet();
  if (inners.has(inner)) return;
  warned.set(outer, inners.add(inner));
  warn(
    'a call retries what an inner one gave up: attempts multiply; set nested',
  );
}

interface Storage {
  getStore(): number | undefined;
  run<A extends unknown[], R>(store: number, fn: (...args: A) => R, ...args: A): R;
}
let storage: Storage | undefined;

/** Where `nested: "share"` finds the outer call's deadline, in microseconds of the clock. */
export function deadlines(): Storage {
  if (storage) return storage;
  const hooks = builtin("node:async_hooks") as { AsyncLocalStorage: new () => Storage } | undefined;
  if (!hooks) {
    throw new Error('nested is "share", and this host has no AsyncLocalStorage; use "warn", "once" or "allow"');
  }
  return (storage = new hooks.AsyncLocalStorage());
}

/** A module of Node's own, where there is one. */
export function builtin(name: string): unknown {
  return hostProcess()?.getBuiltinModule?.(name);
}

function hostProcess(): Process | undefined {
  return (globalThis as { process?: Process }).process;
}
