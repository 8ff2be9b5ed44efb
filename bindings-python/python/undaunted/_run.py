"""One call, step by step: the engine's answers, events, the clock and the waits. Every form of retrying but the plain one drives this."""

from __future__ import annotations

import sys
import time

from . import _switch
from ._errors import GaveUp, leave
from ._events import Event, Open

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import Any

    from . import _core
    from ._events import Hook, Kind
    from ._links import Shares
    from ._policy import Policy
    from ._testing import Testing


class Run:
    """One call under a policy."""

    __slots__ = (
        "_attempt_open", "_call", "_idempotency_key", "_method", "_on_the_way", "cancel", "error", "hooks", "is_async", "is_quiet", "name",
        "policy", "resumes_after", "shares", "started", "testing",
    )  # fmt: skip

    def __init__(
        self,
        policy: Policy,
        name: str | None,
        method: str | None = None,
        idempotency_key: bool = False,
        resumes: tuple[_core.Token | None, float] | None = None,
    ) -> None:
        testing: Testing | None = _switch.testing.get() if _switch.testing_contexts else None
        settings = policy._settings
        hooks = settings.on_event + _switch.hooks
        self.policy = policy
        self.name = name
        self.testing = testing
        self.cancel = settings.cancel
        self.hooks: tuple[Hook, ...] = hooks if testing is None else (*hooks, testing._record)
        self.error: Exception | None = None
        self._method = method
        self._idempotency_key = idempotency_key
        self._attempt_open: Open | None = None
        self._call: _core.Call | None = None
        self.started = time.monotonic() if testing is None else testing.now
        #: Whether it runs in asyncio or trio.
        self.is_async = False
        #: What it shares with a fleet; nothing in `testing()`.
        self.shares: Shares | None = None
        if policy._shares and testing is None and _switch.active and policy._is_of_fleet():
            from ._links import shares_of

            self.shares = shares_of(policy)
        #: How long the store took to answer, which is part of the wait.
        self._on_the_way = 0.0
        #: Whether an attempt begins, and succeeds, without anybody hearing of it.
        self.is_quiet = not (policy._is_watched or self.hooks or settings.retry_if_result is not None)
        #: Of a call that goes on with another's: the wait before its next attempt, None if it is given up.
        self.resumes_after: float | None = None
        if resumes is not None:
            self._resume(*resumes)
        elif policy._is_watched or not _switch.active:
            self._call = call = self._begin(inactive=not _switch.active)
            # With a fleet's, `open` asks.
            if policy._is_watched and self.shares is None and not call.attempt(self.started):
                raise self._refused()

    def open(self) -> None:
        """Before the first attempt: a fleet's breaker is asked, maybe its store. Raises BreakerOpen."""
        if self.shares is not None:
            self.shares.check(is_async=False)
            self.shares.knock()
            self._opened()

    async def open_async(self) -> None:
        if self.shares is not None:
            self.shares.check(is_async=True)
            await self.shares.knock_async()
            self._opened()

    def _opened(self) -> None:
        if not self.call.attempt(self.now()):
            raise self._refused()

    @property
    def call(self) -> _core.Call:
        """The engine's, made when it is first needed: most calls never fail."""
        call = self._call
        if call is None:
            call = self._call = self._begin(inactive=False)
        return call

    def _begin(self, *, inactive: bool) -> _core.Call:
        policy = self.policy
        return policy._plan(self.name, self.testing).begin_in(
            self.started,
            outer_deadline=_switch.deadline.get() if policy._core.shares else None,
            inactive=inactive,
            method=self._method,
            idempotency_key=self._idempotency_key,
        )

    def _resume(self, token: _core.Token | None, since_1970: float) -> None:
        """Goes on with the call of a token; without one, begins. Whoever starts its attempts asks no breaker for leave."""
        is_inactive = not _switch.active
        if token is None:
            self._call, self.resumes_after = self._begin(inactive=is_inactive), 0.0
            return
        plan = self.policy._plan(self.name, self.testing)
        self._call, self.resumes_after = plan.resume(token, self.started, since_1970, inactive=is_inactive)
        self.started -= self._call.elapsed

    def resumed(self) -> float | None:
        """What comes of the call of a token, once a fleet's budget was asked for its retry; if that is awaited, by `resumed_async`."""
        delay = self._asked(self.resumes_after) if self._has_to_ask(is_async=False) else self.resumes_after
        return None if delay is None else self.rest(delay)

    async def resumed_async(self) -> float | None:
        self.is_async = True
        delay = self.resumes_after
        if self._has_to_ask(is_async=True) and not await self.ask_async():
            delay = None
        return None if delay is None else self.rest(delay)

    def _has_to_ask(self, is_async: bool) -> bool:
        if self.shares is None or self.call.asks_store() is None:
            return False
        self.shares.check(is_async)
        return True

    def now(self) -> float:
        return time.monotonic() if self.testing is None else self.testing.now

    def attempt_starts(self) -> None:
        if self.hooks:
            self._attempt_open = Open()
            self._emit("attempt", opened=self._attempt_open)

    def attempt_ends(self, error: BaseException | None) -> None:
        """Closes what the hooks opened for the attempt. An extra call is harmless."""
        if self._attempt_open is not None:
            self._attempt_open.close(error)
            self._attempt_open = None

    def succeeded(self) -> None:
        self.attempt_ends(None)
        if self.policy._shares:
            self.call.succeeded(self.now())
            if self.shares is not None:
                self.shares.noted()
        self._let_go()
        if self.hooks:
            self._emit("success")

    def abandoned(self, error: BaseException | None) -> None:
        """The call ends without a decision: an error that is not ours to retry, or a wait that was interrupted."""
        self.attempt_ends(error)
        self._hand_back()
        self._let_go()

    def failed(self, error: Exception | None, facts: _core.Failure | None = None) -> float | None:
        """The wait before the next attempt, or None if the error, or the response that the facts speak of, is to go."""
        self.error = error
        self.attempt_ends(error)
        delay = self._asked(self.call.failed(error, self.now(), facts, self._is_cancelled()))
        if delay is None:
            self._told_of_giving_up()
            # An adapter may still have to leave a response's history on an error.
            if facts is None:
                self._let_go()
        return delay

    def unsatisfied(self, result: object, wait: float | None) -> float:
        """The wait before the next attempt after a result that was not accepted."""
        self.error = None
        self.attempt_ends(None)
        delay = self._asked(self.call.unsatisfied(result, self.now(), wait, self._is_cancelled()))
        if delay is None:
            self._told_of_giving_up()
            raise self._gave_up_result(result)
        return delay

    def _asked(self, delay: float | None) -> float | None:
        """The wait that was decided, if a fleet's budget grants it, too; where it may be awaited, `ask_async` asks."""
        if self.shares is None:
            return delay
        if delay is None:
            self.shares.noted(is_urgent=True)
            return None
        if self.is_async:
            return delay
        began = self.now()
        try:
            is_granted = self.shares.ask(self.call)
        except BaseException:
            self._hand_back()
            self._let_go()
            raise
        if not is_granted:
            return None
        self._on_the_way = self.now() - began
        return delay

    async def ask_async(self) -> bool:
        """Whether a fleet's budget grants the retry that was decided. An adapter asks before it lets a response go, else the wait does."""
        if self.shares is None or not self.is_async or self._on_the_way:
            return True
        began = self.now()
        is_granted = await self.shares.ask_async(self.call)
        self._on_the_way = max(self.now() - began, 1e-6) if is_granted else 0.0
        return is_granted

    def leave_on(self, error: Exception) -> None:
        """For adapters: the error stands for the response that was given up, so it carries the call's history."""
        call = self.call
        if call.reason is not None:
            self._leave(error, call.reason)
        self._let_go()

    def wait(self, delay: float) -> bool:
        """Waits; whether the next attempt may start."""
        opened = self._scheduled(delay)
        error: BaseException | None = self.error
        try:
            delay = self.rest(delay)
            if self.testing is not None:
                self.testing._wait(delay)
            elif self.cancel is not None:
                self.cancel.wait(delay)
            else:
                warn_if_loop_runs()
                time.sleep(delay)
            if self.shares is not None:
                self.shares.knock()
            return self._may_start()
        except BaseException as interrupt:
            error = interrupt
            self._hand_back()
            self._let_go()
            raise
        finally:
            opened.close(error)

    async def wait_async(self, delay: float) -> bool:
        opened = Open()
        error: BaseException | None = self.error
        try:
            if not await self.ask_async():
                self._told_of_giving_up()
                return False
            opened = self._scheduled(delay)
            delay = self.rest(delay)
            if self.testing is not None:
                self.testing._wait(delay)
                delay = 0.0
            await sleep(delay)
            if self.shares is not None:
                await self.shares.knock_async()
            return self._may_start()
        except BaseException as interrupt:
            error = interrupt
            self._hand_back()
            self._let_go()
            raise
        finally:
            opened.close(error)

    def last_error(self) -> Exception:
        """What leaves the call after a wait that no attempt follows: the last error, or GaveUp with the last result."""
        error = self.error if self.error is not None else self._gave_up_result(self.call.records()[-1][2])
        self._let_go()
        return error

    def _refused(self) -> Exception:
        """The breaker does not let the first attempt start: there is no error but this."""
        from ._breaker import BreakerOpen

        breaker = self.policy._breaker
        self.error = error = BreakerOpen(self.call.hint or 0.0, None if breaker is None else breaker.name)
        self._leave(error, self.call.reason or "")
        self._told_of_giving_up()
        self._let_go()
        return error

    def _hand_back(self) -> None:
        """Budget and breaker get back what an attempt has of them that is not made now. An extra call is harmless."""
        if self.policy._shares:
            self.call.abandoned(self.now())
            if self.shares is not None:
                self.shares.noted()

    def rest(self, delay: float) -> float:
        """Of the wait, after the way to the store and back."""
        on_the_way, self._on_the_way = self._on_the_way, 0.0
        return max(0.0, delay - on_the_way)

    def _let_go(self) -> None:
        """Errors lead back to frames that know this call: without this, each would be garbage for the cycle collector."""
        self.error = None
        if self._call is not None:
            self._call.clear()

    def _is_cancelled(self) -> bool:
        return self.cancel is not None and self.cancel.is_set()

    def _may_start(self) -> bool:
        if self._is_cancelled():
            self.call.cancelled()
        elif self.call.attempt(self.now()):
            return True
        if self.shares is not None:
            self.shares.noted()
        self._told_of_giving_up()
        return False

    def _scheduled(self, delay: float) -> Open:
        opened = Open()
        if self.hooks:
            self._emit("scheduled", delay=delay, error=self.error, opened=opened)
        return opened

    def _told_of_giving_up(self) -> None:
        # StopIteration and its like have no reason: they pass, nobody gave up on them.
        if self.hooks and self.call.reason is not None:
            self._emit("gave_up", error=self.error, reason=self.call.reason)

    def _gave_up_result(self, result: object) -> GaveUp:
        error = GaveUp(result, self.call.reason or "")
        self._leave(error, error.reason)
        self.call.clear()
        return error

    def _leave(self, error: Exception, reason: str) -> None:
        call, now = self.call, self.now()
        attempts = self.policy._core.attempts
        left_at = round(now * 1e6)
        elapsed = now - self.started
        leave(error, call.records(), reason, attempts, elapsed, call.hint, self.name, left_at, call.call_seed, call.token())

    def _emit(
        self,
        kind: Kind,
        *,
        delay: float | None = None,
        error: Exception | None = None,
        reason: str | None = None,
        opened: Open | None = None,
    ) -> None:
        elapsed = self.now() - self.started
        call = self.call
        class_ = sent = code = None
        if kind in ("scheduled", "gave_up") and (records := call.records()):
            class_, sent, domain, name = records[-1][5:]
            code = None if domain is None else f"{domain} {name}"
        event = Event(kind, self.policy, self.name, call.number, elapsed, delay, error, reason, call.call_seed, class_, sent, code)
        if opened is not None:
            opened.emit(self.hooks, event)
            return
        opened = Open()
        opened.emit(self.hooks, event)
        opened.close(None)


def is_trio() -> bool:
    """Whether a trio task runs this; trio is asked only if somebody has loaded it."""
    trio: Any = sys.modules.get("trio")
    if trio is None:
        return False
    try:
        if hasattr(trio.lowlevel, "in_trio_task"):  # which is cheaper than an error, and newer
            return trio.lowlevel.in_trio_task()  # type: ignore[no-any-return]
        trio.lowlevel.current_task()
    except (RuntimeError, AttributeError):
        return False
    return True


def sleep(delay: float) -> Awaitable[Any]:
    """Sleeps as the running event loop does."""
    if "trio" in sys.modules and is_trio():
        return sys.modules["trio"].sleep(delay)  # type: ignore[no-any-return]
    import asyncio

    return asyncio.sleep(delay)


def warn_if_loop_runs() -> None:
    """A sleeping thread stops every task of the event loop that it runs."""
    if _warned_of_loop:
        return
    asyncio: Any = modules.get("asyncio")
    if (asyncio is not None and asyncio._get_running_loop() is not None) or ("trio" in modules and is_trio()):
        _warn_of_loop()


def _warn_of_loop() -> None:
    global _warned_of_loop
    _warned_of_loop = True
    from ._warn import warn

    warn(
        "a synchronous retry waits in a thread that runs an event loop, which stands still meanwhile; use the async form",
        RuntimeWarning,
    )


modules = sys.modules
_warned_of_loop = False
