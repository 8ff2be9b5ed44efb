"""The block form, `for attempt in retry_context(...): with attempt: ...`, and the attempt itself."""

from __future__ import annotations

import builtins

from . import _switch
from ._errors import TimeoutError
from ._run import Run, is_trio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import TracebackType
    from typing import Any

    from . import _core
    from ._policy import Policy
    from ._source import PolicySource


class RetryContext:
    """Attempts at a block of code, for `for` and for `async for`. Each loop is a call of its own."""

    __slots__ = ("_idempotency_key", "_method", "_name", "policy")

    def __init__(
        self, policy: Policy | PolicySource, name: str | None = None, *, method: str | None = None, idempotency_key: bool = False
    ) -> None:
        self.policy = policy
        self._name = name
        self._method = method
        self._idempotency_key = idempotency_key

    def __iter__(self) -> Iterator[Attempt]:
        run = self._run()
        policy = run.policy
        if policy._is_watched and policy._core.attempt_timeout is not None:
            from ._policy import warn_of_attempt_timeout

            warn_of_attempt_timeout(policy)
        return Attempts(run)

    def __aiter__(self) -> AsyncIterator[Attempt]:
        return AsyncAttempts(self._run())

    def _run(self) -> Run:
        policy = self.policy.current()
        return Run(policy, self._name or policy._settings.name, self._method, self._idempotency_key)


class Attempts:
    """The attempts of one call, in a `for` loop."""

    __slots__ = ("_attempt", "_run")

    def __init__(self, run: Run) -> None:
        self._run = run
        self._attempt: Attempt | None = None

    def __iter__(self) -> Attempts:
        return self

    def __next__(self) -> Attempt:
        previous = self._attempt
        while True:
            if previous is not None:
                if previous._state is DONE:
                    raise StopIteration
                delay = previous._outcome()
                if not self._run.wait(delay):
                    break
            else:
                self._run.open()
            self._attempt = previous = Attempt(self._run, is_async=False)
            if self._run.testing is None or not previous._plays_script():
                return previous
        error = self._run.last_error()
        # As it came: the frame that is added here replaces the one of the loop's body, and the context stays what it was.
        context = CONTEXT.__get__(error)
        try:
            raise error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
        finally:
            CONTEXT.__set__(error, context)
            del error, context


class AsyncAttempts:
    """The attempts of one call, in an `async for` loop."""

    __slots__ = ("_attempt", "_run")

    def __init__(self, run: Run) -> None:
        run.is_async = True
        self._run = run
        self._attempt: Attempt | None = None

    def __aiter__(self) -> AsyncAttempts:
        return self

    async def __anext__(self) -> Attempt:
        previous = self._attempt
        while True:
            if previous is not None:
                if previous._state is DONE:
                    raise StopAsyncIteration
                delay = previous._outcome()
                if not await self._run.wait_async(delay):
                    break
            else:
                await self._run.open_async()
            self._attempt = previous = Attempt(self._run, is_async=True)
            if self._run.testing is None or not previous._plays_script():
                return previous
        error = self._run.last_error()
        context = CONTEXT.__get__(error)
        try:
            raise error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
        finally:
            CONTEXT.__set__(error, context)
            del error, context


class Attempt:
    """One attempt at a block; `with attempt:` (or `async with`) holds the block.

    `number` counts from 1. With `retry_if_result` the block must set `result`.
    """

    __slots__ = ("_delay", "_facts", "_is_async", "_is_closing", "_limit", "_result", "_run", "_scope", "_state", "_token", "number")

    def __init__(self, run: Run, *, is_async: bool) -> None:
        self._run = run
        self._is_async = is_async
        #: A generator is being closed: what it raises now is for who closes it.
        self._is_closing = False
        self._state = NEW
        self._delay: float | None = None
        self._facts: _core.Failure | None = None
        self._limit: float | None = None
        self._scope: Any = None
        self._token: Any = None
        self._result: Any = UNSET
        self.number: int = 1 if run._call is None else run._call.number

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return self._run.now() - self._run.started

    @property
    def remaining(self) -> float | None:
        """Seconds until the deadline, 0 after it, None without one: to be passed on to the client's own timeout."""
        run = self._run
        deadline = run.call.deadline
        if deadline is None:
            timeout = run.policy._core.timeout
            if timeout is None:
                return None
            deadline = run.started + timeout
        return max(0.0, deadline - run.now())

    @property
    def next_delay(self) -> float | None:
        """The wait in seconds that follows if this attempt fails now, class transient, without a hint; None if it is the last."""
        return self._run.call.next_delay(self._run.now())

    @property
    def last_error(self) -> Exception | None:
        """What the attempt before raised, None for the first."""
        return self._run.error

    @property
    def result(self) -> Any:
        """What the block wants to return; `retry_if_result` looks at it."""
        return None if self._result is UNSET else self._result

    @result.setter
    def result(self, value: object) -> None:
        self._result = value

    @property
    def will_retry(self) -> bool:
        """After the block: whether another attempt follows."""
        return self._state is RETRIED

    def __enter__(self) -> Attempt:
        if self._state is not NEW:
            raise RuntimeError("this attempt was used already; each turn of the loop gives a new one")
        run = self._run
        self._state = RUNNING
        if run.is_quiet:
            return self
        self._hand_on()
        run.attempt_starts()
        self._limit = run.call.limit
        if self._is_async and self._limit is not None:
            self._scope = timeout_scope(self._limit)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> bool:
        run = self._run
        if error is None and run.is_quiet and self._facts is None:
            self._state = DONE
            run._let_go()
            return False
        self._take_back()
        expired = self._scope is not None and self._scope.close(kind, error, tb)
        if expired:
            error = TimeoutError(self._limit or 0.0)
        self._state = DONE
        if error is None:
            self._judge_result()
            return False
        if not isinstance(error, Exception) or self._is_closing:
            run.abandoned(error)
            return False
        delay = run.failed(error)
        if delay is not None:
            self._retry(delay)
            return True
        if expired:
            raise error
        return False

    async def __aenter__(self) -> Attempt:
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> bool:
        return self.__exit__(kind, error, tb)

    def _hand_on(self) -> None:
        """Hands the deadline on to calls inside, where the policy says so."""
        if self._run.policy._core.shares:
            self._token = _switch.deadline.set(self._run.call.deadline)

    def _take_back(self) -> None:
        """An extra call is harmless."""
        if self._token is not None:
            token, self._token = self._token, None
            leave_share(token)

    def _judge(self, facts: _core.Failure) -> None:
        """For adapters: the result is a response that these facts speak of."""
        self._facts = facts

    async def _lets_go(self) -> bool:
        """For adapters under an event loop: whether the response is to be let go, as another attempt follows and is granted."""
        if self._state is not RETRIED:
            return False
        run = self._run
        try:
            if await run.ask_async():
                return True
        except BaseException as error:
            run.abandoned(error)
            raise
        self._state = DONE
        run._told_of_giving_up()
        return False

    def _judge_result(self) -> None:
        run = self._run
        if self._facts is not None:
            delay = run.failed(None, self._facts)
            if delay is not None:
                self._retry(delay)
            return
        predicate = run.policy._settings.retry_if_result
        if predicate is None:
            run.succeeded()
            return
        if self._result is UNSET:
            run.abandoned(None)
            raise TypeError("retry_if_result is given, but the block set no attempt.result; set it inside `with attempt`")
        try:
            answer = predicate(self._result)
        except BaseException as error:
            run.abandoned(error)
            raise
        if answer is False or answer is None:
            run.succeeded()
            return
        from ._policy import seconds

        wait = None if answer is True else seconds(answer)
        self._retry(run.unsatisfied(self._result, wait))

    def _retry(self, delay: float) -> None:
        self._state = RETRIED
        self._delay = delay

    def _outcome(self) -> float:
        """For the loop: the wait that follows an attempt that is not the last."""
        if self._state is RETRIED and self._delay is not None:
            return self._delay
        self._run.abandoned(None)
        raise RuntimeError("the loop's body did not enter the attempt; write `with attempt:` around it")

    def _plays_script(self) -> bool:
        """In `testing(script=...)`: whether a scripted failure took the place of the block, and is retried."""
        run = self._run
        testing = run.testing
        planned = None if testing is None else testing._next_failure()
        if testing is None or planned is None:
            return False
        self._state = DONE
        run.attempt_starts()
        failure, duration = planned
        limit = run.call.limit if self._is_async else None
        if limit is not None and duration > limit:
            failure, duration = TimeoutError(limit), limit
        testing.advance(duration)
        delay = run.failed(failure)
        if delay is None:
            raise failure
        self._retry(delay)
        return True


class AsyncioScope:
    """`asyncio.timeout`, entered and left from plain code: it never suspends."""

    __slots__ = ("_timeout",)

    def __init__(self, limit: float) -> None:
        import asyncio

        self._timeout = asyncio.timeout(limit)
        step(self._timeout.__aenter__())

    def close(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> bool:
        try:
            step(self._timeout.__aexit__(kind, error, tb))
        except builtins.TimeoutError:
            return True
        return False


class TrioScope:
    """A cancel scope of trio's."""

    __slots__ = ("_scope",)

    def __init__(self, limit: float) -> None:
        import trio

        self._scope = trio.move_on_after(limit)
        self._scope.__enter__()

    def close(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> bool:
        self._scope.__exit__(kind, error, tb)
        return self._scope.cancelled_caught


def timeout_scope(limit: float) -> AsyncioScope | TrioScope:
    return TrioScope(limit) if is_trio() else AsyncioScope(limit)


def step(coroutine: Any) -> None:
    """Runs a coroutine that does not suspend."""
    try:
        coroutine.send(None)
    except StopIteration:
        return


def leave_share(token: Any) -> None:
    """Takes back the deadline handed on, unless a generator was closed from another context: there it never was."""
    try:
        _switch.deadline.reset(token)
    except ValueError:
        return


CONTEXT: Any = BaseException.__dict__["__context__"]
NEW, RUNNING, RETRIED, DONE = "new", "running", "retried", "done"
UNSET: Any = object()
