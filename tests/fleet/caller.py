"""Callers of a process of the fleet: `caller.py MODE REDIS BACKEND CALLERS PAUSE SEED`, until standard input ends.

MODE is shared, local or none. Says in JSON what its calls came to, and how long each failed attempt waited for what its retry was to be.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter

from backend import Backend
from undaunted import BreakerOpen, Policy, fleet, history, on_event

#: What all modes have in common; budget and breaker by the name that shared and local ones have.
RETRIES = {"attempts": 5, "initial": 0.5, "max_delay": 8.0, "timeout": 60.0}
BUDGET = {"capacity": 500, "cost": 14, "reward": 1}
BREAKER = {"window_time": 10.0, "min_calls": 20, "initial": 2.0, "max_delay": 8.0, "probes": 3}


def policy_of(mode, port, told):
    """The policy, and the store if there is one."""
    if mode == "none":
        return Policy(**RETRIES), None
    if mode == "local":
        return Policy(**RETRIES, budget={"name": "fleet", **BUDGET}, breaker={"name": "fleet", **BREAKER}), None
    store = fleet.Store(f"redis://127.0.0.1:{port}", on_event=lambda event: told.append(event.kind))
    return Policy(**RETRIES, budget=fleet.Budget("fleet", store, **BUDGET), breaker=fleet.Breaker("fleet", store, **BREAKER)), store


async def main():
    mode, redis, port, callers, pause, seed = sys.argv[1], *map(int, sys.argv[2:4]), int(sys.argv[4]), float(sys.argv[5]), int(sys.argv[6])
    dice, counts, waited, told = random.Random(seed), Counter(), [], []
    policy, store = policy_of(mode, redis, told)
    backend = Backend(*await asyncio.open_connection("127.0.0.1", port))
    is_over = asyncio.Event()
    failed_at = {}

    def hear(event):
        if event.kind in ("scheduled", "gave_up") and (at := failed_at.pop(asyncio.current_task(), None)) is not None:
            waited.append(time.perf_counter() - at)

    async def attempt(number):
        if not await backend.works(number):
            failed_at[asyncio.current_task()] = time.perf_counter()
            raise ConnectionResetError("the backend fails")

    async def call():
        number = 0

        async def next_attempt():
            nonlocal number
            number += 1
            await attempt(number)

        try:
            await policy.call_async(next_attempt)
            counts["ok"] += 1
        except (ConnectionResetError, BreakerOpen) as error:
            counts[history(error).reason or "breaker_open"] += 1
            await asyncio.sleep(pause * (0.5 + dice.random()))

    async def calls():
        await asyncio.sleep(dice.random() * pause)
        while not is_over.is_set():
            await call()

    on_event(hear)
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    running = [asyncio.create_task(calls()) for _ in range(callers)]
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    is_over.set()
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    if store:
        await store.aclose()
    print(json.dumps({"counts": counts, "waited": [round(second * 1e6) for second in waited], "told": told}), flush=True)


asyncio.run(main())
