"""The store of a fleet: its connections, its trips, and what is told it later."""

from __future__ import annotations

import os
import sys
import time
from _thread import RLock
from hashlib import sha1
from weakref import WeakSet, ref

from . import _core
from ._run import is_trio, warn_if_loop_runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator
    from threading import Condition
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
    A synchronous one must not wait longer than `timeout` (`socket_timeout`), nor retry by itself (`retry`), as calls wait for it.

    `timeout` (50 ms; 1 ms to 10 s) is the longest that a call waits for an answer: one trip after each failure that is to be retried. What
    successes add is told `every` (0.5 s; 10 ms to 60 s) together. Without an answer the guards go on alone, with the share of this process,
    and one trip at a time finds out, after a second and then more rarely, whether the store is there again; calls do not wait for that. No
    error of the store ever reaches a caller. `on_event` hears of it as a `StoreEvent`, once each time; without it there is a RuntimeWarning.

    Keys begin with `prefix` ("undaunted"). A forked child has connections of its own. What is noted at the end of the program is sent then,
    if the store has a synchronous client; with asyncio's alone, `await store.aclose()`. Under trio the synchronous one is used, in a thread.
    Raises TypeError, ValueError, ImportError without redis-py.
    """

    __slots__ = (
        "__weakref__", "_async_given", "_client", "_courier", "_desks", "_fleet_size", "_front", "_held", "_lock", "_member", "_on_event", "_tied",
        "_url", "every", "is_closed", "is_lost", "prefix", "timeout",
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
            check_client(client, self.timeout)
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
        self._courier: Courier | None = None
        self._desks: dict[asyncio.AbstractEventLoop, Desk] = {}
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
            for desk in list(self._desks.values()):
                await desk.close()
            self._end()

    def __repr__(self) -> str:
        state = "closed" if self.is_closed else "lost" if self.is_lost else "ready"
        return f"<Store {self.prefix} {state}>"

    def _end(self) -> None:
        self.is_closed = True
        self._come_home()
        self._held.clear()
        if self._courier is not None:
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
        """Takes them there, and the answers back; whether there were any. Waits `timeout` at most."""
        warn_if_loop_runs()
        leave = self._leave(errands)
        if leave is None:
            return False
        try:
            client = self._own_client()
            replies = send(client, errands, "EVALSHA")
            if again := unknown(errands, replies):
                replies.update(send(client, again, "EVAL"))
        except Exception as error:
            return self._failed(leave, errands, error)
        except BaseException:
            self._interrupted(leave, errands)
            raise
        return self._answered(leave, errands, replies)

    async def _trip_async(self, errands: list[Errand]) -> bool:
        """The same, awaited."""
        if is_trio():
            trio: Any = sys.modules["trio"]
            answered: bool = await trio.to_thread.run_sync(self._trip, errands)
            return answered
        leave = self._leave(errands)
        if leave is None:
            return False
        import asyncio

        try:
            async with asyncio.timeout(self.timeout):
                client = self._desk().client()
                replies = await send_async(client, errands, "EVALSHA")
                if again := unknown(errands, replies):
                    replies.update(await send_async(client, again, "EVAL"))
        except TimeoutError:
            return self._failed(leave, errands, TimeoutError(f"no answer within {self.timeout:g} s"))
        except Exception as error:
            return self._failed(leave, errands, error)
        except BaseException:
            self._interrupted(leave, errands)
            raise
        return self._answered(leave, errands, replies)

    def _leave(self, errands: list[Errand]) -> tuple[int, int] | None:
        """The front breaker's leave; None if the store is known to be down."""
        refused, generation, number = self._front.permit(now())
        if refused is None and not self.is_closed:
            return generation, number
        for errand in errands:
            errand.link.lost(errand)
            errand.link.come_home(now())
        return None

    def _answered(self, leave: tuple[int, int], errands: list[Errand], replies: dict[Errand, Any]) -> bool:
        wrong: Exception | None = None
        for errand in errands:
            reply = replies[errand]
            try:
                if isinstance(reply, Exception):
                    raise reply
                errand.link.read(errand, reply, now())
                errand.reply = reply
            except Exception as error:
                wrong = error
        if wrong is not None:
            return self._failed(leave, [errand for errand in errands if errand.reply is None], wrong)
        self._front.settle(*leave, "ok", 0, now())
        return True

    def _failed(self, leave: tuple[int, int], errands: list[Errand], error: Exception) -> bool:
        self._front.settle(*leave, "failed", 0, now())
        for errand in errands:
            errand.link.lost(errand)
        if self._come_home():
            self._tell("lost", error)
        return False

    def _interrupted(self, leave: tuple[int, int], errands: list[Errand]) -> None:
        self._front.settle(*leave, "dropped", 0, now())
        for errand in errands:
            errand.link.lost(errand)

    # Losing and finding it.

    def _come_home(self) -> bool:
        """The guards go on alone; whether they did not before."""
        with self._lock:
            was_there, self.is_lost = not self.is_lost, True
            for link in self._links():
                link.come_home(now())
        if self._url is not None and self._client is not None:
            # After a failover the old connections lead to a server that only reads.
            self._client.connection_pool.disconnect()
        return was_there and not self.is_closed

    def _ask_again(self) -> None:
        """On the way of a call while it is lost: has somebody look whether it is there again, if it is time."""
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
            for question in questions:
                question.link.go_back(question, now())
            for link in self._links():
                link.go_away(now())
        if was_lost:
            self._tell("back", None)

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
        if self._client is None and self._url is None:
            return
        courier = self._courier
        if courier is None:
            with self._lock:
                courier = self._courier = self._courier or Courier(self)
        courier.due(time.monotonic() + delay)

    def _flush(self) -> None:
        """Tells what was noted; of a store that is lost, asks whether it is there again."""
        if self._client is None and self._url is None:
            return
        if not self.is_lost:
            if errands := self._noted():
                self._trip(errands)
        elif not self.is_closed and (questions := self._questions()):
            if self._trip(questions):
                self._found(questions)

    async def _flush_async(self) -> None:
        """The same, awaited."""
        if not self.is_lost:
            if errands := self._noted():
                await self._trip_async(errands)
        elif not self.is_closed and (questions := self._questions()):
            if await self._trip_async(questions):
                self._found(questions)

    def _noted(self) -> list[Errand]:
        return [errand for link in self._links() for errand in link.errands()]

    def _next_renewal(self) -> float | None:
        """In how many seconds a lease is to be renewed."""
        return min((left for link in self._links() if (left := link.renewal()) is not None), default=None)

    # Clients.

    def _own_client(self) -> Any:
        """The synchronous client, made when it is first needed."""
        if self._client is None:
            client = library("redis").Redis.from_url(self._url, **self._connection(library("redis.retry")))
            check_client(client, self.timeout)
            self._client = client
        return self._client

    def _own_async_client(self) -> Any:
        """An asyncio client: the one that was given, else a new one for the running loop."""
        if self._async_given is not None:
            return self._async_given
        return library("redis.asyncio").Redis.from_url(self._url, **self._connection(library("redis.asyncio.retry")))

    def _connection(self, retry: Any) -> dict[str, Any]:
        return {
            "socket_timeout": self.timeout,
            "socket_connect_timeout": self.timeout,
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


class Desk:
    """What a store has in one event loop: a client, a timer and the tasks that it started."""

    __slots__ = ("_client", "_loop", "_store", "_tasks", "_timer")

    def __init__(self, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        self._store = ref(store)
        self._loop = loop
        self._client: Any = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def client(self) -> Any:
        if self._client is None:
            store = self._store()
            self._client = None if store is None else store._own_async_client()
        return self._client

    def due(self, delay: float) -> None:
        at = self._loop.time() + delay
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = self._loop.call_later(delay, self._start)

    def _start(self) -> None:
        self._timer = None
        task = self._loop.create_task(self._flush())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _flush(self) -> None:
        store = self._store()
        if store is not None:
            await store._flush_async()
            if (renewal := store._next_renewal()) is not None:
                self.due(renewal)

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        store, client, self._client = self._store(), self._client, None
        if client is not None and store is not None and client is not store._async_given:
            try:
                await (client.aclose() if hasattr(client, "aclose") else client.close())
            except Exception:
                pass  # what cannot be closed in time is let go


class Courier:
    """A thread that tells a store what was noted. It sleeps while nothing is, and ends with the store."""

    __slots__ = ("_at", "_changed", "_store")

    def __init__(self, store: Store) -> None:
        from threading import Condition, Thread

        self._changed: Condition = Condition()
        #: When something is due.
        self._at: float | None = None
        self._store = ref(store, self._wake)
        Thread(target=self._run, name="undaunted-fleet", daemon=True).start()

    def due(self, at: float) -> None:
        if self._at is not None and self._at <= at:
            return
        with self._changed:
            if self._at is None or at < self._at:
                self._at = at
                self._changed.notify()

    def _wake(self, store: object) -> None:
        self.due(0.0)

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._at is None or (left := self._at - time.monotonic()) > 0:
                    self._changed.wait(None if self._at is None else left)
                self._at = None
            store = self._store()
            if store is None or store.is_closed:
                return
            try:
                store._flush()
            except Warning:
                # One that is an error by a filter of the program's: nobody is here to hear of it.
                pass
            if (renewal := store._next_renewal()) is not None:
                self.due(time.monotonic() + renewal)
            del store


def send(client: Any, errands: list[Errand], how: str) -> dict[Errand, Any]:
    """What is answered to each: a reply or an error."""
    if len(errands) > 1 and not is_cluster(client):
        with client.pipeline(transaction=False) as pipe:
            for errand in errands:
                pipe.execute_command(*words(errand, how))
            return dict(zip(errands, pipe.execute(raise_on_error=False), strict=True))
    replies: dict[Errand, Any] = {}
    for errand in errands:
        try:
            replies[errand] = client.execute_command(*words(errand, how))
        except Exception as error:
            if len(errands) == 1 and not is_unknown(error):
                raise
            replies[errand] = error
    return replies


async def send_async(client: Any, errands: list[Errand], how: str) -> dict[Errand, Any]:
    if len(errands) > 1 and not is_cluster(client):
        async with client.pipeline(transaction=False) as pipe:
            for errand in errands:
                pipe.execute_command(*words(errand, how))
            return dict(zip(errands, await pipe.execute(raise_on_error=False), strict=True))
    replies: dict[Errand, Any] = {}
    for errand in errands:
        try:
            replies[errand] = await client.execute_command(*words(errand, how))
        except Exception as error:
            if len(errands) == 1 and not is_unknown(error):
                raise
            replies[errand] = error
    return replies


def words(errand: Errand, how: str) -> list[Any]:
    script = errand.link.script
    return [how, script if how == "EVAL" else digest(script), len(errand.link.keys), *errand.link.keys, *errand.words]


def digest(script: str) -> str:
    found = digests.get(script)
    if found is None:
        found = digests[script] = sha1(script.encode(), usedforsecurity=False).hexdigest()
    return found


def unknown(errands: list[Errand], replies: dict[Errand, Any]) -> list[Errand]:
    """Those whose scripts the store does not know."""
    return [errand for errand in errands if is_unknown(replies[errand])]


def is_unknown(reply: object) -> bool:
    return isinstance(reply, Exception) and (type(reply).__name__ == "NoScriptError" or str(reply).startswith("NOSCRIPT"))


def is_cluster(client: Any) -> bool:
    return hasattr(client, "get_nodes")


def is_asynchronous(client: Any) -> bool:
    import inspect

    return inspect.iscoroutinefunction(getattr(type(client), "execute_command", None))


def kind_of(client: object) -> str:
    return f"a {type(client).__module__.split('.')[0]} {type(client).__name__}"


def check_client(client: Any, timeout: float) -> None:
    """Refuses a synchronous client that would keep a call longer than `timeout`."""
    if is_asynchronous(client):
        raise TypeError(f"the client is an asynchronous {type(client).__name__}, allowed a synchronous one here; pass it as async_client")
    if not hasattr(client, "execute_command") or not hasattr(client, "get_connection_kwargs"):
        raise TypeError(f"the client is {client!r}, allowed a URL, or a client of redis-py; write Store(\"redis://localhost:6379/0\")")
    given = client.get_connection_kwargs()
    for name in ("socket_timeout", "socket_connect_timeout"):
        wait = given.get(name, given.get("socket_timeout"))
        if wait is None and name == "socket_connect_timeout":
            wait = given.get("socket_timeout")
        if not isinstance(wait, (int, float)) or wait > timeout:
            raise ValueError(
                f"the client's {name} is {wait}, allowed up to the store's timeout of {timeout:g} s, as calls wait for it; "
                f"make the client with {name}={timeout:g}, or give the store a URL"
            )
    retry = given.get("retry") or getattr(client, "retry", None)
    retries = 0 if retry is None else getattr(retry, "_retries", 0)
    if retries or given.get("retry_on_timeout") or given.get("retry_on_error"):
        raise ValueError(
            f"the client retries {retries or 1} times by itself, allowed 0, as calls wait for it; "
            "make the client with retry=Retry(NoBackoff(), 0), or give the store a URL"
        )


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
digests: dict[str, str] = {}
stores: WeakSet[Store] = WeakSet()


def _register() -> None:
    import atexit

    atexit.register(close_all)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew_all)


_register()
