"""undaunted.wasm with nothing but its documentation: a wasm host of its own, in Node."""

import shutil
import sys
from pathlib import Path

import dist
from stranger import empty_folder, passed, run

from setup import ROOT

HERE = Path(__file__).resolve().parent / "js"
VECTORS = ROOT / "tests" / "vectors"


def check() -> None:
    with empty_folder() as folder:
        for file in (dist.WASM, HERE / "wasm.mjs", *sorted(VECTORS.glob("*.json"))):
            shutil.copy(file, folder)
        said = run("node", "wasm.mjs", folder=folder)
        passed(f"undaunted.wasm imports nothing and {said.strip()}")
    described = dist.ABI.read_text(encoding="utf-8")
    exports = exported()
    if missing := [name for name in exports if f"`{name}" not in described]:
        sys.exit(f"ABI.md does not describe {', '.join(missing)}, which undaunted.wasm exports")
    passed(f"ABI.md describes all {len(exports)} exports of undaunted.wasm")


def exported() -> list[str]:
    """Functions and memory; the linker leaves a few globals beside them."""
    with empty_folder() as folder:
        shutil.copy(dist.WASM, folder)
        said = run("node", "-e", EXPORTS, folder=folder)
        return said.split()


EXPORTS = """
const module = new WebAssembly.Module(require("node:fs").readFileSync("undaunted.wasm"));
console.log(WebAssembly.Module.exports(module).filter(({ kind }) => kind !== "global").map(({ name }) => name).join(" "));
"""
