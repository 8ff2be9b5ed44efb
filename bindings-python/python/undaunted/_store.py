"""The store of a fleet: its connections, its trips, and what is told it later."""

from __future__ import annotations

import os
import sys
import time
from _thread import RLock
from copy import copy
from weakref import WeakSet, ref

from . import _core
from ._courier import Courier, Desk, Trip
from ._run import is_trio, warn_if_loop_runs
from ._wire import check_client, is_asynchronous, kind_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator
    from typing import Any, Literal

    from redis import Redis, RedisCluster
    from redis.asyncio import Redis as AsyncRedis
    from redis.asyncio import RedisCluster as AsyncRedisCluster

    from ._links import Errand, Link
    from ._options import Duration


class StoreEvent:
    """What became of a store: `lost`, with the `error` that said so, or `back`. Told once each time."""

    __slots__ = ("error", "kind", "store")

    def __init__(self, kind: Literal["lost", "back"], store: Store, error: Exception | None = None) -> None:
        self.kind: Literal["lost", "back"] = kind
        self.store = store
        self.error = error

    def __repr__(self) -> str:
        return f"StoreEvent(kind={self.kind!r}, store={self.store!r}, error={self.error!r})"


class Store:
    """One Redis (6 or newer) or Valkey that the guards of a fleet share, over redis-py; any number of threads and tasks may share it.

    A URL (`redis://`, `rediss://`, `unix://`) makes connections of its own, synchronous ones and asyncio's, each when it is first needed.
    `Store(client)`, `Store(client, async_client)` and `Store(async_client=client)` take yours: `Redis`, `RedisCluster`, masters of a Sentinel.
    A synchronous one must give up by itself some time (`socket_timeout`), and not retry by itself (`retry`), as what is sent twice may count
    twice.

    `timeout` (50 ms; 1 ms to 10 s) is the longest that a call waits for an answer: one trip after each failure that is to be retried. That
    bounds all of it, also the look-up of a name and a slow greeting, since a thread makes the trips, in asyncio code a task of the running
    loop: over one connection, and for all that fail at the same time together. Where the loop was too busy to look it is twice that. What successes add is told `every` (0.5 s; 10 ms to 60 s)
    together.

    Without an answer the guards go on alone, with the share of this process, and one trip at a time finds out, after a second and then more
    rarely, whether the store is there again; calls do not wait for that. No error of the store ever reaches a caller. `on_event` hears of it
    as a `StoreEvent`, once each time; without it there is a RuntimeWarning. It should not wait: the store's thread may be who calls it.

    Keys begin with `prefix` ("undaunted"). A forked child has connections of its own. What is noted at the end of the program is sent then,
    if the store has a synchronous client; with asyncio's alone, `await store.aclose()`. Under trio the synchronous one is used, in a thread.
    Raises TypeError, ValueError, ImportError without redis-py.
    """

    __slots__ = (
        "__weakref__", "_async_given", "_client", "_courier", "_desks", "_finds", "_fleet_size", "_front", "_held", "_lock", "_member",
        "_on_event", "_owed", "_tied", "_untold", "_url", "every", "is_closed", "is_lost", "prefix", "timeout",
    )  # fmt: skip

    def __init__(
        self,
        client: str | Redis | RedisCluster | None = None,
        async_client: AsyncRedis | AsyncRedisCluster | None = None,
        *,
        timeout: Duration = 0.05,
        every: Duration = 0.5,
        prefix: str = "undaunted",
        on_event: Callable[[StoreEvent], Any] | None = None,
    ) -> None:
        self.timeout = in_range("timeout", timeout, 0.001, 10.0)
        self.every = in_range("every", every, 0.01, 60.0)
        self.prefix = plain_text("prefix", prefix)
        if on_event is not None and not callable(on_event):
            raise TypeError(f"on_event is {on_event!r}, allowed a callable; pass a function that takes a StoreEvent")
        self._on_event = on_event
        self._url: str | None = None
        self._client: Any = None
        self._async_given: Any = async_client
        if isinstance(client, str):
            if async_client is not None:
                raise TypeError("a URL is given beside async_client, allowed one of them; a URL makes both clients")
            self._url = client
            # Says at once what is wrong with the URL; nothing connects before it is needed.
            self._own_client()
        elif client is not None:
            check_client(client)
            self._client = client
        elif async_client is None:
            raise TypeError("no client is given, allowed a URL or clients of redis-py; write Store(\"redis://localhost:6379/0\")")
        if async_client is not None and not is_asynchronous(async_client):
            raise TypeError(f"async_client is {kind_of(async_client)}, allowed one of redis.asyncio; pass it as the first argument")
        #: How many processes there were when the store last said so.
        self._fleet_size = 1
        #: Whether the guards go on alone.
        self.is_lost = False
        self.is_closed = False
        self._tied: list[ref[Link]] = []
        #: Guards that others find by their names, as long as the store is there.
        self._held: list[object] = []
        self._begin()
        stores.add(self)

    def _begin(self) -> None:
        """What each process has of its own."""
        self._lock = RLock()
        #: What the store calls this process.
        self._member = os.urandom(8).hex()
        #: Keeps trips from a store that is down.
        self._front: _core.Breaker = _core.Breaker.compile(FRONT, "python")[0]  # type: ignore[assignment]
        self._courier = Courier(self)
        self._desks: dict[asyncio.AbstractEventLoop, Desk] = {}
        #: What gives back what was granted to callers who were not there any more.
        self._owed: list[Errand] = []
        #: How often it was found again.
        self._finds = 0
        #: Why it was lost, as long as nobody was told.
        self._untold: Exception | None = None
        if self._url is not None:
            self._client = None

    def close(self) -> None:
        """Sends what was noted, once, and closes connections that are its own; its guards go on alone. An extra call is harmless."""
        if not self.is_closed:
            self._flush()
            self._end()

    async def aclose(self) -> None:
        """As `close`, in asyncio code."""
        if not self.is_closed:
            await self._flush_async()
            self._end()
            for desk in list(self._desks.values()):
                await desk.close()

    def __repr__(self) -> str:
        state = "closed" if self.is_closed else "lost" if self.is_lost else "ready"
        return f"<Store {self.prefix} {state}>"

    def _end(self) -> None:
        self.is_closed = True
        self._come_home()
        self._held.clear()
        self._courier.due(0.0)
        if self._url is not None and self._client is not None:
            self._client.close()

    def _take_in(self, link: Link) -> None:
        """From now on it is one of its guards."""
        with self._lock:
            self._tied = [known for known in self._tied if known() is not None]
            self._tied.append(ref(link))
            if not self.is_lost:
                link.go_away(now())

    def _hold(self, guard: object) -> None:
        """It is there as long as the store is: policies find it by its name."""
        self._held.append(guard)

    def _links(self) -> Iterator[Link]:
        return (link for known in self._tied if (link := known()) is not None)

    def _check(self, is_async: bool) -> None:
        """Refuses a use for which it has no client."""
        has = self._client is not None or self._url is not None
        if is_async and not is_trio():
            if self._async_given is None and self._url is None:
                raise TypeError(
                    "the store has a synchronous client alone, allowed in asyncio code one of asyncio's; "
                    "write Store(client, async_client), or give it a URL"
                )
        elif not has:
            raise TypeError(
                "the store has an asyncio client alone, allowed in synchronous code and under trio a synchronous one; "
                "write Store(client, async_client), or give it a URL"
            )

    # Trips.

    def _trip(self, errands: list[Errand]) -> bool:
        """Takes them there, and the answers back; whether there were any in time."""
        warn_if_loop_runs()
        trip = self._depart(errands)
        return trip is not None and self._carry(trip)

    async def _trip_async(self, errands: list[Errand]) -> bool:
        """The same, awaited."""
        if is_trio():
            trio: Any = sys.modules["trio"]
            return await trio.to_thread.run_sync(self._trip, errands)  # type: ignore[no-any-return]
        trip = self._depart(errands)
        return trip is not None and await self._carry_async(trip)

    def _carry(self, trip: Trip) -> bool:
        is_answered = self._courier.carry(self, trip)
        self._tell_of_loss()
        return is_answered

    async def _carry_async(self, trip: Trip) -> bool:
        is_answered = await self._desk().carry(self, trip)
        self._tell_of_loss()
        return is_answered

    def _depart(self, errands: list[Errand], questions: list[Errand] | None = None) -> Trip | None:
        """None if the store is known to be down."""
        refused, generation, number = self._front.permit(now())
        if refused is None and not self.is_closed:
            return Trip(errands, (generation, number), self._finds, questions or [])
        for errand in errands:
            errand.link.lost(errand)
            errand.link.come_home(now())
        return None

    def _arrived(self, trips: list[Trip], replies: dict[Errand, Any]) -> bool:
        """Reads what was answered, also to those who have gone on; whether all is well."""
        settled: list[Trip] = []
        error: Exception | None = None
        for trip in trips:
            if not self._settle(trip, True):
                for errand in trip.errands:
                    # Who asked looks at his own, and goes by what he saw there.
                    late = copy(errand)
                    error = self._read(late, replies[errand]) or error
                    if trip.finds == self._finds:
                        # Else the debt of the time alone is told already, and was cut at the capacity without this.
                        self._give_back([late])
                continue
            settled.append(trip)
            for errand in trip.errands:
                if (wrong := self._read(errand, replies[errand])) is not None:
                    errand.link.lost(errand)
                    error, trip.is_answered = wrong, False
            self._let(trip, "ok" if trip.is_answered else "failed")
        if error is not None:
            settled += self._lose(error)
        for trip in settled:
            if trip.questions and trip.is_answered:
                self._found(trip.questions)
                if trip.tell is None:
                    # Whoever waits for it goes on himself.
                    self._due(0.0)
        self._wake(settled)
        return error is None

    def _read(self, errand: Errand, reply: Any) -> Exception | None:
        """What is wrong with a reply."""
        try:
            if isinstance(reply, Exception):
                return reply
            errand.link.read(errand, reply, now())
            errand.reply = reply
        except Exception as error:
            return error
        return None

    def _failed(self, trips: list[Trip], error: Exception) -> bool:
        """No answer came, or none that is good; whether this is news of any of them."""
        found = self._without_answer(trips, "failed")
        if found:
            self._wake([*found, *self._lose(error)])
        elif any(trip.is_answered is False for trip in trips):
            # Whoever found out first may not have come so far.
            self._come_home(error)
        return bool(found)

    def _lose(self, error: Exception) -> list[Trip]:
        """It is lost for all at once: those who wait for an answer are to go on, too."""
        self._come_home(error)
        return self._without_answer([trip for carrier in (self._courier, *self._desks.values()) for trip in carrier.waiting()], "failed")

    def _interrupted(self, trips: list[Trip]) -> bool:
        """Nobody waits any more; whether they were on their way still."""
        found = self._without_answer(trips, "dropped")
        self._wake(found)
        return bool(found)

    def _without_answer(self, trips: list[Trip], outcome: Literal["failed", "dropped"]) -> list[Trip]:
        found = [trip for trip in trips if self._settle(trip, False)]
        for trip in found:
            self._let(trip, outcome)
            for errand in trip.errands:
                errand.link.lost(errand)
        return found

    def _settle(self, trip: Trip, is_answered: bool) -> bool:
        """What came of it; whether nobody said so before."""
        with self._lock:
            if trip.is_answered is not None:
                return False
            trip.is_answered = is_answered
            return True

    def _let(self, trip: Trip, outcome: Literal["ok", "failed", "dropped"]) -> None:
        if trip.leave is not None:
            self._front.settle(*trip.leave, outcome, 0, now())

    def _wake(self, trips: list[Trip]) -> None:
        """Lets those who wait for these go on. One of them tells of the loss."""
        waiting = [trip.tell for trip in trips if trip.tell is not None]
        for tell in waiting:
            tell()
        if trips and not waiting:
            self._tell_of_loss()

    def _give_back(self, errands: list[Errand]) -> None:
        """What was granted to those who do not use it."""
        back = [undone for errand in errands if errand.granted for undone in errand.link.give_back(errand)]
        for errand in errands:
            errand.granted = None
        if back:
            self._owed = [*self._owed, *back][-MOST_OWED:]
            self._due(0.0)

    # Losing and finding it.

    def _come_home(self, error: Exception | None = None) -> None:
        """The guards go on alone. Somebody is to be told of the error, if they did not before."""
        with self._lock:
            if not self.is_lost and not self.is_closed:
                self._untold = error
            self.is_lost = True
            for link in self._links():
                link.come_home(now())

    def _hang_up(self) -> None:
        """After a failover the old connections lead to a server that only reads."""
        if self._url is not None and self._client is not None:
            self._client.connection_pool.disconnect(inuse_connections=False)

    def _ask_again(self) -> None:
        """On the way of a call while it is lost: has somebody look whether it is there again, if it is time."""
        self._tell_of_loss()
        if not self.is_closed and self._front.look(now())[6] == 0:
            self._due(0.0)

    def _questions(self) -> list[Errand]:
        """What finds out whether it answers again: all that its guards would ask."""
        return [link.look() for link in self._links()]

    def _found(self, questions: list[Errand]) -> None:
        """The guards go on together, from what the store has."""
        if self.is_closed:
            return
        with self._lock:
            was_lost, self.is_lost = self.is_lost, False
            self._finds += 1
            # What came too late for the trip that found it.
            self._owed = []
            for question in questions:
                question.link.go_back(question, now())
            for link in self._links():
                link.go_away(now())
        if was_lost:
            self._tell_of_loss()
            self._tell("back", None)

    def _tell_of_loss(self) -> None:
        """If it was lost and nobody was told."""
        if self._untold is not None:
            with self._lock:
                error, self._untold = self._untold, None
            if error is not None:
                self._tell("lost", error)

    def _tell(self, kind: Literal["lost", "back"], error: Exception | None) -> None:
        from ._warn import warn

        if self._on_event is None:
            if kind == "lost":
                warn(f"the store of the fleet does not answer ({error!r}); its guards go on alone until it does", RuntimeWarning)
            return
        try:
            self._on_event(StoreEvent(kind, self, error))
        except Exception as raised:
            warn(f"on_event of the store raised {raised!r}; it goes on without it", RuntimeWarning)

    # What was noted.

    def _due(self, delay: float) -> None:
        """Something is to be told, in so many seconds at the latest."""
        asyncio: Any = sys.modules.get("asyncio")
        if asyncio is not None and asyncio._get_running_loop() is not None and (self._async_given is not None or self._url is not None):
            self._desk().due(delay)
            return
        if self._client is not None or self._url is not None:
            self._courier.due(time.monotonic() + delay)

    def _flush(self) -> None:
        """Tells what was noted; of a store that is lost, asks whether it is there again, and tells it then."""
        while (self._client is not None or self._url is not None) and (trip := self._news()) is not None:
            if not self._carry(trip) or not trip.questions:
                return

    async def _flush_async(self) -> None:
        """The same, awaited."""
        while (trip := self._news()) is not None:
            if not await self._carry_async(trip) or not trip.questions:
                return

    def _news(self) -> Trip | None:
        """What is to be told; of a store that is lost, what finds out whether it is there again."""
        if not self.is_lost:
            errands = self._noted()
            return self._depart(errands) if errands else None
        if self.is_closed:
            return None
        if self._front.look(now())[6] == 0 and (questions := self._questions()):
            # First what gives back: a debt is cut at the capacity, and what came back after it would be there twice.
            return self._depart([*self._taken_back(), *questions], questions)
        alone = [errand for link in self._links() if link.asks_alone for errand in link.errands()]
        return Trip(alone, None, self._finds, []) if alone else None

    def _noted(self) -> list[Errand]:
        return [*self._taken_back(), *(errand for link in self._links() for errand in link.errands())]

    def _taken_back(self) -> list[Errand]:
        owed, self._owed = self._owed, []
        return owed

    def _next_renewal(self) -> float | None:
        """In how many seconds a lease is to be renewed."""
        return min((left for link in self._links() if (left := link.renewal()) is not None), default=None)

    # Clients.

    @property
    def _patience(self) -> float:
        """How long an answer is awaited, the last of it for nobody's sake: it is fresh still, and the connection not to blame."""
        return self.timeout + PATIENCE

    def _own_client(self) -> Any:
        """The synchronous client, made when it is first needed."""
        if self._client is None:
            client = library("redis").Redis.from_url(self._url, **self._connection(library("redis.retry")))
            check_client(client)
            self._client = client
        return self._client

    def _own_async_client(self) -> Any:
        """An asyncio client: the one that was given, else a new one for the running loop."""
        if self._async_given is not None:
            return self._async_given
        return library("redis.asyncio").Redis.from_url(self._url, **self._connection(library("redis.asyncio.retry")))

    def _connection(self, retry: Any) -> dict[str, Any]:
        return {
            "socket_timeout": self._patience,
            "socket_connect_timeout": self._patience,
            "retry": retry.Retry(library("redis.backoff").NoBackoff(), 0),
            # One that greets in fewer words.
            "protocol": 2,
        }

    def _desk(self) -> Desk:
        import asyncio

        loop = asyncio.get_running_loop()
        desk = self._desks.get(loop)
        if desk is None:
            with self._lock:
                self._desks = {known: desk for known, desk in self._desks.items() if not known.is_closed()}
                desk = self._desks[loop] = Desk(self, loop)
        return desk

    def _renew_after_fork(self) -> None:
        """In a forked child: what was noted is its parent's to tell, and so are its connections and its thread."""
        self._begin()
        for link in self._links():
            link.forget(now())
            if not self.is_lost:
                link.go_away(now())


def in_range(name: str, duration: Any, least: float, most: float) -> float:
    from ._policy import seconds

    found = seconds(duration)
    if not least <= found <= most:
        raise ValueError(f"{name} is {duration!r}, allowed {least:g} s to {most:g} s; pass a duration in that range")
    return found


def plain_text(what: str, text: Any) -> str:
    """What may stand in a key; braces would tell a cluster where it belongs."""
    if not isinstance(text, str):
        raise TypeError(f"{what} is {text!r}, allowed text; pass a string")
    if not text or "{" in text or "}" in text:
        raise ValueError(f"{what} is {text!r}, allowed text that is not empty and has no braces; choose another")
    return text


def library(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        raise ImportError('redis-py is not there, needed for the store of a fleet; run pip install "undaunted[redis]"') from None


def now() -> int:
    """Whole microseconds of the clock that does not jump; a store knows of no other."""
    return round(time.monotonic() * 1e6)


def close_all() -> None:
    """At the end of the program: what was noted is sent, once."""
    for store in list(stores):
        try:
            store.close()
        except Warning:
            pass


def renew_all() -> None:
    for store in list(stores):
        store._renew_after_fork()


#: A second after it was lost, then twice as long each time, up to ten.
FRONT = {
    "window_calls": 1, "min_calls": 1, "failure_rate": 1, "initial": 1, "factor": 2, "max_delay": 10, "probes": 1, "probe_timeout": 15,
}  # fmt: skip
#: In seconds; whoever reads a policy asks again each second.
PATIENCE = 0.5
#: How many errands are kept that give something back.
MOST_OWED = 1000
stores: WeakSet[Store] = WeakSet()


def _register() -> None:
    import atexit

    atexit.register(close_all)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew_all)


_register()
