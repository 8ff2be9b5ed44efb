// The fleet's part of the engine as WebAssembly. For dist/js the build takes made-fleet-js.ts in its place.
import { WASM } from "fleet-wasm";
import type { FleetMade } from "./fleet-engine.js";
import { instantiate } from "./instantiate.js";

export function makeFleet(): FleetMade {
  return instantiate(WASM) as unknown as FleetMade;
}
