"""The switch, and test mode, which is the whole process's."""

from __future__ import annotations

from ... import _switch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType


def is_active() -> bool:
    """Whether retrying is switched on."""
    return _switch.is_active()


def set_active(active: bool) -> None:
    """Switches retrying on or off for the whole process, as `undaunted.set_active`."""
    _switch.set_active(active)


def is_testing() -> bool:
    """Whether test mode is on."""
    return CONFIG.testing is not None


def set_testing(testing: bool, *, attempts: int = 1, cap: bool = False) -> _Restoring:
    """Switches test mode on or off for the whole process; as a context manager it is put back afterwards.

    In test mode nothing is waited, no time is up, and calls have `attempts` attempts, also where they would have fewer, unless `cap` is
    true. `undaunted.testing()` is for one task or thread, and records the waits.
    """
    before = CONFIG.testing
    CONFIG.testing = _Testing(attempts, cap) if testing else None
    return _Restoring(before)


class _Testing:
    """Test mode: how many attempts there are."""

    __slots__ = ("attempts", "cap")

    def __init__(self, attempts: int, cap: bool) -> None:
        self.attempts = attempts
        self.cap = cap

    def get_attempts(self, own: int | None) -> int:
        """Of a call that has so many of its own; None is no limit."""
        return min(self.attempts, own) if self.cap and own else self.attempts


class _Restoring:
    """Puts back the test mode there was."""

    __slots__ = ("_before",)

    def __init__(self, before: _Testing | None) -> None:
        self._before = before

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        CONFIG.testing = self._before


class _Config:
    """What holds for the whole process."""

    __slots__ = ("testing",)

    def __init__(self) -> None:
        self.testing: _Testing | None = None


CONFIG = _Config()
