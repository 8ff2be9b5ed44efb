// Chains of requests over a network that loses packets in bursts.
import { useMemo } from "preact/hooks";
import { useAnswer } from "../ask.js";
import type { Chart, Mark, Point } from "../chart.js";
import { Field, Figure, Panel, type Table } from "../figure.js";
import type { PanelProps } from "../panel.js";
import { numberIn, seedIn } from "../state.js";
import { count, number, percent, plural } from "../words.js";
import type { Told } from "../worker.js";

/** Attempts that the picture goes to. */
const MOST = 10;
const TRIALS = 2000;

export function Loss({ state, set, shown }: Pick<PanelProps, "state" | "set" | "shown">) {
  const { seed, p, r, h, k, chain, chainRepeats } = state;
  const options = { seed: seedIn(seed) as bigint, p: numberIn(p) as number, r: numberIn(r) as number, h: numberIn(h) as number, k: numberIn(k) as number, calls: numberIn(chain) as number, repeats: numberIn(chainRepeats) as number, trials: TRIALS };
  const found = useAnswer("losses", [MOST, options]);
  const chosen = shown.map(({ of, name, effective }) => ({ of, name, attempts: typeof effective.attempts === "number" ? effective.attempts : MOST }));
  const { chart, table, readings } = useMemo(() => drawing(found.value?.losses ?? [], chosen), [found.value, shown]);
  return (
    <Panel
      id="loss" title="Over a network that loses packets" found={[found]}
      lesson="Losses come in bursts: the next request meets the same bad moment, and a chain of n is as weak as its weakest, n times."
      source={{ name: "Gilbert 1960, Elliott 1963; RFC 3357", href: "https://www.rfc-editor.org/rfc/rfc3357" }}
      conditions={<>
        <Field label="p, turns bad" value={p} set={(text) => set({ p: text })} about="That a good channel is bad at the next request." />
        <Field label="r, turns good" value={r} set={(text) => set({ r: text })} about="That a bad channel is good at the next request." />
        <Field label="h, passes when bad" value={h} set={(text) => set({ h: text })} about="That a request gets through while the channel is bad." />
        <Field label="k, passes when good" value={k} set={(text) => set({ k: text })} about="That a request gets through while the channel is good." />
        <Field label="calls of a chain" value={chain} set={(text) => set({ chain: text })} about="Requests that must all get through." />
        <Field label="the chain is tried" value={chainRepeats} set={(text) => set({ chainRepeats: text })} about="How often the chain is tried, from its first request." />
      </>}
    >
      <Figure name="loss" chart={chart} words={sentences(found.value?.losses ?? [], chosen, state)} table={table} readings={readings} legend={[["line a", "by the formula"], ["dots a", `${count(TRIALS)} chains simulated`]]} />
    </Panel>
  );
}

type Losses = Told<"losses">["losses"];
interface Chosen {
  readonly of: string;
  readonly name: string;
  readonly attempts: number;
}

function sentences(losses: Losses, chosen: readonly Chosen[], { chain }: { readonly chain: string }): string[] {
  const first = losses[0];
  if (!first) return [];
  const lost = `The channel loses ${percent(first.lost / first.requests)} of single requests`;
  const with_ = chosen.map(({ name, attempts }) => {
    const one = losses[Math.min(attempts, MOST) - 1]!;
    return `${percent(one.byFormula)} with ${chosen.length > 1 ? `${name}’s ` : ""}${plural(Math.min(attempts, MOST), "attempt")}`;
  });
  return [`${lost}; a chain of ${chain} gets through in ${percent(first.byFormula)} of cases with one attempt each, and in ${with_.join(", ")}.`];
}

function drawing(losses: Losses, chosen: readonly Chosen[]): { chart: Chart | undefined; table: Table; readings: { at: number; text: string }[] } {
  const simulated = (index: number) => losses[index]!.succeeded / losses[index]!.trials;
  const each = losses.map((_, index) => index);
  const table = {
    head: ["attempts of each request", "chains that get through, by the formula", "simulated", "requests of a chain"],
    rows: losses.map(({ byFormula, requests, trials }, index) => [index + 1, percent(byFormula), percent(simulated(index)), number(requests / trials)]),
  };
  if (!losses.length) return { chart: undefined, table, readings: [] };
  const marks: Mark[] = [
    { kind: "line", of: "a", points: losses.map(({ byFormula }, index): Point => [index + 1, byFormula]) },
    { kind: "dots", of: "a", points: each.map((index): Point => [index + 1, simulated(index)]) },
    ...chosen.filter(({ attempts }) => attempts <= MOST).map(({ of, name, attempts }): Mark => ({ kind: "rule", of, x: attempts, label: chosen.length > 1 ? name : "this policy" })),
  ];
  const chart: Chart = {
    x: { kind: "whole", label: "attempts of each request", least: 1, most: MOST, format: String },
    y: { kind: "linear", label: "chains that get through", most: 1, format: percent },
    marks,
    height: 250,
  };
  const readings = each.map((index) => ({ at: index + 1, text: `${plural(index + 1, "attempt")}: ${table.rows[index]![1]} by the formula, ${table.rows[index]![2]} simulated, ${table.rows[index]![3]} requests of a chain` }));
  return { chart, table, readings };
}
