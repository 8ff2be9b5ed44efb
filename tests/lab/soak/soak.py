"""Calls of every kind that the Python package has, in tasks and threads, against a server whose faults change; then rest, and a report.

`soak.py --port N --seed N --rounds N --seconds S [--leak]`: rounds of S seconds. What is to be flat is counted after each, with no call in
flight. With `--leak` calls leave something behind in each way that is looked for.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import random
import resource
import sys
import threading
import time
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import boundary
import httpx
import requests
import undaunted
from undaunted import Policy
from undaunted.adapters.aiohttp import RetryingSession
from undaunted.adapters.httpx import AsyncRetryingTransport, RetryingTransport
from undaunted.adapters.requests import RetryingAdapter

TASKS = 30
TASKS_WITHOUT_A_SERVER = 4
THREADS = 3
#: What calls may come to. Anything else is a mistake, here or in the package.
EXPECTED = (
    *(OSError, TimeoutError, aiohttp.ClientError, httpx.HTTPError, requests.RequestException, undaunted.HttpError, undaunted.GaveUp),
    *(undaunted.BreakerOpen, undaunted.BulkheadFull, undaunted.Throttled),
    # The bug of `fail`.
    ValueError,
)
#: No call takes so long.
HANG = 20.0
#: How long to wait for what closes by itself.
SETTLING = 10.0
GOES_BY_ITSELF = ("sockets", "objects", "tasks", "timers", "threads")

SHORT: dict[str, Any] = {"attempts": 4, "initial": "1ms", "max_delay": "20ms", "timeout": "2s", "attempt_timeout": "150ms"}
PLAIN: dict[str, Any] = {name: value for name, value in SHORT.items() if name != "attempt_timeout"}
BUDGET = {"name": "soak", "capacity": 100, "cost": 2, "reward": 1}
BREAKER: dict[str, Any] = {"name": "soak", "window_calls": 20, "min_calls": 5, "initial": "20ms", "max_delay": "200ms"}


class Soak:
    def __init__(self, port: int, seed: int, leaks: bool) -> None:
        self.log = boundary.begin()
        self.heard = boundary.heard(self.log)
        self.url = f"http://127.0.0.1:{port}"
        self.dice = random.Random(seed)
        self.leaks = leaks
        self.log.wrong_by = 1 if leaks else 0
        self.kept: list[Any] = []
        self.calls = 0
        self.succeeded = 0
        self.cancelled = 0
        self.unexpected: list[str] = []
        self.ends_at = 0.0
        self.least: dict[str, Any] = {}
        self.lock = threading.Lock()

        self.short = Policy(**SHORT)
        self.plain = Policy(**PLAIN, on_event=self.heard)
        self.patient = Policy(**SHORT, on=(aiohttp.ClientError, OSError, undaunted.HttpError), jitter="decorrelated", nested="once")
        self.breaker = undaunted.Breaker(**BREAKER, seed=boundary.BREAKER_SEED)
        self.shared = Policy(**SHORT, budget=BUDGET, breaker=BREAKER, on_event=self.heard)
        self.shared_plain = Policy(**PLAIN, budget=BUDGET, breaker=BREAKER, on_event=self.heard)
        self.frugal = Policy(**PLAIN, budget={"name": "small", "capacity": 20, "cost": 2, "reward": 1}, on_event=self.heard)
        self.locally = Policy(**PLAIN, rules=[{"http": 404, "class": "transient"}])
        self.picky = Policy(**PLAIN, retry_if_result=lambda text: 0.002 if len(text) % 3 == 0 else False)
        self.outer = Policy(**SHORT, nested="share")
        text = '{"attempts": 3, "initial": "2ms", "max_delay": "2ms", "attempt_timeout": "100ms"}'
        self.sources = [Policy(**SHORT), Policy(preset="none", attempt_timeout="100ms"), text]
        self.is_resting = True
        self.source = undaunted.PolicySource(lambda: self.sources[0 if self.is_resting else self.calls // 50 % len(self.sources)])
        self.own_breaker = undaunted.Breaker(window_calls=20, min_calls=5, initial="20ms", max_delay="200ms")
        self.bulkhead = undaunted.Bulkhead(4, queue=2)
        self.throttle = undaunted.Throttle(window="2s")
        self.hedge = undaunted.Hedge("10ms", attempts=3, budget={"name": "hedges", "capacity": 100, "cost": 1})

    # What tasks do: the session's or one of the package's forms.

    async def by_session(self, session: aiohttp.ClientSession) -> object:
        return await RetryingSession(self.short, session).fetch(self.page(), read="text")

    async def by_session_of_a_source(self, session: aiohttp.ClientSession) -> object:
        async with RetryingSession(self.source, session).get(self.page()) as response:
            return await response.text()

    async def post_with_key(self, session: aiohttp.ClientSession) -> object:
        headers = {"Idempotency-Key": str(self.calls)}
        return await RetryingSession(self.shared, session).fetch(self.page(), method="POST", data=b"x" * 100, headers=headers, read="bytes")

    async def by_call(self, session: aiohttp.ClientSession) -> object:
        return await self.plain.call_async(self.get, session)

    async def by_decorator(self, session: aiohttp.ClientSession) -> object:
        return await undaunted.retry(self.patient)(self.get)(session)

    async def by_decorator_of_a_source(self, session: aiohttp.ClientSession) -> object:
        return await undaunted.retry(self.source)(self.get)(session)

    async def by_block(self, session: aiohttp.ClientSession) -> object:
        async for attempt in undaunted.retry_context(self.shared_plain):
            with attempt:
                attempt.result = await self.get(session)
        return attempt.result

    async def by_result(self, session: aiohttp.ClientSession) -> object:
        return await self.picky.call_async(self.get, session)

    async def nested(self, session: aiohttp.ClientSession) -> object:
        return await self.outer.call_async(self.patient.call_async, self.get, session)

    async def hedged(self, session: aiohttp.ClientSession) -> object:
        # A hedge waits as long as the server asks, which may be an hour here.
        async with asyncio.timeout(0.5):
            return await self.hedge.run(self.get, session)

    async def guarded(self, session: aiohttp.ClientSession) -> object:
        return await self.bulkhead.call_async(self.throttle.call_async, self.own_breaker.call_async, self.get, session)

    async def without_a_server(self, session: aiohttp.ClientSession) -> object:
        policy = self.dice.choice([self.frugal, self.locally, self.picky])
        return await undaunted.retry(policy)(self.fail_async)()

    async def fail_async(self) -> str:
        return self.fail()

    def fail(self) -> str:
        """Every second time one of many errors."""
        wait = {"Retry-After": self.dice.choice(["0", "0.01", "3600"])}
        error = self.dice.choice(
            [
                *(None, None, None, None, ConnectionResetError("lost"), ConnectionRefusedError(111, "refused"), TimeoutError("late")),
                *(OSError(28, "full"), ValueError("a bug"), undaunted.HttpError(self.dice.choice([404, 429, 500, 503]), headers=wait)),
                *(undaunted.stop(OSError("stop")), undaunted.again(OSError("again"), after=0.001)),
            ]
        )
        if error is not None:
            raise error
        return "x" * self.dice.randrange(6)

    async def by_httpx(self, session: aiohttp.ClientSession) -> object:
        async with httpx.AsyncClient(transport=AsyncRetryingTransport(self.short, cover_body=True), trust_env=False) as client:
            return (await client.get(self.page())).status_code

    async def cancelled_soon(self, session: aiohttp.ClientSession) -> object:
        kind = self.dice.choice([self.by_session, self.by_call, self.by_block, self.nested, self.hedged, self.guarded, self.post_with_key])
        task = asyncio.create_task(kind(session))
        await asyncio.sleep(self.dice.uniform(0, 0.01))
        self.cancelled += task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            return await task
        return None

    async def get(self, session: aiohttp.ClientSession) -> str:
        async with session.get(self.page(), timeout=aiohttp.ClientTimeout(total=0.2)) as response:
            return await undaunted.ok(response).text()

    def page(self) -> str:
        """A page of a random length; the server itself fails now and then."""
        return f"{self.url}/{self.dice.choice(['bytes', 'bytes', 'flaky'])}/{self.dice.choice([3, 100, 5000])}"

    # What threads do.

    def by_requests(self, clients: Clients) -> object:
        return clients.requests.get(self.page()).status_code

    def by_httpx_client(self, clients: Clients) -> object:
        return clients.httpx.get(self.page()).status_code

    def by_call_in_a_thread(self, clients: Clients) -> object:
        return self.shared_plain.call(self.fetch, clients)

    def by_decorator_in_a_thread(self, clients: Clients) -> object:
        return undaunted.retry(PLAIN_SYNC)(self.fetch)(clients)

    def without_a_server_in_a_thread(self, clients: Clients) -> object:
        return undaunted.retry(self.dice.choice([self.frugal, self.locally, self.picky, PLAIN_SYNC]))(self.fail)()

    def by_generator(self, clients: Clients) -> object:
        @undaunted.retry(self.plain, generators="restart")
        def pages() -> Any:
            yield self.fetch(clients)
            yield self.fetch(clients)

        return list(pages())

    def cancelled_in_a_thread(self, clients: Clients) -> object:
        cancel = threading.Event()
        policy = Policy(attempts=50, initial="5ms", max_delay="5ms", on=OSError, cancel=cancel)

        def fail() -> None:
            if self.dice.random() < 0.5:
                cancel.set()
            raise ConnectionResetError("never again")

        return policy.call(fail)

    def guarded_in_a_thread(self, clients: Clients) -> object:
        with self.bulkhead, self.own_breaker:
            return self.fetch(clients)

    def fetch(self, clients: Clients) -> int:
        return len(undaunted.ok(clients.bare.get(self.page(), timeout=0.2)).content)

    # A round.

    async def round(self, seconds: float) -> None:
        self.ends_at = time.monotonic() + seconds
        threads = [threading.Thread(target=self.work_in_a_thread) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        self.is_resting = False
        # Some calls cover no bodies.
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.5)) as session:
            tasks = [asyncio.create_task(self.work(session, number)) for number in range(TASKS + TASKS_WITHOUT_A_SERVER)]
            _, hanging = await asyncio.wait(tasks, timeout=seconds + HANG)
            if hanging:
                sys.exit("\n".join(["a call hangs", *(whereabouts(task) for task in hanging)]))
            for task in tasks:
                task.result()
        while any(thread.is_alive() for thread in threads):
            await asyncio.sleep(0.01)
        for thread in threads:
            thread.join()

    async def work(self, session: aiohttp.ClientSession, number: int) -> None:
        kinds: list[Callable[[aiohttp.ClientSession], Awaitable[object]]] = [
            *(self.by_session, self.by_session_of_a_source, self.post_with_key, self.by_call),
            *(self.by_decorator, self.by_decorator_of_a_source, self.by_block, self.by_result, self.nested, self.hedged, self.guarded, self.by_httpx, self.cancelled_soon),
        ]
        while time.monotonic() < self.ends_at:
            kind = self.dice.choice(kinds) if number < TASKS else self.without_a_server
            try:
                await kind(session)
                self.ended(kind)
            except Exception as error:
                self.ended(kind, error)

    def work_in_a_thread(self) -> None:
        kinds: list[Callable[[Clients], object]] = [
            *(self.by_requests, self.by_httpx_client, self.by_call_in_a_thread, self.by_decorator_in_a_thread, self.by_generator),
            *(self.cancelled_in_a_thread, self.guarded_in_a_thread, self.without_a_server_in_a_thread),
        ]
        with Clients(self) as clients:
            while time.monotonic() < self.ends_at:
                kind = self.dice.choice(kinds)
                try:
                    kind(clients)
                    self.ended(kind)
                except Exception as error:
                    self.ended(kind, error)

    def ended(self, kind: Callable[..., object], error: Exception | None = None) -> None:
        with self.lock:
            self.calls += 1
            self.succeeded += error is None
            if error is not None and not isinstance(error, EXPECTED):
                self.unexpected.append(f"{kind.__name__}: {error!r}")
            if self.leaks:
                self.leak(error)

    def leak(self, error: Exception | None) -> None:
        """An object for each call; of the rest, one for some."""
        self.kept.append([error, [object() for _ in range(100)]])
        if self.calls % 20 == 0:
            self.kept.append(os.open(os.devnull, os.O_RDONLY))
            self.kept.append(undaunted.on_event(lambda event: None))
            sleeper = threading.Thread(target=threading.Event().wait, daemon=True)
            sleeper.start()
            if threading.current_thread() is threading.main_thread():
                self.kept.append(asyncio.create_task(asyncio.sleep(3600)))

    async def report(self) -> dict[str, Any]:
        """What is there at rest."""
        self.is_resting = True
        self.source.current()
        deadline = time.monotonic() + (0.1 if self.leaks else SETTLING)
        while True:
            for _ in range(3):
                gc.collect()
                await asyncio.sleep(0.01)
            found = self.counted()
            if all(found[name] <= self.least.get(name, found[name]) for name in GOES_BY_ITSELF) or time.monotonic() > deadline:
                break
        self.least = {name: min(value, self.least.get(name, value)) for name, value in found.items() if value is not None}
        return {
            "calls": self.calls,
            "succeeded": self.succeeded,
            "cancelled": self.cancelled,
            "retries": self.log.retries,
            "gave_up": self.log.gave_up,
            "unexpected": self.unexpected[:5],
            "figures": found,
        }

    def counted(self) -> dict[str, Any]:
        links = descriptors()
        loop: Any = asyncio.get_running_loop()
        # The facts of a code that was met stay, and what a policy is under a name; there are few of both.
        stay = (undaunted._core.Failure, undaunted._core.Plan)
        kinds = [type(thing) for thing in gc.get_objects() if not isinstance(thing, stay)]
        own = sum(str(kind.__module__).split(".")[0] == "undaunted" for kind in kinds)
        return {
            "resident": resident(),
            "blocks": sys.getallocatedblocks(),
            "objects": own,
            "descriptors": None if links is None else len(links),
            "sockets": 0 if links is None else sum(link.startswith("socket:") for link in links),
            "threads": threading.active_count(),
            "tasks": len(asyncio.all_tasks()),
            "timers": sum(not timer.cancelled() for timer in loop._scheduled),
            "listeners": len(undaunted._switch.hooks),
        }


def whereabouts(task: asyncio.Task[Any]) -> str:
    """What a task waits for, from the outside in."""
    lines = []
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None) or getattr(awaited, "ag_frame", None)
        lines.append(f"  {awaited!r}" if frame is None else f"  {frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_qualname}")
        links = (getattr(awaited, name, None) for name in ("cr_await", "gi_yieldfrom", "ag_await"))
        awaited = next((link for link in links if link is not None), None)
    return "\n".join(lines)


class Clients:
    """A thread's clients."""

    def __init__(self, soak: Soak) -> None:
        self.bare = requests.Session()
        self.bare.trust_env = False
        self.requests = requests.Session()
        self.requests.trust_env = False
        self.requests.mount("http://", RetryingAdapter(soak.short))
        self.httpx = httpx.Client(transport=RetryingTransport(soak.shared, cover_body=True), trust_env=False)

    def __enter__(self) -> Clients:
        return self

    def __exit__(self, *_: object) -> None:
        for client in (self.bare, self.requests, self.httpx):
            client.close()


def descriptors() -> list[str] | None:
    """What the process has open; None where the system does not tell."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        with contextlib.suppress(OSError):
            found = []
            for name in os.listdir(folder):
                # The one that listed them is gone by now.
                with contextlib.suppress(OSError):
                    found.append(os.readlink(f"{folder}/{name}") if folder.startswith("/proc") else name)
            return found
    return None


def resident() -> int:
    """Bytes of memory that the process holds now; the most it ever held where the system does not tell."""
    with contextlib.suppress(OSError), open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--leak", action="store_true")
    given = parser.parse_args()
    warnings.simplefilter("ignore", undaunted.NestedRetryWarning)
    soak = Soak(given.port, given.seed, given.leak)
    for _ in range(given.rounds):
        await soak.round(given.seconds)
        soak.log.report(await soak.report())


PLAIN_SYNC = Policy(**PLAIN)

if __name__ == "__main__":
    asyncio.run(main())
