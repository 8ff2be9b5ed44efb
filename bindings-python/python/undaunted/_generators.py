"""Generators, by opt-in: after an error that is retried the function starts anew, and yields its first items again."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from typing import Any

    from ._block import Attempt
    from ._wrap import Begin


def generator_wrapper(fn: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    def retrying(*args: Any, **kwargs: Any) -> Any:
        for attempt in begin(args, kwargs):
            with attempt:
                attempt.result = yield from Steps(fn(*args, **kwargs), attempt)
        return attempt.result

    return retrying


def async_generator_wrapper(fn: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    async def retrying(*args: Any, **kwargs: Any) -> Any:
        async for attempt in begin(args, kwargs):
            with attempt:
                items: AsyncGenerator[Any, Any] = fn(*args, **kwargs)
                attempt._take_back()
                resume: Any = items.asend
                given: Any = None
                try:
                    while True:
                        attempt._hand_on()
                        try:
                            item = await resume(given)
                        except StopAsyncIteration:
                            break
                        finally:
                            attempt._take_back()
                        try:
                            given = yield item
                            resume = items.asend
                        except GeneratorExit:
                            attempt._is_closing = True
                            raise
                        except BaseException as thrown:
                            resume, given = items.athrow, thrown
                finally:
                    # An error leads back to this frame by its traceback.
                    given = None
                    await items.aclose()
                attempt.result = None

    return retrying


class Steps:
    """A generator under an attempt. Between its steps the consumer's code runs, which is no part of the attempt."""

    __slots__ = ("_attempt", "_items")

    def __init__(self, items: Generator[Any, Any, Any], attempt: Attempt) -> None:
        self._items = items
        self._attempt = attempt
        attempt._take_back()

    def __iter__(self) -> Steps:
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        self._attempt._hand_on()
        try:
            return self._items.send(value)
        finally:
            self._attempt._take_back()

    def throw(self, *error: Any) -> Any:
        self._attempt._hand_on()
        try:
            return self._items.throw(*error)
        finally:
            self._attempt._take_back()

    def close(self) -> None:
        self._attempt._is_closing = True
        self._items.close()
