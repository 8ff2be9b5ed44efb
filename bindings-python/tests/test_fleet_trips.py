"""How a store's errands travel: what a call waits for it at most, who goes together, and what becomes of answers that come too late."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from stand_in import StandIn

import undaunted
from undaunted import Policy, fleet, history

AT_ONCE = {"backoff": [0], "jitter": "none", "timeout": None}
SIX = {"capacity": 60, "cost": 10, "reward": 0, "refund": False}
PRICE = 10_000_000


@pytest.fixture(autouse=True)
def waits():
    """Instead of the one of all other tests: sockets have a real clock."""


@pytest.fixture
def server():
    made = StandIn()
    yield made
    made.close()


@pytest.fixture
def stores():
    made = []

    def make(server, **options):
        store = fleet.Store(server.url, **{"on_event": lambda event: store_told(store).append(event.kind), **options})
        told[store] = []
        made.append(store)
        return store

    told = {}

    def store_told(store):
        return told[store]

    make.told = told
    yield make
    for store in made:
        store.close()


def fails():
    raise ConnectionResetError("no")


async def fails_later():
    fails()


def until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "waited 30 s in vain"
        time.sleep(0.001)


def took(call):
    began = time.monotonic()
    with pytest.raises(ConnectionResetError):
        call()
    return time.monotonic() - began


# Of calls that wait for 50 ms each, where whatever is behind them hangs for good.
FAR_TOO_LONG = 10.0


@pytest.mark.parametrize("is_async", [False, True])
def test_a_slow_greeting_is_within_the_bound(server, stores, is_async):
    # CLIENT SETINFO, then a first EVALSHA: each is answered within the timeout.
    server.delay = 1.1
    store = stores(server, timeout=1.2)
    policy = Policy(budget=fleet.Budget(f"greeting {is_async}", store, **SIX), attempts=2, **AT_ONCE)
    # What is loaded the first time is not to count.
    policy.call(lambda: 1)

    async def main():
        began = time.monotonic()
        with pytest.raises(ConnectionResetError):
            await policy.call_async(fails_later)
        ended = time.monotonic()
        await store.aclose()
        return ended - began

    assert (asyncio.run(main()) if is_async else took(lambda: policy.call(fails))) < 2.1
    assert stores.told[store] == ["lost"]


@pytest.mark.parametrize("is_async", [False, True])
def test_nobody_waits_for_the_name_of_a_server(stores, monkeypatch, is_async):
    is_over = threading.Event()
    asked = []

    def hangs(*words, **options):
        asked.append(words)
        is_over.wait()
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    store = fleet.Store("redis://localhost", timeout=0.05, on_event=lambda event: None)
    try:
        budget = fleet.Budget(f"name-{is_async}", store, **SIX)
        policy = Policy(budget=budget, attempts=2, **AT_ONCE)

        async def several():
            async def one():
                with pytest.raises(ConnectionResetError):
                    await policy.call_async(fails_later)

            await asyncio.gather(*(one() for _ in range(5)))
            assert store.is_lost
            is_over.set()
            await store.aclose()

        if is_async:
            began = time.monotonic()
            asyncio.run(several())
            assert time.monotonic() - began < FAR_TOO_LONG
        else:
            assert sum(took(lambda: policy.call(fails)) for _ in range(5)) < FAR_TOO_LONG
            assert store.is_lost
            # One thread hangs, and nothing waits behind it.
            assert store._courier._queue == []
        assert len(asked) == 1
        assert budget.tokens < 60
    finally:
        is_over.set()
        store.close()


def test_threads_that_fail_at_once_go_together(server, stores, batches):
    store = stores(server, timeout=10)
    policy = Policy(budget=fleet.Budget("together", store, capacity=1000, cost=1), attempts=2, **AT_ONCE)
    took(lambda: policy.call(fails))
    batches.clear()
    server.freeze()
    threads = [threading.Thread(target=lambda: took(lambda: policy.call(fails))) for _ in range(50)]
    for thread in threads:
        thread.start()
    until(lambda: len(store._courier._queue) + len(store._courier._on_the_way) == 50)
    server.go_on()
    for thread in threads:
        thread.join()
    assert sum(batches) == 50
    # At first the few that came while the thread was about to send.
    assert len(batches) <= 2
    # All that go together ask as one.
    assert [sum(int(words[-1]) for words in server.commands), len(server.commands)] == [51, 1 + len(batches)]
    assert server.connections == 1
    assert stores.told[store] == []


def test_tasks_that_fail_at_once_go_together(server, stores, batches):
    store = stores(server, timeout=10)
    policy = Policy(budget=fleet.Budget("tasks", store, capacity=1000, cost=1), attempts=2, **AT_ONCE)

    async def one():
        with pytest.raises(ConnectionResetError):
            await policy.call_async(fails_later)

    async def main():
        await one()
        await asyncio.gather(*(one() for _ in range(90)))
        await store.aclose()

    asyncio.run(main())
    assert batches == [1, 90]
    # Which ask as one.
    assert [words[-2:] for words in server.commands] == [[b"1000000", b"1"], [b"1000000", b"90"]]
    assert server.connections == 1
    assert stores.told[store] == []


@pytest.mark.parametrize("is_async", [False, True])
def test_an_answer_that_comes_too_late_gives_back_what_it_grants(server, stores, is_async):
    server.freeze()
    store = stores(server, timeout=0.02)
    budget = fleet.Budget(f"late-{is_async}", store, **SIX)
    policy = Policy(budget=budget, attempts=2, **AT_ONCE)

    async def main():
        with pytest.raises(ConnectionResetError):
            await policy.call_async(fails_later)
        server.go_on()
        while not store._owed:
            await asyncio.sleep(0.001)
        await store.aclose()

    if is_async:
        asyncio.run(main())
    else:
        took(lambda: policy.call(fails))
        server.go_on()
        until(lambda: store._owed)
    assert stores.told[store] == ["lost"]
    [undone] = store._owed
    # Added, owed, and nothing to take.
    assert undone.words[-4:] == [PRICE, 0, 0, 0]


def test_waiting_threads_go_on_as_soon_as_the_store_is_known_to_be_lost(server, stores):
    server.freeze()
    store = stores(server, timeout=10)
    policy = Policy(budget=fleet.Budget("all at once", store, **SIX), attempts=2, **AT_ONCE)
    threads = [threading.Thread(target=lambda: took(lambda: policy.call(fails))) for _ in range(10)]
    for thread in threads:
        thread.start()
    until(lambda: len(store._courier._queue) + len(store._courier._on_the_way) == 10 and server.connections)
    server.close()
    for thread in threads:
        thread.join()
    assert stores.told[store] == ["lost"]
    assert store._courier._queue == []


def test_a_busy_loop_reads_the_answer_before_it_counts_as_lost(server, stores):
    store = stores(server, timeout=0.5)
    budget = fleet.Budget("busy", store, **SIX)

    async def main():
        assert await store._trip_async([budget._link.look()])
        server.commands.clear()
        asked = asyncio.create_task(store._trip_async([budget._link.ask(PRICE)]))
        while not server.commands:
            await asyncio.sleep(0)
        # The answer comes, and the time is over, while something else has the loop.
        time.sleep(0.7)
        assert await asked
        await store.aclose()

    asyncio.run(main())
    assert stores.told[store] == []


def test_a_loop_that_was_busy_before_it_sent_loses_no_store(server, stores):
    store = stores(server, timeout=0.5)
    budget = fleet.Budget("busy at first", store, **SIX)

    async def main():
        assert await store._trip_async([budget._link.look()])
        server.commands.clear()
        asked = [asyncio.create_task(store._trip_async([budget._link.ask(PRICE)])) for _ in range(2)]
        # They have asked; nothing is sent before their time is over.
        asyncio.get_running_loop().call_soon(time.sleep, 1.2)
        assert await asyncio.gather(*asked) == [True, True]
        await store.aclose()

    asyncio.run(main())
    assert [words[-2:] for words in server.commands] == [[b"10000000", b"2"]]
    assert stores.told[store] == []


@pytest.mark.parametrize("when", ["queued", "on the way"])
def test_a_cancelled_task_takes_nothing(server, stores, when):
    store = stores(server, timeout=10, every=60)
    budget = fleet.Budget(f"cancelled {when}", store, **SIX)
    policy = Policy(budget=budget, attempts=2, **AT_ONCE)

    async def main():
        assert await store._trip_async([budget._link.look()])
        server.commands.clear()
        server.freeze()
        desk = store._desk()
        if when == "queued":
            other = asyncio.create_task(store._trip_async([budget._link.look()]))
            while not desk._on_the_way:
                await asyncio.sleep(0)
        task = asyncio.create_task(policy.call_async(fails_later))
        while not (desk._queue if when == "queued" else desk._on_the_way):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # Nothing was granted, so nothing is handed back.
        assert not budget._link.has_notes()
        server.go_on()
        if when == "queued":
            await other
        else:
            while not store._owed and not len(server.commands) > 1:
                await asyncio.sleep(0.001)
        await store.aclose()

    asyncio.run(main())
    takes = [words[-2] for words in server.commands]
    gives = [words[-4] for words in server.commands]
    assert (takes.count(b"10000000"), gives.count(b"10000000")) == ((0, 0) if when == "queued" else (1, 1))
    assert stores.told[store] == []


def test_a_thread_that_is_interrupted_takes_nothing(server, stores):
    store = stores(server, timeout=10, every=60)
    budget = fleet.Budget("interrupted", store, **SIX)
    policy = Policy(budget=budget, attempts=2, **AT_ONCE)
    assert store._trip([budget._link.look()])
    server.commands.clear()
    server.freeze()

    def interrupt():
        until(lambda: store._courier._on_the_way)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    # A program that was started in the background ignores Ctrl-C.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            policy.call(fails)
        thread.join()
    finally:
        signal.signal(signal.SIGINT, handler)
    assert not budget._link.has_notes()
    server.go_on()
    until(lambda: len(server.commands) == 2)
    assert [words[-2:] for words in server.commands] == [[b"10000000", b"1"], [b"0", b"0"]]
    assert server.commands[1][-4] == b"10000000"
    assert store._trip([budget._link.ask(PRICE)])
    assert stores.told[store] == []


def test_without_a_thread_trips_go_directly(server, stores, monkeypatch):
    real = threading.Thread.start

    def start(thread):
        if thread.name == "undaunted-fleet":
            raise RuntimeError("can't create new thread at interpreter shutdown")
        real(thread)

    store = stores(server, timeout=10)
    policy = Policy(budget=fleet.Budget("direct", store, **SIX), attempts=2, **AT_ONCE)
    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(ConnectionResetError) as error:
        policy.call(fails)
    assert len(history(error.value)) == 2
    assert len(server.commands) == 1
    assert store._courier._thread is None
    monkeypatch.undo()


ENDS = """
import sys
from undaunted import Policy, fleet

store = fleet.Store(sys.argv[1], timeout=10, every=60)
policy = Policy(budget=fleet.Budget("ends", store, capacity=60, reward=1), attempts=2, backoff=[0], jitter="none")

def fails():
    raise ConnectionResetError("no")

if sys.argv[2] == "used":
    try:
        policy.call(fails)
    except ConnectionResetError:
        pass
policy.call(lambda: 1)
"""


@pytest.mark.parametrize("state", ["used", "unused"])
def test_the_thread_keeps_no_program_alive_and_what_was_noted_is_sent(server, state):
    subprocess.run([sys.executable, "-W", "error", "-c", ENDS, server.url, state], check=True, timeout=30)
    assert server.commands[-1][-4:] == [b"1000000", b"0", b"0", b"0"]


def test_the_thread_ends_with_its_store(server, stores):
    before = threading.enumerate()
    store = fleet.Store(server.url, timeout=10)
    budget = fleet.Budget("ends with", store, **SIX)
    assert store._trip([budget._link.look()])
    [thread] = [each for each in threading.enumerate() if each.name == "undaunted-fleet" and each not in before]
    store.close()
    thread.join(30)
    assert not thread.is_alive()


def test_an_answer_that_is_read_when_the_time_is_over_counts(server, stores, monkeypatch):
    store = stores(server, timeout=0.5)
    budget = fleet.Budget("just in time", store, **SIX)
    assert store._trip([budget._link.look()])
    read = type(budget._link).read

    def slowly(link, errand, reply, now):
        time.sleep(1.0)
        read(link, errand, reply, now)

    monkeypatch.setattr(type(budget._link), "read", slowly)
    assert store._trip([budget._link.ask(PRICE)])
    assert not store.is_lost
    assert stores.told[store] == []


def test_a_store_that_is_found_as_it_is_closed_hears_what_was_taken_meanwhile(server, stores):
    server.freeze()
    store = stores(server, timeout=0.5)
    budget = fleet.Budget("found at the end", store, **SIX)
    took(lambda: Policy(budget=budget, attempts=2, **AT_ONCE).call(fails))
    server.go_on()
    # Once nobody else is about to search for it.
    until(lambda: store._owed and store._courier._at is None and not store._courier._on_the_way)
    store._front = undaunted._core.Breaker.compile(undaunted._store.FRONT, "python")[0]
    store.close()
    assert [words[-3] for words in server.commands if words[-3] != b"0"] == [b"10000000"]
    assert stores.told[store] == ["lost", "back"]
