"""Real servers, one of each for all tests, and calls under a policy whose decisions are kept."""

import asyncio
import gc

import pytest
from fleet_calls import Stores
from processes import MariaDB, Postgres, Redis, program

import undaunted


@pytest.fixture(autouse=True)
def waits():
    """Instead of the one of all other tests: drivers and servers have a real clock, and `Trial` a virtual one."""


def started(kind):
    if program(kind.NAME) is None:
        pytest.skip(f"{kind.NAME} is missing; run python3 tests/setup.py servers")
    return kind()


@pytest.fixture(scope="session")
def postgres():
    with started(Postgres) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb():
    with started(MariaDB) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server():
    with started(Redis) as server:
        yield server


@pytest.fixture
def server(redis_server):
    with redis_server.client() as admin:
        admin.flushall()
        admin.config_resetstat()
    return redis_server


@pytest.fixture
def own():
    """A server that a test may end."""
    with Redis() as server:
        yield server


@pytest.fixture
def stores():
    """Makes stores, and closes them at the end; what becomes of them is in `told`."""
    made = Stores()
    yield made
    for store in made:
        store.close()
    gc.collect()


class Trial:
    """Calls a function under a policy as a program would have it, and keeps what was decided.

    `seen` has a line for each failure: class, sent, code, and "retried" or the reason for giving up. What stands in `between` is called, in
    turn, where the policy waits: the world goes on meanwhile.
    """

    def __init__(self):
        self.seen = []
        self.between = []

    def policy(self, **options):
        return undaunted.Policy(**{"attempts": 4, "timeout": 30, **options}, on_event=self._note)

    def _note(self, event):
        if event.kind in ("scheduled", "gave_up"):
            self.seen.append((event.class_, event.sent, event.code, event.reason or "retried"))
        if event.kind == "scheduled" and self.between:
            self.between.pop(0)()

    def call(self, fn, **options):
        """The result; an error that was given up is in `error`."""
        self.error = None
        decorated = self.policy(**options)(fn)
        with undaunted.testing():
            try:
                return asyncio.run(decorated()) if asyncio.iscoroutinefunction(fn) else decorated()
            except Exception as error:
                self.error = error
                return None


@pytest.fixture
def trial():
    return Trial()
