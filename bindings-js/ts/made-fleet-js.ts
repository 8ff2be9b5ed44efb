// The fleet's part of the engine as JavaScript that the build generated from the same wasm.
import { DATA, START, twin } from "fleet-js";
import type { FleetMade } from "./fleet-engine.js";
import { bytesOf } from "./printable.js";

export function makeFleet(): FleetMade {
  const made = twin() as FleetMade;
  new Uint8Array(made.memory.buffer).set(bytesOf(DATA), START);
  return made;
}
