"""A fleet's guards over a real Redis: what all processes share, and what becomes of calls when the store is gone or answers nonsense."""

import asyncio
import contextlib
import gc
import json
import signal
import subprocess
import sys
import threading
import time

import pytest
import redis
import redis.asyncio
import trio
from processes import Redis, Sentinel, until
from redis.backoff import NoBackoff
from redis.retry import Retry

import undaunted
from undaunted import BulkheadFull, Policy, _store, fleet, history

# Six retries, then nothing: no success gives anything back.
SIX = {"capacity": 60, "cost": 10, "reward": 0, "refund": False}
AT_ONCE = {"backoff": [0], "jitter": "none", "timeout": None}
# A real second is a long time for a test, but no wait of any.
OPTIONS = {"timeout": 1.0, "every": 0.01}


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


def test_a_policy_asks_the_store_and_is_refused_as_by_a_local_budget(server, stores):
    budget = fleet.Budget("refused", stores(server), **SIX)
    policy = Policy(budget="refused", attempts=10, **AT_ONCE)
    assert policy.budget is budget
    assert isinstance(budget, undaunted.Budget)
    assert retries_of(policy) == (6, "budget")
    assert retries_of(policy) == (0, "budget")
    assert budget.tokens == 0
    with pytest.raises(ConnectionResetError) as error:
        policy.call(fails)
    assert "this client's own" in error.value.__notes__[0]
    assert [attempt.delay for attempt in history(error.value)] == [None]
    assert stores.told == []


def test_a_policy_made_before_shares_too(server, stores):
    policy = Policy(budget={"name": "before", **SIX}, attempts=10, **AT_ONCE)
    local = policy.budget
    budget = fleet.Budget("before", stores(server), **SIX)
    assert budget is local
    assert retries_of(policy) == (6, "budget")
    with server.client() as admin:
        assert admin.keys("undaunted:{before}:budget")


def test_events_tell_of_a_wait_only_after_the_store_granted(server, stores):
    fleet.Budget("events", stores(server), **SIX)
    kinds = []
    policy = Policy(budget="events", attempts=10, on_event=lambda event: kinds.append((event.kind, event.reason)), **AT_ONCE)
    retries_of(policy)
    assert kinds == [("attempt", None), ("scheduled", None)] * 6 + [("attempt", None), ("gave_up", "budget")]


@pytest.mark.parametrize("client", ["url", "client"])
def test_asyncio_is_as_exact(server, stores, client):
    async def main():
        if client == "url":
            store = stores(server, timeout=10)
        else:
            given = redis.asyncio.Redis(port=server.port)
            store = fleet.Store(async_client=given, timeout=10, every=0.01)
        fleet.Budget(f"asyncio-{client}", store, **SIX)
        kinds = []
        policy = Policy(budget=f"asyncio-{client}", attempts=3, on_event=lambda event: kinds.append(event.kind), **AT_ONCE)
        made = await asyncio.gather(*(retries_of_async(policy) for _ in range(40)))
        assert sum(count for count, _ in made) == 6 == kinds.count("scheduled")
        assert kinds.count("gave_up") == 40
        assert {reason for _, reason in made} == {"budget", "attempts"} or {reason for _, reason in made} == {"budget"}
        await store.aclose()
        if client == "client":
            await given.aclose()

    asyncio.run(main())


def test_trio_asks_in_a_thread(server, stores):
    fleet.Budget("trio", stores(server), **SIX)
    policy = Policy(budget="trio", attempts=10, **AT_ONCE)
    assert trio.run(retries_of_async, policy) == (6, "budget")


WORKER = """
import asyncio, json, sys, threading
import undaunted
from undaunted import Policy, fleet, history

url, kind, budget = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
made = []
store = fleet.Store(url, timeout=10)
fleet.Budget("shared", store, **budget)
policy = Policy(budget="shared", attempts=3, backoff=[0], jitter="none", timeout=None)
print("ready", flush=True)
sys.stdin.readline()

def fails():
    raise ConnectionResetError("no")

async def fails_later():
    raise ConnectionResetError("no")

def thread():
    for _ in range(20):
        try:
            policy.call(fails)
        except ConnectionResetError as error:
            made.append(len(history(error)) - 1)

async def task():
    for _ in range(20):
        try:
            await policy.call_async(fails_later)
        except ConnectionResetError as error:
            made.append(len(history(error)) - 1)

async def tasks():
    await asyncio.gather(*(task() for _ in range(20)))
    await store.aclose()

if kind == "threads":
    threads = [threading.Thread(target=thread) for _ in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
else:
    asyncio.run(tasks())
print(json.dumps(sum(made)))
"""


def test_two_processes_share_a_budget_exactly(server):
    budget = {"capacity": 1000, "cost": 10, "reward": 0, "refund": False}
    workers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WORKER, url(server), kind, json.dumps(budget)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for kind in ("threads", "tasks")
    ]  # fmt: skip
    try:
        for worker in workers:
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        made = [int(worker.communicate(timeout=60)[0]) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert sum(made) == 100, made
    with server.client() as admin:
        assert admin.zcard("undaunted:{shared}:members") == 2


def test_no_command_for_successes_that_are_not_counted_and_one_for_each_failure(server, stores):
    store = stores(server)
    fleet.Budget("counted", store, **SIX)
    policy = Policy(budget="counted", attempts=3, **AT_ONCE)
    for _ in range(100):
        policy.call(lambda: 1)
    store._flush()
    assert commands(server) == 0
    retries_of(policy)
    # The first is sent again, as the store does not know the script yet.
    with server.client() as admin:
        admin.config_resetstat()
    retries_of(policy)
    # Of three failures two ask for a retry; the third owes nothing, and is no news.
    assert commands(server) == 2


def test_successes_are_told_together(server, stores):
    store = stores(server, every=10)
    fleet.Budget("rewarded", store, capacity=1000, cost=10, reward=1)
    policy = Policy(budget="rewarded", attempts=3, **AT_ONCE)
    retries_of(policy)
    with server.client() as admin:
        admin.config_resetstat()
    for _ in range(7):
        policy.call(lambda: 1)
    assert commands(server) == 0
    store._flush()
    assert commands(server) == 1
    with server.client() as admin:
        assert admin.hget("undaunted:{rewarded}:budget", "tokens") == b"987000000"


@pytest.mark.parametrize("kind", ["thread", "asyncio"])
def test_successes_are_told_within_every(server, stores, kind):
    store = stores(server, every=0.01)
    fleet.Budget(f"timer-{kind}", store, capacity=1000, cost=10, reward=1)
    policy = Policy(budget=f"timer-{kind}", attempts=3, **AT_ONCE)

    async def works():
        return 1

    def is_told(admin):
        return admin.exists(f"undaunted:{{timer-{kind}}}:budget")

    async def main():
        await policy.call_async(works)
        with server.client() as admin:
            while not is_told(admin):
                await asyncio.sleep(0.001)
        await store.aclose()

    if kind == "asyncio":
        asyncio.run(asyncio.wait_for(main(), 30))
    else:
        policy.call(lambda: 1)
        with server.client() as admin:
            until(lambda: is_told(admin))


def test_what_is_noted_at_the_end_of_the_program_is_sent(server):
    program = f"""
from undaunted import Policy, fleet
store = fleet.Store({url(server)!r}, every=60, timeout=10)
fleet.Budget("exit", store, capacity=100, cost=10, reward=1)
Policy(budget="exit").call(lambda: 1)
"""
    # The last holder of the budget is the module's policy, which is gone by then unless it has a name.
    program = program.replace("Policy(budget", "policy = Policy(budget").replace(".call(lambda: 1)", "\npolicy.call(lambda: 1)")
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)
    with server.client() as admin:
        assert admin.exists("undaunted:{exit}:budget")


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


def test_a_bulkhead_holds_over_stores_and_gives_places_back(server, stores):
    one, other = (fleet.Bulkhead("full", stores(server), 2) for _ in range(2))
    with one, other:
        assert one.snapshot() == {"running": 1, "waiting": 0}
        with pytest.raises(BulkheadFull) as full:
            one.call(lambda: 1)
        assert (full.value.limit, full.value.queue, full.value.name) == (2, 0, "full")
    assert other.call(lambda: 1) == 1

    async def main():
        store = stores(server)
        third = fleet.Bulkhead("full", store, 2)
        async with third:
            await third.call_async(asyncio.sleep, 0)
            with one, pytest.raises(BulkheadFull):
                await third.call_async(asyncio.sleep, 0)
        await store.aclose()

    with pytest.warns(RuntimeWarning, match="event loop") if not undaunted._run._warned_of_loop else nothing():
        asyncio.run(main())
    with server.client() as admin:
        assert admin.zcard("undaunted:{full}:bulkhead") == 0


HOLDS = """
import sys, time
from undaunted import fleet

bulkhead = fleet.Bulkhead("held", fleet.Store(sys.argv[1], timeout=10), 1, lease=1)
bulkhead.__enter__()
print("in", flush=True)
time.sleep(600)
"""


def test_places_are_renewed_while_a_call_runs_and_come_back_when_its_process_dies(server, stores):
    bulkhead = fleet.Bulkhead("held", stores(server, timeout=10), 1, lease=1)
    holder = subprocess.Popen([sys.executable, "-c", HOLDS, url(server)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "in\n"
        with server.client() as admin:
            [(_, first)] = admin.zrange("undaunted:{held}:bulkhead", 0, -1, withscores=True)
            until(lambda: admin.zrange("undaunted:{held}:bulkhead", 0, -1, withscores=True)[0][1] > first + 1_000_000)
        with pytest.raises(BulkheadFull):
            bulkhead.call(lambda: 1)
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()

    def is_in():
        try:
            return bulkhead.call(lambda: True)
        except BulkheadFull:
            return False

    until(is_in)


def test_a_bulkhead_without_its_store_lets_in_its_part(own, stores):
    store = stores(own, timeout=1)
    bulkhead = fleet.Bulkhead("alone", store, 4)
    fleet.Budget("alone", store, **SIX)
    store._trip([undaunted.Budget("alone", **SIX)._link.look()])
    store._fleet_size = 2
    own.stop()
    with bulkhead, bulkhead:
        with pytest.raises(BulkheadFull):
            bulkhead.call(lambda: 1)
    assert bulkhead.snapshot()["running"] == 0
    assert [kind for kind, _ in stores.told] == ["lost"]


def is_in(bulkhead, calls):
    """Whether a call of it gets in; it runs on in `calls`."""
    try:
        calls.enter_context(bulkhead)
    except BulkheadFull:
        return False
    return True


@pytest.mark.parametrize(("limit", "each"), [(7, 2), (3, 1), (2, 1)])
def test_processes_that_share_a_bulkhead_alone_let_in_no_more_than_all_may(own, stores, limit, each):
    bulkheads = [fleet.Bulkhead("own", stores(own, timeout=1), limit) for _ in range(3)]
    for bulkhead in bulkheads * 2:
        bulkhead.call(lambda: 1)
    own.stop()
    with contextlib.ExitStack() as calls:
        # Of a limit below the number of processes each lets in one.
        assert [sum(is_in(bulkhead, calls) for _ in range(limit + 1)) for bulkhead in bulkheads] == [each] * 3
    assert [kind for kind, _ in stores.told] == ["lost"] * 3


def test_calls_that_run_are_in_again_after_a_store_forgot_them(server, stores):
    bulkheads = [fleet.Bulkhead("forgot", stores(server, timeout=10), 4) for _ in range(2)]
    with server.client() as admin, contextlib.ExitStack() as calls:

        def running():
            return admin.zcard("undaunted:{forgot}:bulkhead")

        assert [is_in(bulkhead, calls) for bulkhead in bulkheads * 2] == [True] * 4
        admin.flushall()
        assert is_in(bulkheads[0], calls)
        until(lambda: running() == 3)
        assert is_in(bulkheads[1], calls)
        until(lambda: running() == 6)
        assert not any(is_in(bulkhead, calls) for bulkhead in bulkheads)
        assert admin.zcard("undaunted:{forgot}:bulkhead-members") == 2
        # What came in again leaves like the rest.
        calls.close()
        assert running() == 0
        assert [is_in(bulkheads[0], calls) for _ in range(5)] == [True] * 4 + [False]


def test_calls_that_run_are_renewed_into_a_store_that_forgot_them(server, stores):
    bulkhead, other = (fleet.Bulkhead("renewed", stores(server, timeout=10), 1, lease=1) for _ in range(2))
    with server.client() as admin, bulkhead:
        admin.flushall()
        until(lambda: admin.zcard("undaunted:{renewed}:bulkhead") == 1)
        with pytest.raises(BulkheadFull):
            other.call(lambda: 1)
    assert other.call(lambda: 1) == 1


def test_a_loop_brings_its_calls_to_a_store_that_forgot_them(server, stores):
    async def main():
        store = stores(server, timeout=10)
        bulkhead = fleet.Bulkhead("loop", store, 2)
        with server.client() as admin:
            async with bulkhead:
                admin.flushall()
                async with bulkhead, asyncio.timeout(30):
                    while admin.zcard("undaunted:{loop}:bulkhead") < 2:
                        await asyncio.sleep(0.005)
                    with pytest.raises(BulkheadFull):
                        await bulkhead.call_async(asyncio.sleep, 0)
            assert admin.zcard("undaunted:{loop}:bulkhead") == 0
        await store.aclose()

    asyncio.run(main())


def test_a_renewal_that_comes_late_brings_nobody_back_for_longer_than_a_lease(server, stores):
    store = stores(server, timeout=10)
    bulkhead = fleet.Bulkhead("late", store, 1, lease=1)
    link = bulkhead._link
    with bulkhead:
        late = link._renew()
    assert store._trip([late])
    assert late.reply[:4] == [0, 0, 0, 0]
    with bulkhead:
        late = link._renew()
    with server.client() as admin:
        admin.flushall()
    # Of a member that is not known it is in again, until its lease ends: nobody renews it.
    assert store._trip([late])
    assert late.reply[:4] == [0, 1, late.reply[2], 1]
    assert 0 < late.reply[2] <= 1_000_000
    assert link.ids == set()
    with contextlib.ExitStack() as calls:
        until(lambda: is_in(bulkhead, calls))


def test_a_call_whose_lease_ended_has_another_place_by_the_next_renewal(server, stores):
    bulkhead = fleet.Bulkhead("ended", stores(server, timeout=10), 2)
    link = bulkhead._link
    with server.client() as admin:
        with bulkhead:
            with bulkhead:
                first, second = (name.decode() for name in admin.zrange("undaunted:{ended}:bulkhead", 0, -1))
                admin.zrem("undaunted:{ended}:bulkhead", first)
                assert link.store._trip([link._renew()])
                assert link.ids == {second}
                with bulkhead:
                    assert admin.zcard("undaunted:{ended}:bulkhead") == 2
                # Whoever leaves first is the one that the store does not know.
                assert admin.zcard("undaunted:{ended}:bulkhead") == 2
                link.core.admit()
                assert link.store._trip([link._renew()])
                assert len(link.ids) == admin.zcard("undaunted:{ended}:bulkhead") == 3
                link.store._trip(link.leave())
            assert admin.zcard("undaunted:{ended}:bulkhead") == 1
        assert admin.zcard("undaunted:{ended}:bulkhead") == 0


def test_a_call_let_in_alone_while_the_store_was_asked_is_brought_next(server, stores):
    bulkhead = fleet.Bulkhead("asked", stores(server, timeout=10), 2)
    link = bulkhead._link
    question = link.look()
    assert link.store._trip([question])
    assert link.core.enter() == 0
    link.go_back(question, _store.now())
    with server.client() as admin:
        until(lambda: admin.zcard("undaunted:{asked}:bulkhead") == 1)
        link.store._trip(link.leave())
        assert admin.zcard("undaunted:{asked}:bulkhead") == 0


def test_what_a_bulkhead_let_in_alone_is_in_when_its_store_is_back(own, stores):
    bulkhead = fleet.Bulkhead("back", stores(own, timeout=1), 4)
    own.stop()
    with contextlib.ExitStack() as calls:
        assert [is_in(bulkhead, calls) for _ in range(3)] == [True] * 3
        own.start()

        def is_back():
            bulkhead._is_there()
            return [kind for kind, _ in stores.told] == ["lost", "back"]

        until(is_back)
        with own.client() as admin:
            assert admin.zcard("undaunted:{back}:bulkhead") == 3
            assert [is_in(bulkhead, calls) for _ in range(2)] == [True, False]
            calls.close()
            assert admin.zcard("undaunted:{back}:bulkhead") == 0


def test_a_throttle_counts_what_all_send(server, stores):
    here, there = stores(server, every=10), stores(server, every=10)
    one = fleet.Throttle("all", here, seed=1)
    other = fleet.Throttle("all", there, seed=2)

    def rejected():
        raise ValueError

    for _ in range(10):
        with pytest.raises((ValueError, undaunted.Throttled)):
            one.call(rejected)
    assert commands(server) == 0
    here._flush()
    assert commands(server) == 2  # the second brings the script
    other.call(lambda: 1)
    there._flush()
    assert other.snapshot() == {"requests": 11, "accepts": 1}


def test_a_response_that_is_given_up_is_handed_over_as_with_a_local_budget(server, stores):
    import httpx

    from undaunted.adapters.httpx import AsyncRetryingTransport, RetryingTransport

    store = stores(server, timeout=10)
    fleet.Budget("http", store, **{**SIX, "capacity": 10})
    policy = Policy(budget="http", attempts=5, **AT_ONCE)
    transport = httpx.MockTransport(lambda request: httpx.Response(503, text="busy"))

    async def main():
        async with httpx.AsyncClient(transport=AsyncRetryingTransport(policy, transport)) as client:
            responses = [await client.get("http://localhost/") for _ in range(2)]
        await store._flush_async()
        await leave_loop(store)
        return [response.text for response in responses]

    assert asyncio.run(main()) == ["busy", "busy"]
    with httpx.Client(transport=RetryingTransport(policy, transport)) as client:
        assert client.get("http://localhost/").text == "busy"
    assert stores.told == []


@pytest.mark.parametrize("form", ["sync", "async"])
def test_a_result_that_is_given_up_says_budget(server, stores, form):
    store = stores(server, timeout=10)
    fleet.Budget(f"result-{form}", store, **{**SIX, "capacity": 10})
    policy = Policy(budget=f"result-{form}", attempts=5, retry_if_result=lambda result: True, **AT_ONCE)

    async def later():
        return 1

    async def main():
        try:
            await policy.call_async(later)
        finally:
            await store.aclose()

    with pytest.raises(undaunted.GaveUp) as error:
        policy.call(lambda: 1) if form == "sync" else asyncio.run(main())
    assert (error.value.reason, error.value.result, len(history(error.value))) == ("budget", 1, 2)


class nothing:
    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass


# It opens after four failures, for an hour, and one probe decides.
FOUR = {"window_calls": 4, "min_calls": 4, "initial": "1h", "max_delay": "1h", "jitter": "none", "probes": 1}


def breakers(server, stores, name, **options):
    """Two processes, as far as the store knows."""
    made = []
    for _ in range(2):
        made.append(fleet.Breaker(name, stores(server, every=10, timeout=10), **{**FOUR, **options}))
        # The name is free for the next, as in another process.
        undaunted._breaker.known._known.clear()
    return made


def trip(breaker, times):
    for _ in range(times):
        with pytest.raises(ConnectionResetError):
            breaker.call(fails)


def settled(breaker):
    """Once the store has answered all that it noted."""
    until(lambda: not breaker._core.has_notes())
    # Behind whatever is on its way.
    assert breaker._link.store._trip([breaker._link.look()])


def test_a_breaker_opens_for_all_by_what_all_saw(server, stores):
    one, other = breakers(server, stores, "opens")
    trip(one, 2)
    settled(one)
    assert (one.state, other.state) == ("closed", "closed")
    trip(other, 2)
    settled(other)
    until(lambda: other.state == "open")
    # The first hears of it with its next news.
    assert one.call(lambda: 1) == 1
    one._link.store._flush()
    assert one.state == "open"
    with pytest.raises(undaunted.BreakerOpen) as refused:
        one.call(lambda: 1)
    assert 3500 < refused.value.retry_in <= 3600
    assert refused.value.name == "opens"


SHORT = {"initial": "1ms", "max_delay": "1ms"}


def half_open(*breakers):
    """Once the time is over for which it is open."""
    for breaker in breakers:
        link = breaker._link
        until(lambda link=link, breaker=breaker: link.store._trip([link.look()]) and breaker.state == "half_open")


@pytest.mark.parametrize("form", ["call", "with", "policy", "call_async", "async with", "policy async"])
def test_one_probe_for_all_and_its_success_closes(server, stores, form):
    name = f"probe {form}"
    one, other = breakers(server, stores, name, **SHORT)
    trip(one, 4)
    settled(one)
    half_open(one, other)
    assert (one.state, other.state) == ("half_open", "half_open")
    seen = []

    def inside():
        """While the probe is out there is none for others."""
        with pytest.raises(undaunted.BreakerOpen):
            other.call(seen.append, "no")
        seen.append("probe")

    async def inside_later():
        with pytest.raises(undaunted.BreakerOpen):
            await other.call_async(fails_later)
        seen.append("probe")

    async def main():
        if form == "call_async":
            await one.call_async(inside_later)
        elif form == "async with":
            async with one:
                await inside_later()
        else:
            await policy_of(one, name).call_async(inside_later)
        for breaker in (one, other):
            await breaker._link.store._flush_async()
            await leave_loop(breaker._link.store)

    if form == "policy":
        policy_of(one, name).call(inside)
    elif form == "call":
        one.call(inside)
    elif form == "with":
        with one:
            inside()
    else:
        asyncio.run(main())
    one._link.store._flush()
    assert seen == ["probe"]
    assert one.state == "closed"
    assert other._link.store._trip([other._link.look()])
    assert other.state == "closed"


def policy_of(breaker, name):
    """A policy with this breaker, not that of the other process."""
    undaunted._breaker.known._known.clear()
    import weakref

    undaunted._breaker.known._known[name] = weakref.ref(breaker._state)
    return Policy(breaker=breaker, attempts=1, timeout=None, jitter="none")


def test_a_policy_without_a_probe_is_refused_before_its_first_attempt(server, stores):
    name = "refused first"
    one, other = breakers(server, stores, name, **SHORT)
    trip(one, 4)
    settled(one)
    half_open(one, other)
    called = []
    policy = policy_of(one, name)

    async def later():
        called.append(1)

    async def main():
        with pytest.raises(undaunted.BreakerOpen) as error:
            await policy.call_async(later)
        await leave_loop(one._link.store)
        return error

    with other:
        with pytest.raises(undaunted.BreakerOpen) as refused:
            policy.call(called.append, 1)
        refused_async = asyncio.run(main())
    assert called == []
    assert {history(error.value).reason for error in (refused, refused_async)} == {"breaker_open"}


def test_a_failure_and_its_retry_are_one_trip(server, stores):
    store = stores(server, every=10, timeout=10)
    fleet.Budget("trip", store, **SIX)
    breaker = fleet.Breaker("trip", store, window_calls=100)
    policy = Policy(budget="trip", breaker="trip", attempts=2, **AT_ONCE)
    retries_of(policy)
    settled(breaker)
    with server.client() as admin:
        admin.config_resetstat()
    retries_of(policy)
    settled(breaker)
    # Two failures: a retry with the first and a report with each; and the question of `settled`.
    assert commands(server) == 3 + 1
    assert breaker.snapshot()["state"] == "closed"
    with server.client() as admin:
        admin.config_resetstat()
    for _ in range(50):
        policy.call(lambda: 1)
    assert commands(server) == 0
    store._flush()
    assert commands(server) == 1


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


def test_a_breaker_goes_on_alone_without_its_store(own, stores):
    store = stores(own, timeout=1)
    breaker = fleet.Breaker("goes on", store, **FOUR)
    own.stop()
    trip(breaker, 1)
    until(lambda: store.is_lost)
    trip(breaker, 4)
    assert breaker.state == "open"
    with pytest.raises(undaunted.BreakerOpen):
        breaker.call(lambda: 1)
    assert [kind for kind, _ in stores.told] == ["lost"]


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


def test_a_place_that_is_given_too_late_is_given_back(own, stores):
    store = stores(own, timeout=0.5)
    bulkhead = fleet.Bulkhead("late", store, 1)
    bulkhead.call(lambda: 1)
    own.send(signal.SIGSTOP)
    with bulkhead:
        assert store.is_lost
        own.send(signal.SIGCONT)
        until(lambda: store._owed)
    find(store, is_async=False)
    with own.client() as admin:
        until(lambda: not admin.zcard("undaunted:{late}:bulkhead"))


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
