"""Temporal: activities whose failures a policy judges, and its RetryPolicy made of a policy.

Temporal counts and waits by itself. What its RetryPolicy cannot say, `application_error` says of each failure: how long to wait before the
next attempt, by the words of the call's own seed.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from temporalio import activity
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

from .._policy import Policy
from .._resume import resume
from ..lab import convert, export_as

if TYPE_CHECKING:
    from .._resume import Resumed
    from .._source import PolicySource


def retry_policy(policy: Policy) -> RetryPolicy:
    """The delays and attempts of a policy, for activities that do not use `application_error`, and as the frame for those that do.

    The first and the longest delay and their factor are those that the policy is written with for gRPC, which lets delays grow in the same
    way. What it cannot say: jitter (Temporal has none), hints of servers, classes and rules (name the types of errors that are final in
    `non_retryable_error_types`), budgets, breakers, `first`, `hint`. `timeout` is an activity's `schedule_to_close_timeout`,
    `attempt_timeout` its `start_to_close_timeout`; both stand beside a RetryPolicy.
    """
    if policy.attempts == 1:
        return RetryPolicy(maximum_attempts=1)
    # A code to retry, so that there is a retry policy whatever the rules say.
    plain = Policy.parse(json.dumps({**json.loads(policy.dump()), "rules": []}))
    found = json.loads(export_as(plain, "grpc").text)["methodConfig"][0]["retryPolicy"]
    return RetryPolicy(
        initial_interval=_seconds(found["initialBackoff"]),
        maximum_interval=_seconds(found["maxBackoff"]),
        backoff_coefficient=float(found["backoffMultiplier"]),
        maximum_attempts=min(policy.attempts or 0, MOST_ATTEMPTS),
    )


def policy_of(policy: RetryPolicy) -> Policy:
    """What a RetryPolicy does, as a policy: without jitter and without a limit of time, which `replace` adds.

    `non_retryable_error_types` are left out: name them in `on`, as a function, or raise `undaunted.stop(error)`. Raises PolicyError for one
    that no policy can do.
    """
    longest = policy.maximum_interval or policy.initial_interval * 100
    settings = {
        "retries": policy.maximum_attempts - 1 if policy.maximum_attempts else None,
        "minTimeout": policy.initial_interval / timedelta(milliseconds=1),
        "maxTimeout": longest / timedelta(milliseconds=1),
        "factor": policy.backoff_coefficient,
    }
    return convert(settings, source="p-retry").policy


def resumed(policy: Policy | PolicySource, *, key: str | bytes | None = None) -> Resumed:
    """In an activity: the call that this attempt belongs to, by the token that the attempt before has left in a heartbeat; else a new one.

    A token that comes in the activity's arguments goes to `policy.resume` instead, in the first attempt.
    """
    details = activity.info().heartbeat_details
    token = details[-1].get(HEADER) if details and isinstance(details[-1], dict) else None
    return resume(policy.current(), token, key, activity.info().activity_type)


def application_error(error: Exception, call: Resumed) -> ApplicationError:
    """In an activity, to be raised from the error: what Temporal is to make of it by the call's policy.

    It is not retried where the policy gives up; else `next_retry_delay` is the policy's wait, and the token goes in a heartbeat, from which
    the next attempt goes on. The activity's RetryPolicy must allow as many attempts.
    """
    return _said(error, call, call.failed(error))


async def application_error_async(error: Exception, call: Resumed) -> ApplicationError:
    """The same in an async activity, where a budget that a fleet shares is awaited."""
    return _said(error, call, await call.failed_async(error))


def _said(error: Exception, call: Resumed, delay: float | None) -> ApplicationError:
    if delay is None:
        return ApplicationError(str(error), type=type(error).__name__, non_retryable=True)
    activity.heartbeat({HEADER: call.token})
    return ApplicationError(str(error), type=type(error).__name__, next_retry_delay=timedelta(seconds=delay))


def _seconds(text: Any) -> timedelta:
    return timedelta(seconds=float(str(text).removesuffix("s")))


#: The key of the token in a heartbeat's details.
HEADER = "undaunted"
#: What Temporal's number holds.
MOST_ATTEMPTS = 2**31 - 1
