"""Policies of a fleet over a real Redis: published once, read by all, and never one that is bad."""

import asyncio
import gc
import pickle
import signal
import threading

import pytest
import redis
import redis.asyncio
import trio
from processes import Redis, until

import undaunted
from undaunted import Policy, PolicyError, fleet, retry

KEY = "undaunted:{upstream}:policy"


@pytest.fixture
def server():
    with Redis() as server:
        yield server


@pytest.fixture
def admin(server):
    with server.client(decode_responses=True) as admin:
        yield admin


@pytest.fixture
def became():
    """What became of the store."""
    return []


@pytest.fixture
def store(server, became):
    store = fleet.Store(f"redis://127.0.0.1:{server.port}/0", timeout=1.0, on_event=lambda event: became.append(event.kind))
    yield store
    store.close()
    gc.collect()


def is_at(source, attempts, version):
    return lambda: (source.current().attempts, source.current().version) == (attempts, version)


def test_a_published_policy_reaches_sources_and_events(store, admin):
    heard = []
    source = fleet.policy_source(store, "upstream", every=0.02, fallback=Policy(attempts=9), on_error=heard.append)
    assert (source.current().attempts, source.current().version) == (9, None)
    assert fleet.publish_policy(store, "upstream", Policy(attempts=2)) == 1
    until(is_at(source, 2, 1))
    assert fleet.publish_policy(store, "upstream", '{"attempts": 3}') == 2
    until(is_at(source, 3, 2))
    # The same text again is another version.
    assert fleet.publish_policy(store, "upstream", {"attempts": 3}) == 3
    until(is_at(source, 3, 3))
    assert admin.hgetall(KEY) == {"version": "3", "text": Policy(attempts=3).dump()}
    assert admin.ttl(KEY) == -1
    events = []
    retry(source, on_event=events.append)(lambda: 1)()
    assert [event.policy.version for event in events] == [3, 3]
    assert {type(error) for error in heard} <= {LookupError}


def test_a_version_is_no_part_of_equality_but_survives_a_pickle(store):
    source = fleet.policy_source(store, "upstream", every=0.02, on_error=lambda error: None)
    fleet.publish_policy(store, "upstream", Policy(attempts=3))
    until(is_at(source, 3, 1))
    found = source.current()
    assert found == Policy(attempts=3)
    assert hash(found) == hash(Policy(attempts=3))
    assert found.dump() == Policy(attempts=3).dump()
    assert pickle.loads(pickle.dumps(found)).version == 1
    assert found.replace(attempts=4).version is None
    assert source.replace(timeout=5).current().version == 1


@pytest.mark.parametrize(
    ("hurt", "error"),
    [
        (lambda admin: admin.hset(KEY, mapping={"text": '{"attempts": 0}', "version": 8}), PolicyError),
        (lambda admin: admin.hset(KEY, mapping={"text": "no json", "version": 8}), PolicyError),
        (lambda admin: admin.hset(KEY, "version", "eight"), ValueError),
        (lambda admin: admin.delete(KEY), LookupError),
        (lambda admin: admin.flushall(), LookupError),
        (lambda admin: (admin.delete(KEY), admin.set(KEY, "text")), ValueError),
    ],
)
def test_what_is_no_good_policy_is_refused_and_told_once(store, became, admin, hurt, error):
    told = []
    fleet.publish_policy(store, "upstream", Policy(attempts=3))
    source = fleet.policy_source(store, "upstream", every=0.01, on_error=told.append)
    until(is_at(source, 3, 1))
    hurt(admin)
    until(lambda: told)
    # Another ten readings tell nothing new.
    read = evals(admin)
    until(lambda: evals(admin) >= read + 10)
    assert [type(each) for each in told if not isinstance(each, LookupError) or error is LookupError] == [error]
    assert is_at(source, 3, 1)()
    assert became == []
    admin.delete(KEY)
    fleet.publish_policy(store, "upstream", Policy(attempts=4))
    until(is_at(source, 4, 1))


def evals(admin):
    stats = admin.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "eval"))


def test_a_store_that_is_killed_leaves_the_policy_and_is_read_when_it_is_back(server, store, became):
    told = []
    fleet.publish_policy(store, "upstream", Policy(attempts=3))
    source = fleet.policy_source(store, "upstream", every=0.02, on_error=told.append)
    until(is_at(source, 3, 1))
    server.stop(signal.SIGKILL)
    until(lambda: told)
    assert [type(error) for error in told] == [ConnectionError]
    assert is_at(source, 3, 1)()
    server.start()
    fleet.publish_policy(store, "upstream", Policy(attempts=4))
    until(is_at(source, 4, 1))
    until(lambda: became == ["lost", "back"])


def leave_alone(store):
    """As after a long outage: nobody looks for it for an hour."""
    front, _ = undaunted._core.Breaker.compile({**undaunted._store.FRONT, "initial": 3600, "max_delay": 3600}, "python")
    _, generation, number = front.permit(undaunted._store.now())
    front.settle(generation, number, "failed", 0, undaunted._store.now())
    store._front = front


@pytest.mark.parametrize("is_async", [False, True])
def test_a_source_asks_each_second_for_itself_while_the_store_is_lost(server, became, is_async):
    async def main():
        given = redis.asyncio.Redis(port=server.port, retry=None) if is_async else None
        url = None if is_async else f"redis://127.0.0.1:{server.port}"
        store = fleet.Store(url, given, timeout=1.0, on_event=lambda event: became.append(event.kind))
        source = fleet.policy_source(store, "upstream", every=0.02, on_error=lambda error: None)
        server.stop(signal.SIGKILL)
        while not store.is_lost:
            await asyncio.sleep(0.001)
        leave_alone(store)
        server.start()
        publisher = fleet.Store(f"redis://127.0.0.1:{server.port}")
        fleet.publish_policy(publisher, "upstream", Policy(attempts=4))
        publisher.close()
        while not is_at(source, 4, 1)():
            await asyncio.sleep(0.001)
        assert store.is_lost
        await store.aclose()
        if given is not None:
            await given.aclose()

    asyncio.run(asyncio.wait_for(main(), 30))
    assert became == ["lost"]


def test_one_may_wait_for_the_first_policy(server, store):
    source = fleet.policy_source(store, "upstream", every=0.01, on_error=lambda error: None)
    assert not source.ready(0)
    publisher = threading.Thread(target=fleet.publish_policy, args=(store, "upstream", Policy(attempts=2)))
    publisher.start()
    assert source.ready(30)
    assert is_at(source, 2, 1)()
    assert source.ready(0)
    publisher.join()
    with pytest.raises(ValueError, match="timeout is 100000, allowed 0 s to 86400 s"):
        source.ready(100_000)

    async def main(is_async):
        given = redis.asyncio.Redis(port=server.port) if is_async else None
        there = fleet.Store(None, given, timeout=10) if is_async else fleet.Store(f"redis://127.0.0.1:{server.port}", timeout=10)
        nothing = fleet.policy_source(there, "nothing", every=0.01, on_error=lambda error: None)
        assert not await nothing.ready_async(0.01)
        other = fleet.policy_source(there, "upstream", every=0.01, on_error=lambda error: None)
        assert await other.ready_async(30)
        assert await other.ready_async(0)
        assert is_at(other, 2, 1)()
        if is_async:
            with pytest.raises(TypeError, match="asyncio client alone"):
                other.ready()
            await there.aclose()
            await given.aclose()
        else:
            there.close()

    asyncio.run(main(is_async=True))
    trio.run(main, False)


def test_no_command_is_on_the_path_of_a_call(store, admin):
    fleet.publish_policy(store, "upstream", Policy(attempts=3))
    source = fleet.policy_source(store, "upstream", every=60, on_error=lambda error: None)
    until(is_at(source, 3, 1))
    before = evals(admin)
    for _ in range(1000):
        source.call(lambda: 1)
    assert evals(admin) == before


def test_who_publishes_at_once_with_others_is_told(store):
    assert fleet.publish_policy(store, "upstream", Policy(attempts=2), expected=0) == 1
    with pytest.raises(fleet.VersionConflict) as conflict:
        fleet.publish_policy(store, "upstream", Policy(attempts=3), expected=0)
    assert (conflict.value.expected, conflict.value.version) == (0, 1)
    assert "the version is 1, expected 0" in str(conflict.value)
    results = []

    def publish():
        try:
            results.append(fleet.publish_policy(store, "upstream", Policy(attempts=4), expected=1))
        except fleet.VersionConflict as error:
            results.append(error.version)

    threads = [threading.Thread(target=publish) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [2] * 8
    with pytest.raises(ValueError, match="expected is -1"):
        fleet.publish_policy(store, "upstream", Policy(), expected=-1)


def test_nothing_bad_is_published(store, admin):
    with pytest.raises(PolicyError):
        fleet.publish_policy(store, "upstream", '{"attempts": 0}')
    assert not admin.exists(KEY)
    admin.set(KEY, "text")
    with pytest.raises(ValueError, match="WRONGTYPE"):
        fleet.publish_policy(store, "upstream", Policy())


def test_asyncio_alone_reads_by_a_task_of_the_running_loop(server, admin):
    async def main():
        given = redis.asyncio.Redis(port=server.port)
        store = fleet.Store(async_client=given, timeout=10)
        source = fleet.policy_source(store, "upstream", every=0.01, on_error=lambda error: None)
        for version in (1, 2):
            policy = Policy(attempts=version + 1)
            assert await fleet.publish_policy_async(store, "upstream", policy, expected=version - 1) == version
            while not is_at(source, version + 1, version)():
                await asyncio.sleep(0.001)
        with pytest.raises(TypeError, match="asyncio client alone"):
            fleet.publish_policy(store, "upstream", Policy())
        await store.aclose()
        await given.aclose()

    asyncio.run(asyncio.wait_for(main(), 30))


def test_a_source_that_nobody_has_is_read_no_more(store, admin):
    source = fleet.policy_source(store, "upstream", every=0.01, on_error=lambda error: None)
    kept = fleet.policy_source(store, "kept", every=0.01, on_error=lambda error: None)
    until(lambda: admin.info("commandstats").get("cmdstat_hmget", {"calls": 0})["calls"] >= 2)
    link = source._link
    del source
    gc.collect()
    assert link._source() is None
    del link

    def are_left():
        gc.collect()
        return [each.keys for each in store._links()]

    # It may be on its way to the store still.
    until(lambda: are_left() == [["undaunted:{kept}:policy"]])
    fleet.publish_policy(store, "kept", Policy(attempts=2))
    until(is_at(kept, 2, 1))
