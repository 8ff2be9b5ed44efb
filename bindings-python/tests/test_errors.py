"""Notes, histories, marks and pickles."""

import copy
import dataclasses
import pickle
import threading

import pytest

import undaunted
from undaunted import Policy, retry


class Picky(Exception):
    """Pickles, and cannot be unpickled: a common mistake."""

    def __init__(self, first, second):
        super().__init__(first)


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    code: int

    __hash__ = Exception.__hash__


class Slotted(Exception):
    __slots__ = ()


class Hidden(Exception):
    """Lets nobody see or change anything."""

    def __getattribute__(self, name):
        if name == "__dict__":
            raise AttributeError(name)
        return super().__getattribute__(name)

    def add_note(self, note):
        raise RuntimeError


def give_up(error, **options):
    def fn():
        raise error

    with pytest.raises(type(error)) as caught:
        retry(**{"on": Exception, "attempts": 3, **options})(fn)()
    return caught.value


def test_the_note_says_why_how_often_and_how_long(monkeypatch):
    import time

    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + 2.1))
    error = give_up(ValueError("x"))
    assert ["undaunted: gave up after 3 of 3 attempts in 4.2 s: attempts"] == error.__notes__
    history = undaunted.history(error)
    assert ("attempts", 4.2) == (history.reason, history.elapsed)
    assert [1, 2, 3] == [attempt.attempt for attempt in history]
    assert [0.0, 2.1, 4.2] == [attempt.elapsed for attempt in history]
    assert None is history[-1].delay and error is history[-1].error
    assert Policy().schedule(call_seed=history.call_seed)[:2] == [attempt.delay for attempt in history[:2]]


def test_a_note_is_replaced_and_never_piled_up():
    error = ValueError("x")
    error.add_note("mine")
    for _ in range(3):
        give_up(error)
    assert ["mine", "undaunted: gave up after 3 of 3 attempts in 0.0 s: attempts"][0] == error.__notes__[0]
    assert 2 == len(error.__notes__)


def test_a_hint_that_is_too_long_is_kept_on_the_error():
    error = give_up(undaunted.HttpError(503, headers={"Retry-After": "3600"}), on=None)
    assert "hint_too_long (the server asked for 3600 s)" in error.__notes__[0]
    assert 3600.0 == undaunted.history(error).hint == error.hint


@pytest.mark.parametrize("error", [Frozen(5), Slotted(), Hidden(), ExceptionGroup("g", [ValueError()])])
def test_odd_exceptions_leave_as_they_came(error):
    assert error is give_up(error)
    if not isinstance(error, Hidden):
        assert 3 == len(undaunted.history(error)) and error.__notes__


def test_an_error_with_hostile_attributes_is_still_the_users_error():
    class Hostile(Exception):
        @property
        def response(self):
            raise RuntimeError

        @property
        def status(self):
            raise RuntimeError

    error = Hostile()
    assert error is give_up(error)


def test_the_history_of_an_error_that_nobody_gave_up_is_empty():
    assert () == undaunted.history(ValueError()) and None is undaunted.history(ValueError()).reason


def test_a_history_pickles_with_its_error_whatever_the_others_are():
    errors = [Picky(1, 2), ValueError(threading.Lock()), OSError(104, "reset"), ValueError("last")]

    def fn():
        raise errors.pop(0)

    with pytest.raises(ValueError) as caught:
        retry(on=Exception, attempts=4)(fn)()
    for again in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value), copy.deepcopy(caught.value)):
        history = undaunted.history(again)
        assert ("attempts", 4) == (history.reason, len(history))
        assert again is history[-1].error and OSError is type(history[2].error).__mro__[2]
    assert [None, None] == [attempt.error for attempt in undaunted.history(pickle.loads(pickle.dumps(caught.value)))[:2]]
    history = undaunted.history(caught.value)
    again = pickle.loads(pickle.dumps(history))
    assert (history.reason, history.call_seed, len(history)) == (again.reason, again.call_seed, len(again))


def test_an_error_raised_anew_by_each_attempt_makes_no_cycle():
    import gc

    error = ValueError("always the same")
    give_up(error)
    assert [error] * 3 == [attempt.error for attempt in undaunted.history(error)]
    mark = error.__dict__["__undaunted__"]
    assert not any(error is referent for record in mark.records for referent in gc.get_referents(record))


def test_a_history_keeps_a_thousand_attempts_of_a_daemon(waits):
    numbers = iter(range(1200))

    def fn():
        if next(numbers) == 1199:
            raise undaunted.stop(OSError(104, "reset"))
        raise OSError(104, "reset")

    with pytest.raises(OSError) as caught:
        retry(forever=True)(fn)()
    history = undaunted.history(caught.value)
    assert (1000, 1, 500, 701, 1200) == (len(history), history[0].attempt, history[499].attempt, history[500].attempt, history[-1].attempt)


def test_everything_public_pickles():
    events = []
    with undaunted.testing(script=[503]) as t:
        Policy(name="x").call(int)
        events = t.events
    error = undaunted.HttpError(503, method="GET", headers={"Retry-After": "3", "x-should-retry": "true"}, response=object())
    for thing in (error, undaunted.TimeoutError(2.0), undaunted.GaveUp(5, "attempts"), undaunted.NestedRetryWarning("x"), *events):
        again = pickle.loads(pickle.dumps(thing))
        assert type(again) is type(thing) and str(again) == str(thing)
    again = pickle.loads(pickle.dumps(error))
    assert (503, "GET", 3.0, True, None) == (again.status, again.method, again.hint, again.should_retry, again.response)
    assert "503 Service Unavailable for GET" == str(error)
    attempt = undaunted.history(give_up(ValueError("x")))[0]
    assert repr(attempt) == repr(pickle.loads(pickle.dumps(attempt)))


def test_ok_raises_for_a_status_from_400_on():
    class Response:
        status_code, headers, content = 200, {}, b""

    response = Response()
    assert response is undaunted.ok(response)
    response.status_code, response.headers = 429, {"Retry-After": "2"}
    with pytest.raises(undaunted.HttpError) as caught:
        undaunted.ok(response)
    assert (429, 2.0, response) == (caught.value.status, caught.value.hint, caught.value.response)
    with pytest.raises(TypeError, match="no status_code"):
        undaunted.ok(5)


def test_a_rule_sees_the_body_of_an_http_error(flaky):
    class Response:
        status_code, headers, content = 500, {}, b'{"error": "User not exists"}'

    def fn():
        return undaunted.ok(Response())

    with pytest.raises(undaunted.HttpError) as caught:
        retry(rules=[{"http": 500, "body_contains": "User not exists", "class": "permanent"}])(fn)()
    assert "permanent" == undaunted.history(caught.value).reason


def nest(outer, inner, error=OSError):
    calls = []

    @retry(on=error, name="inner", attempts=2, **inner)
    def low():
        calls.append(1)
        raise error(104, "reset")

    @retry(on=error, name="outer", attempts=3, **outer)
    def high():
        return low()

    with pytest.raises(error) as caught:
        high()
    return len(calls), undaunted.history(caught.value).reason


def test_nested_retries_warn_once_for_a_pair(monkeypatch):
    from undaunted import _errors

    monkeypatch.setattr(_errors, "_warned_pairs", set())
    with pytest.warns(undaunted.NestedRetryWarning, match="outer retries an error on which inner") as caught:
        assert (6, "attempts") == nest({}, {})
        assert (6, "attempts") == nest({}, {})
    assert 1 == len(caught) and __file__ == caught[0].filename


def test_nested_once_does_not_retry_again_and_allow_does():
    assert (2, "nested") == nest({"nested": "once"}, {})
    assert (6, "attempts") == nest({"nested": "allow"}, {})
    assert (2, "nested") == nest({"nested": "once"}, {}, error=ConnectionResetError)


def test_nested_is_found_behind_a_cause_and_in_a_cycle_of_contexts():
    def fn():
        try:
            raise give_up(OSError(104, "reset"))
        except OSError as error:
            wrapped = ValueError("wrapped")
            error.__context__ = wrapped
            raise wrapped from error

    with pytest.raises(ValueError) as caught:
        retry(on=ValueError, nested="once")(fn)()
    assert "nested" == undaunted.history(caught.value).reason


def test_an_inner_call_with_a_single_attempt_multiplies_nothing(flaky):
    inner = retry(on=KeyError)(flaky(2, ValueError))
    assert "done" == retry(on=ValueError, nested="once")(inner)()


def test_a_mark_from_an_earlier_call_is_not_taken_for_nesting(flaky):
    error = ConnectionResetError("always the same")
    give_up(error)
    assert "done" == retry(nested="once")(flaky(1, error))()


def test_share_hands_the_outer_deadline_on():
    with undaunted.testing() as t:

        @retry(nested="share", timeout=60, attempts=None, jitter="none", initial=1, max_delay=1)
        def inner():
            raise OSError(104, "reset")

        @retry(nested="share", timeout=5, attempts=1)
        def outer():
            inner()

        with pytest.raises(OSError):
            outer()
    assert [1.0] * 4 == t.waits
