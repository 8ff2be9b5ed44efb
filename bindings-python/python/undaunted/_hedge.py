"""`Hedge`: another attempt beside one that takes long; the first that succeeds wins, the others are cancelled."""

from __future__ import annotations

import sys

from . import _core
from ._guard import Counting, check_name, check_seed, checked
from ._readers import read
from ._run import is_trio

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from datetime import timedelta
    from typing import Any, TypeVar

    from ._budget import Budget
    from ._options import BudgetOptions, Counted

    T = TypeVar("T")


class Hedge:
    """Hedged calls of what may be called twice: an idempotent async function.

    `delay` (seconds, timedelta or text) after the start of an attempt the next is started beside it, `jitter` (0) at most later; `attempts`
    (2, up to 100) counts them all. A failure starts the next at once, unless the server asked for a wait (`Retry-After` and its kin) or not
    to come again (`x-should-retry: false`). The first success is the result; when all have failed, the last error leaves as it came. Losers
    are cancelled and awaited before `run` returns.

    With a `budget` (a `Budget`, its options, or the name of one) every attempt after the first takes what a retry costs before it starts; with
    too little left no other starts, those that run go on, and the first always does. A success gives back as that of a retried call does.

    `on` says after which errors others go on: exception types or a function of the error; by default all. Any other error ends the call at
    once. asyncio and trio. Raises PolicyError with every mistake at once.
    """

    __slots__ = ("__weakref__", "_core", "_on", "budget", "name")

    def __init__(
        self,
        delay: float | timedelta | str,
        *,
        attempts: int = 2,
        jitter: float | timedelta | str = 0,
        budget: Budget | BudgetOptions | str | None = None,
        on: Counted = Exception,
        name: str | None = None,
        seed: int | None = None,
    ) -> None:
        self._on = Counting(on)
        self.name = check_name(name)
        options = {"delay": delay, "attempts": attempts, "jitter": jitter}
        self._core = checked(_core.Hedge.compile(options, "python", check_seed(seed)))
        #: What pays for its attempts after the first.
        self.budget: Budget | None = None
        if budget is not None:
            from ._policy import Policy

            self.budget = Policy(preset="none", budget=budget).budget

    async def run(self, fn: Callable[..., Awaitable[T]], /, *args: Any, **kwargs: Any) -> T:
        """Calls `fn`, and again beside it while it takes long; the result of the first call that succeeds."""

        async def attempt() -> T:
            return await fn(*args, **kwargs)

        form = run_trio if "trio" in sys.modules and is_trio() else run_asyncio
        result: T = await form(self, attempt)
        return result

    def __repr__(self) -> str:
        return f"<Hedge {self.name}>" if self.name else "<Hedge>"


class Ended:
    """What the attempts of one call came to."""

    __slots__ = ("error", "hedge", "race", "result")

    def __init__(self, hedge: Hedge, now: int) -> None:
        self.hedge = hedge
        self.race = hedge._core.start(now, None if hedge.budget is None else hedge.budget._core)
        self.result: Any = None
        self.error: BaseException | None = None

    def succeeded(self, result: object, now: int) -> None:
        self.race.succeeded(now)
        self.result, self.error = result, None

    def failed(self, error: BaseException, now: int) -> None:
        self.error = error
        try:
            goes_on = isinstance(error, Exception) and self.hedge._on.counts(error)
        except Exception as broken:
            self.error, goes_on = broken, False
        if not goes_on:
            self.race.end()
            return
        facts = read(error, False)
        if facts.should_retry is False:
            self.race.refused()
        else:
            self.race.failed(now, facts.hint)

    def answer(self) -> Any:
        error, self.error = self.error, None
        try:
            if error is not None:
                raise error
            return self.result
        finally:
            # The error's traceback leads back to this frame.
            error = None


async def run_asyncio(hedge: Hedge, attempt: Callable[[], Any]) -> Any:
    import asyncio

    loop = asyncio.get_running_loop()

    def now() -> int:
        return round(loop.time() * 1e6)

    ended = Ended(hedge, now())
    running: set[asyncio.Task[Any]] = set()
    try:
        while True:
            what, value = ended.race.step(now())
            if what == "start":
                running.add(loop.create_task(attempt()))
                continue
            if what == "end":
                break
            timeout = None if what == "wait" else max(0, value - now()) / 1e6
            if not running:
                await asyncio.sleep(timeout or 0)
                continue
            done, running = await asyncio.wait(running, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=has_failed):
                error = asyncio.CancelledError() if task.cancelled() else task.exception()
                if error is None:
                    ended.succeeded(task.result(), now())
                    break
                ended.failed(error, now())
                error = None
    finally:
        for task in running:
            task.cancel()
        if running:
            await asyncio.gather(*running, return_exceptions=True)
    return ended.answer()


def has_failed(task: asyncio.Task[Any]) -> bool:
    return task.cancelled() or task.exception() is not None


async def run_trio(hedge: Hedge, attempt: Callable[[], Any]) -> Any:
    trio: Any = sys.modules["trio"]

    def now() -> int:
        seconds: float = trio.current_time()
        return round(seconds * 1e6)

    ended = Ended(hedge, now())
    is_over = False
    changed = trio.Event()

    async def one() -> None:
        nonlocal is_over
        try:
            result = await attempt()
        except Exception as error:
            if not is_over:
                ended.failed(error, now())
        else:
            if not is_over:
                is_over = True
                ended.succeeded(result, now())
        changed.set()

    async with trio.open_nursery() as nursery:
        while True:
            what, value = ended.race.step(now())
            if what == "start":
                nursery.start_soon(one)
                continue
            if what == "end":
                break
            with trio.move_on_at(value / 1e6) if what == "wait_until" else trio.CancelScope():
                await changed.wait()
            changed = trio.Event()
        is_over = True
        nursery.cancel_scope.cancel()
    return ended.answer()
