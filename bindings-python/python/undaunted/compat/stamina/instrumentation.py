"""stamina's hooks, which hear of every retry that is scheduled; its names of logger, records and metrics."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from threading import RLock
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from prometheus_client import Counter

__all__ = [
    "LoggingOnRetryHook",
    "PrometheusOnRetryHook",
    "RetryDetails",
    "RetryHook",
    "RetryHookFactory",
    "StructlogOnRetryHook",
    "get_on_retry_hooks",
    "get_prometheus_counter",
    "set_on_retry_hooks",
]


@dataclass(frozen=True, slots=True)
class RetryDetails:
    """A retry that is scheduled.

    `name` is the callable's, `args` and `kwargs` are what it was called with; `retry_num` counts from 1. `wait_for` is the wait before it and
    `waited_so_far` all waits of this call before that, in seconds; `caused_by` is the error that it follows.
    """

    name: str
    args: tuple[object, ...]
    kwargs: dict[str, object]
    retry_num: int
    wait_for: float
    waited_so_far: float
    caused_by: Exception


class RetryHook(Protocol):
    """What is called with the details of every retry. A context manager that it returns is open while the wait lasts."""

    def __call__(self, details: RetryDetails) -> None | AbstractContextManager[None]: ...


@dataclass(frozen=True)
class RetryHookFactory:
    """What makes a hook, called when the first retry is scheduled."""

    hook_factory: Callable[[], RetryHook]


def set_on_retry_hooks(hooks: Iterable[RetryHook | RetryHookFactory] | None) -> None:
    """Has these hooks called; none at all if there are none; with None the default ones.

    By default retries are counted if prometheus_client is there, and logged by structlog if that is, else by logging.
    """
    global _chosen, _ready
    with _lock:
        _chosen = None if hooks is None else tuple(hooks)
        _ready = None


def get_on_retry_hooks() -> tuple[RetryHook, ...]:
    """The hooks that are called; what is still to be made is made now."""
    global _ready
    with _lock:
        if _ready is None:
            chosen = get_default_hooks() if _chosen is None else _chosen
            _ready = tuple(hook.hook_factory() if isinstance(hook, RetryHookFactory) else hook for hook in chosen)
        return _ready


def get_default_hooks() -> tuple[RetryHookFactory, ...]:
    log = StructlogOnRetryHook if _is_there("structlog") else LoggingOnRetryHook
    return (PrometheusOnRetryHook, log) if _is_there("prometheus_client") else (log,)


def get_prometheus_counter() -> Counter | None:
    """The counter of retries, or None if nothing counts them."""
    get_on_retry_hooks()
    return _counter


def guess_name(thing: object) -> str:
    """Module and qualified name, as far as it has these."""
    name = getattr(thing, "__qualname__", None) or "<unnamed object>"
    module = getattr(thing, "__module__", None) or "<unknown module>"
    return name if module == "builtins" else f"{module}.{name}"


def init_logging(log_level: int = 30) -> RetryHook:
    """A hook that logs at this level."""
    import logging

    logger = logging.getLogger("stamina")

    def log(details: RetryDetails) -> None:
        fields = {f"stamina.{name}": value for name, value in _fields(details).items()}
        logger.log(log_level, "stamina.retry_scheduled", extra=fields)

    return log


def init_structlog() -> RetryHook:
    """A hook that logs by structlog."""
    import structlog

    logger = structlog.get_logger("stamina")

    def log(details: RetryDetails) -> None:
        logger.warning("stamina.retry_scheduled", **_fields(details))

    return log


def init_prometheus() -> RetryHook:
    """A hook that counts. A name can be registered only once in a process: not beside stamina's own."""
    global _counter
    from prometheus_client import Counter

    if _counter is None:
        _counter = Counter("stamina_retries_total", "Total number of retries.", ("callable", "retry_num", "error_type"))
    counter = _counter

    def count(details: RetryDetails) -> None:
        counter.labels(details.name, details.retry_num, guess_name(type(details.caused_by))).inc()

    return count


def _fields(details: RetryDetails) -> dict[str, object]:
    return {
        "callable": details.name,
        "args": tuple(repr(arg) for arg in details.args),
        "kwargs": dict(details.kwargs),
        "retry_num": details.retry_num,
        "caused_by": repr(details.caused_by),
        "wait_for": round(details.wait_for, 2),
        "waited_so_far": round(details.waited_so_far, 2),
    }


def _is_there(module: str) -> bool:
    """Whether a module can be imported, without doing so."""
    return sys.modules[module] is not None if module in sys.modules else find_spec(module) is not None


LoggingOnRetryHook = RetryHookFactory(init_logging)
PrometheusOnRetryHook = RetryHookFactory(init_prometheus)
StructlogOnRetryHook = RetryHookFactory(init_structlog)

# A factory may ask for the hooks in its turn.
_lock = RLock()
_chosen: tuple[RetryHook | RetryHookFactory, ...] | None = None
_ready: tuple[RetryHook, ...] | None = None
_counter: Counter | None = None
