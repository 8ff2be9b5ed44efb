"""Runs Python's examples as a user would: `examples: N programs ran`.

A comment behind a line that prints is what it prints, as in the documentation, and so is `# prints: ...`; an example without one has to
assert something.
"""

import re
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from languages import PYTHON_SAYS, ended, missing_line

from setup import ROOT

EXAMPLES = ROOT / "examples"
# Those that need a server are run where there is one: bindings-python/tests/servers.
WITH_SERVERS = {"asyncio_postgres.py"}
PRINTS = re.compile(r"^\s*(?:print\(.*\)[ \t]+# |# prints: )(.+?)\s*$", re.MULTILINE)


def main() -> None:
    programs = [path for path in sorted((EXAMPLES / "python").glob("*.py")) if path.name not in WITH_SERVERS]
    programs += [EXAMPLES / "story" / "play.py"]
    problems = [f"{path.relative_to(ROOT)}: {problem}" for path in programs if (problem := run(path))]
    print(f"examples: {len(programs) - len(problems)} programs ran")
    if problems:
        sys.exit("\n".join(problems))


def run(path: Path) -> str | None:
    """What is wrong with an example."""
    text = path.read_text(encoding="utf-8")
    if not PYTHON_SAYS.search(text) and not PRINTS.search(text):
        return "it neither asserts nor prints anything, so that it could not fail"
    with tempfile.TemporaryDirectory(prefix="example-") as folder:
        said, problem = ended([sys.executable, "-X", "dev", "-W", "error", path], Path(folder))
    return problem or missing_line(said, PRINTS.findall(text))


if __name__ == "__main__":
    main()
