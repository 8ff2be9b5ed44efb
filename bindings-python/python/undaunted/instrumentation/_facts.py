"""What an event says, as plain values."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._events import Event, Kind


def facts_of(event: Event) -> dict[str, str | int | float]:
    """What is known, times in seconds rounded to microseconds. Of the error its `repr`; nothing of arguments and results."""
    found: dict[str, str | int | float | None] = {
        "name": name_of(event),
        "attempt": event.attempt,
        "elapsed": round(event.elapsed, 6),
        "delay": event.delay,
        "reason": event.reason,
        "class": event.class_,
        "code": event.code,
        "error": None if event.error is None else repr(event.error),
        "policy_version": event.policy.version,
        "call_seed": None if event.call_seed is None else str(event.call_seed),
    }
    return {name: value for name, value in found.items() if value is not None}


def name_of(event: Event) -> str:
    """Whose call it is; a block without a name has this one."""
    return event.name or "<block>"


def code_of(event: Event) -> str:
    """What the failure went by; a result that was not accepted has no code."""
    return event.code or "result"


def checked(levels: Mapping[Kind, object]) -> None:
    """Raises ValueError for kinds of events that there are not."""
    for kind in levels:
        if kind not in KINDS:
            raise ValueError(f"levels names {kind!r}, allowed {', '.join(KINDS[:-1])} or {KINDS[-1]}; name kinds of events")


KINDS = ("attempt", "scheduled", "success", "gave_up")
