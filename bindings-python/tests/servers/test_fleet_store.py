"""What becomes of calls when the store is gone or answers nonsense, and how they get there together, over a real Redis."""

import asyncio
import contextlib
import gc
import signal
import subprocess
import sys
import threading
import time

import pytest
import redis
import redis.asyncio
from fleet_calls import AT_ONCE, SIX, commands, find, leave_loop, retries_of, retries_of_async, settle_async, url
from processes import Sentinel, until
from redis.backoff import NoBackoff
from redis.retry import Retry

from undaunted import Policy, fleet

KEY = "undaunted:{hurt}:budget"


def wrong_type(admin):
    admin.set(KEY, "text")


def full(admin):
    admin.config_set("maxmemory-policy", "noeviction")
    admin.config_set("maxmemory", "1")


def read_only(admin):
    admin.replicaof("127.0.0.1", "1")


def right_again(admin):
    admin.config_set("maxmemory", "0")
    admin.replicaof("NO", "ONE")
    admin.delete(KEY)


@pytest.mark.parametrize("hurt", [wrong_type, full, read_only])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_store_that_answers_with_an_error_is_lost_and_found(own, stores, hurt, is_async):
    gc.collect()
    store = stores(own)
    fleet.Budget("hurt", store, **SIX)
    policy = Policy(budget="hurt", attempts=3, **AT_ONCE)

    async def one():
        made = await retries_of_async(policy)
        await settle_async(store)
        return made

    def call():
        return asyncio.run(one()) if is_async else retries_of(policy)

    with own.client() as admin:
        assert call() == (2, "attempts")
        hurt(admin)
        # It goes on alone with what was left: four of six.
        assert call() == (2, "attempts")
        assert stores.told == [("lost", stores.told[0][1])]
        assert call() == (2, "attempts")
        assert call() == (0, "budget")
        right_again(admin)
        find(store, is_async)
        assert [kind for kind, _ in stores.told] == ["lost", "back"]
        # What was taken at home is owed: none of the six is there twice, though the store has forgotten some.
        assert call() == (0, "budget")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_store_that_is_gone_costs_one_wait_and_no_retry_more(own, stores, batches, end, is_async):
    name = f"gone-{end}-{is_async}"
    store = stores(own, timeout=1)
    fleet.Budget(name, store, **SIX)
    policy = Policy(budget=name, attempts=3, **AT_ONCE)

    async def several():
        made = await asyncio.gather(*(retries_of_async(policy) for _ in range(10)))
        await leave_loop(store)
        return sum(count for count, _ in made)

    def all_calls():
        return asyncio.run(several()) if is_async else retries_of(policy, times=10)[0]

    # Known, so that it goes on alone with what was there.
    store._trip([policy.budget._link.look()])
    assert not store.is_lost
    own.send(end)
    if end == signal.SIGKILL:
        own.wait()
    batches.clear()
    began = time.monotonic()
    assert all_calls() == 6
    # Ten calls that each waited for each retry would take a second at least; the bound is loose, what was asked is not.
    assert time.monotonic() - began < 20
    assert stores.told == [("lost", stores.told[0][1])]
    if not is_async:
        assert batches == [1]
    assert all_calls() == 0
    if end == signal.SIGKILL:
        own.start()
    else:
        own.send(signal.SIGCONT)
    find(store, is_async)
    assert [kind for kind, _ in stores.told] == ["lost", "back"]
    assert all_calls() == 0


def test_a_store_that_is_flushed_begins_with_what_was_known(server, stores):
    fleet.Budget("flushed", stores(server), **SIX)
    policy = Policy(budget="flushed", attempts=4, **AT_ONCE)
    assert retries_of(policy) == (3, "attempts")
    with server.client() as admin:
        admin.flushall()
        admin.script_flush()
    assert retries_of(policy) == (3, "attempts")
    assert retries_of(policy) == (0, "budget")
    assert stores.told == []


def test_a_lost_store_warns_where_nobody_listens(own):
    store = fleet.Store(url(own), timeout=1)
    fleet.Budget("warned", store, **SIX)
    policy = Policy(budget="warned", attempts=2, **AT_ONCE)
    own.stop()
    with pytest.warns(RuntimeWarning, match="does not answer") as warned:
        retries_of(policy, times=3)
    assert len(warned) == 1
    store.close()


FORKS = """
import os, sys
from undaunted import Policy, fleet

store = fleet.Store(sys.argv[1], every=60, timeout=10)
fleet.Budget("forked", store, capacity=100, cost=10, reward=1, refund=False)
policy = Policy(budget="forked", attempts=3, backoff=[0], jitter="none", timeout=None)
bulkhead = fleet.Bulkhead("forked", store, 1)

def fails():
    raise ConnectionResetError("no")

def call():
    try:
        policy.call(fails)
    except ConnectionResetError:
        pass

call()
policy.call(lambda: 1)
with bulkhead:
    pid = os.fork()
    if pid == 0:
        call()
        assert bulkhead.snapshot()["running"] == 0
        sys.exit()
    assert os.waitpid(pid, 0)[1] == 0
call()
"""


def test_a_forked_child_is_a_member_of_its_own_and_tells_nothing_twice(server):
    subprocess.run([sys.executable, "-W", "error", "-c", FORKS, url(server)], check=True, timeout=60)
    with server.client() as admin:
        assert admin.zcard("undaunted:{forked}:members") == 2
        # 100 - 6 retries of 10, and the reward of the one success.
        assert admin.hget("undaunted:{forked}:budget", "tokens") == b"41000000"
        assert admin.zcard("undaunted:{forked}:bulkhead") == 0


@pytest.fixture
def storm(server, stores):
    """A store, a policy that asks a budget and a breaker of it, and what is true after 50 calls of it, two failures each."""
    store = stores(server, timeout=10, every=60)
    breaker = fleet.Breaker("storm", store, window_calls=1000, min_calls=1000)
    yield store, Policy(attempts=2, budget=fleet.Budget("storm", store, capacity=1000, cost=1), breaker=breaker, **AT_ONCE)
    with server.client() as admin:
        assert admin.hget("undaunted:{storm}:breaker", "held") == b"1" * 100
        assert admin.hget("undaunted:{storm}:budget", "tokens") == b"950000000"


def test_tasks_that_fail_at_the_same_time_ask_as_one(server, storm):
    store, policy = storm

    async def main():
        await asyncio.gather(*(retries_of_async(policy) for _ in range(50)))
        await store.aclose()

    asyncio.run(main())
    # A hundred failures; two commands for each batch, and a few batches, as the answers come back.
    assert commands(server) < 20


def test_threads_that_fail_at_the_same_time_ask_as_one(server, storm):
    store, policy = storm
    courier, again = store._courier, threading.Barrier(51)

    def fails_twice(seen=threading.local()):
        if hasattr(seen, "before"):
            again.wait()
        seen.before = True
        raise ConnectionResetError("no")

    def call():
        with contextlib.suppress(ConnectionResetError):
            policy.call(fails_twice)

    with server.client() as admin:
        # While no script is answered the next batch gathers: when threads run is no chance then.
        admin.client_pause(60_000, all=False)
        threads = [threading.Thread(target=call, daemon=True) for _ in range(50)]
        for thread in threads:
            thread.start()
        until(lambda: len(courier._on_the_way) + len(courier._queue) == 50)
        admin.client_unpause()
        until(lambda: again.n_waiting == 50)
        admin.client_pause(60_000, all=False)
        again.wait()
        # A last failure waits for nothing: it is told.
        for thread in threads:
            thread.join()
        admin.client_unpause()
    store.close()
    # Both guards for whoever went first and for all others; then the breaker for who failed first and for all others; and what a
    # server knows no script of yet is sent once more, whole.
    assert commands(server) <= 2 * 2 + 2 * 1 + 2


def test_a_connection_that_cannot_be_closed_is_let_go(server, stores, monkeypatch):
    close = redis.asyncio.Redis.aclose

    async def too_late(client):
        await close(client)
        raise redis.TimeoutError("Timed out closing connection")

    async def main():
        store = stores(server)
        policy = Policy(attempts=2, budget=fleet.Budget("closing", store, **SIX), **AT_ONCE)
        with pytest.raises(ConnectionError):
            await policy.call_async(fails)
        monkeypatch.setattr(redis.asyncio.Redis, "aclose", too_late)
        await store.aclose()
        return store

    async def fails():
        raise ConnectionError

    assert asyncio.run(main()).is_closed


def test_masters_of_a_sentinel_are_clients(server, stores):
    with Sentinel(server) as sentinel:
        where = [("127.0.0.1", sentinel.port)]
        told = []
        with redis.Sentinel(where).master_for("fleet", socket_timeout=5, retry=Retry(NoBackoff(), 0)) as master:

            async def main():
                guide = redis.asyncio.Sentinel(where)
                async with guide.master_for("fleet") as awaited:
                    store = fleet.Store(master, awaited, timeout=10, on_event=lambda event: told.append(event.kind))
                    fleet.Budget("sentinel", store, **SIX)
                    policy = Policy(budget="sentinel", attempts=4, **AT_ONCE)
                    assert await asyncio.to_thread(retries_of, policy) == (3, "attempts")
                    assert await retries_of_async(policy) == (3, "attempts")
                    await store.aclose()
                for each in guide.sentinels:
                    await each.aclose()

            asyncio.run(main())
        with server.client() as admin:
            assert admin.hget("undaunted:{sentinel}:budget", "tokens") == b"0"
        assert told == []


@pytest.mark.parametrize("is_async", [False, True])
def test_what_a_late_answer_gives_back_is_no_retry_more(own, stores, is_async):
    name = f"late-{is_async}"
    store = stores(own, timeout=0.5)
    fleet.Budget(name, store, **SIX)
    policy = Policy(budget=name, attempts=9, **AT_ONCE)
    store._trip([policy.budget._link.look()])

    async def call():
        made = await retries_of_async(policy)
        own.send(signal.SIGCONT)
        while not store._owed:
            await asyncio.sleep(0.001)
        await leave_loop(store)
        return made

    own.send(signal.SIGSTOP)
    if is_async:
        assert asyncio.run(call()) == (6, "budget")
    else:
        assert retries_of(policy) == (6, "budget")
        own.send(signal.SIGCONT)
        until(lambda: store._owed)
    find(store, is_async=False)
    with own.client() as admin:
        assert admin.hget(f"undaunted:{{{name}}}:budget", "tokens") == b"0"
    assert retries_of(policy) == (0, "budget")
