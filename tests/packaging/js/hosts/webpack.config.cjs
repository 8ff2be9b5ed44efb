module.exports = { mode: "production", target: "node", entry: "./script.js", output: { path: `${__dirname}/built`, filename: "script.cjs" } };
