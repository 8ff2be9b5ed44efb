"""Decorating: which wrapper a function gets is decided once, here."""

from __future__ import annotations

import sys

from ._block import RetryContext
from ._plain import async_wrapper, refuse_awaitable, sync_wrapper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._policy import Policy

    #: The attempts of a call with these arguments.
    Begin = Callable[[tuple[Any, ...], dict[str, Any]], RetryContext]


def decorate(fn: Any, policy: Policy, generators: str = "refuse") -> Any:
    """The function with retries, of the same kind as it was: function, coroutine function, static or class method."""
    if isinstance(fn, (staticmethod, classmethod)):
        return type(fn)(decorate(fn.__func__, policy, generators))
    if isinstance(fn, type) or not callable(fn):
        raise TypeError(f"{fn!r} cannot be decorated, allowed a function or another callable that is no class; decorate a function")
    kind = kind_of(fn)
    name = name_of(fn, policy)
    if kind in (GENERATOR, ASYNC_GENERATOR) and generators != "restart":
        raise TypeError(
            f"{name} is a generator function, whose errors come while it is consumed; retry the code that consumes it, or write "
            '@undaunted.retry(..., generators="restart") to start it anew, which yields its first items again'
        )
    wrapper: Any = _wrapper(kind, fn, policy, name)
    if policy._core.attempt_timeout is not None:
        if kind == ASYNC_GENERATOR:
            raise TypeError(f"{name} is an asynchronous generator, which attempt_timeout cannot interrupt; remove attempt_timeout")
        if kind in (SYNC, GENERATOR):
            from ._policy import warn_of_attempt_timeout

            warn_of_attempt_timeout(policy)
    dress(wrapper, fn)
    wrapper.policy = policy
    return wrapper


def _wrapper(kind: str, fn: Any, policy: Policy, name: str) -> Any:
    if policy._settings.is_plain and not policy._core.is_watched:
        if kind == SYNC:
            return sync_wrapper(fn, policy, name)
        if kind == ASYNC and policy._core.attempt_timeout is None:
            return async_wrapper(fn, policy, name)
    return over_blocks(kind, fn, lambda args, kwargs: RetryContext(policy, name), name)


def kind_of(fn: Any) -> str:
    """What calling it gives: a value, an awaitable, a generator or an asynchronous generator."""
    while True:
        mark = getattr(sys.modules.get("inspect"), "_is_coroutine_mark", None)
        if mark is not None and getattr(fn, "_is_coroutine_mark", None) is mark:
            return ASYNC
        if hasattr(fn, "__func__"):
            fn = fn.__func__
        elif type(fn).__name__ == "partial" and hasattr(fn, "func"):
            fn = fn.func
        else:
            break
    code = getattr(fn, "__code__", None) or getattr(getattr(type(fn), "__call__", None), "__code__", None)
    flags = getattr(code, "co_flags", 0)
    return next((kind for bit, kind in FLAGS if flags & bit), SYNC)


def name_of(fn: Any, policy: Policy) -> str:
    """The policy's name, or the function's as events and warnings show it."""
    if policy.name is not None:
        return policy.name
    while type(fn).__name__ == "partial" and hasattr(fn, "func"):
        fn = fn.func
    named = fn if hasattr(fn, "__qualname__") else type(fn)
    return f"{named.__module__}.{named.__qualname__}"


def dress(wrapper: Any, fn: Any) -> None:
    """What functools.wraps does, without importing it."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__type_params__"):
        value = getattr(fn, name, None)
        if value is not None:
            setattr(wrapper, name, value)
    # From 3.14 on annotations are worked out when asked for.
    annotations = "__annotate__" if hasattr(wrapper, "__annotate__") else "__annotations__"
    if (value := getattr(fn, annotations, None)) is not None:
        setattr(wrapper, annotations, value)
    wrapper.__dict__.update(getattr(fn, "__dict__", {}))
    wrapper.__wrapped__ = fn


def over_blocks(kind: str, fn: Callable[..., Any], begin: Begin, name: str) -> Any:
    """The function in blocks of retries, which `begin` gives for each call."""
    if kind == SYNC:
        return _sync(fn, begin, name)
    if kind == ASYNC:
        return _async(fn, begin)
    from ._generators import async_generator_wrapper, generator_wrapper

    return generator_wrapper(fn, begin) if kind == GENERATOR else async_generator_wrapper(fn, begin)


def _sync(fn: Callable[..., Any], begin: Begin, name: str) -> Callable[..., Any]:
    def retrying(*args: Any, **kwargs: Any) -> Any:
        for attempt in begin(args, kwargs):
            with attempt:
                attempt.result = refuse_awaitable(fn(*args, **kwargs), name)
        return attempt.result

    return retrying


def _async(fn: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    async def retrying(*args: Any, **kwargs: Any) -> Any:
        async for attempt in begin(args, kwargs):
            with attempt:
                attempt.result = await fn(*args, **kwargs)
        return attempt.result

    return retrying


SYNC, ASYNC, GENERATOR, ASYNC_GENERATOR = "sync", "async", "generator", "async generator"

# Flags of code objects, as `inspect` names them: CO_ASYNC_GENERATOR, CO_COROUTINE, CO_ITERABLE_COROUTINE, CO_GENERATOR.
FLAGS = ((0x200, ASYNC_GENERATOR), (0x80, ASYNC), (0x100, ASYNC), (0x20, GENERATOR))
