"""The fast wrappers. On success they look at one flag and at the clock, and call: no engine, no allocation of ours."""

from __future__ import annotations

import time

from . import _run
from ._block import RetryContext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from . import _core
    from ._policy import Policy

#: Kept by `_switch`: whether any call may have something to do beyond retrying.
special: bool = False


def sync_wrapper(fn: Callable[..., Any], policy: Policy, name: str) -> Callable[..., Any]:
    begin = policy._plan(name).begin

    def retrying(*args: Any, **kwargs: Any) -> Any:
        if special:
            for attempt in RetryContext(policy, name):
                with attempt:
                    attempt.result = refuse_awaitable(fn(*args, **kwargs), name)
            return attempt.result
        started = time.monotonic()
        call: _core.Call | None = None
        try:
            while True:
                try:
                    result = fn(*args, **kwargs)
                except Exception as error:
                    if call is None:
                        call = begin(started)
                    delay = call.failed(error, time.monotonic())
                    if delay is None:
                        raise
                    # Inside the handler, so that a bare raise can let the error go as it came.
                    _run.warn_if_loop_runs()
                    time.sleep(delay)
                    if not call.attempt(time.monotonic()):
                        raise
                else:
                    return refuse_awaitable(result, name) if hasattr(result, "__await__") else result
        finally:
            # What the history holds leads back to this frame by its tracebacks.
            call = None

    return retrying


def async_wrapper(fn: Callable[..., Any], policy: Policy, name: str) -> Callable[..., Any]:
    begin = policy._plan(name).begin

    async def retrying(*args: Any, **kwargs: Any) -> Any:
        if special:
            async for attempt in RetryContext(policy, name):
                with attempt:
                    attempt.result = await fn(*args, **kwargs)
            return attempt.result
        started = time.monotonic()
        call: _core.Call | None = None
        try:
            while True:
                try:
                    return await fn(*args, **kwargs)
                except Exception as error:
                    if call is None:
                        call = begin(started)
                    delay = call.failed(error, time.monotonic())
                    if delay is None:
                        raise
                    await _run.sleep(delay)
                    if not call.attempt(time.monotonic()):
                        raise
        finally:
            call = None

    return retrying


def refuse_awaitable(result: Any, name: str) -> Any:
    """The result, unless it is something to be awaited: then the call has not happened yet, and cannot be retried here."""
    if not hasattr(type(result), "__await__"):
        return result
    if hasattr(result, "cr_frame"):
        # A coroutine that nobody awaits would warn a second time.
        result.close()
    from ._errors import stop

    raise stop(
        TypeError(
            f"{name} is retried as a synchronous function, but returned a {type(result).__name__} to be awaited; "
            "declare it with async def, or use policy.call_async"
        )
    )
