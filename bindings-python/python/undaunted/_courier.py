"""How errands get to a store and back: callers that ask at the same time go together, and none waits longer than its `timeout`."""

from __future__ import annotations

import _thread
import sys
import time
from contextlib import suppress
from functools import partial
from weakref import ref

from ._wire import send, send_async

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine
    from typing import Any

    from ._links import Errand
    from ._store import Store


class Trip:
    """What goes to a store together, and comes back: of one caller, or what was noted."""

    __slots__ = ("errands", "finds", "is_answered", "leave", "questions", "tell")

    def __init__(self, errands: list[Errand], leave: tuple[int, int] | None, finds: int, questions: list[Errand]) -> None:
        self.errands = errands
        #: The front breaker's leave; None if it goes without.
        self.leave = leave
        #: How often the store had been found then.
        self.finds = finds
        #: Those of the errands whose answers say that a lost store is there again.
        self.questions = questions
        #: Whether the answer came in time; None as long as that is open. Whoever settles it first is right.
        self.is_answered: bool | None = None
        #: Lets go on who waits for it.
        self.tell: Callable[[], None] | None = None


class Carrier:
    """Trips of one thread or event loop, one batch after the other: while one is on its way the next gathers."""

    __slots__ = ("_lock", "_on_the_way", "_queue", "_store")

    def __init__(self, store: Store) -> None:
        self._lock = store._lock
        self._store = ref(store, self._wake)
        self._queue: list[Trip] = []
        self._on_the_way: list[Trip] = []

    def waiting(self) -> list[Trip]:
        """Takes out those that were not sent yet, as they are in vain; answers them, and those of which no answer came yet."""
        with self._lock:
            queue, self._queue = self._queue, []
            return [*self._on_the_way, *queue]

    def _batch(self) -> list[Trip]:
        """What goes next: so much that nobody waits long for the answers of others."""
        with self._lock:
            queue = [trip for trip in self._queue if trip.is_answered is None]
            self._on_the_way, self._queue = queue[:BATCH], queue[BATCH:]
            return self._on_the_way

    def _wake(self, store: object) -> None:
        """The store is gone."""


class Courier(Carrier):
    """A thread that takes errands to a store, and tells it what was noted. It sleeps while there is nothing, and ends with the store.

    Whatever it hangs in, be it the name of a server, keeps no caller: they wait for it, for `timeout` at most.
    """

    __slots__ = ("_at", "_bell", "_is_asleep", "_thread")

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        #: When something is to be told.
        self._at: float | None = None
        #: Released to wake it. No condition: Ctrl-C in the midst of one might leave its lock taken.
        self._bell = taken()
        self._is_asleep = False
        self._thread: object = None

    def carry(self, store: Store, trip: Trip) -> bool:
        """Whether it was answered. Waits `timeout` at most."""
        if not self._has_thread():
            # At the end of a program, say.
            self._go(store, [trip])
            return trip.is_answered is True
        gate = taken()
        trip.tell = gate.release
        try:
            with self._lock:
                self._queue.append(trip)
                self._ring()
            # Of a busy process the answer may be there when the time is over: a last look lets the thread read it.
            in_time = gate.acquire(True, store.timeout * 0.9) or gate.acquire(True, store.timeout * 0.1)
            if not in_time and not store._failed([trip], no_answer(store)):
                # It is being read.
                gate.acquire()
        except BaseException:
            if not store._interrupted([trip]):
                gate.acquire(True, store.timeout)
                store._give_back(trip.errands)
            raise
        return trip.is_answered is True

    def due(self, at: float) -> None:
        """Something is to be told then."""
        if self._at is not None and self._at <= at:
            return
        with self._lock:
            if self._at is None or at < self._at:
                self._at = at
                self._ring()
        self._has_thread()

    def _wake(self, store: object) -> None:
        with self._lock:
            self._at = 0.0
            self._ring()

    def _ring(self) -> None:
        if self._is_asleep:
            self._is_asleep = False
            self._bell.release()

    def _has_thread(self) -> bool:
        """Starts it if it does not run. No thread can be started at the end of a program, and in some that embed Python."""
        if self._thread is not None:
            return True
        from threading import Thread

        with self._lock:
            if self._thread is not None:
                return True
            thread = self._thread = object()
            # Of its own kind, if gevent has replaced both meanwhile.
            self._bell = taken()
        try:
            Thread(target=self._run, args=(thread,), name="undaunted-fleet", daemon=True).start()
        except RuntimeError:
            self._thread = None
            return False
        except BaseException:
            # If it runs all the same, it ends.
            self._thread = None
            raise
        return True

    def _run(self, thread: object) -> None:
        try:
            while self._thread is thread:
                self._sleep()
                store = self._store()
                if store is None or not self._work(store):
                    return
                del store
        finally:
            if self._thread is thread:
                self._thread = None

    def _sleep(self) -> None:
        """Until there is something to do."""
        with self._lock:
            self._is_asleep = True
            left = -1.0 if self._at is None else max(0.0, self._at - time.monotonic())
            is_idle = not self._queue and left != 0
        was_rung = is_idle and self._bell.acquire(True, left)
        with self._lock:
            if self._is_asleep:
                self._is_asleep = False
            elif not was_rung:
                self._bell.acquire()

    def _work(self, store: Store) -> bool:
        """Takes all there that waits; whether the store is open."""
        is_due = self._at is not None and self._at <= time.monotonic()
        if is_due:
            self._at = None
            if (news := store._news()) is not None:
                with self._lock:
                    self._queue.append(news)
        while batch := self._batch():
            self._go(store, batch)
        if is_due and (renewal := store._next_renewal()) is not None:
            self.due(time.monotonic() + renewal)
        if store.is_closed:
            # What was on its way then has its connection still.
            store._hang_up()
        return not store.is_closed

    def _go(self, store: Store, batch: list[Trip]) -> None:
        try:
            began = time.monotonic()
            replies = send(store._own_client(), [errand for trip in batch for errand in trip.errands])
            if time.monotonic() - began > store.timeout:
                # Nobody waits for a search, but who would find the store by it would lose it at once.
                store._failed([trip for trip in batch if trip.questions], no_answer(store))
            if not store._arrived(batch, replies):
                store._hang_up()
        except Warning:
            # One that is an error by a filter of the program's: nobody is here to hear of it.
            store._hang_up()
        except Exception as error:
            with suppress(Warning):
                store._failed(batch, error)
        finally:
            self._on_the_way = []
            # Those of which nothing is known, as something ended it.
            store._interrupted(batch)


class Desk(Carrier):
    """What a store has in one event loop: a client, a timer and the tasks that it started."""

    __slots__ = ("_client", "_loop", "_sender", "_tasks", "_timer")

    def __init__(self, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(store)
        self._loop = loop
        self._client: Any = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._sender: asyncio.Task[None] | None = None

    def client(self) -> Any:
        if self._client is None:
            store = self._store()
            self._client = None if store is None else store._own_async_client()
        return self._client

    async def carry(self, store: Store, trip: Trip) -> bool:
        """Whether it was answered. Waits `timeout` at most."""
        future: asyncio.Future[None] = self._loop.create_future()
        trip.tell = partial(self._tell, future)
        with self._lock:
            self._queue.append(trip)
        if self._sender is None:
            self._sender = self._begin(self._send())
        timer = self._loop.call_later(store.timeout, self._over, trip, store.timeout, self._loop.time() + store.timeout)
        try:
            await future
        except BaseException:
            if not store._interrupted([trip]):
                store._give_back(trip.errands)
            raise
        finally:
            timer.cancel()
        return trip.is_answered is True

    def due(self, delay: float) -> None:
        """Something is to be told, in so many seconds at the latest."""
        at = self._loop.time() + delay
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = self._loop.call_later(delay, self._start)

    def _tell(self, future: asyncio.Future[None]) -> None:
        asyncio: Any = sys.modules["asyncio"]
        if asyncio._get_running_loop() is self._loop:
            wake(future)
        else:
            with suppress(RuntimeError):  # the loop is closed, and nobody waits
                self._loop.call_soon_threadsafe(wake, future)

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._sender is not None:
            self._sender.cancel()
        store, client, self._client = self._store(), self._client, None
        if client is not None and store is not None and client is not store._async_given:
            try:
                await (client.aclose() if hasattr(client, "aclose") else client.close())
            except Exception:
                pass  # what cannot be closed in time is let go

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _start(self) -> None:
        self._timer = None
        self._begin(self._flush())

    async def _flush(self) -> None:
        store = self._store()
        if store is not None:
            with suppress(Warning):  # one that is an error by a filter of the program's: nobody is here to hear of it
                await store._flush_async()
            if (renewal := store._next_renewal()) is not None:
                self.due(renewal)

    def _over(self, trip: Trip, most: float, due: float) -> None:
        """The time of a trip is over. A loop that was too busy to look may not even have sent it: how long it was does not count, once."""
        late = min(self._loop.time() - due, most)
        if late > 0.001 and trip.is_answered is None:
            self._loop.call_later(late, self._expire, trip, 2)
        else:
            self._expire(trip, 2)

    def _expire(self, trip: Trip, turns: int) -> None:
        """A loop may find out that the time is over together with the answer, which is read within two more turns."""
        if trip.is_answered is not None:
            return
        if turns:
            self._loop.call_soon(self._expire, trip, turns - 1)
        elif (store := self._store()) is not None:
            with suppress(Warning):
                store._failed([trip], no_answer(store))

    async def _send(self) -> None:
        try:
            while batch := self._batch():
                store = self._store()
                if store is None:
                    return
                await self._go(store, batch)
        finally:
            self._sender = None
            if (store := self._store()) is not None:
                # Only if it was cancelled.
                store._interrupted(self.waiting())

    async def _go(self, store: Store, batch: list[Trip]) -> None:
        import asyncio

        try:
            async with asyncio.timeout(store._patience):
                replies = await send_async(self.client(), [errand for trip in batch for errand in trip.errands])
            if not store._arrived(batch, replies) and store._async_given is None:
                await self.client().connection_pool.disconnect(inuse_connections=False)
        except Exception as error:
            with suppress(Warning):
                store._failed(batch, error)
        finally:
            self._on_the_way = []
            # Those of which nothing is known, as it was cancelled.
            store._interrupted(batch)


def wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def taken() -> _thread.LockType:
    lock = _thread.allocate_lock()
    lock.acquire()
    return lock


def no_answer(store: Store) -> TimeoutError:
    return TimeoutError(f"no answer within {store.timeout:g} s")


#: How many trips go together at most. Those that ask for retries are one command.
BATCH = 1000
