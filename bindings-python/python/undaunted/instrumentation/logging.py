"""Events as records of the standard library's logging."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ._facts import checked, code_of, facts_of, name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._events import Event, Kind


class LoggingHook:
    """A hook that logs: `undaunted.on_event(LoggingHook())`, or as a policy's `on_event`.

    A record reads `fetch: attempt 1 failed by http 503 (transient), the next comes in 0.52 s`. What it says has it as attributes, too:
    `undaunted.name`, `.attempt`, `.elapsed` and `.delay` in seconds, `.reason`, `.class`, `.code`, `.error` (its `repr`), `.policy_version`, `.call_seed`.
    Arguments and results of the call are never logged.

    `logger` is the logger's name. `levels` are those of the kinds of events to log, by default `WARNING` for `scheduled` and `ERROR` for
    `gave_up`; `prefix` begins the names of the attributes. Raises ValueError for a kind that there is not.
    """

    __slots__ = ("_levels", "_logger", "_prefix")

    def __init__(self, logger: str = "undaunted", *, levels: Mapping[Kind, int] | None = None, prefix: str = "undaunted.") -> None:
        self._logger = logging.getLogger(logger)
        self._levels: dict[Kind, int] = {"scheduled": logging.WARNING, "gave_up": logging.ERROR} if levels is None else {**levels}
        self._prefix = prefix
        checked(self._levels)

    def __call__(self, event: Event) -> None:
        level = self._levels.get(event.kind)
        if level is not None and self._logger.isEnabledFor(level):
            extra = {f"{self._prefix}{name}": value for name, value in facts_of(event).items()}
            self._logger.log(level, "%s: %s", name_of(event), sentence(event), extra=extra)

    def __reduce__(self) -> Any:
        return _restored, (self._logger.name, self._levels, self._prefix)


def sentence(event: Event) -> str:
    """What happened, for a reader."""
    if event.kind == "attempt":
        return f"attempt {event.attempt} starts"
    if event.kind == "success":
        return f"attempt {event.attempt} succeeded after {event.elapsed:.3g} s"
    class_ = "" if event.class_ is None else f" by {code_of(event)} ({event.class_})"
    if event.kind == "scheduled":
        return f"attempt {event.attempt} failed{class_}, the next comes in {event.delay or 0:.3g} s"
    return f"gave up at attempt {event.attempt}{class_} after {event.elapsed:.3g} s: {event.reason}"


def _restored(logger: str, levels: dict[Kind, int], prefix: str) -> LoggingHook:
    return LoggingHook(logger, levels=levels, prefix=prefix)
