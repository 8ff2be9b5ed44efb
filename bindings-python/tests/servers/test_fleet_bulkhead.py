"""A fleet's bulkheads over a real Redis: no more at once than all may, and places that come back."""

import asyncio
import contextlib
import signal
import subprocess
import sys

import pytest
from fleet_calls import SIX, find, url
from processes import until

import undaunted
from undaunted import BulkheadFull, _store, fleet


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

    with pytest.warns(RuntimeWarning, match="event loop") if not undaunted._run._warned_of_loop else contextlib.nullcontext():
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
