// Load at the server while it fails and after, with and without what protects it.
import { useMemo } from "preact/hooks";
import { useAnswer } from "../ask.js";
import type { Chart, Mark, Point } from "../chart.js";
import { Field, Figure, Panel, type Table } from "../figure.js";
import type { PanelProps } from "../panel.js";
import { type Fields, textOf } from "../policy.js";
import { numberIn, seedIn, textIn } from "../state.js";
import { count, number, time } from "../words.js";
import type { Told } from "../worker.js";

interface Run {
  /** The class of its colour. */
  readonly of: string;
  readonly name: string;
  readonly outage: Told<"outage">;
}

export function Outage({ state, set, shown }: PanelProps) {
  const { seed, callsPerSecond, duration, outageAt, outageFor, serves, processes } = state;
  const perSecond = numberIn(serves);
  const options = {
    seed: seedIn(seed) as bigint, callsPerSecond: numberIn(callsPerSecond) as number, duration: textIn(duration) as "1s", outageAt: textIn(outageAt) as "1s",
    outage: textIn(outageFor) as "1s", capacity: perSecond as number, window: WINDOW, processes: numberIn(processes) as number,
  };
  const [first, second] = shown;
  const other = counterpart(first!.text, first!.effective);
  const found = [useAnswer("outage", [first!.text, options]), useAnswer("outage", [second?.text ?? other.text, options])];
  const names = second ? [`${first!.name}`, `${second.name}`] : [other.of, other.name];
  const runs = found.flatMap(({ value }, index): Run[] => (value ? [{ of: index ? (second ? "b" : "c") : "a", name: names[index]!, outage: value }] : []));
  const { chart, table, readings } = useMemo(() => drawing(runs, options), [found[0]!.value, found[1]!.value, ...names]);
  return (
    <Panel
      id="outage" title="Through an outage and out of it" found={found}
      lesson="A server that comes back meets all the retries that were waiting for it; without a budget they can keep it down for good."
      source={{ name: "Google SRE book, Addressing Cascading Failures", href: "https://sre.google/sre-book/addressing-cascading-failures/" }}
      conditions={<>
        <Field label="calls a second" value={callsPerSecond} set={(text) => set({ callsPerSecond: text })} about="New calls that begin each second, evenly." />
        <Field label="it serves a second" value={serves} placeholder="all" set={(text) => set({ serves: text })} about="Requests that the server answers well in each second; more fail." />
        <Field label="outage from" value={outageAt} set={(text) => set({ outageAt: text })} />
        <Field label="outage lasts" value={outageFor} set={(text) => set({ outageFor: text })} />
        <Field label="followed for" value={duration} set={(text) => set({ duration: text })} />
        <Field label="processes" value={processes} placeholder="1" set={(text) => set({ processes: text })} about="Over how many processes the calls are spread: each has a budget and a breaker of its own." />
      </>}
    >
      <Figure name="outage" chart={chart} words={runs.map(sentence)} table={table} readings={readings} legend={[...runs.map(({ of, name }) => [`line ${of}`, name] as const), ["line served", `answered well: ${runs[0]?.name ?? ""}`]]} />
    </Panel>
  );
}

const WINDOW = "1s";

/** The policy without its protection, or with one if it has none: what there is to choose between. */
function counterpart(text: string, effective: Fields): { text: string; of: string; name: string } {
  const fields = JSON.parse(text) as Fields;
  if (!effective.budget && !effective.breaker) return { text: textOf({ ...fields, budget: { name: "upstream" } }), of: "This policy", name: "With a budget" };
  // In place of none, which the prices that a preset has for its classes would not go with: one that is never empty.
  const free = effective.budget ? { budget: { name: "free", capacity: 1_000_000, cost: 0, reward: 1000 } } : {};
  return { text: textOf({ ...fields, ...free, breaker: null }), of: "This policy", name: "Without its protection" };
}

function sentence({ name, outage: { peak, calls, attempts, recoveredAt, succeeded, loadInOutage } }: Run): string {
  const recovered = recoveredAt === null ? "it has not recovered by the end" : `it has recovered after ${time(recoveredAt)}`;
  return `${name}: ${loadInOutage === null ? "no call" : `${number(loadInOutage)} attempts of each call`} in the outage, at most ${count(peak.attempts)} in a second; ${recovered}, ${count(succeeded)} of ${count(calls)} calls succeed with ${count(attempts)} attempts.`;
}

function drawing(runs: readonly Run[], { outageAt, outage: lasts }: { readonly outageAt: string | undefined; readonly outage: string | undefined }): { chart: Chart | undefined; table: Table; readings: { at: number; text: string }[] } {
  const [one] = runs;
  const head = ["from", ...runs.flatMap(({ name }) => [`attempts, ${name}`, `answered well, ${name}`])];
  if (!one) return { chart: undefined, table: { head, rows: [] }, readings: [] };
  const { window } = one.outage;
  const windows = one.outage.first.length;
  const load = ({ outage }: Run, index: number) => outage.first[index]! + outage.retries[index]!;
  const rows = Array.from({ length: windows }, (_, index) => [time(index * window), ...runs.flatMap((run) => [load(run, index), run.outage.served[index]!])]);
  const most = Math.max(1, ...runs.map(({ outage }) => outage.peak.attempts));
  const points = (value: (index: number) => number) => Array.from({ length: windows }, (_, index): Point => [index * window, value(index)]).concat([[windows * window, value(windows - 1)]]);
  const marks: Mark[] = runs.map((run): Mark => ({ kind: "steps", of: run.of, points: points((index) => load(run, index)) }));
  marks.unshift({ kind: "filled", of: "served", points: points((index) => one.outage.served[index]!) });
  const [from, span] = [milliseconds(outageAt), milliseconds(lasts)];
  if (from !== undefined && span !== undefined) marks.unshift({ kind: "shade", of: "down", from, to: Math.min(from + span, windows * window), label: "outage" });
  const chart: Chart = {
    x: { kind: "time", label: "time", most: windows * window, format: time },
    y: { kind: "linear", label: `attempts in ${time(window)}`, most, format: count },
    marks,
    height: 290,
  };
  const readings = rows.map((_, index) => ({
    at: (index + 0.5) * window,
    text: `${time(index * window)}: ${runs.map((run) => `${run.name} ${count(load(run, index))} attempts, ${count(run.outage.served[index]!)} answered well`).join("; ")}`,
  }));
  return { chart, table: { head, rows }, readings };
}

const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Of a time as policies write it. */
function milliseconds(text: string | undefined): number | undefined {
  const [, value, unit] = /^\s*(\d+(?:\.\d+)?)(us|ms|s|m|h)\s*$/.exec(text ?? "") ?? [];
  return unit ? Number(value) * UNITS[unit]! : undefined;
}
