// Success and load against the failure rate, and chains of calls.
import { useMemo } from "preact/hooks";
import { useAnswer } from "../ask.js";
import type { Chart, Mark, Point } from "../chart.js";
import { Field, Figure, Panel, type Table } from "../figure.js";
import type { PanelProps, Shown } from "../panel.js";
import { numberIn, textIn } from "../state.js";
import { number, percent } from "../words.js";
import type { Told } from "../worker.js";

interface Side {
  readonly policy: Shown;
  readonly rates: Told<"rates">["rates"];
}
type Rate = Side["rates"][number];

/** Failure rates: every twentieth. */
const POINTS = 21;

export function Rates({ state, set, shown }: PanelProps) {
  const { failureRate, attemptDuration, calls, repeats } = state;
  const options = { attemptDuration: textIn(attemptDuration) as "1s", calls: numberIn(calls) as number, repeats: numberIn(repeats) as number };
  const found = [useAnswer("rates", [shown[0]!.text, options, POINTS]), useAnswer("rates", shown[1] ? [shown[1].text, options, POINTS] : null)];
  const sides = shown.flatMap((policy, index): Side[] => (found[index]!.value ? [{ policy, rates: found[index]!.value!.rates }] : []));
  const key = [found[0]!.value, found[1]!.value, shown.length, failureRate];
  const rate = Number(failureRate);
  const success = useMemo(() => drawing(sides, rate, "share", 1, percent, [
    ["", (row) => row.success.value, "calls succeed"],
    ["chain", (row) => row.chain.value, "chains succeed"],
  ]), key);
  const most = Math.max(1, ...sides.flatMap(({ rates }) => rates.map(({ load }) => load.value)));
  const load = useMemo(() => drawing(sides, rate, "attempts of a call", most, number, [
    ["", (row) => row.load.value, "attempts"],
    ["chain", (row) => (row.sustainedLoad ?? row.load).value, "attempts that the budget sustains"],
  ]), key);
  return (
    <Panel
      id="rates" title="Success and load, however much fails" found={found}
      lesson="n calls that must all succeed do so with the nth power of one call’s chance; retries lift that chance, and the load with it."
      source={{ name: "Google SRE book, Handling Overload", href: "https://sre.google/sre-book/handling-overload/" }}
      conditions={<>
        <Field label="calls of a chain" value={calls} set={(text) => set({ calls: text })} about="Calls that must all succeed: 1 to 1000000." />
        <Field label="the chain is tried" value={repeats} set={(text) => set({ repeats: text })} about="How often the whole chain is tried until it succeeds." />
        <Field label="failure rate" value={failureRate} set={(text) => set({ failureRate: text })} />
        <Field label="an attempt lasts" value={attemptDuration} set={(text) => set({ attemptDuration: text })} />
      </>}
    >
      <div class="pair">
        <Figure name="success" {...success} words={sides.map((side) => chainWords(side, rate, calls, sides.length > 1))} legend={legend(sides, "one call", "the chain")} />
        <Figure name="load" {...load} words={sides.map((side) => loadWords(side, rate, sides.length > 1))} legend={legend(sides, "attempts of a call", "what the budget sustains")} />
      </div>
    </Panel>
  );
}

function legend(sides: readonly Side[], solid: string, dashed: string): (readonly [string, string])[] {
  return sides.flatMap(({ policy }) => [[`line ${policy.of}`, sides.length > 1 ? `${policy.name}: ${solid}` : solid] as const, [`line chain ${policy.of}`, dashed] as const]);
}

function nearest({ rates }: Side, rate: number): Rate | undefined {
  return rates.reduce<Rate | undefined>((best, row) => (!best || Math.abs(row.failureRate - rate) < Math.abs(best.failureRate - rate) ? row : best), undefined);
}

function chainWords(side: Side, rate: number, calls: string, isOne: boolean): string {
  const row = nearest(side, rate);
  if (!row) return "";
  return `${isOne ? `${side.policy.name}: ` : ""}When ${percent(row.failureRate)} of attempts fail, a chain of ${calls} succeeds in ${percent(row.chain.value)} of cases; without retries in ${percent(row.chainWithout.value)}.`;
}

function loadWords(side: Side, rate: number, isOne: boolean): string {
  const row = nearest(side, rate);
  const last = side.rates.at(-1);
  if (!row || !last) return "";
  return `${isOne ? `${side.policy.name}: ` : ""}The server then gets ${number(row.load.value)} attempts of each call, ${number(last.load.value)} when everything fails${last.sustainedLoad && last.sustainedLoad.value < last.load.value ? `, of which the budget sustains ${number(last.sustainedLoad.value)}` : ""}.`;
}

type Curve = readonly [of: string, value: (row: Rate) => number, name: string];

function drawing(sides: readonly Side[], rate: number, label: string, most: number, format: (value: number) => string, curves: readonly Curve[]) {
  const rows = sides[0]?.rates ?? [];
  const names = sides.flatMap(({ policy }) => curves.map(([, , name]) => (sides.length > 1 ? `${name} ${policy.name}` : name)));
  const cells = (index: number) => sides.flatMap(({ rates }) => curves.map(([, value]) => format(value(rates[index]!))));
  const table: Table = { head: ["attempts that fail", ...names], rows: rows.map((row, index) => [percent(row.failureRate), ...cells(index)]) };
  const marks: Mark[] = sides.flatMap(({ policy, rates }) => curves.map(([of, value]): Mark => ({ kind: "line", of: `${of} ${policy.of}`, points: rates.map((row): Point => [row.failureRate, value(row)]) })));
  if (rate >= 0 && rate <= 1) marks.push({ kind: "rule", of: "here", x: rate, label: percent(rate) });
  const chart: Chart | undefined = rows.length
    ? { x: { kind: "linear", label: "share of attempts that fail", most: 1, format: percent }, y: { kind: "linear", label, most, format }, marks, height: 250 }
    : undefined;
  const readings = rows.map((row, index) => ({ at: row.failureRate, text: `${percent(row.failureRate)} fail: ${cells(index).map((cell, at) => `${cell} ${names[at]}`).join(", ")}` }));
  return { chart, table, readings };
}
