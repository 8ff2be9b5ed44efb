// Runs the cases of vector files, and makes the result lines of the differential run: tests/README.md.
import { GUARDS } from "./engine-level.js";
import { compile } from "../../bindings-js/ts/compile.ts";
import { analyse, convert, diff, explain, exportAs, invoke, ladder, lint, lintHedge, resumeCall, simulate, step, tokenOf } from "../../bindings-js/ts/lab-engine.ts";
import { textOf } from "../../bindings-js/ts/engine.ts";
import { tapeOf } from "../../bindings-js/ts/tape.ts";

/** Texts of the lab, which every host must print to the byte. */
export const labTexts = [];

/** Runs a file's cases; `draws` is the engine that has single draws. Answers what went wrong, case by case. */
export async function wrongCases(engine, draws, { kind, cases }) {
  const wrong = [];
  for (const wanted of cases) {
    let found;
    try {
      found = await (RUN[kind] ?? guarded(kind))(engine, wanted, draws);
    } catch (error) {
      found = String(error);
    }
    wrong.push(...whatIsWrong(kind, wanted, found));
  }
  return wrong;
}

function whatIsWrong(kind, wanted, found) {
  const isEstimated = kind === "analysis" || kind === "ladder";
  if (isEstimated && !isNear(wanted.expect, found)) return [`${wanted.name}\n  expected ${JSON.stringify(wanted.expect)}\n  found    ${JSON.stringify(found)}`];
  if (isEstimated) return [];
  if (kind === "diff") return isSameDifference(wanted.expect, found) ? [] : [`${wanted.name}\n  found    ${JSON.stringify(found)}`];
  const expected = wanted.steps ? wanted.steps.map((step) => step.expect) : expectation(kind, wanted);
  return same(trimmed(kind, found, expected), expected)
    ? []
    : [`${wanted.name}\n  expected ${JSON.stringify(expected)}\n  found    ${JSON.stringify(found)}`];
}

const RUN = {
  draw: (_, wanted, draws) => {
    if (wanted.seed !== undefined && draws.callSeed(wanted.seed, wanted.call) !== wanted.call_seed) return "another call_seed";
    return draws.draw(wanted);
  },
  schedule: (engine, wanted) => {
    accept(engine.compile(wanted.policy));
    const seed = wanted.call_seed ?? engine.callSeed(wanted.seed, wanted.call ?? 1);
    const attempts = wanted.attempts ?? wanted.expect.length + 1;
    return engine.schedule(seed, attempts - 1);
  },
  refusal: (engine, wanted) => engine.compile(wanted.policy),
  dump: (engine, wanted) => {
    accept(engine.compile(wanted.policy));
    const text = engine.dump();
    accept(engine.compile(JSON.parse(text)));
    return engine.dump() === text ? text : `${text} read again gives ${engine.dump()}`;
  },
  session: (engine, wanted) => {
    accept(engine.compile(wanted.policy));
    engine.makeShared(wanted.seed);
    engine.start(wanted);
    return wanted.steps.map((step) => (step.attempt ? engine.attempt(step.at) : engine.failed(step.at, step.fail)));
  },
  shared: (engine, wanted) => {
    accept(engine.compile(wanted.policy));
    return sharedSteps(engine, wanted).map(({ told, ...found }) => found);
  },
  resume: (engine, wanted) => resumed(engine, wanted),
  resume_refusal: (engine, wanted) => {
    try {
      return resumeCall(compile(tapeOf({})), {}, tapeOf(wanted.token), 0, 0);
    } catch (error) {
      return error.problems;
    }
  },
  classify: (engine, wanted) => engine.classify(wanted),
  hint: (engine, wanted) => engine.hint(wanted),
  guard_refusal: (engine, wanted) => engine.compileGuard(wanted.guard, wanted.options),
  analysis: (_, wanted) => inLab(analyse(tapeOf(wanted.policy), tapeOf(wanted.options), JSON_NOTATION)),
  analysis_refusal: (_, wanted) => {
    try {
      return analyse(tapeOf(wanted.policy), tapeOf(wanted.options), JSON_NOTATION);
    } catch (error) {
      return error.problems;
    }
  },
  diff: (_, wanted) => {
    const answer = diff(tapeOf(wanted.policy), tapeOf(wanted.other), tapeOf(wanted.options), JSON_NOTATION);
    const lines = answer[0].split("\n");
    return { ...inLab(answer), lines: wanted.expect.lines.filter((line) => lines.includes(line)) };
  },
  explain: (_, wanted) => {
    const answer = explain(tapeOf(wanted.policy), tapeOf(wanted.options), JSON_NOTATION);
    return { lines: answer[0].trimEnd().split("\n"), json: inLab(answer) };
  },
  explain_refusal: (_, wanted) => {
    try {
      return explain(tapeOf({}), tapeOf(wanted.options), JSON_NOTATION);
    } catch (error) {
      return error.problems;
    }
  },
  hedge_lint: (_, wanted) => inLab(lintHedge(tapeOf(wanted.options), JSON_NOTATION)),
  hedge_lint_refusal: (_, wanted) => {
    try {
      return lintHedge(tapeOf(wanted.options), JSON_NOTATION);
    } catch (error) {
      return error.problems;
    }
  },
  step: (_, wanted) => {
    try {
      return step(wanted.text);
    } catch {
      return null;
    }
  },
  invoke: (_, wanted) => {
    const [kind, said] = invoke(wanted.arguments);
    return kind === 2 ? JSON.parse(said) : said;
  },
  ladder: (_, wanted) => inLab(ladder(tapeOf(wanted.policy), tapeOf(wanted.options), JSON_NOTATION)),
  ladder_refusal: (_, wanted) => {
    try {
      return ladder(tapeOf({}), tapeOf(wanted.options), JSON_NOTATION);
    } catch (error) {
      return error.problems;
    }
  },
  lint: (_, wanted) => inLab(lint(tapeOf(wanted.policy))),
  convert: (_, wanted) => {
    const { policy, findings } = inLab(converted(wanted));
    return { policy: JSON.stringify(policy), findings: findings.map((finding, index) => withoutText(finding, wanted.expect.findings[index])) };
  },
  export: (_, wanted) => {
    const answer = exportAs(tapeOf(wanted.policy), ["json", "python", "typescript", "rust", "curl", "grpc", "envoy", "aws"].indexOf(wanted.target));
    const { findings } = inLab(answer);
    return { lines: answer[0].trimEnd().split("\n"), findings: findings.map((finding, index) => withoutText(finding, wanted.expect.findings[index])) };
  },
  convert_refusal: (_, wanted) => {
    try {
      return converted(wanted);
    } catch (error) {
      return error.problems;
    }
  },
  herd: (_, wanted) => simulated("herd", wanted),
  loss: (_, wanted) => simulated("loss", wanted),
  layers: (_, wanted) => simulated("layers", wanted),
  outage: (_, wanted) => simulated("outage", wanted),
  sim_refusal: async (_, wanted) => {
    try {
      return await simulated(wanted.sim, { ...wanted, seed: "1" });
    } catch (error) {
      return error.problems;
    }
  },
};

/** A call, its token, and what another policy makes of it. */
function resumed(engine, { policy, queue, before, after, started_at = 0, made_at, resumed_at, queue_mode, ...wanted }) {
  accept(engine.compile(policy));
  engine.makeShared();
  engine.start({ ...wanted, started_at });
  const [, last, isRefused] = steps(engine, before);
  const end = before.at(-1).at;
  const text = tokenOf(stateIn(engine), end, 0, made_at, ...last, isRefused);
  const settings = compile(tapeOf(queue), JSON_NOTATION);
  const state = {};
  const found = resumeCall(settings, state, tapeOf(JSON.parse(text)), resumed_at, resumed_at, queue_mode === "inactive" ? 1 : 0);
  const said = { token: text, decision: found.isDue ? null : engine.decided(found.packed, found.value), elapsed: found.elapsed };
  const [outcomes, after_last] = steps(engine, after);
  const token_after = after.length ? tokenOf(stateIn(engine), after.at(-1).at, found.elapsed, after.at(-1).at, ...after_last, false) : null;
  return { ...said, after: outcomes, token_after };
}

/** What steps come to; the last decision as the engine packs it, with its hint; and whether an attempt was refused after it. */
function steps(engine, steps) {
  let last;
  let isRefused = false;
  const outcomes = steps.map((step) => {
    if (step.attempt) {
      const found = engine.attempt(step.at);
      isRefused = !!found.give_up;
      if (isRefused) last[1] = found.hint ?? -1;
      return found;
    }
    const found = engine.failed(step.at, step.fail);
    last = [engine.packed, found.give_up ? (found.hint ?? -1) : -1];
    return found;
  });
  return [outcomes, last, isRefused];
}

/** The call in use, copied out. */
function stateIn(engine) {
  return { bytes: textOf(engine.areas.call) };
}

function guarded(kind) {
  return (engine, wanted) => {
    accept(engine.compileGuard(kind, wanted.options, wanted.seed));
    return engine.guard(kind, wanted);
  };
}

/** The kinds that the lab answers, and undaunted.wasm does not. */
export const LAB_KINDS = [
  "resume", "resume_refusal", "analysis", "analysis_refusal", "convert", "convert_refusal", "diff", "explain", "explain_refusal", "export", "ladder", "ladder_refusal", "hedge_lint", "hedge_lint_refusal", "step", "invoke", "lint", "herd", "loss", "layers", "outage", "sim_refusal",
];

function converted({ source, settings }) {
  return convert(["stamina", "tenacity", "urllib3", "grpc", "p-retry", "aws"].indexOf(source), tapeOf(settings));
}

async function simulated(kind, { policy = {}, options, seed }) {
  const number = ["herd", "loss", "layers", "outage"].indexOf(kind);
  const halves = [32n, 0n].map((bits) => Number(BigInt.asUintN(32, BigInt(seed) >> bits)));
  return inLab(await simulate(number, tapeOf(policy), tapeOf(options), JSON_NOTATION, halves, 100, () => {}, async () => {}));
}

/** Figures within their errors and no others; everything else the same. */
function isSameDifference(expected, found) {
  const codes = (findings) => findings.map(({ code }) => code);
  const plain = { options: found.options, new: codes(found.new), gone: codes(found.gone), lines: found.lines };
  const figures = Object.fromEntries(found.figures.map(({ figure, before, after }) => [figure, { before, after }]));
  const { figures: wanted, ...rest } = expected;
  return same(plain, rest) && same(Object.keys(figures), Object.keys(wanted)) && isNear(wanted, figures);
}

function inLab(answer) {
  labTexts.push(...answer);
  return JSON.parse(answer[1]);
}

/** Whether a figure is the expected [value, error] within both errors; a number without an error must be the same. */
function isNear(expected, found) {
  if (Array.isArray(expected) && Array.isArray(found)) return expected.length === found.length && expected.every((one, at) => isNear(one, found[at]));
  if (Array.isArray(expected)) return Math.abs(found?.value - expected[0]) <= found.error + expected[1] + 1e-12;
  if (typeof expected === "object" && expected) return Object.entries(expected).every(([name, value]) => isNear(value, found?.[name]));
  return expected === found;
}

const JSON_NOTATION = 0;

/** The result line of a case of the differential run. */
export function lineOf(engine, wanted) {
  if (wanted.kind === "hint") {
    const { delay, should_retry, suspicious } = engine.hint(wanted);
    return `${orDash(delay)}:${orDash(should_retry)}:${flag(suspicious)}`;
  }
  if (wanted.kind === "classify") {
    const found = engine.classify(wanted);
    return `${found.class}:${found.sent}:${found.condition}:${flag(found.known)}:${flag(found.retried)}`;
  }
  const isGuard = GUARDS.includes(wanted.kind);
  const problems = isGuard ? engine.compileGuard(wanted.kind, wanted.options, wanted.seed) : engine.compile(wanted.policy);
  if (problems.length) return problems.map(({ code, pointer }) => `${code}@${pointer}`).join(" ");
  if (isGuard) return engine.guard(wanted.kind, wanted).map(joined).join(" ");
  if (wanted.kind === "refusal") return "accepted";
  if (wanted.kind === "dump") return engine.dump();
  if (wanted.kind === "schedule") return engine.schedule(wanted.call_seed, wanted.attempts - 1).join(" ");
  if (wanted.kind === "shared") return sharedSteps(engine, wanted).map((step) => `${step.told ?? token(step)}@${orDash(step.tokens)}:${step.state ?? "-"}`).join(" ");
  return tokens(engine, wanted).join(" ");
}

function tokens(engine, wanted) {
  const found = [];
  engine.makeShared(wanted.seed);
  engine.start(wanted);
  for (const step of wanted.steps) {
    const outcome = step.attempt ? engine.attempt(step.at) : engine.failed(step.at, step.fail);
    found.push(token(outcome));
    if (outcome.give_up) break;
  }
  return found;
}

/** Several calls that share the policy's budget. */
function sharedSteps(engine, wanted) {
  const calls = new Map();
  const over = new Set();
  engine.makeShared(wanted.seed);
  return wanted.steps.flatMap((step) => {
    const { call = 1, at } = step;
    if (over.has(call)) return [];
    engine.useCall(calls, call, at, wanted);
    const found = step.attempt ? engine.attempt(at) : step.fail ? engine.failed(at, step.fail) : tell(engine, step);
    engine.keepCall(calls, call);
    if (found.give_up) over.add(call);
    return { ...found, tokens: engine.tokens(at), state: engine.state(at) };
  });
}

function tell(engine, { succeed, at }) {
  if (succeed) engine.succeeded(at);
  else engine.cancelled(at);
  return { told: succeed ? "s" : "c" };
}

function token(outcome) {
  if (outcome.number) return `a:${outcome.number}:${orDash(outcome.limit)}:${orDash(outcome.remaining)}`;
  if (!outcome.give_up) {
    return `r:${outcome.retry}:${outcome.class}:${outcome.sent}:${flag(outcome.last)}:${flag(outcome.nested_warning)}`;
  }
  return outcome.class ? `g:${outcome.give_up}:${orDash(outcome.hint)}:${outcome.class}:${outcome.sent}` : `x:${outcome.give_up}:${orDash(outcome.hint)}`;
}

function accept(problems) {
  if (problems.length) throw new Error(`refused: ${problems.map(({ text }) => text).join("; ")}`);
}

function expectation(kind, wanted) {
  return kind === "draw" ? String(wanted.x === undefined ? wanted.word : wanted.uniform) : wanted.expect;
}

/** A refusal's text is compared only where the vector has one. */
function trimmed(kind, found, expected) {
  if (!(kind.endsWith("refusal") || kind === "lint") || !Array.isArray(found)) return found;
  return found.map((one, index) => withoutText(one, expected[index]));
}

function withoutText({ text, ...rest }, expected) {
  return expected?.text === undefined ? rest : { ...rest, text };
}

function same(found, expected) {
  if (typeof expected !== "object" || expected === null || typeof found !== "object" || found === null) return found === expected;
  const names = new Set([...Object.keys(found), ...Object.keys(expected)]);
  return [...names].every((name) => same(found[name] ?? null, expected[name] ?? null));
}

/** The values of a guard's step. */
function joined(found) {
  return Object.values(found).map((value) => (typeof value === "string" ? value : orDash(value))).join(":") || "-";
}

function orDash(value) {
  return value === null ? "-" : String(Number(value));
}

function flag(value) {
  return value ? "1" : "0";
}
