"""One version number, one place for each thing: what a reader relies on and no compiler checks."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator

from setup import ROOT

TOP_LEVEL = {
    ".ci", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "Cargo.lock", "Cargo.toml", "LICENSE", "Makefile", "README.md",
    "bindings-js", "bindings-python", "core", "examples", "rustfmt.toml", "tests",
}  # fmt: skip
# One sitting each: what every decision goes through, and what calls share. Reading policies, presets and the tables of codes are for
# looking up.
SITTINGS = {
    "the heart of the core": (["backoff", "call", "draw", "failure", "hint_rule", "jitter", "lib", "policy", "rules", "settings", "words"], 1546),
    "what calls share": (["breaker", "budget", "bulkhead", "hedge", "name", "ring", "throttle"], 1300),
}
# Only these may look at a clock, sleep or draw entropy; the core may not at all.
CLOCKS = re.compile(r"\b(Instant::now|SystemTime|thread::sleep|std::time|getrandom)\b")


def main() -> None:
    problems = [*versions(), *top_level(), *arrows(), *size()]
    if problems:
        sys.exit("\n".join(problems))


def tracked(folder: str = ".") -> list[str]:
    listed = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


def versions() -> Iterator[str]:
    cargo = tomllib.loads((ROOT / "Cargo.toml").read_text())
    version = cargo["workspace"]["package"]["version"]
    package = json.loads((ROOT / "bindings-js" / "package.json").read_text())["version"]
    lock = json.loads((ROOT / "bindings-js" / "package-lock.json").read_text())["version"]
    changelog = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    found = {
        "core in Cargo.toml": cargo["workspace"]["dependencies"]["undaunted"]["version"],
        "package.json": package,
        "package-lock.json": lock,
        "CHANGELOG.md": changelog[1] if changelog else "nothing",
    }
    for place, given in found.items():
        if given != version:
            yield f"{place} says {given}, Cargo.toml says {version}; write {version}"
    project = tomllib.loads((ROOT / "bindings-python" / "pyproject.toml").read_text())["project"]
    if "version" not in project.get("dynamic", []):
        yield "pyproject.toml has a version of its own; let maturin take Cargo.toml's"
    print(f"layout: version {version} in {len(found) + 1} places")


def top_level() -> Iterator[str]:
    for name in sorted({path.split("/")[0] for path in tracked()} - TOP_LEVEL):
        yield f"{name} is at the top level, where only {', '.join(sorted(TOP_LEVEL))} belong; move it"


def arrows() -> Iterator[str]:
    """bindings → core; tests and examples → packages; nothing imports tests or examples."""
    for path in tracked("core/src"):
        text = (ROOT / path).read_text()
        if found := CLOCKS.search(text):
            yield f"{path} says {found[0]}; time and entropy are arguments of the core"
    for folder, other in (("bindings-js", "bindings-python"), ("bindings-python", "bindings-js")):
        for path in tracked(folder):
            is_code = path.endswith((".rs", ".ts", ".mjs", ".py", ".toml"))
            if is_code and other in (ROOT / path).read_text(errors="replace"):
                yield f"{path} mentions {other}; the two bindings do not see each other"


def size() -> Iterator[str]:
    for sitting, (names, most) in SITTINGS.items():
        lines = sum(len((ROOT / "core" / "src" / f"{name}.rs").read_text().splitlines()) for name in names)
        print(f"layout: {sitting} has {lines} lines")
        if lines > most:
            yield f"{sitting} has {lines} lines, allowed {most}; move what is a table or belongs to a binding"


if __name__ == "__main__":
    main()
