"""`Bulkhead`: at most so many calls at once, and a bounded queue, first come, first served; for threads, asyncio and trio together."""

from __future__ import annotations

import sys
from _thread import allocate_lock

from . import _core
from ._guard import check_name, checked, refuse_awaitable
from ._run import is_trio, warn_if_loop_runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, Protocol, TypeVar

    from ._options import BulkheadSnapshot

    T = TypeVar("T")

    class Waiter(Protocol):
        ticket: int

        def admit(self) -> bool: ...


class BulkheadFull(Exception):
    """A bulkhead refused the call, on this side: as many run and wait as may. Nothing was sent."""

    def __init__(self, limit: int, queue: int, name: str | None = None) -> None:
        super().__init__(limit, queue, name)
        self.limit = limit
        self.queue = queue
        self.name = name

    def __str__(self) -> str:
        which = "the bulkhead" if self.name is None else f"the bulkhead {self.name}"
        return f"{which} is full, with {self.limit} calls that run and {self.queue} that wait; nothing was sent"


class Bulkhead:
    """At most `limit` calls at once (1 to 1000000); up to `queue` more (0) wait their turn, in the order they came; others raise
    `BulkheadFull`.

    `with` and `call` wait in the thread, `async with` and `call_async` in asyncio or trio; all may share one bulkhead. Whoever is cancelled
    while waiting leaves the queue; a place that it was given at that moment goes to the next. Raises PolicyError with every mistake at once.
    """

    __slots__ = ("__weakref__", "_core", "_limit", "_line", "_lock", "_queue", "name")

    def __init__(self, limit: int, *, queue: int = 0, name: str | None = None) -> None:
        self.name = check_name(name)
        self._core = checked(_core.Bulkhead.compile({"limit": limit, "queue": queue}, "python"))
        self._limit = limit
        self._queue = queue
        self._lock = allocate_lock()
        #: Who waits, by ticket: tickets rise, so the first is the lowest.
        self._line: dict[int, Waiter] = {}

    def call(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Calls a function in its turn. Raises BulkheadFull."""
        with self:
            result = fn(*args, **kwargs)
        return refuse_awaitable(result, fn) if hasattr(result, "__await__") else result

    async def call_async(self, fn: Callable[..., Awaitable[T]], /, *args: Any, **kwargs: Any) -> T:
        """Calls an async function in its turn. Raises BulkheadFull."""
        async with self:
            return await fn(*args, **kwargs)

    def snapshot(self) -> BulkheadSnapshot:
        """How many calls are `running`, and how many are `waiting`."""
        running, waiting = self._core.look()
        return {"running": running, "waiting": waiting}

    def __enter__(self) -> None:
        waiter = self._enter(ThreadWaiter)
        if waiter is not None:
            warn_if_loop_runs()
            try:
                waiter.wait()
            except BaseException:
                self._give_up(waiter)
                raise

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._leave()

    async def __aenter__(self) -> None:
        waiter = self._enter(TrioWaiter if "trio" in sys.modules and is_trio() else AsyncioWaiter)
        if waiter is not None:
            try:
                await waiter.wait()
            except BaseException:
                self._give_up(waiter)
                raise

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._leave()

    def __repr__(self) -> str:
        running, waiting = self._core.look()
        return f"<Bulkhead {self.name or ''} {running} of {self._limit} running, {waiting} of {self._queue} waiting>".replace("  ", " ")

    def _enter(self, kind: type[Any]) -> Any:
        """None to go in, or who waits now. Raises BulkheadFull."""
        with self._lock:
            ticket = self._core.enter()
            if ticket is None:
                raise BulkheadFull(self._limit, self._queue, self.name)
            if ticket == 0:
                return None
            waiter = self._line[ticket] = kind(ticket)
            return waiter

    def _leave(self) -> None:
        """Hands the place on. One that can no longer be told, since its event loop is closed, hands it on in turn."""
        while True:
            with self._lock:
                if not self._core.leave():
                    return
                waiter = self._line.pop(next(iter(self._line)))
            if waiter.admit():
                return

    def _give_up(self, waiter: Waiter) -> None:
        with self._lock:
            if self._line.pop(waiter.ticket, None) is not None:
                self._core.cancel()
                return
        self._leave()


class ThreadWaiter:
    __slots__ = ("_admitted", "ticket")

    def __init__(self, ticket: int) -> None:
        self.ticket = ticket
        # Held until its turn comes.
        self._admitted = allocate_lock()
        self._admitted.acquire()

    def wait(self) -> None:
        self._admitted.acquire()

    def admit(self) -> bool:
        self._admitted.release()
        return True


class AsyncioWaiter:
    __slots__ = ("_asyncio", "_future", "_loop", "ticket")

    def __init__(self, ticket: int) -> None:
        import asyncio

        self.ticket = ticket
        self._asyncio = asyncio
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] = self._loop.create_future()

    async def wait(self) -> None:
        await self._future

    def admit(self) -> bool:
        if self._asyncio._get_running_loop() is self._loop:
            self._tell()
            return True
        try:
            self._loop.call_soon_threadsafe(self._tell)
        except RuntimeError:
            return False
        return True

    def _tell(self) -> None:
        # One that was cancelled meanwhile gives up its place when it wakes.
        if not self._future.done():
            self._future.set_result(None)


class TrioWaiter:
    __slots__ = ("_event", "_token", "_trio", "ticket")

    def __init__(self, ticket: int) -> None:
        trio: Any = sys.modules["trio"]
        self.ticket = ticket
        self._trio = trio
        self._token = trio.lowlevel.current_trio_token()
        self._event = trio.Event()

    async def wait(self) -> None:
        await self._event.wait()

    def admit(self) -> bool:
        if is_trio() and self._trio.lowlevel.current_trio_token() is self._token:
            self._event.set()
            return True
        try:
            self._token.run_sync_soon(self._event.set)
        except self._trio.RunFinishedError:
            return False
        return True
