"""Breakers: what a call under one comes to. Which results open it is in the vectors."""

import asyncio
import os
import pickle
import threading

import pytest
import trio

import undaunted
from undaunted import Breaker, BreakerOpen

STEADY = {"window_calls": 4, "min_calls": 4, "initial": 10, "jitter": "none", "probes": 1}


def fail(error=ConnectionError):
    raise error("no")


def trip(breaker):
    for _ in range(4):
        with pytest.raises(ConnectionError):
            breaker.call(fail)


@pytest.fixture(autouse=True)
def clock():
    with undaunted.testing() as clock:
        yield clock


def test_it_opens_refuses_probes_and_closes(clock):
    breaker = Breaker(**STEADY, name="users")
    assert breaker.call(len, "abc") == 3
    for _ in range(3):
        with pytest.raises(ConnectionError):
            breaker.call(fail)
    assert breaker.state == "open"
    clock.advance(4)
    called = []
    with pytest.raises(BreakerOpen) as refused:
        breaker.call(called.append, 1)
    assert (refused.value.retry_in, refused.value.name, called) == (6.0, "users", [])
    assert str(refused.value) == "the breaker users is open and refuses calls for another 6 s; nothing was sent"
    clock.advance(6)
    assert breaker.state == "half_open"
    assert breaker.call(len, "ab") == 2
    assert breaker.snapshot() == {"state": "closed", "calls": 0, "failures": 0, "slow": 0, "trips": 0, "probing": 0, "retry_in": 0.0}


def test_the_last_error_leaves_as_it_came():
    error = ConnectionError("mine")

    def broken():
        raise error

    with pytest.raises(ConnectionError) as caught:
        Breaker().call(broken)
    assert caught.value is error
    assert not hasattr(error, "__notes__")


def test_a_block_settles_by_its_error():
    breaker = Breaker(**STEADY)
    with breaker:
        pass
    with pytest.raises(ValueError), breaker:
        fail(ValueError)
    assert (breaker.snapshot()["calls"], breaker.snapshot()["failures"]) == (2, 1)


def test_blocks_of_two_breakers_stand_inside_each_other():
    outer, inner = Breaker(**STEADY), Breaker(**STEADY)
    with pytest.raises(ValueError), outer, inner, outer:
        fail(ValueError)
    assert (outer.snapshot()["failures"], inner.snapshot()["failures"]) == (2, 1)


def test_only_what_on_names_counts():
    breaker = Breaker(on=(OSError, KeyError))
    for error in (ValueError, KeyError, ConnectionError):
        with pytest.raises(error):
            breaker.call(fail, error)
    assert (breaker.snapshot()["calls"], breaker.snapshot()["failures"]) == (2, 2)
    hooked = Breaker(on=lambda error: "no" not in str(error))
    with pytest.raises(ValueError):
        hooked.call(fail, ValueError)
    assert hooked.snapshot()["calls"] == 0


@pytest.mark.parametrize("cancelling", [KeyboardInterrupt, GeneratorExit, asyncio.CancelledError])
def test_cancellation_hands_the_permit_back(clock, cancelling):
    breaker = Breaker(**STEADY)
    trip(breaker)
    clock.advance(10)
    with pytest.raises(cancelling):
        breaker.call(fail, cancelling)
    assert breaker.state == "half_open"
    breaker.call(len, "")
    assert breaker.state == "closed"


def test_slow_calls_count_by_the_clock(clock):
    breaker = Breaker(window_calls=2, min_calls=2, slow_after="1s", slow_rate=0.5)
    breaker.call(clock.advance, 1)
    assert breaker.snapshot()["slow"] == 0
    breaker.call(clock.advance, 1.5)
    assert breaker.state == "open"


def test_a_permit_is_settled_once(clock):
    breaker = Breaker(**STEADY)
    permit = breaker.permit()
    permit.settle("failed")
    permit.settle("failed")
    assert breaker.snapshot()["failures"] == 1
    with pytest.raises(ValueError, match="outcome is \"good\", allowed ok, failed, ignored, dropped"):
        breaker.permit().settle("good")


def test_async_calls_and_cancelled_tasks(clock):
    breaker = Breaker(**STEADY)

    async def later(error=None):
        await asyncio.sleep(0)
        if error is not None:
            raise error

    async def main():
        await breaker.call_async(later)
        with pytest.raises(ConnectionError):
            await breaker.call_async(later, ConnectionError("no"))
        task = asyncio.ensure_future(breaker.call_async(asyncio.Event().wait))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert (breaker.snapshot()["calls"], breaker.snapshot()["failures"]) == (2, 1)


def test_a_cancelled_trio_task_is_dropped(clock):
    breaker = Breaker(**STEADY)

    async def main():
        with trio.move_on_after(0):
            await breaker.call_async(trio.sleep_forever)

    trio.run(main)
    assert breaker.snapshot()["calls"] == 0


def test_blocks_of_tasks_do_not_mix():
    breaker = Breaker(window_calls=1000, min_calls=1000)

    async def one(n):
        with breaker:
            await asyncio.sleep(0)
            if n % 2:
                raise ValueError(n)

    async def main():
        await asyncio.gather(*(one(n) for n in range(100)), return_exceptions=True)

    asyncio.run(main())
    assert (breaker.snapshot()["calls"], breaker.snapshot()["failures"]) == (100, 50)


def test_thirty_two_threads_are_counted_exactly():
    breaker = Breaker(window_time="1h", min_calls=1_000_000)
    start = threading.Barrier(32)

    def work(number):
        start.wait()
        for n in range(500):
            try:
                breaker.call(fail if n % 5 == 0 else len, ValueError if n % 5 == 0 else "")
            except ValueError:
                pass

    threads = [threading.Thread(target=work, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (breaker.snapshot()["calls"], breaker.snapshot()["failures"]) == (16_000, 3_200)


def test_thirty_two_threads_get_no_more_than_the_probes():
    # Real time stands in for testing's, which other threads do not see.
    breaker = Breaker(window_calls=1, min_calls=1, initial="1us", max_delay="1us", jitter="none", probes=5, failure_rate=1)
    with pytest.raises(ValueError):
        breaker.call(fail, ValueError)
    while breaker.state != "half_open":
        undaunted._switch.testing.get().advance(1)
    start, release, granted, refused = threading.Barrier(32), threading.Event(), [], []

    def work():
        start.wait()
        try:
            granted.append(breaker.permit())
        except BreakerOpen:
            refused.append(1)

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(granted), len(refused)) == (5, 27)


def test_ten_thousand_tasks_are_counted_exactly(clock):
    """They all start before any of them ends: the calls let through before the trip run on and count for nothing."""
    breaker = Breaker(window_calls=100, min_calls=100, initial=10, jitter="none", probes=3)
    made = []

    async def one(n):
        async def request():
            made.append(n)
            await asyncio.sleep(0)
            raise ConnectionError(n)

        await breaker.call_async(request)

    async def wave(size):
        return await asyncio.gather(*(one(n) for n in range(size)), return_exceptions=True)

    async def main():
        first = await wave(10_000)
        assert len(made) == 10_000 and all(isinstance(error, ConnectionError) for error in first)
        assert breaker.snapshot()["state"] == "open" and breaker.snapshot()["trips"] == 1
        second = await wave(10_000)
        assert len(made) == 10_000 and all(isinstance(error, BreakerOpen) for error in second)
        clock.advance(10)
        third = await wave(10_000)
        assert len(made) == 10_003
        assert sum(isinstance(error, ConnectionError) for error in third) == 3
        assert breaker.snapshot()["trips"] == 2

    asyncio.run(main())


def test_every_mistake_at_once():
    with pytest.raises(undaunted.PolicyError) as refused:
        Breaker(window_calls=0, failure_rate=2, slow_rate=0.5, attempts=3)
    assert [(code, pointer) for code, pointer, _ in refused.value.problems] == [
        ("out_of_range", "/window_calls"),
        ("out_of_range", "/failure_rate"),
        ("unknown_option", "/attempts"),
        ("meaningless_option", "/slow_rate"),
    ]
    with pytest.raises(TypeError, match="on is 5, allowed exception types"):
        Breaker(on=5)
    with pytest.raises(TypeError, match="allowed exception types"):
        Breaker(on=KeyboardInterrupt)
    with pytest.raises(ValueError, match="seed is -1"):
        Breaker(seed=-1)


def test_a_sync_call_of_an_async_function_counts_for_nothing():
    breaker = Breaker(**STEADY)

    async def later():
        raise AssertionError("never awaited")

    with pytest.raises(TypeError, match="use call_async"):
        breaker.call(later)
    assert breaker.snapshot()["calls"] == 0


def test_its_jitter_is_repeatable_and_renewed_without_a_seed(clock):
    def open_time(seed):
        breaker = Breaker(**{**STEADY, "jitter": "full"}, seed=seed)
        trip(breaker)
        return breaker.snapshot()["retry_in"]

    assert open_time(7) == open_time(7) == undaunted._core.uniform(undaunted._core.word(7, "breaker", 1), 10_000_000) / 1e6
    assert len({open_time(None) for _ in range(5)}) == 5


def test_a_broken_on_leaves_no_permit_behind(clock):
    breaker = Breaker(**STEADY, on=lambda error: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        breaker.call(fail)
    assert breaker.snapshot()["failures"] == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_stays_open_for_another_time():
    """Full jitter over 10 s: equal times have a chance of one in ten million."""
    breaker = Breaker(**{**STEADY, "jitter": "full"})
    reads, writes = os.pipe()
    child = os.fork()
    trip(breaker)
    opened = str(breaker.snapshot()["retry_in"])
    if child == 0:
        os.write(writes, opened.encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reads, 100).decode() != opened
    os.close(reads)
    os.close(writes)


def test_errors_pickle():
    error = pickle.loads(pickle.dumps(BreakerOpen(1.5, "users")))
    assert (error.retry_in, error.name) == (1.5, "users")
