// What every panel is given.
import type { Change, State } from "./state.js";
import type { Fields } from "./policy.js";

/** A policy that can be drawn: the last good text of its side. */
export interface Shown {
  /** The class of its colour. */
  readonly of: "a" | "b";
  /** What it is called where there are two. */
  readonly name: string;
  readonly text: string;
  readonly effective: Fields;
}

export interface PanelProps {
  readonly state: State;
  readonly set: (change: Change) => void;
  /** One or two. */
  readonly shown: readonly Shown[];
}
