"""stamina's public names, defaults and records over undaunted's engine: `from undaunted.compat import stamina` is the whole migration.

What differs, for the better:

- No wait ends past `timeout`, a backoff hook's own neither; one that would is not begun. Below zero it is 0.
- Waits at `wait_max` keep their jitter: the whole of it lies below the cap.
- `StopIteration`, `StopAsyncIteration`, cancellation and exits pass every form as they came, whatever `on` says.
- Context managers of hooks are closed exactly once, also if the wait is interrupted; a hook that raises changes no call and is a warning.
- A server's `Retry-After` that an error carries is waited for; one beyond two minutes or `timeout` ends the call.
- The last error has a note that says why it was given up, and `undaunted.history(error)` has every attempt.
- A group is retried if every leaf would be; hooks see the leaves.
- A synchronous form that meets an awaitable raises TypeError; retries inside retries are warned of.

`undaunted.testing()`, `undaunted.on_event` and `undaunted.set_active` hold for these calls, too. `fn.policy` is the policy of a
decorated function.
"""

from __future__ import annotations

from . import instrumentation
from ._config import is_active, is_testing, set_active, set_testing
from ._core import (
    AsyncRetryingCaller,
    Attempt,
    BoundAsyncRetryingCaller,
    BoundRetryingCaller,
    RetryingCaller,
    retry,
    retry_context,
)

__all__ = [
    "AsyncRetryingCaller",
    "Attempt",
    "BoundAsyncRetryingCaller",
    "BoundRetryingCaller",
    "RetryingCaller",
    "instrumentation",
    "is_active",
    "is_testing",
    "retry",
    "retry_context",
    "set_active",
    "set_testing",
]

#: The release of stamina whose names these are.
__version__ = "26.1.0"
