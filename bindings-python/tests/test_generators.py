"""Generators that start anew: what is forwarded, what is retried, what passes."""

import asyncio
import gc
import inspect
import threading

import pytest
import trio

import undaunted
from undaunted import Policy, PolicySource, _switch, retry

QUICK = {"initial": "1us", "max_delay": "1us"}


def restarting(**options):
    return retry(generators="restart", **{"on": ValueError, **options})


class Numbers:
    """Yields 1, 2, 3 and fails so many times after `after` items, in either form."""

    def __init__(self, failures=1, after=1, error=ValueError):
        self.failures, self.after, self.error, self.calls = failures, after, error, 0

    def items(self):
        self.calls += 1
        for number in (1, 2, 3):
            yield number
            if number == self.after and self.calls <= self.failures:
                raise self.error("no")
        return "end"

    async def later(self):
        for number in self.items():
            yield number


def collect(agen):
    async def main():
        return [item async for item in agen]

    return asyncio.run(main())


def test_items_are_yielded_again_and_the_result_is_kept(waits):
    numbers = Numbers(failures=2, after=2)
    decorated = restarting(seed=7)(numbers.items)
    seen = []

    def consumer():
        seen.append((yield from decorated()))

    assert [1, 2, 1, 2, 1, 2, 3] == list(consumer())
    assert ["end"] == seen and 3 == numbers.calls
    assert Policy().schedule(seed=7)[:2] == waits


@pytest.mark.parametrize("run", [lambda main: asyncio.run(main()), trio.run], ids=["asyncio", "trio"])
def test_asynchronous_generators_start_anew_under_both_libraries(run):
    numbers = Numbers(failures=2, after=2)

    async def main():
        with undaunted.testing(seed=7) as t:
            items = [item async for item in restarting()(numbers.later)()]
        return items, t.waits

    assert ([1, 2, 1, 2, 1, 2, 3], Policy().schedule(seed=7)[:2]) == run(main)


def test_the_last_error_leaves_with_history_note_and_events(waits):
    events = []
    numbers = Numbers(failures=9, error=ConnectionResetError)
    decorated = retry(attempts=3, generators="restart", on_event=events.append)(numbers.items)
    with pytest.raises(ConnectionResetError) as caught:
        list(decorated())
    assert "attempts" == undaunted.history(caught.value).reason and 3 == len(undaunted.history(caught.value))
    assert ["undaunted: gave up after 3 of 3 attempts"] == [note.partition(" in ")[0] for note in caught.value.__notes__]
    assert ["attempt", "scheduled"] * 2 + ["attempt", "gave_up"] == [event.kind for event in events]
    events.clear()
    assert [1, 2, 3] == list(retry(generators="restart", on_event=events.append)(Numbers(0).items)())
    assert ["attempt", "success"] == [event.kind for event in events]


def test_what_is_sent_and_thrown_reaches_the_generator_that_runs():
    log = []

    @restarting(on=KeyError, **QUICK)
    def echo():
        answer = None
        while True:
            try:
                answer = yield answer
                log.append(answer)
            except IndexError as error:
                answer = error

    items = echo()
    assert next(items) is None and "a" == items.send("a") and ["a"] == log
    thrown = IndexError("handled")
    assert items.throw(thrown) is thrown
    assert items.throw(KeyError("not handled")) is None  # starts anew, at its first yield
    assert "b" == items.send("b")
    items.close()
    with pytest.raises(StopIteration):
        next(items)


def test_what_is_sent_and_thrown_reaches_the_asynchronous_generator():
    @restarting(on=KeyError, **QUICK)
    async def echo():
        answer = None
        while True:
            try:
                answer = yield answer
            except IndexError as error:
                answer = error
            except LookupError:
                return

    async def main():
        items = echo()
        assert await anext(items) is None and "a" == await items.asend("a")
        thrown = IndexError("handled")
        assert await items.athrow(thrown) is thrown
        with pytest.raises(StopAsyncIteration):
            await items.athrow(LookupError())
        items = echo()
        await anext(items)
        with pytest.raises(asyncio.CancelledError):
            await items.athrow(asyncio.CancelledError())

    asyncio.run(main())


def test_closing_ends_the_generator_and_retries_nothing(waits):
    closed = []

    @restarting(on=OSError)
    def items():
        try:
            yield 1
        finally:
            closed.append("sync")
            raise OSError("while it is closed")

    @restarting(on=OSError)
    async def later():
        try:
            yield 1
        finally:
            closed.append("async")
            raise OSError("while it is closed")

    running = items()
    next(running)
    with pytest.raises(OSError, match="while it is closed"):
        running.close()

    async def main():
        running = later()
        await anext(running)
        with pytest.raises(OSError, match="while it is closed"):
            await running.aclose()

    asyncio.run(main())
    assert ["sync", "async"] == closed and [] == waits


def test_a_consumer_that_stops_early_closes_the_generator_and_pays_for_the_retry_made():
    budget = undaunted.Budget("generators", capacity=10, cost=4)
    ends = []

    class Numbered(Numbers):
        def items(self):
            try:
                yield from super().items()
            except GeneratorExit:
                ends.append("closed")
                raise

    for item in restarting(budget=budget, **QUICK)(Numbered(failures=1).items)():
        if item == 2:
            break
    assert ["closed"] == ends and 6 == budget.tokens


def test_methods_sources_and_partials_are_restarted_too():
    class Service:
        def __init__(self):
            self.numbers = Numbers()

        @restarting(**QUICK)
        def items(self):
            yield from self.numbers.items()

        @classmethod
        @restarting(**QUICK)
        async def later(cls):
            yield cls

        @restarting(**QUICK)
        @staticmethod
        def static():
            yield 5

    assert [1, 1, 2, 3] == list(Service().items()) and [Service] == collect(Service.later()) and [5] == list(Service.static())
    assert inspect.isgeneratorfunction(Service.items) and inspect.isasyncgenfunction(Service.later)
    source = PolicySource(lambda: Policy(on=ValueError, **QUICK))
    assert [1, 1, 2, 3] == list(retry(source, generators="restart")(Numbers().items)())
    assert [1, 1, 2, 3] == collect(retry(source, generators="restart")(Numbers().later)())


def test_policies_refuse_generators_and_say_what_to_write():
    with pytest.raises(TypeError, match=r'write @undaunted.retry\(..., generators="restart"\)'):
        Policy()(Numbers().items)
    with pytest.raises(TypeError, match="which attempt_timeout cannot interrupt; remove attempt_timeout"):
        restarting(attempt_timeout=1)(Numbers().later)


def test_a_wait_that_is_cancelled_ends_the_call():
    cancel = threading.Event()
    cancel.set()
    numbers = Numbers(failures=9)
    with pytest.raises(ValueError) as caught:
        list(restarting(cancel=cancel)(numbers.items)())
    assert "cancelled" == undaunted.history(caught.value).reason and 1 == numbers.calls

    async def main():
        started = asyncio.Event()

        async def consume():
            async for _ in restarting(initial="1h", max_delay="1h", timeout=None, jitter="none", on_event=lambda e: started.set())(numbers.later)():
                pass

        task = asyncio.create_task(consume())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    numbers.failures = 99
    asyncio.run(main())


def test_switched_off_and_scripted_like_other_forms():
    undaunted.set_active(False)
    with pytest.raises(ValueError):
        list(restarting()(Numbers().items)())
    undaunted.set_active(True)
    with undaunted.testing(script=[503, None]) as t:
        assert [1, 2, 3] == list(retry(generators="restart")(Numbers(0).items)())
    assert 1 == len(t.waits)


def test_a_shared_deadline_is_not_handed_to_the_consumer():
    seen = []

    @restarting(nested="share", timeout=10, **QUICK)
    def items():
        seen.append(_switch.deadline.get())
        yield 1
        seen.append(_switch.deadline.get())

    @restarting(nested="share", timeout=10, **QUICK)
    async def later():
        for item in items():
            yield item

    for _ in items():
        assert _switch.deadline.get() is None

    async def main():
        async for _ in later():
            assert _switch.deadline.get() is None

    asyncio.run(main())
    assert 4 == len(seen) and None not in seen and _switch.deadline.get() is None


def driven(coroutine):
    """Runs a coroutine that waits for nothing, without a loop and its garbage."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        return


def test_generators_leave_no_garbage():
    # Without `testing()`, whose events would hold what is garbage.
    options = {"attempts": 2, "backoff": [0], "jitter": "none"}

    def once():
        with pytest.raises(ValueError):
            list(restarting(**options)(Numbers(failures=9).items)())

    async def later():
        with pytest.raises(ValueError):
            async for _ in restarting(**options)(Numbers(failures=9).later)():
                pass
        items = restarting(on=KeyError, attempts=1)(Numbers(0).later)()
        await anext(items)
        with pytest.raises(KeyError):
            await items.athrow(KeyError())

    for run in (once, lambda: driven(later())):
        run()
        gc.collect()
        gc.disable()
        try:
            run()
            left = gc.collect()
        finally:
            gc.enable()
        assert 0 == left
