"""Wheel and sdist, installed into empty virtual environments."""

import os
import venv
from pathlib import Path

import dist
from readme import first_block
from stranger import empty_folder, passed, run, serves_page

from setup import PAGE, ROOT, TARGET

ASKS = """
import sys, undaunted
assert undaunted.__file__.startswith(sys.prefix), undaunted.__file__
assert undaunted.__version__ == sys.argv[1], undaunted.__version__
policy = undaunted.Policy(attempts=3, jitter="none")
assert policy.schedule(seed=1) == [1.0, 2.0]
assert undaunted.Policy.parse(policy.dump()) == policy
"""


def check_wheel() -> None:
    with empty_folder() as folder:
        python = new_environment(folder)
        # Without an index: whatever the package needed beside itself would be missing.
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", dist.wheel(), folder=folder)
        run(python, "-c", ASKS, dist.VERSION, folder=folder)
        passed("wheel in an empty environment, without an index")
        run(python.with_name("undaunted"), "lint", "preset:standard", "--fail-on", "warning", folder=folder)
        passed("wheel's program runs")
        serves_page(python.with_name("undaunted"), folder=folder, page=PAGE)
        passed("wheel's program serves the page")
        block = first_block(ROOT / "bindings-python" / "README.md", "python")
        (folder / "example.py").write_text(block.text, encoding="utf-8")
        run(python, "-W", "error", "example.py", folder=folder)
        passed("wheel runs the first example of its README")
        run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "undaunted", folder=folder)
        left = list(folder.glob("venv/**/*undaunted*"))
        assert not left, left
        passed("wheel leaves nothing behind when uninstalled")


def check_sdist() -> None:
    with empty_folder() as folder:
        python = new_environment(folder)
        # Compiled dependencies may be at hand; what the sdist lacks would be missing all the same. What was made of an sdist before
        # is not: all files in one bear the same old date, so cargo would take it for new.
        run("cargo", "clean", "--quiet", "--release", "-p", "undaunted", "-p", "undaunted-python", "--target-dir", TARGET, folder=ROOT)
        quiet = ("--quiet", "--disable-pip-version-check", "--no-cache-dir")
        run(python, "-m", "pip", "install", *quiet, dist.SDIST, folder=folder, CARGO_TARGET_DIR=str(TARGET))
        run(python, "-c", ASKS, dist.VERSION, folder=folder)
        serves_page(python.with_name("undaunted"), folder=folder, page=PAGE)
        passed("sdist builds on its own, works and serves the page")


def new_environment(folder: Path) -> Path:
    venv.create(folder / "venv", with_pip=True)
    return folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
