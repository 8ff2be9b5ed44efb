// Services that retry each other.
import { useMemo } from "preact/hooks";
import { useAnswer } from "../ask.js";
import type { Chart, Mark } from "../chart.js";
import { Field, Figure, Panel, type Table } from "../figure.js";
import type { PanelProps, Shown } from "../panel.js";
import { numberIn, seedIn } from "../state.js";
import { count, number } from "../words.js";
import type { Told } from "../worker.js";
import { legendOf } from "./herd.js";

interface Side {
  readonly policy: Shown;
  readonly stack: Told<"layers">;
}

const CALLS = 200;
/** Where the axis begins: a bar of one attempt has a length. */
const LEAST = 0.5;

export function Layers({ state, set, shown }: PanelProps) {
  const { seed, layers, layersRate } = state;
  const options = { seed: seedIn(seed) as bigint, layers: numberIn(layers) as number, failureRate: numberIn(layersRate) as number, calls: CALLS };
  const found = [useAnswer("layers", [shown[0]!.text, options]), useAnswer("layers", shown[1] ? [shown[1].text, options] : null)];
  const sides = shown.flatMap((policy, index): Side[] => (found[index]!.value ? [{ policy, stack: found[index]!.value! }] : []));
  const { chart, table, readings } = useMemo(() => drawing(sides), [found[0]!.value, found[1]!.value, shown.length]);
  return (
    <Panel
      id="layers" title="Layers that multiply" found={found}
      lesson="Three layers of three attempts make 27 requests of one call: retry in one layer, or give each a budget."
      source={{ name: "Google SRE book, Addressing Cascading Failures", href: "https://sre.google/sre-book/addressing-cascading-failures/" }}
      conditions={<>
        <Field label="layers" value={layers} set={(text) => set({ layers: text })} about="Services that retry each other with this policy: 1 to 10." />
        <Field label="failures at the bottom" value={layersRate} set={(text) => set({ layersRate: text })} about="The share of requests at the bottom that fail: 0 to 1." />
      </>}
    >
      <Figure name="layers" chart={chart} words={sides.map((side) => sentence(side, sides.length > 1))} table={table} readings={readings} legend={legendOf(shown)} />
    </Panel>
  );
}

function sentence({ policy, stack: { calls, atBottom, amplification, mostAtBottom, succeeded } }: Side, isOne: boolean): string {
  return `${isOne ? `${policy.name}: ` : ""}${count(calls)} calls make ${count(atBottom)} requests at the bottom: ${number(amplification)} for each call, and ${count(mostAtBottom)} of one; ${count(succeeded)} succeed.`;
}

function drawing(sides: readonly Side[]): { chart: Chart | undefined; table: Table; readings: { at: number; text: string }[] } {
  const [one] = sides;
  const names = one?.stack.attempts.map((_, index) => (index === one.stack.attempts.length - 1 ? "bottom" : `layer ${index + 1}`)) ?? [];
  const perCall = ({ stack }: Side, index: number) => (stack.attempts[index] ?? 0) / stack.calls;
  const rows = names.map((name, index) => [name, ...sides.map((side) => number(perCall(side, index)))]);
  const table = { head: ["", ...sides.map(({ policy }) => (sides.length > 1 ? `attempts of a call, ${policy.name}` : "attempts of a call"))], rows };
  if (!one) return { chart: undefined, table, readings: [] };
  const most = Math.max(10, ...sides.flatMap((side) => names.map((_, index) => perCall(side, index))));
  const marks = sides.flatMap((side, index) => names.map((_, row): Mark => ({ kind: "span", of: side.policy.of, row, from: LEAST, to: Math.max(LEAST, perCall(side, row)), lane: { index, of: sides.length, thickness: 0.8 } })));
  const chart: Chart = { x: { kind: "log", label: "attempts of a call, each mark ten times the one before", least: LEAST, most, format: number }, y: { kind: "rows", label: "", names }, marks, height: 60 + names.length * 34 };
  return { chart, table, readings: rows.map((row, at) => ({ at, text: `${row[0]}: ${row.slice(1).join(" and ")} attempts of a call` })) };
}
