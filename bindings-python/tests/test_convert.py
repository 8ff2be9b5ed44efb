"""`undaunted.lab.convert` on real objects: what it reads of them, and that the libraries themselves wait what the policy says."""

import json
import os
import pickle
import random
import subprocess
import sys
from datetime import timedelta

import pytest
import stamina
import tenacity
import urllib3
from tenacity import retry_if_exception_type, stop_after_attempt, stop_after_delay, stop_before_delay, stop_never
from urllib3.util.retry import RequestHistory

from undaunted import Policy, PolicyError
from undaunted.lab import convert

FIVE = stop_after_attempt(5)


def codes(conversion):
    return [finding.code for finding in conversion.findings]


def bounds(policy, retry):
    """The shortest and the longest wait before a retry, of many calls."""
    draws = [policy.schedule(seed=seed, attempts=retry + 1)[-1] for seed in range(400)]
    return min(draws), max(draws)


@pytest.fixture
def extremes(monkeypatch):
    """Runs a function with the libraries' random numbers at 0 and at 1."""

    def run(wait):
        found = []
        for share in (0.0, 1.0):
            monkeypatch.setattr(random, "random", lambda: share)
            monkeypatch.setattr(random, "uniform", lambda low, high: low + share * (high - low))
            found.append(wait())
        monkeypatch.undo()
        return tuple(found)

    return run


def of_tenacity(retrying, attempt):
    state = tenacity.RetryCallState(retrying, None, (), {})
    state.attempt_number = attempt
    return retrying.wait(state)


@pytest.mark.parametrize(
    "wait",
    [
        tenacity.wait_none(),
        tenacity.wait_fixed(2),
        tenacity.wait_random(1, 3),
        tenacity.wait_fixed(3) + tenacity.wait_random(0, 2),
        tenacity.wait_exponential(multiplier=0.5, max=60),
        tenacity.wait_exponential(multiplier=1, min=4, max=10),
        tenacity.wait_exponential(exp_base=3),
        tenacity.wait_random_exponential(multiplier=0.5, max=60),
        tenacity.wait_exponential_jitter(max=10),
        tenacity.wait_exponential_jitter(multiplier=3, jitter=2, max=30),
        tenacity.wait_incrementing(start=1, increment=2, max=8),
        tenacity.wait_chain(tenacity.wait_fixed(1), tenacity.wait_fixed(2), tenacity.wait_fixed(7)),
        tenacity.wait_exponential(max=4) + tenacity.wait_random(0, 1),
    ],
)
def test_tenacity_waits_what_the_policy_says(wait, extremes):
    retrying = tenacity.Retrying(stop=stop_after_attempt(9), wait=wait)
    conversion = convert(retrying)
    collapses = "jitter-collapses-at-cap" in codes(conversion)
    for retry in range(1, 9):
        low, high = extremes(lambda: of_tenacity(retrying, retry))
        shortest, longest = bounds(conversion.policy, retry)
        assert longest <= high + 1e-6 and longest >= high - (high - low) / 20 - 1e-6 - collapses * high / 20
        assert shortest <= low + (high - low) / 20 + 1e-6
        assert collapses or shortest >= low - 1e-6


def test_every_kind_of_stop_is_read():
    limits = lambda stop: (lambda policy: (policy.attempts, policy.timeout))(convert(tenacity.Retrying(stop=stop)).policy)
    assert limits(FIVE | stop_after_delay(10)) == (5, 10)
    assert limits(stop_before_delay(10) | FIVE | stop_after_delay(20)) == (5, 10)
    assert limits(FIVE & stop_after_delay(10)) == (5, 10)
    assert limits(stop_never) == (None, None)
    assert limits(lambda state: True) == (None, None)


def test_what_tenacity_decides_by_functions_is_told_of():
    retrying = tenacity.Retrying(
        stop=lambda state: state.attempt_number > 3,
        wait=lambda state: 1,
        retry=retry_if_exception_type(OSError),
        before_sleep=print,
        after=print,
        retry_error_callback=lambda state: None,
        retry_error_cls=ValueError,
        reraise=True,
    )
    told = {finding.pointer: finding.level for finding in convert(retrying).findings if finding.code == "not-converted"}
    assert told == {
        "/stop": "warning", "/wait": "warning", "/retry": "info", "/after": "info", "/before_sleep": "info",
        "/retry_error_callback": "warning", "/retry_error_cls": "warning",
    }  # fmt: skip


def test_a_subclass_of_tenacitys_is_a_function():
    class Longer(tenacity.wait_fixed):
        def __call__(self, retry_state):
            return 2 * super().__call__(retry_state)

    assert ("not-converted", "/wait") in [(f.code, f.pointer) for f in convert(tenacity.Retrying(stop=FIVE, wait=Longer(1))).findings]


def test_a_function_that_tenacity_decorates_is_read():
    @tenacity.retry(stop=FIVE, wait=tenacity.wait_fixed(2), reraise=True)
    def fetch():
        pass

    @tenacity.retry(stop=FIVE, wait=tenacity.wait_fixed(2), reraise=True)
    async def fetch_later():
        pass

    assert convert(fetch) == convert(fetch_later) and convert(fetch).source == "tenacity"
    assert (convert(fetch).policy.attempts, convert(fetch).policy.schedule()) == (5, [2, 2, 2, 2])
    assert not [finding for finding in convert(fetch).findings if finding.pointer == "/reraise"]


@pytest.mark.parametrize(
    "options", [{}, {"wait_jitter": 0}, {"wait_initial": 0.5, "wait_exp_base": 3, "wait_max": 20}, {"wait_initial": 1, "wait_jitter": 0.25}]
)
def test_stamina_waits_what_the_policy_says(options, extremes):
    context = stamina.retry_context(on=OSError, **options)
    conversion = convert(stamina.RetryingCaller(**options))
    assert conversion.source == "stamina"
    for retry in range(1, 10):
        state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
        state.attempt_number = retry
        low, high = extremes(lambda: context._jittered_backoff_for_rcs(state))
        shortest, longest = bounds(conversion.policy, retry)
        assert high * 0.95 - 1e-6 <= longest <= high + 1e-6 and shortest <= low + (high - low) / 20 + 1e-6


def test_staminas_defaults_are_the_preset():
    assert convert({}, "stamina").policy == convert(stamina.RetryingCaller()).policy == Policy.preset("stamina")


def test_every_readable_object_of_staminas_is_read():
    options = {"attempts": 3, "timeout": 7, "wait_max": 2.5}
    sync, later = stamina.RetryingCaller(**options), stamina.AsyncRetryingCaller(**options)
    policy = convert(options, "stamina").policy
    assert policy.attempts == 3 and policy.timeout == 7
    exact = stamina.RetryingCaller(attempts=3, timeout=timedelta(seconds=7), wait_max=timedelta(milliseconds=2500))
    for caller in (exact, sync, later, sync.on(OSError), later.on(OSError), stamina.retry_context(on=OSError, **options)):
        assert convert(caller).policy == policy
    assert ("/on" in [f.pointer for f in convert(sync.on(OSError)).findings]) and "/on" not in [f.pointer for f in convert(sync).findings]
    assert convert(stamina.retry_context(on=OSError, attempts=None, timeout=None)).policy.timeout is None


def test_a_function_that_stamina_decorates_says_what_to_pass():
    @stamina.retry(on=OSError)
    def fetch():
        pass

    @stamina.retry(on=OSError)
    async def fetch_later():
        pass

    for function in (fetch, fetch_later):
        with pytest.raises(TypeError, match='pass the keyword arguments of stamina.retry as a dict with source="stamina"'):
            convert(function)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"backoff_factor": 0.1},
        {"backoff_factor": 0.5, "backoff_max": 5, "backoff_jitter": 1},
        {"backoff_jitter": 2},
        {"backoff_factor": 3, "backoff_max": 10},
    ],
)
def test_urllib3_waits_what_the_policy_says(options, extremes):
    retry = urllib3.Retry(8, **options)
    conversion = convert(retry)
    assert conversion.policy.attempts == 9
    for number in range(1, 9):
        after = retry.new(history=(RequestHistory("GET", "/", None, 503, None),) * number)
        low, high = extremes(after.get_backoff_time)
        shortest, longest = bounds(conversion.policy, number)
        assert high * 0.95 - 1e-6 <= longest <= high + 1e-6 and shortest <= low + (high - low) / 20 + 1e-6


def test_urllib3_retries_the_statuses_that_the_policy_says():
    for options in ({}, {"status_forcelist": {500, 502, 404}}, {"status_forcelist": range(400, 600)}, {"respect_retry_after_header": False}):
        retry = urllib3.Retry(3, **options)
        rules = json.loads(convert(retry).policy.dump()).get("rules", [])
        for status in range(400, 600):
            ruled = next((rule["class"] for rule in rules if covers(rule["http"], status)), None)
            if retry.is_retry("GET", status):
                assert ruled != "permanent"
            elif not retry.is_retry("GET", status, has_retry_after=True) and is_retried_by_the_tables(status):
                assert ruled == "permanent"


def covers(statuses, status):
    low, _, high = str(statuses).partition("-")
    return int(low) <= status <= int(high or low)


def is_retried_by_the_tables(status):
    from undaunted import _core

    return _core.classify(_core.Failure("http", status), "GET")[4]


def test_a_retry_of_urllib3s_in_use_is_told_of():
    retry = urllib3.Retry(3, backoff_jitter=1).increment("GET", "/", error=urllib3.exceptions.ProtocolError())
    conversion = convert(retry)
    assert conversion.policy.attempts == 3 and ("not-converted", "/history") in [(f.code, f.pointer) for f in conversion.findings]


def test_methods_of_urllib3s_decide_on_idempotent():
    idempotent = lambda methods: json.loads(convert(urllib3.Retry(3, allowed_methods=methods)).policy.dump())["idempotent"]
    assert [idempotent(methods) for methods in (urllib3.Retry.DEFAULT_ALLOWED_METHODS, {"GET"}, {"POST", "GET"}, None)] == ["auto", "auto", True, True]


def test_plain_settings_and_json_are_one():
    config = {
        "methodConfig": [
            {
                "name": [{"service": "helloworld.Greeter"}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "1s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
    conversion = convert(config, "grpc")
    assert conversion == convert(json.dumps(config), "grpc") == convert(json.dumps(config).encode(), "grpc")
    assert (conversion.policy.attempts, conversion.findings) == (4, [])
    assert convert({"allowed_methods": {"GET", "PUT"}, "status_forcelist": (500,)}, "urllib3").policy.attempts == 11


def test_the_environment_may_be_given_as_it_is(monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    monkeypatch.setenv("AWS_RETRY_MODE", "standard")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    conversion = convert(os.environ, "aws")
    assert conversion.policy == Policy.preset("aws", attempts=5) and "secret" not in repr(conversion) + str(conversion)


def test_infinity_is_no_limit():
    assert convert({"retries": float("inf"), "maxRetryTime": float("inf")}, "p-retry").policy.dump() == Policy(
        forever=True, max_delay="87600h", jitter="none"
    ).dump()
    assert convert('{"retries": 3, "maxTimeout": Infinity}', "p-retry").policy.attempts == 4


def test_every_mistake_is_told_at_once():
    with pytest.raises(PolicyError) as told:
        convert({"attempts": "3", "wait_max": float("nan"), "wait": 1}, "stamina")
    assert [(code, pointer) for code, pointer, _ in told.value.problems] == [
        ("wrong_kind", "/attempts"), ("wrong_kind", "/wait_max"), ("unknown_option", "/wait"),
    ]  # fmt: skip
    with pytest.raises(PolicyError, match="the settings are no JSON, line 1"):
        convert("{", "grpc")


def test_whose_they_are_must_be_clear():
    with pytest.raises(ValueError, match="source is None, allowed for plain values stamina, tenacity, urllib3, grpc, p-retry or aws"):
        convert({"retries": 3})
    with pytest.raises(ValueError, match="source is 'polly'"):
        convert({}, "polly")
    with pytest.raises(ValueError, match="source is 'grpc', but the settings are urllib3's"):
        convert(urllib3.Retry(), "grpc")
    with pytest.raises(TypeError, match="settings are of type int"):
        convert(3)


def test_a_conversion_is_a_report():
    conversion = convert({"attempts": 3}, "stamina")
    assert pickle.loads(pickle.dumps(conversion)) == conversion != convert({}, "stamina")
    assert conversion.to_dict()["policy"] == json.loads(conversion.policy.dump()) and conversion.policy.dump() in str(conversion)
    assert [finding["code"] for finding in conversion.to_dict()["findings"]] == codes(conversion) == ["timeout-overshoots"]


def test_nothing_is_imported_for_it():
    code = """
import sys
from undaunted.lab import convert
assert convert({"attempts": 2}, "stamina").policy.attempts == 2
assert not {"stamina", "tenacity", "urllib3"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", code], check=True)
