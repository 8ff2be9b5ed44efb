"""Cancellation and timeouts under asyncio and trio."""

import asyncio
import gc

import pytest
import trio

import undaunted
from undaunted import Policy, retry

LONG = {"initial": "1h", "max_delay": "1h", "timeout": None, "jitter": "none"}


def test_attempt_timeout_cancels_the_attempt_and_counts_as_timeout():
    cancelled = []

    @retry(attempt_timeout="5ms", attempts=2, initial="1us", max_delay="1us")
    async def slow():
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    with pytest.raises(undaunted.TimeoutError) as caught:
        asyncio.run(slow())
    assert isinstance(caught.value, TimeoutError) and 0.005 == caught.value.limit
    history = undaunted.history(caught.value)
    assert ([1, 1], ["timeout", "timeout"]) == (cancelled, [attempt.class_ for attempt in history])
    assert "attempts" == history.reason


def test_attempt_timeout_works_under_trio():
    calls = []

    @retry(attempt_timeout="5ms", initial="1us", max_delay="1us")
    async def slow():
        calls.append(1)
        if len(calls) < 3:
            await trio.sleep(30)
        return "done"

    assert "done" == trio.run(slow)
    assert 3 == len(calls)


def test_timeout_bounds_the_attempt_that_runs_over_the_deadline():
    policy = Policy(attempt_timeout=60, timeout="10ms", attempts=5)

    async def slow():
        await asyncio.sleep(30)

    with pytest.raises(undaunted.TimeoutError):
        asyncio.run(policy.call_async(slow))


def test_a_late_success_is_a_success():
    @retry(attempt_timeout="1ms")
    async def stubborn():
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            return "late"

    assert "late" == asyncio.run(stubborn())


@pytest.mark.parametrize("form", ["decorator", "timeout", "block"])
def test_cancelling_a_task_wins_at_every_point(form):
    """The task is cancelled after each number of turns of the loop that it can live; never does it go on."""
    attempts = []
    policy = Policy(on=ValueError, attempts=None, timeout=30, initial="1us", max_delay="1us")
    if form == "timeout":
        policy = policy.replace(attempt_timeout=20)

    async def work():
        attempts.append(1)
        await asyncio.sleep(0)
        raise ValueError

    async def block():
        async for attempt in undaunted.retry_context(policy):
            with attempt:
                await work()

    async def main(turns):
        task = asyncio.ensure_future(block() if form == "block" else policy(work)())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert ("enough",) == caught.value.args
        made = len(attempts)
        await asyncio.sleep(0)
        assert made == len(attempts) and task.cancelled()

    for turns in range(12):
        asyncio.run(main(turns))


@pytest.mark.parametrize("limit", [None, 20])
def test_cancelling_a_scope_of_trio_wins_at_every_point(limit):
    attempts = []

    @retry(on=ValueError, attempts=None, initial="1us", max_delay="1us", attempt_timeout=limit)
    async def work():
        attempts.append(1)
        await trio.lowlevel.checkpoint()
        raise ValueError

    async def main(turns):
        async with trio.open_nursery() as nursery:
            with trio.CancelScope() as scope:

                async def cancel():
                    for _ in range(turns):
                        await trio.lowlevel.checkpoint()
                    scope.cancel()

                nursery.start_soon(cancel)
                await work()
            assert scope.cancelled_caught
            made = len(attempts)
        assert made == len(attempts)

    for turns in range(12):
        trio.run(main, turns)


def test_cancelling_ends_a_long_wait_at_once(flaky):
    async def by_asyncio():
        task = asyncio.ensure_future(retry(**LONG)(flaky(9).later)())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def by_trio():
        with trio.move_on_after(0.001) as scope:
            await retry(**LONG)(flaky(9).later)()
        assert scope.cancelled_caught

    asyncio.run(by_asyncio())
    trio.run(by_trio)


def test_an_outer_timeout_is_not_taken_for_ours():
    calls = []

    @retry(attempt_timeout=20, on=Exception)
    async def slow():
        calls.append(1)
        await asyncio.sleep(30)

    async def main():
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0.005):
                await slow()
        assert not isinstance(caught.value, undaunted.TimeoutError)

    asyncio.run(main())
    assert 1 == len(calls)


def test_keyboard_interrupt_in_a_wait_leaves_at_once(flaky, monkeypatch):
    import time

    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    closed = []

    class Manager:
        def __enter__(self):
            pass

        def __exit__(self, *error):
            closed.append(error[0])

    for policy in (Policy(), Policy(on_event=lambda event: Manager() if event.kind == "scheduled" else None)):
        fn = flaky(9)
        with pytest.raises(KeyboardInterrupt):
            policy(fn)()
        assert 1 == fn.calls
    assert [KeyboardInterrupt] == closed


def test_one_policy_serves_a_hundred_tasks():
    policy = Policy(on=ValueError, attempts=4, initial="1us", max_delay="1us")
    failures = {}

    @policy
    async def work(n):
        failures[n] = failures.get(n, 0) + 1
        await asyncio.sleep(0)
        if failures[n] <= n % 4:
            raise ValueError(n)
        return n

    async def main():
        return await asyncio.gather(*(work(n) for n in range(100)))

    assert list(range(100)) == asyncio.run(main())
    assert all(failures[n] == n % 4 + 1 for n in range(100))


def test_no_garbage_is_left_for_the_cycle_collector(flaky):
    def good():
        return 1

    async def later():
        return 1

    def block():
        for attempt in undaunted.retry_context():
            with attempt:
                attempt.result = 1

    recovers = retry(on=ValueError, initial="1us", max_delay="1us")
    hooked = retry(on_event=lambda event: None)(good)

    def ends():
        try:
            retry(on=ValueError, attempts=3)(flaky(9, ValueError))()
        except ValueError:
            pass

    def ends_in_block():
        fn = flaky(9, ValueError)
        try:
            for attempt in undaunted.retry_context(on=ValueError, attempts=3):
                with attempt:
                    fn()
        except ValueError:
            pass

    def drive(coroutine):
        try:
            coroutine.send(None)
        except StopIteration:
            pass

    forms = {
        "sync": retry(good),
        "async": lambda fn=retry(later): drive(fn()),
        "block": block,
        "hooked": hooked,
        "sync recovered": lambda: recovers(flaky(2, ValueError))(),
        "call recovered": lambda: Policy(on=ValueError).call(flaky(2, ValueError)),
        "given up": ends,
        "given up in a block": ends_in_block,
    }
    for name, form in forms.items():
        form()
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                form()
            assert 0 == gc.collect(), name
        finally:
            gc.enable()
