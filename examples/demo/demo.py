"""One policy file, two languages: aiohttp and fetch meet the same failing server, and wait the same microseconds.

Runs under a Python that has undaunted and aiohttp. Ends with 1 if a wait, a class or a reason differs between the two clients, or if a
scenario does not end as `scenarios.json` says.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import server
from table import BOLD, GREEN, RED, Event, Table, decision_of, has_decision

HERE = Path(__file__).resolve().parent
SHARED = ("policy.json", "scenarios.json")
PATIENCE = 30


def main() -> int:
    options = parse()
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    scenarios = json.loads((HERE / "scenarios.json").read_bytes())
    table = Table()
    started_at = time.monotonic()
    with server.start(scenarios) as running, tempfile.TemporaryDirectory() as folder:
        arguments = ["--url", running.url, "--refused-url", running.refused_url, "--seed", str(options.seed)]
        node_client = furnish(Path(folder), options.node_folder)
        with (
            Client("Python", [sys.executable, str(HERE / "client.py"), *arguments]) as python,
            Client("Node", [options.node, str(node_client), *arguments]) as node,
        ):
            traces = play(scenarios, python, node, None if options.check else table, options.seed)
        problems = [problem for scenario, trace in zip(scenarios, traces) for problem in check(scenario, trace, running)]
    return report(table, traces, problems, options.seed, time.monotonic() - started_at)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=42, help="0 to 2^64 - 1; the same seed gives the same waits (42)")
    parser.add_argument("--check", action="store_true", help="print the verdict only")
    parser.add_argument("--node", default="node", help="the Node to run (node)")
    parser.add_argument(
        "--node-folder",
        type=Path,
        default=HERE.parent.parent / "bindings-js",
        help="a folder with node_modules/undaunted, or the built package itself (bindings-js)",
    )
    options = parser.parse_args()
    if not 0 <= options.seed < 1 << 64:
        parser.error(f"seed is {options.seed}, allowed 0 to 2^64 - 1")
    return options


def furnish(folder: Path, node_folder: Path) -> Path:
    """Node looks for packages beside the program that imports them: so the program goes where the package can be put beside it."""
    installed = node_folder / "node_modules" / "undaunted"
    package = installed if installed.is_dir() else node_folder
    if not (package / "dist" / "fetch.js").is_file():
        sys.exit(f"{node_folder} has no built undaunted; build it with `npm run build` in bindings-js, or say --node-folder")
    home = folder / "node_modules" / "undaunted"
    shutil.copytree(package / "dist", home / "dist")
    shutil.copy(package / "package.json", home)
    for name in (*SHARED, "client.mjs"):
        shutil.copy(HERE / name, folder)
    return folder / "client.mjs"


class Client:
    """A client that runs beside us and tells its events, one JSON line each."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self.command = command
        self._events: SimpleQueue[Event | None] = SimpleQueue()

    def __enter__(self) -> Client:
        try:
            # A session of its own: Ctrl-C is for us, and we end the clients.
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8", start_new_session=True
            )
        except OSError as error:
            sys.exit(f"{self.name} does not start: {error}")
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=PATIENCE if kind is None else 0)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def event(self, scenario: str) -> Event:
        """The next event, which must be one of this scenario."""
        try:
            event = self._events.get(timeout=PATIENCE)
        except Empty:
            sys.exit(f"{self.name} says nothing for {PATIENCE} s, in the scenario {scenario}")
        if event is None:
            sys.exit(f"{self.name} ends early, in the scenario {scenario}")
        if event["scenario"] != scenario:
            sys.exit(f"{self.name} is at {event['scenario']}, where {scenario} was expected")
        return event

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._events.put(json.loads(line))
        self._events.put(None)


Row = tuple[Event | None, Event | None]


def play(scenarios: list[dict[str, Any]], python: Client, node: Client, table: Table | None, seed: int) -> list[list[Row]]:
    """Both traces of every scenario, drawn as they come in."""
    if table:
        table.say(f"\n  {table.paint('One policy file, two languages, the same waits.', BOLD)} Seed {seed}.\n")
        table.head("Python · aiohttp", "Node · fetch")
    traces = []
    for number, scenario in enumerate(scenarios, 1):
        if table:
            table.title(number, scenario["title"], scenario["note"])
        trace = []
        for row in rows(scenario["name"], python, node):
            if table:
                table.row(*row)
            trace.append(row)
        traces.append(trace)
    if table:
        table.foot()
    return traces


def rows(scenario: str, python: Client, node: Client) -> Iterator[Row]:
    """Event beside event, until both clients are done with the scenario."""
    left_waits = right_waits = True
    while left_waits or right_waits:
        left = python.event(scenario) if left_waits else None
        right = node.event(scenario) if right_waits else None
        left_waits = left is not None and left["kind"] == "scheduled"
        right_waits = right is not None and right["kind"] == "scheduled"
        yield left, right


def check(scenario: dict[str, Any], trace: list[Row], running: server.MisbehavingServer) -> Iterator[str]:
    """What is wrong with a trace: where the clients differ, and where they do not do what was expected."""
    name = scenario["name"]
    yield from list(differences(name, trace))[:1]  # what comes after the first follows from it
    for column, client in enumerate(("python", "node")):
        events = [event for row in trace if (event := row[column]) is not None]
        classes = [event["class"] for event in events if has_decision(event)]
        end = events[-1]["reason"] or events[-1]["kind"]
        if (classes, end) != (scenario["expect"]["classes"], scenario["expect"]["end"]):
            yield f"{name}: {client} saw {classes} and ended with {end}, expected {scenario['expect']}"
        requests = running.requests_for(f"/{client}/{name}")
        if requests != (0 if scenario.get("refused") else len(events)):
            yield f"{name}: {client} made {len(events)} attempts, but the server counted {requests} requests"


def differences(name: str, trace: list[Row]) -> Iterator[str]:
    for left, right in trace:
        if left is None or right is None:
            yield f"{name}: {'Python' if left is None else 'Node'} was done while the other went on"
            continue
        for field, value in decision_of(left).items():
            if value != right[field]:
                yield f"{name}, attempt {left['attempt']}: {field} is {value} in Python, {right[field]} in Node"


def report(table: Table, traces: list[list[Row]], problems: list[str], seed: int, elapsed: float) -> int:
    waits = sum(left is not None and left["kind"] == "scheduled" for trace in traces for left, _ in trace)
    attempts = sum(len(trace) for trace in traces)
    good, bad = table.paint("✓", GREEN), table.paint("✗", RED)
    if problems:
        table.say("\n".join(f"{bad} {problem}" for problem in problems))
        return 1
    table.say(f"{good} {table.paint(f'{waits} waits, all equal to the microsecond (seed {seed})', BOLD)}")
    table.say(f"{good} {attempts} attempts in {len(traces)} scenarios: every class, reason and outcome as expected")
    table.say(f"  {elapsed:.1f} s in all; another --seed gives other waits, equal again")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # whoever reads has seen enough, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
