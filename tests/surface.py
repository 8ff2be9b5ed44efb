"""The options as users read them are those of the core: Python's and TypeScript's types and the table in core/README.md are compared with
the JSON Schema, which is made from the core's own rows."""

import ast
import json
import re
import sys
from collections.abc import Iterator

from setup import ROOT

SCHEMA = json.loads((ROOT / "core" / "policy.schema.json").read_text())


def main() -> None:
    problems = [*python(), *typescript(), *guards(), *readme()]
    if problems:
        sys.exit("\n".join(problems))
    print(f"surface: {len(SCHEMA['properties'])} options, the same in the core, Python, TypeScript and core/README.md")


def maps() -> Iterator[tuple[str, dict]]:
    """Every map of options, by its path."""

    def inside(path: str, schema: dict) -> Iterator[tuple[str, dict]]:
        if "properties" in schema:
            yield path, schema["properties"]
            for name, inner in schema["properties"].items():
                yield from inside(f"{path}.{name}", inner)
        for inner in [*schema.get("oneOf", []), *([schema["items"]] if "items" in schema else [])]:
            yield from inside(path, inner)

    yield from inside("", SCHEMA)


def words(schema: dict) -> set[str]:
    forms = schema.get("oneOf", [schema])
    return {word for form in forms for word in form.get("enum", [])}


def python() -> Iterator[str]:
    """`_options.py`: the keys of each TypedDict, and the words of each Literal."""
    tree = ast.parse((ROOT / "bindings-python" / "python" / "undaunted" / "_options.py").read_text())
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    named = {
        "": "Options", ".hint": "HintOptions", ".classes.connect": "ClassOptions", ".on_timeout": "Clip",
        ".on_timeout.clip": "MinAttempt", ".rules": "Rule", ".breaker": "BreakerOptions",
    }  # fmt: skip
    for path, options in maps():
        if path not in named:
            continue
        fields = {field.target.id: ast.unparse(field.annotation) for field in classes[named[path]].body if isinstance(field, ast.AnnAssign)}
        for name, schema in options.items():
            if name == "class" or path == ".breaker" and name == "name":  # a keyword of Python's; both are declared beside
                continue
            if name not in fields:
                yield f"_options.py: {named[path]} has no {name}, which the core has"
                continue
            for word in words(schema):
                if repr(word) not in fields[name]:
                    yield f"_options.py: {named[path]}.{name} does not name {word!r}"
        own = {"on", "retry_if_result", "on_event", "name", "seed", "cancel"} if path == "" else set()
        for extra in fields.keys() - options.keys() - own:
            yield f"_options.py: {named[path]}.{extra} is no option of the core"


def typescript() -> Iterator[str]:
    """`options.ts`: every key in camel case, and its words."""
    text = (ROOT / "bindings-js" / "ts" / "options.ts").read_text()
    body = text[text.index("export interface PolicyOptions") :]
    body = body[: body.index("\n}\n")]
    fields = dict(re.findall(r"^  readonly (\w+)\?:(.*?)(?=^  /\*\*|\Z)", body, re.DOTALL | re.MULTILINE))
    # Named types, written out where they are used.
    for name, meaning in re.findall(r"^type (\w+) = ([^;]+);", text, re.MULTILINE):
        fields = {key: re.sub(rf"\b{name}\b", meaning, value) for key, value in fields.items()}
    for name, schema in SCHEMA["properties"].items():
        camel = re.sub(r"_(\w)", lambda letter: letter[1].upper(), name)
        if camel not in fields:
            yield f"options.ts: PolicyOptions has no {camel}, which the core has"
            continue
        for word in words(schema):
            if f'"{word}"' not in fields[camel]:
                yield f"options.ts: {camel} does not name {word!r}"
        fields.pop(camel)
    for extra in fields:
        yield f"options.ts: {extra} is no option of the core"
    for path, options in maps():
        for name in options if path else ():
            camel = re.sub(r"_(\w)", lambda letter: letter[1].upper(), name)
            if not re.search(rf"\b{camel}\b", text):
                yield f"options.ts: nothing says {path[1:]}.{name} as {camel}"


def guards() -> Iterator[str]:
    """The options of breakers as a refusal names them, in Python's and TypeScript's types."""
    vectors = json.loads((ROOT / "tests" / "vectors" / "breaker-refusals.json").read_text())["cases"]
    texts = [problem.get("text", "") for case in vectors for problem in case["expect"]]
    names = next(text for text in texts if "is not an option" in text).split("allowed ")[1].split(";")[0].replace(" or ", ", ").split(", ")
    tree = ast.parse((ROOT / "bindings-python" / "python" / "undaunted" / "_options.py").read_text())
    (options,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "BreakerOptions")
    typed = {field.target.id for field in options.body if isinstance(field, ast.AnnAssign)}
    text = (ROOT / "bindings-js" / "ts" / "options.ts").read_text()
    text = text[text.index("export interface BreakerSettings") :]
    camel = set(re.findall(r"^  readonly (\w+)\?:", text[: text.index("\n}\n")], re.MULTILINE))
    for extra in typed.symmetric_difference(names):
        yield f"_options.py: BreakerOptions and the core differ in {extra}"
    for extra in camel.symmetric_difference(re.sub(r"_(\w)", lambda letter: letter[1].upper(), name) for name in names):
        yield f"options.ts: BreakerSettings and the core differ in {extra}"


def readme() -> Iterator[str]:
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", (ROOT / "core" / "README.md").read_text(), re.DOTALL | re.MULTILINE))
    text = sections["The policy"]
    rows = {name: f"{values} {default}" for name, values, default in re.findall(r"^\| `(\w+)` \|(.*)\|([^|]*)\|$", text, re.MULTILINE)}
    for name, schema in SCHEMA["properties"].items():
        if name == "undaunted":
            continue
        if name not in rows:
            yield f"core/README.md: the table has no row for {name}"
            continue
        for word in words(schema) - {"window"}:
            if word not in rows[name]:
                yield f"core/README.md: the row of {name} does not name {word!r}"
        default = schema.get("default")
        if default not in (None, [], {}) and str(default).lower() not in rows[name]:
            yield f"core/README.md: the row of {name} does not give its default {default!r}"
    for extra in rows.keys() - SCHEMA["properties"].keys():
        yield f"core/README.md: {extra} is no option of the core"
    domains = {name for names in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", sections["Domains"], re.MULTILINE) for name in re.findall(r"\w+", names)}
    of_rules = SCHEMA["properties"]["rules"]["items"]["properties"].keys() - {"body_contains", "class", "sent"}
    for name in domains ^ of_rules:
        yield f"core/README.md: {name} is a domain in one of the table of domains and the rules, not in both"


if __name__ == "__main__":
    main()
