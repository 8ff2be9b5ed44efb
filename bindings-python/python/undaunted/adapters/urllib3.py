"""A `Retry` for urllib3, and so for requests, that a policy drives."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.exceptions import MaxRetryError, ProtocolError, ReadTimeoutError, ResponseError
from urllib3.util.util import reraise

from .._errors import MARK
from .._policy import Policy
from .._readers import BODY, read, response_failure
from .._run import Run

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import TracebackType
    from typing import Self

    from urllib3.connectionpool import ConnectionPool
    from urllib3.response import BaseHTTPResponse

    from .._core import Failure
    from .._source import PolicySource


class Retry(urllib3.Retry):
    """For `PoolManager(retries=...)` and `requests.adapters.HTTPAdapter(max_retries=...)`: the policy's decisions, delays and hints.

    One object may serve any number of requests. urllib3 says nothing of a request before it fails, so that `timeout` counts from the first
    failure, nothing of its headers, so that an `Idempotency-Key` is not seen (say idempotency_key=True), and nothing of successes, of which
    budgets and breakers do not hear then; `undaunted.adapters.requests` knows all three.
    A status that is given up comes back as the last response. Errors are urllib3's own: MaxRetryError, with the last one as `reason`.
    Redirects are followed at most `redirect` times and are no retries. Where rules look at bodies, those of status 400 and more are read.
    A body that breaks off while urllib3 reads it, as it does but for preload_content=False, is a failure like any other.

    `total`, `connect`, `read`, `status`, `other`, `allowed_methods` and `status_forcelist` are urllib3's own and hold beside the policy:
    what one of both does not allow is not retried.
    """

    def __init__(
        self,
        policy: Policy | PolicySource | None = None,
        *,
        redirect: int | bool | None = 10,
        idempotency_key: bool = False,
        raise_on_redirect: bool = True,
        remove_headers_on_redirect: Collection[str] = urllib3.Retry.DEFAULT_REMOVE_HEADERS_ON_REDIRECT,
        total: int | bool | None = None,
        connect: int | None = None,
        read: int | None = None,
        status: int | None = None,
        other: int | None = None,
        allowed_methods: Collection[str] | None = None,
        status_forcelist: Collection[int] | None = None,
    ) -> None:
        super().__init__(
            total=total,
            connect=connect,
            read=read,
            redirect=redirect,
            status=status,
            other=other,
            allowed_methods=allowed_methods,
            status_forcelist=status_forcelist,
            raise_on_redirect=raise_on_redirect,
            raise_on_status=False,
            remove_headers_on_redirect=remove_headers_on_redirect,
        )
        self.policy: Policy | PolicySource = Policy() if policy is None else policy
        self.idempotency_key = idempotency_key
        self._run: Run | None = None
        self._delay = 0.0
        self._last: tuple[Any, str | None, Exception] = (None, None, ResponseError())

    def started(self, method: str | None, host: str, idempotency_key: bool) -> Self:
        """A copy for one request, whose clock runs from now on."""
        retry = self.new()
        retry.idempotency_key = idempotency_key or self.idempotency_key
        retry._run = retry._begun(method, host)
        return retry

    @property
    def attempt_timeout(self) -> float | None:
        """Limit of one attempt in seconds, of the policy that the request has begun with."""
        policy = self.policy.current() if self._run is None else self._run.policy
        return policy.attempt_timeout

    def new(self, **changes: Any) -> Self:
        """A copy with these attributes: same policy, same call."""
        retry = copy.copy(self)
        for name, value in changes.items():
            setattr(retry, name, value)
        return retry

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        """Whether `increment` is to be asked: the policy decides there."""
        if not self._is_method_retryable(method):
            return False
        return status_code in self.status_forcelist if self.status_forcelist else status_code >= 400

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        """The state after a failure. Raises MaxRetryError, or the error itself, if the request is given up."""
        if error is None and response is not None and response.get_redirect_location():
            retry = super().increment(method, url, response, error, _pool, _stacktrace)
            retry._delay = 0.0
            return retry
        run = self._run or self._begun(method, getattr(_pool, "host", None) or "")
        last = (_pool, url, error or ResponseError(cause_of(response)))
        delay = run.failed(error, self._facts(run.policy, response, error))
        if delay is None:
            # As urllib3: what may have reached the server and is no case for a retry leaves as it is.
            if isinstance(error, (ReadTimeoutError, ProtocolError)) and run.call.reason in ("permanent", "not_idempotent"):
                raise reraise(type(error), error, _stacktrace)
            raise spent(*last) from last[2]
        try:
            retry = super().increment(method, url, response, error, _pool, _stacktrace)
        except Exception as limit:
            run.abandoned(limit)
            raise
        retry._run, retry._delay, retry._last = run, delay, last
        return retry

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Waits as the policy says. Raises MaxRetryError if the wait outlasts the deadline, or is cancelled."""
        if self._run is None:
            return
        if not self._run.wait(self._delay):
            raise spent(*self._last)
        self._run.attempt_starts()

    def sleep_for_retry(self, response: BaseHTTPResponse) -> bool:
        """Redirects are followed at once."""
        return False

    def get_backoff_time(self) -> float:
        """The wait before the next attempt in seconds."""
        return self._delay

    def _begun(self, method: str | None, host: str) -> Run:
        policy = self.policy.current()
        run = Run(policy, policy.name or f"{method} {host}", method, self.idempotency_key)
        run.open()
        run.attempt_starts()
        return run

    def _facts(self, policy: Policy, response: BaseHTTPResponse | None, error: Exception | None) -> Failure:
        if response is None:
            return read(error or ResponseError(), False)
        body = response.read(cache_content=True) or response.data if policy._core.needs_body else None
        return response_failure(response.status, response.headers, body and body[:BODY])


def cause_of(response: BaseHTTPResponse | None) -> str:
    """What urllib3 says of a response that it may not repeat."""
    return ResponseError.GENERIC_ERROR if response is None else ResponseError.SPECIFIC_ERROR.format(status_code=response.status)


def spent(pool: Any, url: str | None, reason: Exception) -> MaxRetryError:
    """The error that urllib3 raises at the end, with the note and the history of the one that it stands for."""
    error = MaxRetryError(pool, url or "", reason)
    for name in (MARK, "__notes__"):
        if name in reason.__dict__:
            error.__dict__[name] = reason.__dict__[name]
    return error
