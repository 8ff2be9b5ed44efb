"""Events as entries of structlog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from ._facts import checked, facts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._events import Event, Kind


class StructlogHook:
    """A hook that logs through structlog: `undaunted.on_event(StructlogHook())`, or as a policy's `on_event`.

    Entries are `undaunted.scheduled`, `undaunted.gave_up` and so on, with the keys `name`, `attempt`, `elapsed` and `delay` in seconds,
    `reason`, `class`, `code`, `error` (its `repr`), `policy_version` and `call_seed`, as far as they are known. Arguments and results of the call are never logged.

    `logger` is what the logger is asked for by. `levels` are the names of the methods for the kinds of events to log, by default `warning`
    for `scheduled` and `error` for `gave_up`; `prefix` begins the names of the entries. Raises ValueError for a kind that there is not.
    """

    __slots__ = ("_levels", "_log", "_logger", "_prefix")

    def __init__(self, logger: str = "undaunted", *, levels: Mapping[Kind, str] | None = None, prefix: str = "undaunted.") -> None:
        self._logger = logger
        self._levels: dict[Kind, str] = {"scheduled": "warning", "gave_up": "error"} if levels is None else {**levels}
        self._prefix = prefix
        self._log: Any = structlog.get_logger(logger)
        checked(self._levels)

    def __call__(self, event: Event) -> None:
        level = self._levels.get(event.kind)
        if level is not None:
            getattr(self._log, level)(f"{self._prefix}{event.kind}", **facts_of(event))

    def __reduce__(self) -> Any:
        return _restored, (self._logger, self._levels, self._prefix)


def _restored(logger: str, levels: dict[Kind, str], prefix: str) -> StructlogHook:
    return StructlogHook(logger, levels=levels, prefix=prefix)
