"""`make prove`: what takes hours. Mutants of the heart, a million cases on all hosts, long fuzzing, a fleet's scripts against the oracle; each
gets its share of the minutes.

    make prove                       all, 240 minutes
    make prove MINUTES=30            all, as far as 30 minutes go
    make prove PARTS=mutants         one of mutants, differential, fuzz, fleet

It goes on where the last run stopped: mutants that were caught, rounds of cases and of sequences that agreed and inputs that fuzzing found
are kept in the cache. A mutant that no test catches is a failure, unless tests/mutants.toml says why nothing can.
"""

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import agreement
import setup
from layout import SITTINGS
from setup import OWN, ROOT
from steps import CASES, STEPS, Command, own

# Of the minutes; the rest goes to the set-up.
SHARES = {"mutants": 0.6, "differential": 0.23, "fuzz": 0.12, "fleet": 0.05}
ROUNDS = 10
CASES_OF_A_ROUND = 100_000
# Of calls of a fleet's scripts: a round takes a minute or two.
SEQUENCES_OF_A_ROUND = 100_000
# These take a minute, and look at what is no part of the heart.
TESTS_OF_THE_LAB = ["analyses_are_in_their_bounds", "more_failures_are_no_better", "findings_and_differences_are_json"]
# The slowest first.
DECIDERS = ["oracle", "chromium", "python", "node-js", "node", "rust"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of {', '.join(SHARES)}")
    parser.add_argument("--minutes", type=float, default=240)
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.parts if name not in SHARES]:
        parser.error(f"{', '.join(unknown)} is no part, allowed {', '.join(SHARES)}")
    parts = arguments.parts or list(SHARES)
    setup.require_tools()
    whole = sum(SHARES[name] for name in parts)
    results = {name: PARTS[name](arguments.minutes * 60 * SHARES[name] / whole) for name in parts}
    print("\nprove:")
    for name, (is_good, said) in results.items():
        print(f"  {'✓' if is_good else '✗'} {name}: {said}")
    return 0 if all(is_good for is_good, _ in results.values()) else 1


def mutants(seconds: float) -> tuple[bool, str]:
    """Every change of the heart that still builds must fail a test: the core's own, or a vector."""
    setup.set_up_mutants()
    sources = [f"core/src/{name}.rs" for names, _ in SITTINGS.values() for name in names]
    # What was caught in these sources stays caught, whatever becomes of the rest of the core.
    digest = hashlib.sha256(b"".join((ROOT / path).read_bytes() for path in sources)).hexdigest()
    folder = OWN / "prove" / f"mutants-{digest[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    files = [word for path in sources for word in ("--file", path)]
    words = [
        setup.TOOLS / "bin" / "cargo-mutants", "mutants", "--package", "undaunted", *files, "--config", "tests/mutants.toml",
        "--test-package", "undaunted,undaunted-tests", "--features", "undaunted/serde", "--no-shuffle", "--iterate", "--jobs", "1",
        "--timeout", "60", "--output", folder, "--colors", "never",
        "--", "--tests", "--", *(word for name in TESTS_OF_THE_LAB for word in ("--skip", name)),
    ]  # fmt: skip
    lighter = {"CARGO_TARGET_DIR": str(setup.TARGET / "mutants"), "CARGO_PROFILE_DEV_DEBUG": "0", "PROPTEST_CASES": "64"}
    running = subprocess.Popen([str(word) for word in words], cwd=ROOT, env={**setup.environment(), **lighter})
    is_whole = True
    try:
        running.wait(seconds)
    except subprocess.TimeoutExpired:
        is_whole = False
        running.send_signal(signal.SIGINT)
        running.wait()
    found = {name: lines(folder / "mutants.out" / f"{name}.txt") for name in ("caught", "previously_caught", "missed", "timeout", "unviable")}
    for mutant in found["missed"]:
        print(f"  survives: {mutant}")
    caught = set(found["caught"]) | set(found["previously_caught"]) | set(found["timeout"])
    said = f"{len(caught)} caught, {len(found['missed'])} survive" + ("" if is_whole else "; stopped for time, run it again to go on")
    is_good = not found["missed"] and bool(caught) and (not is_whole or running.returncode in (0, 3))
    return is_good, said


def output(command: Command) -> str:
    words = [str(word) for word in command.words]
    return subprocess.run(words, cwd=command.folder, env=setup.environment(), stdout=subprocess.PIPE, text=True).stdout


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def differential(seconds: float) -> tuple[bool, str]:
    """A million cases that oracle and all hosts decide, in rounds: each host's digest of a round is the same."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    agreed = OWN / "prove" / f"agreed-{commit[:12]}"
    agreed.parent.mkdir(parents=True, exist_ok=True)
    ends_at = time.monotonic() + seconds
    # Packages, Chromium and programs are made once; of a round only the cases are new.
    if subprocess.run([sys.executable, "tests/run.py", *(f"differential-{host}" for host in DECIDERS)], cwd=ROOT).returncode != 0:
        return False, "the hosts could not be set up"
    for seed in range(1, ROUNDS + 1):
        if str(seed) in lines(agreed):
            continue
        if time.monotonic() > ends_at:
            break
        print(f"differential: round {seed} of {ROUNDS}", flush=True)
        output(own("tests/differential/generate.py", CASES_OF_A_ROUND, seed, CASES))
        with ThreadPoolExecutor(max_workers=2) as pool:
            said = "\n".join(pool.map(lambda host: "\n".join(map(output, STEPS[f"differential-{host}"].commands)), DECIDERS))
        decided = {host: (int(cases), digest) for host, cases, digest in agreement.DIFFERENTIAL.findall(said)}
        try:
            agreement.compare(f"round {seed}", decided, set(DECIDERS))
        except SystemExit as problem:
            return False, str(problem)
        with open(agreed, "a", encoding="utf-8") as file:
            file.write(f"{seed}\n")
    count = len(lines(agreed)) * CASES_OF_A_ROUND
    return count > 0, f"{count} cases agree" + ("" if count == ROUNDS * CASES_OF_A_ROUND else "; stopped for time, run it again to go on")


def fuzz(seconds: float) -> tuple[bool, str]:
    """All targets in turn, from what earlier runs found."""
    targets = list((ROOT / "tests" / "fuzz" / "targets").glob("*.rs"))
    each = max(1, int(seconds / len(targets)))
    setup.set_up_venv()
    done = subprocess.run([setup.PYTHON, "tests/fuzz/run.py", str(each)], cwd=ROOT, env=setup.environment())
    return done.returncode == 0, f"{each} s for each target"


def fleet(seconds: float) -> tuple[bool, str]:
    """Random sequences of calls of a fleet's scripts, in rounds of other seeds: each answer is the oracle's."""
    setup.set_up_venv()
    programs = [*(ROOT / "core" / "src" / "fleet").glob("*.lua"), *(ROOT / "tests" / "fleet").glob("*.py"), *(ROOT / "tests" / "oracle").glob("*.py")]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(programs))).hexdigest()
    agreed = OWN / "prove" / f"sequences-{digest[:12]}"
    agreed.parent.mkdir(parents=True, exist_ok=True)
    ends_at = time.monotonic() + seconds
    for seed in range(1, ROUNDS + 1):
        if str(seed) in lines(agreed):
            continue
        if time.monotonic() > ends_at:
            break
        print(f"fleet: round {seed} of {ROUNDS}", flush=True)
        command = own("tests/fleet/check.py", SEQUENCES_OF_A_ROUND, seed)
        if subprocess.run([str(word) for word in command.words], cwd=command.folder, env=setup.environment()).returncode != 0:
            return False, f"round {seed} does not agree"
        with open(agreed, "a", encoding="utf-8") as file:
            file.write(f"{seed}\n")
    count = len(lines(agreed)) * SEQUENCES_OF_A_ROUND
    return count > 0, f"{count} sequences agree" + ("" if count == ROUNDS * SEQUENCES_OF_A_ROUND else "; stopped for time, run it again to go on")


PARTS: dict[str, Callable[[float], tuple[bool, str]]] = {"mutants": mutants, "differential": differential, "fuzz": fuzz, "fleet": fleet}

if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
