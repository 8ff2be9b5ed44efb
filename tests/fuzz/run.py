"""Runs the fuzz targets, each for so long, from the corpus in the tree: `python3 tests/fuzz/run.py [SECONDS] [--targets policy events]`.

The targets are built by stable Rust with the coverage that `cargo fuzz` asks for, without its address sanitizer: the core has no
unsafe code. What is new and interesting is kept in the cache; an input that fails is named, and the target runs it alone.
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import setup  # noqa: E402

TARGETS = ["policy", "hints", "rules", "events", "token"]
COVERAGE = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "--cfg=fuzzing",
]
MOST_BYTES = 4096


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", nargs="?", type=int, default=15, help="for each target (15)")
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=TARGETS, metavar="TARGET")
    arguments = parser.parse_args()
    programs = build()
    for target in arguments.targets:
        fuzz(programs / target, target, arguments.seconds)


def build() -> Path:
    """The folder of the targets' programs."""
    host = re.search(r"host: (\S+)", subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout)
    assert host, "rustc names its host"
    target = setup.TARGET / "fuzz"
    # With a target, build scripts stay without coverage.
    words = ["cargo", "build", "--locked", "--quiet", "--release", "--target", host[1], "--manifest-path", HERE / "Cargo.toml"]
    flags = {"RUSTFLAGS": " ".join(COVERAGE), "CARGO_TARGET_DIR": str(target)}
    subprocess.run([str(word) for word in words], env={**os.environ, **flags}, check=True)
    return target / host[1] / "release"


def fuzz(program: Path, target: str, seconds: int) -> None:
    found, failures = setup.OWN / "fuzz" / target, setup.OWN / "fuzz" / f"{target}-failures"
    found.mkdir(parents=True, exist_ok=True)
    failures.mkdir(parents=True, exist_ok=True)
    bounds = [f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}", "-timeout=10", "-print_final_stats=1", f"-artifact_prefix={failures}/"]
    words = [program, *bounds, found, HERE / "corpus" / target]
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode != 0:
        sys.exit(f"{done.stdout[-6000:]}\nfuzz: {target} failed; the input is in {failures}, and `{program} INPUT` runs it alone")
    runs = re.search(r"number_of_executed_units: (\d+)", done.stdout)
    covered = re.findall(r"cov: (\d+)", done.stdout)
    if not runs or int(runs[1]) == 0 or not covered:
        sys.exit(f"{done.stdout[-6000:]}\nfuzz: {target} did not run")
    print(f"fuzz: {target} {runs[1]} runs in {seconds} s, {covered[-1]} edges, no failure")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
