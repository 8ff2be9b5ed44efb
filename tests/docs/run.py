"""Runs every code block of the documentation: `docs: N blocks ran in M files`. A block that fails is named by file and line.

Python and JavaScript run as they are and have to assert or print something; TypeScript is type-checked; Rust runs as doc tests;
JSON is read, and as a policy if it has a policy's options; in sh, `make X`, `python3 FILE` and `node FILE` must name what is there; in console,
commands are run and must say what stands below them, which `--write` writes. Links to files must lead to one, and to headings of theirs.
Instructions to this program are comments before a block: see blocks.py. Examples find the programs and JSON files beside their README.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from blocks import BadDocument, Block, blocks_of
from console import rewritten, session
from languages import RUNNERS, SHOWN_ONLY, folder_with_packages
from links import broken_links

from setup import DOCS_PACKAGES, ROOT

DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "core/README.md",
    "bindings-python/README.md",
    "bindings-js/README.md",
    "bindings-js/ABI.md",
    *sorted(path.relative_to(ROOT).as_posix() for of in ("python", "js") for path in (ROOT / f"bindings-{of}" / "docs").glob("*.md")),
    "examples/README.md",
    "examples/story/README.md",
]


def main() -> None:
    ran: Counter[str] = Counter()
    problems: list[str] = []
    for name in DOCUMENTS:
        try:
            if "--write" in sys.argv:
                write_sessions(name)
            ran += run_document(name, problems)
            problems += broken_links(ROOT / name)
        except (OSError, BadDocument) as error:
            problems.append(str(error))
    counts = ", ".join(f"{ran[language]} {language}" for language in sorted(ran) if ran[language])
    print(f"docs: {ran.total()} blocks ran in {len(DOCUMENTS)} files ({counts})")
    if not ran.total():
        problems.append("docs: no block ran")
    if problems:
        sys.exit("\n".join(problems))


def run_document(name: str, problems: list[str]) -> Counter[str]:
    """Answers how many blocks ran, by language; what fails is added to `problems`."""
    ran: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="docs-") as folder:
        furnish(Path(folder), name)
        for block in joined(blocks_of(ROOT / name)):
            block.document = Path(name)
            if block.skipped_because:
                print(f"docs: {block.place} is not run: {block.skipped_because}")
            elif block.language in RUNNERS:
                problem = RUNNERS[block.language](block, Path(folder))
                problems += [f"{block.place}: {block.language}: {problem}"] if problem else []
                ran[block.language] += not problem
            elif block.language not in SHOWN_ONLY:
                known = ", ".join([*RUNNERS, *filter(None, SHOWN_ONLY)])
                problems.append(f"{block.place}: {block.language!r} is no language of the documentation; use one of {known}")
            if block.file_name:
                (Path(folder) / block.file_name).write_text(block.text, encoding="utf-8")
    return ran


def write_sessions(name: str) -> None:
    """Writes what the commands of the console blocks say now."""
    sessions: list[tuple[Block, str]] = []
    with tempfile.TemporaryDirectory(prefix="docs-") as folder:
        furnish(Path(folder), name)
        for block in blocks_of(ROOT / name):
            if block.language == "console" and not block.skipped_because:
                sessions.append((block, session(block, Path(folder))))
            if block.file_name:
                (Path(folder) / block.file_name).write_text(block.text, encoding="utf-8")
    text = (ROOT / name).read_text(encoding="utf-8")
    (ROOT / name).write_text(rewritten(sessions, text), encoding="utf-8")


def furnish(folder: Path, name: str) -> None:
    """What the blocks of a document find where they run."""
    folder_with_packages(folder, DOCS_PACKAGES)
    if name.startswith("examples/"):
        beside = (ROOT / name).parent
        for file in [*beside.glob("*.json"), *beside.glob("*.py")]:
            (folder / file.name).symlink_to(file)


def joined(blocks: list[Block]) -> list[Block]:
    """A block that goes on runs with those of its language that it goes on from; its own lines keep their numbers."""
    last: dict[str, Block] = {}
    for block in blocks:
        if block.goes_on:
            if block.language not in last:
                raise BadDocument(f"{block.place}: there is no {block.language} before this block; it cannot go on")
            before = last[block.language]
            block.text = before.text + "\n" * (block.line - before.line - before.text.count("\n")) + block.text
            block.line = before.line
        last[block.language] = block
    return blocks


if __name__ == "__main__":
    main()
