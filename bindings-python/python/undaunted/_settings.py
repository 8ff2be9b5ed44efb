"""What a call needs that no policy file can hold: types, hooks, seeds, events of this process."""

from __future__ import annotations

from . import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._events import Hook


class Settings:
    """`on`, `retry_if_result`, `on_event`, `name`, `seed` and `cancel`, checked."""

    __slots__ = ("cancel", "hooks", "is_plain", "name", "on", "on_event", "retry_if_result", "seed", "types")

    def __init__(self, given: dict[str, Any]) -> None:
        self.on: Any = given.get("on")
        self.types, self.hooks = split_on(self.on)
        self.retry_if_result: Callable[[Any], Any] | None = given.get("retry_if_result")
        if self.retry_if_result is not None and not callable(self.retry_if_result):
            raise TypeError(f"retry_if_result is {self.retry_if_result!r}, allowed a callable; pass a function of the result")
        self.on_event: tuple[Hook, ...] = listed(given.get("on_event"))
        self.name: str | None = given.get("name")
        if self.name is not None and not isinstance(self.name, str):
            raise TypeError(f"name is {self.name!r}, allowed text; pass a string")
        self.seed: _core.Seed | None = seed_of(given.get("seed"))
        self.cancel: Any = given.get("cancel")
        if self.cancel is not None and not (hasattr(self.cancel, "wait") and hasattr(self.cancel, "is_set")):
            raise TypeError(f"cancel is {self.cancel!r}, allowed a threading.Event; pass one")
        self.is_plain = self.retry_if_result is None and not self.on_event and self.cancel is None

    def given(self) -> dict[str, Any]:
        """What was set, as keyword arguments."""
        seed = None if self.seed is None else self.seed.value
        fields = {
            "on": self.on,
            "retry_if_result": self.retry_if_result,
            "on_event": self.on_event or None,
            "name": self.name,
            "seed": seed,
            "cancel": self.cancel,
        }
        return {name: value for name, value in fields.items() if value is not None}


def split_on(on: Any) -> tuple[tuple[type[Exception], ...] | None, list[Callable[[Exception], Any]]]:
    """The types and the hooks of `on`."""
    if on is None:
        return None, []
    types: list[type[Exception]] = []
    hooks: list[Callable[[Exception], Any]] = []
    for item in on if isinstance(on, tuple) else (on,):
        if isinstance(item, type) and issubclass(item, BaseException):
            if not issubclass(item, Exception) or issubclass(item, (StopIteration, StopAsyncIteration)):
                raise TypeError(f"on names {item.__qualname__}, which is never retried; name Exception or one of its subclasses")
            types.append(item)
        elif isinstance(item, type) or not callable(item):
            raise TypeError(f"on is {item!r}, allowed exception types, hooks, or a tuple of these; pass one of them")
        else:
            hooks.append(item)
    if not types and not hooks:
        raise TypeError("on is an empty tuple, allowed exception types and hooks; leave on out to let the tables decide")
    return tuple(types) or None, hooks


def seed_of(seed: Any) -> _core.Seed | None:
    if seed is None or isinstance(seed, _core.Seed):
        return seed
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 1 << 64:
        raise ValueError(f"seed is {seed!r}, allowed a whole number from 0 to 2^64 - 1; pass one, or leave seed out")
    return _core.Seed(seed)


def seeds(own: _core.Seed | None, seed: int | None, call: int, call_seed: int | None) -> dict[str, int]:
    """Whose waits the lab draws, without what is not given; `own` is the policy's seed."""
    if seed is None and call_seed is None and own is not None:
        seed = own.value
    given = {"seed": seed, "call_seed": call_seed, "call": None if call == 1 else call}
    return {name: value for name, value in given.items() if value is not None}


def listed(hooks: Any) -> tuple[Hook, ...]:
    if hooks is None:
        return ()
    found = tuple(hooks) if isinstance(hooks, (list, tuple)) else (hooks,)
    for hook in found:
        if not callable(hook):
            raise TypeError(f"on_event is {hook!r}, allowed a callable or a list of them; pass a function that takes an Event")
    return found


NAMES = frozenset(("on", "retry_if_result", "on_event", "name", "seed", "cancel"))
