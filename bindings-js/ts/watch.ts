// One listener per AbortSignal, however many calls wait on it.

/** Told once when the signal aborts. */
export interface Watcher {
  abort(): void;
}

const watched = /* @__PURE__ */ new WeakMap<AbortSignal, Watchers>();

class Watchers extends Set<Watcher> {
  handleEvent(): void {
    for (const watcher of [...this]) watcher.abort();
  }
}

export function watch(signal: AbortSignal, watcher: Watcher): void {
  let watchers = watched.get(signal);
  if (!watchers) watched.set(signal, (watchers = new Watchers()));
  if (watchers.size === 0) signal.addEventListener("abort", watchers);
  watchers.add(watcher);
}

export function unwatch(signal: AbortSignal, watcher: Watcher): void {
  const watchers = watched.get(signal);
  if (watchers?.delete(watcher) && watchers.size === 0) signal.removeEventListener("abort", watchers);
}
