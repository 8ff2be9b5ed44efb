"""What concerns every call in the process: the switch, global hooks, testing; the fast wrappers hear of it as one flag."""

from __future__ import annotations

from _thread import allocate_lock
from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._events import Hook
    from ._testing import Testing

lock = allocate_lock()
active: bool = True
hooks: tuple[Hook, ...] = ()
#: How many `testing()` contexts are open in the process.
testing_contexts: int = 0
#: The `testing()` context that a call runs in.
testing: ContextVar[Testing | None] = ContextVar("undaunted_testing", default=None)
#: The deadline that an outer call with `nested: share` hands on, in seconds of `time.monotonic`.
deadline: ContextVar[float | None] = ContextVar("undaunted_deadline", default=None)


def set_active(value: bool) -> None:
    """Switches retrying on or off for the whole process. Off, every call is made once and its error leaves as `inactive`."""
    global active
    with lock:
        active = bool(value)
        _update()


def is_active() -> bool:
    """Whether retrying is switched on."""
    return active


def add_hook(hook: Hook) -> None:
    global hooks
    with lock:
        hooks = (*hooks, hook)
        _update()


def remove_hook(hook: Hook) -> None:
    global hooks
    with lock:
        left = list(hooks)
        left.remove(hook)
        hooks = tuple(left)
        _update()


def count_testing(change: int) -> None:
    global testing_contexts
    with lock:
        testing_contexts += change
        _update()


def renew_after_fork() -> None:
    """In a forked child: a thread of the parent's may have held the lock, and is not there to release it."""
    global lock
    lock = allocate_lock()
    _update()


def _update() -> None:
    """Tells the fast wrappers, under the lock."""
    from . import _plain

    _plain.special = not active or bool(hooks) or testing_contexts > 0
