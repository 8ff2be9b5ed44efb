"""Runs the examples in Python and JavaScript as a user would: `examples: N programs ran`. A page is opened in Chromium, if there is one.

A comment behind a line that prints is what it prints, as in the documentation, and so is `# prints: ...`; an example without one has to
assert something. What a page has to show stands there behind `// shows: `.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from languages import JAVASCRIPT_PRINTS, PYTHON_SAYS, ended, folder_with_packages, missing_line

from setup import EXAMPLES_PACKAGES, ROOT, chromium

EXAMPLES = ROOT / "examples"
# Those that need a server are run where there is one: bindings-python/tests/servers.
WITH_SERVERS = {"asyncio_postgres.py"}
# What the others import, and what serves the page.
HELPERS = {"upstream.mjs", "browser.mjs"}
PRINTS = re.compile(r"^\s*(?:print\(.*\)[ \t]+# |# prints: )(.+?)\s*$", re.MULTILINE)


def main() -> None:
    programs = [path for path in sorted((EXAMPLES / "python").glob("*.py")) if path.name not in WITH_SERVERS]
    programs += [EXAMPLES / "story" / "play.py"]
    programs += [path for path in sorted((EXAMPLES / "js").glob("*.mjs")) if path.name not in HELPERS]
    if chromium():
        programs += sorted((EXAMPLES / "js").glob("*.html"))
    else:
        print("examples: the pages are not opened: Chromium is missing; install Debian's package chromium")
    problems = [f"{path.relative_to(ROOT)}: {problem}" for path in programs if (problem := RUNNERS[path.suffix](path))]
    print(f"examples: {len(programs) - len(problems)} programs ran")
    if problems:
        sys.exit("\n".join(problems))


def run_python(path: Path) -> str | None:
    """What is wrong with an example."""
    text = path.read_text(encoding="utf-8")
    if not PYTHON_SAYS.search(text) and not PRINTS.search(text):
        return "it neither asserts nor prints anything, so that it could not fail"
    with tempfile.TemporaryDirectory(prefix="example-") as folder:
        said, problem = ended([sys.executable, "-X", "dev", "-W", "error", path], Path(folder))
    return problem or missing_line(said, PRINTS.findall(text))


def run_javascript(path: Path) -> str | None:
    wanted = JAVASCRIPT_PRINTS.findall(path.read_text(encoding="utf-8"))
    if not wanted:
        return "it does not say what it prints, so that it could not fail"
    with tempfile.TemporaryDirectory(prefix="example-") as folder:
        said, problem = ended(["node", furnished(folder) / path.name], Path(folder))
    return problem or missing_line(said, wanted)


def open_page(path: Path) -> str | None:
    wanted = re.findall(r"// shows: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    if not wanted:
        return "it does not say what it shows, so that it could not fail"
    with tempfile.TemporaryDirectory(prefix="example-") as folder:
        serving = subprocess.Popen(["node", furnished(folder) / f"{path.stem}.mjs"], stdout=subprocess.PIPE, text=True)
        try:
            url = serving.stdout.readline().strip()
            # Its clock goes on once nothing is under way.
            words = [chromium(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile", "--virtual-time-budget=20000"]
            said, problem = ended([*words, "--dump-dom", url], Path(folder))
        finally:
            serving.kill()
            serving.wait()
            serving.stdout.close()
    return problem or next((f"it does not show `{text}`, but\n    {said}" for text in wanted if f">{text}<" not in said), None)


def furnished(name: str) -> Path:
    """A folder with JavaScript's examples and the packages that they use: a user's, after `npm install`."""
    folder = Path(name)
    folder_with_packages(folder, EXAMPLES_PACKAGES)
    for file in (EXAMPLES / "js").iterdir():
        if file.suffix in (".mjs", ".html") or file.name == "users-api.json":
            shutil.copy(file, folder)
    return folder


RUNNERS = {".py": run_python, ".mjs": run_javascript, ".html": open_page}

if __name__ == "__main__":
    main()
