// Everything that the page shows, as the texts in its fields: the fragment of its address has all of it.

/** What each field says at first. Policies are texts of policy files; `b` is empty while there is only one. */
export const FIRST = {
  a: '{\n  "preset": "standard"\n}',
  b: "",
  edited: "a",
  view: "form",
  seed: "1",
  clients: "10000",
  outage: "",
  capacity: "",
  processes: "",
  failureRate: "0.1",
  attemptDuration: "100ms",
  calls: "10",
  repeats: "1",
  callsPerSecond: "100",
  duration: "90s",
  outageAt: "10s",
  outageFor: "30s",
  serves: "130",
  p: "0.05",
  r: "0.2",
  h: "0",
  k: "1",
  chain: "10",
  chainRepeats: "1",
  layers: "3",
  layersRate: "1",
  hint: "5s",
  failures: "503, 429 + hint 2s, reset",
  callSeed: "",
  target: "json",
};

export type State = Record<keyof typeof FIRST, string>;
export type Change = Partial<State>;

const NAMES = Object.keys(FIRST) as (keyof State)[];

/** The fragment for a state, without `#`: what differs from the first. */
export function written(state: State): string {
  const changed = NAMES.filter((name) => state[name] !== FIRST[name]).map((name) => [name, state[name].toWellFormed()]);
  return new URLSearchParams(changed).toString();
}

/** The state that a fragment says; names that are none are left out. */
export function read(fragment: string): State {
  const said = new URLSearchParams(fragment.replace(/^#/, ""));
  const state = { ...FIRST };
  for (const name of NAMES) state[name] = said.get(name) ?? FIRST[name];
  return state;
}

/** What a field of a number says: nothing, a number, or what is none, for the core to refuse. */
export function numberIn(text: string): number | string | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const value = Number(trimmed.replace(/[\s_]/g, ""));
  return Number.isFinite(value) ? value : trimmed;
}

/** What a field of a time says. */
export function textIn(text: string): string | undefined {
  return text.trim() || undefined;
}

/** What a field of a seed says. */
export function seedIn(text: string): bigint | string | undefined {
  const trimmed = text.trim();
  return /^\d+$/.test(trimmed) ? BigInt(trimmed) : trimmed || undefined;
}
