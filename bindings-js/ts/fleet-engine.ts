// What a fleet needs of the engine: another cut of the same build, so that the main entry goes without it.
import { load, type State, use } from "./core.js";
import { makeFleet } from "./made-fleet-wasm.js";

/** The functions, as src/fleet.rs has them. */
export interface FleetMade {
  readonly memory: { readonly buffer: ArrayBuffer };
  area(which: number): number;
  area_size(which: number): number;
  asks_store(): number;
  breaker_asks(now: number): number;
  breaker_told(question: number, state: number, generation: number, probe: number, retryIn: number, opened: number, now: number): void;
  budget_lost(question: number, ifLost: number): void;
  budget_told(question: number, tokens: number, members: number, now: number): number;
  bulkhead_admit(): void;
  bulkhead_divide(members: number): void;
  come_home(which: number, now: number): void;
  go_away(which: number, now: number): void;
  has_report(which: number): number;
  refused_by_store(): void;
  report(which: number, now: number): number;
  take_at_home(): number;
  take_unasked(): number;
  terms(which: number): number;
  throttle_told(requests: number, accepts: number): void;
}

/** Those, with the numbers that they answer. */
export interface FleetEngine extends FleetMade {
  /** So many of the last answer. */
  listed(count: number): number[];
}

/** What the functions change, by the numbers of their areas. */
const AREAS = { call: 4, budget: 5, guard: 6 } as const;
type Area = keyof typeof AREAS;

let engine: FleetEngine & { readonly [area in Area]: Uint8Array } | undefined;

/** Has the functions work on what the engine has in use. */
export function over<R>(areas: readonly Area[], work: (engine: FleetEngine) => R): R {
  const main = load();
  engine ??= withAreas(makeFleet());
  for (const area of areas) engine[area].set(main[area]);
  const result = work(engine);
  for (const area of areas) main[area].set(engine[area]);
  return result;
}

/** The same on a guard. */
export function overGuard<R>(state: State, work: (engine: FleetEngine) => R): R {
  use("guard", state);
  return over(["guard"], work);
}

function withAreas(made: FleetMade): NonNullable<typeof engine> {
  const { buffer } = made.memory;
  const area = (which: number) => new Uint8Array(buffer, made.area(which), made.area_size(which));
  const output = area(1);
  const listed = (count: number) => [...new Float64Array(output.slice(0, count * 8).buffer)];
  return { ...made, listed, call: area(AREAS.call), budget: area(AREAS.budget), guard: area(AREAS.guard) };
}
