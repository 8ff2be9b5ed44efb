// Clients that fail together: when they come back.
import { useEffect, useMemo } from "preact/hooks";
import { type Found, useAnswer } from "../ask.js";
import type { Chart, Mark, Point } from "../chart.js";
import { Field, Figure, Panel, type Table } from "../figure.js";
import type { PanelProps, Shown } from "../panel.js";
import { numberIn, seedIn, textIn } from "../state.js";
import { count, time } from "../words.js";
import type { Told } from "../worker.js";

export interface Side {
  readonly policy: Shown;
  readonly herd: Told<"herd">;
}

export function Herd({ state, set, shown, onDrawn }: PanelProps & { readonly onDrawn: () => void }) {
  const { seed, clients, outage, capacity, processes } = state;
  const options = { seed: seedIn(seed) as bigint, clients: numberIn(clients) as number, outage: textIn(outage) as "1s", capacity: numberIn(capacity) as number, processes: numberIn(processes) as number };
  const found = [useAnswer("herd", [shown[0]!.text, options], true), useAnswer("herd", shown[1] ? [shown[1].text, options] : null, true)];
  const sides = sidesOf(shown, found);
  const { chart, table, readings } = useMemo(() => drawing(sides), [found[0]!.value, found[1]!.value, shown.length]);
  const isDrawn = found[0]!.value !== undefined;
  useEffect(() => {
    if (isDrawn) onDrawn();
  }, [isDrawn]);
  return (
    <Panel
      id="herd" title="When many fail together" found={found}
      lesson="Clients that lost one server at one instant come back at it together unless their waits are drawn from a wide range."
      source={{ name: "Amazon Builders’ Library, Timeouts, retries and backoff with jitter", href: "https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/" }}
      conditions={<>
        <Field label="clients" value={clients} set={(text) => set({ clients: text })} about="How many fail together: 1 to 1000000." />
        <Field label="outage" value={outage} placeholder="for ever" set={(text) => set({ outage: text })} about="After this time the server answers again." />
        <Field label="capacity" value={capacity} placeholder="all" set={(text) => set({ capacity: text })} about="How many requests the server then answers in each 100 ms." />
        <Field label="processes" value={processes} placeholder="1" set={(text) => set({ processes: text })} about="Over how many processes the clients are spread: each has a budget of its own." />
      </>}
    >
      <Figure name="herd" chart={chart} words={sides.map((side) => sentence(side, sides.length > 1))} table={table} readings={readings} legend={legendOf(shown)} />
    </Panel>
  );
}

export function legendOf(shown: readonly Shown[]): (readonly [string, string])[] {
  return shown.length > 1 ? shown.map(({ of, name }) => [`line ${of}`, name] as const) : [];
}

export function sidesOf(shown: readonly Shown[], found: readonly Found<Told<"herd">>[]): Side[] {
  return shown.flatMap((policy, index) => (found[index]?.value ? [{ policy, herd: found[index].value }] : []));
}

export function sentence({ policy, herd }: Side, isOne: boolean): string {
  const { clients, window, peak, attempts, succeeded, gaveUp } = herd;
  const name = isOne ? `${policy.name}: ` : "";
  if (attempts === clients) return `${name}None of ${count(clients)} comes back.`;
  const budget = gaveUp.budget ? ` The budget stops ${count(gaveUp.budget)} of them.` : "";
  const served = succeeded ? ` ${count(succeeded)} succeed.` : "";
  return `${name}${count(peak.arrivals)} of ${count(clients)} in the worst ${time(window)}, ${time(peak.at)} after the failure; ${count(attempts - clients)} retries in all.${budget}${served}`;
}

export function drawing(sides: readonly Side[]): { chart: Chart | undefined; table: Table; readings: { at: number; text: string }[] } {
  const isOne = sides.length < 2;
  const window = sides[0]?.herd.window ?? 100;
  const windows = Math.max(0, ...sides.map(({ herd }) => herd.arrivals.length));
  const arrivals = (index: number) => sides.map(({ herd }) => herd.arrivals[index] ?? 0);
  const rows = Array.from({ length: windows }, (_, index) => [time(index * window), ...arrivals(index)]);
  const table = { head: ["from", ...sides.map(({ policy }) => (isOne ? "retries" : `retries ${policy.name}`))], rows };
  if (!windows) return { chart: undefined, table, readings: [] };
  const most = Math.max(1, ...sides.map(({ herd }) => herd.peak.arrivals));
  const marks: Mark[] = sides.flatMap(({ policy, herd }, index): Mark[] => {
    const points = herd.arrivals.map((value, at): Point => [at * window, value]);
    points.push([herd.arrivals.length * window, 0]);
    return index ? [{ kind: "steps", of: policy.of, points }] : [{ kind: "filled", of: policy.of, points }, { kind: "steps", of: policy.of, points }];
  });
  const chart: Chart = {
    x: { kind: "time", label: "time after the failure", most: windows * window, format: time },
    y: { kind: "linear", label: `retries in ${time(window)}`, most, format: count },
    marks,
    height: 290,
  };
  const readings = rows.map((_, index) => ({
    at: (index + 0.5) * window,
    text: `${time(index * window)} to ${time((index + 1) * window)}: ${arrivals(index).map((value, side) => `${isOne ? "" : `${sides[side]!.policy.name} `}${count(value)} retries`).join(", ")}`,
  }));
  return { chart, table, readings };
}
