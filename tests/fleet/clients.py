"""Each client of both packages, on one server and on a cluster of three nodes, of Redis and of Valkey: `clients.py`, in the virtual environment.

A budget of six retries gives six, in each, and nobody loses the store.
"""

import asyncio
import json
import os
import subprocess
import sys
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


def python(where, port):
    """Retries and the reason, of redis-py and of its form for asyncio; and what was told of the store."""
    sync, of_asyncio = CLIENTS[where]
    told, found = [], {}

    async def run():
        store = fleet.Store(
            sync(host="127.0.0.1", port=port, **ONCE),
            of_asyncio(host="127.0.0.1", port=port),
            timeout=5.0,
            on_event=lambda event: told.append(repr(event)),
        )
        for kind in ("redis-py", "redis-py, asyncio"):
            attempts = []
            # Of this server: a budget that has been elsewhere brings what it knows.
            policy = Policy(attempts=30, backoff=[0], jitter="none", timeout=None, budget=fleet.Budget(f"{kind} {port}", store, **SIX))
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
    return found, told


def fails(attempts):
    attempts.append(None)
    raise ConnectionError


def failed(call):
    try:
        call()
    except ConnectionError as error:
        return error


def javascript(where, port):
    words = ["node", "--no-warnings", HERE / "clients.mjs", where, str(port)]
    environment = {**os.environ, "UNDAUNTED_DRIVERS": str(setup.DRIVERS)}
    out = subprocess.run(words, env=environment, stdout=subprocess.PIPE, timeout=60, check=True).stdout
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
            with start(kind) as servers:
                for clients in (python, javascript):
                    found, told = clients(where, servers[0].port)
                    for client, ended in found.items():
                        if ended != [6, "budget"] or told:
                            wrong.append(f"{client} on {where} of {kind.NAME}: {ended}, told {told}")
                        print(f"{client} on {where} of {kind.NAME}: {ended[0]} retries, then {ended[1]}")
    print("\n".join(wrong))
    print(f"fleet clients: {len(wrong)} wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
