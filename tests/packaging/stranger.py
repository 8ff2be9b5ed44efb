"""What somebody has who never saw the repository: an empty folder, an environment without our variables, and our files."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OURS = ("UNDAUNTED", "PYTHON", "NODE_", "CARGO_", "RUST", "VIRTUAL_ENV", "npm_", "MATURIN")
LINES_SHOWN = 40


@contextmanager
def empty_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="stranger-") as folder:
        yield Path(folder).resolve()


def environment(**more: str) -> dict[str, str]:
    """The caller's without what belongs to a checkout; a registry's or a home's settings stay."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS) or name in ("CARGO_HOME", "RUSTUP_HOME")}
    return {**kept, "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1", **more}


def run(*words: object, folder: Path, **more: str) -> str:
    """What a program printed. If it fails, the whole test ends with its last lines."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-LINES_SHOWN:])
        sys.exit(f"{last}\n{' '.join(map(str, words))}: ended with {done.returncode}")
    return done.stdout


def serves_page(*words: object, folder: Path, page: Path) -> None:
    """`undaunted preview` of an installed package, asked for its page as it lies in a folder."""
    command = [*map(str, words), "preview", "--json"]
    environs = environment(CI="true")
    with subprocess.Popen(command, cwd=folder, env=environs, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as started:
        try:
            address = json.loads(started.stdout.readline())["address"]
            for file in sorted(page.rglob("*")):
                name = file.relative_to(page).as_posix()
                with urllib.request.urlopen(address + ("" if name == "index.html" else name)) as answer:
                    assert (answer.status, answer.read()) == (200, file.read_bytes()), name
        finally:
            started.kill()


def passed(what: str) -> None:
    print(f"package: {what}: ok", flush=True)
