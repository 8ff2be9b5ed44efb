"""Both packages in long use while faults change: what is at rest stays flat, and the core decides as they did.

`run.py [--minutes M] [--seed N] [--leak]`, in the virtual environment. A server, lossy-proxy before it, and two programs, soak.py and
soak.mjs, whose decisions `replay` makes again as they come. With `--leak` the programs leave something behind on purpose, and each figure
has to be found guilty. README.md says how to read what is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

import setup  # noqa: E402

LANGUAGES = {"python": [sys.executable, HERE / "soak.py"], "js": ["node", "--no-warnings", "--expose-gc", HERE / "soak.mjs"]}
#: Figures that may not differ at any two points, and those that may grow by so much, plus so much for each call.
EXACT = ("objects", "descriptors", "sockets", "threads", "tasks", "timers", "listeners", "signals", "wasm")
BOUNDED = {"resident": (24 << 20, 24), "heap": (3 << 19, 4), "blocks": (6_000, 0.02)}
#: Rounds before the first that is judged: caches fill, code is compiled.
WARM_UP = 3
MOST_ROUND = 20.0
#: How long a program may take beside its rounds.
PATIENCE = 90.0


@dataclass
class Program:
    name: str
    process: subprocess.Popen[bytes]
    replay: asyncio.subprocess.Process
    reports: list[dict[str, Any]] = field(default_factory=list)

    async def read(self) -> None:
        """Takes every report as it comes."""
        assert self.replay.stdout is not None
        async for line in self.replay.stdout:
            report = json.loads(line)["report"]
            self.reports.append(report)

    @property
    def judged(self) -> list[dict[str, Any]]:
        return self.reports[WARM_UP:]


class Proxy:
    """lossy-proxy, whose faults change; how often, and how often a call met them."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, dice: random.Random) -> None:
        self._process, self.port, self._dice = process, port, dice
        self.changes = 0
        self.met: dict[str, int] = {}

    @classmethod
    async def start(cls, to: int, dice: random.Random) -> Proxy:
        words = [setup.lossy("lossy-proxy"), "--to", f"127.0.0.1:{to}"]
        pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
        process = await asyncio.create_subprocess_exec(*map(str, words), **pipes)
        assert process.stdout is not None
        return cls(process, json.loads(await process.stdout.readline())["port"], dice)

    async def tell(self, command: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return answer

    async def change_for_ever(self) -> None:
        """One fault after another, by the seed: which, and for how long."""
        while True:
            before = await self.tell({"begin": self._channel() | {"seed": self._dice.randrange(1 << 32), "number": self.changes}})
            self._count(before["faults"])
            await self.tell(self._switch())
            self.changes += 1
            await asyncio.sleep(self._dice.uniform(0.3, 1.5))

    def _channel(self) -> dict[str, Any]:
        """Clear half of the time; else losses of segments or of whole answers."""
        if self._dice.random() < 0.5:
            return {}
        down = self._dice.choice(["0.05,0.5,0,1", "0.2,0.4,0.01,0.8", "0.5,0.5,0,0.5"])
        faults = self._dice.choice([["cut"], ["reset"], ["stall"], ["cut", "reset", "stall"]])
        return {"down": down, "segment": self._dice.choice([0, 500, 1448]), "after": self._dice.choice([0, 10, 1024]), "faults": faults}

    def _switch(self) -> dict[str, Any]:
        none = {"switch": "none"}
        return self._dice.choice(
            [
                *(none, none, none, {"switch": "refuse"}, {"switch": "stall"}, {"switch": "cut"}, {"switch": "reset"}),
                {"switch": "slow", "bytes": self._dice.choice([50, 1000]), "pause_ms": self._dice.choice([1, 5])},
                {"switch": "status", "status": self._dice.choice([429, 500, 503])},
                {"switch": "status", "status": 503, "retry_after": self._dice.choice([0, 1, 3600])},
            ]
        )

    def _count(self, faults: dict[str, int]) -> None:
        for name, number in faults.items():
            self.met[name] = self.met.get(name, 0) + number

    async def stop(self) -> None:
        self._count((await self.tell({"count": True}))["faults"])
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


async def serve(dice: random.Random) -> asyncio.Server:
    """`/bytes/N` has N bytes; `/flaky/N` too, or in a fifth of the cases a status that asks to come again."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, path, _ = head.split(b" ", 2)
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        await reader.readexactly(int(line[15:]))
                _, kind, length = path.decode().split("/")
                if kind == "flaky" and dice.random() < 0.2:
                    writer.write(b"HTTP/1.1 503 Flaky\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n")
                else:
                    body = b"x" * int(length)
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


async def start(name: str, words: list[str]) -> Program:
    """A program whose decisions go to `replay`, which hands its reports on."""
    reading, writing = os.pipe()
    process = subprocess.Popen([*map(str, LANGUAGES[name]), *words], stdin=subprocess.DEVNULL, stdout=writing)
    replay = await asyncio.create_subprocess_exec(str(setup.replay()), stdin=reading, stdout=asyncio.subprocess.PIPE)
    os.close(reading)
    os.close(writing)
    return Program(name, process, replay)


async def soak(minutes: float, seed: int, leaks: bool) -> tuple[list[Program], Proxy]:
    server = await serve(random.Random(seed))
    proxy = await Proxy.start(server.sockets[0].getsockname()[1], random.Random(seed))
    seconds = min(MOST_ROUND, minutes * 60 / 12)
    rounds = WARM_UP + max(6, round(minutes * 60 / seconds) - WARM_UP)
    words = ["--port", str(proxy.port), "--seed", str(seed), "--rounds", str(rounds), "--seconds", str(seconds), *["--leak"] * leaks]
    programs = [await start(name, words) for name in LANGUAGES]
    changing = asyncio.create_task(proxy.change_for_ever())
    try:
        await asyncio.wait([asyncio.create_task(program.read()) for program in programs], timeout=rounds * seconds * 2 + PATIENCE)
    finally:
        changing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await changing
        for program in programs:
            if len(program.reports) < rounds:
                program.process.kill()
            program.process.wait()
            await program.replay.wait()
        await proxy.stop()
        server.close()
    return programs, proxy


def thirds(program: Program, name: str) -> list[float]:
    """The medians of a figure in the three thirds of the points; none where the system does not tell."""
    values = [point["figures"][name] for point in program.judged]
    if None in values:
        return []
    third = max(1, len(values) // 3)
    return [statistics.median(part) for part in (values[:third], values[third:-third], values[-third:])]


def guilty(program: Program) -> dict[str, str]:
    """Which figures are not flat, and how."""
    found: dict[str, str] = {}
    calls = program.judged[-1]["calls"] - program.judged[0]["calls"]
    for name in program.judged[0]["figures"]:
        values = [point["figures"][name] for point in program.judged]
        if name in EXACT:
            if len(set(values)) > 1:
                found[name] = f"{name} differ at rest: {', '.join(map(str, values))}"
        elif medians := thirds(program, name):
            floor, each = BOUNDED[name]
            grown = medians[-1] - medians[0]
            if grown > floor + each * calls:
                found[name] = f"{name} have grown by {grown:,.0f} in {calls:,} calls, allowed {floor + each * calls:,.0f}"
    return found


def problems(program: Program, leaks: bool) -> list[str]:
    """What is wrong beside what grows."""
    found = []
    if program.process.returncode:
        found.append(f"it ended with {program.process.returncode} after {len(program.reports)} rounds")
    if not program.reports:
        return [*found, "it has not reported"]
    last = program.reports[-1]
    differences = last["replayed"]["differences"]
    if leaks and differences != 1:
        found.append(f"one decision was altered by 1 µs, and the core found {differences}")
    if not leaks and (differences or program.replay.returncode):
        found.append("the core decides otherwise: see above")
    found.extend(f"unexpected: {text}" for text in last["unexpected"])
    if leaks:
        return found
    reasons = {"attempts", "budget", "breaker_open", "permanent"} - last["gave_up"].keys()
    if reasons:
        found.append(f"no call was given up by {', '.join(sorted(reasons))}; the soak looks at too little")
    for name in ("calls", "succeeded", "cancelled", "retries"):
        if not last[name]:
            found.append(f"no {name}; the soak looks at too little")
    if not last["replayed"]["shared"] or not last["replayed"]["told"]:
        found.append("nothing that is shared, or told, was replayed; the soak looks at too little")
    return found


def table(programs: list[Program]) -> None:
    print(f"\n{'':14}" + "".join(f"{title:>16}" for title in ("first third", "second third", "last third")))
    for program in programs:
        last = program.judged[-1]
        replayed = last["replayed"]
        print(f"{program.name}, medians of {len(program.judged)} points")
        for name in last["figures"]:
            shown = [f"{value:,.0f}" for value in thirds(program, name)] or ["unknown"]
            print(f"  {name:12}" + "".join(f"{value:>16}" for value in shown))
        counted = ", ".join(f"{last[name]:,} {name}" for name in ("calls", "succeeded", "cancelled", "retries"))
        print(f"  counted     {counted}")
        print(f"  given up    {', '.join(f'{number:,} {name}' for name, number in sorted(last['gave_up'].items()))}")
        print(f"  replayed    {replayed['decisions']:,} decisions of {replayed['calls']:,} calls,", end=" ")
        print(f"{replayed['shared']:,} of them shared, {replayed['told']:,} told; {replayed['differences']:,} differ")


def verdict(programs: list[Program], proxy: Proxy, leaks: bool) -> list[str]:
    wrong = []
    for program in programs:
        wrong.extend(f"{program.name}: {problem}" for problem in problems(program, leaks))
        if len(program.judged) < 6:
            wrong.append(f"{program.name}: {len(program.judged)} points to judge by, needed 6")
            continue
        found = guilty(program)
        if leaks:
            innocent = {name for name in program.judged[0]["figures"] if name not in found} - NOT_LEAKED[program.name]
            wrong.extend(f"{program.name}: {name} leak, and were found flat" for name in sorted(innocent))
        else:
            wrong.extend(f"{program.name}: {text}" for text in found.values())
    if not leaks and not all(proxy.met.get(fault) for fault in ("stall", "cut", "reset", "status")):
        wrong.append(f"the faults were {proxy.met} in {proxy.changes} changes; the soak looks at too little")
    return wrong


#: What a leak of some seconds does not show, and what no call can leave: the engine's memory has one size.
NOT_LEAKED = {"python": {"sockets", "resident"}, "js": {"sockets", "resident", "wasm"}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1, help="of the faults and of the kinds of calls (1)")
    parser.add_argument("--leak", action="store_true", help="leak on purpose; it fails unless that is seen")
    given = parser.parse_args()
    programs, proxy = asyncio.run(soak(given.minutes, given.seed, given.leak))
    wrong = verdict(programs, proxy, given.leak)
    if all(len(program.judged) > 0 for program in programs):
        table(programs)
    met = ", ".join(f"{number:,} {name}" for name, number in proxy.met.items())
    print(f"faults changed {proxy.changes} times: {met}\n")
    print("\n".join(wrong))
    if wrong:
        return 1
    if given.leak:
        print("soak: whatever leaked on purpose was found, and the decision that was altered by 1 µs")
        return 0
    for program in programs:
        last = program.judged[-1]
        print(
            f"soak: {program.name} {last['calls']:,} calls, {last['retries']:,} retries under {proxy.changes} faults;"
            f" {last['replayed']['decisions']:,} decisions replayed alike; flat at {len(program.judged)} points"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
