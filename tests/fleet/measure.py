"""A fleet in an outage, with a shared budget and breaker, with local ones, and with none: `measure.py [--processes 100] [--callers 100]`.

In the virtual environment. Half of the processes run Python and half Node. The backend works, fails for a while and recovers; it counts
what it is asked, second by second. Writes REPORT.md and outage.svg beside itself.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent / "bindings-python" / "tests" / "servers")]

import processes  # noqa: E402
from claims import judge  # noqa: E402

import setup  # noqa: E402

LANGUAGES = {"python": [sys.executable, HERE / "caller.py"], "js": ["node", "--no-warnings", HERE / "caller.mjs"]}
MODES = ("shared", "local", "none")
CAPACITY, COST, REWARD = 500, 14, 1
PATIENCE = 180


@dataclass
class Backend:
    """Works until `fails_from`, and again from `fails_to` on, in seconds of its clock; what it has not answered by then fails."""

    fails_from: float
    fails_to: float
    #: How long it takes for an answer while it works.
    takes: float
    began: float = 0.0
    #: By second: first attempts, retries, good answers.
    first: Counter = field(default_factory=Counter)
    retries: Counter = field(default_factory=Counter)
    good: Counter = field(default_factory=Counter)
    #: Attempts that it took in while it worked.
    taken_in: Counter = field(default_factory=Counter)
    #: Attempts that wait for their answers, oldest first, and how many there were when it began to fail.
    waiting: deque = field(default_factory=deque)
    in_flight: int = 0

    def begin(self):
        self.began = time.monotonic()
        asyncio.get_running_loop().call_later(self.fails_from, self._fail)

    @property
    def now(self):
        return time.monotonic() - self.began

    async def serve(self, reader, writer):
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                at = self.now
                (self.first if line.endswith(b" 1\n") else self.retries)[int(at)] += 1
                if self.fails_from <= at < self.fails_to:
                    writer.write(b"no\n")
                else:
                    self.taken_in[int(at)] += 1
                    self.waiting.append(writer)
                    asyncio.get_running_loop().call_later(self.takes, self._answer)
        writer.close()

    def _answer(self):
        if self.waiting and not self.fails_from <= self.now < self.fails_to:
            self.good[int(self.now)] += 1
            answer(self.waiting.popleft(), b"ok\n")

    def _fail(self):
        self.in_flight = len(self.waiting)
        while self.waiting:
            answer(self.waiting.popleft(), b"no\n")


def answer(writer, text):
    """Unless nobody waits for it any more."""
    if not writer.is_closing():
        writer.write(text)


@dataclass
class Outcome:
    mode: str
    backend: Backend
    said: list
    #: Scripts by second.
    scripts: list
    #: Microseconds of one inside Redis.
    each: float

    @property
    def counts(self):
        return sum((Counter(each["counts"]) for each in self.said), Counter())

    @property
    def retries(self):
        return sum(self.backend.retries.values())

    @property
    def successes(self):
        return sum(self.backend.good.values())

    @property
    def most_in_a_second(self):
        return max((self.backend.first + self.backend.retries).values())

    def in_outage(self, counter):
        return sum(count for second, count in counter.items() if self.backend.fails_from <= second < self.backend.fails_to)

    def recovered_after(self):
        """Seconds from the end of the outage until half as many attempts as before it reach a backend that works."""
        taken_in = self.backend.taken_in
        usual = statistics.median(taken_in[second] for second in range(2, int(self.backend.fails_from)))
        seconds = range(int(self.backend.fails_to), max(taken_in) + 1)
        return next((second - self.backend.fails_to for second in seconds if taken_in[second] >= usual / 2), None)

    @property
    def lost(self):
        """How many processes lost the store."""
        return sum("lost" in each["told"] for each in self.said)

    def waited(self, percent):
        waits = sorted(wait for each in self.said for wait in each["waited"])
        return waits[min(len(waits) - 1, len(waits) * percent // 100)] / 1000 if waits else 0.0


async def run(mode, redis, arguments):
    backend = Backend(arguments.well, arguments.well + arguments.outage, arguments.takes)
    listening = await asyncio.start_server(backend.serve, "127.0.0.1", 0, backlog=1024)
    port = listening.sockets[0].getsockname()[1]
    environment = {**os.environ, "UNDAUNTED_DRIVERS": str(setup.DRIVERS)}
    running = []
    try:
        for number in range(arguments.processes):
            words = [*list(LANGUAGES.values())[number % 2], mode, redis.port, port, arguments.callers, arguments.pause, number]
            pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
            running.append(await asyncio.create_subprocess_exec(*map(str, words), **pipes, limit=1 << 26, env=environment))
        for process in running:
            await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        backend.begin()
        for process in running:
            process.stdin.write(b"go\n")
        scripts = await watch(backend, redis, arguments.well + arguments.outage + arguments.after)
        said = await asyncio.gather(*(asyncio.wait_for(process.communicate(b""), PATIENCE) for process in running))
    finally:
        for process in running:
            if process.returncode is None:
                process.kill()
        listening.close()
    with redis.client() as client:
        stats = client.info("commandstats").get("cmdstat_evalsha", {"usec_per_call": 0.0})
    return Outcome(mode, backend, [json.loads(out) for out, _ in said], scripts, stats["usec_per_call"])


async def watch(backend, redis, seconds):
    """How many scripts Redis ran in each second."""
    counted, before = [], 0
    with redis.client() as client:
        client.flushall()
        client.config_resetstat()
        while backend.now < seconds:
            await asyncio.sleep(max(0.0, len(counted) + 1 - backend.now))
            stats = client.info("commandstats")
            now = sum(stats[name]["calls"] for name in ("cmdstat_evalsha", "cmdstat_eval") if name in stats)
            counted.append(now - before)
            before = now
    return counted


def table(rows):
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)


def seconds(value):
    return "not in time" if value is None else f"{value:g} s"


def report(outcomes, arguments):
    shared = outcomes["shared"]
    calls = arguments.processes * arguments.callers
    allowed = (CAPACITY + REWARD * shared.successes) / COST
    rows = [["", *(MODE_NAMES[mode] for mode in outcomes)]]
    rows += [[name, *(say(outcome) for outcome in outcomes.values())] for name, say in FIGURES.items()]
    page = (HERE / "page.md").read_text()
    (HERE / "REPORT.md").write_text(
        page.format(
            table=table(rows), processes=arguments.processes, half=arguments.processes // 2, callers=f"{calls:,}", pause=f"{arguments.pause:g}",
            takes=f"{arguments.takes:g}", in_flight=f"{shared.backend.in_flight:,}", well=f"{arguments.well:g}", outage=f"{arguments.outage:g}", after=f"{arguments.after:g}", capacity=CAPACITY, cost=COST, allowed=f"{allowed:,.0f}",
            retries=f"{shared.retries:,}", local=f"{outcomes['local'].retries:,}", none=f"{outcomes['none'].retries:,}",
            each=f"{shared.each:.0f}", rate=f"{1e6 / shared.each:,.0f}", lost=shared.lost,
        )
    )  # fmt: skip
    return {
        f"{shared.retries} retries with a shared budget, which allows {allowed:.0f}": 0 < shared.retries <= allowed,
        f"local budgets make {outcomes['local'].retries / shared.retries:.1f} times as many": outcomes["local"].retries > shared.retries,
        f"none makes {outcomes['none'].retries / shared.retries:.1f} times as many": outcomes["none"].retries > outcomes["local"].retries,
        f"calls succeed again after {seconds(shared.recovered_after())}": shared.recovered_after() is not None,
    }


MODE_NAMES = {"shared": "shared budget and breaker", "local": "a budget and a breaker in each process", "none": "neither"}
FIGURES = {
    "attempts while the backend fails": lambda it: f"{it.in_outage(it.backend.first) + it.in_outage(it.backend.retries):,}",
    "of them retries": lambda it: f"{it.in_outage(it.backend.retries):,}",
    "retries in all": lambda it: f"{it.retries:,}",
    "attempts in the worst second": lambda it: f"{it.most_in_a_second:,}",
    "calls that succeeded": lambda it: f"{it.counts['ok']:,}",
    "calls given up for the budget": lambda it: f"{it.counts['budget']:,}",
    "calls given up or refused for the breaker": lambda it: f"{it.counts['breaker_open']:,}",
    "half of the usual calls again after": lambda it: seconds(it.recovered_after()),
    "from a failed attempt to what follows, p50": lambda it: f"{it.waited(50):.1f} ms",
    "from a failed attempt to what follows, p99": lambda it: f"{it.waited(99):.1f} ms",
    "scripts of Redis in a second, usual": lambda it: f"{statistics.median(it.scripts[2 : int(it.backend.fails_from)]):,.0f}",
    "scripts of Redis in a second, most": lambda it: f"{max(it.scripts):,}",
    "processes that lost the store": lambda it: str(it.lost),
}


def plot(outcomes, arguments):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "fleet"
    from matplotlib import pyplot

    until = int(arguments.well + arguments.outage + arguments.after)
    figure, axes = pyplot.subplots(figsize=(9, 4.5))
    axes.axvspan(arguments.well, arguments.well + arguments.outage, color="#f3d9d4", label="the backend fails")
    for mode, colour in zip(outcomes, ("#1b7f4d", "#3566b8", "#b3402a"), strict=True):
        backend = outcomes[mode].backend
        asked = [backend.first[second] + backend.retries[second] for second in range(until)]
        axes.plot(range(until), asked, color=colour, label=MODE_NAMES[mode], drawstyle="steps-post")
    axes.set(xlabel="seconds", ylabel="attempts in a second", xlim=(0, until), ylim=0)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(HERE / "outage.svg", metadata={"Date": None})


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=100)
    parser.add_argument("--callers", type=int, default=100, help="of each process; each has one call at a time (100)")
    parser.add_argument("--takes", type=float, default=10.0, help="seconds that the backend takes for an answer (10)")
    parser.add_argument("--pause", type=float, default=10.0, help="seconds, more or less, until a caller whose call has failed makes the next (10)")
    parser.add_argument("--well", type=float, default=25.0, help="seconds before the outage (25)")
    parser.add_argument("--outage", type=float, default=30.0, help="its seconds (30)")
    parser.add_argument("--after", type=float, default=35.0, help="seconds after it (35)")
    return parser.parse_args()


def main():
    arguments = parse()
    outcomes = {}
    for mode in MODES:
        with processes.Redis() as redis:
            outcomes[mode] = asyncio.run(run(mode, redis, arguments))
        print(f"{mode}: {outcomes[mode].retries:,} retries, {dict(outcomes[mode].counts)}", flush=True)
    plot(outcomes, arguments)
    return judge("fleet", report(outcomes, arguments))


if __name__ == "__main__":
    sys.exit(main())
