"""Decorator, blocks and callers: stamina's arguments become a policy, and undaunted's blocks do the rest."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypedDict, TypeVar

from ... import _core, _switch
from ..._block import AsyncAttempts, Attempts, RetryContext
from ..._errors import PolicyError
from ..._events import Open
from ..._plain import refuse_awaitable
from ..._policy import Policy
from ..._run import Run
from ..._warn import warn
from ..._wrap import dress, kind_of, over_blocks
from ._config import CONFIG
from .instrumentation import RetryDetails, get_on_retry_hooks, guess_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from types import TracebackType

    from ..._block import Attempt as OwnAttempt
    from ._config import _Testing

    BackoffHook: TypeAlias = Callable[[Exception], bool | float | timedelta]
    ExcOrBackoffHook: TypeAlias = type[Exception] | tuple[type[Exception], ...] | BackoffHook

T = TypeVar("T")
P = ParamSpec("P")


def retry(
    *,
    on: ExcOrBackoffHook,
    attempts: int | None = 10,
    timeout: float | timedelta | None = 45.0,
    wait_initial: float | timedelta = 0.1,
    wait_max: float | timedelta = 5.0,
    wait_jitter: float | timedelta = 1.0,
    wait_exp_base: float = 2,
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorates a callable, synchronous or asynchronous, or a generator function, which is started anew, with retries.

    `on` is what is retried: an exception type, a tuple of types, or a hook of the error that answers True, False, or yes by a wait of its
    own, in seconds or as timedelta. `attempts` are all calls, the first included; None is no limit. `timeout` is for the whole call; None is
    no limit. The wait before retry n is `wait_initial * wait_exp_base ** (n - 1)` and up to `wait_jitter` more, never above `wait_max`.
    Times are in seconds or timedeltas. Raises PolicyError for what cannot be.
    """
    plan = _plan(on, attempts, timeout, wait_initial, wait_max, wait_jitter, wait_exp_base)

    def decorator(fn: Callable[P, T]) -> Callable[P, T]:
        return _decorate(fn, plan)  # type: ignore[no-any-return]

    return decorator


def retry_context(
    on: ExcOrBackoffHook,
    attempts: int | None = 10,
    timeout: float | timedelta | None = 45.0,
    wait_initial: float | timedelta = 0.1,
    wait_max: float | timedelta = 5.0,
    wait_jitter: float | timedelta = 1.0,
    wait_exp_base: float = 2,
) -> _RetryContext:
    """Attempts at a block of code, for `for` and `async for`; arguments as those of `retry`."""
    return _RetryContext(_plan(on, attempts, timeout, wait_initial, wait_max, wait_jitter, wait_exp_base))


class Attempt:
    """One attempt at a block; `with attempt:` holds the block."""

    __slots__ = ("_attempt", "_plan")

    def __init__(self, attempt: OwnAttempt, plan: _Plan) -> None:
        self._attempt = attempt
        self._plan = plan

    @property
    def num(self) -> int:
        """Its number, from 1."""
        return self._attempt.number

    @property
    def next_wait(self) -> float:
        """The wait in seconds that follows if it fails, without the jitter; 0 in test mode and if retrying is switched off."""
        return self._plan.next_wait(self.num)

    def __repr__(self) -> str:
        return f"<Attempt num={self.num}, next_wait={float(self.next_wait)}>"

    def __enter__(self) -> None:
        self._attempt.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> bool | None:
        return self._attempt.__exit__(kind, error, tb)


class RetryKWs(TypedDict):
    """The arguments of a caller."""

    attempts: int | None
    timeout: float | timedelta | None
    wait_initial: float | timedelta
    wait_max: float | timedelta
    wait_jitter: float | timedelta
    wait_exp_base: float


class BaseRetryingCaller:
    """What callers have in common: their arguments."""

    __slots__ = ("_context_kws",)

    _context_kws: RetryKWs

    def __init__(
        self,
        attempts: int | None = 10,
        timeout: float | timedelta | None = 45.0,
        wait_initial: float | timedelta = 0.1,
        wait_max: float | timedelta = 5.0,
        wait_jitter: float | timedelta = 1.0,
        wait_exp_base: float = 2,
    ) -> None:
        self._context_kws = {
            "attempts": attempts,
            "timeout": timeout,
            "wait_initial": wait_initial,
            "wait_max": wait_max,
            "wait_jitter": wait_jitter,
            "wait_exp_base": wait_exp_base,
        }

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in sorted(self._context_kws.items()))
        return f"<{type(self).__name__}({given})>"

    def _begin(self, on: ExcOrBackoffHook) -> _Call:
        return _Call(_plan(on, **self._context_kws), BLOCK, (), {})


class RetryingCaller(BaseRetryingCaller):
    """Calls functions with retries; arguments as those of `retry`. Any number of calls may share it."""

    __slots__ = ()

    def __call__(self, on: ExcOrBackoffHook, callable_: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls a function with retries of these errors."""
        for attempt in self._begin(on):
            with attempt:
                attempt.result = refuse_awaitable(callable_(*args, **kwargs), guess_name(callable_))
        return attempt.result  # type: ignore[no-any-return]

    def on(self, on: ExcOrBackoffHook, /) -> BoundRetryingCaller:
        """The same for certain errors."""
        return BoundRetryingCaller(self, on)


class BoundRetryingCaller:
    """A `RetryingCaller` for certain errors, made by its method `on`."""

    __slots__ = ("_caller", "_on")

    def __init__(self, caller: RetryingCaller, on: ExcOrBackoffHook) -> None:
        self._caller = caller
        self._on = on

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({guess_name(self._on)}, {self._caller!r})>"

    def __call__(self, callable_: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls a function with retries."""
        return self._caller(self._on, callable_, *args, **kwargs)


class AsyncRetryingCaller(BaseRetryingCaller):
    """A `RetryingCaller` for what is awaited."""

    __slots__ = ()

    async def __call__(
        self, on: ExcOrBackoffHook, callable_: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Awaits a call with retries of these errors."""
        async for attempt in self._begin(on):
            with attempt:
                attempt.result = await callable_(*args, **kwargs)
        return attempt.result  # type: ignore[no-any-return]

    def on(self, on: ExcOrBackoffHook, /) -> BoundAsyncRetryingCaller:
        """The same for certain errors."""
        return BoundAsyncRetryingCaller(self, on)


class BoundAsyncRetryingCaller:
    """An `AsyncRetryingCaller` for certain errors, made by its method `on`."""

    __slots__ = ("_caller", "_on")

    def __init__(self, caller: AsyncRetryingCaller, on: ExcOrBackoffHook) -> None:
        self._caller = caller
        self._on = on

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({guess_name(self._on)}, {self._caller!r})>"

    async def __call__(self, callable_: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Awaits a call with retries."""
        return await self._caller(self._on, callable_, *args, **kwargs)


def _decorate(fn: Any, plan: _Plan) -> Any:
    if isinstance(fn, (staticmethod, classmethod)):
        return type(fn)(_decorate(fn.__func__, plan))
    name = guess_name(fn)
    wrapper = over_blocks(kind_of(fn), fn, lambda args, kwargs: _Call(plan, name, args, kwargs), name)
    dress(wrapper, fn)
    wrapper.policy = plan.policy
    return wrapper


class _RetryContext:
    """What `retry_context` gives. Each loop is a call of its own."""

    __slots__ = ("_plan",)

    def __init__(self, plan: _Plan) -> None:
        self._plan = plan

    @property
    def policy(self) -> Policy:
        """The policy that the arguments come to."""
        return self._plan.policy

    def __iter__(self) -> Iterator[Attempt]:
        return _Attempts(_Call(self._plan, BLOCK, (), {})._run(), self._plan)

    def __aiter__(self) -> AsyncIterator[Attempt]:
        return _AsyncAttempts(_Call(self._plan, BLOCK, (), {})._run(), self._plan)


class _Attempts:
    __slots__ = ("_attempts", "_plan")

    def __init__(self, run: Run, plan: _Plan) -> None:
        self._attempts = Attempts(run)
        self._plan = plan

    def __iter__(self) -> _Attempts:
        return self

    def __next__(self) -> Attempt:
        return Attempt(self._attempts.__next__(), self._plan)


class _AsyncAttempts:
    __slots__ = ("_attempts", "_plan")

    def __init__(self, run: Run, plan: _Plan) -> None:
        self._attempts = AsyncAttempts(run)
        self._plan = plan

    def __aiter__(self) -> _AsyncAttempts:
        return self

    async def __anext__(self) -> Attempt:
        return Attempt(await self._attempts.__anext__(), self._plan)


class _Plan:
    """What the arguments come to."""

    __slots__ = ("_base", "_initial", "_max", "policy")

    def __init__(self, policy: Policy, wait_initial: float, wait_max: float, base: float) -> None:
        self.policy = policy
        self._initial = wait_initial
        self._max = wait_max
        self._base = base

    def next_wait(self, number: int) -> float:
        if CONFIG.testing is not None or not _switch.active:
            return 0.0
        try:
            return min(self._max, self._initial * self._base ** (number - 1))
        except OverflowError:
            return self._max

    def in_test_mode(self, testing: _Testing) -> Policy:
        attempts = max(1, testing.get_attempts(self.policy.attempts))
        return self.policy.replace(attempts=attempts, timeout=None, backoff=[0], jitter="none")


class _Call(RetryContext):
    """The attempts of one call with these arguments."""

    __slots__ = ("_args", "_kwargs", "_plan")

    def __init__(self, plan: _Plan, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        super().__init__(plan.policy, name)
        self._plan = plan
        self._args = args
        self._kwargs = kwargs

    def _run(self) -> Run:
        testing = CONFIG.testing
        policy = self._plan.policy if testing is None else self._plan.in_test_mode(testing)
        return _Run(policy, self._name or BLOCK, self._args, self._kwargs)


class _Run(Run):
    """A call whose retries stamina's hooks hear of."""

    __slots__ = ("_args", "_kwargs", "_waited")

    def __init__(self, policy: Policy, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        super().__init__(policy, name)
        self._args = args
        self._kwargs = kwargs
        self._waited = 0.0

    def _scheduled(self, delay: float) -> Open:
        opened = _Open(super()._scheduled(delay))
        hooks = _hooks()
        if hooks and self.error is not None:
            details: Any = RetryDetails(self.name or BLOCK, self._args, self._kwargs, self.call.number, delay, self._waited, self.error)
            opened.emit(hooks, details)
        self._waited += delay
        return opened


def _hooks() -> tuple[Any, ...]:
    try:
        return get_on_retry_hooks()
    except Exception as error:
        warn(f"a factory of hooks raised {error!r}; the call goes on without hooks", RuntimeWarning)
        return ()


class _Open(Open):
    """What stamina's hooks opened is told of no error; what undaunted's did is."""

    __slots__ = ("_own",)

    def __init__(self, own: Open) -> None:
        super().__init__()
        self._own = own

    def close(self, error: BaseException | None) -> None:
        super().close(None)
        self._own.close(error)


class _Named:
    """Whether an error is of the types, whatever the tables say."""

    __slots__ = ("_types",)

    def __init__(self, types: Any) -> None:
        self._types = types

    def __call__(self, error: Exception) -> bool:
        return isinstance(error, self._types)


class _Asked:
    """What a backoff hook answers."""

    __slots__ = ("_hook",)

    def __init__(self, hook: BackoffHook) -> None:
        self._hook = hook

    def __call__(self, error: Exception) -> bool | float | timedelta:
        answer = self._hook(error)
        if answer is None:
            warn(
                f"Backoff hook {self._hook!r} returned None. Backoff hooks must return a bool or a float or a timedelta. "
                "This will be an error in a future version.",
                UserWarning,
            )
            return False
        return True if CONFIG.testing is not None and not isinstance(answer, bool) else answer


def _plan(
    on: ExcOrBackoffHook,
    attempts: int | None,
    timeout: float | timedelta | None,
    wait_initial: float | timedelta,
    wait_max: float | timedelta,
    wait_jitter: float | timedelta,
    wait_exp_base: float,
) -> _Plan:
    most = None if timeout is None else _seconds(timeout)
    if most is not None and most <= 0:
        if most == 0:
            warn("timeout=0 means no retries will be attempted. Use timeout=None to deactivate the timeout.", UserWarning)
        attempts, most = 1, None
    if attempts is not None:
        attempts = max(1, attempts)
    waits = tuple(max(0.0, _seconds(wait)) for wait in (wait_initial, wait_max, wait_jitter))
    named: Any = on
    if isinstance(on, tuple) or (isinstance(on, type) and issubclass(on, BaseException)):
        return _named_plan(named, attempts, most, waits, wait_exp_base)
    if not callable(on):
        raise TypeError(f"on is {on!r}, allowed exception types, a tuple of these, or a hook; pass one of them")
    return _plan_of(_Asked(named), attempts, most, waits, wait_exp_base)


@lru_cache(maxsize=256)
def _named_plan(on: Any, attempts: int | None, timeout: float | None, waits: tuple[float, ...], base: float) -> _Plan:
    """Blocks say the same each time."""
    # Hooks see the leaves of a group, types the group as well.
    groups = tuple(kind for kind in (on if isinstance(on, tuple) else (on,)) if isinstance(kind, type) and issubclass(kind, ExceptionGroup))
    return _plan_of((_Named(on), *groups), attempts, timeout, waits, base)


def _plan_of(on: Any, attempts: int | None, timeout: float | None, waits: tuple[float, ...], base: float) -> _Plan:
    initial, longest, _ = waits
    return _Plan(_policy(attempts, timeout, waits, base).replace(on=on), initial, longest, base)


@lru_cache(maxsize=256)
def _policy(attempts: int | None, timeout: float | None, waits: tuple[float, ...], base: float) -> Policy:
    import json

    initial, longest, jitter = waits
    settings = {
        "attempts": attempts,
        "timeout": timeout,
        "wait_initial": initial,
        "wait_max": longest,
        "wait_jitter": jitter,
        "wait_exp_base": base,
    }
    report, problems = _core.convert("stamina", settings)
    if report is None:
        raise PolicyError(problems)
    return Policy._of_json(json.loads(report[1])["policy"])


def _seconds(time: float | timedelta) -> float:
    """No longer than a policy can say, which is ten years."""
    return float(min(time.total_seconds() if isinstance(time, timedelta) else time, LONGEST))


BLOCK = "<context block>"
LONGEST = 87_600 * 3600.0
