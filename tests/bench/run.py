"""`make bench`: the core and both languages beside their peers, each in one process with its subjects in turns, then herds. Prints; asserts nothing."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import setup  # noqa: E402


def main() -> int:
    core = ["cargo", "run", "--locked", "--release", "--quiet", "--manifest-path", HERE / "core" / "Cargo.toml"]
    runs = [core, [setup.PYTHON, HERE / "bench.py"], ["node", "--expose-gc", HERE / "bench.mjs", setup.PEERS], ["node", HERE / "herds.mjs"]]
    # Other versions of the same crates have a target folder of their own.
    environment = {**setup.environment(), "CARGO_TARGET_DIR": str(setup.TARGET / "bench")}
    return max(subprocess.run([str(word) for word in words], env=environment).returncode for words in runs)


if __name__ == "__main__":
    sys.exit(main())
