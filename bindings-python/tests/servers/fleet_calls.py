"""Calls that fail, and what a store of a fleet was asked of them."""

import asyncio

import pytest
from processes import until

import undaunted
from undaunted import fleet, history

# Six retries, then nothing: no success gives anything back.
SIX = {"capacity": 60, "cost": 10, "reward": 0, "refund": False}
AT_ONCE = {"backoff": [0], "jitter": "none", "timeout": None}
# A real second is a long time for a test, but no wait of any.
OPTIONS = {"timeout": 1.0, "every": 0.01}


class Stores(list):
    def __init__(self):
        self.told = []

    def __call__(self, server, **options):
        store = fleet.Store(url(server), **{**OPTIONS, "on_event": self.note, **options})
        self.append(store)
        return store

    def note(self, event):
        self.told.append((event.kind, type(event.error).__name__))


def url(server):
    return f"redis://127.0.0.1:{server.port}/0"


def fails():
    raise ConnectionResetError("no")


async def fails_later():
    raise ConnectionResetError("no")


def retries_of(policy, times=1):
    """How many retries so many calls make that always fail."""
    made = []
    for _ in range(times):
        with pytest.raises(ConnectionResetError) as error:
            policy.call(fails)
        made.append(len(history(error.value)) - 1)
    return sum(made), history(error.value).reason


async def retries_of_async(policy):
    with pytest.raises(ConnectionResetError) as error:
        await policy.call_async(fails_later)
    return len(history(error.value)) - 1, history(error.value).reason


def commands(server, *names):
    with server.client() as admin:
        stats = admin.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in names or ("evalsha", "eval"))


def find(store, is_async):
    """Has calls look for it, as if the time were over for which they leave it alone."""

    def look():
        store._front = undaunted._core.Breaker.compile(undaunted._store.FRONT, "python")[0]
        store._ask_again()

    async def main():
        while store.is_lost:
            look()
            await settle_async(store)

    if is_async:
        asyncio.run(asyncio.wait_for(main(), 30))
    else:
        look()
        until(lambda: not store.is_lost or (store._courier._at is None and look()))


async def settle_async(store):
    """Lets its tasks end, and closes what the loop has of it."""
    for desk in list(store._desks.values()):
        while desk._tasks or desk._timer is not None:
            await asyncio.sleep(0.001)
    await leave_loop(store)


async def leave_loop(store):
    """Closes what the loop has of it."""
    for desk in list(store._desks.values()):
        await desk.close()
