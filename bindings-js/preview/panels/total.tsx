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

const QUANTILES = 100;

interface Side {
  readonly policy: Shown;
  readonly analysis: Told<"analyse">;
}

export function Total({ state, set, shown }: PanelProps) {
  const { failureRate, attemptDuration } = state;
  const options = { failureRate: numberIn(failureRate) as number, attemptDuration: textIn(attemptDuration) as "1s", quantiles: QUANTILES };
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
      <Figure name="total-time" chart={chart} words={sides.map((side) => sentence(side, sides.length > 1)).join(" ")} table={table} readings={readings} legend={legendOf(shown)} />
    </Panel>
  );
}

function sentence({ policy, analysis: { failureRate, success, addedLatency: { p50, p99 }, worstTime, attempts } }: Side, isOne: boolean): string {
  const name = isOne ? `${policy.name}: ` : "";
  const worst = worstTime === null ? "there is no longest call" : `the longest call takes ${time(worstTime)}`;
  return `${name}With ${percent(failureRate)} of attempts failing, ${percent(success.value)} of calls succeed after ${number(attempts.value)} attempts on average; retries add ${p50 ? time(p50.value) : "no end"} to the median call and ${p99 ? time(p99.value) : "no end"} to the 99th of 100, and ${worst}.`;
}

function drawing(sides: readonly Side[]): { chart: Chart | undefined; table: Table; readings: { at: number; text: string }[] } {
  const pointsOf = ({ analysis }: Side) => (analysis.addedLatency.quantiles ?? []).flatMap((one, index): Point[] => (one ? [[one.value, index / QUANTILES]] : []));
  const table = {
    head: ["share of calls", ...sides.map(({ policy }) => (sides.length > 1 ? `added time ${policy.name}` : "added time"))],
    rows: Array.from({ length: QUANTILES + 1 }, (_, index) => [percent(index / QUANTILES), ...sides.map(({ analysis }) => {
      const one = analysis.addedLatency.quantiles?.[index];
      return one ? time(one.value) : "no end";
    })]),
  };
  if (!sides.length) return { chart: undefined, table, readings: [] };
  const most = Math.max(1, ...sides.flatMap((side) => pointsOf(side).map(([at]) => at)));
  const marks: Mark[] = sides.flatMap((side): Mark[] => {
    const { of } = side.policy;
    const { p99 } = side.analysis.addedLatency;
    const rule: Mark[] = p99 ? [{ kind: "rule", of, x: p99.value, label: sides.length > 1 ? `p99 ${side.policy.name}` : "p99" }] : [];
    return [{ kind: "line", of, points: pointsOf(side) }, ...rule];
  });
  const chart: Chart = {
    x: { kind: "time", label: "time that retries add", most, format: time },
    y: { kind: "linear", label: "calls that are done", most: 1, format: percent },
    marks,
    height: 260,
  };
  const readings = pointsOf(sides[0]!).map(([at, share]) => ({ at, text: `${percent(share)} of calls have waited no more than ${time(at)}` }));
  return { chart, table, readings };
}
