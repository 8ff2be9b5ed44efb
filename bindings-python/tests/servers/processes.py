"""Servers of their own for tests: on free ports of loopback, with their data in a temporary folder; never the system's services."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pymysql
import redis

sys.path[:0] = [str(Path(__file__).resolve().parents[3] / "tests")]

from setup import server as program

SECONDS = 30


def until(condition):
    """Waits for what another process or thread does. An error of a driver counts as not yet."""
    end = time.monotonic() + SECONDS
    while True:
        with contextlib.suppress(psycopg.Error, pymysql.Error, redis.RedisError):
            if found := condition():
                return found
        assert time.monotonic() < end, f"waited {SECONDS} s in vain"
        time.sleep(0.005)


class Process:
    """A server that is started, stopped and started again over the same data."""

    NAME = ""
    USER = None  # root gives the process to this user

    def __init__(self):
        self.program = program(self.NAME)
        # Not in pytest's, where no other user may go.
        self.folder = Path(tempfile.mkdtemp(prefix="undaunted-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._running = None

    def words(self):
        raise NotImplementedError

    def answers(self):
        raise NotImplementedError

    def prepare(self):
        pass

    def command(self, words):
        """The words for a process that ends with the tests, even if they are killed, and is not root's where it refuses to be."""
        setpriv = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
        if self.USER and os.geteuid() == 0:
            user = pwd.getpwnam(self.USER)
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            setpriv += ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
        return [*setpriv, *map(str, words)]

    def start(self):
        words = self.command(self.words())
        with open(self.folder / "log", "a") as log:
            # In a session of its own, so that Ctrl-C ends the tests first.
            options = {"cwd": self.folder, "stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "start_new_session": True}
            self._running = subprocess.Popen(words, **options)
        until(lambda: self._has_not_ended() and self.answers())

    def _has_not_ended(self):
        assert self._running.poll() is None, (self.folder / "log").read_text()[-2000:]
        return True

    def send(self, number):
        self._running.send_signal(number)

    def wait(self):
        self._running.wait(SECONDS)

    def stop(self, number=signal.SIGTERM):
        self.send(number)
        self.wait()

    def __enter__(self):
        self.prepare()
        self.start()
        return self

    def __exit__(self, *error):
        if self._running is not None and self._running.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.send(signal.SIGKILL)
                self.wait()
        shutil.rmtree(self.folder)


class Postgres(Process):
    NAME = "postgres"
    USER = "nobody"
    CONNECTIONS = 12

    def prepare(self):
        options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        words = [Path(self.program).with_name("initdb"), "--pgdata", self.folder / "data", *options]
        subprocess.run(self.command(words), cwd=self.folder, check=True, capture_output=True)

    def words(self):
        settings = {
            "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": self.CONNECTIONS,
            "superuser_reserved_connections": 0, "shared_buffers": "4MB", "fsync": "off", "synchronous_commit": "off",
            "full_page_writes": "off", "autovacuum": "off", "max_wal_senders": 0, "wal_level": "minimal", "deadlock_timeout": "10ms",
        }  # fmt: skip
        return [self.program, "-D", self.folder / "data", "-p", self.port, *(f"--{name}={value}" for name, value in settings.items())]

    def where(self):
        return {"host": "127.0.0.1", "port": self.port, "user": "postgres"}

    def connect(self, **options):
        return psycopg.connect(**self.where(), dbname="postgres", autocommit=True, **options)

    def execute(self, sql):
        with self.connect() as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else None

    def answers(self):
        self.execute("select 1")
        return True

    def stop(self, number=signal.SIGINT):
        """SIGINT ends sessions and says so, SIGQUIT crashes, SIGTERM waits for them."""
        super().stop(number)


class MariaDB(Process):
    NAME = "mariadbd"
    CONNECTIONS = 12

    def words(self):
        # Without tables of its own it has no users to ask for, and is there at once.
        settings = {
            "datadir": self.folder / "data", "bind-address": "127.0.0.1", "port": self.port, "socket": self.folder / "socket",
            "pid-file": self.folder / "pid", "tmpdir": self.folder, "max-connections": self.CONNECTIONS, "performance-schema": "OFF",
            "innodb-buffer-pool-size": "8M", "innodb-log-file-size": "4M", "innodb-flush-log-at-trx-commit": 0, "innodb-doublewrite": 0,
            "innodb-fast-shutdown": 2, "key-buffer-size": "1M", "aria-pagecache-buffer-size": "1M",
        }  # fmt: skip
        user = ["--user=root"] if os.geteuid() == 0 else []
        return [self.program, "--no-defaults", "--skip-grant-tables", *user, *(f"--{name}={value}" for name, value in settings.items())]

    def prepare(self):
        (self.folder / "data").mkdir()

    def where(self):
        return {"host": "127.0.0.1", "port": self.port, "user": "root"}

    def connect(self, **options):
        return pymysql.connect(**self.where(), **options)

    def execute(self, sql):
        with self.connect(autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def answers(self):
        self.execute("create database if not exists test")
        return True


class Redis(Process):
    NAME = "redis-server"
    SETTINGS = {"enable-debug-command": "yes"}

    def words(self):
        settings = {
            "bind": "127.0.0.1", "port": self.port, "dir": self.folder, "save": "", "appendonly": "no", "rdbcompression": "no",
            "lua-time-limit": 1, **self.SETTINGS,
        }  # fmt: skip
        return [self.program, *(word for name, value in settings.items() for word in (f"--{name}", value))]

    def client(self, **options):
        """Without the retries that the driver makes by itself: one place retries."""
        return redis.Redis(port=self.port, retry=None, **options)

    def answers(self):
        with self.client() as client:
            return client.ping()


class Sentinel(Redis):
    """Watches a server, and knows which one writes."""

    def __init__(self, master):
        super().__init__()
        self.master = master

    def words(self):
        lines = [f"port {self.port}", "bind 127.0.0.1", f"dir {self.folder}", f"sentinel monitor fleet 127.0.0.1 {self.master.port} 1"]
        (self.folder / "sentinel.conf").write_text("\n".join(lines))
        return [self.program, self.folder / "sentinel.conf", "--sentinel"]
