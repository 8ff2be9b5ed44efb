"""The block form, `testing()`, events, and the switch."""

import asyncio
import threading

import pytest
import trio

import undaunted
from undaunted import Policy, retry, retry_context


def test_a_block_is_retried_and_knows_its_attempt():
    seen = []
    with undaunted.testing(seed=3) as t:
        for attempt in retry_context(on=ValueError, timeout=20):
            with attempt:
                seen.append((attempt.number, attempt.remaining, attempt.next_delay, attempt.last_error))
                t.advance(1)
                if attempt.number < 3:
                    raise ValueError(attempt.number)
    waits = Policy().schedule(seed=3)
    assert waits[:2] == t.waits
    assert [1, 2, 3] == [number for number, *_ in seen]
    assert [20.0, 19.0 - waits[0]] == pytest.approx([remaining for _, remaining, *_ in seen][:2], abs=1e-9)
    assert waits[:3] == [delay for *_, delay, _ in seen]
    assert [None, "1", "2"] == [error and str(error) for *_, error in seen]


@pytest.mark.parametrize("run", [lambda fn: asyncio.run(fn()), trio.run])
@pytest.mark.parametrize("is_async_with", [False, True])
def test_a_block_is_retried_asynchronously(run, is_async_with):
    numbers = []

    async def main():
        async for attempt in retry_context(on=ValueError, initial="1us", max_delay="1us"):
            if is_async_with:
                async with attempt:
                    numbers.append(attempt.number)
                    if attempt.number < 3:
                        raise ValueError
            else:
                with attempt:
                    numbers.append(attempt.number)
                    if attempt.number < 3:
                        raise ValueError

    run(main)
    assert [1, 2, 3] == numbers


@pytest.mark.parametrize("run", [lambda fn: asyncio.run(fn()), trio.run])
def test_attempt_timeout_cancels_a_block(run):
    numbers = []

    async def main():
        async for attempt in retry_context(attempt_timeout="5ms", initial="1us", max_delay="1us"):
            with attempt:
                numbers.append(attempt.number)
                if attempt.number < 3:
                    await (trio.sleep(30) if run is trio.run else asyncio.sleep(30))

    run(main)
    assert [1, 2, 3] == numbers


def test_each_loop_over_one_context_is_a_call_of_its_own():
    context = retry_context(on=ValueError, attempts=2, initial="1us", max_delay="1us")
    for _ in range(3):
        numbers = []
        for attempt in context:
            with attempt:
                numbers.append(attempt.number)
                if attempt.number < 2:
                    raise ValueError
        assert [1, 2] == numbers


def test_return_break_and_continue_end_a_block():
    def returns():
        for attempt in retry_context():
            with attempt:
                return attempt.number

    assert 1 == returns()
    numbers = []
    for attempt in retry_context():
        with attempt:
            numbers.append(attempt.number)
            continue
    for attempt in retry_context():
        with attempt:
            break
    assert [1] == numbers


def test_misuse_of_a_block_is_told():
    with pytest.raises(RuntimeError, match="with attempt"):
        for _ in retry_context():
            pass
    for attempt in retry_context():
        with attempt:
            pass
        with pytest.raises(RuntimeError, match="used already"):
            with attempt:
                pass
    with pytest.raises(TypeError, match="set no attempt.result"):
        for attempt in retry_context(retry_if_result=lambda result: False):
            with attempt:
                pass


def test_a_block_has_a_result():
    with undaunted.testing() as t:
        for attempt in retry_context(retry_if_result=lambda result: result < 3):
            with attempt:
                attempt.result = attempt.number
    assert (3, 2) == (attempt.result, len(t.waits))


def test_cancel_ends_a_synchronous_wait(flaky):
    cancel = threading.Event()
    fn = flaky(9)

    def fail():
        threading.Timer(0.005, cancel.set).start()
        fn()

    with pytest.raises(ConnectionResetError) as caught:
        retry(initial="1h", max_delay="1h", timeout=None, cancel=cancel)(fail)()
    assert (1, "cancelled") == (fn.calls, undaunted.history(caught.value).reason)
    with pytest.raises(ConnectionResetError) as caught:
        Policy(cancel=cancel).call(fn)
    assert (2, "cancelled") == (fn.calls, undaunted.history(caught.value).reason)


def test_testing_never_sleeps_and_never_raises_the_attempts(flaky, waits):
    with undaunted.testing(attempts=3) as t:
        for attempts, calls in [(10, 3), (2, 2), (None, 3)]:
            fn = flaky(99)
            with pytest.raises(OSError):
                retry(attempts=attempts)(fn)()
            assert calls == fn.calls
        fn = flaky(99)
        with pytest.raises(OSError):
            asyncio.run(retry(fn.later)())
        assert 3 == fn.calls
    assert [] == waits and 7 == len(t.waits)
    assert pytest.approx(sum(t.waits)) == t.now
    for wrong in (0, -1, True, 1.5):
        with pytest.raises(ValueError, match="attempts is"):
            undaunted.testing(attempts=wrong)


def test_testing_is_local_to_its_context(flaky, waits):
    policy = Policy(initial="1us", max_delay="1us")
    with undaunted.testing() as t:
        thread = threading.Thread(target=lambda: policy.call(flaky(2)))
        thread.start()
        thread.join()
        with undaunted.testing() as inner:
            policy.call(flaky(1))
        policy.call(flaky(3))
    assert (2, 1, 3) == (len(waits), len(inner.waits), len(t.waits))


def test_a_seed_numbers_the_calls_that_fail(flaky, waits):
    policy = Policy()
    with undaunted.testing(seed=7) as t:
        policy.call(flaky(2))
        policy.call(flaky(0))
        policy.call(flaky(2))
    assert policy.schedule(seed=7, call=1)[:2] + policy.schedule(seed=7, call=2)[:2] == t.waits
    decorated = retry(seed=9)(lambda: fn())
    fn = flaky(1)
    decorated()
    fn = flaky(1)
    decorated()
    assert [policy.schedule(seed=9, call=call)[0] for call in (1, 2)] == waits


def test_without_a_seed_every_call_waits_differently(flaky, waits):
    for _ in range(20):
        retry(flaky(1))()
    assert 20 == len(set(waits))


def test_a_script_takes_the_place_of_the_code(flaky):
    fn = flaky(0)
    with undaunted.testing(script=[503, "ECONNRESET", ConnectionRefusedError, None]) as t:
        assert "done" == retry(fn)()
        assert (1, 3) == (fn.calls, len(t.waits))
        assert [503, 104] == [getattr(event.error, name) for event, name in zip(t.events[1:4:2], ("status", "errno"), strict=True)]
    with undaunted.testing(script=[404]), pytest.raises(undaunted.HttpError):
        retry(fn)()


def test_a_clock_that_goes_back_is_no_progress(flaky, monkeypatch):
    import time

    readings = iter([100.0, 90.0, 80.0, 95.0, 60.0, 50.0, 40.0, 30.0, 20.0, 10.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(readings))
    assert "done" == retry(flaky(3))()


def test_events_tell_the_story_of_a_call(flaky):
    events = []
    with undaunted.on_event(events.append) as subscription:
        retry(name="job", on_event=events.append, seed=1)(flaky(1))()
        with pytest.raises(ValueError):
            Policy(name="bad").call(flaky(1, ValueError))
    subscription.close()
    retry(flaky(1))()
    job = [event for event in events if event.name == "job"]
    assert ["attempt", "scheduled", "attempt", "success"] == [event.kind for event in job[::2]] and 8 == len(job)
    scheduled = job[2]
    assert (1, ConnectionResetError, None) == (scheduled.attempt, type(scheduled.error), scheduled.reason)
    assert [scheduled.delay] == Policy().schedule(call_seed=scheduled.call_seed)[:1]
    assert "job" == scheduled.policy.name and 2 == job[-1].attempt
    end = events[-1]
    assert ("gave_up", "permanent", "bad", ValueError) == (end.kind, end.reason, end.name, type(end.error))


class Manager:
    def __init__(self, log, kind):
        self.log, self.kind = log, kind

    def __enter__(self):
        self.log.append(f"+{self.kind}")

    def __exit__(self, kind, error, tb):
        self.log.append(f"-{self.kind}{'' if kind is None else ' ' + kind.__name__}")


def test_context_managers_of_hooks_are_closed_exactly_once(flaky):
    log = []
    policy = Policy(on_event=lambda event: Manager(log, event.kind), initial="1us", max_delay="1us")
    expected = [
        "+attempt",
        "-attempt ConnectionResetError",
        "+scheduled",
        "-scheduled ConnectionResetError",
        "+attempt",
        "-attempt",
        "+success",
        "-success",
    ]
    policy(flaky(1))()
    assert expected == log
    log.clear()
    asyncio.run(policy(flaky(1).later)())
    assert expected == log
    log.clear()
    with pytest.raises(KeyboardInterrupt):
        policy(flaky(1, KeyboardInterrupt))()
    assert ["+attempt", "-attempt KeyboardInterrupt"] == log


def test_a_hook_that_raises_changes_no_call(flaky):
    def hook(event):
        raise ValueError("broken hook")

    with pytest.warns(RuntimeWarning, match="broken hook"):
        assert "done" == retry(on_event=hook)(flaky(1))()
    with pytest.raises(TypeError, match="allowed a callable"):
        undaunted.on_event(5)


def test_switched_off_every_call_is_made_once(flaky, waits):
    assert undaunted.is_active()
    decorated = retry(on=ConnectionResetError)
    undaunted.set_active(False)
    assert not undaunted.is_active()
    fn = flaky(1)
    for form in (decorated(fn), lambda: asyncio.run(decorated(flaky(1).later)()), lambda: Policy().call(flaky(1))):
        with pytest.raises(ConnectionResetError) as caught:
            form()
        assert "inactive" == undaunted.history(caught.value).reason
    assert (1, []) == (fn.calls, waits)
    undaunted.set_active(True)
    assert "done" == decorated(flaky(1))()


def test_thirty_two_threads_share_one_policy():
    policy = Policy(on=ValueError, attempts=5, initial="1us", max_delay="1us")
    results, local = [], threading.local()

    @policy
    def work():
        local.calls = getattr(local, "calls", 0) + 1
        if local.calls % 4:
            raise ValueError
        return local.calls

    def run():
        results.extend(work() for _ in range(50))

    threads = [threading.Thread(target=run) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(list(range(4, 201, 4)) * 32) == sorted(results)
