// What every panel has: a title, what it teaches, its conditions, the picture, what it says in words, and the table behind it.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Found, Problem } from "./ask.js";
import { type Chart, draw } from "./chart.js";
import { csvOf, keep, pngOf, svgOf } from "./save.js";

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** What stands at a place of the picture, in words. */
export interface Reading {
  readonly at: number;
  readonly text: string;
}

export interface Source {
  readonly name: string;
  readonly href: string;
}

interface PanelProps {
  readonly id: string;
  readonly title: string;
  /** One sentence, and where it is from. */
  readonly lesson: ComponentChildren;
  readonly source?: Source;
  readonly conditions?: ComponentChildren;
  readonly children: ComponentChildren;
  readonly found?: readonly Found<unknown>[];
  readonly problems?: readonly Problem[];
}

export function Panel({ id, title, lesson, source, conditions, children, found = [], problems = [] }: PanelProps) {
  const told = [...problems, ...found.flatMap((one) => one.problems)];
  const texts = [...new Set(told.map(({ text }) => text))];
  return (
    <section class="panel" id={id} aria-labelledby={`${id}-title`}>
      <header>
        <h2 id={`${id}-title`}>{title}</h2>
        <p class="lesson">
          {lesson}
          {source && <> <a href={source.href} rel="noreferrer">{source.name}</a></>}
        </p>
      </header>
      {conditions && <div class="conditions">{conditions}</div>}
      <div role="alert">{texts.length > 0 && <ul class="problems">{texts.map((text) => <li key={text}>{text}</li>)}</ul>}</div>
      {found.map((one, index) => <Progress key={index} found={one} />)}
      {children}
    </section>
  );
}

/** Shown only once it takes long. */
function Progress({ found: { progress, stop, isStopped } }: { readonly found: Found<unknown> }) {
  const [isLong, setLong] = useState(false);
  const isRunning = progress !== undefined;
  useEffect(() => {
    if (!isRunning) return setLong(false);
    const timer = setTimeout(() => setLong(true), 300);
    return () => clearTimeout(timer);
  }, [isRunning]);
  if (isStopped) return <p class="progress">Stopped; change a number to go on.</p>;
  if (!isLong || !isRunning) return null;
  return (
    <p class="progress">
      <progress aria-label="simulated" value={progress || undefined} />
      <button type="button" onClick={stop}>Stop</button>
    </p>
  );
}

interface FigureProps {
  readonly name: string;
  readonly chart: Chart | undefined;
  /** The main thing, in words: a sentence for each policy. */
  readonly words: readonly string[];
  readonly table: Table;
  readonly legend?: readonly (readonly [of: string, text: string])[];
  readonly readings?: readonly Reading[];
}

export function Figure({ name, chart, words, table, legend = [], readings = [] }: FigureProps) {
  const svg = useRef<SVGSVGElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const drawn = useRef<ReturnType<typeof draw> | undefined>(undefined);
  const [width, setWidth] = useState(0);
  const [reading, setReading] = useState(-1);
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    watch.observe(box.current!);
    setWidth(Math.floor(box.current!.getBoundingClientRect().width));
    return () => watch.disconnect();
  }, []);
  useLayoutEffect(() => {
    drawn.current = undefined;
    if (!chart) return svg.current!.replaceChildren();
    if (!width) return;
    drawn.current = draw(svg.current!, chart, width);
    setReading(-1);
  }, [chart, width]);

  const isByRow = chart?.y.kind === "rows";
  const nearest = (value: number) => readings.reduce((best, one, index) => (Math.abs(one.at - value) < Math.abs(readings[best]!.at - value) ? index : best), 0);
  const point = (event: PointerEvent) => {
    if (!drawn.current || !readings.length) return;
    const { left, top } = svg.current!.getBoundingClientRect();
    const [x, y] = drawn.current.invert(event.clientX - left, event.clientY - top);
    setReading(nearest(isByRow ? y : x));
  };
  const step = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -readings.length, End: readings.length }[event.key];
    if (by === undefined || !readings.length) return;
    event.preventDefault();
    setReading((at) => Math.min(readings.length - 1, Math.max(0, (at < 0 && by > 0 ? -1 : at) + by)));
  };
  const shown = readings[reading];
  const place = shown && drawn.current && (isByRow ? drawn.current.y(shown.at) : drawn.current.x(shown.at));
  return (
    <figure aria-labelledby={id}>
      <figcaption id={id} class="words">{words.map((sentence) => <p key={sentence}>{sentence}</p>)}</figcaption>
      {legend.length > 0 && <ul class="legend" aria-hidden="true">{legend.map(([of, text]) => <li key={text} class={of}>{text}</li>)}</ul>}
      <div class="picture" ref={box} tabIndex={readings.length ? 0 : undefined} role="group" aria-label={`${name}: the arrow keys read it`} onKeyDown={step} onPointerMove={point} onPointerLeave={() => setReading(-1)} onBlur={() => setReading(-1)}>
        <svg ref={svg} aria-hidden="true" height={chart?.height ?? 200} />
        {place !== undefined && <Cursor at={place} isByRow={isByRow} width={width} height={chart!.height} />}
      </div>
      <output class="reading" aria-live="polite">{shown?.text ?? "\u00a0"}</output>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>Table and files</summary>
        <p class="files">
          <button type="button" onClick={() => keep(`${name}.svg`, svgOf(svg.current!), "image/svg+xml")}>SVG</button>
          <button type="button" onClick={async () => keep(`${name}.png`, await pngOf(svg.current!))}>PNG</button>
          <button type="button" onClick={() => keep(`${name}.csv`, csvOf(table), "text/csv")}>CSV</button>
        </p>
        {isOpen && <div class="scroll" tabIndex={0} role="region" aria-label={`${name}, as a table`}>
          <table>
            <thead><tr>{table.head.map((cell) => <th key={cell} scope="col">{cell}</th>)}</tr></thead>
            <tbody>{table.rows.slice(0, MOST_ROWS).map((row, index) => <tr key={index}>{row.map((cell, at) => (at ? <td key={at}>{cell}</td> : <th key={at} scope="row">{cell}</th>))}</tr>)}</tbody>
          </table>
          {table.rows.length > MOST_ROWS && <p>{table.rows.length - MOST_ROWS} more rows are in the CSV file.</p>}
        </div>}
      </details>
    </figure>
  );
}

/** Rows that a browser lays out without a pause. */
const MOST_ROWS = 200;

function Cursor({ at, isByRow, width, height }: { readonly at: number; readonly isByRow: boolean; readonly width: number; readonly height: number }) {
  const ends = isByRow ? { x1: 0, x2: width, y1: at, y2: at } : { x1: at, x2: at, y1: 0, y2: height - 42 };
  return <svg class="cursor" aria-hidden="true" width={width} height={height}><line {...ends} /></svg>;
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly set: (text: string) => void;
  readonly placeholder?: string;
  readonly about?: string;
  readonly isWide?: boolean;
}

/** A condition of a panel. */
export function Field({ label, value, set, placeholder, about, isWide }: FieldProps) {
  return (
    <label class={isWide ? "field wide" : "field"} title={about}>
      <span>{label}</span>
      <input value={value} placeholder={placeholder} autocomplete="off" spellcheck={false} onInput={(event) => set(event.currentTarget.value)} />
    </label>
  );
}
