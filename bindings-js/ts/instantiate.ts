import { bytesOf } from "./printable.js";

/** What a module in printable text exports. Throws what the host does if it refuses WebAssembly. */
export function instantiate(text: string, imports?: WebAssembly.Imports): WebAssembly.Exports {
  return new WebAssembly.Instance(new WebAssembly.Module(bytesOf(text)), imports).exports;
}
