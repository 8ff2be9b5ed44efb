"""Policies that a fleet reads from its store, each with a version."""

from __future__ import annotations

import sys
from _thread import allocate_lock
from contextlib import suppress
from functools import partial
from weakref import ref

from . import _core
from ._courier import wake
from ._links import Errand, Link
from ._run import is_trio, warn_if_loop_runs
from ._source import PolicySource, Versioned, policy_from
from ._store import in_range, now, plain_text
from ._wire import send, send_async

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._options import Duration
    from ._policy import Policy
    from ._store import Store


class VersionConflict(Exception):
    """Somebody else published meanwhile: the version is not the `expected` one, but `version`; 0 if there is none. Nothing was written."""

    def __init__(self, expected: int, version: int) -> None:
        super().__init__(expected, version)
        self.expected = expected
        self.version = version

    def __str__(self) -> str:
        return f"the version is {self.version}, expected {self.expected}; look at what was published, and expect its version"


def policy_source(
    store: Store,
    name: str,
    *,
    every: Duration = 0.5,
    fallback: Policy | None = None,
    on_error: Callable[[Exception], object] | None = None,
) -> PublishedPolicy:
    """The policy that was published under a name in a store: `publish_policy` changes it for all processes of the fleet at once.

    It is read `every` (0.5 s; 10 ms to 60 s) by the store's thread, or with asyncio's client alone by a task of the running loop; a call
    takes what is known and never waits. `Policy.version` of these policies is the version, which events have in `event.policy.version`.
    Until the first is read calls go by `fallback` (by default `standard`); `source.ready(timeout)` waits for it, and so does
    `await source.ready_async(timeout)`.

    What is there and no good policy is refused, and `on_error` told of it: once for the same trouble, by default as a warning. The last
    good policy stays with its version; so while the store does not answer, when it is asked each second (or `every`, if that is longer),
    and if the store has forgotten it. It is read until the store is closed, or nobody has the source any more. Raises TypeError,
    ValueError.
    """
    link = PolicyLink(store, plain_text("name", name), round(in_range("every", every, 0.01, 60.0) * 1e6))
    return PublishedPolicy(link, fallback, on_error)


def publish_policy(store: Store, name: str, policy: Policy | str | bytes | dict[str, Any], *, expected: int | None = None) -> int:
    """Publishes a policy, its JSON text or what `json.loads` made of that as the next version under a name; answers the version, from 1.

    The sources of all processes go by it within their `every`. Settings of the process (`on`, `name`) are not part of it, and it does not
    expire. With `expected`, the version that it is to follow (0 for the first), `VersionConflict` is raised instead if somebody else
    published meanwhile. Raises PolicyError with every mistake before anything is written, and the client's errors as they come: then it
    may or may not have been published.
    """
    errand = publication(store, name, policy, expected)
    store._check(is_async=False)
    return published(send(store._own_client(), [errand])[errand], expected)


async def publish_policy_async(
    store: Store, name: str, policy: Policy | str | bytes | dict[str, Any], *, expected: int | None = None
) -> int:
    """As `publish_policy`, awaited."""
    if is_trio():
        import trio

        return await trio.to_thread.run_sync(lambda: publish_policy(store, name, policy, expected=expected))
    errand = publication(store, name, policy, expected)
    store._check(is_async=True)
    return published((await send_async(store._desk().client(), [errand]))[errand], expected)


def publication(store: Store, name: str, policy: Any, expected: int | None) -> Errand:
    check_store(store)
    if expected is not None and (not isinstance(expected, int) or isinstance(expected, bool) or expected < 0):
        raise ValueError(f"expected is {expected!r}, allowed a whole number from 0, or None; pass the version that is to be followed")
    text = policy_from(policy).dump()
    link = Command(store, plain_text("name", name))
    return Errand(link, [text, "" if expected is None else expected])


def published(reply: Any, expected: int | None) -> int:
    """The version that was written. Raises what kept it from that."""
    if isinstance(reply, Exception):
        raise reply
    is_written, version, _, trouble = texts(reply)
    if trouble:
        raise ValueError(f"the store refuses the policy's key: {trouble}")
    if is_written != "1":
        raise VersionConflict(expected or 0, int(version) if version.isdecimal() else 0)
    return int(version)


def check_store(store: Any) -> None:
    from .fleet import check_store

    check_store(store)
    if store.is_closed:
        raise ValueError("the store is closed, allowed one that is not; make another")


class Command(Link):
    """What is sent once, and not kept."""

    __slots__ = ()
    script = _core.SCRIPTS["policy"]
    parts = ("policy",)


class PolicyLink(Command):
    """What a source reads."""

    __slots__ = ("_asked_at", "_every", "_reply", "_source")
    asks_alone = True

    def __init__(self, store: Store, name: str, every: int) -> None:
        check_store(store)
        super().__init__(store, name)
        self._every = every
        self._asked_at = now() - 2 * max(every, LOST_EVERY)
        #: What the store answered last; None if it does not answer.
        self._reply: Any = None
        self._source: ref[PublishedPolicy] | None = None

    def begin(self, source: PublishedPolicy) -> None:
        self._source = ref(source)
        self.store._take_in(self)
        self.kick()

    def kick(self) -> None:
        """On the way of a call: has somebody read, if nobody does: in a forked child, or after the end of the loop that did."""
        if now() - self._asked_at >= 2 * self._interval() and not self.store.is_closed:
            self.store._due(0.0)

    def answer(self) -> Versioned:
        """What the store has. Raises what is wrong with it."""
        if self._reply is None:
            raise ConnectionError("the store does not answer")
        _, version, text, trouble = texts(self._reply)
        key = self.keys[0]
        if trouble:
            raise ValueError(f"the store has something else at {key}, or may not be asked for it: {trouble}")
        if not text:
            raise LookupError(f"the store has no policy at {key}; publish one")
        if not version.isdecimal() or not 0 < int(version) < 1 << 53:
            raise ValueError(f"the version of the policy at {key} is {version!r:.100}, allowed a whole number from 1; use publish_policy")
        return Versioned(text, int(version))

    def go_away(self, now: int) -> None:
        pass

    def come_home(self, now: int) -> None:
        pass

    def forget(self, now: int) -> None:
        source = None if self._source is None else self._source()
        if source is not None:
            source.renew()

    def has_notes(self) -> bool:
        left = self.renewal()
        return left is not None and left <= 0

    def errands(self) -> list[Errand]:
        return [self.look()] if self.has_notes() else []

    def look(self) -> Errand:
        self._asked_at = now()
        return Errand(self, ["", ""])

    def renewal(self) -> float | None:
        return None if self.store.is_closed else (self._asked_at + self._interval() - now()) / 1e6

    def _interval(self) -> int:
        return max(self._every, LOST_EVERY) if self.store.is_lost else self._every

    def read(self, errand: Errand, reply: Any, now: int) -> None:
        texts(reply)
        self._judge(reply)

    def lost(self, errand: Errand) -> None:
        # It is known to be lost only when it is asked again, but for those who were interrupted.
        if self.store.is_lost and not self.store.is_closed:
            self._judge(None)

    def _judge(self, reply: Any) -> None:
        self._reply = reply
        source = None if self._source is None else self._source()
        if source is not None:
            source.judge()


class PublishedPolicy(PolicySource):
    """A source whose answers are read and judged beside the calls."""

    __slots__ = ("__weakref__", "_link", "_lock", "_waiting")

    def __init__(self, link: PolicyLink, fallback: Policy | None, on_error: Callable[[Exception], object] | None) -> None:
        super().__init__(link.answer, fallback=fallback, on_error=on_error)
        self._link = link
        #: Told of the first policy.
        self._waiting: list[Callable[[], object]] = []
        self.renew()
        link.begin(self)

    def renew(self) -> None:
        self._lock = allocate_lock()

    def current(self) -> Policy:
        """The policy of now: the last good one that was read."""
        self._link.kick()
        return self._policy

    def ready(self, timeout: Duration = 10.0) -> bool:
        """Waits until the first policy is read, for `timeout` (10 s; 0 to 1 day) at most; whether one is. Calls need not wait for it."""
        longest = in_range("timeout", timeout, 0.0, 86_400.0)
        self._link.store._check(is_async=False)
        warn_if_loop_runs()
        gate = allocate_lock()
        gate.acquire()
        return self._is_ready(gate.release) or gate.acquire(True, longest)

    async def ready_async(self, timeout: Duration = 10.0) -> bool:
        """The same, awaited."""
        if is_trio():
            trio: Any = sys.modules["trio"]
            return await trio.to_thread.run_sync(self.ready, timeout)  # type: ignore[no-any-return]
        import asyncio

        longest = in_range("timeout", timeout, 0.0, 86_400.0)
        self._link.store._check(is_async=True)
        loop = asyncio.get_running_loop()
        first: asyncio.Future[None] = loop.create_future()
        if self._is_ready(partial(loop.call_soon_threadsafe, wake, first)):
            return True
        with suppress(TimeoutError):
            await asyncio.wait_for(first, longest)
            return True
        return False

    def _is_ready(self, tell: Callable[[], object]) -> bool:
        """Whether there was a policy already; else this is called when there is one."""
        self._waiting.append(tell)
        return self._answer is not None

    def judge(self) -> None:
        """Takes what was read, or tells what is wrong with it."""
        with self._lock:
            try:
                super().current()
            except Warning:
                # One that is an error by a filter of the program's: nobody is here to hear of it.
                pass
            except Exception as raised:
                report(raised)
        if self._answer is not None:
            waiting, self._waiting = self._waiting, []
            for tell in waiting:
                with suppress(RuntimeError):  # its loop is closed
                    tell()


def report(raised: Exception) -> None:
    from ._warn import warn

    with suppress(Warning):
        warn(f"on_error of a source raised {raised!r}; it goes on without it", RuntimeWarning)


def texts(reply: Any) -> list[str]:
    """A store's answer."""
    if not isinstance(reply, (list, tuple)) or len(reply) != 4:
        raise ValueError(f"the store answers {reply!r:.100}, allowed four texts; is something else at its keys?")
    return [word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word) for word in reply]


#: How often (us) a store is asked that does not answer.
LOST_EVERY = 1_000_000
