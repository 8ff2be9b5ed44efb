"""`retry`, `retry_context` and the small functions beside them."""

from __future__ import annotations

from . import _core
from ._block import RetryContext
from ._errors import HttpError
from ._policy import Policy
from ._readers import hint_of
from ._wrap import decorate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Literal, ParamSpec, TypeVar, Unpack, overload

    from ._options import Decorator, Duration, Options
    from .lab import Difference

    P = ParamSpec("P")
    R = TypeVar("R")
    T = TypeVar("T")

if TYPE_CHECKING:

    # A Policy is callable too, and is not what the second form is about.
    @overload
    def retry(  # type: ignore[overload-overlap]
        policy: Policy | None = None, /, *, generators: Literal["refuse", "restart"] = "refuse", **options: Unpack[Options]
    ) -> Decorator: ...
    @overload
    def retry(fn: Callable[P, R], /) -> Callable[P, R]: ...


def retry(target: Any = None, /, *, generators: str = "refuse", **options: Any) -> Any:
    """Decorates a function or method, synchronous or asynchronous, with retries.

    `@retry`, `@retry(attempts=3, on=OSError)` or `@retry(policy, on=OSError)`: options and settings are those of `Policy`, on top of the
    policy given. The last error leaves as it came, with a note that says why; `history(error)` has the attempts. Generator functions are
    refused unless generators="restart", which runs them from the start again, items that were yielded included.

    Raises PolicyError for options, TypeError for what cannot be decorated.
    """
    if generators not in ("refuse", "restart"):
        raise ValueError(f'generators is {generators!r}, allowed "refuse" or "restart"; leave it out to refuse')
    if target is not None and not isinstance(target, Policy):
        if options or generators != "refuse":
            raise TypeError(f"{target!r} is given beside options, allowed a Policy; write @retry(...) above the function")
        return decorate(target, Policy())
    policy = policy_of(target, options)

    def decorator(fn: Any) -> Any:
        return decorate(fn, policy, generators)

    return decorator


def retry_context(policy: Policy | None = None, /, **options: Unpack[Options]) -> RetryContext:
    """Attempts at a block of code: `for attempt in retry_context(...): with attempt: ...`, and the same with `async for`.

    Options and settings are those of `Policy`, on top of the policy given. Raises PolicyError, TypeError.
    """
    return RetryContext(policy_of(policy, options))


def read_hint(headers: Mapping[str, str] | Iterable[tuple[str, str]], *, now: float | None = None) -> float | None:
    """The wait that a response's headers ask for, in seconds, or None.

    Reads `Retry-After` in all its forms, its millisecond relatives, `RateLimit` and `X-RateLimit-Reset`; dates count from the response's
    own `Date`, else from `now`, seconds since 1970, by default the wall clock. Source: RFC 9110 10.2.3 and the design's section on hints.
    """
    if now is None:
        delay, _ = hint_of(headers)
    else:
        pairs = headers.items() if hasattr(headers, "items") else headers
        delay, _, _ = _core.read_hint([(str(name), str(value)) for name, value in pairs], round(now * 1e6))
    return None if delay is None else delay / 1e6


class Classification:
    """What a code means by the built-in tables.

    `class_` is transient, throttle, timeout, connect, conflict or permanent; `sent` is not_sent, rejected or maybe; `condition` is always,
    hint_only, opt_in, opt_in_once or immediate; `known` says whether a table has it, `retried` whether it is retried unless a policy says
    otherwise.
    """

    __slots__ = ("class_", "condition", "known", "retried", "sent")

    def __init__(self, class_: str, sent: str, condition: str, known: bool, retried: bool) -> None:
        self.class_ = class_
        self.sent = sent
        self.condition = condition
        self.known = known
        self.retried = retried

    def __repr__(self) -> str:
        return f"Classification{self._fields()}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Classification) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __reduce__(self) -> Any:
        return Classification, self._fields()

    def _fields(self) -> tuple[str, str, str, bool, bool]:
        return self.class_, self.sent, self.condition, self.known, self.retried


def classify(
    domain: Literal["http", "os", "dns", "tls", "undici", "user"],
    code: int | str,
    *,
    method: str | None = None,
    phase: Literal["unknown", "connect"] = "unknown",
    hint: bool = False,
) -> Classification:
    """What the built-in tables say about a code; without a `method` the call counts as idempotent. Raises ValueError for an unknown domain."""
    return Classification(*_core.classify(_core.Failure(domain, code, phase=phase, hint=0 if hint else None), method))


def diff(before: Policy, after: Policy, *, failure_rate: float = 0.1, attempt_duration: Duration = 0.0) -> Difference:
    """What changes from one policy to another, as `before.diff(after)`. Raises PolicyError, TypeError."""
    return policy_of(before, {}).diff(after, failure_rate=failure_rate, attempt_duration=attempt_duration)


def ok(response: T) -> T:
    """The response, unless its status is 400 or more: then `HttpError`, with status, method and the server's hint.

    For responses with `status_code` or `status`: requests, httpx, urllib3, aiohttp and their like. Raises TypeError for others.
    """
    thing: Any = response
    status = getattr(thing, "status_code", None) or getattr(thing, "status", None)
    if not isinstance(status, int):
        raise TypeError(f"a {type(response).__name__} has no status_code and no status; pass an HTTP response")
    if status < 400:
        return response
    request = getattr(thing, "_request", None) or getattr(thing, "request", None)
    method = getattr(thing, "method", None) or getattr(request, "method", None)
    raise HttpError(status, method=method, headers=getattr(thing, "headers", None), response=response)


def policy_of(policy: Any, options: Any) -> Policy:
    if policy is None:
        return Policy(**options)
    if not isinstance(policy, Policy):
        raise TypeError(f"the policy is {policy!r}, allowed a Policy or nothing; use Policy.load, Policy.parse or keyword arguments")
    return policy.replace(**options) if options else policy
