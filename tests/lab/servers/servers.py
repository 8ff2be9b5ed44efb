"""The three servers, and the faults that are done to them."""

import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "bindings-python" / "tests" / "servers")]

import processes
import psycopg
import pymysql
from processes import until

#: What each program may hold; both together fit into a server that nobody else uses.
CONNECTIONS = 20

FAULTS = ("restart", "crash", "freeze", "read_only", "no_connections")


class Faults:
    """A fault is begun by the method of its name and ended by another. What a server has acknowledged outlives its process."""

    #: On which the process ends as if it had crashed.
    CRASH = signal.SIGKILL

    def restart(self):
        self.stop()

    def end_restart(self):
        self.start()

    def crash(self):
        self.stop(self.CRASH)

    def end_crash(self):
        self.start()

    def freeze(self):
        for number in self.processes():
            os.kill(number, signal.SIGSTOP)
            until(lambda number=number: state(number) == "T")

    def end_freeze(self):
        for number in self.processes():
            # Those of the list that end as soon as they may go on are gone.
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGCONT)

    def processes(self):
        """The server's process, and, as soon as something was done to that, those that it has made."""
        yield self._running.pid

    def __exit__(self, *error):
        if self._running is not None and self._running.poll() is None:
            self.end_freeze()
        super().__exit__(*error)


def state(number):
    """A letter, as in the manual of proc; T is stopped."""
    return Path(f"/proc/{number}/stat").read_text().rpartition(") ")[2][0]


class Tables:
    """Of the SQL servers."""

    def contents(self):
        """How often each key is there: of the writes that may be repeated, and of those that may not."""
        return [Counter(key for (key,) in self.execute(f"select k from {self.DATABASE}{table}")) for table in ("kept", "plain")]

    def end_no_connections(self):
        while self.held:
            self.held.pop().close()


class Postgres(Tables, Faults, processes.Postgres):
    CONNECTIONS = 2 * CONNECTIONS + 8
    CRASH = signal.SIGQUIT
    DATABASE = ""

    def words(self):
        return [*super().words(), "--synchronous_commit=on", "--full_page_writes=on"]

    def make(self):
        self.execute("create role worker login; create table kept (k text primary key); create table plain (k text)")
        self.execute("grant all on kept, plain to worker")

    def processes(self):
        yield from super().processes()
        parent = self._running.pid
        yield from map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())

    def read_only(self, setting="on"):
        self.execute(f"alter system set default_transaction_read_only = {setting}")
        self.execute("select pg_reload_conf()")

    def end_read_only(self):
        self.read_only("off")

    def no_connections(self):
        """Those of the workers are ended, and somebody takes all there are; until then a limit keeps the workers from being faster."""
        self.execute("alter role worker connection limit 0")
        self.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'worker'")
        self.held = []
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                self.held.append(self.connect())
        self.held[0].execute("alter role worker connection limit -1")

    def sessions(self):
        return self.execute("select count(*) from pg_stat_activity where usename = 'worker'")[0][0]


class MariaDB(Tables, Faults, processes.MariaDB):
    CONNECTIONS = 2 * CONNECTIONS + 20
    #: The least that `max_connections` may be.
    FEWEST = 10
    DATABASE = "test."

    def words(self):
        given = [word for word in super().words() if word != "--skip-grant-tables"]
        return [*given, "--innodb-flush-log-at-trx-commit=2", "--innodb-doublewrite=1"]

    def prepare(self):
        """A server that only reads lets those write who may do everything: so there has to be a user who may not."""
        super().prepare()
        (tables,) = Path(self.program).parents[1].glob("share/*/m*_system_tables.sql")
        users = [("root", (1 << 64) - 1), ("worker", 0b1111)]
        rows = ", ".join(f"""('%', '{name}', '{{"access": {access}}}')""" for name, access in users)
        # A statement ends at the end of a line.
        sql = f"create database mysql;\nuse mysql;\n{tables.read_text()}\ninsert into global_priv values {rows};\n"
        words = self.command([word for word in self.words() if not str(word).startswith("--port")])
        subprocess.run([*words, "--bootstrap"], input=sql, text=True, cwd=self.folder, check=True, capture_output=True)

    def make(self):
        self.execute("create table test.kept (k varchar(100) primary key) engine = innodb")
        self.execute("create table test.plain (k varchar(100)) engine = innodb")

    def read_only(self):
        self.execute("set global read_only = 1")

    def end_read_only(self):
        self.execute("set global read_only = 0")

    def no_connections(self):
        """Somebody has as many connections as there may be, and those of the workers are ended."""
        self.held = [self.connect() for _ in range(self.FEWEST)]
        with self.held[0].cursor() as cursor:
            cursor.execute(f"set global max_connections = {self.FEWEST}")
            cursor.execute("select id from information_schema.processlist where user = 'worker'")
            for (number,) in cursor.fetchall():
                with contextlib.suppress(pymysql.OperationalError):  # it has gone by itself
                    cursor.execute(f"kill {number}")

    def end_no_connections(self):
        with self.held[0].cursor() as cursor:
            cursor.execute(f"set global max_connections = {self.CONNECTIONS}")
        super().end_no_connections()

    def sessions(self):
        return self.execute("select count(*) from information_schema.processlist where user = 'worker'")[0][0]


class Redis(Faults, processes.Redis):
    def words(self):
        # Each command is in the file before it is answered; with another word the file may have to wait.
        return [*super().words(), "--appendonly", "yes", "--appendfsync", "no"]

    def make(self):
        pass

    def read_only(self):
        with self.client() as client:
            client.replicaof("127.0.0.1", 1)

    def end_read_only(self):
        with self.client() as client:
            client.replicaof("NO", "ONE")

    def no_connections(self):
        self.held = self.client()
        self.held.config_set("maxclients", 1)
        self.held.client_kill_filter(_type="normal", skipme=True)

    def end_no_connections(self):
        self.held.config_set("maxclients", 1000)
        self.held.close()

    def sessions(self):
        with self.client() as client:
            return len(client.client_list()) - 1

    def contents(self):
        with self.client(decode_responses=True) as client:
            kept = [key.removeprefix("kept:") for key in client.keys("kept:*")]
            return [Counter(kept), Counter(client.lrange("plain", 0, -1))]


SERVERS = {"postgres": Postgres, "mariadb": MariaDB, "redis": Redis}
