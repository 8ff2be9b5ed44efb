// Charts: axes and shapes by d3, in SVG whose colours are the style sheet's.
import { axisBottom, axisLeft } from "d3-axis";
import { scaleBand, scaleLinear, scaleLog } from "d3-scale";
import { select, type Selection } from "d3-selection";
import { area, curveLinear, curveStepAfter, line } from "d3-shape";
import { timeTicks } from "./words.js";

export type Point = readonly [x: number, y: number];

/** What an axis measures: times from 0, whole numbers, others, others by their powers; or rows with names. */
export interface Axis {
  readonly kind: "time" | "whole" | "linear" | "log";
  readonly label: string;
  readonly most: number;
  readonly least?: number;
  readonly format: (value: number) => string;
}

export interface Rows {
  readonly kind: "rows";
  readonly label: string;
  readonly names: readonly string[];
}

/** What is drawn; `of` is the class of its colour. Rows are numbered from 0. */
export type Mark =
  | { readonly kind: "line" | "steps" | "filled"; readonly of: string; readonly points: readonly Point[] }
  | { readonly kind: "dots"; readonly of: string; readonly points: readonly Point[] }
  | { readonly kind: "rule"; readonly of: string; readonly x: number; readonly label: string; /** Of the label, from above. */ readonly line?: number }
  | { readonly kind: "shade"; readonly of: string; readonly from: number; readonly to: number; readonly label: string }
  | { readonly kind: "span"; readonly of: string; readonly row: number; readonly from: number; readonly to: number; readonly lane: Lane }
  | { readonly kind: "tick" | "dot"; readonly of: string; readonly row: number; readonly at: number; readonly lane: Lane };

/** Which part of a row: the first of two, say, and how thick. */
export interface Lane {
  readonly index: number;
  readonly of: number;
  readonly thickness: number;
}

export interface Chart {
  readonly x: Axis;
  readonly y: Axis | Rows;
  readonly marks: readonly Mark[];
  readonly height: number;
}

type Place = (value: number) => number;
const MARGIN = { top: 12, right: 22, bottom: 42, left: 72 };

/** Draws into an SVG of this width; answers where values lie on it. */
export function draw(element: SVGSVGElement, chart: Chart, width: number): { x: Place; y: Place; invert: (x: number, y: number) => Point } {
  const { height } = chart;
  const svg = select(element).attr("width", width).attr("height", height).attr("viewBox", `0 0 ${width} ${height}`);
  svg.selectAll("*").remove();
  const right = width - MARGIN.right;
  const bottom = height - MARGIN.bottom;
  const x = scaleOf(chart.x, [MARGIN.left, right]);
  const across = Math.max(2, Math.floor((right - MARGIN.left) / 56));
  const xTicks = ticksOf(chart.x, x, across);
  axis(svg, `translate(0,${bottom})`, axisBottom(x as any).tickValues(xTicks).tickFormat((value) => chart.x.format(Number(value))).tickSizeInner(MARGIN.top - bottom).tickSizeOuter(0).tickPadding(8));
  label(svg, chart.x.label, (MARGIN.left + right) / 2, height - 6);
  let y: Place;
  let invertY: Place;
  let band = 0;
  if (chart.y.kind === "rows") {
    const rows = scaleBand<number>().domain(chart.y.names.keys()).range([MARGIN.top, bottom]).paddingInner(0.2).paddingOuter(0.1);
    const { names } = chart.y;
    const every = Math.ceil(names.length / Math.max(1, (bottom - MARGIN.top) / 14));
    axis(svg, `translate(${MARGIN.left},0)`, axisLeft(rows).tickValues([...names.keys()].filter((row) => row % every === 0)).tickFormat((row) => names[row]!).tickSize(0).tickPadding(8));
    band = rows.bandwidth();
    y = (row) => rows(row) ?? 0;
    invertY = (at) => Math.min(names.length - 1, Math.max(0, Math.floor((at - MARGIN.top) / rows.step())));
  } else {
    const scale = scaleOf(chart.y, [bottom, MARGIN.top]);
    const { format } = chart.y;
    const up = Math.max(2, Math.floor((bottom - MARGIN.top) / 40));
    axis(svg, `translate(${MARGIN.left},0)`, axisLeft(scale as any).tickValues(ticksOf(chart.y, scale, up)).tickFormat((value) => format(Number(value))).tickSizeInner(MARGIN.left - right).tickSizeOuter(0).tickPadding(8));
    y = (value) => scale(value);
    invertY = (at) => scale.invert(at);
  }
  label(svg, chart.y.label, -(MARGIN.top + bottom) / 2, 12).attr("transform", "rotate(-90)");
  const laneOf = (row: number, { index, of, thickness }: Lane) => {
    const one = band / of;
    const thick = one * thickness;
    return { top: y(row) + one * index + (one - thick) / 2, thick };
  };
  for (const mark of chart.marks) {
    const of = `mark ${mark.kind} ${mark.of}`;
    switch (mark.kind) {
      case "shade": {
        const from = x(mark.from);
        svg.append("rect").attr("class", of).attr("x", from).attr("width", Math.max(0, x(mark.to) - from)).attr("y", MARGIN.top).attr("height", bottom - MARGIN.top).lower();
        svg.append("text").attr("class", `${of} note`).attr("x", from + 4).attr("y", MARGIN.top + 12).text(mark.label);
        break;
      }
      case "filled":
        svg.append("path").attr("class", of).attr("d", area<Point>(([at]) => x(at), bottom, ([, value]) => y(value)).curve(curveStepAfter)(mark.points));
        break;
      case "line":
      case "steps":
        svg.append("path").attr("class", of).attr("d", line<Point>(([at]) => x(at), ([, value]) => y(value)).curve(mark.kind === "steps" ? curveStepAfter : curveLinear)(mark.points));
        break;
      case "dots":
        for (const [at, value] of mark.points) svg.append("circle").attr("class", of).attr("cx", x(at)).attr("cy", y(value)).attr("r", 3);
        break;
      case "rule": {
        const at = x(mark.x);
        const isLeft = at > (MARGIN.left + right) / 2;
        svg.append("line").attr("class", of).attr("x1", at).attr("x2", at).attr("y1", MARGIN.top).attr("y2", bottom);
        svg.append("text").attr("class", `${of} note`).attr("x", at + (isLeft ? -4 : 4)).attr("y", MARGIN.top + 10 + (mark.line ?? 0) * 14)
          .attr("text-anchor", isLeft ? "end" : "start").text(mark.label);
        break;
      }
      case "span": {
        const { top, thick } = laneOf(mark.row, mark.lane);
        svg.append("rect").attr("class", of).attr("x", x(mark.from)).attr("width", Math.max(1, x(mark.to) - x(mark.from))).attr("y", top).attr("height", thick).attr("rx", Math.min(2, thick / 2));
        break;
      }
      case "tick": {
        const { top, thick } = laneOf(mark.row, mark.lane);
        svg.append("line").attr("class", of).attr("x1", x(mark.at)).attr("x2", x(mark.at)).attr("y1", top).attr("y2", top + thick);
        break;
      }
      case "dot": {
        const { top, thick } = laneOf(mark.row, mark.lane);
        svg.append("circle").attr("class", of).attr("cx", x(mark.at)).attr("cy", top + thick / 2).attr("r", Math.max(2.5, Math.min(4.5, band / mark.lane.of / 3)));
      }
    }
  }
  return { x, y: (value) => y(value) + band / 2, invert: (atX, atY) => [x.invert(atX), invertY(atY)] };
}

function scaleOf({ kind, least, most }: Axis, range: [number, number]) {
  if (kind === "log") return scaleLog([least ?? 1, most], range);
  return scaleLinear([least ?? 0, most || 1], range);
}

function ticksOf({ kind, most }: Axis, scale: { ticks(about: number): number[] }, about: number): number[] {
  if (kind === "time") return timeTicks(most || 1, about);
  const ticks = scale.ticks(about);
  if (kind === "whole") return ticks.filter(Number.isInteger);
  return kind === "log" && ticks.length > about ? ticks.filter((value) => Number.isInteger(Math.log10(value))) : ticks;
}

type Svg = Selection<SVGSVGElement, unknown, null, undefined>;

function axis(svg: Svg, place: string, made: (selection: any) => void): void {
  svg.append("g").attr("class", "axis").attr("transform", place).call(made).attr("font-family", null).attr("font-size", null).select(".domain").remove();
}

function label(svg: Svg, text: string, x: number, y: number) {
  return svg.append("text").attr("class", "label").attr("x", x).attr("y", y).attr("text-anchor", "middle").text(text);
}
