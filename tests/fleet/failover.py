"""What a failover costs: `failover.py`, in the virtual environment, with servers of its own.

A process for each client shares a budget in a master that Sentinel watches, or in one of a cluster. The master is killed; the replica takes
its place, with all that the master had, or without the newest writes, which replication had not brought yet.
"""

import asyncio
import json
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from threading import Timer

import redis
import redis.asyncio
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel
from servers import cluster_of, in_cluster, kinds, processes

import setup
from undaunted import Policy, fleet, history

HERE = Path(__file__).parent
# Seconds: long enough that a busy machine loses no store by it, shorter than Sentinel's patience, so that nobody waits until there is a master.
TIMEOUT, PATIENCE = 1.0, 2.5
CAPACITY = 100
# Calls of each process: before the master falls, those that its replica does not hear of, and until nothing is left.
BEFORE, UNHEARD, AFTER = 8, 3, 100
# Meanwhile, of one and another: the first two would take more than their shares, all together take less than there was.
ALONE = 30, 30, 5, 5
SERVICE = "fleet"
KEY = "undaunted:{failover}:budget"  # in the first third of a cluster's slots
CLIENTS = {
    "redis-py": [sys.executable, HERE / "failover.py", "sync"],
    "redis-py, asyncio": [sys.executable, HERE / "failover.py", "asyncio"],
    "ioredis": ["node", "--no-warnings", HERE / "failover.mjs", "ioredis"],
    "node-redis": ["node", "--no-warnings", HERE / "failover.mjs", "node-redis"],
}


# A process with one client.


def client(kind, where, port):
    """Does what it is told, a line of JSON each: so many calls that fail, or one that succeeds."""
    told, wrong = [], []
    once = {"socket_timeout": TIMEOUT, "retry": Retry(NoBackoff(), 0)}
    hosts = [("127.0.0.1", port)]
    if kind == "sync":
        made = redis.RedisCluster(*hosts[0], **once) if where == "cluster" else Sentinel(hosts, **once).master_for(SERVICE, **once)
        clients = [made]
    else:
        limit = {"socket_timeout": TIMEOUT}
        made = redis.asyncio.RedisCluster(*hosts[0], **limit) if where == "cluster" else AsyncSentinel(hosts, **limit).master_for(SERVICE, **limit)
        clients = [None, made]
    store = fleet.Store(*clients, timeout=TIMEOUT, on_event=lambda event: told.append(event.kind))
    budget = fleet.Budget("failover", store, capacity=CAPACITY, cost=1, reward=0, refund=False)
    policy = Policy(attempts=2, backoff=[0], jitter="none", timeout=None, budget=budget)

    async def call(fails):
        """Whether there was a retry."""
        attempts = 0

        def attempt():
            nonlocal attempts
            attempts += 1
            if fails:
                raise ConnectionResetError

        async def awaited():
            attempt()

        try:
            if kind == "sync":
                await asyncio.to_thread(policy.call, attempt)
            else:
                await policy.call_async(awaited)
        except ConnectionResetError as error:
            if history(error).reason not in ("budget", "attempts"):
                wrong.append(history(error).reason)
        except BaseException as error:
            wrong.append(repr(error))
        return attempts - 1

    async def run():
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            calls, fails = json.loads(line)
            granted = 0
            for _ in range(calls):
                granted += await call(fails)
            print(json.dumps({"granted": granted, "tokens": budget.tokens, "told": told, "wrong": wrong}), flush=True)

    asyncio.run(run())


# Those who watch them.


class Replica:
    """Added to a server: it follows another."""

    master = 0

    def words(self):
        return [*super().words(), "--replicaof", "127.0.0.1", str(self.master), "--repl-diskless-sync-delay", "0"]


class Watcher:
    """Added to a server: it is a Sentinel of one master."""

    master = 0

    def prepare(self):
        lines = [
            f"port {self.port}", "bind 127.0.0.1", f"dir {self.folder}",
            f"sentinel monitor {SERVICE} 127.0.0.1 {self.master} 1",
            f"sentinel down-after-milliseconds {SERVICE} {1000 * PATIENCE:.0f}",
            f"sentinel failover-timeout {SERVICE} 4000",
        ]  # fmt: skip
        (self.folder / "conf").write_text("\n".join(lines))

    def words(self):
        return [self.program, self.folder / "conf", "--sentinel"]


def made(kind, what, master):
    return type(what.__name__, (what, kind), {"master": master})()


class Member:
    """A process with one client, seen from outside."""

    def __init__(self, name, where, port):
        environment = {**os.environ, "UNDAUNTED_DRIVERS": str(setup.DRIVERS)}
        self.name = name
        self.process = Popen([*map(str, CLIENTS[name]), where, str(port)], stdin=PIPE, stdout=PIPE, env=environment, text=True)
        self._end = Timer(2 * processes.SECONDS, self.process.kill)
        self._end.start()
        self.granted = 0
        self.said = {}

    def calls(self, number, fails=True):
        """How many retries it was granted."""
        self.process.stdin.write(f"{json.dumps([number, fails])}\n")
        self.process.stdin.flush()
        self.said = json.loads(self.process.stdout.readline())
        self.granted += self.said["granted"]
        return self.said["granted"]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._end.cancel()
        self.process.kill()
        self.process.communicate()


@contextmanager
def sentinel(kind):
    """The port that clients begin with, a master, and its replica."""
    with kind() as master, made(kind, Replica, master.port) as replica:
        with replica.client() as admin:
            processes.until(lambda: admin.info("replication")["master_link_status"] == "up")
        with made(kind, Watcher, master.port) as watcher, watcher.client() as admin:
            # Sees a replica's state twice a second instead of every ten, and does not stop to look for 30 s if the machine is busy.
            admin.execute_command("SENTINEL DEBUG", "INFO-PERIOD", 500, "TILT-TRIGGER", 60_000)
            processes.until(lambda: [each for each in admin.sentinel_slaves(SERVICE) if each["master-link-status"] == "ok"])
            yield watcher.port, master, replica


@contextmanager
def cluster(kind):
    """The same of three masters, of which the first has a replica, and the guard."""
    with cluster_of(kind) as nodes, in_cluster(kind) as replica, replica.client() as admin:
        master, *others = nodes
        with master.client() as other:
            name = other.execute_command("CLUSTER MYID")
            admin.execute_command("CLUSTER MEET", "127.0.0.1", master.port, master.bus)
            processes.until(lambda: admin.execute_command("CLUSTER REPLICATE", name))
            processes.until(lambda: admin.info("replication")["master_link_status"] == "up")
        for node in nodes:
            with node.client(decode_responses=True) as other:
                processes.until(lambda other=other: is_replica(other.execute_command("CLUSTER NODES"), replica))
        yield others[0].port, master, replica


def is_replica(known, node):
    return "slave" in known.get(f"127.0.0.1:{node.port}", {"flags": ""})["flags"]


def failover(kind, arrange, is_behind):
    """What came of it: claims, and whether they hold."""
    with ExitStack() as stack:
        port, master, replica = stack.enter_context(arrange(kind))
        members = [stack.enter_context(Member(name, arrange.__name__, port)) for name in CLIENTS]

        before = [member.calls(BEFORE) for member in members]
        with master.client() as admin, replica.client() as other:

            def has_all():
                return other.info("replication")["slave_repl_offset"] == admin.info("replication")["master_repl_offset"]

            processes.until(has_all)
            if is_behind:
                # No replica is let in any more.
                admin.execute_command("ACL SETUSER default -psync -sync -replconf")
                admin.client_kill_filter(_type="replica")
            before = [first + member.calls(UNHEARD) for first, member in zip(before, members, strict=True)]
            processes.until(lambda: is_behind or has_all())
        left = CAPACITY - sum(before)
        unheard = UNHEARD * len(members) if is_behind else 0
        master.stop(signal.SIGKILL)

        began = time.monotonic()
        shares = [member.said["tokens"] / len(members) for member in members]
        with ThreadPoolExecutor(len(members)) as pool:
            alone = list(pool.map(Member.calls, members, ALONE))
        with replica.client() as admin:
            processes.until(lambda: admin.role()[0] == b"master")
            promoted = time.monotonic() - began
            for member in members:
                # Calls that succeed: they find out whether the store is back.
                processes.until(lambda member=member: member.calls(1, fails=False) or "back" in member.said["told"])
            back = time.monotonic() - began
            processes.until(lambda: int(admin.hget(KEY, "tokens")) <= max(0, left + unheard - sum(alone)) * 1_000_000)
            found = int(admin.hget(KEY, "tokens")) / 1e6
        after = [member.calls(AFTER) for member in members]

        total = sum(member.granted for member in members)
        name = f"{kind.NAME}, {arrange.__name__}, a replica {'without the newest writes' if is_behind else 'that has all'}"
        claims = {
            f"{before} before": before == [BEFORE + UNHEARD] * len(members),
            f"{alone} alone, of shares of {shares}": alone == [min(calls, int(one)) for calls, one in zip(ALONE, shares, strict=True)],
            f"{after} after, of {found:g} that were there": 0 < sum(after) == found,
            f"{total} in all, of {CAPACITY} and {unheard} that the replica had not heard of": total <= CAPACITY + unheard,
            "each lost the store once, and has it back": all(member.said["told"] == ["lost", "back"] for member in members),
            "no caller saw anything of it": not any(member.said["wrong"] for member in members),
        }
        print(f"{name}: promoted after {promoted:.1f} s, all have it back after {back:.1f} s")
        for claim, holds in claims.items():
            print(" ", "✓" if holds else "✗", claim)
        if not all(claims.values()):
            for member in members:
                print("   ", member.name, member.said)
        return list(claims.values())


def main():
    found = kinds()
    with ThreadPoolExecutor() as pool:
        claims = sum(pool.map(failover, [found[0], found[-1]], [sentinel, cluster], [False, True]), [])
    print(f"fleet failover: {sum(claims)} of {len(claims)} claims hold")
    return not all(claims)


if __name__ == "__main__":
    sys.exit(client(*sys.argv[1:3], int(sys.argv[3])) if sys.argv[1:] else main())
