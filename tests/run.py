"""Runs everything: `make test`. Steps run side by side where they can; `python3 tests/run.py STEP...` runs some, with what they need.

With CI=true whatever is missing is a failure; elsewhere the step that needs it is skipped by name.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import setup
from steps import STEPS

LINES_OF_A_FAILURE = 60
# What the lines of a log begin with that say what failed: of node:test, pytest, cargo, and programs that end with an error.
FAILURES = ("not ok ", "error:", "error[", "FAILED ", "thread '", "assertion ", "AssertionError", "Error:", "FAIL")


def main() -> int:
    arguments = parse()
    chosen = with_needs(arguments.steps or list(STEPS))
    setup.require_tools()
    setup.LOGS.mkdir(parents=True, exist_ok=True)
    results = run_all(chosen, arguments.jobs)
    return report(results)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"one of {', '.join(STEPS)}")
    parser.add_argument("--jobs", type=int, default=2, help="steps at a time (2)")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.steps if name not in STEPS]:
        parser.error(f"{', '.join(unknown)} is no step, allowed {', '.join(STEPS)}")
    return arguments


def with_needs(names: list[str]) -> list[str]:
    """The steps in the order of the table, with all that they need."""
    wanted: set[str] = set()

    def want(name: str) -> None:
        if name not in wanted:
            wanted.add(name)
            for need in STEPS[name].needs:
                want(need)

    for name in names:
        want(name)
    return [name for name in STEPS if name in wanted]


class Result:
    def __init__(self, outcome: str, seconds: float = 0.0, facts: list[str] | None = None) -> None:
        self.outcome, self.seconds, self.facts = outcome, seconds, facts or []


def run_all(names: list[str], jobs: int) -> dict[str, Result]:
    results: dict[str, Result] = {}
    waiting = list(names)
    with ThreadPoolExecutor(jobs) as pool:
        running = {}
        while waiting or running:
            for name in [name for name in waiting if all(need in results for need in STEPS[name].needs)]:
                if len(running) == jobs:
                    break
                waiting.remove(name)
                running[pool.submit(run_one, name, results)] = name
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                name = running.pop(future)
                results[name] = future.result()
                say(name, results[name])
    return {name: results[name] for name in names}


def run_one(name: str, results: dict[str, Result]) -> Result:
    step = STEPS[name]
    for need in step.needs:
        if results[need].outcome != "passed":
            skipped = results[need].outcome == "skipped"
            return Result("skipped" if skipped else "failed", facts=[f"not run, since {need} has {results[need].outcome}"])
    if missing := step.missing():
        return Result("failed" if setup.IN_CI else "skipped", facts=[missing])
    started_at = time.monotonic()
    with open(setup.LOGS / f"{name}.log", "w", encoding="utf-8") as log:
        for command in step.commands:
            log.write(f"$ {' '.join(map(str, command.words))}\n")
            log.flush()
            words = [str(word) for word in command.words]
            done = subprocess.run(
                words, cwd=command.folder, env=setup.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            if done.returncode != 0:
                return Result("failed", time.monotonic() - started_at, failures_of(name) or facts_of(name))
    return Result("passed", time.monotonic() - started_at, facts_of(name))


def facts_of(name: str) -> list[str]:
    """The lines of a log that say how much was done."""
    return [line.strip() for line in lines_of(name) if any(mark in line for mark in STEPS[name].facts)][-6:]


def failures_of(name: str) -> list[str]:
    """The lines of a log that say what failed."""
    return [line.strip() for line in lines_of(name) if line.strip().startswith(FAILURES)][-6:]


def lines_of(name: str) -> list[str]:
    return (setup.LOGS / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()


PRINTING = threading.Lock()
MARKS = {"passed": "✓", "failed": "✗", "skipped": "–"}


def say(name: str, result: Result) -> None:
    with PRINTING:
        print(f"{MARKS[result.outcome]} {name:<22} {result.seconds:6.1f} s  {result.facts[0] if result.facts else ''}")
        for fact in result.facts[1:]:
            print(f"{'':36}{fact}")
        if result.outcome == "failed" and (log := setup.LOGS / f"{name}.log").exists() and result.seconds:
            print(f"  the last lines of {log}:")
            for line in lines_of(name)[-LINES_OF_A_FAILURE:]:
                print(f"  | {line}")
        sys.stdout.flush()


def report(results: dict[str, Result]) -> int:
    count = {outcome: sum(result.outcome == outcome for result in results.values()) for outcome in MARKS}
    print()
    for name, result in results.items():
        if result.outcome != "passed":
            for fact in result.facts or ["see its log"]:
                print(f"{MARKS[result.outcome]} {name}: {result.outcome}: {fact}")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] or (setup.IN_CI and count["skipped"]) else 0


if __name__ == "__main__":
    os.chdir(setup.ROOT)
    sys.exit(main())
