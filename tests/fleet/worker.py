"""Calls under a shared budget until standard input ends: `worker.py REDIS BACKEND`. Says how many were given up for the budget, and what
became of the store."""

import asyncio
import sys

from backend import Backend
from undaunted import Policy, fleet, history

CALLS = 15
PAUSE = 0.03


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
            if not await backend.works(number):
                raise ConnectionResetError("the backend fails")

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
