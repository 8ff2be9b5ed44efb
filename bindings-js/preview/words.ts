// Numbers as a reader wants them. Times are in milliseconds.

/** A whole number, its thousands apart. */
export function count(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: 0 }).replaceAll(",", "\u202f");
}

/** A number with as many digits as matter. */
export function number(value: number): string {
  return value >= 1000 ? count(value) : String(Number(value.toPrecision(3)));
}

/** A share of one. */
export function percent(share: number): string {
  const text = String(Number((share * 100).toPrecision(3)));
  return `${share < 1 && share > 0.999 ? (Math.floor(share * 100_000) / 1000).toString() : text}\u202f%`;
}

const UNITS: readonly (readonly [name: string, size: number])[] = [["h", 3_600_000], ["min", 60_000], ["s", 1000], ["ms", 1], ["µs", 0.001]];

/** A time in the unit that suits it. */
export function time(ms: number): string {
  if (ms === 0) return "0\u202fs";
  const [name, size] = UNITS.find(([unit, least]) => ms >= least * (unit === "min" ? 2 : 1)) ?? UNITS.at(-1)!;
  return `${Number((ms / size).toPrecision(3))}\u202f${name}`;
}

/** Steps between the marks of a time axis that people count in. */
const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500,
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60_000),
  ...[1, 2, 3, 6, 12, 24, 48, 120, 240].map((hours) => hours * 3_600_000),
];

/** Where a time axis from 0 has its marks, about so many. */
export function timeTicks(end: number, about: number): number[] {
  const step = end < STEPS[0]! ? end / 4 : (STEPS.find((size) => end / size <= about) ?? end / about);
  return step > 0 ? Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, index) => index * step) : [0];
}

/** One of several words by a number. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
