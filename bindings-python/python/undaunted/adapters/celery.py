"""Celery tasks whose failures a policy judges, and calls that are handed over to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import celery  # type: ignore[import-untyped]
from celery.exceptions import Ignore, Reject, Retry  # type: ignore[import-untyped]

from .._errors import history
from .._resume import resume, resume_token

if TYPE_CHECKING:
    from celery.result import AsyncResult  # type: ignore[import-untyped]

    from .._policy import Policy
    from .._resume import Resumed
    from .._source import PolicySource

#: The header of a message that carries the token.
HEADER = "undaunted"


class RetryingTask(celery.Task):  # type: ignore[misc]
    """`@app.task(base=RetryingTask, policy=policy)`: in place of `autoretry_for`, `retry_backoff`, `retry_jitter` and `max_retries`.

    A task that raises is retried by `self.retry(countdown=...)` after the policy's wait, or fails with the error that it raised. The token of
    the call goes in the message's headers, so the next attempt goes on with the same schedule on whatever worker it starts; it is signed if
    the task has a `key`. A task with `timeout` counts the time that it waits in the queue, too.

    An attempt that the task decides about itself, by `self.retry`, `Ignore` or `Reject`, is left to it.
    """

    abstract = True
    #: What decides; needed.
    policy: Policy | PolicySource
    #: Signs the tokens: those of messages that come must be signed with it then.
    key: str | bytes | None = None
    #: The policy decides how often.
    max_retries = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Makes one attempt. Called directly, and not by a worker, it runs the function alone."""
        if self.request.called_directly:
            return super().__call__(*args, **kwargs)
        call = self._call(self.request.headers)
        try:
            result = self.run(*args, **kwargs)
        except (Ignore, Reject, Retry):
            raise
        except Exception as error:
            delay = call.failed(error)
            if delay is None:
                raise
            raise self.retry(exc=error, countdown=delay, headers={**(self.request.headers or {}), HEADER: call.token}) from error
        call.succeeded()
        return result

    def hand_over(self, error: Exception, args: Any = (), kwargs: Any = None, **options: Any) -> AsyncResult:
        """Sends the task for a call that was given up with this error, in a web service say, and lets it go on with that call's schedule.

        `countdown` is the wait before the next attempt by the task's policy. Raises the error itself if the policy gives up, too; one on
        which no call gave up begins a schedule of the task's own. `options` are those of `apply_async`.
        """
        if not history(error):
            return self.apply_async(args, kwargs, **options)
        call = resume(self.policy.current(), resume_token(error, key=self.key), self.key, self.name)
        if call.delay is None:
            raise error
        headers = {**(options.pop("headers", None) or {}), HEADER: call.token}
        return self.apply_async(args, kwargs, **{"countdown": call.delay, **options}, headers=headers)

    def _call(self, headers: dict[str, Any] | None) -> Resumed:
        return resume(self.policy.current(), (headers or {}).get(HEADER), self.key, self.name)
