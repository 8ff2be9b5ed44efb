"""Retries for Python: one policy, one engine, the same decisions in Rust, JavaScript and Python."""

from ._block import Attempt as Attempt
from ._block import RetryContext as RetryContext
from ._core import __version__ as __version__
from ._core import redraw_entropy as _redraw_entropy
from ._errors import FailedAttempt as FailedAttempt
from ._errors import GaveUp as GaveUp
from ._errors import History as History
from ._errors import HttpError as HttpError
from ._errors import NestedRetryWarning as NestedRetryWarning
from ._errors import PolicyError as PolicyError
from ._errors import TimeoutError as TimeoutError
from ._errors import again as again
from ._errors import history as history
from ._errors import stop as stop
from ._events import Event as Event
from ._events import Subscription as Subscription
from ._events import on_event as on_event
from ._policy import Policy as Policy
from ._retry import Classification as Classification
from ._retry import classify as classify
from ._retry import diff as diff
from ._retry import ok as ok
from ._retry import read_hint as read_hint
from ._retry import retry as retry
from ._retry import retry_context as retry_context
from ._source import PolicySource as PolicySource
from ._source import watch as watch
from ._switch import is_active as is_active
from ._switch import set_active as set_active

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._breaker import Breaker as Breaker
    from ._breaker import BreakerOpen as BreakerOpen
    from ._breaker import Permit as Permit
    from ._budget import Budget as Budget
    from ._bulkhead import Bulkhead as Bulkhead
    from ._bulkhead import BulkheadFull as BulkheadFull
    from ._hedge import Hedge as Hedge
    from ._resume import Resumed as Resumed
    from ._resume import resume_token as resume_token
    from ._script import ScriptedError as ScriptedError
    from ._simulate import simulate_herd as simulate_herd
    from ._simulate import simulate_layers as simulate_layers
    from ._simulate import simulate_loss as simulate_loss
    from ._testing import Testing as Testing
    from ._testing import testing as testing
    from ._throttle import Throttle as Throttle
    from ._throttle import Throttled as Throttled

# TimeoutError is left out: a star import must not hide the builtin.
__all__ = [
    "Attempt",
    "Breaker",
    "BreakerOpen",
    "Budget",
    "Bulkhead",
    "BulkheadFull",
    "Classification",
    "Event",
    "FailedAttempt",
    "GaveUp",
    "Hedge",
    "History",
    "HttpError",
    "NestedRetryWarning",
    "Permit",
    "Policy",
    "PolicyError",
    "PolicySource",
    "Resumed",
    "RetryContext",
    "ScriptedError",
    "Subscription",
    "Testing",
    "Throttle",
    "Throttled",
    "__version__",
    "again",
    "classify",
    "diff",
    "history",
    "is_active",
    "ok",
    "on_event",
    "read_hint",
    "resume_token",
    "retry",
    "retry_context",
    "set_active",
    "simulate_herd",
    "simulate_layers",
    "simulate_loss",
    "stop",
    "testing",
    "watch",
]


#: What is not needed to retry is loaded when it is first named.
_LATER = {
    "Breaker": "_breaker",
    "BreakerOpen": "_breaker",
    "Permit": "_breaker",
    "Budget": "_budget",
    "Bulkhead": "_bulkhead",
    "BulkheadFull": "_bulkhead",
    "Hedge": "_hedge",
    "Resumed": "_resume",
    "resume_token": "_resume",
    "ScriptedError": "_script",
    "simulate_herd": "_simulate",
    "simulate_layers": "_simulate",
    "simulate_loss": "_simulate",
    "Testing": "_testing",
    "testing": "_testing",
    "Throttle": "_throttle",
    "Throttled": "_throttle",
}

# Out of sight of type checkers, which would take any name for known.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        found: object = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _renew_after_fork() -> None:
    """A forked child must not draw the waits of its parent, nor wait for a lock that nobody releases there."""
    import os

    from ._switch import renew_after_fork

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_end_first_failure)
        os.register_at_fork(after_in_child=_redraw_entropy)
        os.register_at_fork(after_in_child=renew_after_fork)


def _end_first_failure() -> None:
    """Imports what the first failure does, and waits for a thread that is about to: its lock would be held in the child for ever."""
    from . import _drivers as _drivers


_renew_after_fork()
