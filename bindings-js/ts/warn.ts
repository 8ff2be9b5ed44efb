// Warnings: to the process where there is one, else to the console.

interface Process {
  emitWarning?(text: string, name: string): void;
  getBuiltinModule?(name: string): unknown;
}

/** The host's `process`, where there is one. */
export function hostProcess(): Process | undefined {
  return (globalThis as { process?: Process }).process;
}

export function warn(text: string): void {
  const process = hostProcess();
  if (process?.emitWarning) process.emitWarning(text, "UndauntedWarning");
  else console.warn(`undaunted: ${text}`);
}

const warned = /* @__PURE__ */ new WeakMap<object, WeakSet<object>>();

/** Says once per pair of policies that one retries what the other has given up. */
export function warnNested(outer: object, inner: object): void {
  let inners = warned.get(outer);
  if (!inners) warned.set(outer, (inners = new WeakSet()));
  if (inners.has(inner)) return;
  inners.add(inner);
  warn(
    "a retried call retries an error that an inner retried call has given up, so their attempts multiply; " +
      'retry in one place, or set nested to "once", "share" or "allow"',
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
  const hooks = hostProcess()?.getBuiltinModule?.("node:async_hooks") as { AsyncLocalStorage: new () => Storage } | undefined;
  if (!hooks) {
    throw new Error('nested is "share", which needs AsyncLocalStorage, and this host has none; use "warn", "once" or "allow"');
  }
  return (storage = new hooks.AsyncLocalStorage());
}
