"""Policies that may change while a program runs: from a file that is watched, from feature flags, or from anywhere else."""

from __future__ import annotations

import time

from ._policy import Policy
from ._wrap import ASYNC, decorate, dress, kind_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from os import PathLike
    from typing import Any, ParamSpec, TypeVar, Unpack

    from ._options import Options

    P = ParamSpec("P")
    R = TypeVar("R")


class PolicySource:
    """Where policies come from: it stands wherever a policy does, and is asked at the start of each call.

    `read` answers the policy of now: a `Policy`, its JSON text, or what `json.loads` made of that. `on_error` is told of an answer that is
    no policy, and of what `read` raises: once for the same trouble, by default as a warning. The last good policy stays meanwhile;
    `fallback` (by default `standard`) until there is one. Any number of threads and tasks may share a source.
    """

    __slots__ = ("_answer", "_on_error", "_policy", "_read", "_trouble")

    def __init__(
        self, read: Callable[[], object], *, fallback: Policy | None = None, on_error: Callable[[Exception], object] | None = None
    ) -> None:
        self._read = read
        self._on_error = warn_of if on_error is None else on_error
        self._policy = Policy() if fallback is None else fallback
        self._answer: object = None
        self._trouble: str | None = None

    def current(self) -> Policy:
        """The policy of now. Raises what `on_error` raises."""
        try:
            answer = self._read()
            if answer != self._answer:
                self._policy = policy_from(answer)
                self._answer = answer
            self._trouble = None
        except Exception as error:
            trouble = f"{type(error).__name__}: {error}"
            if trouble != self._trouble:
                self._trouble = trouble
                self._on_error(error)
        return self._policy

    def replace(self, **options: Unpack[Options]) -> PolicySource:
        """A source of these policies with other options and settings. Where they do not fit together, that is an error like any other."""
        return PolicySource(lambda: Replaced(self.current(), options), fallback=self._policy.replace(**options), on_error=self._on_error)

    def __call__(self, fn: Callable[P, R], /) -> Callable[P, R]:
        """Decorates a function or method, synchronous or asynchronous."""
        return decorate_by(self, fn)  # type: ignore[no-any-return]

    def call(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls a function with retries."""
        return self.current().call(fn, *args, **kwargs)

    async def call_async(self, fn: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Awaits a call with retries."""
        return await self.current().call_async(fn, *args, **kwargs)


class Versioned:
    """What a source with versions has: the policy is made anew, too, if the version alone is another."""

    __slots__ = ("answer", "version")

    def __init__(self, answer: object, version: int | str | None) -> None:
        self.answer = answer
        self.version = version

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Versioned) and self.version == other.version and self.answer == other.answer

    __hash__ = None  # type: ignore[assignment]


class Replaced:
    """A policy and what is to be changed of it: the same answer as long as the policy is the same object."""

    __slots__ = ("options", "policy")

    def __init__(self, policy: Policy, options: Any) -> None:
        self.policy = policy
        self.options = options

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Replaced) and self.policy is other.policy

    __hash__ = None  # type: ignore[assignment]


def policy_from(answer: object) -> Policy:
    """Raises PolicyError or TypeError for what is no policy."""
    if isinstance(answer, Policy):
        return answer
    if isinstance(answer, Replaced):
        return answer.policy.replace(**answer.options)._of_version(answer.policy.version)
    if isinstance(answer, Versioned):
        return policy_from(answer.answer)._of_version(answer.version)
    if isinstance(answer, (str, bytes)):
        return Policy.parse(answer)
    if isinstance(answer, dict):
        return Policy._of_json(answer)
    raise TypeError(f"the source answered a {type(answer).__name__}, allowed a Policy, its JSON text or a dict; answer one of these")


def watch(path: str | PathLike[str], *, every: float = 1.0, on_error: Callable[[Exception], object] | None = None) -> PolicySource:
    """The policy in a JSON file, read again when the file has changed; at the start of a call, at most once in `every` seconds.

    A file that is missing or wrong when it is changed leaves the last good policy in force, and `on_error` is told. Raises OSError or
    PolicyError for one that is so now.
    """
    if not every >= 0:
        raise ValueError(f"every is {every!r}, allowed seconds from 0 on; pass how often the file may be looked at")
    return PolicySource(WatchedFile(path, every).policy, fallback=Policy.load(path), on_error=on_error)


class WatchedFile:
    """A file, looked at now and then."""

    __slots__ = ("_every", "_looked_at", "_path", "_policy", "_seen")

    def __init__(self, path: str | PathLike[str], every: float) -> None:
        self._path = path
        self._every = every
        self._looked_at = time.monotonic()
        self._seen = self._state()
        self._policy = Policy.load(path)

    def policy(self) -> Policy:
        now = time.monotonic()
        if now - self._looked_at >= self._every:
            state = self._state()
            if state != self._seen:
                self._policy = Policy.load(self._path)
                self._seen = state
            self._looked_at = now
        return self._policy

    def _state(self) -> tuple[int, int, int]:
        import os

        found = os.stat(self._path)
        return found.st_mtime_ns, found.st_size, found.st_ino


def decorate_by(source: PolicySource, fn: Any, generators: str = "refuse") -> Any:
    """The function with the retries of the policy of each call's beginning."""
    if isinstance(fn, (staticmethod, classmethod)):
        return type(fn)(decorate_by(source, fn.__func__, generators))
    policy = source.current()
    decorated: tuple[Policy, Any] = policy, decorate(fn, policy, generators)

    def current() -> Any:
        nonlocal decorated
        policy = source.current()
        if decorated[0] is not policy:
            decorated = policy, decorate(fn, policy, generators)
        return decorated[1]

    async def retrying_async(*args: Any, **kwargs: Any) -> Any:
        return await current()(*args, **kwargs)

    def retrying(*args: Any, **kwargs: Any) -> Any:
        return current()(*args, **kwargs)

    wrapper: Any = retrying_async if kind_of(fn) == ASYNC else retrying
    dress(wrapper, fn)
    wrapper.policy = source
    return wrapper


def warn_of(error: Exception) -> None:
    from ._warn import warn

    warn(f"the policy stays as it was, since its source has none: {error}", RuntimeWarning)
