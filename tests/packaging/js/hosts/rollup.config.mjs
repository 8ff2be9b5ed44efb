import { nodeResolve } from "@rollup/plugin-node-resolve";

export default { input: "main.mjs", output: { file: "built/main.mjs", format: "esm" }, plugins: [nodeResolve()] };
