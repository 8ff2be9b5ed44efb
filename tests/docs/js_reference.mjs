// Prints JavaScript's reference: what the comments and types of ts/ say of every entry of the package. `node js_reference.mjs FOLDER`, which has typedoc
// installed. Ends with 1 and a line for each public name without a comment; properties, and what is needed of others' objects, may speak for themselves.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ENTRIES } from "../../bindings-js/scripts/entries.mjs";

const home = fileURLToPath(new URL("../../bindings-js", import.meta.url));
const { Application, ReflectionKind } = await import(pathToFileURL(createRequire(join(process.argv[2], "package.json")).resolve("typedoc")));
const LONGEST = 110;
const problems = [];

const PREFACE = `# Reference

What the comments in the package's types say, entry by entry, in the order of the alphabet. It is written by \`make reference\`; edit the comments in \`ts/\`
instead. \`undaunted/js\` and the entries below it export the same.

Options are read-only, and may be undefined where they may be missing. A \`Duration\` is text with a unit, \`"250ms"\`, milliseconds, or a \`Temporal.Duration\`; times
that are answered are milliseconds. [A table](../../core/README.md#the-policy) has the options of a policy with their values and defaults.
`;

const app = await Application.bootstrap({
  entryPoints: ["index", ...ENTRIES].map((name) => join(home, "ts", `${name}.ts`)),
  tsconfig: join(home, "tsconfig.json"),
  excludeExternals: true,
  excludeInternal: true,
  excludePrivate: true,
  logLevel: "Error",
  readme: "none",
  sort: ["alphabetical"],
});
const project = await app.convert();
if (!project) process.exit(1);
const modules = new Map(project.children.map((found) => [found.name, found]));

/** A chapter: what an entry exports, and what it shares with one before. */
function entry(name) {
  const called = name === "index" ? "undaunted" : `undaunted/${name}`;
  const children = [...modules.get(name).children].sort((one, other) => compare(one.name, other.name));
  const shared = children.filter((found) => found.kind === ReflectionKind.Reference);
  const own = children.filter((found) => found.kind !== ReflectionKind.Reference);
  const more = shared.map((found) => `\`${found.name}\` of ${entryOf(found.getTargetReflectionDeep())}`);
  const also = more.length ? `\nAlso exported: ${more.join(", ")}.\n` : "";
  return `\n## ${called}\n\n${headOf(name)}\n${own.map(item).join("")}${also}`;
}

/** The sentence at the head of an entry's file. */
function headOf(name) {
  const lines = readFileSync(join(home, "ts", `${name}.ts`), "utf8").split("\n").filter((line) => !line.startsWith("///"));
  const head = lines.slice(0, lines.findIndex((line) => !line.startsWith("// "))).map((line) => line.slice(3));
  if (!head.length) problems.push(`the head of ${name}.ts`);
  return head.join(" ");
}

function entryOf(found) {
  const { name } = found.parent;
  return name === "index" ? "undaunted" : `undaunted/${name}`;
}

function item(found) {
  return `\n### ${found.name}\n\n${RENDERERS[found.kind](found)}`;
}

const RENDERERS = {
  [ReflectionKind.Function]: (found) => signatures(found, found.name),
  [ReflectionKind.Variable]: (found) => code(`${found.name}: ${type(found.type)}`) + said(found),
  [ReflectionKind.TypeAlias]: (found) => code(alias(found)) + said(found),
  [ReflectionKind.Class]: classLike,
  [ReflectionKind.Interface]: (found) => (found.signatures ? callable(found) : interfaceLike(found)),
};

function classLike(found) {
  const maker = found.children.find(({ kind }) => kind === ReflectionKind.Constructor);
  const made = maker?.signatures.filter((signature) => !signature.inheritedFrom) ?? [];
  const lines = made.map((signature) => call({ parameters: signature.parameters }, `new ${found.name}`));
  const makerSaid = made.map((signature) => textOf(signature.comment)).filter(Boolean).map((words) => `\n${words}\n`).join("");
  return code([`class ${found.name}${parameters(found)}${basesOf(found)}`, ...lines].join("\n")) + said(found) + makerSaid + members(found);
}

function interfaceLike(found) {
  return code(`interface ${found.name}${parameters(found)}${basesOf(found)}`) + said(found) + members(found);
}

/** What it extends and can be looked up: here, or elsewhere. */
function basesOf({ extendedTypes = [] }) {
  const bases = extendedTypes.filter((base) => base.reflection || base.package !== "undaunted").map((base) => type(base));
  return bases.length ? ` extends ${bases.join(", ")}` : "";
}

/** An interface that is a function with more to it. */
function callable(found) {
  const lines = found.signatures.map((signature) => `${call(signature, "").replace(/^/gm, "  ")};\n`);
  return code(`interface ${found.name} {\n${lines.join("")}}`) + said(found) + members(found);
}

/** Its properties in a list, then its methods. */
function members(found) {
  const own = (found.children ?? [])
    .filter((member) => !member.inheritedFrom?.reflection && member.kind !== ReflectionKind.Constructor && !member.name.startsWith("["))
    .sort((one, other) => Number(!!other.flags.isStatic) - Number(!!one.flags.isStatic) || compare(one.name, other.name));
  const isMethod = (member) => member.kind === ReflectionKind.Method;
  const list = own.filter((member) => !isMethod(member)).map((member) => `- ${property(member)}\n`);
  const methods = own.filter(isMethod).map((member) => `\n${signatures(member, `${member.flags.isStatic ? `${found.name}.` : "."}${member.name}`, found)}`);
  return (list.length ? `\n${list.join("")}` : "") + methods.join("");
}

function property(member) {
  const from = member.getSignature ?? member;
  const isOptional = !!member.flags.isOptional;
  const words = textOf(from.comment);
  const shown = `\`${member.name}${isOptional ? "?" : ""}: ${type(from.type, isOptional)}\``;
  return words ? `${shown} · ${words.replace(/\n+/g, " ")}` : shown;
}

function signatures(found, shown, owner) {
  const kept = found.signatures;
  const texts = kept.map((signature) => textOf(signature.comment) || textOf(found.comment)).filter(Boolean);
  if (!texts.length && owner?.kind !== ReflectionKind.Interface && !OBVIOUS.has(found.name)) problems.push(`${owner ? `${owner.name}.` : ""}${found.name}`);
  return code(kept.map((signature) => call(signature, shown)).join("\n")) + [...new Set(texts)].map((words) => `${words}\n`).join("\n");
}

/** A signature as it is called, one parameter a line if it is long. */
function call(signature, shown) {
  const words = (signature.parameters ?? []).map(parameter);
  const before = `${shown}${parameters(signature)}`;
  const after = signature.type ? `: ${type(signature.type)}` : "";
  const line = `${before}(${words.join(", ")})${after}`;
  return line.length <= LONGEST ? line : `${before}(\n${words.map((word) => `  ${word},\n`).join("")})${after}`;
}

function parameter(found) {
  if (found.name === "this") return `this: ${type(found.type)}`;
  const isOptional = found.flags.isOptional || found.defaultValue !== undefined;
  const name = found.name === "__namedParameters" ? "options" : found.name;
  return `${found.flags.isRest ? "..." : ""}${name}${isOptional ? "?" : ""}: ${type(found.type, isOptional)}`;
}

function parameters({ typeParameters: found }) {
  if (!found?.length) return "";
  const words = found.map((one) => one.name + (one.type ? ` extends ${type(one.type)}` : "") + (one.default ? ` = ${type(one.default)}` : ""));
  return `<${words.join(", ")}>`;
}

/** A type and its name; a union that is too long, one member a line. */
function alias(found) {
  const name = `type ${found.name}${parameters(found)} =`;
  const line = `${name} ${type(found.type)}`;
  if (line.length <= LONGEST || found.type.type !== "union") return line;
  return `${name}${united(found.type.types).map((one) => `\n  | ${one}`).join("")}`;
}

/** As one would write it; without `undefined` where it goes without saying. */
function type(found, isOptional = false) {
  if (!isOptional || found.type !== "union") return found.visit(TYPES);
  return united(found.types.filter((one) => one.name !== "undefined")).join(" | ");
}

/** The members of a union in an order that is the same whatever the compiler met first. */
function united(types) {
  const words = types.map((one) => (one.type === "reflection" && one.declaration.signatures ? inner(one) : type(one)));
  const rank = (word) => LATER.findIndex((kind) => kind.test(word));
  return [...new Set(words)].sort((one, other) => rank(one) - rank(other) || compare(one, other));
}

const LATER = [/^[({]/, /^null$/, /^undefined$/];
const inner = (found) => (/^(union|intersection|conditional|reflection|typeOperator)$/.test(found.type) ? `(${type(found)})` : type(found));
const TYPES = {
  array: (found) => `${inner(found.elementType)}[]`,
  conditional: (found) => `${type(found.checkType)} extends ${type(found.extendsType)} ? ${type(found.trueType)} : ${type(found.falseType)}`,
  indexedAccess: (found) => `${inner(found.objectType)}[${type(found.indexType)}]`,
  inferred: (found) => `infer ${found.name}`,
  intersection: (found) => found.types.map((one) => type(one)).join(" & "),
  intrinsic: (found) => found.name,
  literal: (found) => (typeof found.value === "bigint" ? `${found.value}n` : JSON.stringify(found.value)),
  mapped: (found) => `{ [${found.parameter} in ${type(found.parameterType)}]${found.optionalModifier === "+" ? "?" : ""}: ${type(found.templateType)} }`,
  namedTupleMember: (found) => `${found.name}${found.isOptional ? "?" : ""}: ${type(found.element)}`,
  optional: (found) => `${inner(found.elementType)}?`,
  predicate: (found) => `${found.asserts ? "asserts " : ""}${found.name} is ${type(found.targetType)}`,
  query: (found) => `typeof ${type(found.queryType)}`,
  reference: (found) => `${found.name}${found.typeArguments?.length ? `<${found.typeArguments.map((one) => type(one)).join(", ")}>` : ""}`,
  reflection: ({ declaration }) => literal(declaration),
  rest: (found) => `...${type(found.elementType)}`,
  templateLiteral: (found) => `\`${found.head}${found.tail.map(([one, after]) => `\${${type(one)}}${after}`).join("")}\``,
  tuple: (found) => `[${found.elements.map((one) => type(one)).join(", ")}]`,
  typeOperator: (found) => `${found.operator} ${inner(found.target)}`,
  union: (found) => united(found.types).join(" | "),
  unknown: (found) => found.name,
};

/** A type without a name: a function's, or an object's. */
function literal({ signatures, children = [], indexSignatures = [] }) {
  const arrow = (signature) =>
    `${signature.kind === ReflectionKind.ConstructorSignature ? "new " : ""}${parameters(signature)}(${(signature.parameters ?? []).map(parameter).join(", ")}) => ${type(signature.type)}`;
  if (signatures?.length === 1 && !children.length) return arrow(signatures[0]);
  const made = children.find(({ kind }) => kind === ReflectionKind.Constructor);
  if (made) return arrow(made.signatures[0]);
  const parts = [
    ...(signatures ?? []).map((signature) => call(signature, "")),
    ...indexSignatures.map(({ parameters: [key], type: value }) => `[${key.name}: ${type(key.type)}]: ${type(value)}`),
    ...children.map((child) =>
      child.signatures
        ? child.signatures.map((signature) => call(signature, child.name)).join("; ")
        : `${child.name}${child.flags.isOptional ? "?" : ""}: ${type(child.type, child.flags.isOptional)}`),
  ];
  return parts.length ? `{ ${parts.join("; ")} }` : "{}";
}

function said(found) {
  const words = textOf(found.comment);
  if (!words) problems.push(found.name);
  return words ? `${words}\n` : "";
}

function textOf(comment) {
  return (comment?.summary ?? []).map(({ text }) => text).join("").trim();
}

function code(lines) {
  return `\`\`\`dts\n${lines}\n\`\`\`\n\n`;
}

function compare(one, other) {
  const [left, right] = [one.toLowerCase(), other.toLowerCase()];
  return left < right ? -1 : Number(left > right);
}

/** What every object has. */
const OBVIOUS = new Set(["toString", "toJSON"]);

const text = PREFACE + ["index", ...ENTRIES].map(entry).join("");
if (problems.length) {
  console.error(problems.map((name) => `reference: ${name} has no comment; write one`).join("\n"));
  process.exit(1);
}
process.stdout.write(text);
