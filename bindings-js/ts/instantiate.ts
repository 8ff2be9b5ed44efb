import { bytesOf } from "./printable.js";

/** What a module in printable text exports. Throws what the host does if it refuses WebAssembly. */
export function instantiate(text: string): WebAssembly.Exports {
  return new WebAssembly.Instance(new WebAssembly.Module(bytesOf(text))).exports;
}
