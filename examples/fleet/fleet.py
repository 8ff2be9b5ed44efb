"""A fleet in an outage: two services in Python and two in Node share a budget of retries and a breaker over Redis, and you watch.

Starts a Redis, a backend and the services, lets the backend fail for a while, and ends with 1 if budget or breaker did anything but what
the last lines say.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import undaunted
from backend import Backend
from redis.asyncio import Redis
from redis.exceptions import RedisError
from view import GREEN, RED, YELLOW, Now, View

HERE = Path(__file__).resolve().parent
#: How much longer than it should last anything may take, on a machine that is busy.
PATIENCE = 40
STATES = ("closed", "open", "half open")


def main() -> int:
    options = parse()
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    return asyncio.run(play(options))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30, help="for how long it goes on (30)")
    parser.add_argument("--outage", type=float, help="for how many of them the backend fails (two fifths)")
    parser.add_argument("--rate", type=float, default=5, help="requests in a second of each service's users (5)")
    parser.add_argument("--node", default="node", help="the Node to run (node)")
    repository = HERE.parent.parent
    parser.add_argument("--undaunted", type=Path, default=repository / "bindings-js", help="the built npm package (bindings-js)")
    parser.add_argument("--drivers", type=Path, default=os.environ.get("UNDAUNTED_DRIVERS"), help="a folder with node_modules/redis")
    options = parser.parse_args()
    options.outage = options.seconds * 0.4 if options.outage is None else options.outage
    if not 0 < options.outage < options.seconds:
        parser.error(f"outage is {options.outage:g}, allowed more than 0 and less than --seconds, which is {options.seconds:g}")
    if not 1 <= options.rate <= 100:
        parser.error(f"rate is {options.rate:g}, allowed 1 to 100")
    if options.drivers is None:
        parser.error("drivers is not given, allowed a folder with node_modules/redis; run `make fleet`, or `npm install redis` somewhere")
    options.redis_server = shutil.which("redis-server") or shutil.which("valkey-server")
    if options.redis_server is None:
        sys.exit("There is no Redis or Valkey here; install Debian's redis-server or valkey-server, or another package with one of them")
    return options


class Fleet:
    """All that runs, and what is known of it."""

    def __init__(self, policy: undaunted.Policy, backend: Backend, redis: Redis) -> None:
        self.capacity: int = policy.budget.options["capacity"]  # type: ignore[union-attr]
        self.cost: int = policy.budget.options["cost"]  # type: ignore[union-attr]
        self.backend = backend
        self.redis = redis
        self.started = time.monotonic()
        self.services: dict[str, dict[str, int]] = {}
        self.processes: list[asyncio.subprocess.Process] = []
        self.endings: list[asyncio.Task[None]] = []

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def total(self, what: str) -> int:
        return sum(counts.get(what, 0) for counts in self.services.values())

    def end(self) -> None:
        """Has the services end, each by itself."""
        for process in self.processes:
            process.stdin.close()  # type: ignore[union-attr]

    async def listen(self, name: str, output: asyncio.StreamReader) -> None:
        while line := await output.readline():
            self.services[name] = json.loads(line)

    async def look(self) -> Now:
        """What is in the store is what all of them go by."""
        tokens, (state, held), (now_s, now_us) = await asyncio.gather(
            self.redis.hget("undaunted:{backend}:budget", "tokens"),
            self.redis.hmget("undaunted:{backend}:breaker", "state", "held"),
            self.redis.time(),
        )
        breaker = STATES[int(state or 0)]
        probe_in = 0.0
        if breaker == "open":
            probe_in = max(0.0, float(held or 0) / 1e6 - now_s - now_us / 1e6)
            # It is so for whoever comes next.
            breaker = breaker if probe_in else "half open"
        left = self.capacity if tokens is None else float(tokens) / 1e6
        return Now(self.seconds, self.backend.fails, left, self.capacity, breaker, probe_in, self.load(), self.services)

    def load(self) -> list[int]:
        bins = [0] * 44
        now = time.monotonic()
        for at in reversed(self.backend.requests):
            ago = int((now - at) * 2)
            if ago >= len(bins):
                break
            bins[-1 - ago] += 1
        return bins


async def play(options: argparse.Namespace) -> int:
    view = View()
    policy = undaunted.Policy.load(HERE / "policy.json")
    async with contextlib.AsyncExitStack() as stack:
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, asyncio.current_task().cancel)  # type: ignore[union-attr]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleet-")))
        port = await stack.enter_async_context(redis_server(options.redis_server, folder))
        redis = await stack.enter_async_context(Redis(port=port, decode_responses=True))
        backend = await stack.enter_async_context(Backend())
        fleet = Fleet(policy, backend, redis)
        for name, words in commands(options, folder):
            told = ["--backend", backend.url, "--redis", f"redis://127.0.0.1:{port}/0", "--rate", str(options.rate)]
            process = await stack.enter_async_context(running(name, [*words, *told]))
            fleet.services[name] = {}
            fleet.endings.append(asyncio.create_task(fleet.listen(name, process.stdout)))  # type: ignore[arg-type]
            fleet.processes.append(process)
        stack.callback(fleet.end)
        problems = await story(options, fleet, view)
        for line in problems:
            print(f"✗ {line}")
        return 1 if problems else 0


async def story(options: argparse.Namespace, fleet: Fleet, view: View) -> list[str]:
    """What happens, with what is said of it; answers what did not happen as it should."""
    problems: list[str] = []
    said: set[str] = set()

    def once(sentence: str, colour: str = "") -> None:
        if sentence not in said:
            said.add(sentence)
            view.say(fleet.seconds, sentence, colour)

    async def watch(seconds: float, what: str, has_come: Callable[[Now], bool], tell: Callable[[Now], None] = lambda _: None) -> None:
        """For so long, and then until something has come."""
        end = fleet.seconds + seconds
        while True:
            now = await fleet.look()
            tell(now)
            if said:
                view.show(now)
            if any(ending.done() for ending in fleet.endings):
                sys.exit("A service has ended early")
            if now.seconds >= end and has_come(now):
                return
            if now.seconds >= end + PATIENCE:
                problems.append(f"{what}, not within {PATIENCE} s more")
                return
            await asyncio.sleep(0.1)

    def each(what: str) -> bool:
        return all(counts.get(what, 0) for counts in fleet.services.values())

    fleet.started = time.monotonic()
    await watch(0, "each service is answered", lambda _: each("answered"))
    fleet.started = time.monotonic()
    fleet.backend.requests.clear()
    once(f"All is well. The budget is full: {fleet.capacity} tokens, for all four together.", GREEN)
    await watch((options.seconds - options.outage) * 0.4, "all is well", lambda now: now.breaker == "closed")

    before = {what: fleet.total(what) for what in ("calls", "retries")}
    first, fleet.backend.fails = len(fleet.backend.requests), True
    once(f"The backend fails. Each retry costs {fleet.cost} tokens of all.", RED)

    def in_outage(now: Now) -> None:
        if now.tokens < fleet.cost:
            once("The budget is spent: what fails now is not retried, by nobody.", YELLOW)
        if now.breaker == "open":
            once("The breaker opens, for all four: nothing is sent but a few probes.", YELLOW)

    def is_over(now: Now) -> bool:
        return now.breaker == "open" and each("refused by breaker") and fleet.total("refused by budget") > 0

    await watch(options.outage, "the budget is spent, and the breaker refuses each service", is_over, in_outage)
    after = {what: fleet.total(what) for what in ("calls", "retries")}
    requests = len(fleet.backend.requests) - first
    fleet.backend.fails = False
    once("The backend is well again, and nobody knows. The next probes find out.", GREEN)

    answered = {name: counts.get("answered", 0) for name, counts in fleet.services.items()}

    def is_well(now: Now) -> bool:
        return now.breaker == "closed" and all(counts.get("answered", 0) > answered[name] for name, counts in fleet.services.items())

    def in_recovery(now: Now) -> None:
        if now.breaker == "closed":
            once("The probes succeeded: the breaker closes, and each answer earns a token.", GREEN)

    await watch((options.seconds - options.outage) * 0.6, "the breaker closes, and each service is answered", is_well, in_recovery)
    fleet.end()
    await asyncio.wait_for(asyncio.gather(*fleet.endings), PATIENCE)
    calls, retries = (after[what] - before[what] for what in ("calls", "retries"))
    return [*problems, *summary(fleet, calls, retries, requests)]


def summary(fleet: Fleet, calls: int, retries: int, requests: int) -> list[str]:
    """Says what came of it, and answers what is wrong with it. What is checked are counts of the whole run, which no speed changes."""
    allowed = fleet.capacity // fleet.cost
    # What failed calls took is gone; what others took came back. Each success earns a token at most.
    spent = fleet.cost * (fleet.total("retries") - fleet.total("refunded"))
    earned = fleet.total("answered")
    print(f"""
In the outage users made {calls} calls. The backend met {requests} requests;
four attempts of each call would be {4 * calls}.
Retries: {retries}. One full budget allows {allowed}; four, one in each process, would allow {len(fleet.services) * allowed}.
Refused by the budget: {fleet.total("refused by budget")}, by the breaker: {fleet.total("refused by breaker")}.""")
    if lost := fleet.total("lost"):
        print(f"The store did not answer in time {lost} times: a service then went on with its share.")
    if spent > fleet.capacity + earned:
        return [f"retries of calls that failed took {spent} tokens, but there were {fleet.capacity} and {earned} more at most"]
    print(f"✓ retries of calls that failed took {spent} tokens; there were {fleet.capacity}, and {earned} earned at most")
    print("✓ the breaker refused calls of each service, and closed again")
    return []


@contextlib.asynccontextmanager
async def redis_server(program: str, folder: Path) -> AsyncIterator[int]:
    """A Redis of its own, that keeps nothing."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    words = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "no"]
    async with running("redis", words):
        async with Redis(port=port) as client:
            for _ in range(PATIENCE * 20):
                with contextlib.suppress(RedisError, OSError):
                    await client.ping()
                    break
                await asyncio.sleep(0.05)
            else:
                sys.exit(f"{program} does not answer at port {port}")
        yield port


def commands(options: argparse.Namespace, folder: Path) -> list[tuple[str, list[str]]]:
    """The four services. Node looks for packages beside the program that imports them, so it goes where they can be put beside it."""
    modules = folder / "node_modules"
    modules.mkdir()
    for name, package in (("undaunted", options.undaunted), ("redis", options.drivers / "node_modules" / "redis")):
        if not (package / "package.json").is_file():
            sys.exit(f"{package} is not there; run `make fleet`, which sets up all that is needed")
        (modules / name).symlink_to(package.resolve(), target_is_directory=True)
    for name in ("service.mjs", "policy.json"):
        shutil.copy(HERE / name, folder)
    python, node = [sys.executable, str(HERE / "service.py")], [options.node, str(folder / "service.mjs")]
    return [("python one", python), ("python two", python), ("node one", node), ("node two", node)]


@contextlib.asynccontextmanager
async def running(name: str, words: list[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that ends with us: told to on Ctrl-C, by us alone, and by Linux if we are killed."""
    setpriv = shutil.which("setpriv")
    if setpriv:
        words = [setpriv, "--pdeathsig", "KILL", *words]
    output = subprocess.DEVNULL if name == "redis" else subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(*words, stdin=subprocess.PIPE, stdout=output, start_new_session=True)
    except OSError as error:
        sys.exit(f"{name} does not start: {error}")
    try:
        yield process
    finally:
        if name != "redis":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 2)
        if process.returncode is None:
            process.kill()
        await process.wait()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    except BrokenPipeError:  # whoever reads has seen enough, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
