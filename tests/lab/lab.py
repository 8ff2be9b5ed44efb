"""`make lab`: downloads over a link that loses packets, in every way of runs.py; and from servers that fail in other ways.

Writes tests/lab/REPORT.md, its plots and its figures. All times are a tenth of the talk's, with FULL=1 the talk's own.
"""

import argparse
import contextlib
import hashlib
import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

import faults
import setup
from probe import probe
from report import AT_MOST, QUIET, TIMES, Outcome, Report, mark
from runs import ALL, Run
from world import CLIENT, SERVER, Program, World

HERE = Path(__file__).resolve().parent
# The talk's link: from a good packet to a bad one p, back r, none of the bad gets through. It loses on the way to the client.
LOSSY, CLEAR = "0.5,0.2,0,1", "0,1,1,1"
LINKS, DOWNLOADS, FEW_DOWNLOADS = 5, 20, 4
# Where a peer has no limit of time for a call, it has this many attempts.
ATTEMPTS = 100


class Lab:
    def __init__(self, world: World, seed: int, at_a_time: int, downloads: int) -> None:
        self.world, self.seed, self.at_a_time, self.downloads = world, seed, at_a_time, downloads
        milliseconds = {name: round(seconds * world.scale * 1000) for name, seconds in TIMES.items()}
        self.config = {
            "sha256": hashlib.sha256(world.content).hexdigest(), "attempts": ATTEMPTS,
            **{name: value / 1000 for name, value in milliseconds.items()},
            "policy": {"undaunted": 1, "attempts": None, **{name: f"{value}ms" for name, value in milliseconds.items()}},
        }  # fmt: skip

    def lossy_link(self, runs: list[Run]) -> list[Outcome]:
        """Each run downloads the file again and again, on five links beside each other."""

        def one(number: int, run: Run) -> Outcome:
            self.world.link.ask(begin=number, seed=self.seed, up=CLEAR, down=LOSSY)
            lanes = [[f"http://10.77.{number}.{lane}/data.json"] * self.downloads for lane in range(LINKS)]
            return self._let_run(number, run, lanes)

        return self._beside(runs, one)

    def other_faults(self, runs: list[Run]) -> list[Outcome]:
        """Each run downloads the file once on ten links for each fault; no packet is lost."""

        def one(number: int, run: Run) -> Outcome:
            self.world.link.ask(begin=number, seed=self.seed, up=CLEAR, down=CLEAR)
            lanes = [[self._url(number, lane)] for lane in range(faults.LANES * len(faults.FAULTS))]
            return self._let_run(number, run, lanes, lambda: self._fail_for_a_while(number))

        return self._beside(runs, one)

    def _url(self, number: int, lane: int) -> str:
        named = faults.of_lane(lane) == "no name"
        return f"http://{f'lane-{lane}.run-{number}.test' if named else f'10.77.{number}.{lane}'}:8080/data.json"

    def _beside(self, runs: list[Run], one) -> list[Outcome]:
        with ThreadPoolExecutor(self.at_a_time) as pool:
            return list(pool.map(one, range(1, len(runs) + 1), runs))

    def _let_run(self, number: int, run: Run, lanes: list[list[str]], during=None) -> Outcome:
        program = ["node", HERE / "clients" / "client.mjs"] if run.is_javascript else [sys.executable, HERE / "clients" / "client.py"]
        config = json.dumps({**self.config, "lanes": lanes})
        log = self.world.folder / f"{run.name}.log"
        environment = {"UNDAUNTED_LAB_PACKAGES": str(setup.LAB_PACKAGES), "NODE_NO_WARNINGS": "1"}
        client = Program(CLIENT, *program, run.name, config, log=log, environment=environment)
        wanted = sum(map(len, lanes))
        try:
            client.read()
            timer = during() if during else None
            client.say("go")
            if timer:
                timer.start()
            downloads, has_ended = self._collect(client)
            ended = Counter(download["lane"] for download in downloads)
            waiting = [lane for lane, urls in enumerate(lanes) if ended[lane] < len(urls)]
            if waiting and has_ended:
                sys.exit(f"{run.name} ended before its downloads: {log.read_text()[-2000:]}")
            stuck = sorted(self.world.forgotten(number) & set(waiting)) if waiting else []
            if timer:
                timer.join()
        finally:
            client.end()
        seen = {int(lane): counts for lane, counts in self.world.link.ask(count=number).items()}
        names = {int(lane): count for lane, count in self.world.faults.ask(names=number).items()}
        outcome = Outcome(run, wanted, downloads, seen, names, waiting, stuck)
        print(f"  {run.name:<24} {outcome.succeeded:3} of {wanted}", flush=True)
        return outcome

    def _collect(self, client: Program) -> tuple[list[dict], bool]:
        """What downloads came to until the program ends, or no download does any more; and whether the program has."""
        downloads: list[dict] = []
        lines: queue.Queue[str | None] = queue.Queue()

        def read() -> None:
            for line in client.process.stdout:
                lines.put(line)
            lines.put(None)

        ends_at = time.monotonic() + AT_MOST * self.world.scale
        threading.Thread(target=read, daemon=True).start()
        with contextlib.suppress(queue.Empty):
            while line := lines.get(timeout=min(QUIET * self.world.scale, max(0, ends_at - time.monotonic()))):
                downloads.append(json.loads(line))
            return downloads, True
        return downloads, False

    def _fail_for_a_while(self, number: int) -> threading.Timer:
        """The kernel refuses from now on; the timer's end is that of the faults that pass with time."""
        rules = []
        for fault, answer in (("refused", "tcp-reset"), ("no route", "icmp-host-unreachable")):
            lanes = faults.lanes_of(fault)
            addresses = f"10.77.{number}.{lanes[0]}-10.77.{number}.{lanes[-1]}"
            rules.append(["INPUT", "-p", "tcp", "-m", "iprange", "--dst-range", addresses, "-j", "REJECT", "--reject-with", answer])
        for rule in rules:
            self.world.filter(SERVER, "-A", *rule)

        def heal() -> None:
            for rule in rules:
                self.world.filter(SERVER, "-D", *rule)
            self.world.faults.ask(heal=number)

        return threading.Timer(faults.LASTS * self.world.scale, heal)


def main() -> int:
    arguments = parse()
    if problem := setup.missing_network():
        sys.exit(problem)
    report = measure(arguments)
    if not arguments.check:
        report.chains = chains(1000 if arguments.full else 200)
        report.write()
    claims = report.claims()
    for claim in claims:
        print(f"{mark(claim.holds)} {claim.text}")
    print(f"lab: {sum(claim.holds for claim in claims)} of {len(claims)} claims hold")
    return 0 if all(claim.holds for claim in claims) else 1


def measure(arguments: argparse.Namespace) -> Report:
    runs = [run for run in ALL if not arguments.runs or run.name in arguments.runs]
    with World(1.0 if arguments.full else 0.1) as made:
        lab = Lab(made, arguments.seed, arguments.at_a_time, FEW_DOWNLOADS if arguments.check else DOWNLOADS)
        print("Does the link lose as the model says?", flush=True)
        figures = probe(made, arguments.seed)
        print("\n".join(f"  {figure}" for figure in figures))
        print(f"A link that loses packets: {len(runs)} runs, {arguments.at_a_time} at a time", flush=True)
        lossy = lab.lossy_link(runs)
        print("Other faults", flush=True)
        other = lab.other_faults(runs)
    return Report(made.scale, arguments.seed, figures, lossy, other)


def chains(number: int) -> str:
    """The table of tests/lab/twin."""
    print("Chains", flush=True)
    with tempfile.NamedTemporaryFile("r", suffix=".md", encoding="utf-8") as file:
        words = [sys.executable, HERE / "twin" / "chains.py", "--chains", str(number), "--markdown", file.name]
        subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
        return file.read()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", metavar="RUN", help=f"one of {', '.join(run.name for run in ALL)}")
    parser.add_argument("--full", action="store_true", help="the talk's own times, which takes an hour and a half")
    parser.add_argument("--check", action="store_true", help="four downloads a link instead of twenty, and no page")
    parser.add_argument("--seed", type=int, default=1, help="of what is lost (1)")
    parser.add_argument("--at-a-time", type=int, help="runs beside each other (16; with --full all, which then load the machine less)")
    arguments = parser.parse_args()
    arguments.at_a_time = arguments.at_a_time or (len(ALL) if arguments.full else 16)
    return arguments


if __name__ == "__main__":
    sys.exit(main())
