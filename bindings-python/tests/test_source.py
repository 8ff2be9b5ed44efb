"""Sources of policies: asked at the start of each call, never without a good one."""

import asyncio
import json
import os
import warnings

import pytest

import undaunted
from undaunted import Policy, PolicyError, PolicySource, watch

ONE = '{"attempts": 1}'


def attempts_of(function, *, retrying):
    function.calls = 0
    with pytest.raises(ConnectionResetError):
        retrying()
    return function.calls


def written(path, text, *, at):
    path.write_text(text)
    os.utime(path, (at, at))


def test_a_function_goes_by_the_policy_of_each_calls_beginning(flaky):
    function, answers = flaky(99), ['{"attempts": 2}', {"attempts": 3}, Policy(attempts=4)]
    source = PolicySource(lambda: answers[0])
    decorated = source(function)
    assert attempts_of(function, retrying=decorated) == 2
    answers.pop(0)
    assert attempts_of(function, retrying=decorated) == 3
    assert attempts_of(function, retrying=lambda: source.call(function)) == 3
    answers.pop(0)
    assert attempts_of(function, retrying=decorated) == 4
    assert decorated.policy is source


def test_coroutine_functions_and_blocks_take_a_source_as_well(flaky):
    function, source = flaky(99), PolicySource(lambda: '{"attempts": 2, "initial": "1us", "max_delay": "1us"}')

    @undaunted.retry(source)
    async def fetch():
        return function()

    assert asyncio.iscoroutinefunction(fetch)
    assert attempts_of(function, retrying=lambda: asyncio.run(fetch())) == 2
    assert attempts_of(function, retrying=lambda: asyncio.run(source.call_async(function.later))) == 2

    def block():
        for attempt in undaunted.retry_context(source):
            with attempt:
                function()

    assert attempts_of(function, retrying=block) == 2


def test_methods_are_bound(flaky):
    class Client:
        @undaunted.retry(PolicySource(lambda: ONE))
        def fetch(self):
            return self

    client = Client()
    assert client.fetch() is client


def test_settings_of_the_process_go_on_top(flaky):
    function, source = flaky(99, ValueError), PolicySource(lambda: '{"attempts": 3}')

    @undaunted.retry(source, on=ValueError)
    def fetch():
        return function()

    with pytest.raises(ValueError):
        fetch()
    assert function.calls == 3
    assert source.replace(on=ValueError, attempts=2).current().attempts == 2


def test_a_policy_is_made_once_for_one_answer():
    source = PolicySource(lambda: '{"attempts": 3}')
    assert source.current() is source.current()
    changed = source.replace(attempts=2)
    assert changed.current() is changed.current()


def test_a_bad_answer_leaves_the_last_good_policy_and_is_told_once():
    answers, told = ['{"attempts": 3}'], []
    source = PolicySource(lambda: answers[-1], on_error=told.append)
    good = source.current()
    answers.append('{"attempts": 0}')
    assert source.current() is source.current() is good
    assert [type(error) for error in told] == [PolicyError]
    answers.append("no json")
    assert source.current() is good
    answers.append(5)
    assert source.current() is good
    assert [type(error) for error in told] == [PolicyError, PolicyError, TypeError]
    answers.append('{"attempts": 3}')
    assert source.current() is good
    answers.append('{"attempts": 0}')
    source.current()
    assert len(told) == 4  # it was right in between


def test_before_the_first_good_policy_there_is_the_fallback():
    told = []
    assert PolicySource(lambda: 1 / 0, on_error=told.append).current() == Policy()
    assert isinstance(told[0], ZeroDivisionError)
    fallback = Policy(attempts=2)
    assert PolicySource(lambda: 1 / 0, fallback=fallback, on_error=told.append).current() is fallback


def test_without_on_error_a_warning_tells():
    source = PolicySource(lambda: '{"attempts": 0}')
    with pytest.warns(RuntimeWarning, match="attempts is 0"):
        source.current()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source.current()


def test_a_watched_file_is_read_again_when_it_has_changed(tmp_path, waits):
    path, told = tmp_path / "retry.json", []
    written(path, '{"attempts": 2}', at=1)
    source = watch(path, every=5, on_error=told.append)
    first = source.current()
    assert first.attempts == 2
    written(path, '{"attempts": 3}', at=2)
    assert source.current() is first
    waits.append(5)
    assert source.current().attempts == 3
    waits.append(5)
    written(path, '{"attempts": 3} trailing', at=3)
    assert source.current().attempts == 3
    assert [type(error) for error in told] == [PolicyError]
    path.unlink()
    waits.append(5)
    assert source.current().attempts == 3
    assert [type(error) for error in told] == [PolicyError, FileNotFoundError]
    written(path, '{"attempts": 4}', at=4)
    waits.append(5)
    assert source.current().attempts == 4


def test_a_watched_file_must_be_right_at_first(tmp_path):
    with pytest.raises(FileNotFoundError):
        watch(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text('{"attempts": 0}')
    with pytest.raises(PolicyError):
        watch(tmp_path / "bad.json")
    with pytest.raises(ValueError, match="every is -1"):
        watch(tmp_path / "bad.json", every=-1)


def test_openfeatures_flags_are_policies():
    from openfeature import api
    from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

    from undaunted.adapters.openfeature import policy_source

    def provide(**variants):
        flags = {"retry": InMemoryFlag("now", {"now": variants["now"]})} if variants else {}
        api.set_provider(InMemoryProvider(flags))

    told = []
    provide(now={"attempts": 2, "timeout": "5s"})
    source = policy_source(api.get_client(), "retry", on_error=told.append)
    assert (source.current().attempts, source.current().timeout) == (2, 5.0)
    assert source.current().version == "now"
    assert source.replace(on=ValueError).current().version == "now"
    provide(now=json.dumps({"attempts": 3}))
    assert source.current().attempts == 3
    provide(now={"attempts": 0})
    assert source.current().attempts == 3
    assert isinstance(told[0], PolicyError)
    provide()
    assert source.current().attempts == 3
    assert "FLAG_NOT_FOUND" in str(told[1])
    provide(now={"attempts": 4})
    assert source.current().attempts == 4


def test_clients_take_a_source():
    from undaunted.adapters.requests import RetryingAdapter

    assert RetryingAdapter(PolicySource(lambda: '{"attempt_timeout": "2s"}')).max_retries.attempt_timeout == 2.0
