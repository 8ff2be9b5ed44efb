// A Worker: answers with what the program says, and for /wasm with what the main entry's files say where WebAssembly is refused.
import { program } from "./program.js";
import { Policy } from "./node_modules/undaunted/dist/index.js";

export default {
  async fetch(request) {
    return new Response(new URL(request.url).pathname === "/wasm" ? refusal() : await program());
  },
};

function refusal() {
  try {
    return `made ${new Policy()}`;
  } catch (error) {
    return error.message;
  }
}
