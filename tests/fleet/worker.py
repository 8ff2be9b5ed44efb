"""Calls under a shared budget until standard input ends: `worker.py REDIS BACKEND`. Says how many were given up for the budget, and what
became of the store."""

import asyncio
import sys
from collections import deque

from undaunted import Policy, fleet, history

CALLS = 15
PAUSE = 0.03


class Backend:
    """One connection; answers come in the order of the attempts."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer
        self._waiting = deque()
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self):
        while line := await self._reader.readline():
            self._waiting.popleft().set_result(line == b"ok\n")

    async def attempt(self, number):
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._writer.write(f"python {number}\n".encode())
        if not await answer:
            raise ConnectionResetError("the backend fails")


async def main():
    redis, port = sys.argv[1:]
    told = []
    store = fleet.Store(f"redis://127.0.0.1:{redis}", timeout=10.0, every=0.05, on_event=lambda event: told.append(event.kind))
    budget = fleet.Budget("exact", store, capacity=300, cost=5, reward=1)
    policy = Policy(attempts=4, initial=0.005, max_delay=0.02, budget=budget)
    backend = Backend(*await asyncio.open_connection("127.0.0.1", int(port)))
    refused = 0
    is_over = asyncio.Event()

    async def call():
        number = 0

        async def attempt():
            nonlocal number
            number += 1
            await backend.attempt(number)

        await policy.call_async(attempt)

    async def calls():
        nonlocal refused
        while not is_over.is_set():
            try:
                await call()
            except ConnectionResetError as error:
                refused += history(error).reason == "budget"
            await asyncio.sleep(PAUSE)

    callers = [asyncio.create_task(calls()) for _ in range(CALLS)]
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    is_over.set()
    await asyncio.gather(*callers)
    await store.aclose()
    print(refused, *told)


asyncio.run(main())
