// How long calls take with their waits.
import { useMemo } from "preact/hooks";
import { useAnswer } from "../ask.js";
import type { Chart, Mark, Point } from "../chart.js";
import { Field, Figure, Panel, type Table } from "../figure.js";
import type { PanelProps, Shown } from "../panel.js";
import { numberIn, textIn } from "../state.js";
import { number, percent, time } from "../words.js";
import type { Told } from "../worker.js";
import { legendOf } from "./herd.js";

interface Side {
  readonly policy: Shown;
  readonly analysis: Told<"analyse">;
}

export function Total({ state, set, shown }: PanelProps) {
  const { failureRate, attemptDuration } = state;
  const options = { failureRate: numberIn(failureRate) as number, attemptDuration: textIn(attemptDuration) as "1s", quantiles: true };
  const found = [useAnswer("analyse", [shown[0]!.text, options]), useAnswer("analyse", shown[1] ? [shown[1].text, options] : null)];
  const sides = shown.flatMap((policy, index): Side[] => (found[index]!.value ? [{ policy, analysis: found[index]!.value! }] : []));
  const { chart, table, readings } = useMemo(() => drawing(sides), [found[0]!.value, found[1]!.value, shown.length]);
  return (
    <Panel
      id="total" title="How long a call takes" found={found}
      lesson="Retries are paid for in the slowest calls: the median hides them, the 99th of a hundred does not."
      source={{ name: "Dean and Barroso, The Tail at Scale", href: "https://research.google/pubs/the-tail-at-scale/" }}
      conditions={<>
        <Field label="failure rate" value={failureRate} set={(text) => set({ failureRate: text })} about="The share of attempts that fail, each by itself: 0 to 1." />
        <Field label="an attempt lasts" value={attemptDuration} set={(text) => set({ attemptDuration: text })} about="How long each attempt lasts." />
      </>}
    >
      <Figure name="total-time" chart={chart} words={sides.map((side) => sentence(side, sides.length > 1))} table={table} readings={readings} legend={legendOf(shown)} />
    </Panel>
  );
}

function sentence({ policy, analysis: { failureRate, success, addedLatency: { p50, p99 }, worstTime, attempts } }: Side, isOne: boolean): string {
  const name = isOne ? `${policy.name}: ` : "";
  const worst = worstTime === null ? "there is no longest call" : `the longest call takes ${time(worstTime)}`;
  return `${name}With ${percent(failureRate)} of attempts failing, ${percent(success.value)} of calls succeed after ${number(attempts.value)} attempts on average; retries add ${p50 ? time(p50.value) : "no end"} to the median call and ${p99 ? time(p99.value) : "no end"} to the 99th of 100, and ${worst}.`;
}

function drawing(sides: readonly Side[]): { chart: Chart | undefined; table: Table; readings: { at: number; text: string }[] } {
  const quantiles = sides.map(({ analysis }) => analysis.addedLatency.quantiles ?? []);
  const shares = quantiles[0] ?? [];
  const said = (index: number) => quantiles.map((of) => (of[index]?.time ? time(of[index].time.value) : "no end"));
  const table = {
    head: ["calls", ...sides.map(({ policy }) => (sides.length > 1 ? `added time ${policy.name}, at most` : "added time, at most"))],
    rows: shares.map(({ share }, index) => [percent(share), ...said(index)]),
  };
  if (!sides.length) return { chart: undefined, table, readings: [] };
  const curves = quantiles.map((of) => of.flatMap(({ share, time: end }): Point[] => (end ? [[end.value, 1 - share]] : [])));
  const most = Math.max(1, ...curves.flat().map(([at]) => at));
  const marks: Mark[] = sides.flatMap(({ policy, analysis }, side): Mark[] => {
    const { p99 } = analysis.addedLatency;
    const rule: Mark[] = p99 ? [{ kind: "rule", of: policy.of, x: p99.value, label: sides.length > 1 ? `p99 ${policy.name}` : "p99", line: side }] : [];
    return [{ kind: "line", of: policy.of, points: curves[side]! }, ...rule];
  });
  const chart: Chart = {
    x: { kind: "time", label: "time that retries add", most, format: time },
    y: { kind: "log", label: "calls to which they add more", least: 0.0001, most: 1, format: percent },
    marks,
    height: 260,
  };
  const readings = shares.flatMap(({ share, time: end }, index) => (end ? [{ at: end.value, text: `${percent(share)} of calls: at most ${said(index).join(" and ")} more` }] : []));
  return { chart, table, readings };
}
