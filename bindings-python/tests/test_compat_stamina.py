"""`undaunted.compat.stamina`: what stamina's own tests, which the step `stamina-suite` runs, do not say."""

import asyncio
import inspect
import logging
import pickle
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
import stamina as original
import stamina.typing
import structlog

import undaunted
from undaunted import HttpError, Policy
from undaunted.compat import stamina
from undaunted.compat.stamina import typing as shim_typing
from undaunted.compat.stamina.instrumentation import (
    LoggingOnRetryHook,
    PrometheusOnRetryHook,
    RetryDetails,
    RetryHookFactory,
    StructlogOnRetryHook,
    get_on_retry_hooks,
    get_prometheus_counter,
    set_on_retry_hooks,
)


@pytest.fixture(autouse=True)
def hooks():
    """None but the test's own."""
    set_on_retry_hooks([])
    yield
    set_on_retry_hooks(None)
    stamina.set_testing(False)


FORMS = {}


def form(fn):
    FORMS[fn.__name__] = fn
    return fn


@form
def decorator(call, **options):
    return stamina.retry(**options)(call)()


@form
def block(call, on, **options):
    for attempt in stamina.retry_context(on, **options):
        with attempt:
            return call()
    raise AssertionError("the block fell through")


@form
def caller(call, on, **options):
    return stamina.RetryingCaller(**options)(on, call)


@form
def bound_caller(call, on, **options):
    return stamina.RetryingCaller(**options).on(on)(call)


@form
def async_decorator(call, **options):
    async def later():
        return call()

    return asyncio.run(stamina.retry(**options)(later)())


@form
def async_block(call, on, **options):
    async def main():
        async for attempt in stamina.retry_context(on, **options):
            with attempt:
                return call()
        raise AssertionError("the block fell through")

    return asyncio.run(main())


@form
def async_caller(call, on, **options):
    async def later():
        return call()

    return asyncio.run(stamina.AsyncRetryingCaller(**options).on(on)(later))


each_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def fails(error, calls):
    def call():
        calls.append(1)
        raise error

    return call


def test_names_signatures_and_defaults_are_those_of_the_release():
    assert original.__version__ == stamina.__version__
    assert original.__all__ == stamina.__all__
    assert original.instrumentation.__all__ == stamina.instrumentation.__all__
    assert original.typing.__all__ == shim_typing.__all__

    def shape(thing):
        return [(name, one.kind, one.default) for name, one in inspect.signature(thing).parameters.items() if "__" not in name]

    for name in ("retry", "retry_context", "set_active", "set_testing", "is_active", "is_testing", "RetryingCaller", "AsyncRetryingCaller"):
        assert shape(getattr(original, name)) == shape(getattr(stamina, name)), name
    for name in ("RetryDetails", "RetryHookFactory", "get_on_retry_hooks", "set_on_retry_hooks", "get_prometheus_counter"):
        assert shape(getattr(original.instrumentation, name)) == shape(getattr(stamina.instrumentation, name)), name
    theirs, ours = original.RetryingCaller(5, wait_max=3), stamina.RetryingCaller(5, wait_max=3)
    assert repr(theirs) == repr(ours) and repr(theirs.on((ValueError,))) == repr(ours.on((ValueError,)))


@each_form
def test_the_schedule_is_that_of_the_preset(form):
    calls = []
    with undaunted.testing(seed=7) as t, pytest.raises(ValueError) as caught:
        form(fails(ValueError("no"), calls), on=ValueError)
    expected = Policy.preset("stamina").schedule(seed=7)
    assert expected[: len(calls) - 1] == t.waits and 10 == len(calls)
    assert "attempts" == undaunted.history(caught.value).reason
    assert Policy.preset("stamina").dump() == stamina.retry(on=ValueError)(len).policy.dump()


@each_form
def test_waits_at_the_cap_keep_their_jitter(form):
    calls = []
    with undaunted.testing() as t, pytest.raises(ValueError):
        form(fails(ValueError(), calls), on=ValueError, attempts=40, timeout=None)
    late = t.waits[6:]
    assert len(late) == len(set(late)) == 33 and all(4 <= wait <= 5 for wait in late)


@each_form
@pytest.mark.parametrize("on", [Exception, BaseException, lambda error: True], ids=["types", "all", "hook"])
def test_stop_iteration_passes_every_form(form, on):
    # Python itself makes a RuntimeError of a StopIteration that leaves a coroutine.
    for kind in (StopAsyncIteration,) if "async" in form.__name__ else (StopAsyncIteration, StopIteration):
        calls, error = [], kind("mine")
        with undaunted.testing() as t, pytest.raises(kind) as caught:
            form(fails(error, calls), on=on)
        assert caught.value is error and ([1], []) == (calls, t.waits)


@each_form
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit])
def test_exits_and_cancellation_are_never_retried(form, error):
    calls = []
    with undaunted.testing(), pytest.raises(error):
        form(fails(error(), calls), on=BaseException)
    assert 1 == len(calls)


@each_form
def test_a_hooks_own_wait_stays_within_the_timeout(form):
    for wait in (3600.0, timedelta(hours=1)):
        calls = []
        with undaunted.testing() as t, pytest.raises(ValueError) as caught:
            form(fails(ValueError(), calls), on=lambda error, wait=wait: wait, timeout=2)
        assert (1, [], "timeout") == (len(calls), t.waits, undaunted.history(caught.value).reason)
    for wait in (-5, float("nan"), timedelta(seconds=-1)):
        with undaunted.testing() as t, pytest.raises(ValueError):
            form(fails(ValueError(), []), on=lambda error, wait=wait: wait, attempts=3)
        assert [0.0, 0.0] == t.waits


@each_form
def test_context_managers_of_hooks_are_closed_once_for_each_retry(form):
    log = []

    @contextmanager
    def hook(details):
        log.append(f"+{details.retry_num}")
        yield
        log.append(f"-{details.retry_num}")

    set_on_retry_hooks([hook])
    for _ in range(2):
        with undaunted.testing(), pytest.raises(ValueError):
            form(fails(ValueError(), []), on=ValueError, attempts=4)
    assert ["+1", "-1", "+2", "-2", "+3", "-3"] * 2 == log


def test_context_managers_are_closed_if_the_wait_is_interrupted(monkeypatch):
    log = []

    class Manager:
        def __enter__(self):
            log.append("+")

        def __exit__(self, *error):
            log.append(error)

    def interrupted(delay):
        raise KeyboardInterrupt

    set_on_retry_hooks([lambda details: Manager()])
    monkeypatch.setattr("time.sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        decorator(fails(ValueError(), []), on=ValueError)
    assert ["+", (None, None, None)] == log


def test_concurrent_calls_have_hooks_and_attempts_of_their_own():
    log, context = [], stamina.retry_context(on=ValueError, wait_max=0, attempts=3)

    @contextmanager
    def hook(details):
        log.append(+details.retry_num)
        yield
        log.append(-details.retry_num)

    set_on_retry_hooks([hook])

    async def one(numbers):
        async for attempt in context:
            with attempt:
                numbers.append(attempt.num)
                await asyncio.sleep(0)
                if attempt.num < 3:
                    raise ValueError

    async def main():
        seen = [[] for _ in range(5)]
        await asyncio.gather(*map(one, seen))
        return seen

    assert [[1, 2, 3]] * 5 == asyncio.run(main())
    assert [-2] * 5 + [-1] * 5 + [1] * 5 + [2] * 5 == sorted(log)


def test_details_tell_the_call_and_the_waits():
    seen = []
    set_on_retry_hooks([RetryHookFactory(lambda: seen.append)])
    error = ValueError("no")

    def fetch(url, *, key):
        raise error

    with undaunted.testing() as t, pytest.raises(ValueError):
        stamina.retry(on=ValueError, attempts=3)(fetch)("u", key="k")
    name = f"{__name__}.test_details_tell_the_call_and_the_waits.<locals>.fetch"
    first, second = t.waits
    assert [
        RetryDetails(name, ("u",), {"key": "k"}, 1, first, 0.0, error),
        RetryDetails(name, ("u",), {"key": "k"}, 2, second, first, error),
    ] == seen


def test_logging_records_are_those_of_stamina(caplog):
    answers = iter([ValueError("no"), None])

    def fetch(*args, **kwargs):
        if error := next(answers):
            raise error

    fields = []
    for library in (original, stamina):
        library.instrumentation.set_on_retry_hooks([library.instrumentation.LoggingOnRetryHook])
        answers = iter([ValueError("no"), None])
        library.retry(on=ValueError, wait_initial=0.12345, wait_jitter=0)(fetch)(1, key="k")
        record = caplog.records[-1]
        fields.append({name: value for name, value in vars(record).items() if name.startswith("stamina.")})
        assert ("stamina", logging.WARNING, "stamina.retry_scheduled") == caplog.record_tuples[-1]
    original.instrumentation.set_on_retry_hooks(None)
    assert 2 == len(caplog.records) and 7 == len(fields[0]) and fields[0] == fields[1]
    assert (0.12, ("1",), "ValueError('no')") == tuple(fields[1][f"stamina.{name}"] for name in ("wait_for", "args", "caused_by"))
    assert LoggingOnRetryHook == stamina.instrumentation.LoggingOnRetryHook


def test_structlog_and_prometheus_hear_by_stamina_s_names():
    set_on_retry_hooks([StructlogOnRetryHook, PrometheusOnRetryHook])
    with structlog.testing.capture_logs() as entries, undaunted.testing(), pytest.raises(KeyError):
        stamina.RetryingCaller(attempts=3, wait_max=0).on(KeyError)(fails(KeyError("x"), []))
    assert [("stamina.retry_scheduled", "warning", 1), ("stamina.retry_scheduled", "warning", 2)] == [
        (entry["event"], entry["log_level"], entry["retry_num"]) for entry in entries
    ]
    counter = get_prometheus_counter()
    samples = {tuple(sample.labels.values()): sample.value for sample in counter.collect()[0].samples if sample.name == "stamina_retries_total"}
    assert {("<context block>", "1", "KeyError"): 1.0, ("<context block>", "2", "KeyError"): 1.0} == samples


def test_a_hook_or_factory_that_raises_changes_no_call(flaky):
    def broken(*details):
        raise ValueError("broken")

    for hook in (broken, RetryHookFactory(broken)):
        set_on_retry_hooks([hook])
        with undaunted.testing(), pytest.warns(RuntimeWarning, match="broken"):
            assert "done" == stamina.retry(on=ConnectionResetError)(flaky(1))()
    with pytest.raises(ValueError, match="broken"):
        get_on_retry_hooks()


def test_what_on_names_is_retried_whatever_the_tables_say():
    for error in (HttpError(404, method="POST"), HttpError(503, method="POST"), TypeError("a mistake")):
        calls = []
        with undaunted.testing(), pytest.raises(type(error)):
            decorator(fails(error, calls), on=(HttpError, TypeError), attempts=3)
        assert 3 == len(calls)
    calls = []
    with undaunted.testing(), pytest.raises(ConnectionResetError):
        decorator(fails(ConnectionResetError(), calls), on=())
    assert 1 == len(calls)


def test_a_group_is_retried_as_a_group_or_if_every_leaf_would_be():
    group = ExceptionGroup("g", [ValueError(), KeyError()])
    for on, expected in ((ValueError, 1), ((ValueError, KeyError), 2), (ExceptionGroup, 2), (Exception, 2)):
        calls = []
        with undaunted.testing(), pytest.raises(ExceptionGroup):
            decorator(fails(group, calls), on=on, attempts=2)
        assert expected == len(calls), on


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"attempts": 0}, 1),
        ({"attempts": -3}, 1),
        ({"timeout": -1}, 1),
        ({"timeout": timedelta(seconds=-1), "attempts": None}, 1),
        ({"attempts": 4, "timeout": float("inf")}, 4),
        ({"attempts": 4, "timeout": None, "wait_max": float("inf"), "wait_initial": -1}, 4),
        ({"attempts": 4, "wait_max": timedelta(milliseconds=1)}, 4),
        ({"attempts": 4, "wait_exp_base": 1}, 4),
        ({"attempts": 4, "wait_initial": 0, "wait_jitter": 0}, 4),
        ({"attempts": 1100, "timeout": None, "wait_exp_base": 2.0, "wait_max": 0.001}, 1100),
    ],
)
def test_odd_arguments_mean_what_they_mean_to_stamina(options, expected):
    calls = []
    with undaunted.testing(), pytest.raises(ValueError):
        decorator(fails(ValueError(), calls), on=ValueError, **options)
    assert expected == len(calls)


def test_what_cannot_be_is_refused_at_once():
    with pytest.raises(TypeError, match="on is 5, allowed exception types"):
        stamina.retry(on=5)
    with pytest.raises(undaunted.PolicyError, match="wait_exp_base is -1"):
        stamina.retry(on=ValueError, wait_exp_base=-1)
    with pytest.raises(TypeError):
        stamina.retry(ValueError)


def test_next_wait_is_the_backoff_without_jitter():
    seen = []
    with undaunted.testing(), pytest.raises(ValueError):
        for attempt in stamina.retry_context(on=ValueError, attempts=8):
            with attempt:
                seen.append(attempt.next_wait)
                raise ValueError
    assert [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0] == seen
    stamina.set_active(False)
    assert not undaunted.is_active()
    for attempt in stamina.retry_context(on=ValueError):
        with attempt:
            assert 0 == attempt.next_wait and "<Attempt num=1, next_wait=0.0>" == repr(attempt)


@each_form
def test_test_mode_waits_nothing_and_may_raise_the_attempts(form, waits):
    for options, attempts in (({"attempts": 5}, 5), ({"attempts": 5, "cap": True}, 2), ({}, 1)):
        calls = []
        with stamina.set_testing(True, **options), pytest.raises(ValueError):
            form(fails(ValueError(), calls), on=lambda error: 10.0, attempts=2, timeout=1)
        assert attempts == len(calls) and not any(waits)
    assert not stamina.is_testing()


def test_no_time_is_up_in_test_mode_and_limits_need_not_be_there(waits):
    for timeout, attempts in ((1, 2), (None, None)):
        calls = []

        def slow(calls=calls):
            calls.append(1)
            time.sleep(5)
            raise ValueError

        with stamina.set_testing(True, attempts=3), pytest.raises(ValueError):
            decorator(slow, on=ValueError, timeout=timeout, attempts=attempts)
        assert 3 == len(calls)


def test_undaunted_hears_of_these_calls_too():
    kinds, closed = [], []

    class Manager:
        def __enter__(self):
            pass

        def __exit__(self, kind, error, tb):
            closed.append(error)

    def hook(event):
        kinds.append((event.kind, event.name))
        return Manager() if event.kind == "scheduled" else None

    error = ValueError()
    with undaunted.testing(), undaunted.on_event(hook), pytest.raises(ValueError):
        block(fails(error, []), on=ValueError, attempts=2)
    assert [("attempt", "<context block>"), ("scheduled", "<context block>")] == kinds[:2] and [error] == closed


def test_an_awaitable_is_refused_by_synchronous_forms():
    async def later():
        return 5

    for call in (stamina.retry(on=ValueError)(lambda: later()), lambda: stamina.RetryingCaller()(ValueError, lambda: later())):
        with pytest.raises(TypeError, match="<lambda> is retried as a synchronous function, but returned a coroutine"):
            call()


def test_callers_pickle_and_say_what_they_are():
    for caller in (stamina.RetryingCaller(3, wait_max=timedelta(seconds=1)), stamina.AsyncRetryingCaller(timeout=5)):
        for thing in (caller, caller.on(ValueError)):
            assert repr(thing) == repr(pickle.loads(pickle.dumps(thing)))


def test_methods_of_every_kind_are_decorated():
    class Service:
        @stamina.retry(on=ValueError)
        @classmethod
        def of_class(cls, *args):
            return cls, args

        @stamina.retry(on=ValueError)
        @staticmethod
        def static(*args):
            return args

        @stamina.retry(on=ValueError)
        def own(self, *args):
            """Its own."""
            return self, args

    service = Service()
    assert ((Service, (1,)), (1,), (service, (1,))) == (Service.of_class(1), service.static(1), service.own(1))
    assert ("own", "Its own.", 10) == (Service.own.__name__, Service.own.__doc__, Service.own.policy.attempts)
