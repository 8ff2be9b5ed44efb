"""Leaves in dist/ what is published: `make dist`. Both packages are built already."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from setup import DIST, JS, OWN, PYTHON, ROOT, TARGET, environment

VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]["package"]["version"]
SDIST = DIST / f"undaunted-{VERSION}.tar.gz"
TARBALL = DIST / f"undaunted-{VERSION}.tgz"
CRATE = DIST / f"undaunted-{VERSION}.crate"
WASM = DIST / "undaunted.wasm"
ABI = DIST / "ABI.md"
SCHEMA = DIST / "policy.schema.json"


def wheel() -> Path:
    (found,) = DIST.glob(f"undaunted-{VERSION}-*.whl")
    return found


def make() -> list[Path]:
    """Everything, in an empty dist/; answers the files. Ends the program if something cannot be made."""
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    for built in (OWN / "wheels").glob("undaunted-*.whl"):
        shutil.copy(built, DIST)
    run(PYTHON, "-m", "maturin", "sdist", "--manifest-path", "bindings-python/Cargo.toml", "--out", DIST)
    run("npm", "pack", "--silent", "--pack-destination", DIST, folder=JS)
    run("cargo", "package", "--locked", "--allow-dirty", "-p", "undaunted")
    shutil.copy(TARGET / "package" / CRATE.name, CRATE)
    for document in (JS / "generated" / WASM.name, JS / ABI.name, ROOT / "core" / SCHEMA.name):
        shutil.copy(document, DIST)
    return [wheel(), SDIST, TARBALL, CRATE, WASM, ABI, SCHEMA]


def run(*words: object, folder: Path = ROOT) -> None:
    """Runs a tool; what it says is shown only if it fails."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"{done.stdout}{' '.join(map(str, words))}: ended with {done.returncode}")
    for warning in re.findall(r"^warning: .*$", done.stdout, re.MULTILINE):
        if not warning.startswith("warning: ignoring test "):  # the crate goes without its tests
            print(warning, file=sys.stderr)


def show(files: list[Path]) -> None:
    width = max(len(file.name) for file in files)
    for file in files:
        print(f"{file.name:<{width}}  {file.stat().st_size / 1000:>7.1f} KB")


if __name__ == "__main__":
    show(make())
