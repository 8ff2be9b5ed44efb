"""The decorator and `policy.call`, on synchronous and asynchronous functions."""

import asyncio
import functools
import inspect
import pickle
import traceback
from datetime import timedelta

import pytest
import trio

import undaunted
from undaunted import Policy, retry


def run_asyncio(fn):
    return asyncio.run(fn())


RUNNERS = [pytest.param(run_asyncio, id="asyncio"), pytest.param(trio.run, id="trio")]
QUICK = {"initial": "1us", "max_delay": "1us"}


def test_a_failure_that_the_tables_know_is_retried(flaky, waits):
    fn = flaky(2)
    assert "done" == retry(seed=7)(fn)()
    assert 3 == fn.calls
    assert Policy().schedule(seed=7, attempts=3) == waits


@pytest.mark.parametrize("run", RUNNERS)
def test_an_asynchronous_function_is_retried(run, flaky):
    fn = flaky(2)
    assert "done" == run(retry(**QUICK)(fn.later))
    assert 3 == fn.calls


@pytest.mark.parametrize("run", RUNNERS)
def test_call_async_retries_any_callable_that_gives_an_awaitable(run, flaky):
    fn = flaky(2)
    policy = Policy(**QUICK)
    assert "done" == run(lambda: policy.call_async(fn.later, 1, seed=2))
    assert "done" == run(lambda: policy.call_async(lambda: fn.later()))


def test_call_passes_every_argument_on(flaky):
    assert ((1,), {"seed": 2, "on": 3}) == Policy().call(lambda *args, **kwargs: (args, kwargs), 1, seed=2, on=3)


def test_what_the_tables_do_not_know_is_not_retried(flaky):
    fn = flaky(1, ValueError)
    with pytest.raises(ValueError):
        retry(fn)()
    assert 1 == fn.calls


@pytest.mark.parametrize(
    ("on", "calls"),
    [
        (ValueError, 3),
        ((OSError, ValueError), 3),
        (OSError, 1),
        (lambda error: True, 3),
        (lambda error: False, 1),
        (lambda error: None, 1),
        ((OSError, lambda error: isinstance(error, ValueError)), 3),
    ],
)
def test_on_says_what_is_retried(on, calls, flaky):
    fn = flaky(9, ValueError)
    with pytest.raises(ValueError):
        retry(on=on, attempts=3)(fn)()
    assert calls == fn.calls


@pytest.mark.parametrize(
    ("answer", "expected"), [(1.5, 1.5), (0, 0.0), (timedelta(seconds=2), 2.0), (-3, 0.0), (float("nan"), 0.0), (True, None)]
)
def test_a_hook_may_answer_with_a_wait(answer, expected, flaky, waits):
    assert "done" == retry(on=lambda error: answer, jitter="none")(flaky(1, ValueError))()
    assert [1.0 if expected is None else expected] == waits


@pytest.mark.parametrize("answer", [3600, 10**400, float("inf"), timedelta(hours=1)])
def test_a_wait_of_the_hooks_never_crosses_the_deadline(answer, flaky, waits):
    fn = flaky(9, ValueError)
    with pytest.raises(ValueError) as caught:
        retry(on=lambda error: answer, timeout=2)(fn)()
    assert (1, [], "timeout") == (fn.calls, waits, undaunted.history(caught.value).reason)


def test_a_hook_that_answers_nonsense_is_named(flaky):
    with pytest.raises(TypeError, match="answered with a str, allowed True"):
        retry(on=lambda error: "yes")(flaky(1))()

    async def hook(error):
        return True

    with pytest.raises(TypeError, match="answered with a coroutine"):
        retry(on=hook)(flaky(1))()


@pytest.mark.parametrize("on", [BaseException, KeyboardInterrupt, asyncio.CancelledError, StopIteration, (), "ValueError", ValueError(), int])
def test_what_can_never_be_retried_is_refused_when_decorating(on):
    with pytest.raises(TypeError, match="on "):
        retry(on=on)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, StopIteration, StopAsyncIteration])
@pytest.mark.parametrize("form", ["decorator", "call", "block", "hooked"])
def test_what_is_not_ours_passes_every_synchronous_form_untouched(error, form, flaky, waits):
    raised = error("x")
    fn = flaky(1, raised)
    policy = Policy(on=lambda error: True)
    with pytest.raises(error) as caught:
        if form == "decorator":
            policy(fn)()
        elif form == "call":
            policy.call(fn)
        elif form == "hooked":
            policy.replace(on_event=lambda event: None)(fn)()
        else:
            for attempt in undaunted.retry_context(policy):
                with attempt:
                    fn()
    assert raised is caught.value
    assert (1, []) == (fn.calls, waits)
    assert not hasattr(raised, "__notes__") and () == undaunted.history(raised)
    assert raised.__context__ is None and raised.__cause__ is None


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit, StopAsyncIteration])
@pytest.mark.parametrize("run", RUNNERS)
@pytest.mark.parametrize("is_block", [False, True])
def test_what_is_not_ours_passes_every_asynchronous_form_untouched(error, run, is_block, flaky):
    fn = flaky(1, error("x"))
    policy = Policy(on=lambda error: True)

    async def block():
        async for attempt in undaunted.retry_context(policy):
            with attempt:
                await fn.later()

    async def main():
        try:
            await (block() if is_block else policy(fn.later)())
        except BaseException as caught:
            return caught

    assert fn.error is run(main)
    assert 1 == fn.calls and () == undaunted.history(fn.error)


def test_the_last_error_leaves_as_it_came(flaky):
    inner, outer = KeyError("inner"), ValueError("outer")
    errors = [OSError("first"), outer]

    @retry(on=Exception, attempts=2)
    def fn():
        if len(errors) > 1:
            raise errors.pop(0)
        try:
            raise inner
        except KeyError:
            raise outer from inner

    with pytest.raises(ValueError) as caught:
        fn()
    assert outer is caught.value
    assert inner is outer.__cause__ and inner is outer.__context__
    frames = [frame.name for frame in traceback.extract_tb(outer.__traceback__)]
    assert ["test_the_last_error_leaves_as_it_came", "retrying", "fn"] == frames


@pytest.mark.parametrize("form", ["call", "hooked", "async", "async hooked", "block"])
def test_one_frame_at_most_is_added_in_every_form(form):
    policy = Policy(on=ValueError, attempts=2, **QUICK)
    hooked = policy.replace(on_event=lambda event: None)

    def fn():
        raise ValueError

    async def later():
        fn()

    def block():
        for attempt in undaunted.retry_context(policy):
            with attempt:
                fn()

    calls = {
        "call": lambda: policy.call(fn),
        "hooked": lambda: hooked(fn)(),
        "async": lambda: asyncio.run(policy(later)()),
        "async hooked": lambda: asyncio.run(hooked(later)()),
        "block": block,
    }
    with pytest.raises(ValueError) as caught:
        calls[form]()
    ours = [frame for frame in traceback.extract_tb(caught.tb) if "/undaunted/" in frame.filename and "/tests/" not in frame.filename]
    assert (0 if form == "block" else 1) == len(ours)


def test_an_error_in_a_handler_keeps_its_context_when_the_wait_outlasts_the_deadline(monkeypatch):
    import time

    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, 100.0))
    inner = KeyError()

    def fn():
        try:
            raise inner
        except KeyError:
            raise OSError(104, "reset")

    for form in (retry(timeout=10)(fn), lambda: Policy(timeout=10).call(fn)):
        now[0] = 0.0
        try:
            raise RuntimeError("being handled")
        except RuntimeError:
            with pytest.raises(OSError) as caught:
                form()
        assert inner is caught.value.__context__
        assert "timeout" == undaunted.history(caught.value).reason
        assert 1 == [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)].count("fn")


def test_a_sync_form_that_meets_an_awaitable_raises(flaky):
    async def later():
        return 1

    for form in (retry(lambda: later()), lambda: Policy().call(lambda: later()), Policy(on_event=print)(lambda: later())):
        with pytest.raises(TypeError, match="returned a coroutine to be awaited"):
            form()
    with pytest.raises(TypeError, match="use call_async"):
        Policy().call(later)


class Service:
    """Every kind of method."""

    calls = 0

    @retry(on=ValueError)
    def method(self, value):
        """Doc."""
        Service.calls += 1
        if Service.calls % 2:
            raise ValueError
        return (self, value)

    @classmethod
    @retry(on=ValueError)
    def inner_class(cls):
        return cls

    @retry(on=ValueError)
    @classmethod
    def outer_class(cls):
        return cls

    @retry(on=ValueError)
    @staticmethod
    def outer_static(value):
        return value

    async def __call__(self, value):
        return value


def test_methods_of_every_kind_are_bound_as_before():
    service = Service()
    assert (service, 5) == service.method(5)
    assert Service is Service.inner_class() is service.inner_class() is Service.outer_class()
    assert 5 == Service.outer_static(5) == service.outer_static(5)


def test_the_wrapper_looks_like_the_function():
    assert ("method", "Doc.", "Service.method") == (Service.method.__name__, Service.method.__doc__, Service.method.__qualname__)
    assert "(self, value)" == str(inspect.signature(Service.method))
    assert Policy(on=ValueError) == Service.method.policy
    assert Service.method is pickle.loads(pickle.dumps(Service.method))


def test_coroutine_functions_are_found_in_partials_objects_and_mocks():
    from unittest.mock import AsyncMock

    async def later(value):
        return value

    for fn in (functools.partial(later, 5), Service(), AsyncMock(return_value=5)):
        decorated = retry(fn)
        assert inspect.iscoroutinefunction(decorated)
        assert 5 == asyncio.run(decorated() if isinstance(fn, functools.partial) else decorated(5))


def test_a_builtin_and_a_mock_can_be_decorated():
    from unittest.mock import Mock

    assert 3 == retry(len)([1, 2, 3])
    mock = Mock(side_effect=[OSError(104, "reset"), 5])
    assert 5 == retry(mock)()


@pytest.mark.parametrize("target", [int, Service, 5, None.__class__])
def test_what_is_no_function_is_refused(target):
    with pytest.raises(TypeError, match="cannot be decorated|allowed"):
        retry(on=OSError)(target)


def test_generators_are_refused_unless_restarted():
    failures = [1]

    def items():
        yield 1
        if failures:
            failures.pop()
            raise ValueError
        yield 2
        return "end"

    async def later():
        for item in items():
            yield item

    for fn in (items, later, functools.partial(items)):
        with pytest.raises(TypeError, match="is a generator function"):
            retry(on=ValueError)(fn)
    with pytest.raises(ValueError, match='allowed "refuse" or "restart"'):
        retry(generators="restrat")
    decorated = retry(on=ValueError, generators="restart")(items)
    assert inspect.isgeneratorfunction(decorated)
    assert [1, 1, 2] == list(decorated())
    failures.append(1)

    async def main():
        return [item async for item in retry(on=ValueError, generators="restart", **QUICK)(later)()]

    assert [1, 1, 2] == asyncio.run(main())


def test_decorating_has_no_effect_but_its_result(flaky):
    decorator = retry(on=ValueError, attempts=2, on_event=lambda event: events.append(event.kind))
    events = []
    first = decorator(flaky(0))
    for _ in range(3):
        decorator(flaky(0))
    first()
    assert ["attempt", "success"] == events


def test_stop_and_again_mark_an_error(flaky, waits):
    fn = flaky(9, undaunted.stop(OSError(104, "reset")))
    with pytest.raises(OSError):
        retry(on=OSError)(fn)()
    assert 1 == fn.calls
    fn = flaky(1, undaunted.again(ValueError("no"), after="250ms"))
    assert "done" == retry(fn)()
    assert [0.25] == waits


def test_a_group_is_retried_only_if_every_leaf_would_be(flaky, waits):
    good, bad = ConnectionResetError("a"), ValueError("b")
    for group, calls in [
        (ExceptionGroup("g", [good, ExceptionGroup("h", [good])]), 2),
        (ExceptionGroup("g", [good, ExceptionGroup("h", [bad])]), 1),
    ]:
        fn = flaky(1, group)
        try:
            retry(fn)()
        except ExceptionGroup as error:
            assert group is error and "permanent" == undaunted.history(error).reason
        assert calls == fn.calls
    fn = flaky(1, ExceptionGroup("g", [ValueError(), KeyError()]))
    assert "done" == retry(on=ExceptionGroup)(fn)()
    fn = flaky(1, ExceptionGroup("g", [undaunted.HttpError(503, headers={"Retry-After": str(n)}) for n in (1, 9, 4)]))
    assert "done" == retry(jitter="none")(fn)()
    assert 9.0 == waits[-1]


def test_a_result_that_never_satisfies_leaves_as_gave_up(flaky, waits):
    fn = flaky(0, result=None)
    with pytest.raises(undaunted.GaveUp) as caught:
        retry(retry_if_result=lambda result: result is None, attempts=3)(fn)()
    error = caught.value
    assert (3, None, "attempts") == (fn.calls, error.result, error.reason)
    assert [1, 2, 3] == [attempt.attempt for attempt in undaunted.history(error)]
    again = pickle.loads(pickle.dumps(error))
    assert ("attempts", 3) == (again.reason, len(undaunted.history(again)))
    results = iter([1, 2])
    assert 2 == retry(retry_if_result=lambda result: 0.5 if result == 1 else False)(lambda: next(results))()
    assert 0.5 == waits[-1]


def test_sync_attempt_timeout_warns_once_and_names_the_line(flaky):
    with pytest.warns(RuntimeWarning, match="cannot be interrupted") as caught:
        for _ in range(3):
            retry(attempt_timeout=1)(flaky(0))  # this line
    assert 1 == len(caught) and __file__ == caught[0].filename
    import linecache

    assert "# this line" in linecache.getline(__file__, caught[0].lineno)


def test_a_sync_wait_in_an_event_loop_warns(flaky, monkeypatch):
    from undaunted import _run

    monkeypatch.setattr(_run, "_warned_of_loop", False)

    async def main():
        retry(flaky(2))()

    with pytest.warns(RuntimeWarning, match="runs an event loop") as caught:
        asyncio.run(main())
    assert 1 == len(caught) and __file__ == caught[0].filename
