"""Breakers in policies: shared by name, asked before every attempt, told of its end. What they count is in the vectors."""

import asyncio
import gc
import pickle
import threading

import pytest
import trio
import trio.testing

import undaunted
from undaunted import Breaker, BreakerOpen, Policy, PolicyError, history, retry, retry_context

OPTIONS = {"window_calls": 4, "min_calls": 4, "initial": "10s", "jitter": "none", "probes": 1}
ONCE = {"attempts": 1, "timeout": None, "jitter": "none"}


def codes(error):
    return [(code, pointer) for code, pointer, _ in error.value.problems]


def trip(policy, times=4):
    for _ in range(times):
        with pytest.raises(ConnectionResetError):
            policy.call(lost)


def lost():
    raise ConnectionResetError("no")


def test_it_opens_refuses_the_first_attempt_probes_and_closes(waits):
    policy = Policy(breaker={"name": "life", **OPTIONS}, **ONCE)
    trip(policy)
    assert policy.breaker.state == "open"
    called = []
    with pytest.raises(BreakerOpen) as refused:
        policy.call(called.append, 1)
    assert (called, refused.value.name) == ([], "life")
    assert 9 < refused.value.retry_in <= 10
    found = history(refused.value)
    assert (len(found), found.reason) == (0, "breaker_open")
    assert found.hint == pytest.approx(refused.value.retry_in)
    assert refused.value.__notes__ == ["undaunted: gave up after 0 of 1 attempt in 0.0 s: breaker_open (this client's own breaker is open; nothing more was sent)"]
    waits.append(10)
    assert policy.breaker.state == "half_open"
    assert policy.call(lambda: "back") == "back"
    assert policy.breaker.state == "closed"


def test_a_later_attempt_that_is_refused_lets_the_last_error_go_as_it_came(flaky):
    policy = Policy(breaker={"name": "later", **OPTIONS}, attempts=9, initial="1s", jitter="none", timeout=None)
    mine = ConnectionResetError("mine")
    function = flaky(9, error=mine)
    with pytest.raises(ConnectionResetError) as error:
        policy.call(function)
    assert (error.value, function.calls) == (mine, 4)
    assert history(mine).reason == "breaker_open"
    assert 9 < history(mine).hint <= 10
    assert "this client's own breaker is open" in mine.__notes__[0]


def test_a_wait_that_ends_on_an_open_breaker_starts_no_attempt():
    breaker = Breaker(name="between", on=ValueError, **OPTIONS)
    policy = Policy(breaker=breaker, initial="1s", jitter="none", timeout=None)
    calls = []

    def fails():
        calls.append(1)
        raise ConnectionResetError("no")

    def trips(event):
        if event.kind == "scheduled":
            for _ in range(3):
                breaker.permit().settle("failed")

    with pytest.raises(ConnectionResetError) as error:
        policy.replace(on_event=trips).call(fails)
    assert (len(calls), history(error.value).reason) == (1, "breaker_open")


def test_events_tell_of_a_refused_first_attempt():
    seen = []
    policy = Policy(breaker={"name": "events", **OPTIONS}, **ONCE)
    trip(policy)
    with pytest.raises(BreakerOpen) as refused:
        policy.replace(on_event=seen.append).call(lost)
    (event,) = seen
    assert (event.kind, event.reason, event.error, event.attempt, event.class_) == ("gave_up", "breaker_open", refused.value, 1, None)


def test_every_form_is_refused_alike(flaky):
    policy = Policy(breaker={"name": "forms", **OPTIONS}, **ONCE)
    trip(policy)
    function = flaky(0)

    @retry(policy, generators="restart")
    def items():
        yield function()

    async def main():
        with pytest.raises(BreakerOpen):
            await policy.call_async(function.later)
        with pytest.raises(BreakerOpen):
            await policy(function.later)()
        with pytest.raises(BreakerOpen):
            async for attempt in retry_context(policy):
                with attempt:
                    function()

    asyncio.run(main())
    trio.run(main)
    with pytest.raises(BreakerOpen):
        policy(function)()
    with pytest.raises(BreakerOpen):
        list(items())
    with pytest.raises(BreakerOpen):
        for attempt in retry_context(policy):
            with attempt:
                function()
    assert function.calls == 0


def test_policies_and_breakers_share_by_name():
    written = {"name": "shared", **OPTIONS}
    first = Policy(breaker=written, **ONCE)
    breaker = Breaker(**written)
    trip(first, 2)
    assert breaker.snapshot()["failures"] == Policy(breaker="shared").breaker.snapshot()["failures"] == 2
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            breaker.call(lost)
    with pytest.raises(BreakerOpen):
        Policy.parse(first.dump()).call(lost)
    assert first.replace(attempts=3).breaker.state == "open"
    assert first == Policy(breaker=breaker, **ONCE)
    assert breaker.options == {**written, "failure_rate": 0.5, "factor": 2, "max_delay": "1m", "probe_timeout": "1m"}


def test_each_has_its_own_on():
    one, other = Breaker(name="on", on=KeyError), Breaker(name="on")
    for breaker in (one, other):
        with pytest.raises(ConnectionResetError):
            breaker.call(lost)
    assert one.snapshot()["calls"] == other.snapshot()["calls"] == 1


def test_a_name_that_nobody_knows_or_with_other_options_is_refused():
    with pytest.raises(PolicyError) as error:
        Policy(breaker="nobody")
    assert codes(error) == [("missing_breaker", "/breaker")]
    kept = Breaker(name="taken", probes=2)
    for make in (lambda: Breaker(name="taken", probes=3), lambda: Policy(breaker={"name": "taken"})):
        with pytest.raises(PolicyError) as error:
            make()
        assert codes(error) == [("other_breaker", "/breaker")]
    assert kept.state == "closed"


def test_a_breaker_without_a_name_is_for_no_policy():
    with pytest.raises(PolicyError) as error:
        Policy(breaker=Breaker(probes=2))
    assert codes(error) == [("missing_option", "/breaker/name")]


def test_it_lives_as_long_as_somebody_holds_it():
    policy = Policy(breaker={"name": "held", **OPTIONS}, **ONCE)
    trip(policy)
    handle = policy.breaker
    del policy
    gc.collect()
    assert Breaker(name="held", **OPTIONS).state == "open"
    del handle
    gc.collect()
    assert Breaker(name="held", probes=2).state == "closed"


def test_what_on_does_not_name_counts_all_the_same_and_a_bug_does_not():
    policy = Policy(breaker={"name": "counted", **OPTIONS}, on=KeyError, **ONCE)
    trip(policy, 1)
    with pytest.raises(ZeroDivisionError):
        policy.call(lambda: 1 / 0)
    with pytest.raises(undaunted.HttpError):
        policy.call(lambda: (_ for _ in ()).throw(undaunted.HttpError(404)))
    with pytest.raises(KeyError):
        policy.call({}.__getitem__, 1)
    assert (policy.breaker.snapshot()["calls"], policy.breaker.snapshot()["failures"]) == (3, 2)


def test_a_result_that_is_not_accepted_counts_as_a_failure():
    policy = Policy(breaker={"name": "results", **OPTIONS}, retry_if_result=lambda result: result is None, **ONCE)
    with pytest.raises(undaunted.GaveUp):
        policy.call(lambda: None)
    assert policy.call(lambda: 1) == 1
    assert (policy.breaker.snapshot()["calls"], policy.breaker.snapshot()["failures"]) == (2, 1)


def half_open(name, waits):
    policy = Policy(breaker={"name": name, **OPTIONS}, **ONCE)
    trip(policy)
    waits.append(10)
    assert policy.breaker.state == "half_open"
    return policy


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, GeneratorExit])
def test_an_interrupted_attempt_hands_its_permit_back(waits, interrupt):
    policy = half_open(f"interrupted {interrupt.__name__}", waits)

    def interrupted():
        assert policy.breaker.snapshot()["probing"] == 1
        raise interrupt

    with pytest.raises(interrupt):
        policy.call(interrupted)
    assert policy.breaker.snapshot()["probing"] == 0


def test_a_cancelled_task_hands_its_permit_back(waits):
    policy = half_open("cancelled", waits)

    async def main():
        task = asyncio.ensure_future(policy.call_async(asyncio.Event().wait))
        await asyncio.sleep(0)
        assert policy.breaker.snapshot()["probing"] == 1
        with pytest.raises(BreakerOpen):
            await policy.call_async(asyncio.sleep, 0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert policy.breaker.snapshot()["probing"] == 0


def test_a_block_that_is_left_alone_hands_its_permit_back(waits):
    policy = half_open("left", waits)
    with pytest.raises(RuntimeError, match="did not enter the attempt"):
        for _ in retry_context(policy):
            pass
    assert policy.breaker.snapshot()["probing"] == 0


def test_an_inactive_call_is_made_whatever_the_breaker_says():
    policy = Policy(breaker={"name": "inactive", **OPTIONS}, **ONCE)
    trip(policy)
    undaunted.set_active(False)
    assert policy.call(lambda: "made") == "made"


def test_the_next_delay_is_told_for_nothing():
    policy = Policy(breaker={"name": "asked", "window_calls": 1, "min_calls": 1, "initial": "1ms", "jitter": "none"}, initial="1s", jitter="none")
    for attempt in retry_context(policy):
        with attempt:
            assert attempt.next_delay == 1.0
    assert policy.breaker.snapshot() == {"state": "closed", "calls": 1, "failures": 0, "slow": 0, "trips": 0, "probing": 0, "retry_in": 0.0}


def test_an_exception_group_counts_once():
    policy = Policy(breaker={"name": "groups", **OPTIONS}, **ONCE)

    def fails():
        raise ExceptionGroup("both", [ConnectionResetError(), BrokenPipeError()])

    with pytest.raises(ExceptionGroup):
        policy.call(fails)
    assert policy.breaker.snapshot()["calls"] == 1


def test_an_open_breaker_inside_is_retried_when_it_lets_calls_through(waits):
    with undaunted.testing() as clock:
        inner = Breaker(window_calls=1, min_calls=1, initial="10s", jitter="none", probes=1)
        with pytest.raises(ConnectionResetError):
            inner.call(lost)
        function = retry(attempts=2, timeout=30, jitter="none")(lambda: inner.call(lambda: "back"))
        assert function() == "back"
        assert clock.waits == [10.0]


def test_but_not_if_that_is_after_the_deadline():
    with undaunted.testing() as clock:
        inner = Breaker(window_calls=1, min_calls=1, initial="10s", jitter="none", probes=1)
        with pytest.raises(ConnectionResetError):
            inner.call(lost)
        with pytest.raises(BreakerOpen) as error:
            retry(attempts=2, timeout=10, jitter="none")(lambda: inner.call(lambda: "back"))()
        found = history(error.value)
        assert (clock.waits, found.reason, found.hint, found[0].class_, found[0].sent) == ([], "hint_too_long", 10.0, "transient", "not_sent")


def test_classify_knows_it():
    found = undaunted.classify(BreakerOpen(3.0))
    assert (found.class_, found.sent, found.condition, found.retried, found.domain, found.code) == (
        "transient", "not_sent", "hint_only", True, "user", "BreakerOpen",
    )


def test_testing_has_breakers_of_its_own():
    policy = Policy(breaker={"name": "in tests", **OPTIONS}, **ONCE)
    for _ in range(2):
        with undaunted.testing() as clock:
            trip(policy)
            with pytest.raises(BreakerOpen) as refused:
                policy.call(lost)
            assert refused.value.retry_in == 10.0
            clock.advance(10)
            assert policy.call(lambda: 1) == 1
    assert policy.breaker.snapshot()["calls"] == 0


def test_a_policy_survives_a_pickle_with_its_breaker():
    policy = Policy(breaker={"name": "pickled", **OPTIONS}, **ONCE)
    trip(policy)
    assert pickle.loads(pickle.dumps(policy)) == policy
    assert pickle.loads(pickle.dumps(policy)).breaker.state == "open"
    assert pickle.loads(pickle.dumps(Breaker(name="pickled", **OPTIONS).options)) == policy.breaker.options
    with pytest.raises(BreakerOpen) as refused:
        policy.call(lost)
    again = pickle.loads(pickle.dumps(refused.value))
    assert (again.retry_in, again.name, history(again).reason) == (refused.value.retry_in, "pickled", "breaker_open")


def test_a_seed_makes_how_long_it_is_open_repeatable():
    options = {"window_calls": 1, "min_calls": 1, "initial": 10, "jitter": "full", "name": "seeded"}

    def opened(seed):
        breaker = Breaker(seed=seed, **options)
        with undaunted.testing():
            breaker.permit().settle("failed")
            return breaker.snapshot()["retry_in"]

    first = opened(7)
    gc.collect()
    assert opened(7) == first
    kept = Breaker(seed=1, **options)
    assert opened(7) == first
    assert kept.snapshot()["trips"] == 1


def test_thirty_two_threads_count_exactly():
    policy = Policy(breaker={"name": "threads", "window_time": "1h", "min_calls": 1_000_000}, **ONCE)

    def work():
        for turn in range(250):
            try:
                policy.call(lost if turn % 2 else len, *(() if turn % 2 else ("",)))
            except ConnectionResetError:
                pass

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (policy.breaker.snapshot()["calls"], policy.breaker.snapshot()["failures"]) == (32 * 250, 32 * 125)


@pytest.mark.parametrize("form", ["asyncio", "trio"])
def test_ten_thousand_tasks_count_exactly_and_lose_no_permit(form):
    """A third succeeds, a third fails, a third is cancelled in its attempt."""
    policy = Policy(breaker={"name": f"tasks {form}", "window_time": "1h", "min_calls": 1_000_000}, **ONCE)
    sleep = {"asyncio": asyncio.sleep, "trio": trio.sleep}[form]

    async def one(number):
        await sleep(0)
        if number % 3 == 1:
            raise ConnectionResetError
        if number % 3 == 2:
            await sleep(10_000)

    async def call(number):
        try:
            await policy.call_async(one, number)
        except ConnectionResetError:
            pass

    async def with_asyncio():
        tasks = [asyncio.ensure_future(call(number)) for number in range(10_000)]
        for _ in range(5):
            await asyncio.sleep(0)
        for task in tasks[2::3]:
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    async def with_trio():
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                for number in range(10_000):
                    nursery.start_soon(call, number)
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()

    asyncio.run(with_asyncio()) if form == "asyncio" else trio.run(with_trio)
    assert (policy.breaker.snapshot()["calls"], policy.breaker.snapshot()["failures"]) == (6667, 3333)


def test_of_ten_thousand_tasks_a_half_open_breaker_lets_its_probes_through(waits):
    policy = Policy(breaker={"name": "probed", **OPTIONS, "probes": 5}, **ONCE)
    trip(policy)
    waits.append(10)
    ran = []

    async def probe():
        ran.append(1)
        await asyncio.sleep(0)

    async def main():
        return await asyncio.gather(*(policy.call_async(probe) for _ in range(10_000)), return_exceptions=True)

    found = asyncio.run(main())
    assert (len(ran), sum(isinstance(error, BreakerOpen) for error in found)) == (5, 9_995)
    assert policy.breaker.state == "closed"


def test_fifty_threads_make_one_of_a_name():
    made = []
    start = threading.Barrier(50)

    def make():
        start.wait()
        made.append(Policy(breaker={"name": "raced"}, **ONCE))

    threads = [threading.Thread(target=make) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for policy in made[:19]:
        with pytest.raises(ConnectionResetError):
            policy.call(lost)
    assert made[49].breaker.snapshot()["calls"] == 19
