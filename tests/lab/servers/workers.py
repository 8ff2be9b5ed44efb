"""Workers of Python's: `workers.py SERVER PORT POLICY WORKERS CONNECTIONS`, and what they should do on the standard input.

A line of the input names a fault: the workers write rows until the next line, which is empty, finish what they have begun, and say so. They
print a line for every attempt that failed and for every write that ended, as JSON. At the end of the input the program ends.
"""

import asyncio
import contextlib
import contextvars
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import pymysql
import redis.asyncio
import sqlalchemy

import undaunted

#: More rows than this no worker writes under one fault.
MOST_ROWS = 2000


class Postgres:
    """asyncpg's pool."""

    def __init__(self, port, connections, policy):
        where = {"host": "127.0.0.1", "port": port, "user": "worker", "database": "postgres", "ssl": False}
        self.pool = asyncpg.create_pool(**where, min_size=0, max_size=connections)

    async def start(self):
        await self.pool

    async def kept(self, key):
        return await self._execute("insert into kept values ($1) on conflict do nothing", key) == "INSERT 0 0"

    async def plain(self, key):
        await self._execute("insert into plain values ($1)", key)

    async def _execute(self, sql, key):
        connection = await self.pool.acquire()
        try:
            return await connection.execute(sql, key)
        finally:
            # A connection that was interrupted waits for the server to say so: without a limit, for as long as that is frozen.
            await self.pool.release(connection, timeout=0.5)


class MariaDB:
    """PyMySQL, which is synchronous, in SQLAlchemy's pool and a thread for each worker."""

    def __init__(self, port, connections, policy):
        # Nobody can interrupt a thread, so the driver has to.
        limits = dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), policy.attempt_timeout)
        # Otherwise PyMySQL reads the system's certificates for every connection: 40 ms of computing.
        where = {"host": "127.0.0.1", "port": port, "user": "worker", "database": "test", "ssl_disabled": True}
        pool = {"pool_size": connections, "max_overflow": 0, "pool_timeout": policy.timeout, "pool_reset_on_return": None}
        self.engine = sqlalchemy.create_engine(
            "mysql+pymysql://", creator=lambda: pymysql.connect(**where, **limits), isolation_level="AUTOCOMMIT", **pool
        )

    async def start(self):
        pass

    def kept(self, key):
        return self._execute("insert ignore into kept values (%s)", key) == 0

    def plain(self, key):
        self._execute("insert into plain values (%s)", key)

    def _execute(self, sql, key):
        with self.engine.connect() as connection:
            return connection.exec_driver_sql(sql, (key,)).rowcount


class Redis:
    """redis-py's client for asyncio, and its pool that waits."""

    def __init__(self, port, connections, policy):
        pool = redis.asyncio.BlockingConnectionPool(host="127.0.0.1", port=port, max_connections=connections, timeout=None, retry=None)
        self.client = redis.asyncio.Redis(connection_pool=pool)

    async def start(self):
        pass

    async def kept(self, key):
        return await self.client.set(f"kept:{key}", 1, nx=True) is None

    async def plain(self, key):
        await self.client.rpush("plain", key)


#: What is known of the write that runs here.
current = contextvars.ContextVar("current")


def say(line):
    os.write(sys.stdout.fileno(), json.dumps(line).encode() + b"\n")


def note(event):
    write = current.get()
    if event.kind == "attempt":
        write["attempts"] = event.attempt
    elif event.kind != "success":
        facts = {"class": event.class_, "sent": event.sent, "code": event.code, "reason": event.reason}
        write["failure"] = facts
        say({"failed": write["key"], "worker": write["worker"], "kind": write["kind"], "fault": write["fault"], **facts})


@contextlib.contextmanager
def told(fault, worker, kind, key):
    """Says how a write ended that runs in the block."""
    write = {"key": key, "worker": worker, "kind": kind, "fault": fault, "attempts": 0, "absorbed": False, "error": None}
    current.set(write)
    try:
        yield write
    except Exception as error:
        write["error"] = type(error).__name__
        write["text"] = str(error)
    say({"ended": True, **write})


async def main(kind, port, path, workers, connections):
    policy = undaunted.Policy.load(path).replace(on_event=note)
    driver = {"postgres": Postgres, "mariadb": MariaDB, "redis": Redis}[kind](port, connections, policy)
    await driver.start()
    if kind == "mariadb":
        policy = policy.replace(attempt_timeout=None)
    # What the file says of it goes before, as in the adapters of JavaScript.
    once = policy if json.loads(policy.dump())["idempotent"] is True else policy.replace(idempotent=False)
    writes = [("kept", policy(driver.kept)), ("plain", once(driver.plain))]
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(workers))
    loop.set_exception_handler(unless_left_behind)
    lines = asyncio.Queue()
    threading.Thread(target=listen, args=(lambda line: loop.call_soon_threadsafe(lines.put_nowait, line),), daemon=True).start()

    async def run(fault, is_over):
        def blocking(worker, kind, write, key):
            with told(fault, worker, kind, key) as ended:
                ended["absorbed"] = bool(write(key))

        async def work(worker):
            for row in range(MOST_ROWS):
                if is_over.is_set():
                    return
                kind, write = writes[is_plain(worker, row)]
                key = f"python/{fault}/{worker}/{row}"
                if asyncio.iscoroutinefunction(write):
                    with told(fault, worker, kind, key) as ended:
                        ended["absorbed"] = bool(await write(key))
                else:
                    await loop.run_in_executor(None, blocking, worker, kind, write, key)

        await asyncio.gather(*map(work, range(workers)))
        say({"finished": fault})

    fault = await lines.get()
    while fault is not None:
        is_over = asyncio.Event()
        running = asyncio.ensure_future(run(fault, is_over))
        line = await lines.get()
        is_over.set()
        await running
        fault = None if line is None else await lines.get()


def is_plain(worker, row):
    """Half of the rows, in an order of its own for each worker: in step, all could be at the same kind when a fault begins."""
    return (worker * MOST_ROWS + row) * 2654435761 >> 16 & 1


def unless_left_behind(loop, context):
    """asyncpg leaves futures behind of connections that it gives up."""
    if not isinstance(context.get("exception"), (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        loop.default_exception_handler(context)


def listen(tell):
    for line in sys.stdin:
        tell(line.strip())
    tell(None)


if __name__ == "__main__":
    kind, port, path, workers, connections = sys.argv[1:]
    asyncio.run(main(kind, int(port), path, int(workers), int(connections)))
