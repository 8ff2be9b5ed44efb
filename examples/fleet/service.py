"""A service of the fleet in Python: asks the backend for what its own users ask it, under the fleet's policy.

`python service.py --backend URL --redis URL [--rate 5]` counts what happens, prints it as a JSON line four times a second, and ends when
its standard input does.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

import aiohttp
import undaunted
from undaunted import fleet
from undaunted.adapters.aiohttp import RetryingSession

POLICY = Path(__file__).with_name("policy.json")
seen: Counter[str] = Counter()


async def main(options: argparse.Namespace) -> None:
    policy = undaunted.Policy.load(POLICY).replace(on_event=count)
    store = fleet.Store(options.redis, timeout="250ms", on_event=lambda event: seen.update([event.kind]))
    # From here on the budget and the breaker that the policy names are the fleet's. The rest of the program knows nothing of it.
    fleet.share(policy, store)
    async with RetryingSession(policy) as session, asyncio.TaskGroup() as tasks:
        users = tasks.create_task(ask(session, options.backend, options.rate))
        teller = tasks.create_task(tell())
        await asyncio.to_thread(sys.stdin.read)
        users.cancel()
        teller.cancel()
    await store.aclose()
    print(json.dumps(seen), flush=True)


async def handle(session: RetryingSession, backend: str) -> None:
    """One request of a user's."""
    seen["calls"] += 1
    try:
        await session.fetch(f"{backend}/users/ada")
        seen["answered"] += 1
    except undaunted.BreakerOpen:
        seen["refused by breaker"] += 1
    except (aiohttp.ClientError, undaunted.TimeoutError, undaunted.GaveUp):
        seen["failed"] += 1


async def ask(session: RetryingSession, backend: str, rate: float) -> None:
    """The users: they come at their rate, whether answers come or not."""
    async with asyncio.TaskGroup() as requests:
        while True:
            requests.create_task(handle(session, backend))
            await asyncio.sleep(1 / rate)


def count(event: undaunted.Event) -> None:
    if event.kind == "scheduled":
        seen["retries"] += 1
    elif event.kind == "success" and event.attempt > 1:
        seen["refunded"] += event.attempt - 1
    elif event.kind == "gave_up" and event.reason == "budget":
        seen["refused by budget"] += 1
    elif event.kind == "gave_up" and event.reason == "breaker_open" and event.attempt > 1:
        seen["refused by breaker"] += 1


async def tell() -> None:
    while True:
        print(json.dumps(seen), flush=True)
        await asyncio.sleep(0.25)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", required=True, metavar="URL")
    parser.add_argument("--redis", required=True, metavar="URL")
    parser.add_argument("--rate", type=float, default=5, help="requests of users in a second (5)")
    asyncio.run(main(parser.parse_args()))
