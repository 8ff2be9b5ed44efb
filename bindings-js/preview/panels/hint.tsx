// What becomes of the wait that a server asks for.
import { explain } from "undaunted/lab";
import { useMemo } from "preact/hooks";
import { useAnswer } from "../ask.js";
import type { Chart, Mark, Point } from "../chart.js";
import { Field, Figure, Panel, type Table } from "../figure.js";
import type { PanelProps } from "../panel.js";
import { seedIn, textIn } from "../state.js";
import { time } from "../words.js";
import { drawing as herdDrawing, legendOf, sentence as herdSentence, sidesOf } from "./herd.js";

const CLIENTS = 10_000;
/** Hints in seconds, from none to one that few accept. */
const HINTS = [0, 0.1, 0.2, 0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600];

export function Hint({ state, set, shown }: PanelProps) {
  const { seed, hint } = state;
  const options = { seed: seedIn(seed) as bigint, clients: CLIENTS, status: 429, hint: textIn(hint) as "1s" };
  const found = [useAnswer("herd", [shown[0]!.text, options]), useAnswer("herd", shown[1] ? [shown[1].text, options] : null)];
  const sides = sidesOf(shown, found);
  const herd = useMemo(() => herdDrawing(sides), [found[0]!.value, found[1]!.value, shown.length]);
  const waits = useMemo(() => drawing(shown, seed), [shown, seed]);
  return (
    <Panel
      id="hint" title="When the server says when to come back" found={found}
      lesson="Retry-After is a floor: whoever waits exactly as long as told comes back with everybody else who was told the same."
      source={{ name: "RFC 9110, 10.2.3", href: "https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3" }}
      conditions={<Field label="the hint" value={hint} placeholder="none" set={(text) => set({ hint: text })} about="The wait that each 429 asks for, as 5s." />}
    >
      <div class="pair">
        <Figure name="hint" {...waits} legend={legendOf(shown)} />
        <Figure name="hint-herd" {...herd} words={sides.map((side) => herdSentence(side, sides.length > 1))} legend={legendOf(shown)} />
      </div>
    </Panel>
  );
}

function drawing(shown: PanelProps["shown"], seed: string): { chart: Chart | undefined; words: string[]; table: Table; readings: { at: number; text: string }[] } {
  const asked = (text: string, seconds: number) => {
    try {
      const [first] = explain(text, [{ http: 429, ...(seconds ? { hint: `${seconds * 1000}ms` as "1ms" } : {}) }], { seed: seedIn(seed) as bigint });
      return first!.delay ?? first!.reason!;
    } catch {
      return undefined;
    }
  };
  const answers = shown.map(({ text }) => HINTS.map((seconds) => asked(text, seconds)));
  const says = (answer: number | string | undefined) => (typeof answer === "number" ? time(answer) : `gives up: ${answer}`);
  const isOne = shown.length < 2;
  const table = { head: ["hint", ...shown.map(({ name }) => (isOne ? "then it waits" : `${name} waits`))], rows: HINTS.map((seconds, index) => [seconds ? time(seconds * 1000) : "none", ...answers.map((one) => says(one[index]))]) };
  const points = answers.map((one) => HINTS.flatMap((seconds, index): Point[] => (typeof one[index] === "number" && seconds ? [[seconds * 1000, Math.max(1, one[index])]] : [])));
  const most = Math.max(1000, ...points.flat().map(([, wait]) => wait));
  const limits = answers.map((one) => HINTS.find((seconds, index) => seconds && typeof one[index] !== "number"));
  const words = shown.map(({ name }, side) => {
    const says = limits[side] === undefined ? "it follows hints of ten minutes, too" : `it gives up on a hint of ${time(limits[side] * 1000)} at the latest`;
    return isOne ? `Told to wait, ${says}.` : `${name}: ${says}.`;
  });
  const marks: Mark[] = shown.flatMap(({ of }, side): Mark[] => [{ kind: "line", of, points: points[side]! }, { kind: "dots", of, points: points[side]! }]);
  const chart: Chart = { x: { kind: "log", label: "the hint", least: 100, most: 600_000, format: time }, y: { kind: "log", label: "the wait of this seed’s call", least: 10, most, format: time }, marks, height: 290 };
  return { chart, words, table, readings: table.rows.slice(1).map(([hint, ...waits], index) => ({ at: HINTS[index + 1]! * 1000, text: `hint ${hint}: ${waits.join(" and ")}` })) };
}
