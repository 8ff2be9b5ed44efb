// A page whose policy refuses WebAssembly: the main entry names undaunted/js, and with that goes on as page.js, which imports it here.
import { Policy } from "undaunted";
import { backend } from "undaunted/js";

let refusal = "none";
try {
  new Policy();
} catch (error) {
  refusal = error.message;
}
if (!refusal.includes("import undaunted/js") || backend() !== "js") throw new Error(`${backend()}, refusal: ${refusal}`);
await import("./page.js");
