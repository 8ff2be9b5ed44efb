"""Settings of other libraries as plain values. Objects are read by their attributes; no library is imported for it."""

from __future__ import annotations

import sys

from . import _core
from ._errors import PolicyError
from ._policy import json_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .lab import Conversion


def convert(settings: object, source: str | None = None) -> Conversion:
    """The policy that settings of another library come to, and what a reviewer would say of the original.

    `settings` is a tenacity object or a function that tenacity decorates; a `RetryingCaller` of stamina, an asynchronous or bound one, or
    a `retry_context`; a `urllib3.Retry`; or plain values, then with `source`: `stamina` (keyword arguments), `tenacity` (stops and waits by
    their classes' names: `{"stop": {"stop_after_attempt": 5}, "wait": {"wait_fixed": 3}}`), `urllib3` (arguments of `Retry`), `grpc` (a
    service config), `p-retry` (its options), `aws` (environment variables, such as `os.environ`). Plain values may be JSON text. Times are
    in the library's own unit.

    Attempts are counted our way, and the longest wait of each retry is the library's, where a policy can express it; what is not converted
    is a finding. The server's waits are honoured, by `hint`, which libraries that see no responses cannot. Raises PolicyError with every
    mistake in the settings, and TypeError or ValueError where it cannot tell whose they are.
    """
    from .lab import Conversion

    found, plain = _plain(settings, source)
    report, problems = _core.convert(found, plain)
    if report is None:
        raise PolicyError(problems)
    return Conversion(*report)


def _plain(settings: Any, source: str | None) -> tuple[str, object]:
    """Whose they are, and the settings as plain values."""
    for name, reads in (("tenacity", _tenacity), ("stamina", _stamina), ("urllib3", _urllib3)):
        values = reads(settings)
        if values is not None:
            if source not in (None, name):
                raise ValueError(f"source is {source!r}, but the settings are {name}'s; leave source out")
            return name, values
    if isinstance(settings, (str, bytes)):
        return _named(source), json_value(settings, "the settings are")
    if hasattr(settings, "keys") and hasattr(settings, "items"):
        return _named(source), _listed(dict(settings.items()))
    kind = type(settings).__name__
    raise TypeError(f"settings are of type {kind}, allowed an object of tenacity, stamina or urllib3, a mapping or JSON text; pass one of these")


def _named(source: str | None) -> str:
    if source not in _core.SOURCES:
        allowed = ", ".join(_core.SOURCES[:-1]) + f" or {_core.SOURCES[-1]}"
        raise ValueError(f"source is {source!r}, allowed for plain values {allowed}; pass the one whose settings they are")
    return source


def _listed(value: object) -> object:
    """With lists for all that libraries take in their place; sets in the order of their texts."""
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [_listed(item) for item in value]
    return sorted(value, key=str) if isinstance(value, (set, frozenset)) else value


def _loaded(module: str, name: str) -> Any:
    """A class of a library that the program has imported; else an empty tuple, of which nothing is an instance."""
    return getattr(sys.modules.get(module), name, ())


# tenacity


def _tenacity(settings: Any) -> dict[str, object] | None:
    kind = _loaded("tenacity", "BaseRetrying")
    retrying = settings if isinstance(settings, kind) else getattr(settings, "retry", None)
    if not isinstance(retrying, kind):
        return None
    values = {
        "stop": _described(retrying.stop, STOPS),
        "wait": _described(retrying.wait, WAITS),
        "retry": retrying.retry,
        "reraise": retrying.reraise,
        "enabled": getattr(retrying, "enabled", True),
    }
    tenacity = sys.modules["tenacity"]
    for name, usual in (("before", "before_nothing"), ("after", "after_nothing")):
        if getattr(retrying, name) is not getattr(tenacity, usual, None):
            values[name] = getattr(retrying, name)
    for name in ("before_sleep", "retry_error_callback"):
        if getattr(retrying, name) is not None:
            values[name] = getattr(retrying, name)
    if retrying.retry_error_cls is not getattr(tenacity, "RetryError", None):
        values["retry_error_cls"] = retrying.retry_error_cls
    return values


def _described(strategy: Any, known: dict[str, Callable[[Any], object]]) -> object:
    """A stop or wait by the name of its class; one that is none of tenacity's own as it is, which reads as a function."""
    kind = type(strategy)
    if kind.__name__ == "_stop_never":
        return "stop_never"
    if kind.__module__.split(".")[0] != "tenacity" or kind.__name__ not in known:
        return strategy
    return {kind.__name__: known[kind.__name__](strategy)}


def _attributes(*names: str, **renamed: str) -> Callable[[Any], object]:
    """Arguments from the attributes that keep them."""
    kept = {**{name: name for name in names}, **renamed}
    return lambda strategy: {name: getattr(strategy, attribute) for name, attribute in kept.items()}


STOPS: dict[str, Callable[[Any], object]] = {
    "stop_after_attempt": lambda stop: stop.max_attempt_number,
    "stop_after_delay": lambda stop: stop.max_delay,
    "stop_before_delay": lambda stop: stop.max_delay,
    "stop_any": lambda stop: [_described(inner, STOPS) for inner in stop.stops],
    "stop_all": lambda stop: [_described(inner, STOPS) for inner in stop.stops],
    "stop_when_event_set": lambda stop: stop.event,
}
WAITS: dict[str, Callable[[Any], object]] = {
    "wait_none": lambda wait: {},
    "wait_fixed": lambda wait: wait.wait_fixed,
    "wait_random": _attributes(min="wait_random_min", max="wait_random_max"),
    "wait_exponential": _attributes("multiplier", "max", "exp_base", "min"),
    "wait_random_exponential": _attributes("multiplier", "max", "exp_base", "min"),
    "wait_exponential_jitter": _attributes("multiplier", "max", "exp_base", "jitter", "min"),
    "wait_incrementing": _attributes("start", "increment", "max"),
    "wait_chain": lambda wait: [_described(inner, WAITS) for inner in wait.strategies],
    "wait_combine": lambda wait: [_described(inner, WAITS) for inner in wait.wait_funcs],
    "wait_exception": lambda wait: wait.predicate,
}


# stamina


def _stamina(settings: Any) -> dict[str, object] | None:
    if getattr(settings, "__globals__", {}).get("__name__") == "stamina._core":
        raise TypeError(
            "settings are a function that stamina decorates, which keeps them where nobody can read them; pass the keyword arguments of "
            'stamina.retry as a dict with source="stamina", or a RetryingCaller'
        )
    caller = getattr(settings, "_caller", settings)
    if isinstance(caller, _loaded("stamina._core", "BaseRetryingCaller")):
        values = dict(caller._context_kws)
        on = getattr(settings, "_on", None)
        return values if on is None else {**values, "on": on}
    if isinstance(settings, _loaded("stamina._core", "_RetryContextIterator")):
        names = {"attempts": "_attempts", "wait_initial": "_wait_initial", "wait_max": "_wait_max", "wait_jitter": "_wait_jitter",
                 "wait_exp_base": "_wait_exp_base"}  # fmt: skip
        values = {name: getattr(settings, attribute) for name, attribute in names.items()}
        return {**values, "timeout": next(_delays(settings._t_kw["stop"]), None)}
    return None


def _delays(stop: Any) -> Iterator[float]:
    for inner in getattr(stop, "stops", (stop,)):
        if hasattr(inner, "max_delay"):
            yield inner.max_delay


# urllib3


def _urllib3(settings: Any) -> dict[str, object] | None:
    if not isinstance(settings, _loaded("urllib3.util.retry", "Retry")):
        return None
    values = {name: getattr(settings, name) for name in URLLIB3 if hasattr(settings, name)}
    # Before urllib3 2 the longest wait belonged to the class.
    values.setdefault("backoff_max", getattr(settings, "DEFAULT_BACKOFF_MAX", 120))
    # Each entry knows a request of the user's, of which only that it was made matters.
    values["history"] = [True] * len(settings.history)
    return {name: _listed(value) for name, value in values.items()}


URLLIB3 = (
    "total", "connect", "read", "redirect", "status", "other", "allowed_methods", "status_forcelist", "backoff_factor", "backoff_max",
    "backoff_jitter", "respect_retry_after_header", "retry_after_max", "raise_on_redirect", "raise_on_status", "remove_headers_on_redirect",
)  # fmt: skip
