export default { build: { outDir: "built", lib: { entry: "program.js", formats: ["es", "cjs"], fileName: "program" } } };
