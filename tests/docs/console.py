"""Shell sessions in the documentation: lines that begin with `$ ` are run, the lines below each are what it says."""

import os
import re
import subprocess
from pathlib import Path

from blocks import Block

from setup import PYTHON, environment

PROMPT = "$ "
END = "--- the command has ended ---"


def check_console(block: Block, folder: Path) -> str | None:
    if not block.text.startswith(PROMPT):
        return "a console block begins with a command, as `$ undaunted --version`"
    said = session(block, folder)
    if said == block.text:
        return None
    wrong = next(
        (f"`{was}` is `{now}` now" for was, now in zip(block.text.splitlines(), said.splitlines()) if was != now), "it ends elsewhere"
    )
    return f"the session says something else: {wrong}; run python3 tests/setup.py --python tests/docs/run.py --write"


def session(block: Block, folder: Path) -> str:
    """The block as it should be: all commands in one shell, with the program of the virtual environment."""
    commands = [line.removeprefix(PROMPT) for line in block.text.splitlines() if line.startswith(PROMPT)]
    # `$?` is that of the command before.
    script = "exec 2>&1\n" + "".join(f"{command}\nwas=$?; echo '{END}'; (exit $was)\n" for command in commands)
    found = {**environment(), "PATH": f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    done = subprocess.run(["sh", "-c", script], cwd=folder, env=found, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=120)
    # Tables may end in blanks, which no document should.
    outputs = re.sub(r" +$", "", done.stdout, flags=re.MULTILINE).split(f"{END}\n")
    return "".join(f"{PROMPT}{command}\n{output}" for command, output in zip(commands, outputs))


def rewritten(blocks: list[tuple[Block, str]], text: str) -> str:
    """The document with these sessions in place of what was there."""
    lines = text.splitlines(keepends=True)
    for block, said in reversed(blocks):
        start = block.line - 1
        lines[start : start + len(block.text.splitlines())] = [said]
    return "".join(lines)
