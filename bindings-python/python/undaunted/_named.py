"""What policies share by its name: there is one of a name in a process, for as long as somebody holds it."""

from __future__ import annotations

import os
from _thread import RLock

from ._errors import PolicyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar
    from weakref import ref

    T = TypeVar("T")


class Names:
    """The things of one kind that are held somewhere, by name; made once for a kind, as it is never forgotten."""

    __slots__ = ("_known", "_lock")

    def __init__(self) -> None:
        self._known: dict[str, ref[Any]] = {}
        #: Held while a name is looked up; again by the same thread if a thing is let go meanwhile.
        self._lock = RLock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew_lock)

    def find_or_make(self, name: str, problems: Callable[[T | None], list[tuple[str, str, str]]], make: Callable[[], T]) -> T:
        """The one of this name. Raises PolicyError with the `problems` that the one that is there, or None, makes."""
        from weakref import ref

        with self._lock:
            kept = self._known.get(name)
            found = None if kept is None else kept()
            if told := problems(found):
                raise PolicyError(told)
            if found is None:
                found = make()
                self._known[name] = ref(found, lambda gone: self._forget(name, gone))
            return found

    def _renew_lock(self) -> None:
        """In a forked child: a thread of the parent's may have held it, and is not there to release it."""
        self._lock = RLock()

    def _forget(self, name: str, gone: ref[Any]) -> None:
        if self._known.get(name) is gone:
            del self._known[name]
