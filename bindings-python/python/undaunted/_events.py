"""Events: what a call tells about itself, to whoever wants to know."""

from __future__ import annotations

from . import _switch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Any, Literal

    from ._policy import Policy

    Hook = Callable[["Event"], AbstractContextManager[Any] | None]
    Kind = Literal["attempt", "scheduled", "success", "gave_up"]


class Event:
    """One thing that happened in a call.

    `kind` is `attempt` (one starts), `scheduled` (one failed, the next comes after `delay`), `success` or `gave_up` (for `reason`).
    `attempt` is its number, from 1; `elapsed` and `delay` are seconds; `error` is what was raised, None for a result or a response.
    `class_` and `sent` are the engine's view of the failure, `code` what it went by (`"http 503"`): also of a response that an adapter
    judged. `call_seed` replays the waits: `policy.schedule(call_seed=...)`. Arguments and results of the call are not part of it.
    """

    __slots__ = ("attempt", "call_seed", "class_", "code", "delay", "elapsed", "error", "kind", "name", "policy", "reason", "sent")

    def __init__(
        self,
        kind: Kind,
        policy: Policy,
        name: str | None,
        attempt: int,
        elapsed: float,
        delay: float | None = None,
        error: Exception | None = None,
        reason: str | None = None,
        call_seed: int | None = None,
        class_: str | None = None,
        sent: str | None = None,
        code: str | None = None,
    ) -> None:
        self.kind: Kind = kind
        self.policy = policy
        self.name = name
        self.attempt = attempt
        self.elapsed = elapsed
        self.delay = delay
        self.error = error
        self.reason = reason
        self.call_seed = call_seed
        self.class_ = class_
        self.sent = sent
        self.code = code

    def __repr__(self) -> str:
        fields = ("kind", "name", "attempt", "elapsed", "delay", "error", "reason", "class_", "code")
        return f"Event({', '.join(f'{field}={getattr(self, field)!r}' for field in fields)})"

    def __reduce__(self) -> Any:
        facts = (self.class_, self.sent, self.code)
        return Event, (self.kind, self.policy, self.name, self.attempt, self.elapsed, self.delay, self.error, self.reason, self.call_seed, *facts)


class Subscription:
    """A hook that hears of every call, until it is closed; also a context manager."""

    __slots__ = ("_hook",)

    def __init__(self, hook: Hook) -> None:
        self._hook: Hook | None = hook
        _switch.add_hook(hook)

    def close(self) -> None:
        """No more events. An extra call is harmless."""
        if self._hook is not None:
            hook, self._hook = self._hook, None
            _switch.remove_hook(hook)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def on_event(hook: Hook) -> Subscription:
    """Has a hook called with every `Event` of every call in this process.

    The hook may return a context manager. It is entered at once and closed exactly once: that of an `attempt` when the attempt ends, that
    of a `scheduled` when the wait ends, the others at once. A hook that raises an `Exception` changes no call: it is reported as a
    `RuntimeWarning`.
    """
    if not callable(hook):
        raise TypeError(f"hook is {hook!r}, allowed a callable; pass a function that takes an Event")
    return Subscription(hook)


class Open:
    """The context managers that hooks returned for one event."""

    __slots__ = ("_managers",)

    def __init__(self) -> None:
        self._managers: list[Any] = []

    def emit(self, hooks: tuple[Hook, ...], event: Event) -> None:
        for hook in hooks:
            try:
                manager = hook(event)
                if manager is not None and hasattr(manager, "__exit__"):
                    manager.__enter__()
                    self._managers.append(manager)
            except Exception as error:
                _report(hook, error)

    def close(self, error: BaseException | None) -> None:
        """Closes what is open, the last first. An extra call is harmless."""
        while self._managers:
            manager = self._managers.pop()
            try:
                manager.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)
            except Exception as raised:
                if raised is not error:
                    _report(manager, raised)


def _report(hook: object, error: Exception) -> None:
    from ._warn import warn

    warn(f"the hook {hook!r} raised {error!r}; the call goes on without it", RuntimeWarning)
