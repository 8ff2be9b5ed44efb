"""How a block of each language is run: a function of block and folder that answers what is wrong, or None."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from blocks import Block
from console import check_console

from setup import JS, ROOT, environment

LONGEST_SECONDS = 120
LINES_SHOWN = 25


def folder_with_packages(folder: Path, *installed: Path) -> None:
    """A folder of a project that has installed the npm package, Node's types, and the packages of other folders."""
    modules = folder / "node_modules"
    (modules / ".bin").mkdir(parents=True)
    (modules / ".bin" / "undaunted").symlink_to(JS / "bin" / "undaunted.mjs")
    (modules / "undaunted").symlink_to(JS, target_is_directory=True)
    (modules / "@types").symlink_to(JS / "node_modules" / "@types", target_is_directory=True)
    for other in installed:
        for name in json.loads((other / "package.json").read_text(encoding="utf-8"))["dependencies"]:
            (modules / name).parent.mkdir(exist_ok=True)
            (modules / name).symlink_to(other / "node_modules" / name, target_is_directory=True)
    (folder / "package.json").write_text('{ "private": true, "type": "module" }')


def run_python(block: Block, folder: Path) -> str | None:
    return run_at_its_line(block, folder, ".py", [sys.executable, "-X", "dev", "-W", "error"], PYTHON_SAYS, PYTHON_PRINTS)


def run_javascript(block: Block, folder: Path) -> str | None:
    ending = ".cjs" if re.search(r"\brequire\(", block.text) else ".mjs"
    return run_at_its_line(block, folder, ending, ["node"], JAVASCRIPT_SAYS, JAVASCRIPT_PRINTS)


def run_at_its_line(
    block: Block, folder: Path, ending: str, command: list[str], says: re.Pattern[str], prints: re.Pattern[str]
) -> str | None:
    """Runs the block from a file where its lines have the numbers they have in the document. A comment behind a line that prints is what
    it prints; a failed `console.assert` is a failure."""
    if not says.search(block.text):
        return "it neither asserts nor prints anything, so that it could not fail; let it assert"
    file = folder / f"{block.document.stem}-line-{block.line}{ending}"
    file.write_text("\n" * (block.line - 1) + block.text, encoding="utf-8")
    said, problem = ended([*command, file], folder)
    if problem or ASSERTION_FAILED.search(said):
        return problem or tail(said)
    return missing_line(said, prints.findall(block.text))


def missing_line(said: str, wanted: list[str]) -> str | None:
    """What is wrong if these lines were not printed, in this order."""
    lines = iter(said.splitlines())
    for line in wanted:
        if line not in lines:
            return f"it does not print `{line}` where it says so, but\n    {tail(said)}"
    return None


def check_typescript(block: Block, folder: Path) -> str | None:
    file = folder / f"{block.document.stem}-line-{block.line}.ts"
    file.write_text("\n" * (block.line - 1) + block.text, encoding="utf-8")
    tsc = JS / "node_modules" / ".bin" / "tsc"
    options = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--types", "node", "--lib", "es2024,dom,dom.iterable"]
    return ended([tsc, *options, "--ignoreConfig", file], folder)[1]


def read_json(block: Block, folder: Path) -> str | None:
    try:
        value = json.loads(block.text)
    except ValueError as error:
        return f"no JSON: {error}"
    options = json.loads((ROOT / "core" / "policy.schema.json").read_text(encoding="utf-8"))["properties"]
    if isinstance(value, dict) and value.keys() & options.keys():
        import undaunted

        try:
            undaunted.Policy.parse(block.text)
        except undaunted.PolicyError as error:
            return f"no policy: {error}"
    return None


def run_rust(block: Block, folder: Path) -> str | None:
    library = engine_library()
    file = folder / f"{block.document.stem}-line-{block.line}.md"
    file.write_text("\n" * (block.line - 2) + f"```rust\n{block.text}```\n", encoding="utf-8")
    crate = ["--extern", f"undaunted={library}", "-L", f"dependency={library.parent / 'deps'}"]
    words = ["rustdoc", "--test", "--edition", "2024", *crate, file]
    said, problem = ended(words, folder)
    if problem is None and "1 passed" not in said:
        return f"no test ran: {tail(said)}"
    return problem


def engine_library() -> Path:
    words = ["cargo", "build", "--quiet", "--locked", "-p", "undaunted", "--lib", "--message-format=json"]
    built = subprocess.run(words, cwd=ROOT, env=environment(), capture_output=True, text=True)
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-artifact" and message["target"]["name"] == "undaunted":
            return next(Path(name) for name in message["filenames"] if name.endswith(".rlib"))
    raise OSError(f"cargo build -p undaunted: {tail(built.stderr)}")


def check_shell(block: Block, folder: Path) -> str | None:
    targets = set(re.findall(r"^([\w-]+):(?!=)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in block.text.splitlines():
        if (made := re.match(r"(?:\$ )?make\s+([\w-]+)", line)) and made[1] not in targets:
            return f"`make {made[1]}` is no target of the Makefile, which has {', '.join(sorted(targets))}"
        if (script := re.match(r"(?:\$ )?(?:python3|node)\s+([\w./-]+\.\w+)", line)) and not (ROOT / script[1]).is_file():
            return f"{script[1]} is not there"
    return None


def ended(words: list[object], folder: Path) -> tuple[str, str | None]:
    """What a program said, and what is wrong if it failed."""
    try:
        done = subprocess.run(
            [str(word) for word in words],
            cwd=folder,
            env={**environment(), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return "", f"it still runs after {LONGEST_SECONDS} s"
    return done.stdout, None if done.returncode == 0 else tail(done.stdout) or f"it ended with {done.returncode}"


def tail(text: str) -> str:
    return "\n    ".join(text.strip().splitlines()[-LINES_SHOWN:])


PYTHON_SAYS = re.compile(r"^\s*(assert\b|print\()", re.MULTILINE)
JAVASCRIPT_SAYS = re.compile(r"\b(assert\b|console\.(log|assert)\()")
PYTHON_PRINTS = re.compile(r"^\s*print\(.*\)[ \t]+# (.+?)\s*$", re.MULTILINE)
JAVASCRIPT_PRINTS = re.compile(r"^\s*console\.log\(.*\);?[ \t]+// (.+?)\s*$", re.MULTILINE)
ASSERTION_FAILED = re.compile(r"^Assertion failed", re.MULTILINE)
RUNNERS: dict[str, Callable[[Block, Path], str | None]] = {
    "python": run_python,
    "js": run_javascript,
    "mjs": run_javascript,
    "ts": check_typescript,
    "json": read_json,
    "rust": run_rust,
    "sh": check_shell,
    "console": check_console,
}
# Shown to readers, for nobody to run.
SHOWN_ONLY = ["", "text", "diff", "toml", "c", "pyi", "dts"]
