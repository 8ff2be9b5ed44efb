"""No retry that a shared budget did not allow: `exact.py`, in the virtual environment, with a Redis of its own.

Processes in Python and JavaScript make calls that mostly fail, to a backend that counts attempts; some processes are killed, others come.
Redis tells every command that it runs (MONITOR) and writes down every change (its append-only file). That log is replayed through the
oracle: each answer must be its, the retries that the backend saw must be among those that were granted, and what was granted must be what
the budget had and successes gave.
"""

import asyncio
import contextlib
import os
import re
import sys
import threading
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parent
sys.path[:0] = [str(TESTS), str(TESTS / "oracle"), str(TESTS.parent / "bindings-python" / "tests" / "servers")]

import processes  # noqa: E402
from budget import Budget  # noqa: E402
from claims import judge  # noqa: E402
from policy import MILLION, BudgetOptions  # noqa: E402

import setup  # noqa: E402

OPTIONS = BudgetOptions("exact", "bucket", capacity=300, cost=5, reward=MILLION, refund=True)
KEY = "undaunted:{exact}:budget"
#: Attempts after which the backend works, fails again, and is done with.
WORKS, FAILS_AGAIN, ENDS = 4_000, 7_000, 11_000
#: Attempts after which a process is killed and another takes its place.
KILLS = {1_500: "python", 3_000: "js", 6_000: "python", 9_000: "js"}
LANGUAGES = {"python": [sys.executable, HERE / "worker.py"], "js": ["node", "--no-warnings", HERE / "worker.mjs"]}
EACH = 2
PATIENCE = 90


class Redis(processes.Redis):
    """One that writes down what it does."""

    def words(self):
        return [*super().words(), "--appendonly", "yes", "--appendfsync", "no"]

    def log(self):
        """What its file says that the tokens were, one after another."""
        text = b"".join(path.read_bytes() for path in sorted((self.folder / "appendonlydir").glob("*.aof")))
        pattern = rb"\$4\r\nHSET\r\n\$\d+\r\n" + re.escape(KEY.encode()) + rb"\r\n\$6\r\ntokens\r\n\$\d+\r\n(-?\d+)\r\n"
        return [int(tokens) for tokens in re.findall(pattern, text, re.IGNORECASE)]


class Backend:
    """Counts attempts, and says which of them succeed."""

    def __init__(self):
        self.attempts = 0
        self.retries = Counter()
        self.earned = 0
        self.reached = asyncio.Event()
        self.kills = dict(KILLS)
        self.to_kill = []

    async def serve(self, reader, writer):
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                language, attempt = line.decode().split()
                self.attempts += 1
                works = WORKS <= self.attempts < FAILS_AGAIN
                if int(attempt) > 1:
                    self.retries[language] += 1
                if works:
                    self.earned += OPTIONS.reward if attempt == "1" else OPTIONS.cost * MILLION
                if (victim := self.kills.pop(self.attempts, None)) or self.attempts >= ENDS:
                    self.to_kill += [victim] * bool(victim)
                    self.reached.set()
                writer.write(b"ok\n" if works else b"no\n")
        writer.close()


class Monitor(threading.Thread):
    """Every command of the budget that Redis ran, in its order: what was added, owed and asked for, and the tokens afterwards."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.steps = []
        self._client = client
        self._is_ready = threading.Event()

    def run(self):
        with self._client.monitor() as monitor:
            self._is_ready.set()
            asked = None
            for line in monitor.listen():
                words = line["command"].split(" ")
                if words[0] == "ECHO" and words[1] == "over":
                    return
                if KEY in words[-13:] and words[0].upper() in ("EVALSHA", "EVAL"):
                    asked = [int(word) if word else None for word in words[-4:]]
                elif line["client_type"] == "lua" and words[:3] == ["HSET", KEY, "tokens"]:
                    self.steps.append((*asked, int(words[3])))

    def __enter__(self):
        self.start()
        self._is_ready.wait()
        return self

    def __exit__(self, *error):
        with self._client.client() as client:
            client.echo("over")
        self.join(PATIENCE)


async def run(server):
    """The backend after it has seen enough, and what the processes that lived to the end say."""
    backend = Backend()
    listening = await asyncio.start_server(backend.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]

    async def start(language):
        words = [*LANGUAGES[language], server.port, port]
        pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
        return await asyncio.create_subprocess_exec(*map(str, words), **pipes, env={**os.environ, "UNDAUNTED_DRIVERS": str(setup.DRIVERS)})

    running = {language: [await start(language) for _ in range(EACH)] for language in LANGUAGES}
    try:
        while backend.attempts < ENDS:
            backend.reached.clear()
            await asyncio.wait_for(backend.reached.wait(), PATIENCE)
            while backend.to_kill:
                language = backend.to_kill.pop()
                victim = running[language].pop(0)
                victim.kill()
                await victim.wait()
                running[language].append(await start(language))
        said = await asyncio.gather(*(process.communicate(b"") for each in running.values() for process in each))
    finally:
        for process in (process for each in running.values() for process in each if process.returncode is None):
            process.kill()
        listening.close()
    return backend, [out.decode().split() for out, _ in said]


def replay(steps):
    """How many retries the oracle grants, and what was added."""
    oracle = Budget(OPTIONS)
    granted = given = 0
    for at, (added, owed, price, asks, tokens) in enumerate(steps):
        given += added
        oracle.change(added, 0)
        oracle.tokens -= owed
        if asks:
            assert price == OPTIONS.cost * MILLION, f"step {at} asks for {price}"
            granted += sum(oracle.take(None, 0) is not None for _ in range(asks))
        assert oracle.tokens == tokens, f"step {at}, {added} added, {owed} owed, {price} asked for {asks} times: {tokens} left, by the rules {oracle.tokens}"
    return granted, given


def main():
    with Redis() as server, server.client() as client:
        with Monitor(client) as monitor:
            backend, said = asyncio.run(run(server))
        logged = server.log()
    granted, given = replay(monitor.steps)
    retries = backend.retries.total()
    told = [word for _, *words in said for word in words]
    refused = sum(int(words[0]) for words in said)
    claims = {
        f"{len(monitor.steps)} answers of Redis are the oracle's": len(monitor.steps) > 1_000,
        "its append-only file says the same": logged == [tokens for *_, tokens in monitor.steps],
        f"{retries} retries, {dict(backend.retries)}, of {granted} granted": 0 < retries <= granted and len(backend.retries) == len(LANGUAGES),
        f"{granted} granted for {OPTIONS.capacity} tokens and {given / MILLION:g} given": granted * OPTIONS.cost <= OPTIONS.capacity + given / MILLION,
        f"{given / MILLION:g} given of {backend.earned / MILLION:g} that successes earned": 0 < given <= backend.earned,
        f"{refused} calls given up for the budget": refused > 0,
        f"nobody lost the store: {told}": not told,
        f"{len(KILLS)} processes killed": not backend.kills,
    }
    return judge("fleet exact", claims)


if __name__ == "__main__":
    sys.exit(main())
