// The waits before each retry.
import { PolicyError } from "undaunted";
import { ladder, type Rung } from "undaunted/lab";
import { useMemo } from "preact/hooks";
import type { Chart, Mark } from "../chart.js";
import { Field, Figure, Panel, type Reading } from "../figure.js";
import type { PanelProps, Shown } from "../panel.js";
import { seedIn } from "../state.js";
import { plural, time } from "../words.js";

/** Rungs that are drawn of a policy that has more. */
const MOST = 20;

interface Waits {
  readonly policy: Shown;
  readonly rungs: readonly Rung[];
  readonly timeout: number | null;
}

export function Ladder({ state, set, shown }: PanelProps) {
  const { seed } = state;
  const [waits, problems] = useMemo(() => {
    try {
      const all = shown.map((policy): Waits => {
        const found = ladder(policy.text, { seed: seedIn(seed) as bigint });
        return { policy, rungs: [...found], timeout: found.timeout };
      });
      return [all, []] as const;
    } catch (error: any) {
      return [[], error instanceof PolicyError ? error.problems : [{ pointer: "", text: error.message }]] as const;
    }
  }, [shown, seed]);
  const { chart, readings, table } = useMemo(() => drawing(waits), [waits]);
  return (
    <Panel
      id="ladder" title="The wait before each retry" problems={problems}
      lesson="Full jitter draws each wait from nothing up to a ceiling that doubles: a few short waits, many long ones."
      source={{ name: "Brooker, Exponential Backoff And Jitter", href: "https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/" }}
      conditions={<Field label="seed" value={seed} set={(text) => set({ seed: text })} about="What the drawn waits come from, 0 to 2^64 - 1: the same seed draws the same in every language." />}
    >
      <Figure
        name="ladder" chart={chart} words={waits.map((one) => sentence(one, waits.length > 1))} table={table} readings={readings}
        legend={[["span least", "from least to most"], ["span likely", "half to 99 of 100 calls"], ["tick median", "median"], ["dot drawn", "this seed’s call"]]}
      />
    </Panel>
  );
}

function sentence({ policy, rungs, timeout }: Waits, isOne: boolean): string {
  const name = isOne ? `${policy.name}: ` : "";
  if (!rungs.length) return `${name}It never retries.`;
  const most = rungs.reduce((sum, rung) => sum + rung.most, 0);
  const late = rungs.find(({ inTime }) => !inTime);
  const end = late ? `this seed’s call gives up at its timeout of ${time(timeout!)}, before retry ${late.retry}` : `this seed’s call has waited ${time(rungs.at(-1)!.at)} before the last`;
  const last = rungs.at(-1)!;
  const spread = last.most > last.least ? `the last waits of different calls differ by up to ${time(last.most - last.least)}` : "all calls wait the same";
  return `${name}${plural(rungs.length, "retry", "retries")} that wait up to ${time(timeout === null ? most : Math.min(most, timeout))} together; ${spread}; ${end}.`;
}

function drawing(waits: readonly Waits[]): { chart: Chart | undefined; readings: Reading[]; table: { head: string[]; rows: (string | number)[][] } } {
  const head = [...(waits.length > 1 ? ["policy"] : []), "retry", "least", "median", "99 of 100", "most", "drawn", "waited so far"];
  const rows = waits.flatMap(({ policy, rungs }) => rungs.map((rung) => [...(waits.length > 1 ? [policy.name] : []), rung.retry, time(rung.least), time(rung.p50.value), time(rung.p99.value), time(rung.most), time(rung.drawn), time(rung.at)]));
  const count = Math.min(MOST, Math.max(0, ...waits.map(({ rungs }) => rungs.length)));
  if (!count) return { chart: undefined, readings: [], table: { head, rows } };
  const marks: Mark[] = [];
  for (const [index, { policy, rungs }] of waits.entries()) {
    const lane = (thickness: number) => ({ index, of: waits.length, thickness });
    for (const [row, { least, p50, p99, most, drawn }] of rungs.slice(0, count).entries()) {
      marks.push({ kind: "span", of: `least ${policy.of}`, row, from: least, to: most, lane: lane(0.35) });
      marks.push({ kind: "span", of: `likely ${policy.of}`, row, from: p50.value, to: p99.value, lane: lane(0.8) });
      marks.push({ kind: "tick", of: `median ${policy.of}`, row, at: p50.value, lane: lane(0.9) });
      marks.push({ kind: "dot", of: `drawn ${policy.of}`, row, at: drawn, lane: lane(1) });
    }
  }
  const most = Math.max(...waits.flatMap(({ rungs }) => rungs.slice(0, count).map((rung) => rung.most)));
  const names = Array.from({ length: count }, (_, row) => `retry ${row + 1}`);
  const readings = names.map((name, row) => ({
    at: row,
    text: waits.filter(({ rungs }) => rungs[row]).map(({ policy, rungs }) => {
      const { least, p50, p99, most: longest, drawn } = rungs[row]!;
      return `${waits.length > 1 ? `${policy.name}, ` : ""}${name}: ${time(least)} to ${time(longest)}, median ${time(p50.value)}, 99 of 100 below ${time(p99.value)}; drawn ${time(drawn)}`;
    }).join(". "),
  }));
  const chart: Chart = {
    x: { kind: "time", label: "wait", most: most || 1, format: time },
    y: { kind: "rows", label: "", names },
    marks,
    height: Math.max(120, 60 + count * (waits.length > 1 ? 30 : 24)),
  };
  return { chart, readings, table: { head, rows } };
}
