"""`retry`, `retry_context` and the small functions beside them."""

from __future__ import annotations

from . import _core
from ._block import RetryContext
from ._errors import HttpError
from ._policy import Policy
from ._readers import hint_of, read
from ._source import PolicySource, decorate_by
from ._wrap import decorate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Literal, ParamSpec, TypeVar, Unpack, overload

    from ._options import Decorator, Domain, Duration, Options
    from .lab import Difference

    P = ParamSpec("P")
    R = TypeVar("R")
    T = TypeVar("T")

if TYPE_CHECKING:

    # A Policy is callable too, and is not what the second form is about.
    @overload
    def retry(  # type: ignore[overload-overlap]
        policy: Policy | PolicySource | None = None, /, *, generators: Literal["refuse", "restart"] = "refuse", **options: Unpack[Options]
    ) -> Decorator: ...
    @overload
    def retry(fn: Callable[P, R], /) -> Callable[P, R]: ...


def retry(target: Any = None, /, *, generators: str = "refuse", **options: Any) -> Any:
    """Decorates a function or method, synchronous or asynchronous, with retries.

    `@retry`, `@retry(attempts=3, on=OSError)` or `@retry(policy, on=OSError)`: options and settings are those of `Policy`, on top of the
    policy given, which may be a source of policies. The last error leaves as it came, with a note that says why; `history(error)` has the attempts. Generator functions are
    refused unless generators="restart".

    generators="restart" starts a generator anew after an error that is retried, and yields again what it had yielded: for consumers that can bear
    it. What is sent or thrown in goes to the generator that runs; its return value is kept; an error on closing it is not retried. The time
    that the consumer takes between two items counts, too.

    Raises PolicyError for options, TypeError for what cannot be decorated.
    """
    if generators not in ("refuse", "restart"):
        raise ValueError(f'generators is {generators!r}, allowed "refuse" or "restart"; leave it out to refuse')
    if target is not None and not isinstance(target, (Policy, PolicySource)):
        if options or generators != "refuse":
            raise TypeError(f"{target!r} is given beside options, allowed a Policy; write @retry(...) above the function")
        return decorate(target, Policy())
    policy = policy_of(target, options)

    def decorator(fn: Any) -> Any:
        if isinstance(policy, PolicySource):
            return decorate_by(policy, fn, generators)
        return decorate(fn, policy, generators)

    return decorator


def retry_context(policy: Policy | PolicySource | None = None, /, **options: Unpack[Options]) -> RetryContext:
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
    """What a code, or an error, means by the built-in tables.

    `class_` is transient, throttle, timeout, connect, conflict or permanent; `sent` is not_sent, rejected or maybe; `condition` is always,
    hint_only, opt_in, opt_in_once, immediate or transaction (repeat the whole transaction, one statement alone would not help); `known` says
    whether a table has it, `retried` whether it is retried unless a policy says otherwise. `domain` and `code` are what the tables were
    asked.
    """

    __slots__ = ("class_", "code", "condition", "domain", "known", "retried", "sent")

    def __init__(
        self, class_: str, sent: str, condition: str, known: bool, retried: bool, domain: str, code: int | str | None
    ) -> None:
        self.class_ = class_
        self.sent = sent
        self.condition = condition
        self.known = known
        self.retried = retried
        self.domain = domain
        self.code = code

    def __repr__(self) -> str:
        return f"Classification{self._fields()}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Classification) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __reduce__(self) -> Any:
        return Classification, self._fields()

    def _fields(self) -> tuple[str, str, str, bool, bool, str, int | str | None]:
        return self.class_, self.sent, self.condition, self.known, self.retried, self.domain, self.code


if TYPE_CHECKING:

    @overload
    def classify(error: BaseException, /, *, method: str | None = None) -> Classification: ...
    @overload
    def classify(
        domain: Domain,
        code: int | str,
        *,
        method: str | None = None,
        phase: Literal["unknown", "connect"] = "unknown",
        hint: bool = False,
    ) -> Classification: ...


def classify(domain: Any, code: Any = None, *, method: str | None = None, phase: str = "unknown", hint: bool = False) -> Classification:
    """What the built-in tables say about a code, or about an error as the readers see it; of a group, the part that weighs most.

    `classify("postgres", "40001")`, `classify(error, method="POST")`. Without a `method` the call counts as idempotent. `phase` and `hint`
    belong to codes: an error has its own. Raises ValueError for an unknown domain.
    """
    if not isinstance(domain, BaseException):
        return _classified(_core.Failure(domain, code, phase=phase, hint=0 if hint else None), method)
    if code is not None or phase != "unknown" or hint:
        raise TypeError("code, phase or hint is given beside an error, allowed method; an error has its own")
    return min((_classified(read(leaf, False), method) for leaf in _leaves(domain)), key=_weight)


def _classified(failure: _core.Failure, method: str | None) -> Classification:
    return Classification(*_core.classify(failure, method), failure.domain, failure.code)


def _leaves(error: BaseException) -> list[BaseException]:
    """The errors of a group, however deep."""
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return [leaf for part in parts for leaf in _leaves(part)] or [error]


def _weight(found: Classification) -> tuple[bool, bool]:
    return found.retried, found.sent != "maybe"


def diff(before: Policy, after: Policy, *, failure_rate: float = 0.1, attempt_duration: Duration = 0.0) -> Difference:
    """What changes from one policy to another, as `before.diff(after)`. Raises PolicyError, TypeError."""
    return policy_of(before, {}).current().diff(after, failure_rate=failure_rate, attempt_duration=attempt_duration)


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


def policy_of(policy: Any, options: Any) -> Policy | PolicySource:
    if policy is None:
        return Policy(**options)
    if not isinstance(policy, (Policy, PolicySource)):
        raise TypeError(f"the policy is {policy!r}, allowed a Policy, a source of policies or nothing; use Policy.load, Policy.parse or keyword arguments")
    return policy.replace(**options) if options else policy
