"""Temporal without a server: the objects that it would be given, and activities in its own environment for tests."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.api.common.v1 import RetryPolicy as Message
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

import undaunted
from undaunted.adapters.temporal import application_error, application_error_async, policy_of, resumed, retry_policy

POLICY = undaunted.Policy(attempts=6, timeout="24h")


def milliseconds(number):
    return timedelta(milliseconds=number)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, RetryPolicy(milliseconds(1000), 2.0, milliseconds(10_000), 10)),
        ({"attempts": None}, RetryPolicy(milliseconds(1000), 2.0, milliseconds(10_000), 0)),
        ({"attempts": 9, "initial": "200ms", "factor": 1.5, "max_delay": "3s"}, RetryPolicy(milliseconds(200), 1.5, milliseconds(3000), 9)),
        ({"attempts": 3, "backoff": "constant", "initial": "2s"}, RetryPolicy(milliseconds(2000), 1.0, milliseconds(2000), 3)),
        ({"attempts": 1}, RetryPolicy(maximum_attempts=1)),
        ({"attempts": 4, "rules": [{"grpc": "UNAVAILABLE", "class": "permanent"}]}, RetryPolicy(milliseconds(1000), 2.0, milliseconds(10_000), 4)),
        ({"attempts": 2**32 - 1}, RetryPolicy(milliseconds(1000), 2.0, milliseconds(10_000), 2**31 - 1)),
    ],
)
def test_a_policy_as_temporal_writes_it(options, wanted):
    found = retry_policy(undaunted.Policy(**options))
    assert found == wanted
    found.apply_to_proto(Message())  # which refuses what cannot be


@pytest.mark.parametrize("given", [RetryPolicy(), RetryPolicy(milliseconds(200), 1.5, milliseconds(3000), 9), RetryPolicy(maximum_attempts=4)])
def test_temporal_s_policy_has_the_same_waits_here(given):
    policy = policy_of(given)
    longest = (given.maximum_interval or given.initial_interval * 100).total_seconds()
    first = given.initial_interval.total_seconds()
    wanted = [min(longest, first * given.backoff_coefficient**n) for n in range(12)]
    assert policy.schedule(attempts=13) == pytest.approx(wanted, abs=1e-5)
    assert policy.attempts == (given.maximum_attempts or None)
    assert policy.timeout is None


def test_both_ways_give_the_same():
    given = RetryPolicy(milliseconds(200), 1.5, milliseconds(3000), 9)
    assert retry_policy(policy_of(given)) == given


def attempts(errors, is_awaited=False, **options):
    """What Temporal is told of each attempt at an activity, one after the other; and the error of the last, or its result."""

    @activity.defn
    async def charge():
        call = resumed(policy, **options)
        numbers.append(call.attempt)
        try:
            error = next(left, None)
            if error is not None:
                raise error
        except Exception as error:
            raise (await application_error_async(error, call) if is_awaited else application_error(error, call)) from error
        call.succeeded()
        return "charged"

    policy = POLICY.replace(seed=7)
    left, numbers, details, told = iter(errors), [], [], []
    while True:
        environment = ActivityEnvironment()
        environment.info = dataclasses.replace(environment.info, heartbeat_details=details[-1:])
        environment.on_heartbeat = lambda *given: details.extend(given)
        try:
            return numbers, told, asyncio.run(environment.run(charge))
        except ApplicationError as error:
            told.append(error.next_retry_delay)
            if error.non_retryable:
                return numbers, told, error


@pytest.mark.parametrize("options", [{}, {"key": "a secret"}, {"is_awaited": True}])
def test_each_attempt_is_told_the_wait_of_the_seed(options):
    numbers, told, result = attempts([ConnectionResetError("down")] * 3, **options)
    assert (numbers, result) == ([1, 2, 3, 4], "charged")
    assert told == [timedelta(seconds=wait) for wait in POLICY.schedule(seed=7)[:3]]


@pytest.mark.parametrize("is_awaited", [False, True])
def test_what_the_policy_gives_up_is_not_retried(is_awaited):
    numbers, told, error = attempts([ConnectionResetError("down")] * 9, is_awaited)
    assert (numbers, told[-1]) == ([1, 2, 3, 4, 5, 6], None)
    assert (error.type, error.message, error.non_retryable) == ("ConnectionResetError", "down", True)
    numbers, told, error = attempts([KeyError("amount")])
    assert (numbers, told, error.type) == ([1], [None], "KeyError")
    assert isinstance(error.__cause__, KeyError)
    assert undaunted.history(error.__cause__).reason == "permanent"
