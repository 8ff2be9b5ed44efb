"""A retrying transport adapter for requests."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from .._errors import MARK, NOTE
from ._http import has_idempotency_key
from .urllib3 import Retry

if TYPE_CHECKING:
    from .._policy import Policy
    from .._source import PolicySource


class RetryingAdapter(HTTPAdapter):
    """`session.mount("https://", RetryingAdapter(policy))`: the policy's decisions for every request of a session.

    A status that is given up comes back as the last response, unchanged; errors are those of requests, and `undaunted.history` knows their
    attempts. `timeout` counts from the start of a request, and a request without a timeout of its own gets `attempt_timeout` as connect and
    read timeout.
    """

    def __init__(self, policy: Policy | PolicySource | None = None, **adapter_options: Any) -> None:
        super().__init__(max_retries=Retry(policy), **adapter_options)

    @property
    def max_retries(self) -> Any:
        """The state of the request that is being sent, else the template."""
        return _current.get() or self._template

    @max_retries.setter
    def max_retries(self, retry: Any) -> None:
        self._template = retry

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Sends a request with retries. Raises as `HTTPAdapter.send`."""
        template: Retry = self._template
        host = urlsplit(request.url or "").hostname or ""
        state = template.started(request.method, str(host), has_idempotency_key(request.headers))
        if len(args) < 2 and options.get("timeout") is None:
            options["timeout"] = state.attempt_timeout
        token = _current.set(state)
        try:
            return super().send(request, *args, **options)
        except requests.RequestException as error:
            adopt(error)
            raise
        finally:
            _current.reset(token)

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """As `HTTPAdapter.build_response`; a body that a rule has looked at is there still."""
        response = super().build_response(req, resp)
        body = getattr(resp, "_body", None)
        if isinstance(body, bytes):
            response._content = body
            response._content_consumed = True  # type: ignore[attr-defined]
        return response


def adopt(error: requests.RequestException) -> None:
    """Takes over note and history from the error of urllib3 that this one stands for."""
    inner = next((part for part in (*error.args, error.__context__) if isinstance(part, Exception)), None)
    mark = None if inner is None else inner.__dict__.get(MARK)
    if inner is not None and mark is not None:
        error.__dict__[MARK] = mark
        for note in inner.__dict__.get("__notes__", ()):
            if note.startswith(NOTE):
                error.add_note(note)


_current: ContextVar[Retry | None] = ContextVar("undaunted_requests", default=None)
