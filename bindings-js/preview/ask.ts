// Questions to the workers; of two about the same thing, the newer one counts.
import { useLayoutEffect, useState } from "preact/hooks";
import type { Asked, Kind, Order, Reply, Told } from "./worker.js";

export interface Problem {
  readonly pointer: string;
  readonly text: string;
}

interface Listener {
  progress(done: number, all: number): void;
  told(value: any): void;
  refused(problems: readonly Problem[]): void;
}

/** A worker. The first picture has one of its own, so that it never waits for what takes longer. */
class Lane {
  #worker: Worker | undefined;
  readonly #waiting = new Map<number, Listener>();
  static #ids = 0;

  /** Answers what stops it. */
  ask<K extends Kind>(kind: K, asked: Asked<K>, listener: Listener): () => void {
    const worker = (this.#worker ??= this.#start());
    const id = ++Lane.#ids;
    this.#waiting.set(id, listener);
    worker.postMessage({ id, kind, asked } satisfies Order);
    return () => {
      if (this.#waiting.delete(id)) worker.postMessage({ id } satisfies Order);
    };
  }

  #start(): Worker {
    const worker = new Worker(new URL("worker.js", document.baseURI), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => {
      const listener = this.#waiting.get(data.id);
      if (!listener) return;
      if ("done" in data) return listener.progress(data.done, data.all);
      this.#waiting.delete(data.id);
      if ("told" in data) listener.told(data.told);
      else listener.refused(data.problems);
    });
    return worker;
  }
}

const FIRST = new Lane();
const OTHERS = new Lane();

export interface Found<T> {
  /** The last good answer, which may be of an earlier question. */
  readonly value: T | undefined;
  readonly problems: readonly Problem[];
  /** How far it is, 0 to 1, if it takes long; undefined when there is nothing to wait for. */
  readonly progress: number | undefined;
  readonly stop: () => void;
  readonly isStopped: boolean;
}

const NOTHING = () => {};
const PAUSE = 150;

/** Asks whenever the question changes; null asks nothing. `isFirst` is what the first picture shows. */
export function useAnswer<K extends Kind>(kind: K, asked: Asked<K> | null, isFirst = false): Found<Told<K>> {
  const [found, show] = useState<Found<Told<K>>>({ value: undefined, problems: [], progress: undefined, stop: NOTHING, isStopped: false });
  const key = asked && JSON.stringify(asked, (_, value) => (typeof value === "bigint" ? `${value}n` : value));
  useLayoutEffect(() => {
    if (!asked) return show((before) => ({ ...before, problems: [], progress: undefined }));
    let end = NOTHING;
    const ask = () => {
      end = (isFirst ? FIRST : OTHERS).ask(kind, asked, {
        progress: (done, all) => show((before) => ({ ...before, progress: done / all })),
        told: (value) => show({ value, problems: [], progress: undefined, stop: NOTHING, isStopped: false }),
        refused: (problems) => show((before) => ({ ...before, problems, progress: undefined, stop: NOTHING, isStopped: false })),
      });
    };
    // What comes below gives way to the first picture, and to whoever is still typing.
    const timer = isFirst ? void ask() : setTimeout(ask, PAUSE);
    const leave = () => {
      clearTimeout(timer);
      end();
    };
    const stop = () => {
      leave();
      show((before) => ({ ...before, progress: undefined, stop: NOTHING, isStopped: true }));
    };
    show((before) => ({ ...before, progress: 0, stop, isStopped: false }));
    return leave;
  }, [kind, key]);
  return found;
}
