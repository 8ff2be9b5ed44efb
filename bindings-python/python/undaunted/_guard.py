"""What breakers, throttles, bulkheads and hedges share: their options, their clock, and which errors count."""

from __future__ import annotations

import time
from contextvars import ContextVar

from . import _switch
from ._errors import PolicyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeVar

    from ._testing import Testing

    T = TypeVar("T")


def now() -> int:
    """Whole microseconds of the clock that does not jump, or of `testing()`."""
    testing = in_testing()
    return round(time.monotonic() * 1e6) if testing is None else testing._now


def in_testing() -> Testing | None:
    """The `testing()` context that runs here."""
    return _switch.testing.get() if _switch.testing_contexts else None


def checked(compiled: tuple[T | None, list[tuple[str, str, str]]]) -> T:
    """What was compiled. Raises PolicyError with every mistake in it."""
    guard, problems = compiled
    if guard is None:
        raise PolicyError(problems)
    return guard


def check_seed(seed: Any) -> int | None:
    if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 1 << 64):
        raise ValueError(f"seed is {seed!r}, allowed a whole number from 0 to 2^64 - 1; pass one, or leave seed out")
    return seed


def check_name(name: Any) -> str | None:
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name is {name!r}, allowed text; pass a string")
    return name


class Counting:
    """`on`: which errors count."""

    __slots__ = ("_hook", "_types")

    def __init__(self, on: Any) -> None:
        types = on if isinstance(on, tuple) else (on,)
        is_types = bool(types) and all(isinstance(kind, type) and issubclass(kind, Exception) for kind in types)
        if not is_types and (isinstance(on, (type, tuple)) or not callable(on)):
            raise TypeError(f"on is {on!r}, allowed exception types, a tuple of them, or a function of the error; pass one of these")
        self._types: tuple[type[Exception], ...] = types if is_types else ()
        self._hook: Callable[[Exception], bool] | None = None if is_types else on

    def counts(self, error: Exception) -> bool:
        return isinstance(error, self._types) if self._hook is None else bool(self._hook(error))


def outcome_of(error: BaseException | None, counting: Counting) -> str:
    """`ok`; `dropped` for what cancels; `failed` for what counts; `ignored` for other errors."""
    if error is None:
        return "ok"
    if not isinstance(error, Exception):
        return "dropped"
    return "failed" if counting.counts(error) else "ignored"


def refuse_awaitable(result: Any, fn: object) -> Any:
    """Closes what a synchronous call cannot wait for, and raises TypeError."""
    if hasattr(result, "close"):
        result.close()
    raise TypeError(f"{fn!r} returned an awaitable, allowed a plain result; use call_async")


class Guard:
    """What wraps a call: something is done before it, and something after it with the error that it ended in."""

    __slots__ = ()

    def call(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Calls a function under the guard."""
        token = self._before()
        try:
            result = fn(*args, **kwargs)
        except BaseException as error:
            self._after(token, error)
            raise
        is_plain = not hasattr(result, "__await__")
        self._after(token, None if is_plain else NOT_CALLED)
        return result if is_plain else refuse_awaitable(result, fn)

    async def call_async(self, fn: Callable[..., Awaitable[T]], /, *args: Any, **kwargs: Any) -> T:
        """Calls an async function under the guard."""
        token = await self._before_async()
        try:
            result = await fn(*args, **kwargs)
        except BaseException as error:
            self._after(token, error)
            raise
        self._after(token, None)
        return result

    def __enter__(self) -> None:
        _entered.set((self, self._before(), _entered.get()))

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        entry = _entered.get()
        if entry is None or entry[0] is not self:
            raise RuntimeError(f"{self!r} is left in another task or order than it was entered; use one with block inside another")
        _entered.set(entry[2])
        self._after(entry[1], error)

    def _before(self) -> Any:
        raise NotImplementedError

    async def _before_async(self) -> Any:
        """The same where it may be awaited."""
        return self._before()

    def _after(self, token: Any, error: BaseException | None) -> None:
        raise NotImplementedError


#: The with blocks that a task or thread is in, the innermost first: guard, what `_before` gave it, the block around it.
_entered: ContextVar[tuple[Guard, Any, Any] | None] = ContextVar("undaunted_entered", default=None)
#: Stands for the end of a call that was none.
NOT_CALLED = GeneratorExit()
