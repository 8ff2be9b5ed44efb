// The work that takes longer than a frame, beside the page.
import { type Analysis, analyse, diff, type Loss, simulateHerd, simulateLayers, simulateLoss, simulateOutage } from "undaunted/lab";

interface Watched {
  readonly signal: AbortSignal;
  readonly progress: (done: number, all: number) => void;
}

const DO = {
  analyse: (_: Watched, policy: string, options: object) => analyse(policy, options),
  diff: (_: Watched, before: string, after: string, options: object) => diff(before, after, options),
  /** An analysis at each of so many failure rates between 0 and 1. */
  rates: async ({ signal, progress }: Watched, policy: string, options: object, count: number) => {
    const rates: Analysis[] = [];
    for (let at = 0; at < count; at++) {
      rates.push({ ...analyse(policy, { ...options, failureRate: Number((at / (count - 1)).toFixed(6)) }) } as Analysis);
      progress(at + 1, count);
      await turn();
      signal.throwIfAborted();
    }
    return { rates };
  },
  herd: (watched: Watched, policy: string, options: object) => simulateHerd(policy, { ...options, ...watched }),
  outage: (watched: Watched, policy: string, options: object) => simulateOutage(policy, { ...options, ...watched }),
  layers: (watched: Watched, policy: string, options: object) => simulateLayers(policy, { ...options, ...watched }),
  /** One simulation for each number of attempts up to `most`. */
  losses: async ({ signal, progress }: Watched, most: number, options: object) => {
    const losses: object[] = [];
    for (let attempts = 1; attempts <= most; attempts++) {
      losses.push({ ...(await simulateLoss({ ...options, attempts, signal })) });
      progress(attempts, most);
    }
    return { losses: losses as readonly Loss[] };
  },
};

export type Kind = keyof typeof DO;
type Rest<A> = A extends [unknown, ...infer R] ? R : never;
export type Asked<K extends Kind> = Rest<Parameters<(typeof DO)[K]>>;
/** What a report has to read, and its text. */
export type Told<K extends Kind> = Omit<Awaited<ReturnType<(typeof DO)[K]>>, "toString" | "json" | "toJSON"> & { readonly text: string };

export interface Order {
  readonly id: number;
  /** Absent: that one is to stop. */
  readonly kind?: Kind;
  readonly asked?: readonly unknown[];
}

export type Reply =
  | { readonly id: number; readonly done: number; readonly all: number }
  | { readonly id: number; readonly told: unknown }
  | { readonly id: number; readonly problems: readonly { readonly pointer: string; readonly text: string }[] };

/** Lets messages in. */
const turn = () => new Promise((resolve) => setTimeout(resolve));
const running = new Map<number, AbortController>();
const EVERY = 50;

addEventListener("message", async ({ data: { id, kind, asked } }: MessageEvent<Order>) => {
  if (!kind) return running.get(id)?.abort();
  const controller = new AbortController();
  running.set(id, controller);
  // What stops it may have come already.
  await turn();
  let reply: Reply | undefined;
  try {
    let last = performance.now();
    const progress = (done: number, all: number) => {
      if (performance.now() - last < EVERY) return;
      last = performance.now();
      postMessage({ id, done, all } satisfies Reply);
    };
    controller.signal.throwIfAborted();
    const answer = await (DO[kind] as any)({ signal: controller.signal, progress }, ...asked!);
    reply = { id, told: { ...answer, text: String(answer) } };
  } catch (error: any) {
    if (!controller.signal.aborted) reply = { id, problems: error.problems ?? [{ pointer: "", text: error.message }] };
  }
  running.delete(id);
  if (reply) postMessage(reply);
});
