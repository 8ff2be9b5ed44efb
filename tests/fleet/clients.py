"""Each client of both packages, in its major versions, on one server and on a cluster of three nodes, of Redis and of Valkey: `clients.py`,
in the virtual environment.

A budget of six retries gives six, in each, and nobody loses the store.
"""

import asyncio
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry
from servers import cluster_of, kinds

import setup
from undaunted import Policy, fleet, history

HERE = Path(__file__).parent
SIX = {"capacity": 60, "cost": 10, "reward": 0, "refund": False}
ONCE = {"socket_timeout": 5.0, "socket_connect_timeout": 5.0, "retry": Retry(NoBackoff(), 0)}
CLIENTS = {
    "one server": (redis.Redis, redis.asyncio.Redis),
    "a cluster": (redis.RedisCluster, redis.asyncio.RedisCluster),
}


def ends(where, port):
    """With the redis-py that is there, and its form for asyncio: retries and the reason; and what was told of the store."""
    sync, of_asyncio = CLIENTS[where]
    told, found = [], {}

    async def run():
        options = {"timeout": 5.0, "on_event": lambda event: told.append(repr(event))}
        store = fleet.Store(sync(host="127.0.0.1", port=port, **ONCE), of_asyncio(host="127.0.0.1", port=port), **options)
        await ask(store, "")
        if where == "one server":
            await ask(fleet.Store(f"redis://127.0.0.1:{port}", **options), " by URL")

    async def ask(store, how):
        for kind in (f"redis-py{how}", f"redis-py{how}, asyncio"):
            attempts = []
            # Of this server: a budget that has been elsewhere brings what it knows.
            budget = fleet.Budget(f"{kind} {redis.__version__} {port}", store, **SIX)
            policy = Policy(attempts=30, backoff=[0], jitter="none", timeout=None, budget=budget)
            call = async_call if kind.endswith("asyncio") else sync_call
            error = await call(policy, attempts)
            found[kind] = [len(attempts) - 1, history(error).reason]
        await store.aclose()

    async def sync_call(policy, attempts):
        return await asyncio.to_thread(lambda: failed(lambda: policy.call(fails, attempts)))

    async def async_call(policy, attempts):
        async def attempt():
            fails(attempts)

        try:
            await policy.call_async(attempt)
        except ConnectionError as error:
            return error

    asyncio.run(run())
    print(json.dumps({"found": {f"{kind} {redis.__version__}": ended for kind, ended in found.items()}, "told": told}))


def fails(attempts):
    attempts.append(None)
    raise ConnectionError


def failed(call):
    try:
        call()
    except ConnectionError as error:
        return error


# Programs that try clients, each with what it is to find.
TRIED = [
    *(([sys.executable, __file__], {"PYTHONPATH": str(setup.REDIS_PY / version)}) for version in setup.REDIS_PY_VERSIONS),
    ([sys.executable, __file__], {}),
    (["node", "--no-warnings", HERE / "clients.mjs"], {"UNDAUNTED_DRIVERS": str(setup.DRIVERS)}),
]


def tried(program, where, port):
    words, environment = program
    words = [*map(str, words), where, str(port)]
    out = subprocess.run(words, env={**os.environ, **environment}, stdout=subprocess.PIPE, timeout=60, check=True).stdout
    said = json.loads(out)
    return said["found"], said["told"]


@contextmanager
def one_server(kind):
    with kind() as server:
        yield [server]


def main():
    wrong = []
    for kind in kinds():
        for where, start in (("one server", one_server), ("a cluster", cluster_of)):
            with start(kind) as servers, ThreadPoolExecutor(2) as pool:
                for found, told in pool.map(lambda program, where=where, port=servers[0].port: tried(program, where, port), TRIED):
                    for client, ended in found.items():
                        if ended != [6, "budget"] or told:
                            wrong.append(f"{client} on {where} of {kind.NAME}: {ended}, told {told}")
                        print(f"{client} on {where} of {kind.NAME}: {ended[0]} retries, then {ended[1]}")
    print("\n".join(wrong))
    print(f"fleet clients: {len(wrong)} wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(ends(*sys.argv[1:]) if sys.argv[1:] else main())
